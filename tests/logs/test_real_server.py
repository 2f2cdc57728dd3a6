"""Logs that a real server wrote, in its three forms: each run is counted once, as pg_stat_statements counts it."""

import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from threading import Thread

import psycopg
import pytest

from pgadvisor.errors import EmbeddedServerError
from pgadvisor.logs.reading import read_logs
from pgadvisor.model.log import Logs
from pgadvisor.planner.embedded import EmbeddedServer
from pgadvisor.sql.fingerprint import fingerprint

SETTINGS = {
    "logging_collector": "on", "log_directory": "logs", "log_filename": "server.log",
    "log_destination": "stderr,csvlog,jsonlog", "log_line_prefix": "%m [%p] %q%u@%d/%a ",
    "log_min_duration_statement": "0", "log_temp_files": "0", "auto_explain.log_min_duration": "0",
    "log_lock_waits": "on", "deadlock_timeout": "10ms",
    "auto_explain.log_analyze": "on", "auto_explain.log_format": "json", "auto_explain.log_nested_statements": "on",
}  # fmt: skip
FUNCTION = """CREATE FUNCTION twice(n int) RETURNS bigint LANGUAGE plpgsql AS
    'BEGIN RETURN (SELECT sum(a) FROM numbers WHERE a < n); END'"""


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, dict[str, int]]]:
    """A folder with the logs, and the calls that the server counted."""
    folder = tmp_path_factory.mktemp("logs")
    try:
        server = EmbeddedServer(settings=SETTINGS, preload=("pg_stat_statements", "auto_explain"))
    except EmbeddedServerError as error:
        pytest.skip(str(error))
    with server, psycopg.connect(server.dsn(), autocommit=True) as connection:
        connection.execute("CREATE EXTENSION pg_stat_statements")
        connection.execute("CREATE TABLE numbers AS SELECT a FROM generate_series(1, 1000) a")
        connection.execute(FUNCTION)
        connection.execute("SELECT pg_stat_statements_reset()")
        _run_workload(connection)
        _wait_for_a_lock(connection, server.dsn())
        rows = connection.execute("SELECT query, calls FROM pg_stat_statements").fetchall()
        logs = server.data_directory / "logs"
        _await(logs / "server.json", b"FROM pg_stat_statements")
        for file in logs.iterdir():
            (folder / file.name).write_bytes(file.read_bytes())
    yield folder, {fingerprint(text): calls for text, calls in rows}


def _run_workload(connection: psycopg.Connection) -> None:
    """Simple, extended and prepared; nested; spilling; an error; several lines."""
    simple = psycopg.ClientCursor(connection)
    for at in range(20):
        simple.execute("SELECT count(*)\n\tFROM numbers WHERE a > %s", (at,))
        connection.execute("SELECT a FROM numbers WHERE a = %s", (at,))
        connection.execute("SELECT max(a) FROM numbers WHERE a < %s", (at,), prepare=True)
        simple.execute("SELECT twice(%s)", (at,))
        with connection.transaction():
            connection.execute("UPDATE numbers SET a = a WHERE a = %s", (at,))
    simple.execute("SET work_mem = '64kB'")
    simple.execute("SELECT a, repeat('x', 200) FROM numbers ORDER BY 2, 1")
    with pytest.raises(psycopg.Error):
        simple.execute("SELECT 'secret'::int")


def _wait_for_a_lock(connection: psycopg.Connection, dsn: str) -> None:
    """A tagged transaction waits for another one's lock, for longer than deadlock_timeout."""
    waiting = "SELECT 1 FROM pg_locks WHERE relation = 'numbers'::regclass AND NOT granted AND waitstart < now() - %s"
    with psycopg.connect(dsn, autocommit=True) as holder, psycopg.connect(dsn, autocommit=True) as waiter:
        holder.execute("BEGIN; LOCK TABLE numbers")
        waiter.execute("BEGIN")
        thread = Thread(target=waiter.execute, args=("LOCK TABLE numbers /*route='/stock',http_method='PUT'*/",))
        thread.start()
        until = time.monotonic() + 30
        while not connection.execute(waiting, (timedelta(milliseconds=40),)).fetchall() and time.monotonic() < until:
            time.sleep(0.01)
        holder.execute("COMMIT")
        thread.join()
        waiter.execute("COMMIT")


def _await(file: Path, words: bytes) -> None:
    """The collector writes a little after the server has answered."""
    until = time.monotonic() + 30
    while words not in file.read_bytes() and time.monotonic() < until:
        time.sleep(0.02)


@pytest.mark.parametrize("ending", ["log", "csv", "json"])
def test_runs_are_those_that_the_server_counted(written: tuple[Path, dict[str, int]], ending: str) -> None:
    folder, counted = written
    logs = read_logs([str(folder / f"server.{ending}")])
    told = {each.key: each for each in logs.statements}
    planned = ("SELECT count", "SELECT a FROM", "SELECT max", "SELECT twice", "UPDATE numbers")
    seen = [each for each in logs.statements if each.text.startswith(planned)]
    assert [(each.text, each.runs) for each in seen] == [(each.text, counted[each.key]) for each in seen]
    assert {each.runs for each in seen} == {20} and len(seen) == 5
    assert all(each.timed == 20 and 4 <= len(each.plans) <= 6 for each in seen)
    nested = next(each for each in logs.statements if each.nested)
    assert (nested.runs, nested.nested) == (20, 20) and "sum(a)" in nested.text
    assert {event.kind for event in logs.events} >= {"error", "temporary file"}
    assert "secret" not in str(logs) and told.keys() >= {each.key for each in seen}
    _assert_read_whole(logs)
    stock = next(each for each in logs.endpoints if each.name == "PUT /stock")
    assert stock.requests == 1 and 40 <= stock.lock_wait_ms <= stock.database_ms.total


def test_the_forms_tell_the_same_figures(written: tuple[Path, dict[str, int]]) -> None:
    folder, _ = written
    told = [read_logs([str(folder / f"server.{ending}")]) for ending in ("log", "csv", "json")]
    figures = [
        {each.key: (each.runs, each.nested, each.duration_ms, each.errors) for each in logs.statements} for logs in told
    ]
    assert figures[0] == figures[1] == figures[2]
    assert [logs.endpoints for logs in told[1:]] == [told[2].endpoints] * 2


def _assert_read_whole(logs: Logs) -> None:
    """Nothing is left over but rows of another form, which a collector writes while it begins."""
    assert all(each.reason == "line that begins no record" and each.count < 5 for each in logs.not_read)
