"""The workload: what of pg_stat_statements becomes statements, what is only counted, and what is left out."""

from collections.abc import Iterator

import psycopg
import pytest

from pgadvisor.collect.session import MARK
from pgadvisor.collect.statements import _COUNTERS, _statement, is_planned
from pgadvisor.model.snapshot import Snapshot
from pgadvisor.model.workload import Statement
from tests.collect.fix_collect import collected, execute
from tests.fix_servers import Server, create_database, drop_database


@pytest.fixture
def counted(empty: str) -> Iterator[str]:
    """A database with pg_stat_statements in a schema of its own with an odd name, its counters reset."""
    execute(empty, 'CREATE SCHEMA "Stat: s"', 'CREATE EXTENSION pg_stat_statements SCHEMA "Stat: s"')
    execute(empty, "CREATE TABLE orders (id bigint, note text)", 'SELECT "Stat: s".pg_stat_statements_reset()')
    yield empty


def find(snapshot: Snapshot, part: str) -> Statement:
    """The one statement whose text holds that part."""
    (found,) = [each for each in snapshot.statements if part in each.text]
    return found


def test_statements_have_their_counters(counted: str) -> None:
    execute(counted, "INSERT INTO orders SELECT i, 'note' FROM generate_series(1, 1000) AS i")
    execute(counted, *(f"SELECT note FROM orders WHERE id < {number}" for number in (11, 21, 31)))
    snapshot = collected(counted)
    statement = find(snapshot, "SELECT note FROM orders")
    assert statement.text == "SELECT note FROM orders WHERE id < $1"
    assert (statement.calls, statement.rows, statement.rows_per_call) == (3, 60, 20)
    assert statement.key == str(statement.queryid) and len(statement.fingerprint) == 16
    assert statement.total_ms is not None and statement.mean_ms == pytest.approx(statement.total_ms / 3)
    assert statement.min_ms is not None and statement.mean_ms is not None and statement.max_ms is not None
    assert 0 < statement.min_ms <= statement.mean_ms <= statement.max_ms
    assert statement.stddev_ms is not None and statement.stddev_ms <= statement.max_ms - statement.min_ms
    assert statement.shared_hit_blocks is not None and statement.shared_hit_blocks >= 3
    assert find(snapshot, "INSERT INTO orders").wal_bytes
    assert [each.total_ms for each in snapshot.statements] == sorted(
        (each.total_ms for each in snapshot.statements), key=lambda ms: -(ms or 0)
    )
    is_new = snapshot.server is not None and snapshot.server.version_num >= 170_000
    assert (statement.since is not None) == is_new
    assert snapshot.totals is not None and snapshot.totals.since is not None and snapshot.totals.evicted is not None


def test_users_are_summed(counted: str) -> None:
    execute(counted, "CREATE ROLE other", "GRANT SELECT ON orders TO other")
    execute(counted, "SELECT count(*) FROM orders", "SET ROLE other", "SELECT count(*) FROM orders", "RESET ROLE")
    assert find(collected(counted), "SELECT count(*) FROM orders").calls == 2
    execute(counted, "DROP OWNED BY other", "DROP ROLE other")


def test_own_statements_are_left_out_and_their_time_is_kept(counted: str) -> None:
    for _ in range(2):
        snapshot = collected(counted)
    texts = [each.text for each in snapshot.statements]
    assert not any(MARK in text or "pg_catalog" in text or "set_config" in text for text in texts)
    assert snapshot.totals is not None and snapshot.totals.own_ms > 0
    assert all("pg_stat_statements_reset" in text for text in texts)


def test_utility_statements_are_counted_only(counted: str) -> None:
    execute(
        counted, "VACUUM orders", "SET work_mem = '5MB'", "/* why */ CREATE INDEX ON orders (id)", "BEGIN", "CALL p()"
    )
    snapshot = collected(counted)
    assert [each.text for each in snapshot.statements if "stat_statements" not in each.text] == []
    assert snapshot.totals is not None and snapshot.totals.utility_ms > 0
    assert snapshot.totals.total_ms >= snapshot.totals.utility_ms + snapshot.totals.own_ms


@pytest.fixture(autouse=True)
def _procedure(request: pytest.FixtureRequest) -> None:
    if "counted" in request.fixturenames:
        execute(request.getfixturevalue("counted"), "CREATE PROCEDURE p() LANGUAGE sql AS ''")


def test_other_databases_are_left_out(counted: str, either: Server) -> None:
    elsewhere = create_database(either, "elsewhere")
    execute(elsewhere, "SELECT 1 AS elsewhere")
    execute(counted, "SELECT 1 AS here")
    drop_database(either, elsewhere)
    texts = {each.text for each in collected(counted).statements}
    assert "SELECT $1 AS here" in texts and "SELECT $1 AS elsewhere" not in texts


def test_tags_are_read_and_cut_off(counted: str) -> None:
    execute(counted, "SELECT 5 AS shown /*controller='orders',route='%2Forders'*/")
    statement = find(collected(counted), "AS shown")
    assert statement.tags == (("controller", "orders"), ("route", "/orders"))
    assert statement.text.rstrip() == "SELECT $1 AS shown" and not statement.is_truncated


def test_no_constant_survives(counted: str) -> None:
    with psycopg.connect(counted, autocommit=True) as connection:
        connection.execute("SET pg_stat_statements.track = 'all'")
        connection.execute("DO $$ BEGIN PERFORM note FROM orders WHERE note = 'secret-1'; END $$")
        connection.execute("SELECT note FROM orders WHERE note IN ('secret-2', 'secret-3') LIMIT 7")
    snapshot = collected(counted)
    assert find(snapshot, "SELECT note FROM orders WHERE note IN")
    assert not any("secret" in each.text for each in snapshot.statements)


@pytest.mark.parametrize(
    ("text", "is_truncated"),
    [
        ("SELECT note FROM orders WHERE id IN ($1, $2", True),
        ("SELECT note FROM orders WHERE note = 'secr", True),
        ("SELECT note FROM orders WHERE", True),
        ("SELECT note FROM orders WHERE id = $1", False),
        ("SELECT interval $1, date $2", False),
    ],
)
def test_a_cut_text_is_marked(text: str, is_truncated: bool) -> None:
    row: dict[str, object] = {**dict.fromkeys(_COUNTERS), "queryid": 1, "text": text, "calls": 0, "total_ms": 0.0}
    statement = _statement(row)
    assert statement.is_truncated == is_truncated and "secr" not in statement.text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SELECT 1", True),
        ("  -- why\n /* and how */ (select 1)", True),
        ("WITH a AS (SELECT 1) DELETE FROM b", True),
        ("VALUES (1)", True),
        ("TABLE orders", True),
        ("MERGE INTO a USING b ON true WHEN MATCHED THEN DELETE", True),
        ("EXPLAIN SELECT 1", False),
        ("DECLARE c CURSOR FOR SELECT 1", False),
        ("COPY orders TO STDOUT", False),
        ("REFRESH MATERIALIZED VIEW m", False),
        ("", False),
    ],
)
def test_what_the_planner_plans(text: str, expected: bool) -> None:
    assert is_planned(text) == expected
