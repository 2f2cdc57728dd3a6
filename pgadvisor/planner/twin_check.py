"""Where the planner twin and the audited server disagree on a statement's present plan, and in what."""

from collections.abc import Iterable, Iterator
from itertools import zip_longest
from typing import Any

from pgadvisor.model.plan import PlanNode, StatementPlan
from pgadvisor.model.record import Record

COST_TOLERANCE = 0.1
"""Costs of one shape that are this near agree: files grow, and estimates with them, between two looks."""


class Disagreement(Record):
    """A statement that the twin plans otherwise than the audited server does."""

    statement: str
    """`Statement.key`."""
    what: str
    """In words, as a clause: the first node that differs, or the cost."""
    has_same_shape: bool = False
    """Only the cost differs."""
    cost_ratio: float | None = None
    """The twin's cost by the server's; None: the twin has no plan."""


def disagreements(
    snapshot_plans: Iterable[StatementPlan], twin_plans: Iterable[StatementPlan]
) -> tuple[Disagreement, ...]:
    """The disagreements, in the order of the snapshot's plans.

    `twin_plans`: of the same statements with the same values, planned on the twin as it stands. Statements that the
    server has no plan of, or the twin was not asked for, are passed over.
    """
    twins = {each.statement: each for each in twin_plans}
    found = (_compared(each, twins[each.statement]) for each in snapshot_plans if each.statement in twins)
    return tuple(each for each in found if each is not None)


def _compared(server: StatementPlan, twin: StatementPlan) -> Disagreement | None:
    if server.plan is None:
        return None
    if twin.plan is None:
        return Disagreement(statement=server.statement, what=f"the twin has no plan: {twin.reason}")
    ratio = cost_ratio(server.plan.root, twin.plan.root)
    different = first_difference(server.plan.root, twin.plan.root)
    if different is None and abs(ratio - 1) <= COST_TOLERANCE:
        return None
    costs = f"cost {server.plan.root.total_cost:.2f} on the server, {twin.plan.root.total_cost:.2f} on the twin"
    what = costs if different is None else f"{different}; {costs}"
    return Disagreement(
        statement=server.statement, what=what, has_same_shape=different is None, cost_ratio=round(ratio, 4)
    )


def cost_ratio(server: PlanNode, twin: PlanNode) -> float:
    """The twin's total cost by the server's; nothing counts as a hundredth, which is the least that EXPLAIN prints."""
    return max(twin.total_cost, 0.01) / max(server.total_cost, 0.01)


def first_difference(server: PlanNode, twin: PlanNode) -> str | None:
    """The first node, from the top, in which two plans have another shape, as a clause; None: they have the same.

    A shape is what is read in which way and put together in which order, without rows, costs and conditions.
    """
    for one, other in zip_longest(_shape(server), _shape(twin)):
        if one != other:
            return f"{_told(one)} on the server, {_told(other)} on the twin"
    return None


def _shape(node: PlanNode, depth: int = 0) -> Iterator[tuple[Any, ...]]:
    """The nodes, parents first, each with what makes its shape; the depth tells the tree."""
    yield (
        depth,
        node.node_type,
        node.join_type,
        node.strategy,
        node.operation,
        node.table,
        node.alias,
        node.index,
        node.scan_direction if node.scan_direction == "Backward" else None,
        node.is_parallel_aware,
        "Outer" if node.parent_relationship == "Member" else node.parent_relationship,
    )
    for child in node.children:
        yield from _shape(child, depth + 1)


def _told(shape: tuple[Any, ...] | None) -> str:
    """A node in EXPLAIN's words: `Index Scan using orders_pkey on orders o`."""
    if shape is None:
        return "nothing more"
    _, node_type, join, strategy, operation, table, alias, index, direction, parallel, _ = shape
    words = ["Parallel"] if parallel else []
    words.append(_JOINS.get((node_type, join)) or (f"{strategy} {node_type}" if strategy else operation or node_type))
    words += ["Backward"] if direction else []
    words += [f"using {index}"] if index else []
    words += [f"on {table}"] if table else []
    words += [alias] if alias and alias != table else []
    return " ".join(words)


_JOINS = {
    (node, join): f"{node.removesuffix(' Join')} {join} Join"
    for node in ("Hash Join", "Merge Join", "Nested Loop")
    for join in ("Left", "Right", "Full", "Semi", "Anti", "Right Semi", "Right Anti")
}
