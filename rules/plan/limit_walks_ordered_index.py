"""A query with a LIMIT walks an index in the order asked for and meets hardly a row that it may keep.

## What it finds
A LIMIT over an index scan that was taken for its order: 10,000 entries or more were read, a hundred for each row that
passed the filters and joins, and a fifth of the time or more went there. Seen by EXPLAIN ANALYZE. Where the scan's own
filter lets more than a tenth through, it is a join that chooses the rows, and no index of this table would.

## Why it matters
The planner takes the matching rows to be spread evenly along the index, so that a LIMIT soon has enough of them. Where
they lie elsewhere (the customer's last order is two years old, the open tasks are the oldest ones) it walks nearly all
of the index, a random page for each entry. The same statement is fast for one value and takes minutes for the next.

## What to do
Give it an index that does both: the columns compared for equality first, the sort columns behind them. Where the rows
are chosen in another table, find them first in a MATERIALIZED CTE and sort those; or copy the column that chooses into
the table that is sorted.

## When to leave it
The values of this run are odd ones, and others find their rows at once.

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
    PlannedStatement,
    PlanNode,
    Remedy,
    Rung,
    Severity,
    Where,
    create_by_plan,
    index_by_plan,
    is_unknown,
    node,
    plan_rule,
    table,
    wastes_of,
)

LEAST_READ = 10_000
TIMES = 100
LEAST_SHARE = 0.2
MOST_PASSED = 0.1
"""A filter that lets more through is not what chooses the rows: a join is."""
PASSED = ("Nested Loop", "Gather Merge", "Merge Append", "Append", "Subquery Scan", "LockRows", "Result", "Unique",
          "ProjectSet")  # fmt: skip
"""Nodes that hand the order of their first input on."""

TASK = table("task", columns={"project_id": "bigint", "due": "date"}, indexes={"task_due_idx": "due"})
PROJECT = table("project", columns={"owner": "text"}, rows=50_000)
SQL = "SELECT t.* FROM task t JOIN project p ON p.id = t.project_id WHERE p.owner = $1 ORDER BY t.due LIMIT 20"
walk = partial(node, "Index Scan", table="task", schema="public", alias="t", index="task_due_idx", rows=1e6,
               parent_relationship="Outer")  # fmt: skip
PROJECTS = node("Index Scan", table="project", schema="public", alias="p", index="project_pkey", rows=1, actual=0,
                loops=480_000, ms=0.003, index_condition="(id = t.project_id)", filter="(owner = 'eve'::text)",
                rows_removed_by_filter=1, parent_relationship="Inner")  # fmt: skip
BAD = [
    Example(
        note="The owner's tasks are all due late.",
        sql=SQL,
        tables=(TASK, PROJECT),
        plan=node("Limit", node("Nested Loop", walk(actual=480_000, ms=400), PROJECTS, rows=900, actual=20, ms=1_900,
                                parent_relationship="Outer"), rows=20, actual=20, ms=1_900),
        mean_ms=1_900,
    ),
]  # fmt: skip
GOOD = [
    Example(
        note="It met its twenty rows soon.",
        sql=SQL,
        tables=(TASK, PROJECT),
        plan=node("Limit", node("Nested Loop", walk(actual=900, ms=1), PROJECTS, rows=900, actual=20, ms=2,
                                parent_relationship="Outer"), rows=20, actual=20, ms=2),
        mean_ms=2,
    ),
    Example(
        note="All that it read was shown or skipped by OFFSET.",
        sql="SELECT * FROM task t ORDER BY due LIMIT 20 OFFSET 50000",
        tables=(TASK,),
        plan=node("Limit", walk(actual=50_020, ms=40), rows=20, actual=20, ms=41),
        mean_ms=41,
    ),
]  # fmt: skip


@plan_rule(severity=Severity.ERROR, since="0.2", needs=("analyze",))
def check(plan: PlannedStatement, facts: Facts) -> Iterator[Finding]:
    told = {waste.number for waste in wastes_of(facts, plan)}
    for limit in (number for number, each in enumerate(plan.nodes) if each.node_type == "Limit"):
        number = _walk(plan, limit)
        if number is None or number in told:
            continue
        scan, read, met = plan.nodes[number], _read(plan, number), _met(plan, limit)
        inclusive = plan.figures[limit].inclusive_ms or 0.0
        share = inclusive / (plan.figures[0].inclusive_ms or inclusive or 1.0)
        if read < max(LEAST_READ, TIMES * met) or share < LEAST_SHARE or not facts.matters(plan, share):
            continue
        yield Finding(
            where=Where(table=f"{scan.schema}.{scan.table}" if scan.schema else scan.table, statement=plan.key),
            message=f"walk along {scan.index} reads {read:,.0f} entries in order to meet {met:,.0f} rows for the LIMIT",
            evidence=_evidence(plan, limit, number, share),
            remedy=_remedy(plan, facts, scan),
            wrong_if="other values than those of this run find their rows at the beginning of the index",
            severity=facts.severity(plan.key, share),
            at_most_ms_per_day=facts.ms_per_day(plan.key, share),
            node=number,
        )


def _walk(plan: PlannedStatement, limit: int) -> int | None:
    """The index scan that gives the LIMIT its order; None: something sorts, or the order was not what it is for."""
    at: int | None = limit
    while at is not None and (at == limit or plan.nodes[at].node_type in PASSED):
        below = (each.number for child, each in plan.children(at) if child.parent_relationship not in ASIDE)
        at = next(below, None)
    if at is None or plan.nodes[at].node_type not in ("Index Scan", "Index Only Scan"):
        return None
    is_ordered = plan.query is not None and bool(plan.query.top.sort_keys)
    return at if is_ordered or plan.nodes[at].index_condition is None else None


ASIDE = ("InitPlan", "SubPlan", "Inner")


def _read(plan: PlannedStatement, number: int) -> float:
    """Entries that the scan read and that were visible, over all loops."""
    scan = plan.nodes[number]
    removed = (scan.rows_removed_by_filter or 0.0) + (scan.rows_removed_by_index_recheck or 0.0)
    return ((scan.actual_rows or 0.0) + removed) * (scan.actual_loops or 0.0)


def _met(plan: PlannedStatement, limit: int) -> float:
    """Rows that reached the LIMIT, those that its OFFSET skipped among them."""
    reached = (each.rows or 0.0 for child, each in plan.children(limit) if child.parent_relationship not in ASIDE)
    return next(reached, 0.0)


def _evidence(plan: PlannedStatement, limit: int, number: int, share: float) -> tuple[Evidence, ...]:
    below = next(child for child, _ in plan.children(limit) if child.parent_relationship not in ASIDE)
    ms = plan.figures[limit].inclusive_ms or 0.0
    pieces = [Evidence(rung=Rung.MEASURED, text=f"counted: {ms:,.1f} ms, {share:.0%} of the statement, go into it")]
    if below.estimated_rows and below.total_cost:
        part = min(plan.nodes[limit].estimated_rows / below.estimated_rows, 1.0)
        text = f"the planner hoped to stop after {part:.2%} of {plan.nodes[number].index}"
        pieces.append(Evidence(rung=Rung.ESTIMATED, text=text))
    return tuple(pieces)


def _remedy(plan: PlannedStatement, facts: Facts, scan: PlanNode) -> Remedy:
    order = [key.text for key in plan.query.top.sort_keys] if plan.query else []
    passed = scan.actual_rows or 0.0
    is_chosen_here = bool(scan.filter) and passed <= MOST_PASSED * (passed + (scan.rows_removed_by_filter or 0.0))
    wanted = index_by_plan(scan, order) if is_unknown(facts, scan) and is_chosen_here else None
    if wanted:
        return create_by_plan(wanted)
    if is_chosen_here:
        return Remedy(
            text=f"Give {scan.table} an index with the columns that its filter compares for equality first and the "
            "sort columns behind them; a condition that no index can serve must be rewritten first."
        )
    return Remedy(
        text="Find the rows first and sort those few: put the query without ORDER BY and LIMIT into "
        "WITH found AS MATERIALIZED (…), and order and limit what comes out of it. Or copy the column that chooses the "
        f"rows into {scan.table}, and index it together with the sort columns."
    )
