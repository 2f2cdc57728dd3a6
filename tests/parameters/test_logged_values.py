"""Values that a real server logged stand first among the draws: those that really come, however rare their rows are."""

import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import psycopg
import pytest

from pgadvisor.collect.collector import collect
from pgadvisor.collect.session import open_session
from pgadvisor.errors import EmbeddedServerError
from pgadvisor.logs.reading import read_logs
from pgadvisor.logs.tally import Options
from pgadvisor.model.snapshot import Snapshot
from pgadvisor.parameters.draws import DrawnStatement
from pgadvisor.planner.embedded import EmbeddedServer
from pgadvisor.planner.twin_statements import draw_statements, preparing
from tests.fix_row_planner import RowPlanner

SETTINGS = {
    "logging_collector": "on", "log_directory": "logs", "log_filename": "server.log", "log_destination": "stderr",
    "log_line_prefix": "%m [%p] %q%u@%d/%a ", "log_min_duration_statement": "0",
}  # fmt: skip
SCHEMA = """
CREATE EXTENSION pg_stat_statements;
CREATE TABLE jobs (id int PRIMARY KEY, status text NOT NULL, owner int, note jsonb);
INSERT INTO jobs
    SELECT n, CASE WHEN n % 50 = 0 THEN 'open' ELSE 'done' END, n % 7, '{}' FROM generate_series(1, 5000) n;
ANALYZE jobs (id, status, owner);
SELECT pg_stat_statements_reset();
"""
BY_STATUS = "SELECT id FROM jobs WHERE status = %s ORDER BY id LIMIT 5"
BY_OWNER = "SELECT id FROM jobs WHERE owner IS NOT DISTINCT FROM %s"
BY_NOTE = "SELECT id FROM jobs WHERE note @> %s"


class Shop(msgspec.Struct):
    """A server that has logged, what was read of it without its log and with it, and the draws of both."""

    snapshot: Snapshot
    without: tuple[DrawnStatement, ...]
    drawn: tuple[DrawnStatement, ...]

    def draws(self, words: str, *, logged: bool = True) -> list[tuple[str, str, float]]:
        """Label, text and weight of each draw of the statement in which those words are."""
        key = next(each.key for each in self.snapshot.statements if words in each.text)
        found = next(each for each in (self.drawn if logged else self.without) if each.statement == key)
        return [(draw.label, draw.text, draw.weight) for draw in found.draws]


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    try:
        server = EmbeddedServer(settings=SETTINGS, preload=("pg_stat_statements",))
    except EmbeddedServerError as error:
        pytest.skip(str(error))
    with server, psycopg.connect(server.dsn(), autocommit=True) as connection:
        connection.execute(SCHEMA)
        for at in range(12):
            connection.execute(BY_STATUS, ("open",))
            if at < 4:
                connection.execute(BY_OWNER, (None if at % 2 else 3,))
            connection.execute(BY_NOTE, ('{"urgent": true}',))
        connection.execute("SELECT 'all is logged'")
        file = server.data_directory / "logs" / "server.log"
        _await(file, b"all is logged")
        with open_session(server.dsn()) as session:
            snapshot = collect(session)
        logs = read_logs([str(file)], options=Options(keep_values=True))
        told = msgspec.structs.replace(snapshot, logs=logs)
        prepare, planner = preparing(connection), RowPlanner(connection)
        yield Shop(told, draw_statements(prepare, planner, snapshot), draw_statements(prepare, planner, told))


def _await(file: Path, words: bytes) -> None:
    """The collector writes a little after the server has answered."""
    until = time.monotonic() + 30
    while words not in file.read_bytes() and time.monotonic() < until:
        time.sleep(0.02)


def test_the_value_that_comes_is_drawn_though_few_rows_have_it(shop: Shop) -> None:
    label, text, _ = shop.draws("status =", logged=False)[0]
    assert label == "typical" and "'done'" in text, "statistics alone take the value of nearly all rows"
    label, text, weight = shop.draws("status =")[0]
    assert label == "logged" and "'open'" in text
    assert "LIMIT '5'" in text, "a constant of the text is no parameter of the call: it comes from the rows per call"
    assert 0.7 < weight < 1.0, "a few calls of a log are not all calls"


def test_a_logged_null_is_null(shop: Shop) -> None:
    logged = [text for label, text, _ in shop.draws("owner IS NOT") if label == "logged"]
    assert sorted(text.split()[-1] for text in logged) == ["'3'", "NULL"]


def test_what_no_statistics_tell_the_log_does(shop: Shop) -> None:
    assert [label for label, _, _ in shop.draws("note @>", logged=False)] == ["typical"]
    ((label, text, weight),) = shop.draws("note @>")
    assert label == "logged" and "'{\"urgent\": true}'" in text and weight == pytest.approx(1.0)
    assert all(not each.unknown for each in shop.drawn if each.draws and each.draws[0].label == "logged")
