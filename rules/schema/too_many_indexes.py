"""A table that is written a lot has very many indexes, and each new row goes into all of them.

## What it finds
Twelve indexes or more on a table into which 100,000 row versions or more were written, and which together are bigger
than the table.

## Why it matters
An INSERT writes every index, an UPDATE that is not HOT as well. Planning looks at each of them, and each takes a lock:
from 16 on a query's locks no longer fit where they are cheap.

## What to do
See which of them are unused, covered by another or hardly used: those have findings of their own. Then join those that
begin alike.

## When to leave it
Each serves a query that matters.

## Source
https://www.postgresql.org/docs/current/indexes-intro.html
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
    listed,
    replace,
    schema_rule,
    size_text,
    table,
    written_entries,
)

MANY = 12
LEAST_WRITES = 100_000
BUSY = TableCounters(live_rows=1_000_000, rows_inserted=5_000_000)
_INDEXES = {f"orders_{letter}_idx": letter for letter in "abcdefghijklm"}
_MANY = replace(table("orders", indexes=_INDEXES, counters=BUSY), index_bytes=280_000_000)
BAD = [
    Example(tables=(_MANY,)),
]
GOOD = [
    Example(note="It is hardly written.", tables=(replace(_MANY, counters=TableCounters(rows_inserted=900)),)),
    Example(
        note="Six are usual.",
        tables=(replace(_MANY, indexes=_MANY.indexes[:6]),),
    ),
]


@schema_rule(severity=Severity.INFO, since="0.2", needs=("catalog", "counters"))
def check(table: Table, facts: Facts) -> Iterator[Finding]:
    writes, size = written_entries(table), table.index_bytes or 0
    if table.kind != "table" or table.partition_of or len(table.indexes) < MANY or writes < LEAST_WRITES:
        return
    if size <= (table.heap_bytes or 0):
        return
    by_scans = sorted((each for each in table.indexes if each.scans is not None), key=lambda each: each.scans or 0)
    unused = [each.name for each in by_scans if not each.scans]
    pieces = [Evidence(rung=Rung.MEASURED, text=f"{writes:,} row versions were written, each into every index")]
    if unused:
        pieces.append(Evidence(rung=Rung.MEASURED, text=f"never scanned: {listed(unused)}"))
    yield Finding(
        where=Where(table=table.qualified),
        message=f"{table.label} has {len(table.indexes)} indexes, which take {size_text(size)}, more than its rows",
        evidence=tuple(pieces),
        remedy=Remedy(
            text="Drop what is unused or covered by another, and join those that begin with the same columns; the "
            f"least scanned are {listed(each.name for each in by_scans)}."
        ),
        wrong_if="each of them serves a query that matters",
        severity=Severity.INFO,
        cause=f"number of indexes of {table.qualified}",
    )
