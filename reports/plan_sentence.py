"""What is different between two plans, said in a sentence."""

from collections import Counter
from collections.abc import Iterator, Sequence

from pgadvisor.model.plan import Plan, PlanNode
from pgadvisor.reports import format_numbers as numbers
from pgadvisor.reports.plan_diff import NodePair, PlanDiff, read_name
from pgadvisor.reports.plan_match import KINDS
from pgadvisor.reports.plan_rows import other_text

NAMED = 3
"""Tables that a sentence names; the rest is counted."""


def sentence(before: Plan, after: Plan, diff: PlanDiff) -> str:
    """`reads orders by index orders_customer_id_idx instead of sequentially; no sort; cost 12,408 → 8.4`."""
    nodes = tuple(before.root.walk()), tuple(after.root.walk())
    matched = [
        (pair, nodes[0][pair.before], nodes[1][pair.after])
        for pair in diff.pairs
        if pair.before is not None and pair.after is not None
    ]
    gone = [nodes[0][pair.before] for pair in diff.pairs if pair.before is not None and pair.after is None]
    come = [nodes[1][pair.after] for pair in diff.pairs if pair.after is not None and pair.before is None]
    clauses = [*_paths(matched), *_relations(gone, come), *_joins(matched, gone, come), *_others(matched, gone, come)]
    if not clauses:
        has_changed = any(each.is_doing for pair in diff.pairs for each in pair.differences) or gone or come
        clauses = ["other conditions or helper nodes"] if has_changed else ["the same plan"]
    return "; ".join((*clauses, _totals(diff)))


def _totals(diff: PlanDiff) -> str:
    form = numbers.time if diff.measure == "time" else numbers.count
    before, after = form(diff.before_total), form(diff.after_total)
    word = "" if diff.measure == "time" else "cost "
    return f"{word}{before} as before" if before == after else f"{word}{before} → {after}"


Matched = Sequence[tuple[NodePair, PlanNode, PlanNode]]


def _paths(matched: Matched) -> Iterator[str]:
    """`reads orders by index orders_pkey instead of sequentially`."""
    read = Counter(after.table for _, _, after in matched if after.table)
    changed = dict.fromkeys(
        (_name(after, is_read_again=after.table is not None and read[after.table] > 1), _path(before), _path(after))
        for pair, before, after in matched
        if any(each.what == "access path" for each in pair.differences)
    )
    clauses = [f"reads {name} {new} instead of {old}" for name, old, new in changed if old != new]
    yield from clauses[:NAMED]
    if len(clauses) > NAMED:
        yield f"{numbers.plural(len(clauses) - NAMED, 'more table')} by another path"


def _name(node: PlanNode, *, is_read_again: bool) -> str:
    alias = f" {node.alias}" if is_read_again and node.alias and node.alias != node.table else ""
    return f"{node.table}{alias}" if node.table else read_name(node)


def _path(node: PlanNode) -> str:
    if node.node_type == "Bitmap Heap Scan":
        indexes = dict.fromkeys(each.index for each in node.walk() if each.index)
        return f"by a bitmap of {' and '.join(indexes)}"
    if node.index:
        backward = " backward" if node.scan_direction == "Backward" else ""
        return f"by index {node.index}{' alone' if node.node_type == 'Index Only Scan' else ''}{backward}"
    return "sequentially" if node.node_type == "Seq Scan" else f"by {node.node_type}"


def _relations(gone: Sequence[PlanNode], come: Sequence[PlanNode]) -> Iterator[str]:
    """`no longer reads p1, p2, p3 and 8 more`."""
    inlined = [
        each.cte_name for each in gone if each.cte_name and not any(one.cte_name == each.cte_name for one in come)
    ]
    for name in dict.fromkeys(inlined):
        yield f"CTE {name} in place, not kept apart"
    for name in dict.fromkeys(each.cte_name for each in come if each.cte_name):
        yield f"CTE {name} kept apart"
    for words, nodes in (("no longer reads", gone), ("also reads", come)):
        names = [each.table for each in nodes if each.table and KINDS.get(each.node_type) == "scan"]
        if names:
            more = f" and {len(names) - NAMED:,} more" if len(names) > NAMED else ""
            yield f"{words} {', '.join(names[:NAMED])}{more}"


def _joins(matched: Matched, gone: Sequence[PlanNode], come: Sequence[PlanNode]) -> Iterator[str]:
    methods = Counter(
        (before.node_type, after.node_type)
        for pair, before, after in matched
        if KINDS.get(before.node_type) == "join" and before.node_type != after.node_type
    )
    for (old, new), times in methods.items():
        count, plural = (f"{times} ", "s") if times > 1 else ("", "")
        yield f"{count}{new.lower()}{plural} instead of {old.lower()}{plural}"
    lost, won = (sum(KINDS.get(each.node_type) == "join" for each in nodes) for nodes in (gone, come))
    if any(each.what == "join order" for pair, _, _ in matched for each in pair.differences) or (lost and won):
        yield "joins in another order"
    elif lost or won:
        yield f"{numbers.plural(lost or won, 'join')} {'fewer' if lost else 'more'}"


def _others(matched: Matched, gone: Sequence[PlanNode], come: Sequence[PlanNode]) -> Iterator[str]:
    """What else a reader would say: other methods, sorts and aggregates won or lost, parallel workers."""
    changed = dict.fromkeys(
        (each.before.removeprefix("Finalize "), each.after.removeprefix("Finalize "))
        for pair, _, _ in matched
        for each in pair.differences
        if each.what == "method"
    )
    yield from [f"{new} instead of {old}" for old, new in changed if old != new][:NAMED]
    for kind in ("sort", "aggregate"):
        lost, won = (sum(_is_whole(each, kind) for each in nodes) for nodes in (gone, come))
        left = any(KINDS.get(after.node_type) == kind for _, _, after in matched) or won
        if lost > won:
            yield f"{numbers.plural(lost - won, kind)} fewer" if left else f"no {kind}"
        elif won > lost:
            yield f"{numbers.plural(won - lost, kind)} more"
    workers = next((each.workers_planned for each in come if each.workers_planned), None)
    if workers:
        yield f"{numbers.plural(workers, 'parallel worker')}"
    elif any(each.workers_planned for each in gone):
        yield "no parallel workers"
    yield from _subplans(gone, come)


def _is_whole(node: PlanNode, kind: str) -> bool:
    """Whether the node is of the kind, and not what a parallel worker does of it."""
    return KINDS.get(node.node_type) == kind and other_text(node, "Partial Mode") != "Partial"


def _subplans(gone: Sequence[PlanNode], come: Sequence[PlanNode]) -> Iterator[str]:
    lost, won = (sum(each.parent_relationship == "SubPlan" for each in nodes) for nodes in (gone, come))
    if lost > won:
        yield f"{numbers.plural(lost - won, 'subplan')} fewer"
    elif won > lost:
        yield f"{numbers.plural(won - lost, 'subplan')} more"
