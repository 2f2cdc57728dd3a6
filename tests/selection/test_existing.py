"""Tests of which existing indexes may be dropped: nothing that anything but queries depends on."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgadvisor.example import foreign_key, table
from pgadvisor.facts import Facts
from pgadvisor.indexes.overlap import supports_foreign_key
from pgadvisor.model.catalog import Constraint, Index, Table
from pgadvisor.selection.existing import (
    ExistingIndex,
    as_index,
    existing_indexes,
    supported_keys,
    unexplained_scans,
)
from pgadvisor.selection.groups import groups_to_keep
from tests.selection.make_writes import candidate, changed, facts_about, index_of

CUSTOMER = table("customer")


def one(facts: Facts, name: str) -> ExistingIndex:
    return next(each for each in existing_indexes(facts) if each.index.name == name)


@pytest.mark.parametrize(
    ("spelled", "more", "fixed"),
    [
        ("a", {}, None),
        ("UNIQUE a", {}, "it keeps values unique"),
        ("UNIQUE a WHERE (b IS NULL)", {}, "it keeps values unique"),
        ("UNIQUE a", {"constraint": "orders_a_key"}, "constraint orders_a_key"),
        ("a", {"is_exclusion": True, "constraint": "x"}, "an exclusion constraint"),
        ("UNIQUE a", {"is_replica_identity": True}, "the replica identity, by which subscribers find rows"),
        ("a", {"is_clustered": True}, "the table is clustered by it"),
        ("a", {"is_valid": False}, "it is invalid, which is a finding of its own"),
        ("a", {"is_ready": False}, "it is invalid, which is a finding of its own"),
        ("a", {"definition": "(not read: the table was locked)"}, "its definition could not be read"),
        ("UNIQUE id", {}, None),  # the primary key keeps the same promise
        ("UNIQUE id, a", {}, "it keeps values unique"),
    ],
)
def test_what_is_fixed(spelled: str, more: dict[str, Any], fixed: str | None) -> None:
    on = changed(table("orders", indexes={"x": spelled}), {"x": more})
    assert one(facts_about(on), "x").fixed == fixed
    assert one(facts_about(on), "orders_pkey").fixed == "the primary key"


def test_a_copy_of_the_primary_key_stays_when_a_foreign_key_may_rest_on_it() -> None:
    orders = table("orders", indexes={"x": "UNIQUE id"})
    lines = table("lines", constraints=(foreign_key("order_id", "orders"),))
    assert one(facts_about(orders, lines), "x").fixed == "it keeps values unique"


def test_a_copy_stays_when_the_constraint_may_be_deferred() -> None:
    on = table("orders", indexes={"x": "UNIQUE id"})
    on = msgspec.structs.replace(
        on, constraints=tuple(msgspec.structs.replace(each, is_deferrable=True) for each in on.constraints)
    )
    assert one(facts_about(on), "x").fixed == "it keeps values unique"


def test_the_parts_of_a_partitioned_index_are_one() -> None:
    parent = table("events", partition_key="RANGE (at)", rows=0, indexes={"events_a": "a"}, primary_key=None)
    parts = tuple(
        changed(
            table(f"events_{at}", partition_of="events", indexes={f"part_{at}": "a", f"own_{at}": "b"}),
            {f"part_{at}": {"partition_of": "public.events_a"}},
        )
        for at in (1, 2)
    )
    facts = facts_about(parent, *parts)
    found = {each.index.name: each for each in existing_indexes(facts)}
    assert set(found) == {"events_a", "own_1", "own_2", "events_1_pkey", "events_2_pkey"}
    assert found["events_a"].size_bytes == 60_000_000
    assert found["events_a"].scans == 2_000
    assert (found["own_1"].table, found["own_1"].on.name) == ("public.events", "events_1")


def test_statistics_on_an_expression_are_a_caution() -> None:
    facts = facts_about(table("orders", columns={"email": "text"}, indexes={"x": "lower(email)"}))
    assert one(facts, "x").fixed is None
    assert "statistics on lower(email)" in one(facts, "x").cautions[0]


@pytest.mark.parametrize(
    ("scans", "days", "more", "expected"),
    [
        (9, 30.0, {}, "9 scans that no statement of the workload explains"),
        (1, 30.0, {}, "a scan that no statement of the workload explains"),
        (9, 30.0, {"is_used": True}, None),
        (9, 30.0, {"is_given": True}, "9 scans that no statement of the workload explains"),
        (0, 30.0, {}, None),
        (0, 3.0, {}, "its scans have been counted for 3 days only"),
        (0, 0.5, {}, "its scans have been counted for 12 hours only"),
        (0, 3.0, {"is_given": True}, None),
        (None, 30.0, {}, "how often it is scanned is not known"),
        (None, 30.0, {"is_given": True}, None),
    ],
)
def test_unexplained_scans(scans: int | None, days: float, more: dict[str, Any], expected: str | None) -> None:
    facts = facts_about(changed(table("orders", indexes={"x": "a"}), {"x": {"scans": scans}}), days=days)
    assert unexplained_scans(facts, one(facts, "x"), **{"is_used": False, **more}) == expected


@pytest.mark.parametrize(("days_ago", "is_kept"), [(40, False), (20, True)])
def test_scans_of_long_ago_do_not_count(days_ago: int, is_kept: bool) -> None:
    orders = table("orders", indexes={"x": "a"})
    at = facts_about(orders).snapshot.collected_at - timedelta(days=days_ago)
    facts = facts_about(changed(orders, {"x": {"last_scan_at": at}}), days=300)
    assert (unexplained_scans(facts, one(facts, "x"), is_used=False) is not None) == is_kept


@pytest.mark.parametrize(
    ("sql", "calls", "is_kept"),
    [
        ("SELECT 1 FROM orders WHERE at < $1", 10, False),
        ("SELECT 1 FROM orders WHERE at < $1", 9, True),
        ("SELECT 1 FROM orders o JOIN customer c ON c.id = o.at", 10, False),
        ("SELECT 1 FROM orders WHERE at = $1", 1_000, True),
        ("SELECT 1 FROM orders WHERE total < $1", 1_000, True),
    ],
)
def test_the_planner_counts_as_a_scan_when_it_looks_at_the_ends(sql: str, calls: int, is_kept: bool) -> None:
    on = changed(table("orders", indexes={"x": "at", "y": "total"}), {"x": {"scans": 40}})
    facts = facts_about(on, CUSTOMER, sql=sql, calls=calls)
    assert (unexplained_scans(facts, one(facts, "x"), is_used=False) is not None) == is_kept


def test_a_standby_counts_its_own_scans() -> None:
    facts = facts_about(changed(table("orders", indexes={"x": "a"}), {"x": {"scans": 0}}))
    assert facts.snapshot.server is not None
    server = msgspec.structs.replace(facts.snapshot.server, is_standby=True)
    standby = Facts(msgspec.structs.replace(facts.snapshot, server=server), {})
    assert "standby" in (unexplained_scans(standby, one(standby, "x"), is_used=False) or "")


def groups(facts: Facts, *candidates: Any, used: Any = (), is_given: bool = False) -> tuple[tuple[str, ...], ...]:
    """The groups by the names of their indexes; candidates by their first number, `c0`."""
    free = [each for each in existing_indexes(facts) if each.fixed is None]
    fixed = [each for each in existing_indexes(facts) if each.fixed is not None]
    numbered = list(enumerate(free))
    names = [each.index.name for each in free] + [f"c{at}" for at in range(len(candidates))]
    found = groups_to_keep(
        facts,
        numbered,
        fixed,
        [(len(free) + at, each) for at, each in enumerate(candidates)],
        used={at for at, each in numbered if each.index.name in used},
        is_given=is_given,
    )
    return tuple(tuple(names[at] for at in group) for group in found)


def orders(*keys: Constraint, **indexes: str) -> Table:
    made = table("orders", indexes=indexes, constraints=keys)
    return changed(made, {name: {"scans": 0} for name in indexes})


CASCADE = foreign_key("customer_id", "customer", on_delete="cascade")


@pytest.mark.parametrize(
    ("on", "candidates", "expected"),
    [
        (orders(CASCADE, a="customer_id"), (), (("a",),)),
        (orders(CASCADE, a="customer_id", b="customer_id, id"), (), (("a", "b"),)),
        (orders(CASCADE, a="customer_id"), (candidate("orders", "customer_id", "total"),), (("a", "c0"),)),
        (orders(CASCADE, a="customer_id"), (candidate("orders", "total", "customer_id"),), (("a",),)),
        (orders(CASCADE, a="customer_id"), (candidate("customer", "customer_id"),), (("a",),)),
        (
            orders(CASCADE, a="customer_id"),
            (candidate("orders", "customer_id", predicate="total > 5", predicate_columns=("total",)),),
            (("a",),),
        ),
        (orders(CASCADE, a="total"), (candidate("orders", "customer_id"),), ()),
        (orders(CASCADE, a="customer_id", b="UNIQUE customer_id, total"), (), ()),
        (orders(a="customer_id"), (), ()),
    ],
    ids=["only one", "either", "a candidate as well", "wrong lead", "another table", "partial", "none today",
         "a unique one does", "no foreign key"],
)  # fmt: skip
def test_each_supported_foreign_key_keeps_an_index(on: Table, candidates: Any, expected: Any) -> None:
    assert groups(facts_about(on, CUSTOMER), *candidates) == expected


def test_of_two_that_unknown_scans_may_use_one_stays() -> None:
    on = changed(table("orders", indexes={"a": "total", "b": "total, at", "c": "at"}), {"c": {"scans": 0}})
    facts = facts_about(on)
    assert groups(facts, candidate("orders", "total", "id")) == (("a", "b", "c0"), ("b",))
    assert groups(facts, candidate("orders", "total", "id"), used={"b"}) == (("a", "b", "c0"),)


def test_an_index_that_a_fixed_one_covers_needs_no_group() -> None:
    assert groups(facts_about(table("orders", indexes={"a": "id"}))) == ()


def test_a_candidate_as_an_index() -> None:
    made = as_index(candidate("orders", "a", "b", included=("c",), predicate="d IS NULL"), "x")
    assert (made.columns, made.included, made.predicate) == (("a", "b"), ("c",), "d IS NULL")
    assert made.definition == "CREATE INDEX x ON public.orders (a, b) INCLUDE (c) WHERE d IS NULL"


COLUMNS = ("id", "a", "b", "c")


@st.composite
def catalogs(draw: st.DrawFn) -> Table:
    """A table with indexes of all kinds and foreign keys."""
    spelled = st.lists(st.sampled_from(COLUMNS), min_size=1, max_size=3, unique=True).map(", ".join)
    kinds = st.tuples(st.sampled_from(["", "", "UNIQUE "]), spelled, st.sampled_from(["", "", " WHERE (b IS NULL)"]))
    made = {f"x{at}": "".join(parts) for at, parts in enumerate(draw(st.lists(kinds, max_size=6)))}
    keys = draw(st.lists(st.sampled_from(("a", "b", "c")), max_size=2, unique=True))
    on = table("orders", indexes=made, constraints=tuple(foreign_key(key, "customer") for key in keys))
    flags = st.sampled_from([{}, {}, {"is_clustered": True}, {"is_valid": False}, {"is_replica_identity": True}])
    more: dict[str, Any] = {}
    for name, each in made.items():
        more[name] = {**draw(flags), "scans": draw(st.sampled_from([0, 5]))}
        if each.startswith("UNIQUE") and draw(st.booleans()):
            more[name]["constraint"] = name
    return changed(on, more)


@given(on=catalogs(), days=st.sampled_from([1.0, 60.0]), data=st.data())
def test_no_allowed_choice_drops_what_is_needed(on: Table, days: float, data: st.DataObject) -> None:
    facts = facts_about(on, CUSTOMER, days=days)
    found = existing_indexes(facts)
    free = [(at, each) for at, each in enumerate(found) if each.fixed is None]
    fixed = [each for each in found if each.fixed is not None]
    needed = groups_to_keep(facts, free, fixed, ())
    gone = data.draw(st.sets(st.sampled_from([at for at, _ in free]))) if free else set()
    if any(gone.issuperset(group) for group in needed):
        return
    stays = [each.index for at, each in enumerate(found) if at not in gone]
    for at in gone:
        assert not found[at].index.constraint
        assert not found[at].index.is_unique or _is_still_unique(found[at].index, stays)
        assert found[at].index.is_valid
    for each in on.constraints:
        if each.kind == "foreign key" and any(supports_foreign_key(one, each.columns) for one in on.indexes):
            assert any(supports_foreign_key(one, each.columns) for one in stays)


def _is_still_unique(index: Index, stays: list[Index]) -> bool:
    return any(each.is_unique and each.constraint and each.columns == index.columns for each in stays)


def test_a_partial_index_supports_a_foreign_key_whatever_its_column_is_called() -> None:
    """Its WHERE leaves out what the check never looks for."""
    quoted = table("t", indexes={"x": '"userId" WHERE ("userId" IS NOT NULL)'})
    key = msgspec.structs.replace(index_of(quoted, "x").keys[0], column="userId")
    index = msgspec.structs.replace(index_of(quoted, "x"), keys=(key,))
    assert supports_foreign_key(index, ("userId",))
    assert not supports_foreign_key(msgspec.structs.replace(index, predicate="(other IS NOT NULL)"), ("userId",))


def test_which_foreign_keys_an_index_supports() -> None:
    facts = facts_about(orders(CASCADE, a="customer_id, total", b="total"), CUSTOMER)
    assert [each.name for each in supported_keys(one(facts, "a"))] == ["customer_id_fkey"]
    assert supported_keys(one(facts, "b")) == ()
    assert index_of(one(facts, "a").on, "a").name == "a"


def test_what_the_planner_knows_of_an_expression_stays() -> None:
    on = orders(x="lower(note)", y="a, lower(note)", z="lower(code)")
    facts = facts_about(on, sql="SELECT 1 FROM orders WHERE lower(note) = 'x' AND a = 2")
    free = [(at, one(facts, name)) for at, name in enumerate("xyz")]
    groups = groups_to_keep(facts, free, (), (), used={0, 1, 2})
    assert set(groups) == {(0, 1), (1, 0)}
    assert not groups_to_keep(facts_about(on), free, (), (), used={0, 1, 2})
