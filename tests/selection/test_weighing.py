"""Statements weighed: tables, calls, time, and what they write."""

from typing import Any

import pytest

from pgadvisor.example import table
from pgadvisor.selection.weighing import REFUSED, Weighed, topmost, weigh
from pgadvisor.selection.workload import Write
from tests.selection.make_advice import Case, facts_about, planner_of
from tests.selection.make_planner import drawn

T, U = "public.t", "public.u"
TABLES = (table("t", columns={"a": "bigint", "b": "bigint"}), table("u", columns={"c": "bigint"}))


def weighed_of(*cases: Case, refused: tuple[str, ...] = (), undrawn: tuple[str, ...] = (), **example: Any) -> Weighed:
    facts = facts_about(TABLES, cases, **example)
    draws = [drawn(str(at), case.text) for at, case in enumerate(cases, start=1) if case.text not in undrawn]
    return weigh(facts, draws, planner_of(facts, cases, refused=refused))


def test_calls_and_time_are_those_of_a_day() -> None:
    found = weighed_of(Case("SELECT a FROM t", {T: {(): 1.0}}, calls=7, mean_ms=3.0))
    (one,) = found.statements
    assert found.unit == "ms" and (one.calls, one.ms, one.tables) == (7.0 / 30, 21.0 / 30, {T})
    assert one.write is None and one.is_sure


def test_without_times_costs_are_weighed() -> None:
    found = weighed_of(Case("SELECT a FROM t", {T: {(): 1.0}}, calls=7))
    assert found.unit == "cost" and found.statements[0].ms is None


def test_tables_that_only_the_plan_shows_count_as_read() -> None:
    (one,) = weighed_of(Case("SELECT a FROM t", {T: {(): 1.0}, U: {(): 1.0}})).statements
    assert one.tables == {T, U}


@pytest.mark.parametrize(
    ("text", "write"),
    [
        ("INSERT INTO t (a) VALUES (1)", Write(kind="insert", table=T)),
        ("INSERT INTO t (id, a) VALUES (1, 2) ON CONFLICT (id) DO UPDATE SET a = 3",
         Write(kind="insert", table=T, columns=frozenset({"a"}))),
        ("UPDATE t SET a = 1, b = 2 WHERE id = 3", Write(kind="update", table=T, columns=frozenset({"a", "b"}))),
        ("DELETE FROM t WHERE id = 3", Write(kind="delete", table=T)),
        ("WITH gone AS (DELETE FROM t WHERE id = 3 RETURNING a) SELECT a FROM gone", Write(kind="delete", table=T)),
        ("SELECT a FROM t FOR UPDATE", None),
    ],
)  # fmt: skip
def test_what_is_written(text: str, write: Write | None) -> None:
    (one,) = weighed_of(Case(text, {T: {(): 1.0}}, calls=10), rows=10).statements
    assert one.write == write


def test_the_rows_of_a_write_are_those_counted() -> None:
    (one,) = weighed_of(Case("DELETE FROM t WHERE a = 1", {T: {(): 1.0}}, calls=10), rows=50).statements
    assert one.write is not None and one.write.rows == 5.0


def test_what_cannot_be_weighed_says_why() -> None:
    first, other = Case("SELECT a FROM t", {T: {(): 1.0}}), Case("SELECT c FROM u", {U: {(): 1.0}})
    assert weighed_of(first, other, refused=(other.text,)).left_out == (("2", REFUSED),)
    assert weighed_of(first, other, undrawn=(other.text,)).left_out == (
        ("2", "so little time is spent in it that it was not planned"),
    )


def test_a_partition_counts_as_its_topmost_parent() -> None:
    parts = (
        table("p", partition_key="RANGE (a)"), table("p_1", partition_of="p", partition_key="LIST (b)"),
        table("p_1_1", partition_of="p_1"),
    )  # fmt: skip
    facts = facts_about(parts, [Case("SELECT 1", {})])
    assert [topmost(facts, name) for name in ("public.p_1_1", "public.p", "public.gone", None)] == [
        "public.p", "public.p", None, None,
    ]  # fmt: skip
