"""The matrix of costs: planned where asked, derived where that is sure, and never asked twice."""

from collections.abc import Sequence
from itertools import chain, combinations

import msgspec
import pytest
from hypothesis import given, settings

from pgadvisor.model.catalog import Index
from pgadvisor.model.whatif import NOTHING, Answer, Configuration, HypotheticalIndex, IndexSize
from pgadvisor.selection.matrix import NO_INDEX, Matrix
from pgadvisor.selection.workload import WeighedText
from tests.selection.make_planner import Costs, TablePlanner, weighed
from tests.selection.make_search import THERE, Instance, instances, searched, shape
from tests.selection.make_writes import candidate

TABLE = "public.t"
COSTS = {
    "one": Costs(tables={TABLE: {(): 100.0, ("a",): 10.0, ("b",): 50.0}}),
    "other": Costs(tables={TABLE: {(): 100.0, ("b",): 20.0}}),
    "elsewhere": Costs(tables={"public.u": {(): 7.0}}),
}


def matrix_of(planner: TablePlanner) -> Matrix:
    return Matrix(planner, [weighed(text, *costs.tables) for text, costs in planner.costs_of.items()])


@settings(max_examples=60, deadline=None)
@given(instances())
def test_what_is_said_to_be_known_is_what_the_planner_says(instance: Instance) -> None:
    matrix = searched(instance).matrix
    numbers = [item.number for item in matrix.items]
    for chosen in map(frozenset, chain.from_iterable(combinations(numbers, size) for size in range(len(numbers) + 1))):
        items = [matrix.items[number] for number in sorted(chosen)]
        present = {item.name: THERE if item.candidate is None else shape(item.candidate) for item in items}
        for at, statement in enumerate(matrix.statements):
            true = instance.planner.cost(statement.key, present)[0]
            if (known := matrix.known(at, chosen)) is not None:
                assert known.cost == pytest.approx(true)
            assert matrix.cost(at, chosen) >= true - 1e-9


def test_a_plan_is_not_asked_for_twice_nor_where_it_follows() -> None:
    planner = TablePlanner(COSTS)
    matrix = matrix_of(planner)
    a, b, c = (item.number for item in matrix.add_candidates([candidate("t", key) for key in "abc"]))
    matrix.explore((at, frozenset({a, b, c})) for at in (0, 1, 2))
    assert matrix.plans == 3
    matrix.explore(
        [(0, frozenset({a, c})), (0, frozenset({a})), (1, frozenset({b})), (2, frozenset({a})), (2, NO_INDEX)]
    )
    assert matrix.plans == 3
    matrix.explore([(0, frozenset({b, c}))])
    assert matrix.plans == 4
    assert [matrix.cost(0, each) for each in (frozenset({a, b}), frozenset({b}), frozenset({c}))] == [
        10.0, 50.0, float("inf"),
    ]  # fmt: skip
    assert matrix.used(0, frozenset({a, b})) == {a}


def test_draws_are_weighed_and_all_of_them_count() -> None:
    draws = (WeighedText(text="one", weight=0.75), WeighedText(text="other", weight=0.25))
    matrix = Matrix(TablePlanner(COSTS), [msgspec.structs.replace(weighed("x", TABLE), texts=draws)])
    b = matrix.add_candidates([candidate("t", "b")])[0].number
    matrix.explore([(0, frozenset({b}))])
    assert matrix.cost(0, frozenset({b})) == 0.75 * 50.0 + 0.25 * 20.0


def test_an_existing_index_is_hidden_where_it_is_not_chosen() -> None:
    planner = TablePlanner(COSTS, {"public.there": (TABLE, ("a",)), "public.fixed": ("public.u", ("x",))})
    matrix = matrix_of(planner)
    there = matrix.add_existing(TABLE, Index(schema="public", name="there", definition="")).number
    matrix.explore([(0, NO_INDEX), (0, matrix.today), (2, NO_INDEX)])
    assert (matrix.cost(0, NO_INDEX), matrix.cost(0, matrix.today)) == (100.0, 10.0)
    assert matrix.today == {there} and matrix.used(0, matrix.today) == {there}
    assert all(configuration.hide == () for text, configuration in planner.asked if text == "elsewhere")


def test_the_parts_of_a_partitioned_index_count_as_the_index() -> None:
    """Plans name the partitions' indexes, and a what-if hides them with that of the whole."""
    planner = PartedPlanner(COSTS, {"public.whole": (TABLE, ("a",))})
    matrix = matrix_of(planner)
    part = Index(schema="public", name="part", definition="", partition_of="public.whole")
    whole = matrix.add_existing(TABLE, Index(schema="public", name="whole", definition=""), (part,)).number
    matrix.explore([(0, frozenset({whole}))])
    assert matrix.used(0, frozenset({whole})) == {whole} and matrix.known(0, NO_INDEX) is None
    matrix.explore([(0, NO_INDEX)])
    assert (matrix.cost(0, frozenset({whole})), matrix.cost(0, NO_INDEX)) == (10.0, 100.0)
    assert not matrix.users_of_others


class PartedPlanner(TablePlanner):
    """`public.whole` is an index of a partitioned table: plans show that of its one partition."""

    def plan_all(self, texts: Sequence[str], configuration: Configuration = NOTHING) -> list[Answer]:
        found = super().plan_all(texts, configuration)
        shown = {"public.whole": "public.part"}
        return [
            msgspec.structs.replace(each, indexes_used=tuple(shown.get(name, name) for name in each.indexes_used))
            for each in found
        ]


def test_an_index_beside_the_choices_is_remembered_with_its_users() -> None:
    planner = TablePlanner(COSTS, {"public.pkey": (TABLE, ("a",))})
    matrix = matrix_of(planner)
    matrix.explore((at, NO_INDEX) for at in range(3))
    assert matrix.users_of_others == {"public.pkey": {0}}
    assert matrix.used(0, NO_INDEX) == NO_INDEX


def test_what_cannot_be_made_is_no_choice() -> None:
    class Refusing(TablePlanner):
        def size(self, index: HypotheticalIndex) -> IndexSize:
            return IndexSize(error="no such type") if "(a)" in index.definition else super().size(index)

    matrix = matrix_of(Refusing(COSTS))
    found = matrix.add_candidates([candidate("t", "a"), candidate("t", "b"), candidate("t", "b")])
    assert [item.candidate for item in found] == [candidate("t", "b")]
    assert matrix.number_of(candidate("t", "a")) is None and matrix.number_of(candidate("t", "b")) == 0
    assert matrix.add_candidates([candidate("t", "a"), candidate("t", "b")]) == []


def test_a_statement_that_is_refused_from_the_start_is_left_alone() -> None:
    planner = TablePlanner(COSTS, refused=["one"])
    matrix = matrix_of(planner)
    matrix.explore((at, NO_INDEX) for at in range(3))
    asked = len(planner.asked)
    matrix.explore([(0, NO_INDEX)])
    assert matrix.failed == {0} and len(planner.asked) == asked


def test_it_stops_when_the_time_is_up() -> None:
    matrix = matrix_of(TablePlanner(COSTS))
    matrix.explore([(0, NO_INDEX)], is_over=lambda: True)
    assert matrix.plans == 0 and matrix.known(0, NO_INDEX) is None
