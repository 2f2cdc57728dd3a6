"""What a set of indexes does to each statement, and what one of them does beside the others."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pgadvisor.selection.effects import Effects
from pgadvisor.selection.matrix import NO_INDEX, Matrix
from pgadvisor.selection.problem import Updates
from pgadvisor.selection.upkeep import StatementUpkeep, Upkeep
from pgadvisor.selection.workload import WeighedStatement, Write
from tests.selection.make_planner import Costs, TablePlanner, weighed
from tests.selection.make_search import Instance, instances, searched
from tests.selection.make_writes import candidate

T, U = "public.t", "public.u"
COSTS = {
    "read": Costs(tables={T: {(): 100.0, ("a",): 10.0}}),
    "both": Costs(tables={T: {(): 100.0, ("b",): 40.0}, U: {(): 10.0, ("a",): 1.0}}),
    "small": Costs(tables={T: {(): 100.0, ("b",): 99.5}}),
    "write": Costs(tables={T: {(): 1.0}}, is_write=True),
}
CALLS = (10.0, 2.0, 1.0, 50.0)


def effects_of(upkeep: Sequence[StatementUpkeep] = (StatementUpkeep(),) * 4) -> tuple[Matrix, Effects]:
    """The workload with indexes 0: t (a), 1: t (b), 2: u (a)."""
    statements: list[WeighedStatement] = [
        weighed(text, *costs.tables, calls=calls, write=Write(kind="update", table=T) if costs.is_write else None)
        for (text, costs), calls in zip(COSTS.items(), CALLS, strict=True)
    ]
    matrix = Matrix(TablePlanner(COSTS), statements)
    matrix.add_candidates([candidate("t", "a"), candidate("t", "b"), candidate("u", "a")])
    return matrix, Effects(matrix, CALLS, Upkeep(statements=tuple(upkeep), terms=(0.0,) * 3))


def test_costs_are_those_of_all_calls_with_upkeep() -> None:
    paid = StatementUpkeep(entries=((0, 5.0), (1, 7.0)))
    _, effects = effects_of([StatementUpkeep()] * 3 + [paid])
    effects.plan([NO_INDEX, frozenset({0})])
    assert effects.total(NO_INDEX) == 1000.0 + 220.0 + 100.0 + 50.0
    assert effects.total(frozenset({0})) == 100.0 + 220.0 + 100.0 + 50.0 + 5.0
    assert effects.upkeep(0, frozenset({1})) == 5.0


def test_an_index_that_breaks_hot_pays_for_the_entries_of_the_others() -> None:
    paid = StatementUpkeep(updates=Updates(broken_by=(0,), lost=3.0, entries=((0, 4.0), (1, 8.0))))
    _, effects = effects_of([StatementUpkeep()] * 3 + [paid])
    assert effects.upkeep(0, frozenset({1})) == 3.0 + 4.0 + 8.0
    assert effects.upkeep(1, frozenset({0})) == 8.0
    assert effects.upkeep(1, NO_INDEX) == 0.0


def test_statements_that_change_are_told_the_most_saved_first() -> None:
    _, effects = effects_of()
    chosen = frozenset({0, 1, 2})
    effects.plan([NO_INDEX, chosen])
    told = effects.between(NO_INDEX, chosen)
    assert [(each.statement, each.before, each.after) for each in told] == [
        ("read", 1000.0, 100.0),
        ("both", 220.0, 82.0),
    ]
    assert told[0].ratio == pytest.approx(0.1)
    assert [each.statement for each in effects.between(frozenset({0}), chosen)] == ["both"]


def test_a_write_whose_time_is_not_known_is_told_beside_its_own_work() -> None:
    paid = StatementUpkeep(entries=((0, 75.0),))
    _, effects = effects_of([StatementUpkeep()] * 3 + [paid])
    effects.plan([NO_INDEX, frozenset({0})])
    told = {each.statement: each.ratio for each in effects.between(NO_INDEX, frozenset({0}))}
    assert told["write"] == pytest.approx((50.0 + 75.0 + 300.0) / (50.0 + 300.0))
    assert "write" not in {each.statement for each in effects.between(NO_INDEX, frozenset({0}), reads=True)}


def test_users_are_told_the_dearest_first() -> None:
    matrix, effects = effects_of()
    chosen = frozenset({1, 2})
    effects.plan([chosen])
    assert effects.users(1, chosen) == ("small", "both")
    assert effects.users(0, chosen) == ()
    assert effects.used_by_those(["both"], chosen, {"pgadvisor_1": "t_b_idx"}) == (
        "public.t_b_idx",
        "public.pgadvisor_2",
    )
    assert matrix.plans == 4


@settings(max_examples=60, deadline=None)
@given(instances(), st.data())
def test_what_a_change_saves_is_the_difference_of_the_totals(instance: Instance, data: st.DataObject) -> None:
    found = searched(instance)
    matrix = found.matrix
    nothing = Upkeep(statements=(StatementUpkeep(),) * len(matrix.statements), terms=(0.0,) * len(matrix.items))
    effects = Effects(matrix, list(instance.calls.values()), nothing)
    numbers = (
        st.frozensets(st.sampled_from([item.number for item in matrix.items])) if matrix.items else st.just(NO_INDEX)
    )
    before, after = data.draw(numbers), data.draw(numbers)
    effects.plan_changes([(before, after)])
    effects.plan([before, after])
    assert effects.saved(before, after) == pytest.approx(effects.total(before) - effects.total(after))
    told = {each.statement: each.before - each.after for each in effects.between(before, after)}
    assert sum(told.values()) == pytest.approx(effects.saved(before, after), abs=0.01 * effects.total(before) + 1e-9)
