"""A choice as it is told: without what is not worth its place, each index with what it does beside the others."""

from collections.abc import Sequence
from typing import NamedTuple

import pytest

from pgadvisor.candidates.candidate import Candidate
from pgadvisor.example import table
from pgadvisor.model.advice import IndexAdvice
from pgadvisor.model.catalog import Table
from pgadvisor.selection.effects import Effects
from pgadvisor.selection.matrix import Matrix
from pgadvisor.selection.problem import Choice
from pgadvisor.selection.telling import Telling
from pgadvisor.selection.terms import Terms
from pgadvisor.selection.weighing import weigh
from pgadvisor.selection.wishes import Wishes
from tests.selection.make_advice import Case, facts_about, planner_of
from tests.selection.make_planner import drawn
from tests.selection.make_writes import candidate, changed

T = "public.t"
COLUMNS = {"a": "bigint", "b": "bigint", "n": "bigint"}
BARE = table("t", columns=COLUMNS)
WITH_A = changed(table("t", columns=COLUMNS, indexes={"t_a": "a"}), {"t_a": {"scans": 0, "size_bytes": 81_920}})
BY_A = Case("SELECT id FROM t WHERE a = 1", {T: {(): 1000.0, ("a",): 10.0}})
BY_B = Case("SELECT id FROM t WHERE b = 1", {T: {(): 1000.0, ("b",): 999.999}})


class Told(NamedTuple):
    """Advice, and the names of what was chosen for it."""

    advice: IndexAdvice

    @property
    def created(self) -> list[str]:
        return sorted(each.definition.partition(" ON ")[2] for each in self.advice.create)

    @property
    def dropped(self) -> list[str]:
        return [each.name for each in self.advice.drop]


def told(
    t: Table, cases: Sequence[Case], new: Sequence[Candidate], *, stays: bool = False, is_cut: bool = False
) -> Told:
    """A choice of all these candidates, and of today's indexes too if `stays`."""
    facts = facts_about([t], cases)
    planner = planner_of(facts, cases)
    wishes = Wishes(workload_is_given=True)
    found = weigh(facts, [drawn(str(at), case.text) for at, case in enumerate(cases, start=1)], planner)
    matrix = Matrix(planner, found.statements)
    terms = Terms(facts, matrix, found.unit, wishes)
    numbers = {item.number for item in matrix.add_candidates(new)} | (matrix.today if stays else frozenset())
    effects = Effects(matrix, [each.calls for each in found.statements], terms.upkeep())
    telling = Telling(facts, planner, matrix, terms, effects, wishes, is_cut=is_cut)
    chosen = tuple(sorted(telling.worth_it(frozenset(numbers))))
    return Told(telling.advice(found, Choice(chosen=chosen, cost=1.0, bound=0.9, is_best=True), ()))


def test_what_saves_next_to_nothing_is_left_out() -> None:
    found = told(BARE, [BY_A, BY_B], [candidate("t", "a"), candidate("t", "b"), candidate("t", "n")])
    assert found.created == ["public.t (a)"]


def test_of_two_that_do_the_same_one_is_left() -> None:
    found = told(BARE, [BY_A], [candidate("t", "a"), candidate("t", "a", "b")])
    assert len(found.created) == 1 and found.advice.after == 1000.0


def test_where_a_new_index_that_goes_took_the_place_of_another_that_one_stays() -> None:
    found = told(WITH_A, [BY_A], [candidate("t", "a", "b")])
    assert (found.created, found.dropped) == ([], [])
    assert found.advice.after == found.advice.before == 1000.0


def test_it_stays_also_where_writes_would_gain_by_its_drop_but_a_statement_gets_too_dear() -> None:
    writes = Case("UPDATE t SET a = 1 WHERE id = 2", {T: {(): 1000.0, ("id",): 1.0}}, calls=1_000_000)
    found = told(WITH_A, [BY_A, writes], [candidate("t", "a", "b")])
    assert (found.created, found.dropped) == ([], [])


def test_an_index_is_told_with_what_it_saves_beside_the_others() -> None:
    both = Case("SELECT id FROM t WHERE a = 1 OR b = 1", {T: {(): 1000.0, ("a",): 600.0, ("b",): 500.0}})
    found = told(BARE, [BY_A, both], [candidate("t", "a"), candidate("t", "b")])
    gains = {each.definition.partition(" ON ")[2]: each.gain for each in found.advice.create}
    assert gains == {"public.t (a)": 99_000.0, "public.t (b)": 10_000.0}
    without = {"public.t (a)": 100 * 1000.0 + 100 * 500.0, "public.t (b)": 100 * 10.0 + 100 * 600.0}
    assert gains == {key: pytest.approx(cost - found.advice.after) for key, cost in without.items()}
    first = next(each for each in found.advice.create if each.definition.endswith("(a)"))
    assert [each.statement for each in first.helps] == ["1"] and not first.hurts
    assert first.comparison is not None and first.comparison.after.root.children[0].index == first.name


def test_an_index_that_makes_a_write_dearer_says_so() -> None:
    write = Case("INSERT INTO t (id, a) VALUES (1, 2)", {T: {(): 1.0}}, calls=10_000)
    found = told(BARE, [BY_A, write], [candidate("t", "a")])
    (index,) = found.advice.create
    assert index.upkeep > 0 and [each.statement for each in index.hurts] == ["2"]
    assert index.gain == pytest.approx(99_000.0 - index.upkeep)


def test_the_bound_and_the_gap_are_those_of_what_is_told() -> None:
    advice = told(BARE, [BY_A], [candidate("t", "a")]).advice
    assert advice.gap == pytest.approx(0.1) and advice.bound == pytest.approx(advice.after * 0.9)


def test_a_search_cut_short_is_doubted() -> None:
    assert any("time was up" in each for each in told(BARE, [BY_A], [candidate("t", "a")], is_cut=True).advice.doubts)
    assert not any("time was up" in each for each in told(BARE, [BY_A], [candidate("t", "a")]).advice.doubts)


TWO = changed(table("t", columns=COLUMNS, indexes={"t_a": "a"}), {"t_a": {"scans": 0, "size_bytes": 81_920}})
EITHER = Case("SELECT id FROM t WHERE a = 1 AND b = 1", {T: {(): 1000.0, ("a",): 50.0, ("b",): 10.0, ("n", "a"): 9.0}})


def test_an_index_in_use_stays_where_only_an_estimate_replaces_it_and_writes_gain_little() -> None:
    some = Case("INSERT INTO t (id, a) VALUES (1, 2)", {T: {(): 1.0}}, calls=100)
    found = told(TWO, [EITHER, some], [candidate("t", "b")])
    assert (found.created, found.dropped) == (["public.t (b)"], [])
    many = some._replace(calls=100_000)
    assert told(TWO, [EITHER, many], [candidate("t", "b")]).dropped == ["public.t_a"]


def test_it_goes_where_another_with_its_key_serves_all_that_it_served() -> None:
    found = told(TWO, [EITHER], [candidate("t", "n", "a")])
    assert (found.created, found.dropped) == (["public.t (n, a)"], ["public.t_a"])


def test_of_a_search_cut_short_it_is_not_said_that_nothing_helps() -> None:
    assert (told(BARE, [BY_A], [], is_cut=True).advice.nothing_because or "").startswith("The time was up (60 seconds)")
    assert "time was up" not in (told(BARE, [BY_A], []).advice.nothing_because or "")
