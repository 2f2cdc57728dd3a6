"""A table changed much since its last ANALYZE, and autovacuum has not come: the planner counts on rows of the past.

## What it finds
Tables with statistics, read by queries, of whose rows a fifth or more (10,000 at least) changed since the last ANALYZE,
which is a day old or older, although twice as many changed as autovacuum waits for
(`autovacuum_analyze_threshold + autovacuum_analyze_scale_factor × rows`, those of the table where it has its own).

## Why it matters
Rows that came since are not in the statistics: for values of today the planner expects one row. It takes nested loops
for what are thousands of rows by now.

## What to do
ANALYZE it now. Then find out why autovacuum does not come: long transactions, too few workers, or a cost limit that is
too low for the load.

## When to leave it
A job analyzes it, and is about to. Or the new rows are like the old ones.

## Source
https://www.postgresql.org/docs/current/routine-vacuuming.html#VACUUM-FOR-STATISTICS
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial

from pgadvisor.rule import (
    STALE_SHARE,
    Evidence,
    Example,
    Facts,
    Finding,
    Rung,
    Severity,
    Table,
    TableCounters,
    Where,
    analyze_table,
    changed_share,
    schema_rule,
    table,
)

LEAST_CHANGED = 10_000
OVERDUE = 2.0
DAY = timedelta(days=1)
MUCH = 0.5
_OFF = frozenset(f"autovacuum_enabled={word}" for word in ("false", "off", "no", "0", "f", "n"))

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
counters = partial(TableCounters, live_rows=400_000, rows_inserted=1_000_000, index_scans=500, last_analyze_at=LONG_AGO)
BAD = [
    Example(
        tables=(table("event", rows=300_000, counters=counters(modified_since_analyze=250_000)),),
        remedy="ANALYZE public.event;",
    ),
]
GOOD = [
    Example(
        note="Autovacuum comes to it at 10 %: it may be on its way.",
        tables=(table("event", rows=400_000, counters=counters(modified_since_analyze=70_000)),),
    ),
    Example(
        note="It is to wait for half of the rows, by the table's own settings.",
        tables=(table("event", rows=400_000, counters=counters(modified_since_analyze=250_000),
                      options=("autovacuum_analyze_scale_factor=0.5",)),),
    ),
    Example(
        note="Nobody reads it.",
        tables=(table("event", rows=300_000, counters=counters(modified_since_analyze=250_000, index_scans=0)),),
    ),
    Example(
        note="All changes that ever were, and yet ANALYZE saw rows: it ran in the session that loaded them.",
        tables=(table("event", rows=300_000, counters=counters(modified_since_analyze=1_000_000)),),
    ),
]  # fmt: skip


@schema_rule(severity=Severity.WARNING, since="0.2", needs=("catalog", "statistics", "counters"))
def check(table: Table, facts: Facts) -> Iterator[Finding]:
    seen = table.counters
    if seen is None or not any(column.statistics for column in table.columns):
        return
    share, changed = changed_share(table), seen.modified_since_analyze
    is_read = bool(seen.sequential_scans or seen.index_scans)
    if share < STALE_SHARE or changed < max(LEAST_CHANGED, OVERDUE * _waited_for(table, facts)) or not is_read:
        return
    if _OFF.intersection(option.lower() for option in table.options) or not _is_long_ago(seen, facts):
        return
    when = f"{seen.last_analyze_at:%Y-%m-%d}" if seen.last_analyze_at else "not since the counters began"
    yield Finding(
        where=Where(table=table.qualified),
        message=f"{changed:,} changes to {table.label} since its last ANALYZE, and {seen.live_rows:,} rows in it",
        evidence=(
            Evidence(rung=Rung.MEASURED, text=f"last analyzed: {when}"),
            Evidence(rung=Rung.MEASURED, text=f"autovacuum waits for {_waited_for(table, facts):,.0f} changes"),
        ),
        remedy=analyze_table(table, f"Analyze {table.label}, and find out why autovacuum does not."),
        wrong_if="a job is about to analyze it, or the new rows are like the old ones",
        severity=Severity.WARNING if share >= MUCH else Severity.INFO,
        cause=f"statistics {table.qualified}",
    )


def _waited_for(table: Table, facts: Facts) -> float:
    """Changes after which autovacuum analyzes the table."""
    own = dict(option.split("=", 1) for option in table.options if "=" in option)

    def value(name: str, default: float) -> float:
        return float(own.get(name) or facts.setting(name) or default)

    rows = table.rows or 0.0
    return value("autovacuum_analyze_threshold", 50) + value("autovacuum_analyze_scale_factor", 0.1) * rows


def _is_long_ago(seen: TableCounters, facts: Facts) -> bool:
    """Whether autovacuum had time; without a last time, since the counters began."""
    server = facts.snapshot.server
    started = (server.statistics_reset_at or server.started_at) if server else None
    since = seen.last_analyze_at or started
    return since is not None and facts.snapshot.collected_at - since >= DAY
