"""Why an index was chosen or not: a verdict for every case, with the figures behind it."""

from typing import Any

import msgspec
import pytest

from pgadvisor.example import foreign_key, table
from pgadvisor.model.advice import WhyNot
from tests.selection.make_advice import Case, advised
from tests.selection.make_writes import changed

T = "public.t"
COLUMNS = {"a": "bigint", "b": "bigint", "n": "bigint"}
BY_A = Case("SELECT id FROM t WHERE a = 1", {T: {(): 1000.0, ("a",): 10.0}})
BY_A_B = Case("SELECT id FROM t WHERE a = 1 AND b = 1", {T: {(): 1000.0, ("a",): 10.0, ("a", "b"): 9.0, ("b",): 400.0}})
BY_N = Case("SELECT id FROM t WHERE n = 1", {T: {(): 1000.0, ("n",): 900.0}}, calls=1)
WRITES_N = Case("UPDATE t SET n = 1 WHERE id = 2", {T: {(): 1000.0, ("id",): 1.0}}, calls=1_000_000)


def ask(text: str, *cases: Case, t: Any = None, **wishes: Any) -> WhyNot:
    (answer,) = advised([t or table("t", columns=COLUMNS), table("u")], cases, why=(text,), **wishes).why
    return answer


def index_on(keys: str) -> str:
    return f"CREATE INDEX asked ON public.t ({keys})"


def test_part_of_the_advice() -> None:
    answer = ask(index_on("a"), BY_A)
    assert answer.is_chosen and answer.verdict == "It is part of the advice."
    assert answer.gain_alone == answer.gain_beside == 99_000.0
    assert [(each.statement, each.ratio) for each in answer.alone] == [("1", pytest.approx(0.01))]
    assert answer.size_bytes == 81_920


def test_never_used() -> None:
    answer = ask(index_on("b, n"), BY_A)
    assert not answer.is_chosen and answer.verdict == "No plan of the workload uses it."
    assert answer.gain_alone == 0.0 and not answer.alone and not answer.dominated_by


def test_larger_than_the_budget() -> None:
    answer = ask(index_on("a"), BY_A, budget_bytes=1000)
    assert answer.verdict == "It alone is larger than the budget."


def test_upkeep_costs_more() -> None:
    answer = ask(index_on("n"), BY_N, WRITES_N)
    assert answer.verdict == "Its upkeep costs the writes more than it saves."
    assert answer.upkeep > 0 > answer.gain_alone


def test_another_does_the_work() -> None:
    answer = ask(index_on("b"), BY_A_B)
    assert answer.verdict.startswith("It would help, but beside the advice it saves nothing more: ")
    assert answer.dominated_by and answer.dominated_by[0].startswith("public.t_a")
    assert answer.gain_alone > 0 >= answer.gain_beside


def test_within_the_budget_others_save_more() -> None:
    other = Case("SELECT id FROM t WHERE b = 1", {T: {(): 1000.0, ("b",): 900.0}})
    answer = ask(index_on("b"), BY_A, other, budget_bytes=100_000)
    assert answer.verdict == "It would help, but within the budget other indexes save more for their size."


def test_not_more_than_so_many_indexes() -> None:
    other = Case("SELECT id FROM t WHERE b = 1", {T: {(): 1000.0, ("b",): 900.0}})
    answer = ask(index_on("b"), BY_A, other, most_new=1)
    assert not answer.is_chosen and answer.gain_beside > 0


def test_already_there() -> None:
    there = table("t", columns={**COLUMNS, "c": "text"}, indexes={"t_a": "a", "t_c": "c"})
    assert ask(index_on("a"), BY_A, t=there).verdict == "t_a is the same index, and is there: ask about it."
    assert ask(index_on("c text_ops"), BY_A, t=there).verdict == "t_c is the same index, and is there: ask about it."
    other = (index_on('c COLLATE "C"'), index_on("c text_pattern_ops"), index_on("a").replace("INDEX", "UNIQUE INDEX"))
    assert not [each for each in other if "is there" in ask(each, BY_A, t=there).verdict]
    unique = table("t", columns=COLUMNS, indexes={"t_a": "UNIQUE a"})
    assert ask(index_on("a"), BY_A, t=unique).verdict == "t_a is the same index, and is there: ask about it."


def test_names_may_hold_dots() -> None:
    t = msgspec.structs.replace(table("t", columns=COLUMNS), schema="a.b")
    t = msgspec.structs.replace(t, indexes=tuple(msgspec.structs.replace(each, schema="a.b") for each in t.indexes))
    case = Case('SELECT id FROM "a.b".t WHERE a = 1 AND b = 1', {"a.b.t": dict(BY_A_B.tables[T])})
    answer = ask('CREATE INDEX asked ON "a.b".t (b)', case, t=t)
    assert "saves nothing more: t_a" in answer.verdict


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("CREATE INDEX asked ON public.nowhere (a)", "there is no table public.nowhere"),
        ("CREATE INDEX asked ON public.t USING bloom (a)", "access method bloom is not known"),
        ("public.no_such_index", "there is no index public.no_such_index on a table that the workload reads"),
    ],
)
def test_what_cannot_be_tried_is_said(text: str, error: str) -> None:
    answer = ask(text, BY_A)
    assert (answer.verdict, answer.error) == ("It cannot be tried.", error)


class TestOfAnIndexThatIsThere:
    """What taking it away would change."""

    def test_used(self) -> None:
        answer = ask("public.t_a", BY_A, t=table("t", columns=COLUMNS, indexes={"t_a": "a"}))
        assert answer.is_chosen and answer.verdict == "It stays: 1 statement of the workload uses it."
        assert answer.is_there
        assert answer.gain_beside == 99_000.0
        assert [(each.statement, each.ratio) for each in answer.beside] == [("1", pytest.approx(100.0))]

    def test_dropped(self) -> None:
        t = table("t", columns=COLUMNS, indexes={"t_n": "n"})
        answer = ask("public.t_n", BY_A, WRITES_N, t=changed(t, {"t_n": {"scans": 0}}))
        assert not answer.is_chosen
        assert answer.verdict == "The advice drops it: without it the workload costs no more."
        assert answer.gain_beside < 0

    def test_fixed(self) -> None:
        answer = ask("public.t_pkey", BY_A)
        assert (
            answer.is_chosen and answer.is_there and answer.verdict == "It stays, whatever it serves: the primary key."
        )
        assert (answer.gain_alone, answer.gain_beside, answer.error) == (None, None, None)

    def test_scanned_by_others(self) -> None:
        t = changed(table("t", columns=COLUMNS, indexes={"t_n": "n"}), {"t_n": {"scans": 9}})
        answer = ask("public.t_n", BY_A, WRITES_N, t=t)
        assert answer.is_chosen and "9 scans that no statement of the workload explains" in answer.verdict

    def test_needed_by_a_foreign_key(self) -> None:
        t = table("t", columns=COLUMNS, indexes={"t_n": "n"}, constraints=(foreign_key("n", "u"),))
        answer = ask("public.t_n", BY_A, WRITES_N, t=changed(t, {"t_n": {"scans": 0}}))
        assert answer.is_chosen
