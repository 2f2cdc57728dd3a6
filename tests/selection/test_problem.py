"""What a choice costs and whether it is allowed; and that a reduced problem says the same."""

import msgspec
import pytest
from hypothesis import given, settings

from pgadvisor.selection.milp import solve
from pgadvisor.selection.problem import Choice, IndexTerm, Problem, StatementWays, Updates, Way, cost_of, is_allowed
from pgadvisor.selection.reduction import least_cost, reduced, relaxed
from tests.selection.make_problem import choices, problems

TWO = (IndexTerm(size_bytes=100, upkeep=3.0, price=0.5), IndexTerm(size_bytes=0, upkeep=2.0, price=0.5, is_there=True))


@settings(max_examples=100, deadline=None)
@given(problems())
def test_a_reduced_problem_costs_the_same_for_all_that_is_allowed(problem: Problem) -> None:
    small, loose = reduced(problem), relaxed(problem)
    for chosen in choices(problem):
        if is_allowed(loose, chosen):
            cost = cost_of(problem, chosen)
            assert cost_of(small, chosen) == pytest.approx(cost, rel=1e-9, abs=1e-9)
            assert least_cost(small) <= cost * (1 + 1e-9)


def test_reads_go_the_cheapest_way_whose_indexes_are_there() -> None:
    statement = StatementWays(ways=(Way(cost=10.0), Way(cost=4.0, needs=(0,)), Way(cost=1.0, needs=(0, 1))))
    problem = Problem(indexes=(IndexTerm(size_bytes=1), IndexTerm(size_bytes=1)), statements=(statement,))
    costs = [cost_of(problem, frozenset(chosen)) for chosen in ((), (0,), (1,), (0, 1))]
    assert costs == [10.0, 4.0, 10.0, 1.0]


def test_a_limit_goes_by_what_the_way_that_is_gone_is_feared_to_cost() -> None:
    ways = (Way(cost=10.0), Way(cost=4.0, needs=(0,), feared=12.0), Way(cost=3.0, needs=(0, 1), feared=5.0))
    problem = Problem(indexes=(IndexTerm(size_bytes=1),) * 2, statements=(StatementWays(ways=ways, most=11.0),))
    assert [is_allowed(problem, frozenset(chosen)) for chosen in ((), (0,), (1,), (0, 1))] == [True, False, True, True]
    assert solve(problem).chosen == (0, 1)
    assert solve(msgspec.structs.replace(problem, most_new=1)).chosen == ()


def test_upkeep_is_of_what_is_there_and_the_price_of_what_changes() -> None:
    problem = Problem(indexes=TWO, statements=())
    costs = [cost_of(problem, frozenset(chosen)) for chosen in ((), (0,), (1,), (0, 1))]
    assert costs == [0.5, 4.0, 2.0, 5.5]


def test_updates_write_entries_once_an_index_breaks_them() -> None:
    updates = Updates(broken_by=(0,), lost=7.0, entries=((0, 2.0), (1, 30.0)))
    problem = Problem(indexes=(IndexTerm(size_bytes=0), IndexTerm(size_bytes=0)), statements=(), updates=(updates,))
    costs = [cost_of(problem, frozenset(chosen)) for chosen in ((), (0,), (1,), (0, 1))]
    assert costs == [0.0, 9.0, 0.0, 39.0]


def test_the_budget_binds_new_indexes_only() -> None:
    assert is_allowed(Problem(indexes=TWO, statements=(), budget_bytes=100), frozenset({0, 1}))
    assert not is_allowed(Problem(indexes=TWO, statements=(), budget_bytes=99), frozenset({0}))
    assert not is_allowed(Problem(indexes=TWO, statements=(), most_new=0), frozenset({0}))


def test_groups_and_limits_bind() -> None:
    limited = StatementWays(ways=(Way(cost=9.0), Way(cost=2.0, needs=(1,))), most=3.0)
    assert not is_allowed(Problem(indexes=TWO, statements=(limited,)), frozenset())
    assert is_allowed(Problem(indexes=TWO, statements=(limited,)), frozenset({1}))
    assert not is_allowed(Problem(indexes=TWO, statements=(), one_of=((0, 1),)), frozenset())


def test_the_gap_is_a_share_of_the_cost() -> None:
    assert Choice(chosen=(), cost=10.0, bound=9.0, is_best=False).gap == pytest.approx(0.1)
    assert Choice(chosen=(), cost=0.0, bound=0.0, is_best=True).gap == 0.0
