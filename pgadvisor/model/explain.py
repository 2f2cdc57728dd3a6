"""From EXPLAIN's JSON to a Plan: the keys of PostgreSQL 13 to 18 and how they become fields."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pgadvisor.model.plan import Plan, PlanNode, TriggerTime

Json = Mapping[str, Any]


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(str(each) for each in value) if isinstance(value, list) else (str(value),)


_FIELDS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "Node Type": ("node_type", str),
    "Startup Cost": ("startup_cost", float),
    "Total Cost": ("total_cost", float),
    "Plan Rows": ("estimated_rows", float),
    "Plan Width": ("width_bytes", int),
    "Actual Startup Time": ("actual_startup_ms", float),
    "Actual Total Time": ("actual_total_ms", float),
    "Actual Rows": ("actual_rows", float),
    "Actual Loops": ("actual_loops", float),
    "Schema": ("schema", str),
    "Relation Name": ("table", str),
    "Alias": ("alias", str),
    "Index Name": ("index", str),
    "Parent Relationship": ("parent_relationship", str),
    "Subplan Name": ("subplan_name", str),
    "CTE Name": ("cte_name", str),
    "Function Name": ("function_name", str),
    "Join Type": ("join_type", str),
    "Strategy": ("strategy", str),
    "Operation": ("operation", str),
    "Parallel Aware": ("is_parallel_aware", bool),
    "Scan Direction": ("scan_direction", str),
    "Filter": ("filter", str),
    "Index Cond": ("index_condition", str),
    "Recheck Cond": ("recheck_condition", str),
    "Hash Cond": ("hash_condition", str),
    "Merge Cond": ("merge_condition", str),
    "Join Filter": ("join_filter", str),
    "Sort Key": ("sort_keys", _texts),
    "Presorted Key": ("presorted_keys", _texts),
    "Group Key": ("group_keys", _texts),
    "Rows Removed by Filter": ("rows_removed_by_filter", float),
    "Rows Removed by Join Filter": ("rows_removed_by_join_filter", float),
    "Rows Removed by Index Recheck": ("rows_removed_by_index_recheck", float),
    "Heap Fetches": ("heap_fetches", float),
    "Exact Heap Blocks": ("exact_heap_blocks", int),
    "Lossy Heap Blocks": ("lossy_heap_blocks", int),
    "Sort Method": ("sort_method", str),
    "Sort Space Used": ("sort_space_kb", int),
    "Sort Space Type": ("sort_space_type", str),
    "Hash Batches": ("hash_batches", int),
    "Original Hash Batches": ("original_hash_batches", int),
    "HashAgg Batches": ("hash_batches", int),
    "Peak Memory Usage": ("peak_memory_kb", int),
    "Disk Usage": ("disk_usage_kb", int),
    "Workers Planned": ("workers_planned", int),
    "Workers Launched": ("workers_launched", int),
    "Params Evaluated": ("parameters_evaluated", _texts),
    "Shared Hit Blocks": ("shared_hit_blocks", int),
    "Shared Read Blocks": ("shared_read_blocks", int),
    "Shared Dirtied Blocks": ("shared_dirtied_blocks", int),
    "Shared Written Blocks": ("shared_written_blocks", int),
    "Temp Read Blocks": ("temp_read_blocks", int),
    "Temp Written Blocks": ("temp_written_blocks", int),
    "WAL Bytes": ("wal_bytes", int),
    "Subplans Removed": ("subplans_removed", int),
}
"""Key of EXPLAIN: field of PlanNode. See `ExplainNode` in src/backend/commands/explain.c."""

_IO_FIELDS = {
    "I/O Read Time": "io_read_ms",
    "Shared I/O Read Time": "io_read_ms",
    "Local I/O Read Time": "io_read_ms",
    "Temp I/O Read Time": "io_read_ms",
    "I/O Write Time": "io_write_ms",
    "Shared I/O Write Time": "io_write_ms",
    "Local I/O Write Time": "io_write_ms",
    "Temp I/O Write Time": "io_write_ms",
}
"""PostgreSQL 15 tells temporary files apart, 17 local buffers too; one sum says how long the node waited."""

_KEYS = {
    **{name: key for key, (name, _) in _FIELDS.items() if key != "HashAgg Batches"},
    **{name: key for key, name in reversed(_IO_FIELDS.items())},
}
"""The other way round: field of PlanNode, key of EXPLAIN."""
KNOWN_KEYS = frozenset((*_FIELDS, *_IO_FIELDS))
"""The keys that become fields."""


def read_explain(value: Any) -> Plan:
    """The plan in the parsed JSON of EXPLAIN (FORMAT JSON): the list of one object that EXPLAIN prints, or the object.

    Keys that a version lacks stay None, keys we have no field for go into `PlanNode.other`.
    Raises ValueError when it is no plan.
    """
    outer = value[0] if isinstance(value, list) and value else value
    if not isinstance(outer, dict) or not isinstance(outer.get("Plan"), dict):
        raise ValueError("not the JSON of EXPLAIN: it has no key Plan")
    try:
        return _read_plan(outer)
    except (TypeError, KeyError, AttributeError, ValueError, OverflowError) as error:
        raise ValueError(f"not the JSON of EXPLAIN: {type(error).__name__}") from error


def _read_plan(outer: Json) -> Plan:
    root = _read_node(outer["Plan"])
    serialization = outer.get("Serialization") or {}
    return Plan(
        root=root,
        planning_ms=_float(outer.get("Planning Time")),
        execution_ms=_float(outer.get("Execution Time", root.actual_total_ms)),
        settings=tuple(sorted((str(name), str(each)) for name, each in (outer.get("Settings") or {}).items())),
        triggers=tuple(_read_trigger(each) for each in outer.get("Triggers") or ()),
        jit_ms=_jit_ms(outer.get("JIT")),
        serialization_ms=_float(serialization.get("Time")),
        output_kb=None if (volume := serialization.get("Output Volume")) is None else int(volume),
        has_timing=any(node.actual_total_ms is not None for node in root.walk()),
    )


def _float(value: Any) -> float | None:
    return None if value is None else float(value)


def _read_node(source: Json) -> PlanNode:
    fields: dict[str, Any] = {}
    other = []
    for key, value in source.items():
        if key == "Plans":
            fields["children"] = tuple(_read_node(child) for child in value)
        elif key in _FIELDS:
            name, convert = _FIELDS[key]
            fields[name] = convert(value)
        elif key in _IO_FIELDS:
            fields[_IO_FIELDS[key]] = fields.get(_IO_FIELDS[key], 0.0) + float(value)
        else:
            other.append((key, json.dumps(value, ensure_ascii=False)))
    fields |= _worst_sort(source)
    spilled = [int(each["Disk Usage"]) for each in _processes(source) if "Disk Usage" in each]
    if spilled:
        fields["disk_usage_kb"] = max(spilled)
    return PlanNode(**fields, other=tuple(other))


def _processes(source: Json) -> Sequence[Json]:
    """The node's own figures, and those of each worker."""
    return [source, *(source.get("Workers") or ())]


def _worst_sort(source: Json) -> dict[str, Any]:
    """The sort of the process that needed the most room, on disk before in memory.

    A parallel sort prints a worker's sort only below `Workers`; an incremental sort prints groups of sorts. work_mem
    counts per process, so the worst one says what is needed.
    """
    sorts = [
        (each.get("Sort Space Type") == "Disk", int(each.get("Sort Space Used", 0)), str(each["Sort Method"]))
        for each in _processes(source)
        if "Sort Method" in each
    ]
    for process in _processes(source):
        for groups in ("Full-sort Groups", "Pre-sorted Groups"):
            sorts += _grouped_sorts(process.get(groups, {}))
    if not sorts:
        return {}
    is_disk, space_kb, method = max(sorts)
    return {"sort_method": method, "sort_space_kb": space_kb, "sort_space_type": "Disk" if is_disk else "Memory"}


def _grouped_sorts(groups: Json) -> list[tuple[bool, int, str]]:
    methods = [str(each) for each in groups.get("Sort Methods Used", ())]
    sorts = []
    for kind in ("Memory", "Disk"):
        space = groups.get(f"Sort Space {kind}")
        fitting = [each for each in methods if each.startswith("external") == (kind == "Disk")]
        if space and fitting:
            sorts.append((kind == "Disk", int(space.get("Peak Sort Space Used", 0)), fitting[0]))
    return sorts


def _read_trigger(source: Json) -> TriggerTime:
    return TriggerTime(
        name=str(source.get("Trigger Name") or source.get("Constraint Name") or ""),
        table=source.get("Relation"),
        constraint=source.get("Constraint Name"),
        calls=float(source.get("Calls", 0)),
        time_ms=float(source.get("Time", 0.0)),
    )


def _jit_ms(jit: Json | None) -> float | None:
    """All time of JIT compilation."""
    return _float((jit or {}).get("Timing", {}).get("Total"))


def explain_json(plan: Plan) -> str:
    """The plan as EXPLAIN (FORMAT JSON) prints it, for any tool that reads that: what `read_explain` reads back.

    What the record does not hold is not there: the parts of JIT's time, buffers of planning, waits by kind of buffer.
    """
    return json.dumps([explain_object(plan)], indent=2, ensure_ascii=False)


def explain_object(plan: Plan) -> dict[str, Any]:
    """The object in the list that EXPLAIN (FORMAT JSON) prints."""
    known = {
        "Plan": _node_object(plan.root),
        "Settings": dict(plan.settings),
        "Planning Time": plan.planning_ms,
        "Triggers": [_trigger_object(each) for each in plan.triggers],
        "JIT": None if plan.jit_ms is None else {"Timing": {"Total": plan.jit_ms}},
        "Serialization": _serialization_object(plan),
        "Execution Time": plan.execution_ms,
    }
    return {key: value for key, value in known.items() if value not in (None, {}, [])}


def _serialization_object(plan: Plan) -> Json:
    known = {"Time": plan.serialization_ms, "Output Volume": plan.output_kb}
    return {key: value for key, value in known.items() if value is not None}


def _node_object(node: PlanNode) -> dict[str, Any]:
    written: dict[str, Any] = {"Node Type": node.node_type}
    for name, key in _KEYS.items():
        value = getattr(node, name)
        if value is not None and value != ():
            written[_key(node, key)] = _plain(value)
    for key, text in node.other:
        written.setdefault(key, json.loads(text))
    if node.children:
        written["Plans"] = [_node_object(child) for child in node.children]
    return written


def _key(node: PlanNode, key: str) -> str:
    return "HashAgg Batches" if key == "Hash Batches" and node.node_type == "Aggregate" else key


def _plain(value: Any) -> Any:
    """Lists for tuples, and whole numbers as PostgreSQL prints them."""
    if isinstance(value, tuple):
        return list(value)
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _trigger_object(trigger: TriggerTime) -> dict[str, Any]:
    known = {
        "Trigger Name": trigger.name or None,
        "Constraint Name": trigger.constraint,
        "Relation": trigger.table,
        "Time": trigger.time_ms,
        "Calls": _plain(trigger.calls),
    }
    return {key: value for key, value in known.items() if value is not None}
