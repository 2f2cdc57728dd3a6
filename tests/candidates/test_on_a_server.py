"""Every candidate, and every neighbour of one, is an index that PostgreSQL makes."""

import psycopg
import pytest

from pgadvisor.candidates.candidate import Candidate
from pgadvisor.candidates.neighbours import neighbours
from pgadvisor.candidates.proposed import candidates_of
from pgadvisor.sql.identifiers import quoted
from tests.candidates.make_workload import COLUMNS, WORKLOAD, facts_for
from tests.fix_servers import Server, create_database, drop_database


def all_candidates() -> list[Candidate]:
    """Of the whole workload, with their neighbours."""
    facts = facts_for(*WORKLOAD)
    found = [each for candidates in candidates_of(facts, facts.queries).values() for each in candidates]
    near = (each for one in found for each in neighbours(facts, one, facts.queries.values()))
    return list(dict.fromkeys([*found, *near]))


def create_all(dsn: str) -> int:
    """Makes each of them, those apart whose extension is not there; how many were made."""
    columns = ", ".join(f"{quoted(name)} {kind}" for name, kind in COLUMNS.items())
    made = 0
    with psycopg.connect(dsn, autocommit=True) as connection:
        for name in ("t", "u"):
            connection.execute(f"CREATE TABLE {name} ({columns}, PRIMARY KEY (id))")
        there = {row[0] for row in connection.execute("SELECT name FROM pg_available_extensions")}
        if "pg_trgm" in there:
            connection.execute("CREATE EXTENSION pg_trgm")
        for number, each in enumerate(all_candidates()):
            if each.extension and each.extension not in there:
                continue
            try:
                connection.execute(each.named(f"i{number}").definition)
            except psycopg.Error as error:
                pytest.fail(f"{each.spelled}: {error}")
            connection.execute(f"DROP INDEX i{number}")
            made += 1
    return made


def test_candidates_can_be_created(database: str) -> None:
    assert create_all(database) > 300


def test_candidates_of_extensions_can_be_created(debian15: Server) -> None:
    dsn = create_database(debian15, "candidates")
    try:
        assert create_all(dsn) == len(all_candidates())
    finally:
        drop_database(debian15, dsn)
