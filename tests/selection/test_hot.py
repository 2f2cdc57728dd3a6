"""Updates told case by case cost what they cost, and a choice that they bear on is still the best one."""

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pgadvisor.selection import hot
from pgadvisor.selection.hot import Case, Group, grouped
from pgadvisor.selection.milp import solve
from pgadvisor.selection.problem import IndexTerm, Problem, Updates, cost_of, is_allowed
from pgadvisor.selection.reduction import relaxed
from tests.selection.make_problem import best_cost, choices, problems, side_by_side

INFINITE = float("inf")


@settings(max_examples=100, deadline=None)
@given(problems())
def test_the_cheapest_case_of_each_group_is_what_the_updates_cost(problem: Problem) -> None:
    bare = _only_updates(problem)
    groups, rest = grouped(bare, frozenset(range(len(bare.indexes))), to_save=INFINITE, slight=0.0)
    assert sum(len(group.indexes) for group in groups) == len(frozenset().union(*(each.indexes for each in groups)))
    for chosen in choices(bare):
        cost = sum(_cost(group, chosen) for group in groups)
        assert cost + cost_of(msgspec.structs.replace(bare, updates=rest), chosen) == pytest.approx(
            cost_of(bare, chosen)
        )


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(side_by_side(problems(most_indexes=5)), st.sampled_from([0.0, 0.005]))
def test_parts_that_only_the_budget_links_are_chosen_together(problem: Problem, gap: float) -> None:
    _assert_best(problem, gap)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(problem=problems())
def test_updates_for_which_there_are_no_cases_count_as_well(problem: Problem, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hot, "MOST_CASES", 2)
    _assert_best(problem, 0.0)


def test_a_case_that_costs_more_than_can_be_saved_is_left_out() -> None:
    updates = Updates(broken_by=(0,), lost=50.0, entries=((1, 60.0),))
    problem = Problem(indexes=(IndexTerm(size_bytes=1),) * 2, statements=(), updates=(updates,))
    indexes = frozenset({0, 1})
    kept, broken = Case(closed=frozenset({0})), Case(lost=50.0, entries={1: 60.0})
    groups, rest = grouped(problem, indexes, to_save=49.0, slight=0.0)
    assert (groups, rest) == ((Group(indexes=indexes, cases=(kept,)),), ())
    groups, rest = grouped(problem, indexes, to_save=51.0, slight=0.0)
    assert groups[0].cases == (kept, broken)
    assert grouped(problem, indexes, to_save=51.0, slight=110.0) == ((), (updates,))


def _only_updates(problem: Problem) -> Problem:
    indexes = tuple(IndexTerm(size_bytes=1) for _ in problem.indexes)
    updates = tuple(each for each in problem.updates if each.broken_by and not each.always_broken)
    return Problem(indexes=indexes, statements=(), updates=updates)


def _cost(group: Group, chosen: frozenset[int]) -> float:
    fitting = (case for case in group.cases if case.closed.isdisjoint(chosen))
    return min(case.lost + sum(case.entries.get(at, 0.0) for at in chosen) for case in fitting)


def _assert_best(problem: Problem, gap: float) -> None:
    choice, best = solve(problem, gap=gap), best_cost(relaxed(problem))
    assert choice.cost == cost_of(problem, frozenset(choice.chosen))
    if best is not None:
        assert is_allowed(relaxed(problem), frozenset(choice.chosen))
        assert choice.bound <= best * (1 + 1e-6)
        assert choice.cost <= best * (1 + gap) / (1 - gap) * (1 + 1e-6) + 1e-9
        assert choice.is_best
