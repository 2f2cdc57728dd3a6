"""A table with rows has no statistics: the planner guesses.

## What it finds
A table of 1,000 rows or more without statistics on any column that the reading role may see, and a partitioned table
whose partitions have statistics and which itself has none: autovacuum never analyzes a parent.

## Why it matters
Without statistics PostgreSQL assumes that a comparison keeps half a percent of the rows, or a third. Joins are chosen
on those numbers.

## What to do
ANALYZE it. For a partitioned table do so regularly, by a job: autovacuum does not.

## When to leave it
The table was filled a minute ago and autovacuum is on its way.

## Source
https://www.postgresql.org/docs/current/routine-vacuuming.html#VACUUM-FOR-STATISTICS
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
    Table,
    TableCounters,
    Where,
    quoted_table,
    schema_rule,
    table,
)

LEAST_ROWS = 1_000
LEAST_PARENT_ROWS = 10_000

BAD = [
    Example(
        tables=(table("event", statistics={}, counters=TableCounters(live_rows=400_000)),),
        remedy="ANALYZE public.event;",
    ),
    Example(
        note="The parent of partitions is never analyzed by autovacuum.",
        tables=(table("event", statistics={}, primary_key=None, partition_key="RANGE (at)", columns={"at": "date"}),
                table("event_2026", primary_key=None, partition_of="event", columns={"at": "date"})),
        remedy="ANALYZE public.event;",
    ),
]  # fmt: skip
GOOD = [
    Example(note="It has statistics.", tables=(table("event"),)),
    Example(
        note="Nothing is in it.",
        tables=(table("event", rows=0, statistics={}, counters=TableCounters(live_rows=0)),),
    ),
    Example(
        note="They are there, but hidden from the role that reads: that says nothing.",
        tables=(table("event", statistics={}, hidden_statistics=True),),
    ),
]


@schema_rule(severity=Severity.WARNING, since="0.1", needs=("catalog", "statistics"))
def check(table: Table, facts: Facts) -> Iterator[Finding]:
    if table.kind == "foreign table" or table.hidden_statistics or not table.columns:
        return
    if any(column.statistics for column in table.columns):
        return
    below = facts.partitions(table.qualified)
    rows = sum(_rows(each) for each in below) if below else _rows(table)
    is_parent_alone = bool(below) and any(column.statistics for each in below for column in each.columns)
    if rows < (LEAST_PARENT_ROWS if below else LEAST_ROWS) or (below and not is_parent_alone):
        return
    yield Finding(
        where=Where(table=table.qualified),
        message=f"{'partitioned table' if below else 'table'} {table.label} has {rows:,.0f} rows and no statistics",
        evidence=(Evidence(rung=Rung.MEASURED, text=f"pg_stats holds no column of {table.label}"),),
        remedy=Remedy(
            text=f"Analyze {table.label}"
            + ("; do it by a job, autovacuum leaves out parents of partitions." if below else "."),
            sql=f"ANALYZE {quoted_table(table)};",
            lock=f"SHARE UPDATE EXCLUSIVE on {table.label}: reads and writes go on",
            cost="reads a sample of the table",
        ),
        wrong_if="the table was filled a moment ago, and autovacuum is about to analyze it",
        severity=Severity.INFO if below else Severity.WARNING,
        cause=f"statistics {table.qualified}",
    )


def _rows(table: Table) -> float:
    """Rows as the counters or the catalog know them."""
    live = table.counters.live_rows if table.counters else 0
    return max(float(live), table.rows or 0.0)
