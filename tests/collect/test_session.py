"""The door to the server: what goes through it, under which limits, and how it fails."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable

import psycopg
import pytest
from psycopg import sql

from pgadvisor.collect.session import MARK, StatementError, marked, open_session
from pgadvisor.errors import ServerError
from tests.fix_servers import Server


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SELECT 1", f"SELECT {MARK} 1"),
        ("-- What it gives.\n/* more */ WITH a AS (SELECT 1) SELECT 2", f"WITH {MARK} a AS (SELECT 1) SELECT 2"),
        ("(select 1)", f"(select {MARK} 1)"),
        (f"SELECT {MARK} 1", f"SELECT {MARK} 1"),
        ("EXPLAIN (COSTS OFF) SELECT 'it''s'", f"EXPLAIN {MARK} (COSTS OFF) SELECT 'it''s'"),
    ],
)
def test_the_mark_stands_after_the_first_word(text: str, expected: str) -> None:
    assert marked(text) == expected


def test_rows_are_dicts_and_parameters_are_numbered(either: Server) -> None:
    with open_session(either.dsn()) as session:
        assert session.rows("SELECT $1::int + 1 AS a, $2::text[] AS b", (41, ["x", "y"])) == [
            {"a": 42, "b": ["x", "y"]}
        ]
        assert session.rows(sql.SQL("SELECT {} AS a").format(sql.Literal("it's"))) == [{"a": "it's"}]
        assert session.rows("SELECT '{\"a\": [1]}'::json AS j, '100%' AS p") == [{"j": {"a": [1]}, "p": "100%"}]
        assert (session.version_num, session.database, session.role) == (either.version_num, "postgres", "postgres")
        assert not session.is_standby and not session.is_pooled


def test_statements_without_result_give_no_rows(either: Server) -> None:
    with open_session(either.dsn()) as session, session.transaction(roll_back=True):
        assert session.rows("PREPARE p AS SELECT $1::int") == []
        assert session.rows("EXECUTE p(3)") == [{"int4": 3}]
        assert session.rows("DEALLOCATE p") == []


def test_each_transaction_is_read_only_and_limited(either: Server) -> None:
    shown = "SELECT current_setting('transaction_read_only') || ' ' || current_setting('statement_timeout') || ' '" \
        " || current_setting('lock_timeout') || ' ' || current_setting('application_name') || ' '" \
        " || current_setting('search_path') AS s"  # fmt: skip
    with open_session(either.dsn(), statement_timeout_ms=1234, lock_timeout_ms=77) as session:
        assert session.rows(shown)[0]["s"] == "on 1234ms 77ms pgadvisor pg_catalog"
        with session.transaction({"statement_timeout": "5s", "search_path": '"$user", public'}):
            assert session.rows(shown)[0]["s"] == 'on 5s 77ms pgadvisor "$user", public'
        assert session.rows(shown)[0]["s"] == "on 1234ms 77ms pgadvisor pg_catalog"


@pytest.mark.parametrize(
    ("text", "sqlstate"),
    [
        ("CREATE TABLE trace (id int)", "25006"),
        ("SELECT 1; SELECT 2", "42601"),
        ("SELECT 1; COMMIT; CREATE TABLE trace (id int)", "42601"),
        ("SELECT nothing", "42703"),
        ("SET TRANSACTION READ WRITE", "25001"),
    ],
)
def test_what_must_not_go_through_is_refused(either: Server, text: str, sqlstate: str) -> None:
    with open_session(either.dsn()) as session:
        with pytest.raises(StatementError) as caught:
            session.rows(text)
        assert caught.value.sqlstate == sqlstate
        assert session.rows("SELECT to_regclass('public.trace') AS t") == [{"t": None}], "the session goes on"


def test_timeouts_are_told_as_such(either: Server) -> None:
    with open_session(either.dsn(), statement_timeout_ms=300) as session:
        with pytest.raises(StatementError) as caught:
            session.rows("SELECT pg_sleep(20)")
        assert caught.value.is_timeout and caught.value.reason == "it took longer than statement_timeout"


def test_the_simple_protocol_gives_the_same_rows(server: Server) -> None:
    with open_session(server.dsn()) as session, session.transaction(roll_back=True):
        rows = session.simple_rows("SELECT relname FROM pg_class WHERE relname = 'pg_class'")
        assert rows == [{"relname": "pg_class"}]


@pytest.mark.pg(">= 16")
def test_a_generic_plan_is_read(server: Server) -> None:
    with open_session(server.dsn()) as session, session.transaction(roll_back=True):
        (row,) = session.simple_rows("EXPLAIN (GENERIC_PLAN, FORMAT JSON) SELECT 1 FROM pg_class WHERE oid = $1")
        assert row["QUERY PLAN"][0]["Plan"]["Node Type"].startswith("Index")


def test_what_cannot_be_read_into_python_is_no_lost_connection(either: Server) -> None:
    with open_session(either.dsn()) as session:
        with pytest.raises(StatementError, match="timestamp too large"):
            session.rows("SELECT 'infinity'::timestamptz AS t")
        assert session.rows("SELECT 1 AS a") == [{"a": 1}]


def test_every_statement_is_shown_with_its_mark(either: Server) -> None:
    seen: list[str] = []
    with open_session(either.dsn(), on_sql=seen.append) as session:
        session.rows("SELECT 1")
        with pytest.raises(StatementError):
            session.rows("SELECT nothing")
    assert all(MARK in text for text in seen)
    assert [text.split()[0] for text in seen[-6:]] == ["BEGIN", "SELECT", "COMMIT", "BEGIN", "SELECT", "ROLLBACK"]


def test_text_in_no_encoding_is_read(server: Server) -> None:
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        connection.execute("CREATE DATABASE plain TEMPLATE template0 ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C'")
    try:
        with psycopg.connect(server.dsn("plain"), autocommit=True) as connection:
            connection.execute(b"CREATE TABLE t (caf\xe9 text DEFAULT 'na\xefve')")
        with open_session(server.dsn("plain")) as session:
            rows = session.rows(
                "SELECT attname AS name, pg_get_expr(adbin, adrelid) AS value FROM pg_attrdef"
                " JOIN pg_attribute ON attrelid = adrelid AND attnum = adnum"
            )
            found = session.rows("EXPLAIN (FORMAT JSON) SELECT convert_from('\\xe9', 'SQL_ASCII') FROM public.t")
        assert rows == [{"name": "caf�", "value": "'na�ve'::text"}]
        assert found[0]["QUERY PLAN"][0]["Plan"]["Relation Name"] == "t"
    finally:
        with psycopg.connect(server.dsn(), autocommit=True) as connection:
            connection.execute("DROP DATABASE plain")
            connection.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
            connection.execute("SELECT pg_stat_statements_reset()")  # its texts could not be read from any database


def test_a_lost_connection_is_one_sentence(either: Server) -> None:
    with open_session(either.dsn()) as session:
        pid = session.rows("SELECT pg_backend_pid() AS pid")[0]["pid"]
        with psycopg.connect(either.dsn(), autocommit=True) as connection:
            connection.execute("SELECT pg_terminate_backend(%s)", (pid,))
        with pytest.raises(ServerError, match="connection to the server was lost midway") as caught:
            session.rows("SELECT 1")
    assert not isinstance(caught.value, StatementError)


def test_ctrl_c_ends_the_query_on_the_server(either: Server) -> None:
    program = (
        "import sys\nfrom pgadvisor.collect.session import open_session\n"
        "with open_session(sys.argv[1], statement_timeout_ms=0) as session:\n    print('ready', flush=True)\n"
        "    session.rows('SELECT pg_sleep(900), 4711 AS number')\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program, either.dsn()], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None and process.stdout.readline() == "ready\n"
    active = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%4711%' AND pid <> pg_backend_pid()"
    with psycopg.connect(either.dsn(), autocommit=True) as connection:
        assert _becomes(connection, active, 1)
        os.kill(process.pid, signal.SIGINT)
        _, errors = process.communicate(timeout=600)  # the query itself would take longer
        assert "KeyboardInterrupt" in errors
        assert _becomes(connection, active, 0)


def _becomes(connection: psycopg.Connection[tuple[int]], query: str, expected: int) -> bool:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if connection.execute(query.encode()).fetchone() == (expected,):
            return True
        time.sleep(0.05)
    return False


def test_a_pooler_is_noticed_and_the_limits_hold_behind_it(
    server: Server, database: str, pooler: Callable[[str], str]
) -> None:
    name = psycopg.conninfo.conninfo_to_dict(database)["dbname"]
    with open_session(pooler(str(name)), statement_timeout_ms=777) as session:
        assert session.is_pooled
        assert session.rows("SELECT current_setting('statement_timeout') AS s") == [{"s": "777ms"}]
        with pytest.raises(StatementError):
            session.rows("CREATE TABLE trace (id int)")
    with pytest.raises(ServerError, match="PgBouncer's own console"):
        open_session(pooler("pgbouncer"))
