"""Tests of `pgadvisor twin`: its DSN alone on stdout, up until it is told to end, and nothing left then."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from pgadvisor.collect.collector import collect
from pgadvisor.collect.file import write_snapshot
from pgadvisor.collect.session import open_session
from tests.cli.run import COMMAND, LONGEST_S, assert_refused, pgadvisor


@pytest.fixture
def shop(database: str) -> str:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("CREATE TABLE secured (id int PRIMARY KEY); ALTER TABLE secured ENABLE ROW LEVEL SECURITY")
    return database


@pytest.fixture
def file(shop: str, tmp_path: Path) -> Path:
    path = tmp_path / "shop.pgsnap"
    with open_session(shop) as session:
        write_snapshot(path, collect(session))
    return path


@contextmanager
def running(*arguments: str | Path) -> Iterator[subprocess.Popen[str]]:
    """`pgadvisor twin ARGUMENTS` under way."""
    command = [*COMMAND, "twin", *map(str, arguments)]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=clean)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_stays_up_until_it_is_told_to_end(file: Path, number: signal.Signals) -> None:
    with running(file) as process:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        directory = Path(str(conninfo_to_dict(address)["host"]))
        with psycopg.connect(address) as connection:
            plan = connection.execute("EXPLAIN SELECT * FROM secured WHERE id = 1").fetchall()
            assert "cost=" in str(plan)
        process.send_signal(number)
        rest, said = process.communicate(timeout=LONGEST_S)
        assert process.returncode == 0, said
        assert rest == "", "the DSN is all that goes to stdout"
        assert said.startswith("planner twin, PostgreSQL ")
        assert "public.secured: row security does not hold" in said
        assert f"psql '{address}'" in said and "Ctrl-C" in said
        assert not directory.exists()


def test_a_dsn_is_collected_first_and_quiet_says_nothing(shop: str) -> None:
    with running(shop, "--quiet") as process:
        assert process.stdout is not None
        with psycopg.connect(process.stdout.readline().strip()) as connection:
            assert connection.execute("SELECT count(*) FROM secured").fetchone() == (0,)
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=LONGEST_S) == ("", "")


def test_bad_input_is_refused_with_the_next_step(file: Path, tmp_path: Path) -> None:
    assert_refused(pgadvisor("twin", tmp_path / "none.pgsnap"), "there is no snapshot file", "pgadvisor snapshot")
    assert_refused(pgadvisor("twin", file, "--twin-bin", tmp_path), "no PostgreSQL", "--twin-bin")
    broken = tmp_path / "broken.pgsnap"
    broken.write_bytes(file.read_bytes()[:-9])
    assert_refused(pgadvisor("twin", broken), "damaged")


def test_the_help_has_examples() -> None:
    done = pgadvisor("twin", "--help")
    assert "Examples" in done.stdout and "pgadvisor twin shop.pgsnap" in done.stdout and "--twin-bin" in done.stdout
