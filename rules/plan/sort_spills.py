"""A sort does not fit into `work_mem` and goes through files on disk.

## What it finds
A Sort node that EXPLAIN ANALYZE saw use disk. Where the statement was not run: one that is planned to hold more than
`work_mem`, when the statement's counters show that it really writes temporary files.

## Why it matters
Every row is written to a file and read back, often more than once. It is slower than memory, and it takes disk and
cache from everyone else.

## What to do
Sort less: an index in the sort order for a LIMIT, fewer columns, an earlier filter. Else give this statement, or the
role that runs it, more memory with SET LOCAL. Do not raise `work_mem` for the whole server: each sort of each session
may take that much.

## When to leave it
A report that runs once a night. Or the spill is a few megabytes, which stay in the system's cache.

## Source
https://www.postgresql.org/docs/current/runtime-config-resource.html#GUC-WORK-MEM
"""

from collections.abc import Iterator

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
    temp_kb_per_call,
)

IN_MEMORY = 2.5
"""Rows take two to three times as much room in memory as in a sort's files (measured on PostgreSQL 15)."""
ROW_OVERHEAD = 40
"""Bytes of a row in memory beside its columns: SortTuple and the tuple's header, as in cost_sort's estimate."""
LEAST_KB = 1_024
"""A smaller spill never leaves the system's cache."""
SORTS = ("Sort", "Incremental Sort")
INSTEAD = "Sort fewer rows or columns, or give the order by an index."

EVENTS = table("event", columns={"user_id": "bigint", "at": "timestamp with time zone"})
SCAN = node("Seq Scan", table="event", rows=1e6, actual=1e6, ms=100)
BAD = [
    Example(
        sql="SELECT * FROM event ORDER BY user_id",
        tables=(EVENTS,),
        plan=node(
            "Sort",
            SCAN,
            rows=1e6,
            actual=1e6,
            ms=900,
            sort_keys=("user_id",),
            sort_method="external merge",
            sort_space_kb=51_200,
            sort_space_type="Disk",
        ),
        mean_ms=900,
        calls=10_000,
        settings={"work_mem": "4096"},
        remedy="SET LOCAL work_mem = '125MB';",
    ),
]
GOOD = [
    Example(
        note="A LIMIT keeps the first rows only: the sort stays in memory.",
        sql="SELECT * FROM event ORDER BY user_id LIMIT 10",
        tables=(EVENTS,),
        plan=node(
            "Limit",
            node(
                "Sort", SCAN, rows=1e6, actual=10, ms=200, sort_method="top-N heapsort", sort_space_kb=26,
                sort_space_type="Memory",
            ),
            rows=10, actual=10, ms=200,
        ),
    ),
    Example(
        note="Planned to be big, but the statement has never written a temporary file.",
        sql="SELECT * FROM event ORDER BY user_id",
        tables=(EVENTS,),
        plan=node("Sort", node("Seq Scan", table="event", rows=1e6), rows=1e6, sort_keys=("user_id",), width_bytes=100),
        settings={"work_mem": "4096"},
    ),
]  # fmt: skip


@plan_rule(severity=Severity.ERROR, since="0.1")
def check(plan: PlannedStatement, facts: Facts) -> Iterator[Finding]:
    for number, sort in enumerate(plan.nodes):
        spilled, share = _spilled_kb(plan, facts, number), plan.figures[number].share
        if spilled < LEAST_KB or not facts.matters(plan, share):
            continue
        measured = plan.is_analyzed
        yield Finding(
            where=Where(statement=plan.key),
            message=_message(sort, spilled),
            evidence=_evidence(plan, facts, sort, spilled),
            remedy=more_work_mem(facts, spilled * (IN_MEMORY if measured else 1.0), instead=INSTEAD),
            wrong_if="the statement runs with another work_mem than the one seen here",
            severity=facts.severity(plan.key, share),
            at_most_ms_per_day=facts.ms_per_day(plan.key, share),
            node=number,
        )


def _spilled_kb(plan: PlannedStatement, facts: Facts, number: int) -> float:
    """What the sort wrote in one execution; what it is planned to hold when it was not run and does write files."""
    sort, above = plan.nodes[number], plan.parent(number)
    if sort.node_type not in SORTS:
        return 0.0
    if plan.is_analyzed:
        return float(sort.sort_space_kb or 0) if sort.sort_space_type == "Disk" else 0.0
    if sort.node_type != "Sort" or (above is not None and above.node_type == "Limit"):
        return 0.0
    planned = sort.estimated_rows * (sort.width_bytes + ROW_OVERHEAD) / 1024
    limit, written = memory_kb(facts, "work_mem", plan), temp_kb_per_call(facts, plan.key)
    return planned if limit and written and planned > limit and written >= LEAST_KB else 0.0


def _message(sort: PlanNode, spilled: float) -> str:
    if sort.actual_rows is not None:
        return f"sort spills {spilled:,.0f} kB to disk, ordering {sort.actual_rows:,.0f} rows"
    return f"sort of {sort.estimated_rows:,.0f} rows is planned to hold {spilled:,.0f} kB, and spills to disk"


def _evidence(plan: PlannedStatement, facts: Facts, sort: PlanNode, spilled: float) -> tuple[Evidence, ...]:
    limit = memory_kb(facts, "work_mem", plan)
    allowed = f", work_mem is {limit:,.0f} kB" if limit else ""
    if plan.is_analyzed:
        return (Evidence(rung=Rung.MEASURED, text=f"{sort.sort_method}, {spilled:,.0f} kB on disk{allowed}"),)
    return (
        Evidence(rung=Rung.ESTIMATED, text=f"the sort is planned to hold {spilled:,.0f} kB{allowed}"),
        Evidence(rung=Rung.MEASURED, text=f"{temp_kb_per_call(facts, plan.key):,.0f} kB of temporary files a call"),
    )
