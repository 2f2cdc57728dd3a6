"""Where a report goes and in which form: endings, terminals, colours, files that are whole or not there."""

import json
import os
import pty
import re
import subprocess
import sys
import termios
from collections.abc import Mapping
from pathlib import Path
from xml.etree import ElementTree as Xml

import pytest

from pgadvisor.cli import output
from pgadvisor.cli.options import Format
from pgadvisor.errors import UsageError
from tests.cli.run import COMMAND, LONGEST_S, assert_refused, pgadvisor
from tests.reports.make_report import shop_report

QUERY = ("query", "SELECT * FROM orders WHERE lower(email) = 'x'", "-q")


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("r.html", Format.HTML),
        ("r.HTM", Format.HTML),
        ("r.json", Format.JSON),
        ("r.txt", Format.TEXT),
        ("r.md", Format.MARKDOWN),
        ("r.markdown", Format.MARKDOWN),
        ("r.sarif", Format.SARIF),
        ("r.xml", Format.JUNIT),
        ("-", Format.TEXT),
    ],
)
def test_the_ending_names_the_form(name: str, form: Format) -> None:
    assert output.format_of(Path(name), None) is form
    assert output.format_of(Path(name), Format.JSON) is Format.JSON
    assert output.format_of(None, None) is Format.TEXT


def test_a_strange_ending_is_an_error() -> None:
    with pytest.raises(UsageError, match=r"\.doc.*--format.*markdown"):
        output.format_of(Path("report.doc"), None)


@pytest.mark.parametrize("form", [form for form in Format if form is not Format.PDF])
def test_the_same_report_gives_the_same_bytes(form: Format) -> None:
    first = output.render(shop_report(), form, Path("x"))
    assert output.render(shop_report(), form, Path("x")) == first
    assert first.decode().endswith("\n")


def test_a_file_has_no_colour_whatever_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert b"\x1b" not in output.render(shop_report(), Format.TEXT, Path("r.txt"))
    assert b"\x1b[" in output.render(shop_report(), Format.TEXT)
    monkeypatch.setenv("NO_COLOR", "1")
    assert b"\x1b" not in output.render(shop_report(), Format.TEXT)


def test_a_pipe_has_eighty_columns_and_no_colour() -> None:
    done = pgadvisor(*QUERY, environment={"NO_COLOR": "", "FORCE_COLOR": "", "COLUMNS": "200"})
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_markdown_goes_to_stdout() -> None:
    done = pgadvisor(*QUERY, "--format", "markdown")
    assert done.stdout.startswith("## ")
    assert "</details>" in done.stdout


def test_one_run_writes_several_forms(tmp_path: Path) -> None:
    sarif, junit = tmp_path / "r.sarif", tmp_path / "r.xml"
    done = pgadvisor(*QUERY, "--format", "github", "--also", str(sarif), "--also", str(junit))
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("pgadvisor: ")
    assert "::notice title=select-star::" in done.stdout
    assert json.loads(sarif.read_text())["version"] == "2.1.0"
    assert Xml.fromstring(junit.read_text()).tag == "testsuites"


def test_what_fails_in_junit_is_what_fails_the_command(tmp_path: Path) -> None:
    target = tmp_path / "r.xml"
    done = pgadvisor(*QUERY, "--also", str(target), "--fail-on", "info")
    failures = Xml.fromstring(target.read_text()).attrib["failures"]
    assert (done.returncode, failures) == (1, "1")
    done = pgadvisor(*QUERY, "--also", str(target), "--fail-on", "error")
    failures = Xml.fromstring(target.read_text()).attrib["failures"]
    assert (done.returncode, failures) == (0, "0")


def test_a_file_that_is_wanted_as_well_needs_an_ending_that_names_a_form(tmp_path: Path) -> None:
    assert_refused(pgadvisor(*QUERY, "--also", str(tmp_path / "r.doc")), ".doc", "sarif")
    assert_refused(pgadvisor(*QUERY, "--also", str(tmp_path / "none" / "r.md")), "no directory")
    assert_refused(pgadvisor(*QUERY, "--also", "-"), "--also")


def test_index_advice_has_no_form_for_ci(tmp_path: Path) -> None:
    assert_refused(pgadvisor("indexes", "x.pgsnap", "--format", "sarif"), "sarif", "markdown")
    refused = pgadvisor("indexes", "x.pgsnap", "-o", str(tmp_path / "r.sarif"))
    assert_refused(refused, ".sarif", "one of html, json, markdown, pdf, text")


def in_terminal(columns: int, environment: Mapping[str, str], *arguments: str) -> str:
    """What the command writes to a terminal of that width."""
    leader, follower = pty.openpty()
    termios.tcsetwinsize(follower, (40, columns))
    clean = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "NO_COLOR", "FORCE_COLOR")}
    running = subprocess.Popen(
        [*COMMAND, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=follower,
        stderr=subprocess.PIPE,
        env={**clean, "TERM": "xterm-256color", **environment},
    )
    os.close(follower)
    told = b""
    while True:
        try:
            piece = os.read(leader, 65_536)
        except OSError:  # the end, on Linux
            break
        if not piece:
            break
        told += piece
    os.close(leader)
    running.communicate(timeout=LONGEST_S)
    return told.decode().replace("\r\n", "\n")


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals")
def test_a_terminal_gives_width_and_colour() -> None:
    wide = in_terminal(160, {}, *QUERY)
    assert "\x1b[" in wide
    plain = re.sub(r"\x1b\[[0-9;]*m", "", wide)
    assert 80 < max(map(len, plain.splitlines())) <= output.WIDEST
    narrow = in_terminal(60, {"NO_COLOR": "1"}, *QUERY)
    assert "\x1b" not in narrow
    assert max(map(len, narrow.splitlines())) <= 60
    assert "\x1b" not in in_terminal(80, {"TERM": "dumb"}, *QUERY)


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals")
def test_a_pdf_is_not_for_a_terminal() -> None:
    assert in_terminal(80, {}, *QUERY, "--format", "pdf") == ""


def test_a_place_that_cannot_be_written_is_said_before_the_work(tmp_path: Path) -> None:
    assert_refused(pgadvisor(*QUERY, "-o", str(tmp_path / "none" / "r.md")), "no directory")
    assert_refused(pgadvisor(*QUERY, "-o", str(tmp_path)), "is a directory")


def test_what_was_there_stays_when_writing_fails(tmp_path: Path) -> None:
    kept = tmp_path / "r.md"
    kept.write_text("kept")
    assert_refused(pgadvisor("query", "SELEC", "-o", str(kept)), "statement 1")
    assert kept.read_text() == "kept"
