"""A nested loop was chosen for a few rows and runs its inner side very many times.

## What it finds
A nested loop whose outer side gives ten times the rows that were expected, or more, so that the inner side is run
10,000 times or more and takes a fifth of the statement, where the wrong estimate is made by a join, an aggregate
or a subquery. (Of a table's own filter row-estimate-far-off tells, where the catalog is known; of a function
function-rows-misestimated.) Seen by EXPLAIN ANALYZE.

## Why it matters
A look-up in an index takes a microsecond or more, a probe of a hash table a tenth of that. The planner takes the nested
loop for ten rows rightly; for a hundred thousand a hash join would read the inner table once.

## What to do
Mend the estimate where it goes wrong. What a join gives is reckoned from each column alone: put the outer part into a
temporary table and ANALYZE it, or into a MATERIALIZED CTE with a shape that is estimated well. To see what a hash join
would take, run the statement once with `enable_nestloop` off.

## When to leave it
The look-ups are fast, and a hash join is not faster.

## Source
https://www.postgresql.org/docs/current/planner-optimizer.html
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
    Remedy,
    Rung,
    Severity,
    Where,
    diagnoses,
    node,
    plan_rule,
    quoted,
    table,
)

FAR, NEAR = 10.0, 3.0
LEAST_LOOPS = 10_000
LEAST_SHARE = 0.2
LOOKED_UP = ("Index Scan", "Index Only Scan", "Bitmap Heap Scan", "Memoize")
TOLD_ELSEWHERE = ("Function Scan",)

TABLES = (table("orders"), table("line"), table("product"))
SQL = "SELECT * FROM orders o JOIN line l ON l.order_id = o.id JOIN product p ON p.id = l.product_id"
LOOKUP = partial(node, "Index Scan", table="product", alias="p", index="product_pkey", rows=1, actual=1,
                 index_condition="(id = l.product_id)", parent_relationship="Inner")  # fmt: skip
joined = partial(
    node, "Hash Join",
    node("Seq Scan", table="orders", alias="o", rows=1e5, actual=1e5, ms=15, parent_relationship="Outer"),
    node("Hash", node("Seq Scan", table="line", alias="l", rows=1e5, actual=1e5, ms=15), rows=1e5, actual=1e5, ms=20,
         parent_relationship="Inner"),
    hash_condition="((o.id = l.order_id) AND (o.day = l.day))", parent_relationship="Outer",
)  # fmt: skip
BAD = [
    Example(
        sql=SQL,
        tables=TABLES,
        plan=node("Nested Loop", joined(rows=50, actual=1e5, ms=90), LOOKUP(loops=1e5, ms=0.003), rows=50, actual=1e5,
                  ms=430),
        mean_ms=430,
    ),
    Example(
        note="A table's own filter, and nothing is known but the plan.",
        sql=SQL,
        is_pasted=True,
        plan=node("Nested Loop", node("Seq Scan", table="line", schema="public", alias="l", filter="(day = 3)", rows=50,
                                      actual=1e5, ms=40, parent_relationship="Outer"),
                  LOOKUP(loops=1e5, ms=0.003), rows=50, actual=1e5, ms=380),
        mean_ms=380,
        remedy="ANALYZE public.line;",
    ),
]  # fmt: skip
GOOD = [
    Example(
        note="The loop runs as often as was expected.",
        sql=SQL,
        tables=TABLES,
        plan=node("Nested Loop", joined(rows=9e4, actual=1e5, ms=90), LOOKUP(loops=1e5, ms=0.003), rows=9e4, actual=1e5,
                  ms=430),
        mean_ms=430,
    ),
    Example(
        note="Off by much, and yet the loop runs a few times only.",
        sql=SQL,
        tables=TABLES,
        plan=node("Nested Loop", joined(rows=2, actual=900, ms=90), LOOKUP(loops=900, ms=0.003), rows=2, actual=900,
                  ms=95),
        mean_ms=95,
    ),
]  # fmt: skip


@plan_rule(severity=Severity.ERROR, since="0.2", needs=("analyze",))
def check(plan: PlannedStatement, facts: Facts) -> Iterator[Finding]:
    worst: dict[int, tuple[float, int, int]] = {}
    for number, each in enumerate(plan.nodes):
        sides = {child.parent_relationship: figures.number for child, figures in plan.children(number)}
        if each.node_type != "Nested Loop" or not {"Outer", "Inner"} <= set(sides):
            continue
        outer, inner = sides["Outer"], sides["Inner"]
        if not _is_underestimated(plan, outer) or not _is_looked_up(plan, inner):
            continue
        share, culprit = _share(plan, number, outer), _culprit(plan, outer)
        if share < LEAST_SHARE or _is_told(plan, facts, culprit, outer) or not facts.matters(plan, share):
            continue
        worst[culprit] = max(worst.get(culprit, (0.0, 0, 0)), (share, number, inner))
    for culprit, (share, number, inner) in worst.items():
        yield _finding(plan, facts, culprit, share, (number, inner))


def _finding(plan: PlannedStatement, facts: Facts, culprit: int, share: float, place: tuple[int, int]) -> Finding:
    (number, inner), wrong = place, plan.figures[culprit]
    outer = next(figures for child, figures in plan.children(number) if child.parent_relationship == "Outer")
    goes_wrong = plan.nodes[culprit].node_type.lower()
    return Finding(
        where=Where(statement=plan.key),
        message=f"nested loop was chosen for {outer.estimated_rows:,.0f} rows and looks up "
        f"{plan.nodes[inner].actual_loops or 0.0:,.0f}",
        evidence=(
            Evidence(rung=Rung.MEASURED, text=f"counted: {share:.0%} of the statement goes into the look-ups"),
            Evidence(
                rung=Rung.MEASURED,
                text=f"the estimate goes wrong at the {goes_wrong}: {wrong.estimated_rows:,.0f} rows expected, "
                f"{wrong.rows or 0.0:,.0f} given",
            ),
        ),
        remedy=_remedy(plan.nodes[culprit]),
        wrong_if="the values of this run are rare ones, or a hash join takes as long",
        severity=facts.severity(plan.key, share),
        at_most_ms_per_day=facts.ms_per_day(plan.key, share),
        node=number,
    )


def _is_underestimated(plan: PlannedStatement, outer: int) -> bool:
    figures = plan.figures[outer]
    return (figures.rows or 0.0) > figures.estimated_rows and (figures.q_error or 1.0) >= FAR


def _is_looked_up(plan: PlannedStatement, inner: int) -> bool:
    node = plan.nodes[inner]
    return node.node_type in LOOKED_UP and (node.actual_loops or 0.0) >= LEAST_LOOPS


REMEDY = Remedy(
    text="Put the part whose rows are misjudged into a temporary table and ANALYZE that before the rest is joined to "
    "it. To see what a hash join would take, run the statement once with nested loops off.",
    sql="SET LOCAL enable_nestloop = off;",
    undo="RESET enable_nestloop;",
    lock="none",
)


def _share(plan: PlannedStatement, number: int, outer: int) -> float:
    """Of the loop with all but its outer side: a single look-up is shorter than what EXPLAIN's clock tells."""
    whole = plan.figures[0].inclusive_ms or 0.0
    ms = (plan.figures[number].inclusive_ms or 0.0) - (plan.figures[outer].inclusive_ms or 0.0)
    return min(max(ms, 0.0) / whole, 1.0) if whole else 0.0


def _culprit(plan: PlannedStatement, number: int) -> int:
    """The lowest node of the outer side whose estimate is too low while its inputs' are good."""
    at = number
    while True:
        wrong = [
            each for _, each in plan.children(at)
            if (each.q_error or 1.0) >= NEAR and (each.rows or 0.0) > each.estimated_rows
        ]  # fmt: skip
        if not wrong or plan.nodes[at].table:
            return at
        at = max(wrong, key=lambda each: each.q_error or 1.0).number


def _is_told(plan: PlannedStatement, facts: Facts, culprit: int, outer: int) -> bool:
    """Whether another rule tells what is wrong there, or would if anything were."""
    wrong = plan.nodes[culprit]
    if wrong.node_type in TOLD_ELSEWHERE or (wrong.table and facts.has_catalog):
        return True
    below = range(outer, outer + sum(1 for _ in plan.nodes[outer].walk()))
    return any(each.number in below for each in diagnoses(facts, plan))


def _remedy(wrong: PlanNode) -> Remedy:
    if wrong.table is None:
        return REMEDY
    name = f"{quoted(wrong.schema)}.{quoted(wrong.table)}" if wrong.schema else quoted(wrong.table)
    return Remedy(
        text=f"Analyze {wrong.table}; if its estimate stays wrong, columns that depend on each other want CREATE "
        "STATISTICS, a column with many values a higher statistics target.",
        sql=f"ANALYZE {name};",
        lock=f"SHARE UPDATE EXCLUSIVE on {wrong.table}: reads and writes go on",
        cost="reads a sample of the table",
    )
