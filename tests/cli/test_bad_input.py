"""Bad input: one clear sentence with the next step, exit code 2, no traceback, no half-written file."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.cli.run import COMMAND, LONGEST_S, assert_refused, pgadvisor


def test_wrong_host() -> None:
    assert_refused(pgadvisor("audit", "host=no-such-host.invalid dbname=shop"), "no-such-host.invalid")


def test_nothing_listens(tmp_path: Path) -> None:
    assert_refused(pgadvisor("audit", "host=127.0.0.1 port=1 dbname=shop"), "127.0.0.1")


def test_password_is_never_shown(tmp_path: Path) -> None:
    done = pgadvisor("audit", "postgresql://me:s3cr3t-word@127.0.0.1:1/shop", "--debug")
    assert "s3cr3t-word" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    "mistyped",
    [
        ["me:s3cr3t-word@db.example.com/shop"],
        ["postgresql:/me:s3cr3t-word@db.example.com/shop"],
        ["host=127.0.0.1", "password=s3cr3t-word"],
        ["127.0.0.1", "me", "s3cr3t-word"],
        ["postgresql://me:s3cr3t/word@127.0.0.1:1/shop"],
    ],
)
@pytest.mark.parametrize("command", [["audit"], ["snapshot", "-o", "x.pgsnap"], ["query", "SELECT 1", "--source"]])
def test_a_mistyped_source_is_never_quoted(command: list[str], mistyped: list[str], tmp_path: Path) -> None:
    """A password may be anywhere in it."""
    done = pgadvisor(*command, *mistyped, "--debug", folder=tmp_path)
    assert done.returncode == 2
    assert "s3cr3t" not in done.stdout + done.stderr
    assert "connection string" in done.stderr or "quotes" in done.stderr or "PostgreSQL" in done.stderr, done.stderr


def test_nonsense_dsn() -> None:
    assert_refused(pgadvisor("audit", "dbname=shop nonsense=1"), "connection string")


def test_unknown_database(server: Any) -> None:
    assert_refused(pgadvisor("audit", server.dsn("no_such_database")), "no_such_database")


def test_unknown_role(server: Any) -> None:
    assert_refused(pgadvisor("audit", server.dsn("postgres", "no_such_role")), "no_such_role")


def test_missing_snapshot_file() -> None:
    assert_refused(pgadvisor("audit", "./nowhere.pgsnap"), "nowhere.pgsnap", "pgadvisor snapshot")


def test_damaged_snapshot_file(tmp_path: Path) -> None:
    (tmp_path / "shop.pgsnap").write_bytes(b"not a snapshot")
    assert_refused(pgadvisor("audit", tmp_path / "shop.pgsnap"), "shop.pgsnap")


def test_a_bare_word_is_a_database_though_a_file_has_its_name(tmp_path: Path) -> None:
    (tmp_path / "shop").write_text("a note")
    done = pgadvisor("audit", "shop", environment={"PGHOST": "127.0.0.1", "PGPORT": "1"}, folder=tmp_path)
    assert_refused(done, "127.0.0.1")


def test_output_directory_that_does_not_exist(database: str, tmp_path: Path) -> None:
    assert_refused(pgadvisor("audit", database, "-o", tmp_path / "gone" / "report.html"), "gone", "-o")


def test_output_ending_without_a_format(database: str, tmp_path: Path) -> None:
    assert_refused(pgadvisor("audit", database, "-o", tmp_path / "report.docx"), ".docx", "--format")


def test_unknown_rule(database: str) -> None:
    assert_refused(pgadvisor("audit", database, "--ignore", "depp-offset"), "depp-offset", "deep-offset")


def test_unknown_option() -> None:
    assert_refused(pgadvisor("audit", "--nonsense"), "--nonsense")


def test_settings_file_with_a_typing_error(tmp_path: Path) -> None:
    (tmp_path / "pgadvisor.toml").write_text('ignroe = ["deep-offset"]\n')
    assert_refused(pgadvisor("query", "SELECT 1", folder=tmp_path), "pgadvisor.toml", "ignroe")


@pytest.mark.parametrize("content", ["tool = 3\n", "[tool]\npgadvisor = 3\n"])
def test_settings_that_are_no_table(tmp_path: Path, content: str) -> None:
    (tmp_path / "pyproject.toml").write_text(content)
    assert_refused(pgadvisor("query", "SELECT 1", folder=tmp_path), "pyproject.toml", "not sound")


def test_query_without_input() -> None:
    assert_refused(pgadvisor("query"), "-f FILE")


def test_query_file_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "binary.sql").write_bytes(bytes(range(128, 256)))
    assert_refused(pgadvisor("query", "-f", tmp_path / "binary.sql"), "binary.sql")


def test_text_that_is_not_sql() -> None:
    assert_refused(pgadvisor("query", "hello world, this is not SQL"), "line 1", "syntax error")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_full_disk() -> None:
    command = [*COMMAND, "rules"]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=LONGEST_S)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_in_the_middle(database: str, tmp_path: Path, number: signal.Signals) -> None:
    """The signal comes as soon as the first statement is on its way to the server."""
    command = [*COMMAND, "audit", database, "--show-sql", "-o", str(tmp_path / "report.html")]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert "/* pgadvisor */" in process.stderr.readline()
        process.send_signal(number)
        _, said = process.communicate(timeout=LONGEST_S)
    assert process.returncode == 2, said
    assert "pgadvisor: stopped: nothing was written" in said
    assert "Traceback" not in said
    assert list(tmp_path.iterdir()) == []


def test_a_device_is_written_to_and_stays_a_device(tmp_path: Path) -> None:
    pipe = tmp_path / "report.txt"
    os.mkfifo(pipe)
    writer = subprocess.Popen([*COMMAND, "query", "SELECT 1 FROM t", "-q", "-o", str(pipe)], stderr=subprocess.PIPE)
    assert "SELECT" in pipe.read_text(encoding="utf-8")
    assert writer.wait(timeout=LONGEST_S) == 0
    assert pipe.is_fifo()


def test_a_report_keeps_the_mode_of_the_file_it_replaces(tmp_path: Path) -> None:
    report = tmp_path / "report.txt"
    report.write_text("old")
    report.chmod(0o640)
    assert pgadvisor("query", "SELECT 1 FROM t", "-q", "-o", report).returncode == 0
    assert report.stat().st_mode & 0o777 == 0o640
    assert "SELECT" in report.read_text(encoding="utf-8")


def test_a_statement_that_is_not_sql_among_others_is_no_success(tmp_path: Path) -> None:
    (tmp_path / "two.sql").write_text("SELECT a FROM t;\nSELEC b FROM t;\n")
    done = pgadvisor("query", "-f", tmp_path / "two.sql", "--format", "json")
    assert done.returncode == 2
    assert "two.sql:2: " in done.stderr
    assert [each["statement"] for each in json.loads(done.stdout)["unread"]] == [2]


def test_a_statement_that_the_server_refuses_is_no_success(database: str, tmp_path: Path) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("CREATE TABLE t (a int PRIMARY KEY)")
    done = pgadvisor("query", "SELECT a FROM t; SELECT no_such FROM t", "--source", database, "--format", "json")
    assert done.returncode == 2
    assert "statement 2" in done.stderr
    assert "a column of it does not exist" in done.stderr


def test_parameters_of_a_driver_get_a_hint() -> None:
    assert_refused(pgadvisor("query", "SELECT a FROM t WHERE a = %s"), "syntax error", "$1")


def test_closed_stdout_is_no_crash() -> None:
    command = f"{sys.executable} -c 'from pgadvisor.cli.main import main; main()' query 'SELECT a FROM t' >&-"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=LONGEST_S)
    assert "internal error" not in done.stderr
