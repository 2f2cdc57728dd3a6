"""`--plan-viewer`: it goes into an HTML report, and nowhere else."""

from pathlib import Path

from tests.cli.run import assert_refused, pgadvisor


def test_another_form_is_refused_before_the_work() -> None:
    done = pgadvisor("query", "SELECT 1", "--plan-viewer", "pev2")
    assert_refused(done, "--plan-viewer is for an HTML report, and this one is text: give -o report.html")


def test_an_unknown_viewer_is_refused() -> None:
    assert pgadvisor("query", "SELECT 1", "--plan-viewer", "pev3").returncode == 2


def test_it_is_taken_by_each_command_that_writes_a_report(tmp_path: Path) -> None:
    for command in ("audit", "demo", "query"):
        assert "--plan-viewer" in pgadvisor(command, "--help").stdout
    done = pgadvisor("query", "SELECT 1", "--plan-viewer", "pev2", "-o", tmp_path / "report.html")
    assert done.returncode == 0, done.stderr
    assert "Open in pev2" in (tmp_path / "report.html").read_text("utf-8")
