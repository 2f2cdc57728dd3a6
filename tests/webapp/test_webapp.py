"""The web shop's log, written by a real server: each fault is found at its endpoint and line, once mended none."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from pgadvisor.errors import EmbeddedServerError
from pgadvisor.logs.reading import read_logs
from pgadvisor.model.log import LoggedEndpoint
from pgadvisor.planner.embedded import EmbeddedServer
from tests.cli.run import pgadvisor
from tests.webapp.drive import REQUESTS, SHOWN

HERE = Path(__file__).parent
SETTINGS = {
    "logging_collector": "on",
    "log_destination": "stderr,jsonlog",
    "log_directory": "log",
    "log_filename": "postgresql.log",
    "log_min_duration_statement": "0",
    "log_line_prefix": "%m [%p] %q%u@%d/%a ",
}


@pytest.fixture(scope="module")
def shop() -> Iterator[EmbeddedServer]:
    """A server of its own, for it logs everything."""
    try:
        running = EmbeddedServer(settings=SETTINGS, preload=("pg_stat_statements",))
    except EmbeddedServerError as error:
        pytest.skip(str(error))
    with running:
        for name in ("trace", "transaction"):
            with psycopg.connect(running.dsn(), autocommit=True) as connection:
                connection.execute(f"CREATE DATABASE {name}")
            with psycopg.connect(running.dsn(name), autocommit=True) as connection:
                connection.execute((HERE / "schema.sql").read_text(encoding="utf-8"))
                connection.execute("CREATE EXTENSION pg_stat_statements")
                connection.execute("SELECT pg_stat_statements_reset()")
        yield running


def logged(shop: EmbeddedServer, told_by: str, ending: str, folder: Path) -> Path:
    """What the log says of the pages of the shop in the database of that name, asked for just now."""
    log = shop.data_directory / "log" / f"postgresql.{ending}"
    before = log.stat().st_size
    done = subprocess.run([sys.executable, "-m", "tests.webapp.drive", shop.dsn(told_by), told_by], check=False,
                          capture_output=True, text=True, timeout=120, cwd=HERE.parent.parent,
                          env={**os.environ, "PYTHONWARNINGS": "ignore"})  # fmt: skip
    assert done.returncode == 0, done.stderr
    with psycopg.connect(shop.dsn(told_by), autocommit=True, application_name="psql") as connection:
        connection.execute("SELECT 'the last line'")
    while b"the last line" not in (written := log.read_bytes()[before:]):
        time.sleep(0.01)  # the server's collector writes a little later
    part = folder / f"{told_by}.{ending}"
    part.write_bytes(written)
    return part


def line_of(function: str, text: str) -> int:
    """The line within that function of the shop that has the text."""
    lines = (HERE / "views.py").read_text(encoding="utf-8").splitlines()
    start = next(at for at, line in enumerate(lines) if line.startswith(f"def {function}("))
    return next(at for at, line in enumerate(lines[start:], start + 1) if text in line)


@pytest.mark.parametrize(("told_by", "ending"), [("trace", "json"), ("transaction", "log")])
def test_faults_are_found_at_their_endpoint_and_line_and_the_mended_shop_is_silent(
    shop: EmbeddedServer, told_by: str, ending: str, tmp_path: Path
) -> None:
    log = logged(shop, told_by, ending, tmp_path)
    seen = {each.name: each for each in read_logs([str(log)], processes=1).endpoints}
    counts = {name: queries_of(each) for name, each in seen.items() if name.startswith("GET")}
    assert counts == {
        "GET /orders/": SHOWN + 1,
        "GET /accounts/{number}/": 3,
        "GET /search/": 1,
        "GET /mended/orders/": 1,
        "GET /mended/accounts/{number}/": 2,
        "GET /mended/search/": 1,
    }
    done = pgadvisor("endpoints", shop.dsn(told_by), "--log", log, "--planner", "none", "--format", "json", "--quiet")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    found = {(each["rule"], each["where"]["endpoint"]): each for each in report["findings"]}
    assert not [endpoint for _, endpoint in found if endpoint and "mended" in endpoint]
    loop = found["n-plus-one", "GET /orders/"]
    assert (loop["where"]["file"], loop["where"]["line"]) == ("views.py", line_of("orders", "customer.name"))
    assert "look up customer by id, once for each row of orders" in loop["message"]
    assert "= ANY ($1)" in loop["remedy"]["sql"]
    assert "select_related" in loop["remedy"]["text"]
    again = found["duplicate-query", "GET /accounts/{number}/"]
    assert again["where"]["file"] == "views.py"
    assert again["where"]["line"] in (line_of("_greeting", "get("), line_of("_spent", "get("))
    assert ("scan-discards-most-rows", "GET /search/") in found, [*found]


def queries_of(seen: LoggedEndpoint) -> float:
    """Queries of each request, all of which are alike."""
    assert seen.requests == REQUESTS
    assert seen.queries.least == seen.queries.most
    return seen.queries.most


def test_the_story_of_an_endpoint_fits_a_terminal_and_names_what_a_remedy_saves(
    shop: EmbeddedServer, tmp_path: Path
) -> None:
    log = logged(shop, "trace", "json", tmp_path)
    config = tmp_path / "pgadvisor.toml"
    config.write_text('[[endpoints]]\npattern = "GET /orders*"\nqueries = 5\n', encoding="utf-8")
    done = pgadvisor("endpoints", shop.dsn("trace"), "--log", log, "--planner", "none", "--endpoint", "GET /orders/",
                     "--config", config, "--fail-on", "error", "--quiet")  # fmt: skip
    assert done.returncode == 1, done.stderr
    for told in ("13 queries each", "views.py:12  12 × SELECT", "█", "of each request", "the budget is 5"):
        assert told in done.stdout, done.stdout
    assert max(map(len, done.stdout.splitlines())) < 400
    missing = pgadvisor("endpoints", shop.dsn("trace"), "--log", log, "--planner", "none", "--endpoint", "GET /nothing")
    assert missing.returncode == 2
    assert 'no endpoint is called "GET /nothing"' in missing.stderr
