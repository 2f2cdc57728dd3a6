"""Two plans of one statement compared: which steps are the same, what each does otherwise, and what it costs."""

import re
from collections.abc import Iterator, Sequence
from typing import Literal

import msgspec

from pgadvisor.model.plan import Plan, PlanNode
from pgadvisor.model.plan_figures import figures
from pgadvisor.model.record import Record
from pgadvisor.reports.plan_match import Match, Step, aligned, feeds, matches, steps_of
from pgadvisor.reports.plan_rows import node_name

SAME_WITHIN = 1.1
"""Costs and rows that differ by less are the same: statistics of two moments differ by as much."""
TIME_SAME_WITHIN = 1.5
"""Times of two runs of one plan easily differ by as much."""
NOISE_MS = 0.1
"""Nor does a smaller difference of times say anything."""
MATTERS = 0.01
"""Costs and times below this share of the dearer plan are not worth a word."""

Measure = Literal["time", "cost"]


class Difference(Record):
    """One way in which a step is not what it was."""

    what: Literal["access path", "join method", "join order", "method", "condition", "rows", "time", "cost"]
    before: str = ""
    after: str = ""
    before_value: float = 0.0
    """Of rows, time and cost: the number."""
    after_value: float = 0.0

    @property
    def is_doing(self) -> bool:
        """Whether the step does something else, and not the same with other numbers."""
        return self.what not in ("rows", "time", "cost")


class NodePair(Record):
    """A step of one plan with its like in the other; numbers as in `PlanNode.walk`."""

    before: int | None = None
    """None: only the plan after has it."""
    after: int | None = None
    """None: only the plan before has it."""
    differences: tuple[Difference, ...] = ()
    is_moved: bool = False
    """Other steps stand before it than did."""

    @property
    def change(self) -> Literal["unchanged", "changed", "moved", "only before", "only after"]:
        """What became of it."""
        if self.after is None:
            return "only before"
        if self.before is None:
            return "only after"
        return "changed" if self.differences else "moved" if self.is_moved else "unchanged"


class PlanDiff(Record):
    """Two plans, step by step."""

    pairs: tuple[NodePair, ...]
    """Every node of both plans exactly once."""
    lines: tuple[tuple[int | None, int | None], ...]
    """The plans side by side, each in `PlanNode.walk` order, likes on one line. A pair that has moved takes two."""
    measure: Measure
    """Times are compared or, where one of the plans has none, costs."""
    before_total: float
    after_total: float
    before_own: tuple[float, ...]
    """Each node's own part of the total."""
    after_own: tuple[float, ...]
    has_real_rows: bool
    """Whether both were run, so that real rows are compared; else those planned for one loop."""
    before_rows: tuple[float, ...]
    after_rows: tuple[float, ...]


def compare(before: Plan, after: Plan) -> PlanDiff:
    """The steps of both plans, matched one to one, with what is different.

    Times are compared where both were run with timing, real rows where both were run; else the planner's figures.
    """
    some, others = steps_of(before), steps_of(after)
    found = matches(some, others)
    kept = aligned(found)
    figured = _Figures(before, after)
    doings = _Doings(some, others, dict(found))
    unmoved = frozenset(kept)
    pairs = [
        NodePair(
            before=one,
            after=other,
            differences=(*doings.differences(some[one], others[other]), *figured.differences(one, other)),
            is_moved=(one, other) not in unmoved,
        )
        for one, other in found
    ]
    ones, likes = {one for one, _ in found}, {other for _, other in found}
    pairs += [NodePair(before=step.number) for step in some if step.number not in ones]
    pairs += [NodePair(after=step.number) for step in others if step.number not in likes]
    return PlanDiff(
        pairs=tuple(pairs),
        lines=tuple(_lines(len(some), len(others), kept)),
        measure=figured.measure,
        before_total=figured.totals[0],
        after_total=figured.totals[1],
        before_own=figured.own[0],
        after_own=figured.own[1],
        has_real_rows=figured.is_run,
        before_rows=figured.rows[0],
        after_rows=figured.rows[1],
    )


def _lines(before: int, after: int, kept: Sequence[Match]) -> Iterator[tuple[int | None, int | None]]:
    """Both plans in their own order, the kept pairs on one line each."""
    at = other_at = 0
    for one, other in (*kept, (before, after)):
        yield from ((number, None) for number in range(at, one))
        yield from ((None, number) for number in range(other_at, other))
        at, other_at = one + 1, other + 1
        if one < before:
            yield one, other


class _Figures:
    """Rows, and times or costs, of two plans that can be held against each other."""

    def __init__(self, before: Plan, after: Plan) -> None:
        plans = (before, after)
        self.measure: Measure = "time" if before.has_timing and after.has_timing else "cost"
        self.is_run = before.is_analyzed and after.is_analyzed
        # Figures of a plan that was run speak of all its loops, those of one that was not of a single one.
        either = [figures(plan if self.is_run else _planned(plan)) for plan in plans]
        self.rows = tuple(
            tuple((each.rows or 0.0) if self.is_run else each.estimated_rows for each in one) for one in either
        )
        if self.measure == "time":
            self.own = tuple(tuple(max(each.self_ms or 0.0, 0.0) for each in one) for one in either)
            self.totals = tuple(
                plan.execution_ms or one[0].inclusive_ms or 0.0 for plan, one in zip(plans, either, strict=True)
            )
        else:
            self.own = tuple(tuple(each.self_cost for each in one) for one in either)
            self.totals = tuple(plan.root.total_cost for plan in plans)

    def differences(self, one: int, other: int) -> Iterator[Difference]:
        """How the numbers of two matched nodes differ, where that is worth a word."""
        rows, rows_after = self.rows[0][one], self.rows[1][other]
        if not _is_near(max(rows, 1.0), max(rows_after, 1.0), SAME_WITHIN):
            yield Difference(what="rows", before_value=rows, after_value=rows_after)
        own, own_after = self.own[0][one], self.own[1][other]
        within, noise = (TIME_SAME_WITHIN, NOISE_MS) if self.measure == "time" else (SAME_WITHIN, 0.0)
        is_small = max(own, own_after) < MATTERS * max(self.totals) or abs(own - own_after) < noise
        if not is_small and not _is_near(own, own_after, within):
            yield Difference(what=self.measure, before_value=own, after_value=own_after)


def _is_near(one: float, other: float, within: float) -> bool:
    return max(one, other) <= within * min(one, other)


def _planned(plan: Plan) -> Plan:
    """The plan as it was before it was run."""

    def bare(node: PlanNode) -> PlanNode:
        children = tuple(bare(child) for child in node.children)
        return msgspec.structs.replace(
            node, actual_rows=None, actual_loops=None, actual_total_ms=None, children=children
        )

    return msgspec.structs.replace(plan, root=bare(plan.root), execution_ms=None, has_timing=False)


class _Doings:
    """What the steps of two plans do, of which is known which is which."""

    def __init__(self, some: Sequence[Step], others: Sequence[Step], after_of: dict[int, int]) -> None:
        self._some, self._others, self._after_of = some, others, after_of

    def differences(self, one: Step, other: Step) -> Iterator[Difference]:
        """How two matched steps do their work otherwise."""
        names = _doing(one.node), _doing(other.node)
        if names[0] != names[1]:
            what: Literal["access path", "join method", "method"] = "method"
            if one.is_leaf:
                what = "access path"
            elif one.kind == "join":
                what = "join method"
            yield Difference(what=what, before=names[0], after=names[1])
        elif _words(one.node) != _words(other.node):
            yield Difference(what="condition", before=_conditions(one.node), after=_conditions(other.node))
        if one.kind == "join" and self._is_turned(one, other):
            order = _sides(one, self._some), _sides(other, self._others)
            yield Difference(what="join order", before=order[0], after=order[1])

    def _is_turned(self, one: Step, other: Step) -> bool:
        """Whether the join's outer side reads other relations, of those that both joins read."""
        reads = {self._after_of[each] for each in one.reads if each in self._after_of} & other.reads
        outer = {self._after_of.get(each) for each in _outer(one, self._some)}
        return outer & reads != _outer(other, self._others) & reads


def _outer(join: Step, steps: Sequence[Step]) -> frozenset[int]:
    """The relations on the join's outer side: EXPLAIN prints it first."""
    for step in steps[join.number + 1 :]:
        if step.parent == join.number and feeds(step.node):
            return step.reads
    return frozenset()


def _sides(join: Step, steps: Sequence[Step]) -> str:
    """`orders ⋈ customer`: what a join joins, the outer side first."""
    outer = _outer(join, steps)
    return " ⋈ ".join(_names(each, steps) for each in (outer, join.reads - outer))


def _names(reads: frozenset[int], steps: Sequence[Step]) -> str:
    names = [read_name(steps[each].node) for each in sorted(reads)]
    if len(names) > 3:
        names = [*names[:2], f"{len(names) - 2} more"]
    return names[0] if len(names) == 1 else f"({', '.join(names)})"


def read_name(node: PlanNode) -> str:
    """What a node reads, by the name it has in the query."""
    return node.alias or node.table or node.cte_name or node.function_name or node.node_type


def _doing(node: PlanNode) -> str:
    """The node's name without what is only numbered: aliases of partitions, subplans."""
    return node_name(msgspec.structs.replace(node, alias=None if node.table else node.alias, subplan_name=None))


def _conditions(node: PlanNode) -> str:
    texts = (
        node.index_condition,
        node.hash_condition,
        node.merge_condition,
        node.join_filter,
        node.filter,
        *node.sort_keys,
        *node.group_keys,
    )
    return ", ".join(text for text in texts if text)


def _words(node: PlanNode) -> list[str]:
    """The words of its conditions: `a = b` is `b = a`, and numbers of parameters and aliases say nothing."""
    return sorted(re.sub(r"(_\d+|^\d+)$", "", word) for word in re.findall(r"\w+", _conditions(node)))
