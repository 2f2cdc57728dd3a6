"""A plan as the rows of a table: each node's name, figures and conditions, the same for every format."""

import json
from collections.abc import Iterator
from typing import Any

from pgadvisor.model.plan import Plan, PlanNode
from pgadvisor.model.plan_figures import NodeFigures, figures
from pgadvisor.model.record import Record
from pgadvisor.reports import format_numbers as numbers
from pgadvisor.reports.visible_text import folded

FAR_OFF = 10.0
"""From here an estimate is called wrong: the usual threshold (Moerkotte, Neumann, Steidl: VLDB 2009)."""

AGGREGATES = {"Sorted": "GroupAggregate", "Hashed": "HashAggregate", "Mixed": "MixedAggregate"}
JOINS = {"Hash Join": "Hash", "Merge Join": "Merge", "Nested Loop": "Nested Loop"}


class PlanRow(Record):
    """One node of a plan as it is shown."""

    number: int
    depth: int
    name: str
    """As EXPLAIN prints it: `Index Scan using orders_pkey on orders o`."""
    target: str
    """The end of the name: what is read, ` using orders_pkey on orders o`."""
    share: float
    """Of the statement's time where it was measured, else of its cost."""
    self_ms: float | None = None
    self_cost: float = 0.0
    estimated_rows: float = 0.0
    rows: float | None = None
    q_error: float | None = None
    blocks: int | None = None
    temp_blocks: int | None = None
    notes: tuple[tuple[str, str], ...] = ()
    """(what, text): conditions, sort, spill, rows removed."""
    is_never_run: bool = False

    @property
    def work(self) -> str:
        """The beginning of the name: what is done, `Index Scan`."""
        return self.name.removesuffix(self.target)

    @property
    def is_far_off(self) -> bool:
        """Whether the planner's guess was wrong enough to matter."""
        return self.q_error is not None and self.q_error >= FAR_OFF and max(self.rows or 0, self.estimated_rows) >= 100

    @property
    def miss(self) -> str:
        """How wrong the guess was, in words: `2,000× more`."""
        if self.q_error is None or self.rows is None:
            return ""
        if not self.rows:
            return "none came"
        return f"{numbers.factor(self.q_error)} {'more' if self.rows > self.estimated_rows else 'fewer'}"


OUTSIDE, OUTSIDE_MS = 0.05, 1.0
"""Less of the execution outside its nodes is not worth a word."""


class PlanTable(Record):
    """A plan ready to be shown."""

    rows: tuple[PlanRow, ...]
    is_analyzed: bool
    has_times: bool
    """Whether own times were measured; else the bars are of planner cost."""
    has_blocks: bool
    has_costs: bool = True
    """False: EXPLAIN printed neither costs nor planned rows (COSTS OFF)."""
    planning_ms: float | None = None
    execution_ms: float | None = None
    outside_ms: float | None = None
    """Of the execution, what no node, trigger or sending of the result took: starting and ending; None: a trifle."""
    jit_ms: float | None = None
    settings: tuple[tuple[str, str], ...] = ()
    triggers: tuple[tuple[str, str], ...] = ()


def plan_table(plan: Plan) -> PlanTable:
    """The plan's nodes in the order of `PlanNode.walk`, with their figures."""
    rows = tuple(_row(node, each, plan.is_analyzed) for node, each in zip(plan.root.walk(), figures(plan), strict=True))
    return PlanTable(
        rows=rows,
        is_analyzed=plan.is_analyzed,
        has_times=any(row.self_ms is not None for row in rows),
        has_blocks=any(row.blocks is not None for row in rows),
        has_costs=any(node.total_cost or node.estimated_rows for node in plan.root.walk()),
        planning_ms=plan.planning_ms,
        execution_ms=plan.execution_ms,
        outside_ms=_outside_ms(plan),
        jit_ms=plan.jit_ms,
        settings=plan.settings,
        triggers=tuple(
            (trigger.name, f"{numbers.time(trigger.time_ms)} in {numbers.plural(int(trigger.calls), 'call')}")
            for trigger in plan.triggers
        ),
    )


def _outside_ms(plan: Plan) -> float | None:
    if plan.execution_ms is None or not plan.has_timing:
        return None
    in_nodes = sum(each.self_ms or 0.0 for each in figures(plan))
    told = in_nodes + sum(each.time_ms for each in plan.triggers) + (plan.serialization_ms or 0.0)
    rest = plan.execution_ms - told
    return rest if rest >= max(OUTSIDE_MS, OUTSIDE * plan.execution_ms) else None


def _row(node: PlanNode, each: NodeFigures, is_analyzed: bool) -> PlanRow:
    name, target = folded(node_name(node), 200), _target(node)
    return PlanRow(
        number=each.number,
        depth=each.depth,
        name=name,
        target=target if target and name.endswith(target) else "",
        share=min(1.0, max(0.0, each.share)),
        self_ms=None if each.self_ms is None else max(0.0, each.self_ms),
        self_cost=each.self_cost,
        estimated_rows=each.estimated_rows,
        rows=each.rows,
        q_error=each.q_error,
        blocks=each.self_shared_blocks,
        temp_blocks=each.self_temp_blocks,
        notes=tuple(_notes(node)),
        is_never_run=is_analyzed and not node.was_run,
    )


def node_name(node: PlanNode) -> str:
    """What the node is called and what it reads, as EXPLAIN's text form prints it."""
    name = f"{'Parallel ' if node.is_parallel_aware else ''}{_kind(node)}{_target(node)}"
    return f"{node.subplan_name}: {name}" if node.subplan_name else name


def _kind(node: PlanNode) -> str:
    partial = other_text(node, "Partial Mode")
    prefix = f"{partial} " if partial in ("Partial", "Finalize") else ""
    if node.node_type == "Aggregate":
        return prefix + AGGREGATES.get(node.strategy or "", "Aggregate")
    if node.node_type == "ModifyTable":
        return node.operation or node.node_type
    if node.node_type == "SetOp":
        return f"{'Hash' if node.strategy == 'Hashed' else ''}SetOp {other_text(node, 'Command') or ''}".rstrip()
    if node.node_type in JOINS:
        return _join(node)
    return node.node_type


def _join(node: PlanNode) -> str:
    if node.join_type in (None, "Inner"):
        return node.node_type
    return f"{JOINS[node.node_type]} {node.join_type} Join"


def _target(node: PlanNode) -> str:
    """What follows the name: the index used, and what is read."""
    backward = " Backward" if node.scan_direction == "Backward" else ""
    if node.index and not node.table:
        return f"{backward} on {node.index}"
    using = f"{backward} using {node.index}" if node.index else ""
    read = node.table or node.function_name or node.cte_name
    if read is None:
        return using + (f" on {node.alias}" if node.alias else "")
    schema = f"{node.schema}." if node.table and node.schema not in (None, "public") else ""
    alias = f" {node.alias}" if node.alias and node.alias != read else ""
    return f"{using} on {schema}{read}{alias}"


def other_text(node: PlanNode, name: str) -> str | None:
    """A key of EXPLAIN that has no field of its own, when it is a text."""
    for key, value in node.other:
        if key == name:
            decoded: Any = json.loads(value)
            return decoded if isinstance(decoded, str) else None
    return None


def _notes(node: PlanNode) -> Iterator[tuple[str, str]]:
    """What is worth saying of a node beyond its figures."""
    for what, text in (
        ("index condition", node.index_condition),
        ("recheck", node.recheck_condition),
        ("hash condition", node.hash_condition),
        ("merge condition", node.merge_condition),
        ("join filter", node.join_filter),
        ("filter", node.filter),
        ("sort by", ", ".join(node.sort_keys)),
        ("already sorted by", ", ".join(node.presorted_keys)),
        ("group by", ", ".join(node.group_keys)),
    ):
        if text:
            yield what, text
    yield from _counted_notes(node)


def _counted_notes(node: PlanNode) -> Iterator[tuple[str, str]]:
    per_loop = " in each loop" if (node.actual_loops or 1) > 1 else ""
    for what, rows in (
        ("filter removed", node.rows_removed_by_filter),
        ("join filter removed", node.rows_removed_by_join_filter),
        ("recheck removed", node.rows_removed_by_index_recheck),
    ):
        if rows:
            yield what, f"{numbers.count(rows)} rows{per_loop}"
    if node.heap_fetches:
        yield "heap fetches", numbers.count(node.heap_fetches)
    if node.lossy_heap_blocks:
        yield "lossy pages", numbers.count(node.lossy_heap_blocks)
    if node.sort_method:
        space = "" if node.sort_space_kb is None else f", {numbers.size(node.sort_space_kb * 1024)}"
        place = {"Disk": " on disk", "Memory": " in memory"}.get(node.sort_space_type or "", "")
        yield "sort", f"{node.sort_method}{space}{place}"
    if node.hash_batches and node.hash_batches > 1:
        yield "hash", f"{node.hash_batches:,} batches"
    if node.disk_usage_kb:
        yield "spilled", f"{numbers.size(node.disk_usage_kb * 1024)} to disk"
    if node.workers_planned:
        yield "workers", f"{numbers.count(node.workers_launched)} of {node.workers_planned} planned"
    if (node.actual_loops or 1) > 1:
        yield "loops", numbers.count(node.actual_loops)
