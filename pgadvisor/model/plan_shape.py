"""The shape of a plan: how each table is read and in which order tables are joined, without costs, rows and values."""

from collections.abc import Hashable, Iterator

from pgadvisor.model.plan import Plan, PlanNode

_ACCESS = {
    "Seq Scan": "sequential",
    "Sample Scan": "sequential",
    "Index Scan": "index",
    "Index Only Scan": "index only",
    "Bitmap Heap Scan": "bitmap",
    "Foreign Scan": "foreign",
}
_JOINS = frozenset({"Nested Loop", "Hash Join", "Merge Join"})
_MANY = frozenset({"Append", "Merge Append"})


def shape_of(plan: Plan, *, with_methods: bool = False) -> Hashable:
    """Equal for plans that read each table the same way and join them in the same order.

    `with_methods`: and by the same method (nested loop, hash, merge). Parallel workers, sorts, aggregates and what is
    done with the rows afterwards make no difference, nor does which partitions of a table are read.
    """
    return _shape(plan.root, with_methods)


def accesses_of(plan: Plan) -> tuple[tuple[str, str, str | None], ...]:
    """How each table is read, in the order of the plan: alias, access path, index; each once."""
    found = {
        (node.alias or node.table or "", _ACCESS[node.node_type], next(iter(_indexes(node)), None)): None
        for node in plan.root.walk()
        if node.node_type in _ACCESS
    }
    return tuple(found)


def difference(server: Plan, other: Plan) -> str | None:
    """In what another planner's plan has another shape than the audited server's, as a clause; None: in nothing."""
    if shape_of(server, with_methods=True) == shape_of(other, with_methods=True):
        return None
    one, two = _reads(server), _reads(other)
    in_both = [name for name in one if name in two]
    for name in dict.fromkeys((*in_both, *one, *two)):
        if one.get(name) != two.get(name):
            return f"{name}: {one.get(name, 'not read')} on the server, {two.get(name, 'not read')} on the planner"
    if (mine := _methods(server)) != (others := _methods(other)):
        return f"{mine or 'no join'} on the server, {others or 'no join'} on the planner"
    return "tables are joined in another order"


def _reads(plan: Plan) -> dict[str, str]:
    """By each table's alias, how it is read: `Index Scan using orders_at_idx`."""
    found: dict[str, dict[str, None]] = {}
    for node in plan.root.walk():
        if node.node_type in _ACCESS:
            indexes = ", ".join(sorted(_indexes(node)))
            told = f"{node.node_type} using {indexes}" if indexes else node.node_type
            alias = f" {node.alias}" if node.alias and node.alias != node.table else ""
            found.setdefault(f"{node.table or node.node_type}{alias}", {})[told] = None
    return {name: " and ".join(sorted(told)) for name, told in found.items()}


def _methods(plan: Plan) -> str:
    """How tables are joined: `Hash Join, Nested Loop`."""
    return ", ".join(sorted(node.node_type for node in plan.root.walk() if node.node_type in _JOINS))


def _shape(node: PlanNode, with_methods: bool) -> Hashable:
    below = tuple(shape for child in node.children if (shape := _shape(child, with_methods)) is not None)
    if node.node_type in _ACCESS:
        own = (_ACCESS[node.node_type], node.table, node.alias, tuple(sorted(_indexes(node))))
        apart = [child for child in node.children if _is_apart(child)]
        inside = tuple(shape for child in apart if (shape := _shape(child, with_methods)) is not None)
        return (*own, inside) if inside else own
    if node.node_type in _JOINS:
        return ("join", node.node_type if with_methods else "", frozenset(below))
    if node.node_type in _MANY:
        return ("all", frozenset(_without_names(child, with_methods) for child in node.children))
    if len(below) < 2:
        return below[0] if below else None
    return ("several", below)


def _is_apart(child: PlanNode) -> bool:
    return child.parent_relationship in ("InitPlan", "SubPlan")


def _indexes(node: PlanNode) -> Iterator[str]:
    """The indexes that a scan uses; a bitmap scan's stand below it."""
    if node.index:
        yield node.index
    for child in node.children:
        if child.node_type.startswith("Bitmap"):
            yield from _indexes(child)


def _without_names(node: PlanNode, with_methods: bool) -> Hashable:
    """The shape of one partition's part: partitions and their indexes are each other's like."""
    if node.node_type in _ACCESS:
        return _ACCESS[node.node_type]
    inner = [child for child in node.children if not _is_apart(child)]
    return _without_names(inner[0], with_methods) if len(inner) == 1 else _shape(node, with_methods)
