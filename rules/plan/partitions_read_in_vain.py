"""Every partition of a table is searched, and nearly all of them hold nothing that is asked for.

## What it finds
An Append that ran eight partitions or more, of which at most one in eight gave a row, and that takes a fifth of the
statement, in a plan whose statement is not known. Where its text is known, no-partition-pruning tells of it. Seen by
EXPLAIN ANALYZE.

## Why it matters
PostgreSQL leaves out the partitions whose bounds contradict the conditions. Without a condition on the partition key it
plans, locks and searches each of them, however few rows are wanted.

## What to do
Add what is known of the partition key to the conditions, with the key bare: no function and no cast around it.

## When to leave it
The rows may really be anywhere.

## Source
https://www.postgresql.org/docs/current/ddl-partitioning.html#DDL-PARTITION-PRUNING
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
)

LEAST_PARTITIONS = 8
MOST_OF_USE = 1 / 8
LEAST_SHARE = 0.2


def _member(at: int, actual: float, loops: float = 1) -> PlanNode:
    return node("Index Scan", table=f"event_{at}", schema="public", alias=f"event_{at}", rows=1, actual=actual,
                loops=loops, ms=2, index=f"event_{at}_who_idx", parent_relationship="Member")  # fmt: skip


def _append(*members: PlanNode) -> PlanNode:
    return node("Append", *members, rows=12, actual=9, ms=sum((each.actual_loops or 0) * 2 for each in members) + 0.1)


BAD = [
    Example(
        note="Nothing is known but the plan.",
        sql="EXECUTE events_of",
        is_pasted=True,
        plan=_append(*(_member(at, 9 if at == 12 else 0) for at in range(1, 13))),
        mean_ms=24,
    ),
]
GOOD = [
    Example(
        note="Pruned as it started: the others never ran.",
        sql="EXECUTE events_of",
        is_pasted=True,
        plan=_append(*(_member(at, 9, loops=1 if at == 12 else 0) for at in range(1, 13))),
        mean_ms=5,
    ),
    Example(
        note="Each partition gives rows.",
        sql="EXECUTE events_of",
        is_pasted=True,
        plan=_append(*(_member(at, 9) for at in range(1, 13))),
        mean_ms=24,
    ),
]


@plan_rule(severity=Severity.ERROR, since="0.2", needs=("analyze",))
def check(plan: PlannedStatement, facts: Facts) -> Iterator[Finding]:
    if plan.query is not None:
        return
    for number, each in enumerate(plan.nodes):
        ran = [child for child, _ in plan.children(number) if child.table and child.was_run]
        useful = [child for child in ran if child.actual_rows]
        below = range(number, number + sum(1 for _ in each.walk()))
        share = min(sum(plan.figures[at].share for at in below), 1.0)
        if each.node_type not in ("Append", "Merge Append") or len(ran) < LEAST_PARTITIONS:
            continue
        if len(useful) > MOST_OF_USE * len(ran) or share < LEAST_SHARE or not facts.matters(plan, share):
            continue
        yield Finding(
            where=Where(table=useful[0].table if useful else ran[0].table, statement=plan.key),
            message=f"{len(ran)} partitions are searched, and {len(useful)} of them give rows",
            evidence=(Evidence(rung=Rung.MEASURED, text=f"counted: {share:.0%} of the statement goes into them"),),
            remedy=Remedy(
                text="Add a condition on the partition key, with the key bare, so that the others are left out."
            ),
            wrong_if="for other values the rows are spread over all partitions",
            severity=facts.severity(plan.key, share),
            at_most_ms_per_day=facts.ms_per_day(plan.key, share),
            node=number,
        )
