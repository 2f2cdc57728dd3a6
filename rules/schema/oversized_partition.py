"""One partition is far bigger than the others: what partitioning is for does not hold there.

## What it finds
A partition of 10 GB or more that is at least five times as big as its siblings typically are, of three or more with
rows in them.

## Why it matters
Queries, VACUUM and index builds of that partition take as long as those of one big table. Mostly a key is skewed (one
tenant), or a range was left open.

## What to do
Split it, or partition it further.

## When to leave it
It is the archive from before the table was partitioned.

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
    replace,
    schema_rule,
    size_text,
    table,
)

BIG_BYTES = 10 * 1024**3
LEAST_RATIO = 5
LEAST_SIBLINGS = 3
EVENT = table("event", primary_key=None, columns={"tenant": "bigint"}, partition_key="LIST (tenant)")


def _part(number: int, size_bytes: int) -> Table:
    made = table(f"event_{number}", primary_key=None, columns={"tenant": "bigint"}, partition_of="event")
    return replace(made, heap_bytes=size_bytes, partition_bound=f"FOR VALUES IN ({number})")


_SMALL = tuple(_part(number, 900_000_000) for number in range(4))
BAD = [Example(tables=(EVENT, *_SMALL, _part(9, 40_000_000_000)))]
GOOD = [
    Example(note="They are alike.", tables=(EVENT, *(_part(number, 40_000_000_000) for number in range(4)))),
    Example(note="It is small itself.", tables=(EVENT, *_SMALL, _part(9, 5_000_000_000))),
]


@schema_rule(severity=Severity.INFO, since="0.2")
def check(table: Table, facts: Facts) -> Iterator[Finding]:
    if table.kind != "partitioned table":
        return
    filled = [each for each in facts.partitions(table.qualified) if each.heap_bytes]
    for part in filled:
        size = part.heap_bytes or 0
        others = [each.heap_bytes or 0 for each in filled if each is not part]
        if size < BIG_BYTES or len(others) < LEAST_SIBLINGS or size < LEAST_RATIO * median(others):
            continue
        yield Finding(
            where=Where(table=part.qualified),
            message=f"partition {part.label} of {table.label} takes {size_text(size)}, its siblings typically "
            f"{size_text(median(others))}",
            evidence=(Evidence(rung=Rung.MEASURED, text=f"{part.partition_bound} takes {size_text(size)}"),),
            remedy=Remedy(text="Split it into smaller ranges, or make it a partitioned table of its own."),
            wrong_if="it is the archive from before the table was partitioned",
            severity=Severity.INFO,
            cause=f"size of partition {part.qualified}",
        )
