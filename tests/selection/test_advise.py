"""The whole advice on made-up workloads: what is created, dropped and kept, within the user's limits, and why."""

import msgspec
import pytest

from pgadvisor.example import foreign_key, table
from pgadvisor.parameters.draws import Draw, DrawnStatement
from pgadvisor.selection.advise import advise_indexes
from pgadvisor.selection.wishes import Wishes
from tests.selection.make_advice import Case, advised, facts_about, keys_created, planner_of
from tests.selection.make_planner import drawn
from tests.selection.make_writes import changed

T, U = "public.t", "public.u"
BY_A = Case("SELECT id FROM t WHERE a = 1", {T: {(): 1000.0, ("a",): 10.0}})
BY_B = Case("SELECT id FROM t WHERE b = 1", {T: {(): 1000.0, ("b",): 500.0}})
BY_C = Case("SELECT id FROM u WHERE c = 1", {U: {(): 2000.0, ("c",): 4.0}}, calls=10)
NOT_HELPED = Case("SELECT * FROM t", {T: {(): 1000.0}})
TABLES = (table("t", columns={"a": "bigint", "b": "bigint", "n": "bigint"}), table("u", columns={"c": "bigint"}))
MANY = 1_000_000


def writing(column: str, calls: int = MANY) -> Case:
    return Case(f"UPDATE t SET {column} = 1 WHERE id = 2", {T: {(): 1000.0, ("id",): 1.0}}, calls=calls)


def test_missing_indexes_are_created_and_what_each_saves_is_told() -> None:
    advice = advised(TABLES, [BY_A, BY_B, BY_C])
    assert keys_created(advice) == ["public.t (a)", "public.t (b)", "public.u (c)"]
    assert (advice.before, advice.after) == (220_000.0, 100 * 10.0 + 100 * 500.0 + 10 * 4.0)
    assert sorted(each.gain for each in advice.create) == [19_960.0, 50_000.0, 99_000.0]
    assert sum(each.gain for each in advice.create) == pytest.approx(advice.before - advice.after)
    assert {each.statement for index in advice.create for each in index.helps} == {"1", "2", "3"}
    assert advice.bound <= advice.after and advice.gap <= 0.01
    assert advice.nothing_because is None and advice.considered == 3


def test_times_are_told_in_milliseconds_a_day_where_they_are_known() -> None:
    timed = [case._replace(mean_ms=2.0) for case in (BY_A, BY_C)]
    advice = advised(TABLES, timed, workload_is_given=False)
    days = 30.0
    assert advice.unit == "ms"
    assert advice.before == pytest.approx((100 * 2.0 + 10 * 2.0) / days)
    assert advice.after == pytest.approx((100 * 2.0 * 0.01 + 10 * 2.0 * 0.002) / days)


def test_a_redundant_index_is_dropped_and_the_one_that_does_its_work_named() -> None:
    t = table("t", columns={"a": "bigint", "b": "bigint"}, indexes={"t_a": "a", "t_a_b": "a, b"})
    advice = advised([t], [BY_A, writing("b", calls=1000)])
    assert [each.name for each in advice.drop] == ["public.t_a"]
    assert advice.drop[0].why == "redundant" and advice.drop[0].replaced_by == ("public.t_a_b",)
    assert advice.drop[0].undo.startswith("CREATE INDEX")
    assert not advice.create


def test_an_index_that_a_foreign_key_needs_is_kept_or_replaced() -> None:
    t = table("t", columns={"a": "bigint", "b": "bigint"}, indexes={"t_a": "a"},
              constraints=(foreign_key("a", "u"),))  # fmt: skip
    advice = advised([t, table("u")], [NOT_HELPED, writing("a")])
    assert not advice.drop
    assert "foreign key" in next(each.why for each in advice.keep if each.name == "public.t_a")


def test_an_index_whose_scans_nothing_explains_is_kept() -> None:
    t = changed(table("t", columns={"a": "bigint"}, indexes={"t_a": "a"}), {"t_a": {"scans": 400}})
    kept = advised([t], [NOT_HELPED, writing("a")])
    assert not kept.drop
    assert "400 scans" in next(each.why for each in kept.keep if each.name == "public.t_a")
    unused = advised([changed(t, {"t_a": {"scans": 0}})], [NOT_HELPED, writing("a")])
    assert [each.name for each in unused.drop] == ["public.t_a"] and unused.drop[0].why == "unused"


def test_nothing_breaks_hot_for_a_small_gain() -> None:
    by_n = Case("SELECT id FROM t WHERE n = 1", {T: {(): 1000.0, ("n",): 900.0}})
    (created,) = keys_created(advised(TABLES, [by_n, writing("n", calls=10)]))
    assert created.startswith("public.t (n)")
    advice = advised(TABLES, [by_n, writing("n")])
    assert not advice.create
    assert advice.nothing_because and "upkeep" in advice.nothing_because


def test_nothing_is_advised_where_nothing_helps_and_the_reason_is_said() -> None:
    advice = advised(TABLES, [NOT_HELPED])
    assert not (advice.create or advice.drop)
    assert advice.nothing_because == "No index that is not there yet could serve a statement of the workload."
    assert advice.before == advice.after


@pytest.mark.parametrize("most", [0, 1, 2])
def test_no_more_than_the_user_wants(most: int) -> None:
    advice = advised(TABLES, [BY_A, BY_B, BY_C], most_new=most)
    assert len(advice.create) == most
    assert most == 0 or "public.t (a)" in keys_created(advice)


@pytest.mark.parametrize("budget", [0, 100_000, 200_000, 300_000])
def test_no_larger_than_the_budget(budget: int) -> None:
    advice = advised(TABLES, [BY_A, BY_B, BY_C], budget_bytes=budget)
    assert advice.size_bytes <= budget
    assert len(advice.create) == min(budget // 81_920, 3)
    if not budget:
        assert advice.nothing_because == "No index that fits the budget saves more than its upkeep costs."


def test_more_room_never_costs_more() -> None:
    advice = advised(TABLES, [BY_A, BY_B, BY_C], budget_bytes=90_000)
    ratios = [point.cost_ratio for point in advice.curve]
    assert ratios == sorted(ratios, reverse=True)
    assert all(point.bound <= point.cost_ratio + 1e-9 for point in advice.curve)
    assert 90_000 in {point.budget_bytes for point in advice.curve} and advice.curve[-1].budget_bytes is None


def test_no_statement_gets_dearer_than_the_user_allows() -> None:
    t = table("t", columns={"a": "bigint", "n": "bigint"}, indexes={"t_n": "n"})
    seldom = Case("SELECT id FROM t WHERE n = 1", {T: {(): 100.0, ("n",): 80.0}}, calls=1)
    cases = [BY_A, seldom, writing("n")]
    assert not advised([t], cases).drop
    assert [each.name for each in advised([t], cases, most_worse=0.5).drop] == ["public.t_n"]


def test_statements_that_cannot_be_planned_are_left_out_with_the_reason() -> None:
    advice = advised(TABLES, [BY_A, BY_C], refused=[BY_C.text])
    assert [key for key, _ in advice.left_out] == ["2"] and advice.considered == 1
    none = advised(TABLES, [BY_A], refused=[BY_A.text])
    assert none.nothing_because == "No statement of the workload could be planned."


def test_a_statement_of_which_one_draw_is_refused_is_left_out() -> None:
    facts = facts_about(TABLES, [BY_A, BY_C])
    planner = planner_of(facts, [BY_A, BY_C], refused=["another draw"])
    texts = ((BY_A.text, 0.6), ("another draw", 0.4))
    draws = tuple(Draw(text=text, weight=weight, label="typical") for text, weight in texts)
    found = [DrawnStatement(statement="1", draws=draws), drawn("2", BY_C.text)]
    wishes = Wishes(workload_is_given=True)
    advice = advise_indexes(facts, planner, found, wishes, clock=lambda: 0.0)
    assert keys_created(advice) == ["public.u (c)"] and advice.considered == 1
    assert [key for key, _ in advice.left_out] == ["1"]
    none = advise_indexes(facts, planner, found[:1], wishes, clock=lambda: 0.0)
    assert none.nothing_because == "No statement of the workload could be planned."


def test_without_time_what_is_told_is_still_true() -> None:
    ticks = iter(range(0, 10_000_000, 1000))
    advice = advised(TABLES, [BY_A, BY_B, BY_C], clock=lambda: float(next(ticks)), time_limit_s=1.0)
    assert keys_created(advice) == ["public.t (a)", "public.t (b)", "public.u (c)"]
    assert advice.after == 100 * 10.0 + 100 * 500.0 + 10 * 4.0
    assert any("time was up" in each for each in advice.doubts)


def test_the_same_input_gives_the_same_bytes() -> None:
    cases = [BY_A, BY_B, BY_C, writing("n")]
    assert msgspec.json.encode(advised(TABLES, cases)) == msgspec.json.encode(advised(TABLES, cases))


def test_a_table_of_which_nothing_is_known_is_doubted() -> None:
    bare = table("t", columns={"a": "bigint"}, statistics={})
    bare = msgspec.structs.replace(
        bare, columns=tuple(msgspec.structs.replace(each, statistics=None) for each in bare.columns)
    )
    advice = advised([bare], [BY_A])
    assert advice.guessed == ("public.t",)
    idle = advised([bare], [Case(BY_A.text, {T: {(): 1000.0}})])
    assert any("public.t" in each and "ANALYZE" in each for each in idle.doubts) and not idle.guessed


def test_an_empty_table_gets_no_index() -> None:
    """PostgreSQL plans a table that was never analyzed as if it had ten pages."""
    new = msgspec.structs.replace(table("t", columns={"a": "bigint"}, statistics={}), rows=None, heap_bytes=0)
    advice = advised([new], [BY_A])
    assert not advice.create and any("public.t: next to nothing is there yet" in each for each in advice.doubts)


def test_an_index_of_a_fast_statement_is_not_swapped_for_a_wider_one() -> None:
    fast = Case("SELECT id FROM t WHERE a = 1 AND b = 1", {T: {(): 1000.0, ("a",): 12.0, ("a", "b"): 4.0}})
    t = table("t", columns={"a": "bigint", "b": "bigint"}, indexes={"t_a": "a"})
    assert keys_created(advised([t], [fast])) == ["public.t (a, b)"]
    advice = advised([t], [fast], least_units_served=10.0)
    assert not advice.create and not advice.drop and advice.gap < 0.001
    bare = table("t", columns={"a": "bigint", "b": "bigint"})
    assert keys_created(advised([bare], [fast], least_units_served=900.0)) == ["public.t (a, b)"]


def test_a_day_without_much_to_save_gets_no_index() -> None:
    """Where it is known how long the workload has been counted; else calls have no length."""
    timed = BY_A._replace(mean_ms=2.0)
    known = {"workload_is_given": False, "least_ms": 1000.0}
    assert not advised(TABLES, [timed], example={"days": 1.0}, **known).create
    assert advised(TABLES, [timed._replace(calls=1000)], example={"days": 1.0}, **known).create
    assert advised(TABLES, [timed], least_ms=1000.0).create and advised(TABLES, [BY_A], **known).create


@pytest.mark.parametrize(("days", "dropped"), [(0.1, []), (30.0, ["public.t_g"])])
def test_an_index_for_containment_is_not_dropped_for_what_one_sample_says(days: float, dropped: list[str]) -> None:
    found = Case("SELECT id FROM t WHERE g @> '{1}' ORDER BY b LIMIT 5", {T: {(): 1000.0, ("g",): 200.0, ("b",): 50.0}})
    write = Case("INSERT INTO t (id, g) VALUES (1, '{1}')", {T: {(): 1.0}}, calls=10)
    t = table("t", columns={"g": "bigint[]", "b": "bigint"}, indexes={"t_g": "gin: g", "t_b": "b"})
    t = changed(t, {"t_g": {"scans": 0}, "t_b": {"scans": 0}})
    assert [each.name for each in advised([t], [found, write], example={"days": days}).drop] == dropped
