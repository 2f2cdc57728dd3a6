"""A bitmap does not fit into `work_mem`, so whole pages are read and every row of them is tested again.

## What it finds
A Bitmap Heap Scan with more than a tenth of its pages, and 500 or more, marked lossy. Seen by EXPLAIN ANALYZE.

## Why it matters
A bitmap that is too big for `work_mem` remembers pages instead of rows. Of such a page PostgreSQL must test each row
against the condition once more, which costs processor time; the scan also says nothing of how many rows it will give.

## What to do
Find fewer rows: an index that holds all compared columns makes a smaller bitmap. Else give this statement more
`work_mem`: a page takes 64 bytes, with room for the hash table about 80.

## When to leave it
The statement reads most of the table; then a sequential scan would do as well.

## Source
https://www.postgresql.org/docs/current/using-explain.html; `tbm_calculate_entries` in src/backend/nodes/tidbitmap.c
"""

from collections.abc import Iterator
from functools import partial

from pgadvisor.rule import (
    Evidence,
    Example,
    Facts,
    Finding,
    PlannedStatement,
    PlanNode,
    Rung,
    Severity,
    Where,
    memory_kb,
    more_work_mem,
    node,
    plan_rule,
    table,
)

MOST_LOSSY = 0.1
LEAST_PAGES = 500
PAGE_BYTES = 80
"""PagetableEntry takes 48 bytes and two pointers; the rest is room that the hash table leaves free."""

EVENTS = table("event", indexes={"event_kind_idx": "kind"})
SQL = "SELECT count(*) FROM event WHERE kind = $1"
scan = partial(
    node, "Bitmap Heap Scan", node("Bitmap Index Scan", index="event_kind_idx", rows=1e5, actual=1e5, ms=9),
    table="event", schema="public", alias="event", rows=1e5, actual=1e5, recheck_condition="(kind = 3)",
)  # fmt: skip
BAD = [
    Example(
        sql=SQL,
        tables=(EVENTS,),
        plan=scan(ms=900, exact_heap_blocks=11_000, lossy_heap_blocks=42_000, rows_removed_by_index_recheck=2_000_000),
        settings={"work_mem": "1024"},
        mean_ms=900,
        remedy="SET LOCAL work_mem = '5MB';",
    ),
]
GOOD = [
    Example(
        note="Every page is remembered row by row.",
        sql=SQL,
        tables=(EVENTS,),
        plan=scan(ms=200, exact_heap_blocks=53_000, lossy_heap_blocks=0),
        mean_ms=200,
    ),
    Example(
        note="A few pages in a hundred.",
        sql=SQL,
        tables=(EVENTS,),
        plan=scan(ms=220, exact_heap_blocks=51_000, lossy_heap_blocks=2_000),
        mean_ms=220,
    ),
]


@plan_rule(severity=Severity.ERROR, since="0.2", needs=("analyze",))
def check(plan: PlannedStatement, facts: Facts) -> Iterator[Finding]:
    for number, scan in enumerate(plan.nodes):
        exact, lossy = _pages(scan)
        share = plan.figures[number].share
        if lossy < LEAST_PAGES or lossy <= MOST_LOSSY * (exact + lossy) or not facts.matters(plan, share):
            continue
        removed = (scan.rows_removed_by_index_recheck or 0.0) * (scan.actual_loops or 0.0)
        limit = memory_kb(facts, "work_mem", plan)
        allowed = f"; work_mem is {limit:,.0f} kB" if limit else ""
        yield Finding(
            where=Where(table=f"{scan.schema}.{scan.table}" if scan.schema else scan.table, statement=plan.key),
            message=f"bitmap of {scan.table} is lossy for {lossy:,.0f} of {exact + lossy:,.0f} pages, and "
            f"{removed:,.0f} rows are tested in vain",
            evidence=(
                Evidence(rung=Rung.MEASURED, text=f"counted: {share:.0%} of the statement in this scan{allowed}"),
            ),
            remedy=more_work_mem(
                facts,
                (exact + lossy) * PAGE_BYTES / 1024 / _bitmaps(scan),
                instead="Find fewer rows, by an index that holds all columns compared.",
            ),
            wrong_if="the statement runs with another work_mem than the one seen here",
            severity=facts.severity(plan.key, share),
            at_most_ms_per_day=facts.ms_per_day(plan.key, share),
            node=number,
        )


def _bitmaps(scan: PlanNode) -> float:
    """How many were made: one in each loop, which processes side by side share."""
    return 1.0 if scan.is_parallel_aware else max(scan.actual_loops or 1.0, 1.0)


def _pages(scan: PlanNode) -> tuple[float, float]:
    """Pages that the bitmap remembers exactly, and lossily, over all loops and processes."""
    return (
        (scan.exact_heap_blocks or 0) + (scan.figure("Exact Heap Blocks") or 0.0),
        (scan.lossy_heap_blocks or 0) + (scan.figure("Lossy Heap Blocks") or 0.0),
    )
