"""Requests hold a transaction open while they do something else.

## What it finds
An endpoint whose transactions wait for the application, between two statements, for half a second or more of a request
on average, and for longer than the database works for it.

## Why it matters
Until the transaction ends it keeps its locks, its connection, and the rows that VACUUM could otherwise remove: others
wait for what nobody works on. Mostly it is a call to another service, or much work in the program, between BEGIN and
COMMIT.

## What to do
Call others before the transaction begins or after it is committed. Set `idle_in_transaction_session_timeout` against
the cases that nobody thought of.

## When to leave it
A job of the night, in which nobody waits for anything.

## Source
https://www.postgresql.org/docs/current/runtime-config-client.html#GUC-IDLE-IN-TRANSACTION-SESSION-TIMEOUT
"""

from collections.abc import Iterator
from itertools import pairwise

from pgadvisor.rule import (
    Evidence,
    Example,
    Facts,
    Finding,
    Remedy,
    RequestTrace,
    Rung,
    SeenEndpoint,
    Severity,
    endpoint,
    endpoint_rule,
    ran,
)

LONG_MS, VERY_LONG_MS = 500.0, 5_000.0
"""Of a request: others notice it, and others fail of it."""

PAY = ran("UPDATE orders SET paid = true WHERE id = $1", line="app/pay.py:30")
BAD = [Example(endpoint=endpoint("POST /pay", PAY, ran("SELECT id FROM orders"), idle_ms=900))]
GOOD = [
    Example(note="A few milliseconds of work.", endpoint=endpoint("POST /pay", PAY, idle_ms=20)),
    Example(
        note="The database works longer than it waits.",
        endpoint=endpoint("POST /report", ran("SELECT sum(total) FROM orders", ms=60_000), idle_ms=900),
    ),
]


@endpoint_rule(severity=Severity.ERROR, since="0.2")
def check(seen: SeenEndpoint, facts: Facts) -> Iterator[Finding]:
    idle = seen.seen.idle_in_transaction_ms / seen.requests
    busy = seen.seen.database_ms.total / seen.requests
    if idle < LONG_MS or idle <= busy:
        return
    text = f"{idle:,.0f} ms a request over {seen.requests:,} requests, in which the database worked for {busy:,.1f} ms"
    yield seen.finding(
        f"transactions stay open for {idle:,.0f} ms of a request while nothing runs",
        (Evidence(rung=Rung.MEASURED, text=text), *_longest(seen.seen.slow)),
        Remedy(
            text="Do what takes time before the transaction begins or after it is committed, and set "
            "idle_in_transaction_session_timeout for the role of the application."
        ),
        severity=Severity.ERROR if idle >= VERY_LONG_MS else Severity.WARNING,
        wrong_if="nobody else works with the rows that it holds",
    )


def _longest(trace: RequestTrace | None) -> Iterator[Evidence]:
    """Where a slow request waits longest."""
    if trace is None:
        return
    rests = [
        (after.start_ms - before.start_ms - before.duration_ms, before, after)
        for before, after in pairwise(trace.steps)
        if after.is_in_transaction
    ]
    rest, before, after = max(rests, key=lambda each: each[0], default=(0.0, None, None))
    if before is None or after is None or rest < LONG_MS:
        return
    told = [f"after {before.line}" if before.line else "", f"before {after.line}" if after.line else ""]
    place = " and ".join(each for each in told if each)
    yield Evidence(rung=Rung.MEASURED, text=f"a slow request waits {rest:,.0f} ms in one place{place and ', ' + place}")
