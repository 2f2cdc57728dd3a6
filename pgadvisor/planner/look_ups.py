"""Look-ups by an index on the inner sides of nested loops: the part of a plan whose cost holds least."""

from collections.abc import Callable, Iterator

from pgadvisor.model.whatif import LookUps
from pgadvisor.planner.explaining import BareNode

MANY = 100.0
"""Look-ups; fewer cost next to nothing, whatever they really cost."""
_BY_INDEX = frozenset({"Index Scan", "Index Only Scan", "Bitmap Heap Scan"})
_KEPT = frozenset({"Memoize", "Materialize"})
"""What is below runs less often than the loop: how often is not told."""
_ON_DISK = frozenset({"Seq Scan", "Bitmap Heap Scan", "Sample Scan", "Tid Range Scan"})
"""They give rows in the order in which they lie there."""


def look_ups(root: BareNode, name: Callable[[str, str], str]) -> tuple[LookUps, ...]:
    """The look-ups of which a plan makes many; `name` gives what an index of a schema is called, `schema.name`."""
    return tuple(_below(root, 1.0, 1.0, True, name))


def _below(
    node: BareNode, loops: float, share: float, is_ordered: bool, name: Callable[[str, str], str]
) -> Iterator[LookUps]:
    """`share`: of the node's cost what a LIMIT above lets it run."""
    if node.kind in _KEPT:
        return
    if node.kind in _BY_INDEX:
        index = node.index or (node.children[0].index if node.children else None)
        if loops >= MANY and index is not None and node.table is not None and node.schema is not None:
            yield LookUps(
                index=name(node.schema, index),
                table=f"{node.schema}.{node.table}",
                loops=loops * share,
                rows=node.rows,
                cost=loops * share * node.cost,
                is_index_only=node.kind == "Index Only Scan",
                is_ordered=is_ordered,
            )
        return
    if node.kind == "Limit" and node.children and node.children[0].cost > 0:
        share *= min(1.0, node.cost / node.children[0].cost)
    for number, child in enumerate(node.children):
        if node.kind == "Nested Loop" and number == 1:
            outer = node.children[0]
            yield from _below(child, loops * max(outer.rows, 1.0), share, _is_ordered(outer), name)
        else:
            yield from _below(child, loops, share, is_ordered, name)


def _is_ordered(outer: BareNode) -> bool:
    """Whether rows come as they lie in some table: joins keep the order of their outer side."""
    while outer.kind not in _ON_DISK and outer.children:
        outer = outer.children[0]
    return outer.kind in _ON_DISK
