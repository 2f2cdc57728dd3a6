"""Where a plan's row estimates go wrong first, and what was chosen on them."""

from collections.abc import Iterator

from pgadvisor.facts import Facts, PlannedStatement
from pgadvisor.indexes.needs import base_table, scanned_table
from pgadvisor.model.plan import PlanNode
from pgadvisor.model.plan_figures import NodeFigures
from pgadvisor.model.record import Record

FAR = 10.0
"""As a factor, one added to both counts: below it a plan seldom turns."""
NEAR = 3.0
"""Inputs that were estimated better than this are not the cause."""
LEAST_ROWS = 100
CHOOSERS = frozenset({
    "Nested Loop", "Hash Join", "Merge Join", "Hash", "Sort", "Incremental Sort", "Aggregate", "WindowAgg",
    "Materialize", "Memoize", "Unique",
})  # fmt: skip
"""Nodes that the planner takes, or leaves, by the rows that it expects to come to them."""
DEARER = 1.2
"""Times the cost of reading whole what a loop looks up: so far the planner would not have changed its mind."""
LEAST_LOOPS = 1_000
"""Where nothing is known of the table that is looked up."""
LOOK_UP_COST = 8.0
"""Two random pages: what a lookup of one row by an index costs, about."""


class Effect(Record):
    """What the wrong estimate did to the plan above it."""

    text: str
    """As a clause."""
    is_loop: bool = False
    """A nested loop was chosen for few rows, and many came."""


def far_off(plan: PlannedStatement) -> Iterator[int]:
    """The numbers of the nodes at which an estimate goes wrong whose inputs were estimated well.

    Where nothing came at all the values may never stand in one row, and that says nothing of others.
    """
    for number, node in enumerate(plan.nodes):
        figures = plan.figures[number]
        if figures.q_error is None or figures.q_error < FAR or not figures.rows or _is_part(node):
            continue
        if max(figures.rows, figures.estimated_rows) < LEAST_ROWS:
            continue
        if all(each.q_error is None or each.q_error < NEAR for each in _inputs(plan, number)):
            yield number


def _is_part(node: PlanNode) -> bool:
    """Whether it makes a part of what a node above completes: groups of one process, rows of a bitmap."""
    return ("Partial Mode", '"Partial"') in node.other or node.node_type in (
        "Bitmap Index Scan",
        "BitmapAnd",
        "BitmapOr",
    )


def _inputs(plan: PlannedStatement, number: int) -> Iterator[NodeFigures]:
    """The figures of what feeds a node; of groups that processes made in parts, of what feeds the parts."""
    is_final = ("Partial Mode", '"Finalize"') in plan.nodes[number].other
    for child, figures in plan.children(number):
        if child.parent_relationship in ("InitPlan", "SubPlan"):
            continue
        if _is_part(child) or (is_final and child.node_type in ("Gather", "Gather Merge", "Sort")):
            yield from _parts(plan, figures.number)
        else:
            yield figures


def _parts(plan: PlannedStatement, number: int) -> Iterator[NodeFigures]:
    """The figures of what feeds the parts below; a bitmap has no input."""
    node, below = plan.nodes[number], [figures for _, figures in plan.children(number)]
    if _is_part(node):
        yield from () if node.node_type.startswith("Bitmap") else below
        return
    for figures in below:
        yield from _parts(plan, figures.number)


def is_too_low(figures: NodeFigures) -> bool:
    """Whether more rows came than were expected."""
    return figures.estimated_rows < (figures.rows or 0.0)


def share_above(plan: PlannedStatement, number: int) -> float:
    """Share of the statement in the joins, sorts and hashes above the node, and in what they drive."""
    above, share = plan.figures[number].parent, 0.0
    while above is not None:
        each = plan.nodes[above]
        if each.node_type in CHOOSERS:
            share += plan.figures[above].share
        if each.node_type == "Nested Loop":
            share += sum(
                plan.figures[at].share
                for child, figures in plan.children(above)
                if child.parent_relationship == "Inner"
                for at in range(figures.number, figures.number + sum(1 for _ in child.walk()))
            )
        above = plan.figures[above].parent
    return min(share, 1.0)


def effect_of(facts: Facts, plan: PlannedStatement, number: int) -> Effect | None:
    """What was chosen on the estimate that the right one would have made otherwise; None: nothing that costs."""
    if is_too_low(plan.figures[number]):
        return _looped(facts, plan, number) or _spilled(plan, number)
    return _read_whole(facts, plan, number)


def _path(plan: PlannedStatement, number: int) -> Iterator[tuple[int, int]]:
    """Each node above with the one of its inputs that leads down to the node, the nearest first."""
    at, above = number, plan.figures[number].parent
    while above is not None:
        yield above, at
        at, above = above, plan.figures[above].parent


def _looped(facts: Facts, plan: PlannedStatement, number: int) -> Effect | None:
    """A nested loop that the rows drive, and whose lookups cost more than reading the table once would have."""
    for above, at in _path(plan, number):
        loop, outer = plan.nodes[above], plan.nodes[at]
        if loop.node_type != "Nested Loop" or outer.parent_relationship != "Outer":
            continue
        rows = plan.figures[at].rows or 0.0
        inner = next((child for child in loop.children if child.parent_relationship == "Inner"), None)
        whole = None if inner is None else _whole_cost(facts, inner)
        each = (loop.total_cost - outer.total_cost) / max(outer.estimated_rows, 1.0)
        if rows < LEAST_LOOPS if whole is None else max(each, 0.0) * rows < DEARER * whole:
            continue
        return Effect(text=f"a nested loop was chosen for {outer.estimated_rows:,.0f} rows and ran {rows:,.0f} times",
                      is_loop=True)  # fmt: skip
    return None


def _whole_cost(facts: Facts, inner: PlanNode) -> float | None:
    """What reading the inner side's tables once costs; None: not known."""
    tables = [base_table(facts, each) for each in inner.walk() if each.table]
    costs = [facts.whole_cost(each.qualified if each else None) for each in tables]
    return sum(each or 0.0 for each in costs) if costs and None not in costs else None


def _spilled(plan: PlannedStatement, number: int) -> Effect | None:
    """A hash table that was sized for few rows and went to disk."""
    for above in (number, *(above for above, _ in _path(plan, number))):
        node = plan.nodes[above]
        grew = (node.hash_batches or 1) > (node.original_hash_batches or node.hash_batches or 1)
        if grew or (node.node_type == "Aggregate" and node.disk_usage_kb):
            what = "groups" if node.node_type == "Aggregate" else "a join"
            return Effect(text=f"the hash table of {what} was made for fewer rows, and went to disk")
    return None


def _read_whole(facts: Facts, plan: PlannedStatement, number: int) -> Effect | None:
    """What was read whole, or sorted, for rows that did not come."""
    own = plan.nodes[number]
    if own.node_type == "Aggregate" and own.strategy == "Sorted":
        below = next((figures for child, figures in plan.children(number) if child.node_type == "Sort"), None)
        return Effect(text="its input was sorted, where a hash table would have done") if below else None
    for above, at in _path(plan, number):
        join, rows = plan.nodes[above], plan.figures[at].rows or 0.0
        if join.node_type not in ("Hash Join", "Merge Join"):
            continue
        for other in join.children:
            if other is not plan.nodes[at] and _is_read_for_nothing(facts, other, rows):
                what = next(each.table for each in other.walk() if each.table)
                return Effect(text=f"{what} was read whole to join {rows:,.0f} rows")
    return None


def _is_read_for_nothing(facts: Facts, side: PlanNode, rows: float) -> bool:
    """Whether looking the rows up by an index of the table would have cost far less than reading it."""
    scans = [each for each in side.walk() if each.table]
    table = scanned_table(facts, scans[0]) if len(scans) == 1 else None
    if table is None or scans[0].node_type != "Seq Scan" or facts.is_small(table.qualified):
        return False
    joined = {key.column for index in table.indexes if index.is_valid for key in index.keys[:1]}
    return bool(joined) and rows * LOOK_UP_COST < scans[0].total_cost / FAR
