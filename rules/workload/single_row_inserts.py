"""Rows are inserted one at a time, in a statement each.

## What it finds
An INSERT of a single row that runs ten times a second or more, on average over the counters' time, and takes five
hundredths of all observed time or more.

## Why it matters
Each statement is a trip to the server, is parsed and planned, and where it is a transaction of its own waits until its
end is on disk. A hundred rows in one statement cost little more than one: ten to fifty times as many rows a second.

## What to do
Insert many rows in one statement, `INSERT … SELECT * FROM unnest($1::bigint[], $2::text[])` or several VALUES, or use
COPY. Where rows come from many clients one by one, collect them for a moment (a queue, a batch of 100 ms).

## When to leave it
Each row comes with a request of its own that must have it stored before it answers.

## Source
https://www.postgresql.org/docs/current/populate.html
"""

from collections.abc import Iterator

from pgadvisor.rule import (
    Evidence,
    Example,
    Facts,
    Finding,
    Query,
    Remedy,
    Rung,
    Severity,
    Statement,
    Where,
    quoted,
    quoted_table,
    table,
    workload_rule,
)

LEAST_PER_S = 10.0
LEAST_SHARE = 0.05
DAY = 86_400

EVENT = table("event", columns={"id": "bigint", "kind": "text", "at": "timestamp with time zone"})
ONE = "INSERT INTO event (kind, at) VALUES ($1, $2)"
BAD = [
    Example(sql=ONE, calls=30 * DAY * 40, mean_ms=0.08, rows=30 * DAY * 40, tables=(EVENT,),
            remedy="unnest($1::text[], $2::timestamp with time zone[])"),
]  # fmt: skip
GOOD = [
    Example(note="Twice a second.", sql=ONE, calls=30 * DAY * 2, mean_ms=0.08, rows=30 * DAY * 2, tables=(EVENT,)),
    Example(
        note="Many rows in each statement.",
        sql="INSERT INTO event (kind, at) SELECT * FROM unnest($1::text[], $2::timestamptz[])",
        calls=30 * DAY * 40, mean_ms=0.8, rows=30 * DAY * 4_000, tables=(EVENT,),
    ),
    Example(
        note="Other work takes nearly all of the time.",
        sql=ONE, calls=30 * DAY * 40, mean_ms=0.01, rows=30 * DAY * 40, tables=(EVENT,),
        other=(("SELECT count(*) FROM event", 400_000, 500.0),),
    ),
]  # fmt: skip


@workload_rule(severity=Severity.WARNING, since="0.2")
def check(facts: Facts) -> Iterator[Finding]:
    for statement in facts.snapshot.statements:
        query = facts.queries.get(statement.key)
        share = facts.share(statement.key) or 0.0
        if query is None or facts.window_s is None or share < LEAST_SHARE or not _is_single_row(query, statement):
            continue
        per_s = (statement.calls or 0) / facts.window_s
        if per_s >= LEAST_PER_S:
            yield _finding(statement, query, per_s, share, facts)


def _is_single_row(query: Query, statement: Statement) -> bool:
    """Whether each call inserts the one row that it was given, and asks for nothing back but a key."""
    scope = query.top
    is_one = statement.rows_per_call is not None and 0.0 < statement.rows_per_call <= 1.0
    return scope.write == "insert" and is_one and len(query.scopes) <= 2 and all(
        use.is_target or use.kind == "values" for each in query.scopes for use in each.tables
    )  # fmt: skip


def _finding(statement: Statement, query: Query, per_s: float, share: float, facts: Facts) -> Finding:
    target = query.top.target
    found = facts.table(target.table) if target else None
    label = found.label if found else "a table"
    return Finding(
        where=Where(statement=statement.key, table=found.qualified if found else None),
        message=f"rows of {label} are inserted one at a time, {per_s:,.0f} a second",
        evidence=(
            Evidence(rung=Rung.MEASURED, text=f"{statement.calls or 0:,} calls inserted {statement.rows or 0:,} rows, "
                                              f"{share:.0%} of all database time"),
        ),
        remedy=Remedy(text="Insert many rows with each statement, or use COPY.", sql=_for_many(query, facts)),
        wrong_if="each row comes with a request that waits until it is stored",
        severity=facts.severity(statement.key, worst=Severity.WARNING),
    )  # fmt: skip


def _for_many(query: Query, facts: Facts) -> str | None:
    """The same INSERT for arrays of values; None: a value is not a parameter, or it does more than insert."""
    scope, target = query.top, query.top.target
    found = facts.table(target.table) if target else None
    columns = [facts.column(each.table, each.column) for each in scope.assigned]
    if found is None or not columns or None in columns or " returning " in f" {query.text.lower()} ":
        return None
    if " on conflict " in query.text.lower() or query.text.count("$") != len(columns):
        return None
    names = ", ".join(quoted(each.name) for each in columns if each)
    arrays = ", ".join(f"${at}::{each.type}[]" for at, each in enumerate(columns, start=1) if each)
    return f"INSERT INTO {quoted_table(found)} ({names}) SELECT * FROM unnest({arrays})"
