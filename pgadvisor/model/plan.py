"""What EXPLAIN gave: a plan and its nodes, as records."""

import json
from collections.abc import Iterator
from typing import Literal

from pgadvisor.model.record import Record


class PlanNode(Record):
    """One node. Missing keys of EXPLAIN are None; rows and times are per loop, as EXPLAIN prints them."""

    node_type: str
    """As EXPLAIN spells it: `Seq Scan`."""
    startup_cost: float = 0.0
    total_cost: float = 0.0
    estimated_rows: float = 0.0
    width_bytes: int = 0
    actual_startup_ms: float | None = None
    actual_total_ms: float | None = None
    actual_rows: float | None = None
    actual_loops: float | None = None
    schema: str | None = None
    table: str | None = None
    """The relation's bare name."""
    alias: str | None = None
    index: str | None = None
    parent_relationship: str | None = None
    """`Outer`, `Inner`, `InitPlan`, `SubPlan`, `Member`, `Subquery`."""
    subplan_name: str | None = None
    cte_name: str | None = None
    function_name: str | None = None
    join_type: str | None = None
    strategy: str | None = None
    operation: str | None = None
    is_parallel_aware: bool = False
    scan_direction: str | None = None
    filter: str | None = None
    index_condition: str | None = None
    recheck_condition: str | None = None
    hash_condition: str | None = None
    merge_condition: str | None = None
    join_filter: str | None = None
    sort_keys: tuple[str, ...] = ()
    presorted_keys: tuple[str, ...] = ()
    group_keys: tuple[str, ...] = ()
    rows_removed_by_filter: float | None = None
    rows_removed_by_join_filter: float | None = None
    rows_removed_by_index_recheck: float | None = None
    heap_fetches: float | None = None
    exact_heap_blocks: int | None = None
    lossy_heap_blocks: int | None = None
    sort_method: str | None = None
    sort_space_kb: int | None = None
    sort_space_type: str | None = None
    """`Memory` or `Disk`."""
    hash_batches: int | None = None
    original_hash_batches: int | None = None
    peak_memory_kb: int | None = None
    disk_usage_kb: int | None = None
    """Of a HashAggregate that spilled."""
    workers_planned: int | None = None
    workers_launched: int | None = None
    parameters_evaluated: tuple[str, ...] = ()
    shared_hit_blocks: int | None = None
    shared_read_blocks: int | None = None
    shared_dirtied_blocks: int | None = None
    shared_written_blocks: int | None = None
    temp_read_blocks: int | None = None
    temp_written_blocks: int | None = None
    io_read_ms: float | None = None
    io_write_ms: float | None = None
    wal_bytes: int | None = None
    subplans_removed: int | None = None
    other: tuple[tuple[str, str], ...] = ()
    """Every other key of EXPLAIN with its value as JSON text."""
    children: tuple["PlanNode", ...] = ()

    def walk(self) -> Iterator["PlanNode"]:
        """This node and all below it, parents first: the order in which nodes are numbered from 0."""
        yield self
        for child in self.children:
            yield from child.walk()

    @property
    def was_run(self) -> bool:
        """Whether EXPLAIN ANALYZE measured this node and it ran at least once."""
        return bool(self.actual_loops)

    def figure(self, key: str) -> float | None:
        """A number among the other keys, over all processes: `Cache Evictions`, `WAL FPI`; None: it is not there.

        EXPLAIN prints what the leader counted at the node itself and the rest below `Workers`.
        """
        known = dict(self.other)
        processes = [{key: json.loads(known[key])}] if key in known else []
        processes += json.loads(known.get("Workers", "[]"))
        counts = [float(each[key]) for each in processes if isinstance(each.get(key), int | float)]
        return sum(counts) if counts else None


class TriggerTime(Record):
    """Time spent in a trigger, as EXPLAIN ANALYZE says."""

    name: str
    table: str | None = None
    constraint: str | None = None
    calls: float = 0
    time_ms: float = 0.0


class Plan(Record):
    """EXPLAIN (FORMAT JSON) of one statement."""

    root: PlanNode
    planning_ms: float | None = None
    execution_ms: float | None = None
    """None: planned, not run."""
    settings: tuple[tuple[str, str], ...] = ()
    """Planner settings that are not at their default (SETTINGS)."""
    triggers: tuple[TriggerTime, ...] = ()
    jit_ms: float | None = None
    serialization_ms: float | None = None
    """Time that turning the result into what is sent took (SERIALIZE, PostgreSQL 17 and later)."""
    output_kb: int | None = None
    """How much that was."""
    has_timing: bool = False
    """False: node times were not measured (TIMING OFF), only rows and buffers."""

    @property
    def is_analyzed(self) -> bool:
        """Whether the statement was really run."""
        return self.execution_ms is not None or self.root.actual_loops is not None


DrawLabel = Literal["logged", "typical", "frequent", "rare", "null"]
"""Which values stand for a statement's parameters: those of a logged call, of a typical row, values that many rows have
(ranges that are wide), that few rows have (ranges that are narrow), or NULL for filters that may be left out."""


class DrawnPlan(Record):
    """The plan of a statement for one choice of its parameters' values."""

    label: DrawLabel
    weight: float
    """Of all calls, about what share has values like these."""
    plan: Plan
    """Without values."""
    generic_cost: float | None = None
    """What these values cost when tables are read and joined as in the plan for any values; None: that could not be
    found out."""


PlanKind = Literal["none", "generic", "values", "logged", "analyzed"]


class StatementPlan(Record):
    """Which plan a statement has, and why that kind."""

    statement: str
    """`Statement.key`."""
    kind: PlanKind
    """`generic`: parameters unknown; `values`: planned with values from statistics; `logged`: what auto_explain wrote
    into the server's log of a call; `analyzed`: really run."""
    reason: str
    """Why this kind and not a better one, as a clause: `not run: calls nextval, which is volatile`."""
    plan: Plan | None = None
    is_refused: bool = False
    """The server takes it for an error: a table or column of it does not exist."""
    generic: Plan | None = None
    """The plan for any values of its parameters, where `alternatives` differ."""
    alternatives: tuple[DrawnPlan, ...] = ()
    """Its plans for several choices of values, when they read or join tables differently; the typical one first."""


class PlanComparison(Record):
    """Two plans of one statement: as things are, and with a change tried."""

    change: str
    """What was changed, as DDL or a clause: `CREATE INDEX ON public.orders (customer_id)`."""
    before: Plan
    after: Plan
    tried_on: str
    """Where it was tried: `planner twin, PostgreSQL 18.6`."""
