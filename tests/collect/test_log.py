"""What the server logs of a collection: everything is marked, and nothing but reading."""

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from pgadvisor.collect.session import MARK
from pgadvisor.planner.embedded import EmbeddedServer
from tests.collect.fix_collect import collected, execute
from tests.fix_servers import make_reader

DEBIAN15 = Path("/usr/lib/postgresql/15/bin")
SETTINGS = {
    "logging_collector": "on",
    "log_destination": "jsonlog",
    "log_directory": "log",
    "log_filename": "server",
    "log_statement": "all",
}
ALLOWED = re.compile(r"(SELECT|WITH|BEGIN|COMMIT|ROLLBACK)\b")


@pytest.fixture(scope="module", params=["embedded", "debian15"])
def logging(request: pytest.FixtureRequest) -> Iterator[EmbeddedServer]:
    """A server that logs every statement."""
    if request.param == "debian15" and not (DEBIAN15 / "postgres").exists():
        pytest.skip("needs Debian's PostgreSQL 15")
    binaries = DEBIAN15 if request.param == "debian15" else None
    with EmbeddedServer(binaries, settings=SETTINGS, preload=("pg_stat_statements",)) as running:
        yield running


def logged(server: EmbeddedServer) -> list[str]:
    """The statements that sessions named pgadvisor sent."""
    lines = (server.data_directory / "log" / "server.json").read_text("utf-8").splitlines()
    entries = [json.loads(line) for line in lines]
    messages = [entry["message"] for entry in entries if entry.get("application_name") == "pgadvisor"]
    found = (re.match(r"(?:statement|execute [^:]*): (.*)", message, re.DOTALL) for message in messages)
    return [match[1] for match in found if match]


def test_all_that_is_sent_is_marked_and_reads(logging: EmbeddedServer) -> None:
    execute(logging.dsn(), "CREATE EXTENSION pg_stat_statements", "CREATE TABLE t (id bigint PRIMARY KEY)", "ANALYZE")
    seen: list[str] = []
    with psycopg.connect(logging.dsn(), autocommit=True) as connection:
        before = connection.execute("SELECT pg_current_xact_id()::text::bigint").fetchone()
        snapshot = collected(make_reader(logging.dsn()), on_sql=seen.append)
        after = connection.execute("SELECT pg_current_xact_id()::text::bigint").fetchone()
    assert snapshot.gaps == () and len(snapshot.tables) == 1
    assert before is not None and after is not None
    roles_made = 3
    assert after[0] - before[0] <= 1 + roles_made, "collecting takes no transaction number"
    deadline = time.monotonic() + 120
    while len(sent := logged(logging)) < len(seen) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert len(sent) > 40 and sent == seen
    for text in sent:
        for statement in re.split(r";\s*", text):
            assert MARK in statement and ALLOWED.match(statement)
