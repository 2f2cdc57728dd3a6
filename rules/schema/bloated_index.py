"""An index is much bigger than its entries need: most of its pages are empty space.

## What it finds
A B-tree on bare columns that takes at least 64 MB more than it would after REINDEX, and at least twice that size. The
size after REINDEX is worked out from the number of entries, the widths and the numbers of different values, posting
lists counted: within a few percent where the statistics are fresh.

## Why it matters
The empty pages are read by scans, kept in memory, written by VACUUM and carried in every backup. They come from
updates and deletes spread over the whole key, and PostgreSQL gives them back only when a page is wholly empty.

## What to do
REINDEX CONCURRENTLY. Then look for what keeps VACUUM from cleaning up in time: long transactions, rare vacuuming.

## When to leave it
The table is about to grow into the space, or is emptied and filled in turns.

## Source
https://www.postgresql.org/docs/current/routine-reindex.html
"""

from collections.abc import Iterator

from pgadvisor.rule import (
    Evidence,
    Example,
    Facts,
    Finding,
    Index,
    Remedy,
    Rung,
    Severity,
    Table,
    TableCounters,
    Where,
    quoted,
    rebuilt_bytes,
    replace,
    schema_rule,
    size_text,
    table,
)

LEAST_BYTES, BIG_BYTES = 64 * 1024**2, 1024**3
LEAST_RATIO = 2.0
"""A B-tree filled in random order settles at two thirds of each page, a third above its size after REINDEX."""
MODIFIED = 0.2
"""More of the rows changed since ANALYZE than this: its numbers do not tell the index's entries any more."""


def _table(size_bytes: int, **more: object) -> Table:
    made = table("orders", indexes={"orders_code_idx": "code"}, **more)  # type: ignore[arg-type]
    return replace(made, indexes=tuple(replace(each, rows=1e6, size_bytes=size_bytes) for each in made.indexes[1:]))


BAD = [
    Example(tables=(_table(500_000_000),), remedy="REINDEX INDEX CONCURRENTLY public.orders_code_idx;"),
]
GOOD = [
    Example(note="It is as big as its entries need.", tables=(_table(30_000_000),)),
    Example(note="A third of air is what random inserts leave.", tables=(_table(34_000_000),)),
    Example(
        note="Half of the rows have changed since ANALYZE: nobody knows.",
        tables=(_table(500_000_000, counters=TableCounters(live_rows=1_000_000, modified_since_analyze=600_000)),),
    ),
]


@schema_rule(severity=Severity.WARNING, since="0.2", needs=("catalog", "statistics"))
def check(table: Table, facts: Facts) -> Iterator[Finding]:
    if table.kind not in ("table", "materialized view") or not _is_fresh(table):
        return
    for index in table.indexes:
        size = index.size_bytes or 0
        if size < LEAST_BYTES or not index.is_valid:
            continue
        needed = rebuilt_bytes(table, index)
        if needed is None or size - needed < LEAST_BYTES or size < LEAST_RATIO * needed:
            continue
        yield _finding(table, index, size, needed)


def _is_fresh(table: Table) -> bool:
    counters = table.counters
    return counters is None or counters.modified_since_analyze <= MODIFIED * max(table.rows or 0.0, 1.0)


def _finding(table: Table, index: Index, size: int, needed: int) -> Finding:
    rows = index.rows if index.rows is not None else table.rows or 0
    return Finding(
        where=Where(table=table.qualified, index=index.name),
        message=f"index {index.name} of {table.label} takes {size_text(size)}, and its entries need "
        f"{size_text(needed)}",
        evidence=(
            Evidence(
                rung=Rung.ESTIMATED,
                text=f"{rows:,.0f} entries of the widths in pg_stats fill {size_text(needed)} after a build",
            ),
        ),
        remedy=Remedy(
            text="Build it again beside itself. If it bloats again soon, let autovacuum come to the table more often.",
            sql=f"REINDEX INDEX CONCURRENTLY {quoted(index.schema)}.{quoted(index.name)};",
            lock=f"SHARE UPDATE EXCLUSIVE on {table.label}: reads and writes go on; it waits for older transactions",
            cost=f"needs {size_text(needed)} of free space while it builds, and frees {size_text(size - needed)}",
        ),
        wrong_if="the statistics are old, or the table is about to grow into the space",
        severity=Severity.WARNING if size - needed >= BIG_BYTES else Severity.INFO,
        cause=f"bloat of index {index.schema}.{index.name}",
    )
