"""pg_stat_statements has no room for all statements, and throws counters away.

## What it finds
`pg_stat_statements_info.dealloc` (PostgreSQL 14 and later): ten rounds of throwing away or more, and one a day or more.
In each round 5 % of the entries go, those that were called the least. A warning from 20 rounds a day on: then as many
entries as there are at all are thrown away every day.

## Why it matters
Rare and slow statements, such as nightly reports, are the first to go: their time is in no list, and what is said of
shares and of statements that do not exist is wrong. Each round also holds up whoever runs a statement.

## What to do
Look whether the entries are the same statement over and over (lists of different lengths, names of temporary tables,
values written into the text): then mend that. Else raise `pg_stat_statements.max`, which takes a restart.

## When to leave it
The statements that come and go are of no interest.

## Source
https://www.postgresql.org/docs/current/pgstatstatements.html#PGSTATSTATEMENTS-PG-STAT-STATEMENTS-INFO
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from pgadvisor.rule import (
    Evidence,
    Example,
    Facts,
    Finding,
    Remedy,
    Rung,
    Severity,
    Where,
    WorkloadTotals,
    server_rule,
)

LEAST_ROUNDS = 10
LEAST_A_DAY, MANY_A_DAY = 1.0, 20.0
MOST_ENTRIES = 50_000
DAY = timedelta(days=1)

BEGUN = datetime(2026, 1, 21, 12, tzinfo=UTC)
SQL = "SELECT 1"
SETTINGS = {"pg_stat_statements.max": "5000"}
BAD = [
    Example(
        sql=SQL,
        settings=SETTINGS,
        more={"totals": WorkloadTotals(statements=5_000, total_ms=1e6, since=BEGUN, evicted=900)},
        remedy="ALTER SYSTEM SET pg_stat_statements.max = 20000;",
    ),
]
GOOD = [
    Example(note="Now and then.", sql=SQL, settings=SETTINGS,
            more={"totals": WorkloadTotals(statements=5_000, total_ms=1e6, since=BEGUN, evicted=3)}),
    Example(note="There is room.", sql=SQL, settings=SETTINGS,
            more={"totals": WorkloadTotals(statements=900, total_ms=1e6, since=BEGUN, evicted=0)}),
]  # fmt: skip


@server_rule(severity=Severity.WARNING, since="0.2", needs=("statements", "settings"))
def check(facts: Facts) -> Iterator[Finding]:
    totals = facts.snapshot.totals
    if totals is None or not totals.evicted or totals.evicted < LEAST_ROUNDS or totals.since is None:
        return
    rounds = totals.evicted / max((facts.snapshot.collected_at - totals.since) / DAY, 1.0)
    if rounds < LEAST_A_DAY:
        return
    room = int(facts.setting("pg_stat_statements.max") or 5_000)
    yield Finding(
        where=Where(),
        message=f"pg_stat_statements has thrown counters away {totals.evicted:,} times for lack of room, "
        f"{rounds:,.0f} times a day",
        evidence=(
            Evidence(rung=Rung.MEASURED, text=f"pg_stat_statements_info.dealloc is {totals.evicted:,}"),
            Evidence(rung=Rung.INFERRED, text=f"pg_stat_statements.max is {room:,}, 5 % of them go each time"),
        ),
        remedy=_remedy(room),
        wrong_if="the statements that come and go are of no interest",
        severity=Severity.WARNING if rounds >= MANY_A_DAY else Severity.INFO,
        cause="statement counters evicted",
    )


def _remedy(room: int) -> Remedy:
    text = "See to it that values are parameters, lists arrays, and temporary tables named alike"
    if room >= MOST_ENTRIES:
        return Remedy(text=f"{text}: more room would not help.")
    more = min(room * 4, MOST_ENTRIES)
    return Remedy(
        text=f"{text}; if they are different statements indeed, give them room and restart the server.",
        sql=f"ALTER SYSTEM SET pg_stat_statements.max = {more};",
        undo=f"ALTER SYSTEM SET pg_stat_statements.max = {room};",
        lock="none, but a restart of the server",
        cost=f"about {more // 2_000:,} MB of shared memory in all, and their texts on disk",
    )
