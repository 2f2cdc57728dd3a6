"""A query that wants a few rows in order sorts very many to find them.

## What it finds
A LIMIT over a sort of 10,000 rows or more of one table, a hundred times what is wanted, where an index in that order
(behind the columns compared for equality) does not exist.

## Why it matters
All rows are read and compared for the twenty that are shown. With an index in the order asked for, PostgreSQL reads
those twenty and stops.

## What to do
Create the index that the finding prints: the columns compared for equality, then the sort columns. For a sort that
mixes directions the index must mix them as well.

## When to leave it
The list is opened once a day. Or few rows ever pass the filter, so that there is nothing to sort.

## Source
https://www.postgresql.org/docs/current/indexes-ordering.html
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
    PlanNode,
    Rung,
    Severity,
    Where,
    create_by_plan,
    create_index,
    index_by_plan,
    is_unknown,
    node,
    order_need,
    pays_off,
    plan_rule,
    table,
    wastes_of,
)

LEAST_SORTED = 10_000
TIMES = 100
FASTEST_ROW_MS = 0.00001
"""No sort is faster than 10 ns a row: a statement that is does not use the plan we see."""

POST = table("post", columns={"author_id": "bigint", "created_at": "timestamp with time zone", "score": "integer"})
ORDERED = table("post", columns={"author_id": "bigint"}, indexes={"post_created_at_idx": "created_at"})
SQL = "SELECT * FROM post ORDER BY created_at DESC LIMIT 20"
scan = partial(node, "Seq Scan", table="post", schema="public", alias="post", parent_relationship="Outer")
ALL = scan(rows=1e6, actual=1e6, ms=90)


def _top(below: PlanNode, keys: str, limit: int = 20) -> PlanNode:
    sort = node("Sort", below, rows=1e6, actual=limit, ms=190, sort_keys=(keys,), parent_relationship="Outer")
    return node("Limit", sort, rows=limit, actual=limit, ms=190)


BAD = [
    Example(
        sql=SQL,
        tables=(POST,),
        plan=_top(ALL, "created_at DESC"),
        calls=100_000,
        mean_ms=190,
        remedy="CREATE INDEX CONCURRENTLY post_created_at_idx ON public.post (created_at);",
    ),
    Example(
        note="Mixed directions need an index that mixes them.",
        sql="SELECT * FROM post ORDER BY score DESC, created_at LIMIT 20",
        tables=(POST,),
        plan=_top(ALL, "score DESC"),
        mean_ms=190,
        remedy="CREATE INDEX CONCURRENTLY post_score_created_at_idx ON public.post (score DESC, created_at);",
    ),
    Example(
        note="Nothing is known but the plan.",
        sql="SELECT * FROM post WHERE author_id = $1 ORDER BY created_at DESC LIMIT 20",
        plan=_top(
            scan(filter="(author_id = 7)", rows=4e5, actual=4e5, rows_removed_by_filter=6e5, ms=90), "created_at DESC"
        ),
        is_pasted=True,
        remedy="CREATE INDEX CONCURRENTLY post_author_id_created_at_idx ON public.post (author_id, created_at);",
    ),
]
GOOD = [
    Example(
        note="An index in that order exists.", sql=SQL, tables=(ORDERED,), plan=_top(ALL, "created_at DESC")
    ),
    Example(
        note="Most of what is sorted is wanted.",
        sql="SELECT * FROM post ORDER BY created_at DESC LIMIT 500000",
        tables=(POST,),
        plan=_top(ALL, "created_at DESC", limit=500_000),
    ),
    Example(
        note="The filter is by another range: an index in the sort order would have to be walked through.",
        sql="SELECT * FROM post WHERE score > $1 ORDER BY created_at DESC LIMIT 20",
        tables=(POST,),
        plan=_top(scan(filter="(score > 90)", rows=4e5, actual=4e5, rows_removed_by_filter=6e5, ms=90),
                  "created_at DESC"),
    ),
]  # fmt: skip


@plan_rule(severity=Severity.ERROR, since="0.1")
def check(plan: PlannedStatement, facts: Facts) -> Iterator[Finding]:
    told = {waste.number for waste in wastes_of(facts, plan)}
    for number, each in enumerate(plan.nodes):
        wanted = _wanted(plan, number) if each.node_type == "Sort" else None
        scan_number = _only_scan(plan, number)
        if wanted is None or scan_number is None or scan_number in told:
            continue
        rows = _sorted_rows(plan, number)
        if is_unknown(facts, plan.nodes[scan_number]):
            yield from _by_plan_alone(plan, facts, (number, scan_number), (rows, wanted))
            continue
        need = order_need(facts, plan, scan_number) if rows >= max(LEAST_SORTED, TIMES * wanted) else None
        if need and not _is_too_fast(plan, rows):
            found = _finding(plan, facts, need, (number, scan_number), (rows, wanted))
            if pays_off(facts, need.index, found.gain_ms_per_day):
                yield found


def _finding(
    plan: PlannedStatement, facts: Facts, need: Need, place: tuple[int, int], counts: tuple[float, float]
) -> Finding:
    (sort, scan_number), (rows, wanted) = place, counts
    index, found = need.index, facts.table(need.index.table)
    label = found.label if found else index.table
    share = min(sum(plan.figures[at].share for at in range(sort, scan_number + 1)), 1.0)
    saved, day = share * (1 - wanted / rows), facts.ms_per_day(plan.key)
    counted = "counted" if plan.is_analyzed else "planned"
    return Finding(
        where=Where(table=index.table, statement=plan.key),
        message=f"{rows:,.0f} rows of {label} are sorted to show the first {wanted:,.0f}",
        evidence=(
            Evidence(
                rung=Rung.MEASURED if plan.is_analyzed else Rung.ESTIMATED,
                text=f"{counted}: reading and sorting them takes {share:.0%} of the statement",
            ),
            Evidence(rung=Rung.INFERRED, text=f"no valid index of {label} gives {index.spelled} in order"),
        ),
        remedy=create_index(facts, index),
        wrong_if="the filter keeps far fewer rows in production than in this plan",
        severity=facts.severity(plan.key, saved),
        gain_ms_per_day=None if day is None else day * saved,
        cause=index.cause,
        node=sort,
    )


def _by_plan_alone(
    plan: PlannedStatement, facts: Facts, place: tuple[int, int], counts: tuple[float, float]
) -> Iterator[Finding]:
    """What was counted, where no catalog tells which indexes there are."""
    (sort, scan_number), (rows, wanted) = place, counts
    scan, share = plan.nodes[scan_number], sum(plan.figures[at].share for at in range(sort, scan_number + 1))
    index = index_by_plan(scan, plan.nodes[sort].sort_keys) if plan.is_analyzed else None
    is_ordered = index is not None and len(index.tail) == len(plan.nodes[sort].sort_keys)
    if index is None or not is_ordered or rows < max(LEAST_SORTED, TIMES * wanted) or not facts.matters(plan, share):
        return
    yield Finding(
        where=Where(table=index.table, statement=plan.key),
        message=f"{rows:,.0f} rows of {scan.table} are sorted to show the first {wanted:,.0f}",
        evidence=(Evidence(rung=Rung.MEASURED, text=f"counted: {min(share, 1.0):.0%} of the statement goes into it"),),
        remedy=create_by_plan(index),
        wrong_if="the filter keeps far fewer rows in production than in this plan",
        severity=facts.severity(plan.key, share),
        at_most_ms_per_day=facts.ms_per_day(plan.key, share),
        cause=index.cause,
        node=sort,
    )


def _wanted(plan: PlannedStatement, number: int) -> float | None:
    """Rows that the LIMIT above the sort wants; None: there is none, or something stands between."""
    above = plan.figures[number].parent
    while above is not None and plan.nodes[above].node_type in ("Gather Merge", "Result"):
        above = plan.figures[above].parent
    if above is None or plan.nodes[above].node_type != "Limit":
        return None
    return max(plan.nodes[above].estimated_rows, plan.nodes[above].actual_rows or 0.0)


def _only_scan(plan: PlannedStatement, number: int) -> int | None:
    """The scan of the one table that the sort reads; None: a join or an aggregate stands between."""
    below = [figures.number for child, figures in plan.children(number) if child.parent_relationship != "InitPlan"]
    while len(below) == 1 and not plan.nodes[below[0]].table:
        if plan.nodes[below[0]].node_type not in ("Gather", "Gather Merge", "Result"):
            return None
        below = [figures.number for _, figures in plan.children(below[0])]
    return below[0] if len(below) == 1 else None


def _sorted_rows(plan: PlannedStatement, number: int) -> float:
    figures = next(figures for _, figures in plan.children(number))
    return figures.rows if plan.is_analyzed and figures.rows is not None else figures.estimated_rows


def _is_too_fast(plan: PlannedStatement, rows: float) -> bool:
    mean_ms = plan.statement.mean_ms if plan.statement else None
    return not plan.is_analyzed and mean_ms is not None and mean_ms < rows * FASTEST_ROW_MS
