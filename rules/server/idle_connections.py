"""Many connections are open, and hardly any of them does anything.

## What it finds
At the moment of the look: a hundred clients or more, four fifths of them idle, while the statements of
pg_stat_statements keep less than a fifth of `max_connections` busy on average: N = Σ calls per second × seconds per
call. A warning where nine tenths of `max_connections` are taken.

## Why it matters
Each connection is a process with memory of its own, of several to many megabytes, and each statement looks through all
of them for its snapshot (less so from PostgreSQL 14 on). When `max_connections` is reached, nobody gets in any more.

## What to do
Put a pooler before the server (PgBouncer in transaction mode) or make the application's pools smaller. What is needed:
N ÷ 0.7 connections for the average load, with room for peaks, seldom more than two or three for each core.

## When to leave it
The load comes in peaks that take all of them.

## Source
https://wiki.postgresql.org/wiki/Number_Of_Database_Connections
"""

from collections.abc import Iterator
from math import ceil

from pgadvisor.rule import (
    Activity,
    Evidence,
    Example,
    Facts,
    Finding,
    Remedy,
    Rung,
    Severity,
    Where,
    server_rule,
)

MANY_CLIENTS = 100
LEAST_IDLE = 0.8
MOST_BUSY = 0.2
NEARLY_ALL = 0.9
FILLED = 0.7

SETTINGS = {"max_connections": "500"}
SQL = "SELECT id FROM orders WHERE id = $1"
BAD = [
    Example(sql=SQL, calls=1_000_000, mean_ms=2.0, settings=SETTINGS,
            more={"activity": Activity(clients=470, idle_clients=460)}),
]  # fmt: skip
GOOD = [
    Example(note="A small pool.", sql=SQL, settings=SETTINGS, more={"activity": Activity(clients=20, idle_clients=18)}),
    Example(note="They are at work.", sql=SQL, settings=SETTINGS,
            more={"activity": Activity(clients=300, idle_clients=60)}),
]  # fmt: skip


@server_rule(severity=Severity.WARNING, since="0.2", needs=("sessions", "settings", "statements"))
def check(facts: Facts) -> Iterator[Finding]:
    activity, window_s = facts.snapshot.activity, facts.window_s
    if activity is None or window_s is None or activity.clients < MANY_CLIENTS:
        return
    most = int(facts.setting("max_connections") or 100)
    busy = facts.total_ms / 1_000 / window_s
    if activity.idle_clients < LEAST_IDLE * activity.clients or busy >= MOST_BUSY * most:
        return
    yield Finding(
        where=Where(),
        message=f"{activity.idle_clients:,} of {activity.clients:,} connections are idle",
        evidence=(
            Evidence(rung=Rung.MEASURED, text=f"the statements keep {busy:,.2f} connections busy on average"),
            Evidence(rung=Rung.INFERRED, text=f"max_connections is {most:,}"),
        ),
        remedy=Remedy(
            text=f"Put a pooler before the server, or make the application's pools smaller: the average load needs "
            f"{max(ceil(busy / FILLED), 1):,}, peaks a few times as many."
        ),
        wrong_if="the load comes in peaks that take them all",
        severity=Severity.WARNING if activity.clients >= NEARLY_ALL * most else Severity.INFO,
        cause="idle connections",
    )
