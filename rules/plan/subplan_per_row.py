"""A subquery is executed again for each row of the query around it.

## What it finds
A SubPlan (not one that is hashed or run once) that is run 1,000 times or more and takes a fifth of the statement.

## Why it matters
PostgreSQL cannot turn a correlated subquery in a select list, or one under OR, into a join. It runs it row by row: a
look-up of 0.05 ms becomes 5 s over 100,000 rows.

## What to do
Join the table grouped by the correlated column, or use LEFT JOIN LATERAL when few rows are left after the filters.
Where the subquery reads a table without an index on that column, create the index first.

## When to leave it
Few rows reach the subquery in production, for example because a LIMIT stops the query early.

## Source
https://www.postgresql.org/docs/current/using-explain.html
"""

from collections.abc import Iterator

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
    node,
    plan_rule,
    table,
    wastes_of,
)

LEAST_RUNS = 1_000
LEAST_SHARE = 0.2

TABLES = (table("customer", rows=100_000), table("orders", indexes={"orders_customer_id_idx": "customer_id"}))
SQL = "SELECT c.id, (SELECT count(*) FROM orders o WHERE o.customer_id = c.id) FROM customer c"


def _count(loops: float, ms: float) -> PlanNode:
    scan = node("Index Only Scan", table="orders", schema="public", alias="o", index="orders_customer_id_idx",
                index_condition="(o.customer_id = c.id)", rows=10, actual=10, loops=loops, ms=ms,
                parent_relationship="Outer")  # fmt: skip
    return node("Aggregate", scan, strategy="Plain", parent_relationship="SubPlan", subplan_name="SubPlan 1", actual=1,
                loops=loops, ms=ms * 1.2)  # fmt: skip


BAD = [
    Example(
        sql=SQL,
        tables=TABLES,
        plan=node("Seq Scan", _count(100_000, 0.02), table="customer", schema="public", alias="c", rows=1e5, actual=1e5,
                  ms=2_500),
        calls=10_000,
        mean_ms=2_500,
    ),
]  # fmt: skip
GOOD = [
    Example(
        note="A LIMIT lets twenty rows through.",
        sql=SQL + " LIMIT 20",
        tables=TABLES,
        plan=node("Limit", node("Seq Scan", _count(20, 0.02), table="customer", schema="public", alias="c", rows=1e5,
                                actual=20, ms=0.6), rows=20, actual=20, ms=0.6),
        mean_ms=0.6,
    ),
    Example(
        note="Its result is hashed, so it runs once.",
        sql="SELECT * FROM customer c WHERE id NOT IN (SELECT customer_id FROM orders)",
        tables=TABLES,
        plan=node(
            "Seq Scan",
            node("Seq Scan", table="orders", schema="public", parent_relationship="SubPlan", subplan_name="SubPlan 1",
                 rows=1e6, actual=1e6, ms=90),
            table="customer", schema="public", alias="c", rows=5e4, actual=1_000, ms=300,
            filter="(NOT (hashed SubPlan 1))",
        ),
    ),
]  # fmt: skip


@plan_rule(severity=Severity.ERROR, since="0.1")
def check(plan: PlannedStatement, facts: Facts) -> Iterator[Finding]:
    missing = {waste.number for waste in wastes_of(facts, plan)}
    if not facts.has_catalog:
        missing = {at for at, each in enumerate(plan.nodes) if each.node_type == "Seq Scan" and each.filter}
    for number, each in enumerate(plan.nodes):
        below = range(number, number + sum(1 for _ in each.walk()))
        if each.parent_relationship != "SubPlan" or missing.intersection(below):
            continue
        runs, share = _runs(plan, number), sum(plan.figures[at].share for at in below)
        if runs < LEAST_RUNS or share < LEAST_SHARE or not facts.matters(plan, share):
            continue
        name = each.subplan_name or "SubPlan"
        counted = "counted" if plan.is_analyzed else "planned"
        yield Finding(
            where=Where(statement=plan.key),
            message=f"subquery ({name}) is run {runs:,.0f} times, once for each row around it",
            evidence=(
                Evidence(
                    rung=Rung.MEASURED if plan.is_analyzed else Rung.ESTIMATED,
                    text=f"{counted}: {runs:,.0f} runs take {share:.0%} of the statement",
                ),
            ),
            remedy=EXCLUDING if _excludes(plan, number) else COMPUTING,
            wrong_if="far fewer rows reach the subquery in production than in this plan",
            severity=facts.severity(plan.key, share),
            at_most_ms_per_day=facts.ms_per_day(plan.key, share),
            cause=_cause(plan, number),
            node=number,
        )


def _cause(plan: PlannedStatement, number: int) -> str | None:
    """The same as of the rules that tell it of the query's text."""
    kind = "exclusion" if _excludes(plan, number) else "subquery"
    return f"{kind} {plan.statement.fingerprint}" if plan.statement else None


COMPUTING = Remedy(
    text="Compute it once for all rows: join the subquery's table grouped by the correlated column, with LEFT JOIN and "
    "coalesce(…, 0) for counts. Or filter and limit the outer rows before it."
)
EXCLUDING = Remedy(
    text="Write NOT IN or <> ALL as NOT EXISTS, which PostgreSQL can turn into one anti-join; mind that NOT EXISTS "
    "also keeps rows where either side is NULL."
)


def _excludes(plan: PlannedStatement, number: int) -> bool:
    """Whether the filter above wants rows that are not in the subquery."""
    above = plan.parent(number)
    text = (above.filter if above else None) or ""
    return "SubPlan" in text and ("NOT (" in text or "ALL (" in text)


def _runs(plan: PlannedStatement, number: int) -> float:
    """How often the subplan is run, as counted, or as the planner's costs say."""
    each, figures = plan.nodes[number], plan.figures[number]
    if plan.is_analyzed:
        return each.actual_loops or 0.0
    inclusive = sum(plan.figures[at].self_cost for at in range(number, number + sum(1 for _ in each.walk())))
    is_hashed = f"hashed {each.subplan_name}" in (plan.nodes[figures.parent or 0].filter or "")
    return 1.0 if is_hashed or not each.total_cost else inclusive / each.total_cost
