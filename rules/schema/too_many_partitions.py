"""A table has very many partitions, and most of them are small.

## What it finds
A partitioned table with 1,000 partitions or more that hold rows, sub-partitions counted, whose typical one is smaller
than 64 MB.

## Why it matters
Planning a query that cannot be narrowed looks at each partition and takes a lock on each of its indexes; every session
keeps what it knows of them in memory. Small partitions give nothing for that.

## What to do
Take longer ranges for new partitions, and join old ones.

## When to leave it
Every query names the partition key, and planning is quick.

## Source
https://www.postgresql.org/docs/current/ddl-partitioning.html#DDL-PARTITIONING-DECLARATIVE-BEST-PRACTICES
"""

from collections.abc import Iterator
from statistics import median

from pgadvisor.rule import (
    Evidence,
    Example,
    Facts,
    Finding,
    Remedy,
    Rung,
    Severity,
    Table,
    Where,
    leaves,
    schema_rule,
    size_text,
    table,
)

MANY = 1_000
SMALL_BYTES = 64 * 1024**2
EVENT = table("event", primary_key=None, columns={"at": "date"}, partition_key="RANGE (at)")
_DAYS = tuple(
    table(f"event_{day}", rows=9_000, primary_key=None, columns={"at": "date"}, partition_of="event")
    for day in range(MANY)
)
BAD = [Example(tables=(EVENT, *_DAYS))]
GOOD = [
    Example(note="A year of days is no harm.", tables=(EVENT, *_DAYS[:365])),
]


@schema_rule(severity=Severity.INFO, since="0.2")
def check(table: Table, facts: Facts) -> Iterator[Finding]:
    if table.kind != "partitioned table" or table.partition_of:
        return
    parts = leaves(facts, table.qualified)
    if len(parts) < MANY:
        return
    typical = median(each.heap_bytes or 0 for each in parts)
    if typical >= SMALL_BYTES:
        return
    yield Finding(
        where=Where(table=table.qualified),
        message=f"{table.label} has {len(parts):,} partitions, of which half are smaller than {size_text(typical)}",
        evidence=(Evidence(rung=Rung.MEASURED, text="the sizes of the partitions' files"),),
        remedy=Remedy(
            text="Take longer ranges for new partitions, so that each holds 1 GB or more, and join old ones."
        ),
        wrong_if="every query names the partition key, so that one partition is planned",
        severity=Severity.INFO,
        cause=f"number of partitions of {table.qualified}",
    )
