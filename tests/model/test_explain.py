"""EXPLAIN's JSON, as PostgreSQL 13 to 18 print it, becomes a Plan."""

import json
from typing import Any

import psycopg
import pytest
from psycopg import sql

from pgadvisor.model.explain import explain_json, read_explain
from tests.fix_servers import Server, create_database


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


WHOLE = explained(
    node(
        Node_Type="Aggregate",
        Strategy="Hashed",
        Sort_Key=["a DESC", "b"],
        Actual_Rows=0.33,
        Actual_Loops=3,
        Actual_Total_Time=4.125,
        Workers=[{"Worker Number": 0, "Disk Usage": 2048}],
        Plans=[
            node(
                Node_Type="Sort",
                Sort_Method="quicksort",
                Sort_Space_Used=25,
                Sort_Space_Type="Memory",
                Parallel_Aware=False,
            )
        ],
        **{"HashAgg Batches": 5, "Parallel Aware": False, "Storage": "Disk", "I/O Read Time": 1.5},
    ),
    Settings={"jit": "on"},
    Triggers=[{"Trigger Name": "t", "Constraint Name": "c", "Relation": "orders", "Time": 1.5, "Calls": 3}],
    JIT={"Timing": {"Total": 12.5}},
    Planning_Time=0.1,
    Execution_Time=20.0,
)


def test_what_is_written_is_what_was_read() -> None:
    written = json.loads(explain_json(read_explain(WHOLE)))
    assert written[0]["Plan"] == {**WHOLE[0]["Plan"], "Disk Usage": 2048}
    assert {key: value for key, value in written[0].items() if key != "Plan"} == {
        key: value for key, value in WHOLE[0].items() if key != "Plan"
    }
    assert read_explain(written) == read_explain(WHOLE)


def test_names_are_written_as_they_are_and_a_planned_plan_has_no_times() -> None:
    text = explain_json(read_explain(explained(node(Relation_Name='größe "x"\n\u202e'))))
    assert "größe" in text and json.loads(text)[0]["Plan"]["Relation Name"] == 'größe "x"\n\u202e'
    assert "Execution Time" not in text and "Triggers" not in text and '"Plan Rows": 100' in text


REAL = (
    "SELECT n % 7, count(*) FROM t GROUP BY 1 ORDER BY 2 DESC LIMIT 3",
    "SELECT * FROM t a JOIN t b ON a.n = b.n WHERE a.n IN (SELECT max(n) FROM t WHERE n < 50) AND b.s LIKE 'x%'",
    "WITH w AS MATERIALIZED (SELECT * FROM t) SELECT *, sum(n) OVER (ORDER BY s) FROM w UNION ALL SELECT 1, '', 2",
    "UPDATE t SET s = s WHERE n < 10",
    "SELECT * FROM generate_series(1, 5) g, LATERAL (SELECT * FROM t WHERE n > g ORDER BY s LIMIT 2) x",
)
OPTIONS = ("FORMAT JSON", "FORMAT JSON, ANALYZE, BUFFERS, VERBOSE, SETTINGS, WAL", "FORMAT JSON, ANALYZE, TIMING OFF")


@pytest.mark.server
@pytest.mark.parametrize("name", ["server", "debian15"])
def test_plans_of_a_real_server_are_written_as_they_were_read(request: pytest.FixtureRequest, name: str) -> None:
    server: Server = request.getfixturevalue(name)
    with psycopg.connect(create_database(server, "explain_json")) as connection:
        connection.execute("CREATE TABLE t (n int, s text)")
        connection.execute("INSERT INTO t SELECT g, 'x' || g FROM generate_series(1, 5000) g")
        connection.execute("SET work_mem = '64kB'")
        connection.execute("SET parallel_setup_cost = 0")
        connection.execute("SET min_parallel_table_scan_size = 0")
        for statement in REAL:
            for options in OPTIONS:
                asked = sql.SQL("EXPLAIN ({}) {}").format(sql.SQL(options), sql.SQL(statement))  # type: ignore[arg-type]
                row = connection.execute(asked).fetchone()
                assert row is not None
                plan = read_explain(row[0])
                assert read_explain(json.loads(explain_json(plan))) == plan
