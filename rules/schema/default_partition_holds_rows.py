"""Rows went into the default partition of a table partitioned by ranges: no partition was there for them.

## What it finds
A table partitioned by RANGE whose default partition holds 1,000 rows or more, beside other partitions.

## Why it matters
Queries for those rows find them in one big partition that no pruning narrows. A partition made later for their range
must first read all of the default one, under a lock on the whole table, and fails if a row of it is there.

## What to do
Move the rows: detach the default partition, create the partitions that were missing, insert the rows again.

## When to leave it
It is meant to take what is rare and out of range.

## Source
https://www.postgresql.org/docs/current/sql-createtable.html#SQL-CREATETABLE-PARTITION
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
    replace,
    schema_rule,
    table,
)

LEAST_ROWS, MANY_ROWS = 1_000, 100_000
LEAST_SHARE = 0.01
EVENT = table("event", primary_key=None, columns={"at": "date"}, partition_key="RANGE (at)")
MONTH = replace(table("event_1", primary_key=None, columns={"at": "date"}, partition_of="event"),
                partition_bound="FOR VALUES FROM ('2026-01-01') TO ('2026-02-01')")  # fmt: skip


def _rest(rows: float) -> Table:
    made = table("event_rest", rows=rows, primary_key=None, columns={"at": "date"}, partition_of="event")
    return replace(made, partition_bound="DEFAULT", counters=TableCounters(live_rows=int(rows)))


BAD = [
    Example(tables=(EVENT, MONTH, _rest(400_000))),
]
GOOD = [
    Example(note="It is empty.", tables=(EVENT, MONTH, _rest(0))),
    Example(note="A few strays.", tables=(EVENT, MONTH, _rest(70))),
    Example(
        note="Of lists it takes all values that have no partition of their own.",
        tables=(replace(EVENT, partition_key="LIST (at)"),
                replace(MONTH, partition_bound="FOR VALUES IN ('2026-01-01')"), _rest(400_000)),
    ),
]  # fmt: skip


@schema_rule(severity=Severity.WARNING, since="0.2")
def check(table: Table, facts: Facts) -> Iterator[Finding]:
    parent = facts.table(table.partition_of)
    if table.partition_bound != "DEFAULT" or parent is None or not (parent.partition_key or "").startswith("RANGE"):
        return
    rows, whole = facts.rows(table.qualified) or 0.0, facts.rows(parent.qualified) or 0.0
    if rows < LEAST_ROWS or len(facts.partitions(parent.qualified)) < 2:
        return
    is_many = rows >= MANY_ROWS and rows >= LEAST_SHARE * whole
    yield Finding(
        where=Where(table=table.qualified),
        message=f"the default partition of {parent.label} holds {rows:,.0f} rows",
        evidence=(Evidence(rung=Rung.ESTIMATED, text=f"{table.label} has {rows:,.0f} rows of {whole:,.0f}"),),
        remedy=Remedy(
            text=f"See which ranges they are of. In one transaction detach {quoted_table(table)}, create the "
            "partitions that were missing, insert its rows into the parent, empty it and attach it again.",
            lock=f"ACCESS EXCLUSIVE on {parent.label} meanwhile: in a quiet hour",
        ),
        wrong_if="it is meant to take what is out of range",
        severity=Severity.WARNING if is_many else Severity.INFO,
        cause=f"default partition {table.qualified}",
    )
