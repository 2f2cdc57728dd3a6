"""Greedy keeps every constraint, is never better than the best, and no single step makes it better."""

from hypothesis import given, settings

from pgadvisor.selection.greedy import greedy
from pgadvisor.selection.problem import IndexTerm, Problem, StatementWays, Updates, Way, cost_of, is_allowed
from pgadvisor.selection.reduction import relaxed, today
from tests.selection.make_problem import best_cost, problems


@settings(max_examples=150, deadline=None)
@given(problems())
def test_it_keeps_all_constraints_and_its_bound_holds(problem: Problem) -> None:
    choice, loose = greedy(problem), relaxed(problem)
    assert choice.cost == cost_of(problem, frozenset(choice.chosen))
    best = best_cost(loose)
    if is_allowed(loose, today(problem)):
        assert best is not None
        assert is_allowed(loose, frozenset(choice.chosen))
        assert choice.bound * (1 - 1e-9) <= best <= choice.cost * (1 + 1e-9)
        assert choice.cost <= cost_of(problem, today(problem)) * (1 + 1e-9)


@settings(max_examples=60, deadline=None)
@given(problems())
def test_no_single_index_more_or_less_is_better(problem: Problem) -> None:
    choice, loose = greedy(problem), relaxed(problem)
    chosen = frozenset(choice.chosen)
    for at in range(len(problem.indexes)):
        if is_allowed(loose, chosen ^ {at}):
            assert cost_of(problem, chosen ^ {at}) >= choice.cost * (1 - 1e-9)


@settings(max_examples=60, deadline=None)
@given(problems())
def test_it_is_the_same_every_time(problem: Problem) -> None:
    assert greedy(problem) == greedy(problem)


def test_two_indexes_that_help_only_together_are_found() -> None:
    statement = StatementWays(ways=(Way(cost=100.0), Way(cost=99.0, needs=(0,)), Way(cost=1.0, needs=(0, 1))))
    index = IndexTerm(size_bytes=8192, upkeep=5.0)
    assert greedy(Problem(indexes=(index, index), statements=(statement,))).chosen == (0, 1)


def test_one_index_gives_way_to_another_that_has_no_room_beside_it() -> None:
    small, large = IndexTerm(size_bytes=8192), IndexTerm(size_bytes=90 * 8192)
    statements = (
        StatementWays(ways=(Way(cost=100.0), Way(cost=50.0, needs=(0,)))),
        StatementWays(ways=(Way(cost=1000.0), Way(cost=10.0, needs=(1,)))),
    )
    problem = Problem(indexes=(small, large), statements=statements, budget_bytes=90 * 8192)
    assert greedy(problem).chosen == (1,)


def test_hot_comes_back_only_when_all_that_break_it_go() -> None:
    blocking = IndexTerm(size_bytes=0, is_there=True, price=1.0)
    updates = Updates(broken_by=(0, 1), lost=1000.0)
    assert greedy(Problem(indexes=(blocking, blocking), statements=(), updates=(updates,))).chosen == ()
