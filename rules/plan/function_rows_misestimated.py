"""A function gives many more or fewer rows than the planner takes it to give, and a join was chosen on that.

## What it finds
A Function Scan whose rows are off by ten times or more, 100 at least, below joins, sorts and aggregates that take a
fifth of the statement. Seen by EXPLAIN ANALYZE.

## Why it matters
The planner knows nothing of a function's result but the number that its definition says, 1000 where it says none. A
join on that guess is a nested loop over a million rows, or a hash of a big table for three.

## What to do
Say how many rows it gives: `ALTER FUNCTION … ROWS n`. Where that differs from call to call put the result into a
temporary table and ANALYZE it.

## When to leave it
The statement is fast enough whatever the plan.

## Source
https://www.postgresql.org/docs/current/sql-alterfunction.html
"""

from collections.abc import Iterator
from functools import partial

from pgadvisor.rule import (
    Evidence,
    Example,
    Facts,
    Finding,
    Function,
    PlannedStatement,
    PlanNode,
    Remedy,
    Rung,
    Severity,
    Where,
    node,
    plan_rule,
    quoted,
    table,
)

FAR = 10.0
LEAST_ROWS = 100
LEAST_SHARE = 0.2
CHOOSERS = ("Nested Loop", "Hash Join", "Merge Join", "Hash", "Sort", "Aggregate", "Materialize", "Memoize")

ORDERS = table("orders")
SQL = "SELECT * FROM open_ids() AS i JOIN orders o ON o.id = i"
scan = partial(node, "Function Scan", function_name="open_ids", schema="public", alias="i", parent_relationship="Outer")
LOOKUP = partial(node, "Index Scan", table="orders", alias="o", index="orders_pkey", index_condition="(id = i.i)",
                 rows=1, actual=1, parent_relationship="Inner")  # fmt: skip
BAD = [
    Example(
        sql=SQL,
        tables=(ORDERS,),
        plan=node("Nested Loop", scan(rows=1_000, actual=200_000, ms=60), LOOKUP(loops=200_000, ms=0.002), rows=1_000,
                  actual=200_000, ms=520),
        mean_ms=520,
    ),
]  # fmt: skip
GOOD = [
    Example(
        note="The guess is near enough.",
        sql=SQL,
        tables=(ORDERS,),
        plan=node("Nested Loop", scan(rows=1_000, actual=3_000, ms=2), LOOKUP(loops=3_000, ms=0.002), rows=1_000,
                  actual=3_000, ms=9),
        mean_ms=9,
    ),
    Example(
        note="Nothing was chosen on it.",
        sql="SELECT * FROM open_ids()",
        tables=(ORDERS,),
        plan=scan(rows=1_000, actual=200_000, ms=60),
        mean_ms=60,
    ),
]  # fmt: skip


@plan_rule(severity=Severity.WARNING, since="0.2", needs=("analyze",))
def check(plan: PlannedStatement, facts: Facts) -> Iterator[Finding]:
    for number, scan in enumerate(plan.nodes):
        figures = plan.figures[number]
        rows, share = figures.rows or 0.0, _share_above(plan, number)
        if scan.node_type != "Function Scan" or figures.q_error is None or figures.q_error < FAR:
            continue
        if max(rows, figures.estimated_rows) < LEAST_ROWS or share < LEAST_SHARE or not facts.matters(plan, share):
            continue
        name = scan.function_name or scan.alias or "function"
        yield Finding(
            where=Where(statement=plan.key),
            message=f"{name}() was expected to give {figures.estimated_rows:,.0f} rows and gave {rows:,.0f}",
            evidence=(Evidence(rung=Rung.MEASURED, text=f"what was chosen on it takes {share:.0%} of the statement"),),
            remedy=_remedy(facts, scan, rows / max(scan.actual_loops or 1.0, 1.0)),
            wrong_if="the function gives other numbers of rows for other arguments",
            severity=facts.severity(plan.key, share, worst=Severity.WARNING),
            at_most_ms_per_day=facts.ms_per_day(plan.key, share),
            cause=f"rows of {scan.schema}.{name}" if scan.schema and scan.schema != "pg_catalog" else None,
            node=number,
        )


def _share_above(plan: PlannedStatement, number: int) -> float:
    """Share of the statement in what was chosen on the node's rows, and in the look-ups that it drives."""
    at, above, share = number, plan.figures[number].parent, 0.0
    while above is not None:
        each = plan.nodes[above]
        share += plan.figures[above].share if each.node_type in CHOOSERS else 0.0
        if each.node_type == "Nested Loop" and plan.nodes[at].parent_relationship == "Outer":
            for child, figures in plan.children(above):
                below = range(figures.number, figures.number + sum(1 for _ in child.walk()))
                share += sum(plan.figures[here].share for here in below) if figures.number != at else 0.0
        at, above = above, plan.figures[above].parent
    return min(share, 1.0)


def _remedy(facts: Facts, scan: PlanNode, rows: float) -> Remedy:
    found = _own(facts, scan)
    if found is None:
        return Remedy(text="Put what the function gives into a temporary table and ANALYZE that before the join.")
    spelled = f"{quoted(found.schema)}.{quoted(found.name)}({found.signature})"
    return Remedy(
        text=f"Say how many rows {found.name} gives, about.",
        sql=f"ALTER FUNCTION {spelled} ROWS {max(round(rows), 1)};",
        undo=f"ALTER FUNCTION {spelled} ROWS {found.rows or 1000:.0f};",
        lock="none that reads or writes would notice",
    )


def _own(facts: Facts, scan: PlanNode) -> Function | None:
    """The user's function of that name, when there is one only and no extension brought it."""
    named = [each for each in facts.snapshot.functions if each.name == scan.function_name]
    own = [each for each in named if each.schema == (scan.schema or each.schema) and each.extension is None]
    return own[0] if len(own) == 1 and scan.schema != "pg_catalog" else None
