"""A CTE is computed as a whole, and the query then keeps a few of its rows.

## What it finds
A CTE Scan whose filter throws away nine of ten rows, 10,000 at least, where the CTE takes a fifth of the statement.
Seen by EXPLAIN ANALYZE. Not a recursive CTE.

## Why it matters
A CTE that is used twice, or says MATERIALIZED, is computed in full before anything is asked of it: the condition of the
outer query does not reach its tables, nor their indexes.

## What to do
Write the condition into the CTE, or `AS NOT MATERIALIZED`, so that PostgreSQL puts it into each place of use and
pushes the conditions down.

## When to leave it
Each use wants other rows, and the CTE is dear to compute.

## Source
https://www.postgresql.org/docs/current/queries-with.html#QUERIES-WITH-CTE-MATERIALIZATION
"""

from collections.abc import Iterator
from functools import partial

from pgadvisor.rule import (
    Evidence,
    Example,
    Facts,
    Finding,
    PlannedStatement,
    Remedy,
    Rung,
    Severity,
    Where,
    node,
    plan_rule,
    table,
)

LEAST_DISCARDED = 10_000
MOST_KEPT = 0.1
LEAST_SHARE = 0.2

ORDERS = table("orders")
SQL = "WITH o AS MATERIALIZED (SELECT * FROM orders) SELECT * FROM o WHERE customer_id = $1"
cte = partial(node, "Seq Scan", table="orders", schema="public", alias="orders", rows=1e5, actual=1e5, ms=40,
              parent_relationship="InitPlan", subplan_name="CTE o")  # fmt: skip
scan = partial(node, "CTE Scan", cte(), cte_name="o", alias="o", rows=500)
BAD = [
    Example(
        sql=SQL,
        tables=(ORDERS,),
        plan=scan(actual=20, ms=80, rows_removed_by_filter=99_980, filter="(customer_id = 7)"),
        mean_ms=80,
    ),
]
GOOD = [
    Example(
        note="Most of it is wanted.",
        sql=SQL,
        tables=(ORDERS,),
        plan=scan(actual=70_000, ms=80, rows_removed_by_filter=30_000, filter="(total > 7)"),
        mean_ms=80,
    ),
]


@plan_rule(severity=Severity.ERROR, since="0.2", needs=("analyze",))
def check(plan: PlannedStatement, facts: Facts) -> Iterator[Finding]:
    for number, each in enumerate(plan.nodes):
        loops = each.actual_loops or 0.0
        removed, kept = (each.rows_removed_by_filter or 0.0) * loops, (each.actual_rows or 0.0) * loops
        if each.node_type != "CTE Scan" or removed < LEAST_DISCARDED or kept > MOST_KEPT * (removed + kept):
            continue
        producer = _producer(plan, each.cte_name)
        if producer is None or plan.nodes[producer].node_type in ("Recursive Union", "ModifyTable"):
            continue
        below = range(producer, producer + sum(1 for _ in plan.nodes[producer].walk()))
        share = min(sum(plan.figures[at].share for at in {number, *below}), 1.0)
        if share < LEAST_SHARE or not facts.matters(plan, share):
            continue
        yield Finding(
            where=Where(statement=plan.key),
            message=f"CTE {each.cte_name} makes {removed + kept:,.0f} rows and the query keeps {kept:,.0f} of them",
            evidence=(
                Evidence(
                    rung=Rung.MEASURED,
                    text=f"counted: the CTE and this scan of it take {share:.0%} of the statement; the filter is not "
                    "pushed down into the CTE",
                ),
            ),
            remedy=Remedy(
                text=f"Write the condition into the CTE {each.cte_name}, or AS NOT MATERIALIZED, so that it reaches "
                "its tables and their indexes."
            ),
            wrong_if="the CTE is used several times, each time for other rows, and is dear to compute",
            severity=facts.severity(plan.key, share),
            at_most_ms_per_day=facts.ms_per_day(plan.key, share),
            node=number,
        )


def _producer(plan: PlannedStatement, name: str | None) -> int | None:
    """The node whose rows the CTE keeps."""
    return next((at for at, each in enumerate(plan.nodes) if each.subplan_name == f"CTE {name}"), None)
