"""Requests wait for locks that others hold.

## What it finds
An endpoint whose statements wait for locks for a twentieth or more of its database time, a second in all at least. The
server logs only waits longer than `deadlock_timeout`, a second as a rule, and only with `log_lock_waits`.

## Why it matters
No index makes a wait shorter: the statement is fast, and another transaction holds the row or the table. Requests queue
up behind it, each with a connection of its own.

## What to do
Find who holds the lock: a transaction that stays open, a job that writes many rows at once, a migration. Make its
transactions shorter; lock rows in the same order everywhere; where workers take rows from a queue, use SKIP LOCKED.

## When to leave it
It happened once, in a migration that was announced.

## Source
https://www.postgresql.org/docs/current/runtime-config-logging.html#GUC-LOG-LOCK-WAITS
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
)

LARGE, HUGE = 0.05, 0.3
"""Of the endpoint's database time."""
LEAST_MS = 1_000.0

TAKE = ran("UPDATE stock SET left_over = left_over - $1 WHERE id = $2", ms=20)
BAD = [Example(endpoint=endpoint("POST /orders", TAKE, lock_wait_ms=1_500))]
GOOD = [
    Example(note="It waits for nobody.", endpoint=endpoint("POST /orders", TAKE)),
    Example(
        note="One wait in a long time of work.",
        endpoint=endpoint("POST /orders", ran("UPDATE stock SET a = $1", ms=500), lock_wait_ms=1_500),
    ),
]


@endpoint_rule(severity=Severity.ERROR, since="0.2")
def check(seen: SeenEndpoint, facts: Facts) -> Iterator[Finding]:
    waited, spent = seen.seen.lock_wait_ms, seen.seen.database_ms.total
    if waited < LEAST_MS or not spent or waited < LARGE * spent:
        return
    waits = [(logged.lock_wait_ms, each) for each in seen.statements if (logged := seen.logged(each.statement))]
    longest, of = max(waits, key=lambda each: each[0], default=(0.0, None))
    share = min(waited / spent, 1.0)
    text = f"{waited:,.0f} ms of waits in {seen.requests:,} requests, of {spent:,.0f} ms of database time"
    yield seen.finding(
        f"{share:.0%} of the database time of its requests is waiting for locks",
        (Evidence(rung=Rung.MEASURED, text=text),),
        Remedy(
            text="Find who holds the lock (the log names the process), make that transaction shorter, and lock rows in "
            "the same order everywhere."
        ),
        severity=Severity.ERROR if share >= HUGE else Severity.WARNING,
        wrong_if="it was one event, like a migration",
        of=of if longest else None,
        saves_ms=min(waited, spent) / seen.requests,
    )
