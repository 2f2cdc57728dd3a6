"""Tests of what rules may ask of a snapshot about how plans read tables and how many rows a query means."""

import pytest

from pgadvisor.advise.examples import facts_of
from pgadvisor.facts import Facts, PlannedStatement
from pgadvisor.rule import Example, PlanNode, node, table

BIG = table("orders", rows=1_000_000, columns={"user_id": "bigint"}, indexes={"orders_pair": "UNIQUE user_id, line"})
USERS = table("users", rows=200_000)
LOOKUP = table("kinds", rows=12)


def planned(root: PlanNode, *, sql: str = "SELECT 1 FROM orders") -> tuple[Facts, PlannedStatement]:
    facts = facts_of(Example(sql=sql, tables=(BIG, USERS, LOOKUP), plan=root))
    found = facts.plan("1")
    assert found is not None
    return facts, found


def scan(kind: str, *below: PlanNode, cost: float, rows: float = 1.0) -> PlanNode:
    return node(kind, *below, table="orders", alias="o", cost=cost, rows=rows)


@pytest.mark.parametrize(
    ("root", "expected"),
    [
        (scan("Index Scan", cost=40.0), True),
        (scan("Index Scan", cost=20_000.0), False),
        (scan("Seq Scan", cost=40.0), False),
        (scan("Bitmap Heap Scan", node("Bitmap Index Scan", rows=9_000), cost=12_000.0), True),
        (scan("Bitmap Heap Scan", node("Bitmap Index Scan", rows=90_000), cost=12_000.0), False),
        (scan("Bitmap Heap Scan",
              node("BitmapAnd", node("Bitmap Index Scan", rows=90_000), node("Bitmap Index Scan", rows=900)),
              cost=12_000.0), True),
        (node("Seq Scan", table="users", alias="u", cost=40.0), False),
    ],
)  # fmt: skip
def test_reads_part(root: PlanNode, expected: bool) -> None:
    facts, found = planned(root)
    assert facts.reads_part(found, "o", "public.orders") is expected


def test_partitions_are_scans_of_their_parent() -> None:
    parent = table("events", partition_key="RANGE (at)", rows=0)
    parts = tuple(table(f"events_{number}", partition_of="events") for number in (1, 2, 3))
    root = node("Append", node("Seq Scan", table="events_1", alias="events_1", cost=25_000.0))
    facts = facts_of(Example(sql="SELECT 1 FROM events", tables=(parent, *parts), plan=root))
    found = facts.plan("1")
    assert found is not None
    assert len(found.scans("events")) == 1
    assert facts.rows("public.events") == 3_000_000
    assert not facts.reads_part(found, "events", "public.events"), "a third of it is no small part"


def test_joins_few() -> None:
    few = node("Hash", node("Index Scan", table="users", alias="u", rows=3), rows=3)
    many = node("Hash", node("Seq Scan", table="users", alias="u", rows=200_000), rows=200_000)
    for side, expected in ((few, True), (many, False)):
        facts, found = planned(node("Hash Join", scan("Seq Scan", cost=25_000.0, rows=1e6), side))
        assert facts.joins_few(found, "o", "public.orders") is expected


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT 1 FROM users u WHERE u.id = $1", {"u"}),
        ("SELECT 1 FROM users u WHERE $1 = u.id", {"u"}),
        ("SELECT 1 FROM users u WHERE u.id > 5", set()),
        ("SELECT 1 FROM users u WHERE u.id = 1 OR u.id = 2", set()),
        ("SELECT 1 FROM orders o WHERE o.user_id = 1 AND o.line = 2", {"o"}),
        ("SELECT 1 FROM orders o WHERE o.user_id = 1", set()),
        ("SELECT 1 FROM orders o JOIN users u ON u.id = o.user_id WHERE o.id = 5", {"o", "u"}),
        ("SELECT 1 FROM orders o JOIN users u ON u.id = o.user_id", set()),
        ("SELECT 1 FROM users u WHERE u.id = (SELECT max(id) FROM orders)", {"u"}),
    ],
)
def test_single_rows(sql: str, expected: set[str]) -> None:
    facts = facts_of(Example(sql=sql, tables=(BIG, USERS)))
    assert facts.single_rows(facts.queries["1"].top) == expected


def test_sizes() -> None:
    facts = facts_of(Example(tables=(BIG, USERS, LOOKUP)))
    assert facts.is_tiny("public.kinds")
    assert not facts.is_tiny("public.orders")
    assert not facts.is_tiny("public.unknown")
    assert facts.is_system("pg_stat_activity")
    assert facts.is_system("information_schema.tables")
    assert not facts.is_system("public.orders")
