"""The whole search, on planners made of tables of costs: as good as trying all, and within every limit."""

from hypothesis import given, settings
from hypothesis import strategies as st

from pgadvisor.selection.search import GAP
from tests.selection.make_planner import Costs, Keys
from tests.selection.make_search import (
    THERE,
    Instance,
    Searched,
    best_cost,
    instances,
    is_allowed,
    searched,
    shape,
    true_cost,
)

SLACK = 1e-6


def chosen_in(found: Searched, budget: int | None) -> frozenset[tuple[str, Keys]]:
    """The choice by shapes."""
    items = (found.matrix.items[number] for number in found.choices[budget].chosen)
    return frozenset(THERE if item.candidate is None else shape(item.candidate) for item in items)


@settings(max_examples=150, deadline=None)
@given(instances())
def test_it_is_as_good_as_trying_all_and_keeps_every_limit(instance: Instance) -> None:
    found = searched(instance)
    choice, chosen = found.choices[instance.budget], chosen_in(found, instance.budget)
    best = best_cost(instance, instance.budget)
    assert is_allowed(instance, chosen, instance.budget)
    assert choice.cost == true_cost(instance, chosen) or abs(choice.cost - true_cost(instance, chosen)) < 1e-6
    assert choice.cost <= best / (1.0 - GAP) * (1 + SLACK) + 1e-9
    assert choice.bound <= best * (1 + SLACK) + 1e-9


@settings(max_examples=60, deadline=None)
@given(instances(), st.lists(st.integers(0, 40).map(lambda pages: pages * 8192), min_size=2, max_size=4))
def test_more_room_never_costs_more(instance: Instance, budgets: list[int]) -> None:
    found = searched(instance, *sorted(budgets), None)
    costs = [found.choices[budget].cost for budget in (*sorted(budgets), None)]
    assert costs == sorted(costs, reverse=True)
    for budget in budgets:
        assert is_allowed(instance, chosen_in(found, budget), budget)


@settings(max_examples=60, deadline=None)
@given(instances())
def test_every_new_index_is_used_by_a_plan(instance: Instance) -> None:
    found = searched(instance)
    matrix, chosen = found.matrix, frozenset(found.choices[instance.budget].chosen)
    used = frozenset().union(*(matrix.used(at, chosen) for at in range(len(matrix.statements))))
    assert chosen - matrix.today <= used


@settings(max_examples=30, deadline=None)
@given(instances())
def test_the_same_workload_gives_the_same_choice(instance: Instance) -> None:
    assert searched(instance).choices == searched(instance).choices


@settings(max_examples=30, deadline=None)
@given(instances())
def test_without_time_a_choice_within_the_limits_is_still_given(instance: Instance) -> None:
    found = searched(instance, left_s=-1.0)
    choice, chosen = found.choices[instance.budget], chosen_in(found, instance.budget)
    assert is_allowed(instance, chosen, instance.budget)
    assert true_cost(instance, chosen) <= choice.cost + 1e-6
    assert choice.bound <= choice.cost


def test_two_indexes_that_help_only_together_are_found() -> None:
    pair = (("public.t", ("a",)), ("public.u", ("b",)))
    costs = Costs(
        tables={"public.t": {(): 500.0, ("c",): 499.0}, "public.u": {(): 500.0, ("c",): 499.0}},
        joins=((frozenset(pair), 1.0),),
    )
    instance = Instance(
        costs={"join": costs}, calls={"join": 1.0}, has_index=False, budget=None, most_new=None,
        candidates=(*pair, ("public.t", ("c",)), ("public.u", ("c",))), sizes=dict.fromkeys([*pair, THERE], 8192),
        upkeep={**dict.fromkeys(pair, 1.0), ("public.t", ("c",)): 5.0, ("public.u", ("c",)): 5.0, THERE: 0.0},
    )  # fmt: skip
    assert chosen_in(searched(instance), None) == frozenset(pair)
