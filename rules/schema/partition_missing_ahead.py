"""The last partition of a table ends soon, or has ended: rows of the time after it are refused.

## What it finds
A table partitioned by RANGE of one column of times, without a default partition, whose last partition ended not more
than three usual partitions ago, or ends within a quarter of a usual partition (a week at most). Where pg_partman makes
partitions, only what has ended already.

## Why it matters
The first INSERT of a row after the end fails, and so does every one after it.

## What to do
Create the next partitions now, and have a job do so from then on.

## When to leave it
The table gets no more rows, or the job runs tonight.

## Source
https://www.postgresql.org/docs/current/ddl-partitioning.html#DDL-PARTITIONING-DECLARATIVE-MAINTENANCE
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise

from pgadvisor.rule import (
    Evidence,
    Example,
    Facts,
    Finding,
    RangePartition,
    Remedy,
    Rung,
    Severity,
    Table,
    Where,
    following,
    has_default,
    interval_days,
    object_name,
    quoted,
    quoted_table,
    range_column,
    range_partitions,
    replace,
    schema_rule,
    stamp,
    table,
    written,
)

AHEAD = 3
"""Partitions to make at once."""
MOST_MADE = 40
ENDED_LENGTHS = 3
LEAST_WARNING, MOST_WARNING = timedelta(hours=6), timedelta(days=7)
EVENT = table("event", primary_key=None, columns={"at": "date"}, partition_key="RANGE (at)")


def _part(name: str, bound: str) -> Table:
    return replace(table(name, primary_key=None, columns={"at": "date"}, partition_of="event"), partition_bound=bound)


def _months(*months: str) -> tuple[Table, ...]:
    """Partitions between the first days of months that follow one another."""
    pairs = pairwise(months)
    return tuple(_part(f"event_{one}", f"FOR VALUES FROM ('{one}-01') TO ('{other}-01')") for one, other in pairs)


BAD = [
    Example(
        note="The examples are collected on the last day of January 2026.",
        tables=(EVENT, *_months("2025-11", "2025-12", "2026-01", "2026-02")),
        remedy="CREATE TABLE public.event_2026_02_01 PARTITION OF public.event "
        "FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');",
    ),
    Example(note="It has ended.", tables=(EVENT, *_months("2025-10", "2025-11", "2025-12", "2026-01"))),
]
GOOD = [
    Example(note="February is there.", tables=(EVENT, *_months("2025-12", "2026-01", "2026-02", "2026-03"))),
    Example(
        note="A default partition takes the rows.",
        tables=(EVENT, *_months("2025-11", "2025-12", "2026-01", "2026-02"), _part("rest", "DEFAULT")),
    ),
    Example(
        note="It ended years ago: an archive.",
        tables=(EVENT, *_months("2019-10", "2019-11", "2019-12", "2020-01")),
    ),
    Example(
        note="pg_partman is at work.",
        tables=(EVENT, *_months("2025-11", "2025-12", "2026-01", "2026-02")),
        extensions=("pg_partman",),
    ),
]


@schema_rule(severity=Severity.ERROR, since="0.2")
def check(table: Table, facts: Facts) -> Iterator[Finding]:
    below = facts.partitions(table.qualified)
    column = range_column(table)
    parts = range_partitions(below) if column and not has_default(below) else None
    days = interval_days(parts) if parts else None
    if not parts or not days or column is None:
        return
    last, now = parts[-1], facts.snapshot.collected_at
    if not isinstance(last.upper, datetime) or not _is_due(last.upper, now, days, facts):
        return
    is_over = last.upper <= now
    left = (last.upper - now).total_seconds() / 3600
    is_written = _is_written(table, facts)
    yield Finding(
        where=Where(table=table.qualified, column=column),
        message=f"the last partition of {table.label} "
        + (f"ended at {last.upper_text}" if is_over else f"ends at {last.upper_text}, in {_hours(left)}"),
        evidence=(Evidence(rung=Rung.INFERRED, text=f"{last.table} is the last, and there is no default partition"),),
        remedy=_remedy(table, last, now, days),
        wrong_if="the table gets no more rows, or a job is about to make the next partitions",
        severity=Severity.ERROR if is_over and is_written else Severity.WARNING,
        cause=f"next partitions of {table.qualified}",
    )


def _is_due(end: datetime, now: datetime, days: float, facts: Facts) -> bool:
    length = timedelta(days=days)
    if end <= now:
        return now - end <= ENDED_LENGTHS * length
    early = min(max(length / 4, LEAST_WARNING), MOST_WARNING)
    return end - now <= early and not facts.has_extension("pg_partman")


def _hours(hours: float) -> str:
    return f"{hours:.0f} hours" if hours < 48 else f"{hours / 24:.0f} days"


def _is_written(table: Table, facts: Facts) -> bool:
    """Whether statements insert into the table."""
    return any(
        scope.write == "insert" and scope.target is not None and scope.target.table == table.qualified
        for query in facts.queries.values()
        for scope in query.scopes
    )


def _remedy(table: Table, last: RangePartition, now: datetime, days: float) -> Remedy:
    made: list[tuple[str, str]] = []
    lower = last.upper
    ahead = 0
    while isinstance(lower, datetime) and ahead < AHEAD and len(made) < MOST_MADE:
        upper = following(lower, days)
        name = f"{quoted(table.schema)}.{quoted(object_name(table.name, (), stamp(lower)))}"
        bounds = f"FOR VALUES FROM ({written(lower, last.upper_text)}) TO ({written(upper, last.upper_text)})"
        made.append((name, f"CREATE TABLE {name} PARTITION OF {quoted_table(table)} {bounds};"))
        ahead += upper > now
        lower = upper
    return Remedy(
        text="Create the next partitions, and have a job do so before each of them begins.",
        sql="\n".join(sql for _, sql in made),
        undo="\n".join(f"DROP TABLE {name};" for name, _ in made),
        lock=f"ACCESS EXCLUSIVE on {table.label} for an instant: set lock_timeout",
    )
