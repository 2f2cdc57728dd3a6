"""In what two planners' plans of one statement differ, in words."""

import pytest

from pgadvisor.model.plan import Plan, PlanNode
from pgadvisor.model.plan_shape import difference, shape_of

ORDERS = PlanNode(node_type="Seq Scan", table="orders", alias="o")
BY_INDEX = PlanNode(node_type="Index Scan", table="orders", alias="o", index="orders_pkey")
ITEMS = PlanNode(node_type="Seq Scan", table="items", alias="items")
USERS = PlanNode(node_type="Seq Scan", table="users", alias="users")


def join(kind: str, *children: PlanNode) -> PlanNode:
    return PlanNode(node_type=kind, children=children)


@pytest.mark.parametrize(
    ("server", "other", "told"),
    [
        (ORDERS, BY_INDEX, "orders o: Seq Scan on the server, Index Scan using orders_pkey on the planner"),
        (join("Hash Join", ORDERS, ITEMS), join("Nested Loop", ORDERS, ITEMS),
         "Hash Join on the server, Nested Loop on the planner"),
        (join("Hash Join", ORDERS, ITEMS), ORDERS, "items: Seq Scan on the server, not read on the planner"),
        (join("Hash Join", join("Hash Join", ORDERS, ITEMS), USERS),
         join("Hash Join", ORDERS, join("Hash Join", ITEMS, USERS)), "tables are joined in another order"),
    ],
)  # fmt: skip
def test_a_difference_is_told(server: PlanNode, other: PlanNode, told: str) -> None:
    assert difference(Plan(root=server), Plan(root=other)) == told


def test_what_is_done_with_the_rows_afterwards_is_no_difference() -> None:
    one, two = Plan(root=ORDERS), Plan(root=PlanNode(node_type="Sort", children=(ORDERS,)))
    assert shape_of(one) == shape_of(two)
    assert difference(one, two) is None
