"""Which nodes of two plans are the same step: matched by what they read and what they do, each at most once."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field

from pgadvisor.model.plan import Plan, PlanNode
from pgadvisor.reports.plan_rows import other_text

KINDS = {
    **dict.fromkeys(
        (
            "Seq Scan",
            "Sample Scan",
            "Index Scan",
            "Index Only Scan",
            "Bitmap Heap Scan",
            "Tid Scan",
            "Tid Range Scan",
            "Foreign Scan",
            "Custom Scan",
            "Function Scan",
            "Table Function Scan",
            "Values Scan",
            "CTE Scan",
            "WorkTable Scan",
            "Named Tuplestore Scan",
        ),
        "scan",
    ),
    **dict.fromkeys(("Nested Loop", "Hash Join", "Merge Join"), "join"),
    **dict.fromkeys(("Aggregate", "Group", "Unique"), "aggregate"),
    **dict.fromkeys(("Sort", "Incremental Sort"), "sort"),
    **dict.fromkeys(("Gather", "Gather Merge"), "gather"),
    **dict.fromkeys(("Append", "Merge Append"), "append"),
    **dict.fromkeys(("Materialize", "Memoize"), "keep"),
}
"""Nodes that do the same thing in different ways; any other node is a kind of its own."""


@dataclass(frozen=True)
class Step:
    """A node with what must be known to find its like."""

    number: int
    """As in `PlanNode.walk`."""
    node: PlanNode
    kind: str
    parent: int | None
    reads: frozenset[int]
    """The steps below it, or it itself, that read a relation; those of subplans count for the subplan alone."""
    is_leaf: bool


Match = tuple[int, int]
"""The numbers of a node before and of its like after."""


def steps_of(plan: Plan) -> tuple[Step, ...]:
    """The plan's nodes in `PlanNode.walk` order."""
    steps: dict[int, Step] = {}
    numbers = iter(range(1_000_000_000))

    def visit(node: PlanNode, parent: int | None, scan: int | None) -> frozenset[int]:
        number, kind = next(numbers), _kind(node)
        is_leaf = scan is None and (kind == "scan" or not any(map(feeds, node.children)))
        # Below a bitmap scan stand only the parts of how it reads its one table.
        source = number if is_leaf else scan
        reads = frozenset() if source is None else frozenset({source})
        for child in node.children:
            below = visit(child, number, source if feeds(child) else None)
            reads |= below if feeds(child) else frozenset()
        steps[number] = Step(number, node, kind, parent, reads, is_leaf)
        return reads

    visit(plan.root, None, None)
    return tuple(steps[number] for number in range(len(steps)))


def _kind(node: PlanNode) -> str:
    kind = KINDS.get(node.node_type, node.node_type)
    return "partial aggregate" if kind == "aggregate" and other_text(node, "Partial Mode") == "Partial" else kind


def feeds(node: PlanNode) -> bool:
    """Whether its rows go into its parent, and not only a value that the parent asks for."""
    return node.parent_relationship not in ("InitPlan", "SubPlan")


def matches(before: Sequence[Step], after: Sequence[Step]) -> tuple[Match, ...]:
    """The steps that are the same in both, in the order of `before`.

    First what is read, from the surest sign to the weakest, since all else is known by it: a join is the join of the
    same relations, whatever its method and order. What is left goes by its place below a parent that has its like.
    Each round pairs steps with equal signs in the order in which they stand, so a plan is matched to itself node by
    node, and the other way round the result is the same.
    """
    found = _Matching(before, after)
    for sign in (_relation, _alias, _table):
        found.pair(lambda step, sign=sign: sign(step) if step.is_leaf else None)  # type: ignore[misc]
    found.number_reads()
    found.pair(lambda step: (step.kind, found.reads(step), _detail(step.node), step.node.subplan_name))
    found.pair(lambda step: (step.kind, found.reads(step), _detail(step.node)))
    found.pair_below(lambda step: (step.kind, found.reads(step)))
    found.pair(lambda step: (step.kind, found.reads(step)) if found.reads(step) else None)
    found.pair(lambda step: (step.kind, _detail(step.node)) if any(_detail(step.node)) else None, overlapping=True)
    found.pair_below(lambda step: step.kind, overlapping=True)
    return tuple(sorted(found.after_of.items()))


def _relation(step: Step) -> Hashable:
    node = step.node
    return (node.schema, *_read(node), node.alias, None if _read(node) != (None,) * 4 else node.node_type)


def _alias(step: Step) -> Hashable | None:
    """Without the schema: an EXPLAIN without VERBOSE does not print it."""
    return (*_read(step.node), step.node.alias) if _read(step.node) != (None,) * 4 else None


def _table(step: Step) -> Hashable | None:
    """Without the alias, too: those of partitions are numbered anew when one is left out."""
    return _read(step.node) if _read(step.node) != (None,) * 4 else None


def _read(node: PlanNode) -> tuple[str | None, str | None, str | None, str | None]:
    if node.node_type in ("Foreign Scan", "Custom Scan") and node.table is None:
        return other_text(node, "Relations"), other_text(node, "Custom Plan Provider"), None, None
    return node.table, node.cte_name, node.function_name, other_text(node, "Tuplestore Name")


def _detail(node: PlanNode) -> tuple[Hashable, ...]:
    """What tells two steps of a kind apart that read the same."""
    name = node.index if node.table is None else node.operation
    alias = node.alias if node.node_type == "Subquery Scan" else None
    return (node.sort_keys, node.group_keys, name, alias)


@dataclass
class _Matching:
    """What is matched so far."""

    before: Sequence[Step]
    after: Sequence[Step]
    after_of: dict[int, int] = field(default_factory=dict)
    before_of: dict[int, int] = field(default_factory=dict)
    _reads: dict[int, frozenset[int]] = field(default_factory=dict)
    """By the identity of the step: the matched relations that it reads, by their number in `before`."""

    def number_reads(self) -> None:
        for step in self.before:
            self._reads[id(step)] = frozenset(each for each in step.reads if each in self.after_of)
        for step in self.after:
            self._reads[id(step)] = frozenset(self.before_of[each] for each in step.reads if each in self.before_of)

    def reads(self, step: Step) -> frozenset[int]:
        return self._reads[id(step)]

    def pair(self, sign: Callable[[Step], Hashable | None], *, overlapping: bool = False) -> None:
        """Pair the unmatched steps of equal sign, in the order in which they stand; None is no sign."""
        self._pair(self.before, self.after, sign, overlapping=overlapping)

    def pair_below(self, sign: Callable[[Step], Hashable | None], *, overlapping: bool = False) -> None:
        """The same among the children of each matched pair, from the roots down."""
        children, likes = _children(self.before), _children(self.after)
        waiting: list[tuple[int | None, int | None]] = [(None, None), *self.after_of.items()]
        while waiting:
            parent, like = waiting.pop()
            waiting += self._pair(children[parent], likes[like], sign, overlapping=overlapping)

    def _pair(
        self,
        some: Sequence[Step],
        others: Sequence[Step],
        sign: Callable[[Step], Hashable | None],
        *,
        overlapping: bool,
    ) -> list[Match]:
        waiting: dict[Hashable, list[Step]] = defaultdict(list)
        for step in others:
            if step.number not in self.before_of and (key := sign(step)) is not None:
                waiting[key].append(step)
        candidates = {key: iter(steps) for key, steps in waiting.items()}
        made = []
        for step in some:
            if step.number in self.after_of or (key := sign(step)) not in candidates:
                continue
            other = next(candidates[key], None)
            if other is not None and (not overlapping or self._overlap(step, other)):
                made.append((step.number, other.number))
        for one, other_number in made:
            self.after_of[one], self.before_of[other_number] = other_number, one
        return made

    def _overlap(self, step: Step, other: Step) -> bool:
        """Whether both read something of what the other reads, or neither reads anything that both plans have."""
        reads, others = self.reads(step), self.reads(other)
        return bool(reads & others) or not (reads or others)


def _children(steps: Sequence[Step]) -> dict[int | None, list[Step]]:
    children: dict[int | None, list[Step]] = defaultdict(list)
    for step in steps:
        children[step.parent].append(step)
    return children


def aligned(pairs: Sequence[Match]) -> tuple[Match, ...]:
    """The most pairs, sorted by before, that stand in the same order in both plans: the others have moved.

    The longest increasing subsequence, by patience sorting (Fredman: Discrete Mathematics 11, 1975).
    """
    tops: list[int] = []
    piles: list[int] = []
    previous: dict[int, int | None] = {}
    for at, (_, after) in enumerate(pairs):
        pile = bisect_left(tops, after)
        previous[at] = piles[pile - 1] if pile else None
        tops[pile : pile + 1], piles[pile : pile + 1] = [after], [at]
    chain = []
    last = piles[-1] if piles else None
    while last is not None:
        chain.append(pairs[last])
        last = previous[last]
    return tuple(reversed(chain))
