"""What a trial over several draws comes to: dear draws count for what they cost, and nobody may pay for the others."""

import pytest

from pgadvisor.advise.trial_outcome import Outcome, outcome_of
from pgadvisor.model.whatif import Answer
from pgadvisor.parameters.draws import Draw


def outcome(*draws: tuple[float, float, float], used: bool = True) -> Outcome:
    """Of (weight, cost before, cost after) of each draw."""
    made = [Draw(text="SELECT", weight=weight, label="typical") for weight, _, _ in draws]
    after = [Answer(cost=cost, indexes_used=("public.tried",) if used else ()) for _, _, cost in draws]
    return outcome_of(made, [Answer(cost=cost) for _, cost, _ in draws], after)


def test_a_dear_draw_counts_for_what_it_costs() -> None:
    found = outcome((0.9, 10, 1), (0.1, 10_000, 10_000))
    assert 1 - found.ratio == pytest.approx(0.008, abs=0.0005)
    assert not found.holds
    assert found.refusal.startswith("it helps 90% of the calls, by the weight of their values, and saves 0.8%: ")


def test_what_makes_some_values_dear_does_not_hold() -> None:
    found = outcome((0.85, 10, 5), (0.15, 10, 100_000))
    assert not found.holds
    assert found.refusal.startswith("it makes 15% of the calls dearer, by the weight of their values: ")
    cheap = outcome((0.85, 1_000, 10), (0.15, 10, 12))
    assert not cheap.holds


def test_a_draw_that_costs_the_same_is_not_against_it() -> None:
    found = outcome((0.75, 10, 10), (0.25, 1e6, 10))
    assert found.holds and found.holds_for_most
    assert found.remarks == ("it helps 25% of the calls, by the weight of their values; others cost the same",)
    assert outcome((0.75, 100, 101.9), (0.25, 1e6, 10)).holds_for_most


def test_slightly_dearer_calls_are_told() -> None:
    found = outcome((0.75, 100, 105), (0.25, 1e6, 10))
    assert found.holds and not found.holds_for_most
    assert found.remarks == ("it makes 75% of the calls slightly dearer, by the weight of their values",)


def test_the_median_is_that_of_the_calls() -> None:
    found = outcome((0.9, 100, 1), (0.05, 10, 10), (0.05, 10, 10.5))
    assert found.median == pytest.approx(0.01)
    assert found.told == (
        "cost 100 → 1.0 (1%); over 3 draws of its values 1% to 105%, in the median 1%, all calls together 2.1%"
    )


def test_what_helps_all_calls_needs_no_remark() -> None:
    found = outcome((0.5, 100, 1), (0.5, 200, 2))
    assert found.holds and found.remarks == ()
    assert found.spread == "over 2 draws of its values the same"


def test_what_is_not_used_does_not_hold() -> None:
    found = outcome((1.0, 100, 1), used=False)
    assert not found.holds and found.refusal == "the planner does not use it"
    assert found.spread is None
