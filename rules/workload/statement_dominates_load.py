"""One statement takes a large part of all database time.

## What it finds
A statement with a quarter or more of all observed time, in a workload of five statements or more.

## Why it matters
What is won here is won for the whole database, and nowhere else is so much to be won with one change. It also tells
which kind of work it is: a few slow calls are a matter of plan and index, very many fast ones are a matter of the
application.

## What to do
Start with it. When each call is slow, read its plan. When each call is fast and there are very many, ask for many rows
at once, keep the answer for a while, or do not ask.

## When to leave it
That statement is what the database is for, and each call is as fast as it can be.

## Source
https://www.postgresql.org/docs/current/pgstatstatements.html
"""

from collections.abc import Iterator

from pgadvisor.rule import (
    Evidence,
    Example,
    Facts,
    Finding,
    Remedy,
    Rung,
    Severity,
    Statement,
    Where,
    workload_rule,
)

LARGE, HUGE = 0.25, 0.5
LEAST_STATEMENTS = 5
LEAST_MS_PER_DAY = 60_000.0
"""On a database that is idle all day one statement always leads."""
FAST_MS = 1.0
"""A call as fast as this has little left to gain but its round trip."""

OTHERS = tuple((f"SELECT {column} FROM customer WHERE id = $1", 90_000, 0.5) for column in ("a", "b", "c", "d", "e"))
BAD = [Example(sql="SELECT * FROM orders WHERE status = $1", calls=90_000, mean_ms=45, other=OTHERS)]
GOOD = [
    Example(
        note="The load is spread.", sql="SELECT * FROM orders WHERE id = $1", calls=90_000, mean_ms=0.5, other=OTHERS
    ),
    Example(note="It is the only statement there is.", sql="SELECT * FROM orders WHERE status = $1", calls=90_000),
    Example(
        note="The database does next to nothing.",
        sql="SELECT * FROM orders WHERE status = $1",
        calls=90,
        mean_ms=45,
        other=(("SELECT 2", 9, 0.1), ("SELECT 3, 3", 9, 0.1), ("SELECT 4, 4, 4", 9, 0.1), ("SELECT 5 + 5, 1", 9, 0.1)),
    ),
]


@workload_rule(severity=Severity.WARNING, since="0.1")
def check(facts: Facts) -> Iterator[Finding]:
    timed = [statement for statement in facts.snapshot.statements if statement.total_ms]
    if len(timed) < LEAST_STATEMENTS:
        return
    for statement in timed:
        share, day = facts.share(statement.key) or 0.0, facts.ms_per_day(statement.key)
        if share < LARGE or (day is not None and day < LEAST_MS_PER_DAY):
            continue
        yield Finding(
            where=Where(statement=statement.key),
            message=f"one statement takes {share:.0%} of all database time" + _calls(statement),
            evidence=_evidence(statement, share, len(timed)),
            remedy=Remedy(text=_advice(statement)),
            wrong_if="the window of the counters holds one rare job, or that statement is what the database is for",
            severity=Severity.WARNING if share >= HUGE else Severity.INFO,
        )


def _calls(statement: Statement) -> str:
    if statement.calls is None or statement.mean_ms is None:
        return ""
    return f": {statement.calls:,} calls of {statement.mean_ms:,.2f} ms"


def _evidence(statement: Statement, share: float, count: int) -> tuple[Evidence, ...]:
    pieces = [Evidence(rung=Rung.MEASURED, text=f"{share:.0%} of the time of {count} statements")]
    if statement.io_ms and statement.total_ms:
        waited = min(statement.io_ms / statement.total_ms, 1.0)  # the waits of parallel workers add up to more
        text = f"{waited:.0%} of it is reading and writing pages"
        pieces.append(Evidence(rung=Rung.MEASURED, text=text))
    if statement.shared_hit_blocks is not None and statement.shared_read_blocks is not None and statement.calls:
        pages = (statement.shared_hit_blocks + statement.shared_read_blocks) / statement.calls
        pieces.append(Evidence(rung=Rung.MEASURED, text=f"{pages:,.0f} pages a call"))
    return tuple(pieces)


def _advice(statement: Statement) -> str:
    if statement.mean_ms is not None and statement.mean_ms < FAST_MS:
        return (
            "Each call is fast: call it less often. Ask for many keys at once with = ANY, keep the answer for a while, "
            "or find the loop that sends it."
        )
    return "Start here: read its plan and the other findings about it before anything else."
