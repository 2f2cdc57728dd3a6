"""A request asks the same question again, with the same parameters, and nothing was written in between.

## What it finds
A SELECT that reads a table and runs with equal parameters once more, or oftener, in a request on average. Runs after a
write of the same request do not count, for the answer may be another one.

## Why it matters
The answer is there already. Two parts of the program that do not know of each other ask for the same row: the user of
the session, a setting, the parent of each item.

## What to do
Ask once and hand the answer on, or keep it for the time of the request: a cached property, a loader, the identity map
of the session.

## When to leave it
The row is read again to see what others have changed meanwhile, as when one waits for it.

## Source
https://docs.djangoproject.com/en/stable/topics/db/optimization/#understand-cached-attributes
"""

import re
from collections.abc import Iterator

from pgadvisor.rule import (
    EndpointStatement,
    Evidence,
    Example,
    Facts,
    Finding,
    Query,
    Remedy,
    Rung,
    SeenEndpoint,
    Severity,
    endpoint,
    endpoint_rule,
    ran,
    table,
)

LEAST = 0.9
"""Of a request, on average: it is what the endpoint does, and not a user who asks twice."""
LEAST_REQUESTS = 2
MANY, NOTICED_MS = 3.0, 1.0
VOLATILE = re.compile(r"\b(nextval|random|clock_timestamp|pg_\w+)\s*\(", re.IGNORECASE)
"""Its answer is another one each time, or it is asked for what it does."""

USER = table("account", columns={"name": "text"})
ONE = "SELECT id, name FROM account WHERE id = $1"
BAD = [
    Example(endpoint=endpoint("GET /cart", ran(ONE, each=2, duplicates=1, line="app/cart.py:9")), tables=(USER,)),
    Example(endpoint=endpoint("GET /cart", ran(ONE, each=25, duplicates=24, ms=0.1)), tables=(USER,)),
]
GOOD = [
    Example(note="Other parameters each time.", endpoint=endpoint("GET /cart", ran(ONE, each=2)), tables=(USER,)),
    Example(
        note="One request in ten asks twice.",
        endpoint=endpoint("GET /cart", ran(ONE, each=1.1, duplicates=0.1)),
        tables=(USER,),
    ),
    Example(
        note="It reads no table: the pool asks whether the connection is alive.",
        endpoint=endpoint("GET /cart", ran("SELECT 1", each=2, duplicates=1)),
    ),
    Example(
        note="A lock is asked for, again until it is had.",
        endpoint=endpoint("POST /job", ran("SELECT id, pg_try_advisory_lock(id) FROM account", each=3, duplicates=2)),
        tables=(USER,),
    ),
    Example(
        note="The row is locked.",
        endpoint=endpoint("POST /job", ran(f"{ONE} FOR UPDATE", each=3, duplicates=2)),
        tables=(USER,),
    ),
]


@endpoint_rule(severity=Severity.WARNING, since="0.2")
def check(seen: SeenEndpoint, facts: Facts) -> Iterator[Finding]:
    for each in seen.statements:
        again = each.duplicate_runs / seen.requests
        if again >= LEAST and seen.requests >= LEAST_REQUESTS and _is_plain_read(seen.query(each.statement)):
            yield _finding(each, again, seen)


def _is_plain_read(query: Query | None) -> bool:
    return (
        query is not None
        and query.kind == "select"
        and any(True for _ in query.tables())
        and not any(scope.write or scope.is_locking for scope in query.scopes)
        and not VOLATILE.search(query.text)
    )


def _finding(each: EndpointStatement, again: float, seen: SeenEndpoint) -> Finding:
    saves = each.duplicate_runs * each.database_ms / each.runs / seen.requests
    spent = seen.seen.database_ms.total / seen.requests
    text = (
        f"{each.duplicate_runs:,} of {each.runs:,} runs in {seen.requests:,} requests had the parameters of an earlier "
        f"run of the same request; without them {saves:,.1f} of {spent:,.1f} ms of database time a request are saved"
    )
    times = "once more" if again < 1.5 else f"{again:,.0f} times more"
    where = f", from {len(each.lines)} lines of code" if len(each.lines) > 1 else ""
    return seen.finding(
        f"a query runs {times} in a request with the same parameters{where}",
        (Evidence(rung=Rung.MEASURED, text=text),),
        Remedy(text="Ask once in a request and hand the answer on, or keep it until the request is done."),
        severity=Severity.WARNING if again >= MANY or saves >= NOTICED_MS else Severity.INFO,
        wrong_if="the row is read again to see what others have changed meanwhile",
        of=each,
        saves_ms=saves,
    )
