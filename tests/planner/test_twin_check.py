"""Tests of the comparison of the server's present plans with the twin's."""

import msgspec

from pgadvisor.model.plan import Plan, PlanNode, StatementPlan
from pgadvisor.planner.twin_check import Disagreement, disagreements

ORDERS = PlanNode(node_type="Seq Scan", table="orders", alias="o", total_cost=900.0)
BY_INDEX = PlanNode(node_type="Index Scan", table="orders", alias="o", index="orders_pkey", total_cost=8.0)


def planned(*nodes: PlanNode | None) -> list[StatementPlan]:
    """Plans of the statements `0`, `1`, …; None: the statement could not be planned."""
    return [
        StatementPlan(
            statement=str(number),
            kind="values" if node else "none",
            reason="as written" if node else "no such table",
            plan=Plan(root=node) if node else None,
        )
        for number, node in enumerate(nodes)
    ]


def join(*children: PlanNode, cost: float = 1000.0, kind: str = "Inner") -> PlanNode:
    return PlanNode(node_type="Hash Join", join_type=kind, total_cost=cost, children=children)


def test_the_same_plans_agree_and_so_do_costs_that_are_near() -> None:
    dearer = msgspec.structs.replace(ORDERS, total_cost=980.0, startup_cost=3.0, estimated_rows=5)
    assert disagreements(planned(ORDERS, join(ORDERS, BY_INDEX)), planned(dearer, join(ORDERS, BY_INDEX))) == ()


def test_another_access_path_is_named_with_both_costs() -> None:
    assert disagreements(planned(ORDERS), planned(BY_INDEX)) == (
        Disagreement(
            statement="0",
            what="Seq Scan on orders o on the server, Index Scan using orders_pkey on orders o on the twin; "
            "cost 900.00 on the server, 8.00 on the twin",
            cost_ratio=0.0089,
        ),
    )


def test_the_cost_alone_may_differ() -> None:
    (found,) = disagreements(planned(ORDERS), planned(msgspec.structs.replace(ORDERS, total_cost=1800.0)))
    assert found.has_same_shape and found.cost_ratio == 2.0
    assert found.what == "cost 900.00 on the server, 1800.00 on the twin"


def test_the_order_of_a_join_its_kind_and_what_hangs_below_are_shape() -> None:
    server = planned(join(ORDERS, BY_INDEX), join(ORDERS), join(ORDERS, BY_INDEX))
    twin = planned(join(BY_INDEX, ORDERS), join(ORDERS, kind="Anti"), join(ORDERS))
    found = disagreements(server, twin)
    assert [each.has_same_shape for each in found] == [False, False, False]
    assert found[1].what.startswith("Hash Join on the server, Hash Anti Join on the twin")
    assert found[2].what.startswith("Index Scan using orders_pkey on orders o on the server, nothing more on the twin")


def test_a_statement_that_only_the_server_can_plan_is_told_and_one_without_a_plan_is_passed_over() -> None:
    (found,) = disagreements(planned(ORDERS, None, BY_INDEX), planned(None, ORDERS))
    assert (found.statement, found.cost_ratio) == ("0", None)
    assert found.what == "the twin has no plan: no such table"


def test_free_plans_agree() -> None:
    free = PlanNode(node_type="Result", total_cost=0.0)
    assert disagreements(planned(free), planned(free)) == ()
