"""Look-ups of nested loops, read from plans as EXPLAIN prints them."""

import json
from typing import Any

from pgadvisor.planner.explaining import read_bare
from pgadvisor.planner.look_ups import look_ups


def node(kind: str, cost: float, *children: dict[str, Any], rows: float = 1.0, **more: str) -> dict[str, Any]:
    return {"Node Type": kind, "Total Cost": cost, "Plan Rows": rows, **more, "Plans": list(children)}


def scan(kind: str, cost: float, table: str, rows: float = 1.0, index: str | None = None) -> dict[str, Any]:
    named = {"Relation Name": table, "Schema": "public"} | ({"Index Name": index} if index else {})
    return {**node(kind, cost, rows=rows), **named}


def found(plan: dict[str, Any]) -> list[tuple[str, float, float, bool, bool]]:
    root = read_bare(json.dumps([{"Plan": plan}]).encode())
    many = look_ups(root, lambda schema, name: f"{schema}.{name}")
    return [(each.index, each.loops, each.cost, each.is_index_only, each.is_ordered) for each in many]


def test_each_row_of_the_outer_side_is_a_look_up() -> None:
    inner = scan("Index Scan", 0.8, "items", index="items_order_id")
    by_order = node("Hash Join", 90, scan("Seq Scan", 50, "orders"), node("Hash", 9), rows=5000)
    assert found(node("Nested Loop", 5000, by_order, inner)) == [("public.items_order_id", 5000, 4000, False, True)]
    by_date = scan("Index Only Scan", 50, "orders", rows=5000, index="orders_at")
    assert found(node("Nested Loop", 5000, by_date, inner)) == [("public.items_order_id", 5000, 4000, False, False)]


def test_loops_in_loops_multiply_and_a_limit_cuts_them() -> None:
    bitmap = {
        **scan("Bitmap Heap Scan", 2.0, "items"),
        "Plans": [{**node("Bitmap Index Scan", 1.0), "Index Name": "i"}],
    }
    inside = node("Nested Loop", 20, scan("Index Scan", 1, "a", rows=10, index="a_b"), bitmap)
    outer = node("Nested Loop", 1000, scan("Seq Scan", 5, "c", rows=200), inside)
    assert found(node("Limit", 100, outer)) == [
        ("public.a_b", 20, 20, False, True),
        ("public.i", 200, 400, False, False),
    ]


def test_few_look_ups_and_remembered_ones_are_passed_over() -> None:
    inner = scan("Index Only Scan", 0.5, "items", index="i")
    assert found(node("Nested Loop", 9, scan("Seq Scan", 5, "c", rows=50), inner)) == []
    assert found(node("Nested Loop", 9, scan("Seq Scan", 5, "c", rows=5000), node("Memoize", 1, inner))) == []
