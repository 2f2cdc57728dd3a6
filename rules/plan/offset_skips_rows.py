"""A plan makes thousands of rows and its LIMIT throws them away: a deep OFFSET.

## What it finds
A Limit that takes in 1,000 rows or more beyond those it gives, in a plan whose statement is not known. Where its text
is known, deep-offset tells of it. Seen by EXPLAIN ANALYZE.

## Why it matters
PostgreSQL cannot jump to the hundred-thousandth row: it makes all rows before it, in order, and drops them.

## What to do
Page by key: remember the sort key of the last row shown, and ask for the rows after it.

## When to leave it
Nobody goes beyond the first pages.

## Source
https://use-the-index-luke.com/no-offset
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
)

DEEP = 1_000
TIMES = 10
LEAST_SHARE = 0.2

scan = partial(node, "Index Scan", table="orders", index="orders_at_idx", rows=1e6, parent_relationship="Outer")
BAD = [
    Example(
        sql="EXECUTE page",
        plan=node("Limit", scan(actual=50_020, ms=40), rows=20, actual=20, ms=41),
        is_pasted=True,
        mean_ms=41,
    ),
]
GOOD = [
    Example(
        note="The first page.",
        sql="EXECUTE page",
        plan=node("Limit", scan(actual=20, ms=4), rows=20, actual=20, ms=4),
        is_pasted=True,
    ),
    Example(
        note="The text is known: deep-offset tells of it.",
        sql="SELECT * FROM orders ORDER BY at LIMIT 20 OFFSET 50000",
        plan=node("Limit", scan(actual=50_020, ms=40), rows=20, actual=20, ms=41),
        is_pasted=True,
        mean_ms=41,
    ),
]


@plan_rule(severity=Severity.ERROR, since="0.2", needs=("analyze",))
def check(plan: PlannedStatement, facts: Facts) -> Iterator[Finding]:
    if plan.query is not None:
        return
    for number, limit in enumerate(plan.nodes):
        given = plan.figures[number].rows or 0.0
        below = next((each for child, each in plan.children(number) if child.parent_relationship == "Outer"), None)
        skipped = (below.rows or 0.0) - given if below else 0.0
        share = (below.inclusive_ms or 0.0) / (plan.figures[0].inclusive_ms or 1.0) if below else 0.0
        if limit.node_type != "Limit" or skipped < max(DEEP, TIMES * given) or share < LEAST_SHARE:
            continue
        if not facts.matters(plan, min(share, 1.0)):
            continue
        yield Finding(
            where=Where(statement=plan.key),
            message=f"limit takes in {skipped + given:,.0f} rows and gives {given:,.0f}: its OFFSET skips the others",
            evidence=(
                Evidence(rung=Rung.MEASURED, text=f"counted: making them takes {min(share, 1.0):.0%} of the statement"),
            ),
            remedy=Remedy(
                text="Page by key: WHERE (sort columns) > (those of the last row shown), same ORDER BY and LIMIT."
            ),
            wrong_if="nobody goes beyond the first pages",
            severity=facts.severity(plan.key, min(share, 1.0)),
            at_most_ms_per_day=facts.ms_per_day(plan.key, min(share, 1.0)),
            node=number,
        )
