"""A candidate from a CREATE INDEX that a person wrote is the candidate that the advice would make."""

import pytest

from pgadvisor.advise.examples import facts_of
from pgadvisor.candidates.candidate import Candidate
from pgadvisor.candidates.proposed import candidates_of
from pgadvisor.candidates.reading import read_candidate
from pgadvisor.example import Example, table
from pgadvisor.sql.parse import Unread
from tests.candidates.make_workload import WORKLOAD, facts_for

FACTS = facts_for(*WORKLOAD)


@pytest.mark.parametrize(
    "spelled",
    [
        "(a)",
        "(a, b DESC)",
        "(a DESC NULLS LAST, b NULLS FIRST)",
        '("Wide Name", "user")',
        "(lower(name))",
        "((data ->> 'k'))",
        "(name text_pattern_ops)",
        '(name COLLATE "C" text_pattern_ops DESC, lower(code) COLLATE "de-x-icu")',
        "(a) INCLUDE (b, name)",
        "(at) WHERE gone_at IS NULL",
        "USING gin (data jsonb_path_ops)",
        "USING gin (tags)",
        "USING hash (token)",
        "USING brin (at)",
    ],
)
def test_it_is_spelled_as_it_was_written(spelled: str) -> None:
    found = read_candidate(FACTS, f"CREATE INDEX x ON public.t {spelled}")
    assert isinstance(found, Candidate)
    assert found.spelled == spelled


def test_what_the_advice_makes_is_read_as_the_same_candidate() -> None:
    made = {each for candidates in candidates_of(FACTS, FACTS.queries).values() for each in candidates}
    for each in made:
        found = read_candidate(FACTS, each.named("x").definition)
        assert isinstance(found, Candidate)
        assert (found.table, found.method, found.included, found.predicate) == (
            each.table, each.method, each.included, each.predicate,
        )  # fmt: skip
        assert [
            (key.key, key.columns, key.is_descending, key.is_nulls_first, key.operator_class) for key in found.keys
        ] == [(key.key, key.columns, key.is_descending, key.is_nulls_first, key.operator_class) for key in each.keys]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("CREATE TABLE x (a int)", "it is not a CREATE INDEX"),
        ("CREATE INDEX x ON t (a)", "it does not say the table's schema"),
        ("CREATE INDEX x ON public.nowhere (a)", "there is no table public.nowhere"),
        ("CREATE INDEX x ON public.t USING bloom (a)", "access method bloom is not known"),
        ("CREATE INDEX x ON public.t (a) INCLUDE (lower(name))", "INCLUDE takes columns alone"),
    ],
)
def test_what_is_no_candidate_says_why(text: str, reason: str) -> None:
    assert read_candidate(FACTS, text) == Unread(reason=reason)


def test_what_is_no_sql_is_unread() -> None:
    assert isinstance(read_candidate(FACTS, "CREATE INDEX ((("), Unread)


def test_an_index_on_a_partition_is_asked_for_on_the_whole() -> None:
    visits = table("visits", columns={"a": "bigint"}, partition_key="RANGE (at)")
    part = table("visits_1", columns={"a": "bigint"}, partition_of="visits")
    facts = facts_of(Example(sql="SELECT 1", tables=(visits, part)))
    found = read_candidate(facts, "CREATE INDEX x ON public.visits_1 (a)")
    assert found == Unread(reason="public.visits_1 is a partition: ask about an index on public.visits")


def test_an_operator_class_is_read_by_its_bare_name_and_a_default_one_is_none() -> None:
    found = read_candidate(FACTS, "CREATE INDEX x ON public.t (b int8_ops, name public.gin_trgm_ops)")
    assert isinstance(found, Candidate)
    assert [key.operator_class for key in found.keys] == [None, "gin_trgm_ops"]


def test_a_unique_index_is_tried_as_one() -> None:
    found = read_candidate(FACTS, "CREATE UNIQUE INDEX x ON public.t (a)")
    assert isinstance(found, Candidate)
    assert found.named("y").definition == "CREATE UNIQUE INDEX y ON public.t (a)"
