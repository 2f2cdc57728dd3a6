"""Rows that a plan keeps for later do not fit into `work_mem` and go to disk.

## What it finds
A CTE, a materialized inner side, a window or a function's result that writes 8 MB or more of temporary files by itself.
Seen by EXPLAIN (ANALYZE, BUFFERS). Sorts and hashes are told by sort-spills and hash-spills.

## Why it matters
What is kept is written once and read back once for each time it is asked for, through files.

## What to do
Keep less: name the columns that are used instead of `*`, filter inside the CTE, let it be inlined (NOT MATERIALIZED).
Else give this statement more `work_mem`.

## When to leave it
A report that runs once a night.

## Source
https://www.postgresql.org/docs/current/runtime-config-resource.html#GUC-WORK-MEM
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

KEEPERS = ("CTE Scan", "Materialize", "WindowAgg", "Function Scan", "Table Function Scan", "Recursive Union",
           "WorkTable Scan")  # fmt: skip
LEAST_KB = 8_192
PAGE_KB = 8
IN_MEMORY = 2.0
"""A row in memory takes its header and a pointer beside what the file holds."""

ORDERS = table("orders")
SQL = "WITH o AS MATERIALIZED (SELECT * FROM orders) SELECT count(*) FROM o"
cte = node("Seq Scan", table="orders", rows=1e6, actual=1e6, ms=90, parent_relationship="InitPlan",
           subplan_name="CTE o", temp_written_blocks=0, temp_read_blocks=0)  # fmt: skip
scan = partial(node, "CTE Scan", cte, cte_name="o", rows=1e6, actual=1e6, ms=500, temp_read_blocks=0)
BAD = [
    Example(
        sql=SQL,
        tables=(ORDERS,),
        plan=scan(temp_written_blocks=10_000),
        settings={"work_mem": "4096"},
        mean_ms=500,
        remedy="SET LOCAL work_mem = '157MB';",
    ),
]
GOOD = [
    Example(note="It fits.", sql=SQL, tables=(ORDERS,), plan=scan(temp_written_blocks=0), mean_ms=500),
    Example(
        note="Hardly a row of it is wanted: cte-discards-most-rows tells of that.",
        sql=SQL + " WHERE id = 7",
        tables=(ORDERS,),
        plan=scan(actual=1, rows_removed_by_filter=999_999, temp_written_blocks=10_000),
        mean_ms=500,
    ),
    Example(note="A few pages.", sql=SQL, tables=(ORDERS,), plan=scan(temp_written_blocks=200), mean_ms=500),
]


@plan_rule(severity=Severity.ERROR, since="0.2", needs=("analyze",))
def check(plan: PlannedStatement, facts: Facts) -> Iterator[Finding]:
    for number, each in enumerate(plan.nodes):
        below = sum(child.temp_written_blocks or 0 for child, _ in plan.children(number))
        written = ((each.temp_written_blocks or 0) - below) * PAGE_KB
        share = plan.figures[number].share
        if each.node_type not in KEEPERS or written < LEAST_KB or _is_mostly_discarded(each):
            continue
        if not facts.matters(plan, share):
            continue
        limit = memory_kb(facts, "work_mem", plan)
        allowed = f"; work_mem is {limit:,.0f} kB" if limit else ""
        name = f" of {each.cte_name or each.function_name}" if each.cte_name or each.function_name else ""
        yield Finding(
            where=Where(statement=plan.key),
            message=f"{each.node_type}{name} keeps {written:,} kB of rows in files",
            evidence=(Evidence(rung=Rung.MEASURED, text=f"counted: {share:.0%} of the statement, here{allowed}"),),
            remedy=more_work_mem(
                facts, written * IN_MEMORY, instead="Keep less: fewer columns, a filter inside, or no materialization."
            ),
            wrong_if="the statement runs with another work_mem than the one seen here",
            severity=facts.severity(plan.key, share),
            at_most_ms_per_day=facts.ms_per_day(plan.key, share),
            node=number,
        )


def _is_mostly_discarded(each: PlanNode) -> bool:
    """Whether most of what is kept is thrown away: cte-discards-most-rows tells how not to make it."""
    return (each.rows_removed_by_filter or 0.0) >= MOST_REMOVED * max(each.actual_rows or 0.0, 1.0)


MOST_REMOVED = 9.0
