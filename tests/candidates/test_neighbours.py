"""What stands around an index: one step in keys, order, INCLUDE, predicate or kind."""

import pytest

from pgadvisor.candidates.candidate import Candidate
from pgadvisor.candidates.neighbours import MOST, neighbours
from pgadvisor.candidates.proposed import candidates_of
from pgadvisor.facts import Facts
from pgadvisor.model.catalog import Table
from tests.candidates.make_workload import WORKLOAD, facts_for, spelled, table_t


def _one(facts: Facts, text: str) -> Candidate:
    """The candidate that is spelled so."""
    found = candidates_of(facts, facts.queries)
    return next(each for candidates in found.values() for each in candidates if each.spelled == text)


def around(statement: str, index: str, *others: str, tables: tuple[Table, ...] = ()) -> list[str]:
    """The neighbours of a candidate of that statement, among all the queries."""
    facts = facts_for(statement, *others, tables=tables)
    return [each.spelled for each in neighbours(facts, _one(facts, index), facts.queries.values())]


@pytest.mark.parametrize(
    ("statement", "index", "near"),
    [
        ("SELECT id FROM t WHERE b = $1", "(b)", "(b) INCLUDE (id)"),
        ("SELECT id FROM t WHERE b = $1", "(b) INCLUDE (id)", "(b)"),
        ("SELECT id FROM t WHERE b = $1", "(b) INCLUDE (id)", "(b, id)"),
        ("SELECT * FROM t WHERE b = $1 AND at > $2", "(b)", "(b, at)"),
        ("SELECT * FROM t WHERE b = $1 AND at > $2", "(b, at)", "(b)"),
        ("SELECT * FROM t WHERE b = $1 AND a = $2", "(a, b)", "(b, a)"),
        ("SELECT * FROM t WHERE b = $1 AND rare", "(b)", "(b) WHERE rare"),
        ("SELECT * FROM t WHERE b = $1 AND rare", "(b) WHERE rare", "(b)"),
        ("SELECT * FROM t WHERE kind = 'z' AND b = $1", "(kind, b)", "(b) WHERE kind = 'z'"),
        ("SELECT * FROM t WHERE data @> $1", "USING gin (data jsonb_path_ops)", "USING gin (data)"),
        ("SELECT * FROM t WHERE data @> $1 AND rare", "USING gin (data)", "USING gin (data) WHERE rare"),
        (
            "SELECT * FROM t WHERE name ILIKE '%abc%'",
            "USING gin (name gin_trgm_ops)",
            "USING gist (name gist_trgm_ops)",
        ),
        ("SELECT * FROM t WHERE token = $1", "USING hash (token)", "(token)"),
        ("SELECT * FROM t WHERE token = $1", "(token)", "USING hash (token)"),
        ("SELECT * FROM t WHERE at > $1", "USING brin (at)", "(at)"),
    ],
)
def test_near(statement: str, index: str, near: str) -> None:
    assert near in around(statement, index)


def test_other_queries_of_the_table_have_their_say() -> None:
    first = "SELECT * FROM t WHERE b = $1"
    assert "(b, at DESC)" in around(first, "(b)", "SELECT * FROM t WHERE b = $1 ORDER BY at DESC, id LIMIT 9")
    assert "(b) INCLUDE (a)" in around(first, "(b)", "SELECT a FROM t WHERE b = $1")
    assert not [each for each in around(first, "(b)", "SELECT a FROM u WHERE b = $1") if "INCLUDE" in each]


def test_what_is_there_is_no_neighbour() -> None:
    tables = (table_t(indexes={"t_b": "b"}), table_t("u"))
    assert "(b)" in spelled("SELECT * FROM t WHERE b = $1 AND at > $2")
    assert "(b)" not in around("SELECT * FROM t WHERE b = $1 AND at > $2", "(b, at)", tables=tables)


def test_every_candidate_has_few_neighbours_each_once_and_never_itself() -> None:
    facts = facts_for(*WORKLOAD)
    for candidates in candidates_of(facts, facts.queries).values():
        for each in candidates:
            found = neighbours(facts, each, facts.queries.values())
            assert each not in found
            assert len(found) == len(set(found)) <= MOST
            assert {near.table for near in found} <= {each.table}
            assert all(len(near.keys) <= 5 for near in found)


def test_no_key_is_settled_by_the_index_itself() -> None:
    found = around(
        "SELECT b FROM t WHERE b = $1 AND rare AND gone_at IS NULL ORDER BY at LIMIT 5", "(b, at) WHERE rare"
    )
    assert "(b, at) WHERE gone_at IS NULL AND rare" in found
    for each in found:
        keys, _, where = each.partition(" WHERE ")
        assert not [name for name in ("rare", "gone_at") if name in keys and name in where]
