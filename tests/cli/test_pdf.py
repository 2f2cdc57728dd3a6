"""The report as a PDF: whole, with its details opened, its text selectable; and clear words where no browser is."""

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pgadvisor.cli import pdf
from pgadvisor.errors import UsageError
from pgadvisor.reports import html
from tests.cli.run import COMMAND, assert_refused, pgadvisor
from tests.reports.make_report import hostile_report, large_report, shop_report

QUERY = ("query", "SELECT * FROM orders WHERE id = 1", "-q")


def _browser() -> Path | None:
    try:
        return pdf.find_browser()
    except UsageError:
        return None


needs_browser = pytest.mark.skipif(_browser() is None, reason="no Chromium or Chrome is installed")
needs_poppler = pytest.mark.skipif(shutil.which("pdftotext") is None, reason="no pdftotext: install poppler-utils")


def program(folder: Path, name: str, lines: str) -> Path:
    """A shell script in the place of a browser."""
    path = folder / name
    path.write_text(f"#!/bin/sh\n{lines}\n")
    path.chmod(0o755)
    return path


def text_of(printed: bytes, folder: Path) -> str:
    """What a reader can select, in one line, in the order of the page's source: two columns stay apart."""
    (folder / "printed.pdf").write_bytes(printed)
    done = subprocess.run(
        ["pdftotext", "-raw", folder / "printed.pdf", "-"], capture_output=True, text=True, check=True
    )
    return " ".join(done.stdout.split())


@needs_browser
@needs_poppler
def test_every_finding_is_in_it_opened(tmp_path: Path) -> None:
    report = shop_report()
    printed = pdf.print_page(html.render(report))
    told = text_of(printed, tmp_path).replace(" ", "")
    for finding in report.findings:
        for part in (finding.message, finding.remedy.text, finding.remedy.sql, finding.wrong_if):
            assert re.sub(r"[\s`]", "", part or "") in told
    assert b"/Outlines" in printed


@needs_browser
def test_of_hostile_texts_it_prints_as_well_and_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert pdf.print_page(html.render(hostile_report())).startswith(b"%PDF-")
    assert list(tmp_path.iterdir()) == []


@needs_browser
def test_a_large_report_is_printed_in_time() -> None:
    begun = time.monotonic()
    assert len(pdf.print_page(html.render(large_report(100, 40, 20)))) > 100_000
    assert time.monotonic() - begun < pdf.LONGEST_S / 6


@needs_browser
def test_the_command_writes_a_file_or_a_pipe(tmp_path: Path) -> None:
    done = pgadvisor(*QUERY, "-o", "report.pdf", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF-")
    piped = subprocess.run(
        [*COMMAND, *QUERY, "--format", "pdf"],
        capture_output=True,
        check=True,
    )
    assert piped.stdout.startswith(b"%PDF-")


def test_without_a_browser_it_says_what_to_do_before_the_work(tmp_path: Path) -> None:
    done = pgadvisor(*QUERY, "-o", "r.pdf", folder=tmp_path, environment={"CHROME_PATH": str(tmp_path / "none")})
    assert_refused(done, "CHROME_PATH", "--format html")
    (tmp_path / "python").symlink_to(sys.executable)
    done = pgadvisor("audit", "host=127.0.0.1 port=1", "--format", "pdf", environment={"PATH": str(tmp_path)})
    if sys.platform != "darwin":
        assert_refused(done, "Chromium", "--format html")
    assert not (tmp_path / "r.pdf").exists()


def test_a_browser_that_fails_leaves_no_file(tmp_path: Path) -> None:
    broken = program(tmp_path, "broken", "echo 'error while loading shared libraries' >&2; exit 127")
    done = pgadvisor(*QUERY, "-o", "r.pdf", folder=tmp_path, environment={"CHROME_PATH": str(broken)})
    assert_refused(done, "wrote no PDF", "shared libraries", "--format html")
    assert not (tmp_path / "r.pdf").exists()


def test_what_is_no_pdf_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = program(
        tmp_path, "other", 'for each; do case $each in --print-to-pdf=*) echo no > "${each#*=}";; esac; done'
    )
    monkeypatch.setenv("CHROME_PATH", str(other))
    with pytest.raises(UsageError, match="is no PDF"):
        pdf.print_page("<p>x")


def test_a_browser_that_hangs_is_stopped_with_all_it_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hanging = program(tmp_path, "hanging", f"sleep 300 & echo $! > {tmp_path}/pid; wait")
    monkeypatch.setenv("CHROME_PATH", str(hanging))
    monkeypatch.setattr(pdf, "LONGEST_S", 1)
    with pytest.raises(UsageError, match="did not finish"):
        pdf.print_page("<p>x")
    pid = int((tmp_path / "pid").read_text())
    for _ in range(600):
        if not _is_running(pid):
            return
        time.sleep(0.1)
    pytest.fail("the browser's child still runs")


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat")  # a zombie waits for its new parent: it runs no more
    return not status.exists() or status.read_text().rpartition(")")[2].split()[0] != "Z"


@needs_browser
def test_nothing_is_asked_of_the_network(tmp_path: Path) -> None:
    page = (
        '<p>kept<img src="http://127.0.0.1:1/x.png"><img src="https://example.com/x.png"><img src="http://[::1]:1/y">'
    )
    assert pdf.print_page(page).startswith(b"%PDF-")
    assert any(flag.startswith("--proxy-server=127.0.0.1:9") for flag in pdf.FLAGS)
