"""More storage never costs more, and the knee is where a curve bends."""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from pgadvisor.selection.curve import curve, knee
from pgadvisor.selection.problem import Problem, is_allowed
from pgadvisor.selection.reduction import relaxed, today
from tests.selection.make_problem import problems

BUDGETS = (None, 0, 163840, 40960, 81920, 40960)


@settings(max_examples=40, deadline=None)
@given(problems())
def test_a_larger_budget_is_never_worse_and_bounds_hold_for_smaller_ones(problem: Problem) -> None:
    choices = curve(problem, BUDGETS)
    in_order = sorted(zip(BUDGETS, choices, strict=True), key=lambda pair: float("inf") if pair[0] is None else pair[0])
    loose = relaxed(problem)
    if not is_allowed(loose, today(problem)):
        return
    for (_, smaller), (_, larger) in pairwise(in_order):
        assert larger.cost <= smaller.cost
        assert larger.bound <= smaller.bound or smaller.bound == smaller.cost
    for budget, choice in in_order:
        new = [at for at in choice.chosen if not problem.indexes[at].is_there]
        assert budget is None or sum(problem.indexes[at].size_bytes for at in new) <= budget
        assert choice.bound <= choice.cost


def test_the_knee_of_a_bent_curve_is_its_bend() -> None:
    assert knee([(0, 100.0), (10, 20.0), (50, 15.0), (100, 10.0)]) == 1


def test_points_may_come_in_any_order() -> None:
    assert knee([(100, 10.0), (10, 20.0), (0, 100.0), (50, 15.0)]) == 1


def test_a_straight_line_has_no_knee() -> None:
    assert knee([(0, 100.0), (25, 75.0), (50, 50.0), (100, 0.0)]) is None


def test_neither_has_a_flat_one_or_one_of_two_points() -> None:
    assert knee([(0, 5.0), (10, 5.0), (20, 5.0)]) is None
    assert knee([(0, 5.0), (10, 1.0)]) is None
    assert knee([]) is None


@given(st.lists(st.tuples(st.integers(0, 10**12), st.floats(0, 1e12)), max_size=12))
def test_a_knee_is_one_of_the_points(points: list[tuple[float, float]]) -> None:
    at = knee(points)
    assert at is None or 0 <= at < len(points)
