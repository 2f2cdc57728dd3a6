"""A plan as rows: names as EXPLAIN prints them, figures, notes."""

import pytest

from pgadvisor.model.plan import Plan, PlanNode
from pgadvisor.reports.plan_rows import node_name, other_text, plan_table
from pgadvisor.rule import node
from tests.reports.make_report import orders_plan, unpaid_plan


@pytest.mark.parametrize(
    ("made", "name"),
    [
        (node("Seq Scan", table="orders", alias="o", schema="public"), "Seq Scan on orders o"),
        (node("Seq Scan", table="orders", alias="orders", schema="shop"), "Seq Scan on shop.orders"),
        (node("Seq Scan", table="orders", is_parallel_aware=True), "Parallel Seq Scan on orders"),
        (node("Index Scan", table="t", index="t_a", scan_direction="Backward"), "Index Scan Backward using t_a on t"),
        (node("Bitmap Index Scan", index="t_a"), "Bitmap Index Scan on t_a"),
        (node("Hash Join", join_type="Inner"), "Hash Join"),
        (node("Hash Join", join_type="Left"), "Hash Left Join"),
        (node("Nested Loop", join_type="Anti"), "Nested Loop Anti Join"),
        (node("Aggregate", strategy="Hashed"), "HashAggregate"),
        (node("Aggregate", strategy="Plain"), "Aggregate"),
        (node("Aggregate", strategy="Sorted", other=(("Partial Mode", '"Finalize"'),)), "Finalize GroupAggregate"),
        (node("SetOp", strategy="Hashed", other=(("Command", '"Except"'),)), "HashSetOp Except"),
        (node("ModifyTable", operation="Update", table="t"), "Update on t"),
        (node("Function Scan", function_name="generate_series", alias="g"), "Function Scan on generate_series g"),
        (node("CTE Scan", cte_name="recent", alias="recent"), "CTE Scan on recent"),
        (node("Result", subplan_name="InitPlan 1 (returns $0)"), "InitPlan 1 (returns $0): Result"),
    ],
)
def test_node_name(made: PlanNode, name: str) -> None:
    assert node_name(made) == name


def test_rows_of_an_analyzed_plan() -> None:
    table = plan_table(orders_plan())
    assert (table.is_analyzed, table.has_times, table.has_blocks) == (True, True, True)
    assert [row.depth for row in table.rows] == [0, 1, 2, 3, 3]
    scan = table.rows[3]
    assert (scan.self_ms, scan.rows, scan.estimated_rows, scan.blocks) == (161.0, 80_000, 41, 24_504)
    assert scan.is_far_off
    assert scan.miss == "1,905× more"
    assert ("filter removed", "1,920,000 rows") in scan.notes
    assert ("sort", "external merge, 50 MB on disk") in table.rows[1].notes
    assert not table.rows[0].is_far_off
    assert sum(row.share for row in table.rows) == pytest.approx(1.0, abs=0.01)


def test_rows_of_a_planned_plan() -> None:
    table = plan_table(unpaid_plan())
    assert (table.is_analyzed, table.has_times, table.has_blocks) == (False, False, False)
    assert not any(row.is_never_run or row.is_far_off or row.miss for row in table.rows)
    assert table.rows[1].name == "SubPlan 1: Aggregate"


def test_a_node_that_never_ran_says_so() -> None:
    inner = node("Seq Scan", table="t", actual=0, loops=0, ms=0.0)
    table = plan_table(Plan(root=node("Append", inner, actual=1, ms=1.0), execution_ms=1.0, has_timing=True))
    assert [row.is_never_run for row in table.rows] == [False, True]


def test_a_name_is_told_apart_from_what_is_read() -> None:
    row = plan_table(orders_plan()).rows[4]
    assert (row.work, row.target) == ("Index Scan", " using customer_pkey on customer c")
    assert plan_table(orders_plan()).rows[0].work == "Limit"
    long = plan_table(Plan(root=node("Seq Scan", table="t" * 500))).rows[0]
    assert len(long.name) == 200 and long.work + long.target == long.name


def test_a_key_of_explain_that_is_no_text_is_none() -> None:
    made = node("SetOp", other=(("Command", '"Except"'), ("Batches", "3")))
    assert (other_text(made, "Command"), other_text(made, "Batches"), other_text(made, "Gone")) == (
        "Except",
        None,
        None,
    )
