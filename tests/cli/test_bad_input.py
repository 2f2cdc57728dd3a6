"""Bad input: one clear sentence with the next step, exit code 2, no traceback, no half-written file."""

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cli.run import assert_refused, pgadvisor


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


def test_query_without_input() -> None:
    assert_refused(pgadvisor("query"), "-f FILE")


def test_query_file_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "binary.sql").write_bytes(bytes(range(128, 256)))
    assert_refused(pgadvisor("query", "-f", tmp_path / "binary.sql"), "binary.sql")


def test_text_that_is_not_sql() -> None:
    assert_refused(pgadvisor("query", "hello world, this is not SQL"), "line 1", "syntax error")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_full_disk() -> None:
    command = [sys.executable, "-c", "from pgadvisor.cli.main import main; main()", "rules"]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_in_the_middle(database: str, tmp_path: Path, number: signal.Signals) -> None:
    """The signal comes as soon as the first statement is on its way to the server."""
    command = [sys.executable, "-c", "from pgadvisor.cli.main import main; main()", "audit", database, "--show-sql"]
    with subprocess.Popen(
        [*command, "-o", str(tmp_path / "report.html")], stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        assert "/* pgadvisor */" in process.stderr.readline()
        process.send_signal(number)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 2, said
    assert "pgadvisor: stopped: nothing was written" in said
    assert "Traceback" not in said
    assert list(tmp_path.iterdir()) == []
