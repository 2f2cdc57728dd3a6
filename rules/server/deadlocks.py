"""Transactions lock each other out, and the server has to end one of them.

## What it finds
Ten deadlocks or more in the database, and one a day or more, by `pg_stat_database`; a warning from 24 a day on.

## Why it matters
Both transactions wait until `deadlock_timeout` (a second) is over; then one of them is rolled back with an error, and
its work is lost or has to be done again.

## What to do
The server's log names both statements of each deadlock. Lock rows in the same order everywhere: sort by key before a
batch of updates, take SELECT … FOR UPDATE in key order, change parents before children; keep transactions short, and
have the application try again on SQLSTATE 40P01.

## When to leave it
The application tries again, and they are of one nightly job.

## Source
https://www.postgresql.org/docs/current/explicit-locking.html#LOCKING-DEADLOCKS
"""

from collections.abc import Iterator

from pgadvisor.rule import (
    Activity,
    DatabaseCounters,
    Evidence,
    Example,
    Facts,
    Finding,
    Remedy,
    Rung,
    Severity,
    Where,
    counters_a_day,
    server_rule,
)

LEAST = 10
LEAST_A_DAY, MANY_A_DAY = 1.0, 24.0

BAD = [Example(more={"activity": Activity(counters=DatabaseCounters(deadlocks=4_000))})]
GOOD = [Example(note="One in a month.", more={"activity": Activity(counters=DatabaseCounters(deadlocks=1))})]


@server_rule(severity=Severity.WARNING, since="0.2", needs=("activity",))
def check(facts: Facts) -> Iterator[Finding]:
    activity = facts.snapshot.activity
    counters = activity.counters if activity else None
    day = counters_a_day(facts, counters.deadlocks) if counters else None
    if counters is None or day is None or counters.deadlocks < LEAST or day < LEAST_A_DAY:
        return
    yield Finding(
        where=Where(),
        message=f"{counters.deadlocks:,} deadlocks, {day:,.0f} a day",
        evidence=(Evidence(rung=Rung.MEASURED, text=f"pg_stat_database.deadlocks is {counters.deadlocks:,}"),),
        remedy=Remedy(
            text="Look the statements up in the server's log (`deadlock detected`), and have all transactions lock "
            "rows in the same order."
        ),
        wrong_if="the application tries again, and they are of one job",
        severity=Severity.WARNING if day >= MANY_A_DAY else Severity.INFO,
        cause="deadlocks",
    )
