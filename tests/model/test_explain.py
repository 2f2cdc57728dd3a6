"""EXPLAIN's JSON, as PostgreSQL 13 to 18 print it, becomes a Plan."""

from typing import Any

import pytest

from pgadvisor.model.explain import read_explain


def node(**keys: Any) -> dict[str, Any]:
    """A plan node; `Node_Type` stands for the key `Node Type`."""
    return {
        "Node Type": "Seq Scan", "Startup Cost": 0.0, "Total Cost": 10.5, "Plan Rows": 100, "Plan Width": 8,
        **{name.replace("_", " "): value for name, value in keys.items()},
    }  # fmt: skip


def explained(root: dict[str, Any], **keys: Any) -> list[dict[str, Any]]:
    return [{"Plan": root, **{name.replace("_", " "): value for name, value in keys.items()}}]


def test_a_plan_that_was_not_run() -> None:
    plan = read_explain(explained(node(Relation_Name="orders", Schema="public", Alias="o", Filter="(a = 1)")))
    assert (plan.is_analyzed, plan.has_timing, plan.execution_ms) == (False, False, None)
    root = plan.root
    assert (root.schema, root.table, root.alias, root.filter) == ("public", "orders", "o", "(a = 1)")
    assert (root.total_cost, root.estimated_rows, root.actual_rows, root.was_run) == (10.5, 100.0, None, False)


def test_the_object_alone_is_a_plan_too() -> None:
    assert read_explain(explained(node())[0]) == read_explain(explained(node()))


def test_a_plan_that_was_run_without_timing_has_rows_and_no_times() -> None:
    plan = read_explain(explained(node(Actual_Rows=3, Actual_Loops=2), Planning_Time=0.1, Execution_Time=4.2))
    assert (plan.is_analyzed, plan.has_timing, plan.planning_ms, plan.execution_ms) == (True, False, 0.1, 4.2)
    assert (plan.root.actual_rows, plan.root.actual_loops, plan.root.actual_total_ms) == (3.0, 2.0, None)


def test_postgresql_18_prints_rows_with_fractions() -> None:
    assert read_explain(explained(node(Actual_Rows=0.33, Actual_Loops=3))).root.actual_rows == 0.33


@pytest.mark.parametrize(
    ("keys", "read_ms"),
    [
        ({"I/O Read Time": 1.5}, 1.5),
        ({"I/O Read Time": 1.5, "Temp I/O Read Time": 0.5}, 2.0),
        ({"Shared I/O Read Time": 1.0, "Local I/O Read Time": 0.25, "Temp I/O Read Time": 0.5}, 1.75),
        ({}, None),
    ],
    ids=["13", "15", "17", "track_io_timing off"],
)
def test_the_names_of_io_times_changed(keys: dict[str, float], read_ms: float | None) -> None:
    assert read_explain(explained({**node(), **keys})).root.io_read_ms == read_ms


def test_a_parallel_sort_is_told_by_the_worker_that_needed_most() -> None:
    workers = [
        {"Worker Number": 0, "Sort Method": "quicksort", "Sort Space Used": 900, "Sort Space Type": "Memory"},
        {"Worker Number": 1, "Sort Method": "external merge", "Sort Space Used": 500, "Sort Space Type": "Disk"},
    ]
    root = read_explain(explained(node(Node_Type="Sort", Sort_Key=["a", "b"], Workers=workers))).root
    assert (root.sort_method, root.sort_space_kb, root.sort_space_type) == ("external merge", 500, "Disk")
    assert root.sort_keys == ("a", "b")


def test_an_incremental_sort_is_told_by_its_groups() -> None:
    groups = {
        "Group Count": 3,
        "Sort Methods Used": ["quicksort", "external merge"],
        "Sort Space Memory": {"Average Sort Space Used": 27, "Peak Sort Space Used": 30},
        "Sort Space Disk": {"Average Sort Space Used": 400, "Peak Sort Space Used": 512},
    }
    root = read_explain(explained({**node(Node_Type="Incremental Sort"), "Full-sort Groups": groups})).root
    assert (root.sort_method, root.sort_space_kb, root.sort_space_type) == ("external merge", 512, "Disk")


def test_what_a_worker_spilled_counts() -> None:
    workers = [{"Worker Number": 0, "Disk Usage": 2048}, {"Worker Number": 1}]
    assert read_explain(explained(node(Node_Type="Aggregate", Workers=workers))).root.disk_usage_kb == 2048


def test_unknown_keys_are_kept() -> None:
    root = read_explain(explained({**node(), "Storage": "Disk", "Full-sort Groups": {"Group Count": 1}})).root
    assert dict(root.other) == {"Storage": '"Disk"', "Full-sort Groups": '{"Group Count": 1}'}


def test_children_triggers_settings_and_jit() -> None:
    plan = read_explain(
        explained(
            node(Node_Type="Limit", Plans=[node(Parent_Relationship="Outer"), node(Parent_Relationship="InitPlan")]),
            Settings={"work_mem": "8MB", "jit": "on"},
            Triggers=[{"Trigger Name": "t", "Relation": "orders", "Time": 1.5, "Calls": 3}],
            JIT={"Functions": 4, "Timing": {"Generation": {"Deform": 0.1, "Total": 0.5}, "Total": 12.5}},
            Execution_Time=20.0,
        )
    )
    assert [child.parent_relationship for child in plan.root.children] == ["Outer", "InitPlan"]
    assert plan.settings == (("jit", "on"), ("work_mem", "8MB"))
    assert (plan.triggers[0].name, plan.triggers[0].table, plan.triggers[0].time_ms) == ("t", "orders", 1.5)
    assert plan.jit_ms == 12.5


@pytest.mark.parametrize("value", [None, [], {}, "Seq Scan", [{"Plan": 3}], [{"Plan": {}}], [{"Plan": {"Plans": 3}}]])
def test_what_is_no_plan_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="not the JSON of EXPLAIN"):
        read_explain(value)
