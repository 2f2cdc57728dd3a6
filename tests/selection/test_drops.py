"""Tests of what is said of existing indexes: why one goes, how it comes back, why one stays."""

from typing import Any

import pytest

from pgadvisor.example import Replica, foreign_key, table
from pgadvisor.model.advice import DroppedIndex
from pgadvisor.selection.drops import Around, dropped, kept
from pgadvisor.selection.existing import as_index, existing_indexes
from tests.selection.make_writes import candidate, changed, facts_about, index_of

ORDERS = table("orders", indexes={"x": "a", "copy": "a", "wide": "a, b", "other": "c"})
NEW = as_index(candidate("orders", "a", "c"), "orders_a_c_idx")
STANDBYS = "scans on standbys are not counted here"


def drop(around: Around, *, scans: int | None = 0, days: float = 60.0, **more: Any) -> DroppedIndex:
    facts = facts_about(changed(ORDERS, {"x": {"scans": scans}}), days=days, **more)
    return dropped(facts, next(each for each in existing_indexes(facts) if each.index.name == "x"), around, 7.5)


@pytest.mark.parametrize(
    ("around", "why", "reason", "by"),
    [
        (Around(stays=(index_of(ORDERS, "copy"),)), "redundant", "copy holds the same entries", ("public.copy",)),
        (
            Around(stays=(index_of(ORDERS, "wide"),), used_by=("1",)),
            "redundant",
            "wide begins with its keys and serves all that it does",
            ("public.wide",),
        ),
        (
            Around(stays=(index_of(ORDERS, "other"),), created=(NEW,)),
            "replaced",
            "orders_a_c_idx, which is to be created, does all that it does",
            ("public.orders_a_c_idx",),
        ),
        (
            Around(
                created=(as_index(candidate("orders", "c", "a"), "n"),),
                used_by=("1", "2"),
                used_instead=("public.n", "public.wide"),
            ),
            "replaced",
            "the 2 statements that used it use n instead",
            ("public.n",),
        ),
        (
            Around(used_by=("1",), used_instead=("public.other",)),
            "costs more than it gives",
            "writes pay more for it than the 1 statement that used it gains by it",
            (),
        ),
        (Around(), "unused", "no statement of the workload uses it, and it was not scanned in 60 days", ()),
    ],
)
def test_why_it_goes(around: Around, why: str, reason: str, by: tuple[str, ...]) -> None:
    found = drop(around)
    assert (found.why, found.reason, found.replaced_by) == (why, reason, by)


def test_writes_are_blamed_only_where_they_pay_for_it() -> None:
    facts = facts_about(ORDERS)
    x = next(each for each in existing_indexes(facts) if each.index.name == "x")
    found = dropped(facts, x, Around(used_by=("1", "2")), gain=-0.5)
    assert found.reason == "the 2 statements that used it cost next to nothing more without it"


def test_an_index_of_a_partitioned_table_comes_back_without_stopping_writes() -> None:
    only = "CREATE INDEX visits_kind ON ONLY public.visits USING btree (kind)"
    visits = changed(table("visits", indexes={"visits_kind": "kind"}, primary_key=None, partition_key="RANGE (at)"),
                     {"visits_kind": {"definition": only}})  # fmt: skip
    below = table("visits_1", indexes={"visits_1_kind": "kind"}, primary_key=None, partition_of="visits")
    below = changed(below, {"visits_1_kind": {"partition_of": "public.visits_kind"}})
    facts = facts_about(visits, below)
    (x,) = existing_indexes(facts)
    assert dropped(facts, x, Around()).undo.split("\n") == [
        f"{only};",
        "CREATE INDEX CONCURRENTLY visits_1_kind ON public.visits_1 USING btree (kind);",
        "ALTER INDEX public.visits_kind ATTACH PARTITION public.visits_1_kind;",
    ]


def test_what_brings_it_back() -> None:
    found = drop(Around())
    assert found.sql == "DROP INDEX CONCURRENTLY public.x;"
    assert found.undo == "CREATE INDEX CONCURRENTLY x ON public.orders USING btree (a);"
    assert found.lock.startswith("SHARE UPDATE EXCLUSIVE on orders")
    assert (found.name, found.table, found.size_bytes, found.gain) == ("public.x", "public.orders", 20_000_000, 7.5)


@pytest.mark.parametrize(
    ("around", "more", "cautions"),
    [
        (Around(), {}, (STANDBYS,)),
        (Around(stays=(index_of(ORDERS, "copy"),)), {}, ()),
        (
            Around(),
            {"days": 20.0},
            ("scans have been counted for 20 days: the reports of a month's end may need it", STANDBYS),
        ),
        (
            Around(is_given=True),
            {"days": 1.0},
            ("scans have been counted for 24 hours only: the workload alone says that it is unused", STANDBYS),
        ),
        (
            Around(is_given=True),
            {"scans": None},
            ("whether anything scans it is not known: the workload alone says that it is unused", STANDBYS),
        ),
        (
            Around(),
            {"scans": 9, "sql": "SELECT 1 FROM orders WHERE a < $1"},
            ("it was scanned 9 times: no more than planning the workload explains", STANDBYS),
        ),
        (
            Around(used_by=("1",)),
            {"replicas": (Replica(name="standby", state="streaming"),)},
            ("1 replica counts its own scans: look at pg_stat_user_indexes there",),
        ),
    ],
)
def test_what_to_check_before(around: Around, more: dict[str, Any], cautions: tuple[str, ...]) -> None:
    assert drop(around, **more).cautions == cautions


def test_a_young_counter_is_not_told_as_proof() -> None:
    assert drop(Around(is_given=True), days=1.0).reason == "no statement of the workload uses it"


@pytest.mark.parametrize(
    ("name", "used_by", "more", "why"),
    [
        ("orders_pkey", ("1",), {}, "the primary key"),
        ("x", ("1",), {}, "used by 1 statement"),
        ("x", ("1", "2"), {"unexplained": "9 scans"}, "used by 2 statements"),
        ("x", (), {"unexplained": "9 scans that no statement explains"}, "9 scans that no statement explains"),
        ("x", (), {}, "dropping it would change next to nothing"),
        (
            "x",
            (),
            {"is_last": True, "unexplained": "9 scans"},
            "it supports foreign key a_fkey: each delete of a row it references would read all of the table",
        ),
        ("other", (), {"is_last": True}, "dropping it would change next to nothing"),
    ],
)
def test_why_it_stays(name: str, used_by: tuple[str, ...], more: dict[str, Any], why: str) -> None:
    orders = table("orders", indexes={"x": "a", "other": "c"}, constraints=(foreign_key("a", "customer"),))
    facts = facts_about(orders, table("customer"))
    found = kept(next(each for each in existing_indexes(facts) if each.index.name == name), used_by, **more)
    assert (found.name, found.table, found.why, found.statements) == (f"public.{name}", "public.orders", why, used_by)
