"""Indexes read from the text of a plan, where no catalog tells of the table."""

import pytest

from pgadvisor.indexes.plan_alone import create_by_plan, index_by_plan
from pgadvisor.rule import node


@pytest.mark.parametrize(
    ("conditions", "order", "spelled"),
    [
        ("(customer_id = 7)", (), "(customer_id)"),
        ("((orders.status)::text = 'x'::text)", ("orders.placed_at DESC",), "(status, placed_at)"),
        ("((x = 3) AND (at > '2026-01-01 00:00:00+00'::timestamp with time zone))", (), "(x, at)"),
        ("((x = 3) AND (at > '2026-01-01'::date))", ("y",), "(x, at)"),
        ("(x = 3)", ("y", "z DESC"), "(x, y, z DESC)"),
        ("(x = ANY ('{1,2}'::integer[]))", ("y",), "(x)"),
        ("((x = 3) OR (y = 4))", (), None),
        ("(lower((orders.email)::text) = 'x'::text)", ("at",), "(lower((email)::text), at)"),
        ("(date(sent) = '2026-01-01'::date)", (), None),
        ("((x)::numeric = 3.5)", (), None),
        ("(NOT (hashed SubPlan 1))", (), None),
        ("(x <> 3)", (), None),
        ("((a >= ?) AND (b = ?::text))", (), "(b, a)"),
        ("(body ? 'a'::text)", (), None),
        ("((sent < received) AND (mode = 'air'::text) AND (sent = received))", (), "(mode)"),
        ("((size >= 1) AND (((brand = 'x'::text) AND (size <= 5)) OR (kind = 'y'::text)))", (), None),
        ("((size >= 1) AND ((brand = 'x'::text) OR (kind = 'y'::text)))", (), None),
        ("(size >= 1)", (), "(size)"),
        ("((n < 24) AND (at >= '2026-01-01'::date) AND (at < '2027-01-01'::date))", (), "(at, n)"),
        ("((n < 24) AND (m < 25))", (), None),
        ("((shop_id = shop.id) AND (deleted_at IS NULL) AND (kind = 'a'::text))", (), "(shop_id, kind, deleted_at)"),
        ("((title)::text ~~* '%core%'::text)", (), "USING gin (title gin_trgm_ops)"),
        ("(title ~~ '%co%'::text)", (), None),
        ("(title ~~ 'core%'::text)", (), None),
        ("((shop = 3) AND (deleted_at IS NULL))", ("at",), "(shop, deleted_at, at)"),
    ],
)
def test_the_index_for_a_scans_conditions(conditions: str, order: tuple[str, ...], spelled: str | None) -> None:
    scan = node("Seq Scan", table="orders", schema="public", alias="orders", filter=conditions)
    found = index_by_plan(scan, order)
    assert (found.spelled if found else None) == spelled


@pytest.mark.parametrize("condition", ["(i.order_id = o.id)", "(o.id = i.order_id)"])
def test_the_index_for_a_join_is_on_the_scans_own_column(condition: str) -> None:
    scan = node("Seq Scan", table="Item", schema="public", alias="i")
    found = index_by_plan(scan, joined_by=condition)
    assert found is not None
    made = create_by_plan(found)
    assert made.sql == 'CREATE INDEX CONCURRENTLY "Item_order_id_idx" ON public."Item" (order_id);'
    assert made.undo == 'DROP INDEX CONCURRENTLY public."Item_order_id_idx";'


def test_an_index_that_the_scan_searches_already_is_not_asked_for() -> None:
    scan = node("Index Scan", table="orders", alias="orders", index_condition="(shop = 3)", filter="(trim(a) = 'x')")
    assert index_by_plan(scan) is None
