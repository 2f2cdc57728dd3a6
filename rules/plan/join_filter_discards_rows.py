"""A join makes pairs of rows and throws nearly all of them away by a condition that it could not join by.

## What it finds
A join that discards 100,000 pairs or more by its Join Filter, and keeps at most a tenth of them. Seen by EXPLAIN
ANALYZE. A nested loop over an inner table read whole is told by nested-loop-over-many-rows.

## Why it matters
The Join Filter is tested on each pair that the join condition lets through. Where that condition is weak (the tenant,
the day, a status) the number of pairs is the product of both sides, however few remain.

## What to do
Join by something that tells the rows apart. An index on the weak and the strong column together lets a nested loop look
pairs up; an equality between expressions can be indexed as one; overlapping ranges want a range type and a GiST index.

## When to leave it
The pairs are few in production, or the comparison cannot be had from an index (a distance, a similarity).

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
    PlannedStatement,
    PlanNode,
    Remedy,
    Rung,
    Severity,
    Where,
    node,
    plan_rule,
    table,
)

LEAST_DISCARDED = 100_000
MOST_KEPT = 0.1
RESCANNED = ("Seq Scan", "Materialize", "CTE Scan", "Function Scan", "Subquery Scan", "Values Scan", "Memoize")
"""What a nested loop reads from end to end for each outer row: nested-loop-over-many-rows tells of it."""

TABLES = (table("booking", columns={"room": "bigint"}), table("offer", columns={"room": "bigint"}))
SQL = "SELECT * FROM booking b JOIN offer o ON o.room = b.room AND o.from_day <= b.day AND o.to_day > b.day"
join = partial(node, "Hash Join", hash_condition="(b.room = o.room)", rows=1e5, join_type="Inner",
               join_filter="((o.from_day <= b.day) AND (o.to_day > b.day))")  # fmt: skip
SIDES = (
    node("Seq Scan", table="booking", alias="b", rows=1e5, actual=1e5, ms=20, parent_relationship="Outer"),
    node("Hash", node("Seq Scan", table="offer", alias="o", rows=1e4, actual=1e4, ms=2), rows=1e4, actual=1e4, ms=3,
         parent_relationship="Inner"),
)  # fmt: skip
BAD = [
    Example(
        note="Each room has hundreds of offers, of which one holds on the day.",
        sql=SQL,
        tables=TABLES,
        plan=join(*SIDES, actual=1e5, ms=9_000, rows_removed_by_join_filter=39_900_000),
        mean_ms=9_000,
    ),
]
GOOD = [
    Example(
        note="Half of the pairs are wanted.",
        sql=SQL,
        tables=TABLES,
        plan=join(*SIDES, actual=1e5, ms=300, rows_removed_by_join_filter=110_000),
        mean_ms=300,
    ),
    Example(
        note="The join's own condition tells the rows apart; a handful fall to the filter.",
        sql=SQL,
        tables=TABLES,
        plan=join(*SIDES, actual=20, ms=90, rows_removed_by_join_filter=900),
        mean_ms=90,
    ),
]


@plan_rule(severity=Severity.ERROR, since="0.2", needs=("analyze",))
def check(plan: PlannedStatement, facts: Facts) -> Iterator[Finding]:
    for number, each in enumerate(plan.nodes):
        if not each.join_filter or not each.was_run or _rescans(plan, number):
            continue
        loops = each.actual_loops or 0.0
        discarded, kept = (each.rows_removed_by_join_filter or 0.0) * loops, (each.actual_rows or 0.0) * loops
        share = plan.figures[number].share
        if discarded < LEAST_DISCARDED or kept > MOST_KEPT * (discarded + kept) or not facts.matters(plan, share):
            continue
        weak = each.hash_condition or each.merge_condition
        yield Finding(
            where=Where(statement=plan.key),
            message=f"{each.node_type.lower()} makes {discarded + kept:,.0f} pairs of rows and its join filter keeps "
            f"{kept:,.0f}",
            evidence=_evidence(plan, number),
            remedy=_remedy(each, weak),
            wrong_if="the sides are much smaller in production, or no index can serve the condition",
            severity=facts.severity(plan.key, share),
            at_most_ms_per_day=facts.ms_per_day(plan.key, share),
            node=number,
        )


def _rescans(plan: PlannedStatement, number: int) -> bool:
    sides = [child.node_type for child, _ in plan.children(number) if child.parent_relationship == "Inner"]
    return plan.nodes[number].node_type == "Nested Loop" and any(each in RESCANNED for each in sides)


def _evidence(plan: PlannedStatement, number: int) -> tuple[Evidence, ...]:
    figures = plan.figures[number]
    own = f"{figures.self_ms:,.1f} ms, " if figures.self_ms is not None else ""
    return (Evidence(rung=Rung.MEASURED, text=f"counted: {own}{figures.share:.0%} of the statement, in this join"),)


def _remedy(each: PlanNode, weak: str | None) -> Remedy:
    by = f"It joins by `{weak}` alone. " if weak else ""
    return Remedy(
        text=f"{by}Make what the filter tests part of the join: an index that holds the joined and the tested column, "
        "so that a nested loop looks pairs up; for ranges a range column with a GiST index and &&; or filter one side "
        "before the join."
    )
