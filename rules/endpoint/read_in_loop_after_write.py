"""A transaction writes and reads in turns: after each row that it writes it asks for a row again.

## What it finds
A SELECT that runs five times or more in a transaction of a request, each time after something was written since its
last run.

## Why it matters
The loop makes two trips to the server for each row. Mostly the row read is the one just written: an object that the
mapper reads back for a number or a default that the database gave.

## What to do
Let the write tell what it wrote, with RETURNING, and write all rows in one statement. In SQLAlchemy it is a refresh
after each flush that reads again, in Django `refresh_from_db`, in Rails `reload`.

## When to leave it
Each row that is written depends on what reading found after the one before.

## Source
https://www.postgresql.org/docs/current/dml-returning.html
"""

from collections.abc import Iterator

from pgadvisor.rule import (
    Evidence,
    Example,
    Facts,
    Finding,
    Remedy,
    Rung,
    SeenEndpoint,
    Severity,
    endpoint,
    endpoint_rule,
    ran,
    table,
)

FEW, MANY = 5.0, 50.0
"""Of a request, on average."""
LEAST_REQUESTS = 2

ITEM = table("item", columns={"sku": "text", "price": "numeric"})
WRITE = "INSERT INTO item (sku, price) VALUES ($1, $2)"
READ = "SELECT id, sku, price FROM item WHERE id = $1"
BAD = [
    Example(endpoint=endpoint("POST /import", ran(WRITE, each=20), ran(READ, each=20, after_write=20)), tables=(ITEM,)),
]
GOOD = [
    Example(
        note="Reads first, then writes.",
        endpoint=endpoint("POST /import", ran(READ, each=20), ran(WRITE, each=20)),
        tables=(ITEM,),
    ),
    Example(
        note="The write tells what it wrote.",
        endpoint=endpoint("POST /import", ran(f"{WRITE} RETURNING id", each=20)),
        tables=(ITEM,),
    ),
    Example(
        note="Once after all of it.",
        endpoint=endpoint("POST /import", ran(WRITE, each=20), ran(READ, after_write=1)),
        tables=(ITEM,),
    ),
]


@endpoint_rule(severity=Severity.ERROR, since="0.2")
def check(seen: SeenEndpoint, facts: Facts) -> Iterator[Finding]:
    for each in seen.statements:
        runs = each.after_write_runs / seen.requests
        if runs < FEW or seen.requests < LEAST_REQUESTS:
            continue
        saves = each.after_write_runs * each.database_ms / each.runs / seen.requests
        spent = seen.seen.database_ms.total / seen.requests
        text = (
            f"{each.after_write_runs:,} of {each.runs:,} runs in {seen.requests:,} requests came after a write of the "
            f"same transaction; they take {saves:,.1f} of {spent:,.1f} ms of database time a request"
        )
        yield seen.finding(
            f"a query reads after each of {runs:,.0f} writes of a request",
            (Evidence(rung=Rung.MEASURED, text=text),),
            Remedy(text="Let the write tell what it wrote with RETURNING, and write all rows in one statement."),
            severity=Severity.ERROR if runs >= MANY else Severity.WARNING,
            wrong_if="what is written depends on what reading found after the write before",
            of=each,
            saves_ms=saves,
        )
