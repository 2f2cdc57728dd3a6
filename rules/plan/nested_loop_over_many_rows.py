"""A nested loop reads the whole inner table again for each row of the outer side.

## What it finds
A nested loop whose inner side is a sequential scan, a CTE, a function or a materialized result that is read 100 times
or more, compares 100,000 rows or more, and takes a fifth of the statement.

## Why it matters
The work is the product of both sides. It doubles when either table does, and grows fourfold when both do.

## What to do
Create an index on the inner table's join columns, so that each outer row is one look-up. Where the join has no
equality at all, look for one: a range join can be cut by day or by key.

## When to leave it
The inner table has a handful of rows and stays so.

## Source
https://www.postgresql.org/docs/current/using-explain.html
"""

from collections.abc import Iterator
from functools import partial

from pgadvisor.rule import (
    Evidence,
    Example,
    Facts,
    Finding,
    Need,
    PlannedStatement,
    Remedy,
    Rung,
    Severity,
    Where,
    create_by_plan,
    create_index,
    index_by_plan,
    is_unknown,
    join_need,
    node,
    plan_rule,
    read_fraction,
    scanned_table,
    table,
    wastes_of,
)

LEAST_LOOPS = 100
LEAST_COMPARED = 100_000
LEAST_SHARE = 0.2
LOOK_UP = 20
"""Rows compared in the time of one look-up in an index."""
PASSED = ("Materialize", "Memoize")
RESCANNED = ("Seq Scan", "CTE Scan", "Function Scan", "Values Scan")

ITEM = table("item", rows=50_000, columns={"order_id": "bigint", "valid_from": "date"})
SMALL = table("item", rows=20, columns={"order_id": "bigint"})
SQL = "SELECT * FROM orders o JOIN item i ON i.order_id = o.id WHERE o.customer_id = $1"
OUTER = node("Index Scan", table="orders", schema="public", alias="o", rows=3, actual=400, ms=2,
             parent_relationship="Outer")  # fmt: skip
inner = partial(node, "Seq Scan", table="item", schema="public", alias="i", parent_relationship="Inner", loops=400)
loop = partial(node, "Nested Loop", OUTER, rows=9, actual=1_200, ms=2_200, join_type="Inner")
BAD = [
    Example(
        sql=SQL,
        tables=(table("orders", columns={"customer_id": "bigint"}), ITEM),
        plan=loop(
            inner(rows=50_000, actual=50_000, ms=4),
            join_filter="(i.order_id = o.id)",
            rows_removed_by_join_filter=19_998_800,
        ),
        calls=20_000,
        mean_ms=2_200,
        remedy="CREATE INDEX CONCURRENTLY item_order_id_idx ON public.item (order_id);",
    ),
    Example(
        note="Nothing is known but the plan.",
        sql=SQL,
        plan=loop(
            inner(rows=50_000, actual=50_000, ms=4),
            join_filter="(o.id = i.order_id)",
            rows_removed_by_join_filter=19_998_800,
        ),
        is_pasted=True,
        remedy="CREATE INDEX CONCURRENTLY item_order_id_idx ON public.item (order_id);",
    ),
    Example(
        note="A CTE has no index.",
        sql="WITH i AS MATERIALIZED (SELECT * FROM item) SELECT * FROM orders o JOIN i ON i.order_id = o.id",
        plan=loop(
            node(
                "CTE Scan",
                alias="i",
                cte_name="i",
                parent_relationship="Inner",
                loops=400,
                rows=50_000,
                actual=50_000,
                ms=5,
            ),
            join_filter="(i.order_id = o.id)",
        ),
    ),
]
GOOD = [
    Example(
        note="The inner table has twenty rows.",
        sql=SQL,
        tables=(table("orders", columns={"customer_id": "bigint"}), SMALL),
        plan=loop(inner(rows=20, actual=20, ms=0.01), join_filter="(i.order_id = o.id)"),
    ),
    Example(
        note="The inner side is an index scan.",
        sql=SQL,
        tables=(table("orders", columns={"customer_id": "bigint"}),
                table("item", indexes={"item_order_id_idx": "order_id"})),
        plan=loop(
            node("Index Scan", table="item", schema="public", alias="i", parent_relationship="Inner", loops=400, rows=3,
                 actual=3, ms=0.02, index_condition="(i.order_id = o.id)"),
        ),
    ),
]  # fmt: skip


@plan_rule(severity=Severity.ERROR, since="0.1")
def check(plan: PlannedStatement, facts: Facts) -> Iterator[Finding]:
    told = {waste.need.index.table for waste in wastes_of(facts, plan)}
    for number, loop_node in enumerate(plan.nodes):
        scan = _inner_scan(plan, number)
        if scan is None or not (loop_node.join_filter or plan.nodes[scan].filter):
            continue
        runs, compared, share = _work(plan, number, scan)
        if runs < LEAST_LOOPS or compared < LEAST_COMPARED or share < LEAST_SHARE or not facts.matters(plan, share):
            continue
        found = scanned_table(facts, plan.nodes[scan])
        if found is None:
            yield from _by_plan_alone(plan, facts, number, scan)
            continue
        need = _need(plan, facts, number, scan)
        if (need is None and _has_equality(loop_node.join_filter)) or found.qualified in told:
            continue
        day = facts.ms_per_day(plan.key)
        yield Finding(
            where=Where(table=need.index.table if need else found.qualified, statement=plan.key),
            message=f"nested loop reads {found.label} whole {runs:,.0f} times and compares {compared:,.0f} rows",
            evidence=_evidence(plan, number, share, need),
            remedy=create_index(facts, need.index) if need else UNEQUAL,
            wrong_if=WRONG_IF,
            severity=facts.severity(plan.key, share),
            gain_ms_per_day=None
            if day is None or need is None
            else day * share * (1 - min(LOOK_UP * runs / compared, 1)),
            at_most_ms_per_day=facts.ms_per_day(plan.key, share),
            cause=need.index.cause if need else None,
            node=scan,
        )


def _by_plan_alone(plan: PlannedStatement, facts: Facts, number: int, scan: int) -> Iterator[Finding]:
    """Of a table that no catalog tells of, and of what is no table: a CTE, a function, a subquery."""
    each, loop_node = plan.nodes[scan], plan.nodes[number]
    runs, compared, share = _work(plan, number, scan)
    if (each.table and not is_unknown(facts, each)) or (each.table is None and not loop_node.join_filter):
        return
    wanted = index_by_plan(each, joined_by=loop_node.join_filter) if each.table else None
    if each.table and wanted is None and _has_equality(loop_node.join_filter):
        return
    name = each.table or each.cte_name or each.function_name or each.alias or "a result"
    remedy = create_by_plan(wanted) if wanted else (UNEQUAL if not _has_equality(loop_node.join_filter) else KEPT)
    yield Finding(
        where=Where(table=wanted.table if wanted else each.table, statement=plan.key),
        message=f"nested loop reads {name} whole {runs:,.0f} times and compares {compared:,.0f} rows",
        evidence=_evidence(plan, number, share, None),
        remedy=remedy,
        wrong_if=WRONG_IF,
        severity=facts.severity(plan.key, share),
        at_most_ms_per_day=facts.ms_per_day(plan.key, share),
        cause=wanted.cause if wanted else None,
        node=scan,
    )


WRONG_IF = "the inner table stays as small as it is now, or the outer side has far fewer rows in production"
KEPT = Remedy(
    text="What a CTE, a function or a subquery gives has no index and no statistics. Put it into a temporary table "
    "with an index on the joined column and ANALYZE that, or write the CTE AS NOT MATERIALIZED, so that its tables' "
    "own indexes serve the join."
)
UNEQUAL = Remedy(
    text="The join compares by something else than equality, so each pair of rows is tried. Add an equality that cuts "
    "both sides (the day, the tenant, the key), or filter the outer side first."
)


def _need(plan: PlannedStatement, facts: Facts, number: int, scan: int) -> Need | None:
    """The index for the join: on the inner table, or on a bigger outer one, which the inner side would then drive."""
    outer = next((each.number for child, each in plan.children(number) if child.parent_relationship == "Outer"), scan)
    sides = [(scan, outer), *([(outer, scan)] if plan.nodes[outer].node_type == "Seq Scan" else [])]
    sides.sort(key=lambda side: -plan.nodes[side[0]].estimated_rows)
    needs = (join_need(facts, plan, *side) for side in sides)
    return next((need for need in needs if need), None)


def _inner_scan(plan: PlannedStatement, number: int) -> int | None:
    """What is read from end to end as the inner side of that nested loop."""
    if plan.nodes[number].node_type != "Nested Loop":
        return None
    below = [(child, figures.number) for child, figures in plan.children(number)]
    at = next((at for child, at in below if child.parent_relationship == "Inner"), None)
    is_kept = False
    while at is not None and plan.nodes[at].node_type in PASSED:
        is_kept = plan.nodes[at].node_type == "Materialize"
        at = next((figures.number for _, figures in plan.children(at)), None)
    return at if at is not None and (is_kept or plan.nodes[at].node_type in RESCANNED) else None


def _work(plan: PlannedStatement, number: int, scan: int) -> tuple[float, float, float]:
    """How often the inner side is run, how many rows that compares, and the share of the statement it takes."""
    below = [(child, figures.number) for child, figures in plan.children(number)]
    outer = next(at for child, at in below if child.parent_relationship == "Outer")
    inner_side = next(at for child, at in below if child.parent_relationship == "Inner")
    is_kept = plan.nodes[inner_side].node_type == "Materialize"  # what is below it is run once
    again = [inner_side] if is_kept else range(inner_side, inner_side + sum(1 for _ in plan.nodes[inner_side].walk()))
    share = plan.figures[number].share + sum(plan.figures[at].share for at in again)
    if not plan.is_analyzed:
        runs = max(plan.figures[outer].estimated_rows, 1.0) * read_fraction(plan, number)
        return runs, runs * plan.nodes[scan].estimated_rows, min(share, 1.0)
    side = plan.nodes[inner_side]
    runs = side.actual_loops or 0.0
    rows = (side.actual_rows or 0.0) + (side.rows_removed_by_filter or 0.0)
    return runs, runs * rows, min(share, 1.0)


def _has_equality(join_filter: str | None) -> bool:
    return join_filter is not None and " = " in join_filter


def _evidence(plan: PlannedStatement, number: int, share: float, need: Need | None) -> tuple[Evidence, ...]:
    rung = Rung.MEASURED if plan.is_analyzed else Rung.ESTIMATED
    pieces = [Evidence(rung=rung, text=f"{share:.0%} of the statement goes into this loop")]
    outer = next((figures for child, figures in plan.children(number) if child.parent_relationship == "Outer"), None)
    if outer and outer.q_error and outer.q_error >= 10 and outer.rows is not None:
        text = f"the planner expected {outer.estimated_rows:,.0f} outer rows and got {outer.rows:,.0f}"
        pieces.append(Evidence(rung=Rung.MEASURED, text=text))
    if need:
        text = f"no valid index of {need.index.table} serves {need.index.spelled}"
        pieces.append(Evidence(rung=Rung.INFERRED, text=text))
    return tuple(pieces)
