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


@settings(max_examples=400, deadline=None)
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
