"""Between two partitions there is a gap: a row that falls into it is refused.

## What it finds
A table partitioned by RANGE of one column of times or whole numbers, without a default partition, where a partition
does not begin where the one before it ends. Only gaps that are no longer than three usual partitions: longer ones were
left on purpose.

## Why it matters
An INSERT of a row in the gap fails: "no partition of relation found for row". Mostly a job that makes the partitions
missed one.

## What to do
Create the missing partition.

## When to leave it
No rows of that time or number ever come: the old partition was dropped on purpose.

## Source
https://www.postgresql.org/docs/current/ddl-partitioning.html
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise

from pgadvisor.rule import (
    Column,
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
    counted,
    distance,
    has_default,
    object_name,
    quoted,
    quoted_table,
    range_column,
    range_partitions,
    replace,
    schema_rule,
    stamp,
    table,
    usual_width,
)

MOST_LENGTHS = 3
TENANT = (Column(name="tenant", type="bigint"),)
EVENT = table("event", primary_key=None, columns={"at": "date"}, partition_key="RANGE (at)")


def _part(name: str, bound: str) -> Table:
    return replace(table(name, primary_key=None, columns={"at": "date"}, partition_of="event"), partition_bound=bound)


def _months(*months: int) -> tuple[Table, ...]:
    return tuple(
        _part(f"event_{month}", f"FOR VALUES FROM ('2026-{month:02}-01') TO ('2026-{month + 1:02}-01')")
        for month in months
    )


BAD = [
    Example(
        tables=(EVENT, *_months(1, 2, 4, 5)),
        remedy="CREATE TABLE public.event_2026_03_01 PARTITION OF public.event "
        "FOR VALUES FROM ('2026-03-01') TO ('2026-04-01');",
    ),
    Example(
        note="Whole numbers.",
        tables=(
            replace(EVENT, partition_key="RANGE (tenant)", columns=TENANT),
            _part("one", "FOR VALUES FROM (0) TO (100)"),
            _part("two", "FOR VALUES FROM (200) TO (300)"),
            _part("three", "FOR VALUES FROM ('300') TO ('400')"),
        ),
    ),
]
GOOD = [
    Example(note="They follow one another.", tables=(EVENT, *_months(1, 2, 3, 4))),
    Example(note="A default partition takes the rows.", tables=(EVENT, *_months(1, 2, 4), _part("rest", "DEFAULT"))),
    Example(note="Half a year is missing: that was meant.", tables=(EVENT, *_months(1, 2, 10, 11))),
    Example(
        note="Ranges of numbers that lie far apart are given out so.",
        tables=(
            replace(EVENT, partition_key="RANGE (tenant)", columns=TENANT),
            _part("one", "FOR VALUES FROM (0) TO (100)"),
            _part("two", "FOR VALUES FROM (100) TO (200)"),
            _part("far", "FOR VALUES FROM (9000) TO (9100)"),
        ),
    ),
    Example(
        note="Lists have no gaps.",
        tables=(
            replace(EVENT, partition_key="LIST (at)"),
            _part("one", "FOR VALUES IN ('2026-01-01')"),
            _part("two", "FOR VALUES IN ('2026-03-01')"),
        ),
    ),
]


@schema_rule(severity=Severity.WARNING, since="0.2")
def check(table: Table, facts: Facts) -> Iterator[Finding]:
    below = facts.partitions(table.qualified)
    column = range_column(table)
    parts = range_partitions(below) if column and not has_default(below) else None
    if not parts or column is None:
        return
    usual = usual_width(parts)
    gaps = [gap for gap in pairwise(parts) if _is_gap(*gap, usual)]
    if not gaps:
        return
    told = f"{gaps[0][0].upper_text} to {gaps[0][1].lower_text}"
    is_open = any(isinstance(each.lower, int) or _is_ahead(each, facts) for _, each in gaps)
    yield Finding(
        where=Where(table=table.qualified, column=column),
        message=f"{table.label} has no partition for {told}"
        + (f", nor for {counted(len(gaps) - 1, 'more gap')}" if len(gaps) > 1 else ""),
        evidence=(
            Evidence(rung=Rung.INFERRED, text=f"{gaps[0][0].table} ends at {gaps[0][0].upper_text}, "
                     f"{gaps[0][1].table} begins at {gaps[0][1].lower_text}, and there is no default partition"),
        ),
        remedy=_remedy(table, gaps),
        wrong_if="no rows of that range ever come",
        severity=Severity.WARNING if is_open else Severity.INFO,
        cause=f"gap of partitions of {table.qualified}",
    )  # fmt: skip


def _is_gap(one: RangePartition, other: RangePartition, usual: timedelta | int | None) -> bool:
    """Whether there is room between the two, and no more than was forgotten."""
    room = distance(one.upper, other.lower)
    if not room or usual is None:
        return False
    most = MOST_LENGTHS * 1.1
    if isinstance(room, timedelta) and isinstance(usual, timedelta):
        return room <= most * usual
    return isinstance(room, int) and isinstance(usual, int) and room <= most * usual


def _is_ahead(partition: RangePartition, facts: Facts) -> bool:
    """Whether the gap before it is not over yet."""
    return isinstance(partition.lower, datetime) and partition.lower > facts.snapshot.collected_at


def _remedy(table: Table, gaps: list[tuple[RangePartition, RangePartition]]) -> Remedy:
    made = []
    for one, other in gaps:
        name = f"{quoted(table.schema)}.{quoted(object_name(table.name, (), stamp(one.upper or 0)))}"
        bounds = f"FOR VALUES FROM ({one.upper_text}) TO ({other.lower_text})"
        made.append((name, f"CREATE TABLE {name} PARTITION OF {quoted_table(table)} {bounds};"))
    return Remedy(
        text="Create the missing partitions; the indexes of the parent come with them.",
        sql="\n".join(sql for _, sql in made),
        undo="\n".join(f"DROP TABLE {name};" for name, _ in made),
        lock=f"ACCESS EXCLUSIVE on {table.label} for an instant: set lock_timeout",
    )
