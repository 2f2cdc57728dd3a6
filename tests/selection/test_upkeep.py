"""Tests of what indexes cost the writes of a workload: each part equals a computation by hand."""

import msgspec
import pytest

from pgadvisor.example import table
from pgadvisor.model.catalog import TableCounters
from pgadvisor.selection.entry_costs import BRIN, BTREE, BYTE, LOST_HOT, MOVED, REMOVED, UNIT_MS
from pgadvisor.selection.problem import IndexTerm, Problem, StatementWays, Way, cost_of
from pgadvisor.selection.traits import IndexTraits
from pgadvisor.selection.upkeep import ROOMY_HOT, UNKNOWN_NEW, USUALLY_HOT, Upkeep, upkeep_of
from pgadvisor.selection.workload import WeighedStatement
from tests.selection.make_writes import facts_about, traits, writing

RANDOM, GROWING = BTREE["anywhere"], BTREE["right end"]
MOVED_ENTRY = RANDOM * MOVED
ORDERS = table("orders", columns={"at": "timestamp with time zone", "status": "text"})
ROOMY = msgspec.structs.replace(ORDERS, options=("fillfactor=80",))
KEY = traits("id", growth="right end", grows_by="id")


def paid(
    *statements: WeighedStatement,
    choices: tuple[IndexTraits, ...],
    fixed: tuple[IndexTraits, ...] = (KEY,),
    on: object = ROOMY,
    **more: object,
) -> Upkeep:
    version = more.pop("version_num", 160_004)
    facts = facts_about(on, version_num=version)  # type: ignore[arg-type]
    return upkeep_of(facts, statements, choices, fixed, **{"unit": "cost", "is_given": True, **more})  # type: ignore[arg-type]


def problem(upkeep: Upkeep) -> Problem:
    terms = tuple(IndexTerm(size_bytes=1, upkeep=each) for each in upkeep.terms)
    return Problem(indexes=terms, statements=(StatementWays(ways=(Way(cost=0.0),)),), updates=upkeep.updates)


@pytest.mark.parametrize(
    ("index", "entry"),
    [
        (traits("customer_id"), 1.5),
        (traits("id", growth="right end"), 0.4),
        (traits("customer_id", share=0.1), 0.15),
        (traits("name", width_bytes=36.0), 1.5 + 20 * BYTE),
        (traits("at", method="brin"), 0.05),
        (traits("tags", method="gin", elements=40.0), 11.0),
        (traits("x", table="public.other"), 0.0),
    ],
)
def test_inserts_write_an_entry_of_each_row(index: IndexTraits, entry: float) -> None:
    found = paid(writing("insert", calls=10, rows=7), choices=(index,))
    assert found.terms == (pytest.approx(70 * entry),)
    assert found.updates == ()


def test_deletes_leave_entries_to_vacuum() -> None:
    found = paid(writing("delete", calls=10), choices=(traits("a"), traits("b", share=0.5)))
    assert found.terms == (pytest.approx(10 * RANDOM * REMOVED), pytest.approx(5 * RANDOM * REMOVED))


def test_updates_cost_nothing_until_an_index_holds_what_they_set() -> None:
    found = paid(writing("update", "status"), choices=(traits("customer_id"), traits("status")))
    assert found.terms == (0.0, 0.0)
    whole = problem(found)
    assert cost_of(whole, frozenset({0})) == 0.0
    lost = LOST_HOT + MOVED_ENTRY  # of the primary key: a moved entry goes beside the old one, wherever that is
    assert cost_of(whole, frozenset({1})) == pytest.approx(100 * (lost + MOVED_ENTRY))
    assert cost_of(whole, frozenset({0, 1})) == pytest.approx(100 * (lost + 2 * MOVED_ENTRY))


def test_included_and_predicate_columns_break_hot_as_well() -> None:
    holding = traits("customer_id", "status")
    partial = traits(
        "customer_id", predicate_columns=frozenset({"status"}), columns=frozenset({"customer_id", "status"})
    )
    found = paid(writing("update", "status"), choices=(holding, partial, traits("total")))
    assert found.updates[0].broken_by == (0, 1)


def test_a_fixed_index_breaks_hot_whatever_is_chosen() -> None:
    unique = traits("status")
    found = paid(writing("update", "status"), choices=(traits("customer_id"),), fixed=(KEY, unique))
    assert found.updates[0].always_broken
    whole = problem(found)
    assert cost_of(whole, frozenset({0})) - cost_of(whole, frozenset()) == pytest.approx(100 * MOVED_ENTRY)


def test_a_drop_restores_what_another_index_broke() -> None:
    # 0 is there and holds what is set; 1 would be new. Alone 1 is dear, with the drop of 0 it is free.
    found = paid(writing("update", "status"), choices=(traits("status"), traits("customer_id")), today=frozenset({0}))
    whole = problem(found)
    both, today, swapped = (cost_of(whole, frozenset(each)) for each in ({0, 1}, {0}, {1}))
    assert both > today > swapped == 0.0


@pytest.mark.parametrize(("version_num", "is_hot"), [(150_018, False), (160_004, True)])
def test_brin_lets_updates_be_hot_from_16_on(version_num: int, is_hot: bool) -> None:
    found = paid(
        writing("update", "at"),
        choices=(traits("at", method="brin"), traits("customer_id")),
        version_num=version_num,
    )
    if not is_hot:
        assert found.updates[0].broken_by == (0,)
        return
    assert found.updates == ()
    assert found.terms == (pytest.approx(100 * BRIN * MOVED), 0.0)


def test_full_pages_make_part_of_the_updates_pay_anyway() -> None:
    found = paid(writing("update", "status"), choices=(traits("status"),), on=ORDERS)
    assert found.terms == (pytest.approx(100 * (1 - USUALLY_HOT) * MOVED_ENTRY),)
    assert found.updates[0].entries == ((0, pytest.approx(100 * USUALLY_HOT * MOVED_ENTRY)),)
    assert found.updates[0].lost == pytest.approx(100 * USUALLY_HOT * (LOST_HOT + MOVED_ENTRY))


@pytest.mark.parametrize(
    ("hot", "others", "expected"),
    [
        (30_000, 0.0, 0.3),  # nothing is in the way, and yet seven in ten find no room
        (20_000, 1.0, 0.4),  # half of them are blocked today: of the others two in five are HOT
        (100_000, 0.0, 1.0),
    ],
)
def test_the_share_that_can_be_hot_is_read_from_the_counters(hot: int, others: float, expected: float) -> None:
    counters = TableCounters(rows_updated=100_000 * 30, rows_hot_updated=hot * 30)
    on = msgspec.structs.replace(ORDERS, counters=counters)
    blocked = writing("update", "total", calls=others * 50_000)
    free = writing("update", "note", calls=100_000 - others * 50_000)
    found = paid(
        free, blocked, choices=(traits("total"), traits("note")), on=on, unit="ms", today=frozenset({0}), is_given=False
    )
    assert found.statements[0].updates is not None
    entry = dict(found.statements[0].updates.entries)[1]
    assert entry == pytest.approx(free.calls * expected * MOVED_ENTRY * UNIT_MS)


def test_columns_that_are_set_to_what_they_were_break_nothing() -> None:
    counters = TableCounters(rows_updated=3_000_000, rows_hot_updated=2_900_000)
    on = msgspec.structs.replace(ORDERS, counters=counters)
    save = writing("update", "email", "status", calls=100_000)
    email = traits("email")
    found = paid(save, choices=(traits("status"),), fixed=(KEY, email), on=on, unit="ms", is_given=False)
    assert not found.updates[0].always_broken
    assert found.updates[0].broken_by == (0,)
    given = paid(save, choices=(traits("status"),), fixed=(KEY, email), on=on, unit="ms", is_given=True)
    assert given.updates[0].always_broken


def test_an_upsert_is_partly_an_insert() -> None:
    found = paid(writing("insert", "n"), choices=(traits("a"), traits("n")))
    assert found.terms == (pytest.approx(50 * RANDOM), pytest.approx(50 * RANDOM))
    assert found.updates[0].broken_by == (1,)
    assert found.updates[0].entries[0] == (0, pytest.approx(50 * ROOMY_HOT * MOVED_ENTRY))


def test_the_counters_tell_how_many_upserts_are_inserts() -> None:
    counters = TableCounters(rows_inserted=30 * 1_000, rows_updated=30 * 99_000, rows_hot_updated=30 * 99_000)
    on = msgspec.structs.replace(ORDERS, counters=counters)
    upsert = writing("insert", "n", calls=100_000)
    found = paid(upsert, choices=(traits("a"),), on=on, unit="ms", is_given=False)
    assert found.terms == (pytest.approx(1_000 * RANDOM * UNIT_MS, rel=0.01),)


def test_a_moved_entry_of_a_growing_key_goes_to_the_right_end_only_if_it_is_set() -> None:
    touched = traits("at", growth="right end", grows_by="at")
    found = paid(writing("update", "at", "status"), choices=(touched, traits("id", growth="right end", grows_by="id")))
    entries = dict(found.updates[0].entries)
    assert entries[0] == pytest.approx(100 * GROWING * MOVED)
    assert entries[1] == pytest.approx(100 * MOVED_ENTRY)


@pytest.mark.parametrize(
    ("holds_new_rows", "expected"),
    [(True, 1.0), (False, 0.01), (None, UNKNOWN_NEW)],
    ids=["queue", "failed", "unknown"],
)
def test_rows_of_a_queue_begin_in_its_partial_index(holds_new_rows: bool | None, expected: float) -> None:
    waiting = traits("id", share=0.01, predicate_columns=frozenset({"status"}), holds_new_rows=holds_new_rows)
    waiting = msgspec.structs.replace(waiting, columns=frozenset({"id", "status"}))
    found = paid(writing("insert"), writing("update", "status"), choices=(waiting,))
    assert found.statements[0].cost(frozenset({0})) == pytest.approx(100 * expected * RANDOM)
    assert dict(found.updates[0].entries)[0] == pytest.approx(100 * 0.01 * MOVED_ENTRY)


def test_statements_pay_what_the_problem_says() -> None:
    writes = [writing("insert", calls=20), writing("update", "status"), writing("delete"), writing("insert", "total")]
    found = paid(*writes, choices=(traits("customer_id"), traits("status"), traits("total")), on=ORDERS)
    whole = problem(found)
    for chosen in (frozenset[int](), frozenset({0}), frozenset({1}), frozenset({0, 1, 2})):
        assert cost_of(whole, chosen) == pytest.approx(sum(each.cost(chosen) for each in found.statements))


def test_milliseconds_are_units_at_their_price() -> None:
    units = paid(writing("insert"), choices=(traits("a"),))
    assert paid(writing("insert"), choices=(traits("a"),), unit="ms").terms[0] == units.terms[0] * UNIT_MS
