"""The solver finds the best choice, keeps every constraint, and its bound holds."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pgadvisor.selection.milp import solve
from pgadvisor.selection.problem import Choice, IndexTerm, Problem, StatementWays, Updates, Way, cost_of, is_allowed
from pgadvisor.selection.reduction import relaxed, today
from tests.selection.make_problem import best_cost, problems

SLACK = 1e-6
"""Share of the cost that rounding may take."""


@settings(max_examples=200, deadline=None)
@given(problems(), st.sampled_from([0.0, 0.005]))
def test_it_is_the_best_choice_within_the_gap(problem: Problem, gap: float) -> None:
    choice = solve(problem, gap=gap)
    chosen = frozenset(choice.chosen)
    best = best_cost(relaxed(problem))
    assert choice.cost == cost_of(problem, chosen)
    if best is not None:
        assert is_allowed(relaxed(problem), chosen)
        assert choice.bound <= best * (1 + SLACK)
        assert choice.cost <= best * (1 + gap) / (1 - gap) * (1 + SLACK) + 1e-9
        assert choice.is_best


@settings(max_examples=100, deadline=None)
@given(problems())
def test_an_index_that_is_new_gains_something(problem: Problem) -> None:
    choice = solve(problem)
    for at in set(choice.chosen) - today(problem):
        without = frozenset(choice.chosen) - {at}
        assert not is_allowed(relaxed(problem), without) or cost_of(problem, without) > choice.cost


@settings(max_examples=40, deadline=None)
@given(problems(), st.sets(st.integers(0, 20)))
def test_any_start_will_do(problem: Problem, start: set[int]) -> None:
    given = Choice(chosen=tuple(sorted(start)), cost=0.0, bound=0.0, is_best=True)
    choice = solve(problem, gap=0.0, start=given)
    assert choice.cost == pytest.approx(solve(problem, gap=0.0).cost, rel=SLACK)
    assert choice == solve(problem, gap=0.0, start=given)


def test_without_time_it_gives_what_it_has_with_a_bound() -> None:
    index = IndexTerm(size_bytes=100, upkeep=3.0)
    statement = StatementWays(ways=(Way(cost=100.0), Way(cost=60.0, needs=(0,)), Way(cost=10.0, needs=(1,))))
    problem = Problem(indexes=(index, index), statements=(statement, statement), budget_bytes=100)
    choice = solve(problem, gap=0.0, time_limit_s=0.0)
    assert choice.chosen == (1,)
    assert 20.0 <= choice.bound <= choice.cost == 23.0


def test_a_limit_that_today_breaks_is_what_today_gives() -> None:
    statement = StatementWays(ways=(Way(cost=10.0), Way(cost=8.0, needs=(0,))), most=5.0)
    there = IndexTerm(size_bytes=0, upkeep=100.0, is_there=True)
    assert solve(Problem(indexes=(there,), statements=(statement,))).chosen == (0,)


def test_no_room_is_no_error() -> None:
    index = IndexTerm(size_bytes=100)
    statement = StatementWays(ways=(Way(cost=10.0), Way(cost=8.0, needs=(0,))))
    problem = Problem(indexes=(index,), statements=(statement,), budget_bytes=0, one_of=((0,), ()))
    assert solve(problem) == Choice(chosen=(), cost=10.0, bound=10.0, is_best=True)
    assert solve(Problem(indexes=(), statements=())).cost == 0.0


def test_an_index_that_breaks_hot_is_not_made_while_its_entries_elsewhere_cost_more() -> None:
    statement = StatementWays(ways=(Way(cost=100.0), Way(cost=10.0, needs=(0,))))
    updates = Updates(broken_by=(0,), lost=50.0, entries=((1, 60.0),))
    needed = StatementWays(ways=(Way(cost=100.0), Way(cost=1.0, needs=(1,))))
    other = IndexTerm(size_bytes=0, is_there=True)
    problem = Problem(indexes=(IndexTerm(size_bytes=1), other), statements=(statement, needed), updates=(updates,))
    assert solve(problem, gap=0.0).chosen == (1,)
    without = msgspec.structs.replace(problem, statements=(statement,))
    assert solve(without, gap=0.0).chosen == (0,)


@pytest.mark.parametrize("threads", [1, 2, 0])
def test_any_number_of_threads_gives_the_same_cost(threads: int) -> None:
    ways = (Way(cost=100.0), *(Way(cost=50.0 + at, needs=(at, (at + 1) % 7)) for at in range(6)))
    index = IndexTerm(size_bytes=100, upkeep=3.0)
    problem = Problem(indexes=(index,) * 7, statements=(StatementWays(ways=ways),) * 3, budget_bytes=200)
    assert solve(problem, gap=0.0, threads=threads).cost == pytest.approx(156.0)
