"""`pgadvisor demo` keeps its word: every problem found, nothing said of what is clean, and nothing left behind."""

import json
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from pgadvisor.advise.advise import advise
from pgadvisor.cli.source import SourceOptions, snapshot_of
from pgadvisor.demo.problems import Check, check
from pgadvisor.model.snapshot import Snapshot
from tests.cli.run import pgadvisor
from tests.demo.fix_shop import Shop

pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def snapshot(shop: Shop) -> Snapshot:
    """The shop as the audit sees it."""
    return snapshot_of(shop.auditor_dsn, SourceOptions(quiet=True))


@pytest.fixture(scope="module")
def checked(snapshot: Snapshot) -> Check:
    """Its report, held against what was made."""
    return check(advise(snapshot))


def test_every_problem_is_found(checked: Check) -> None:
    assert [(problem.rule, problem.statement or problem.table) for problem in checked.missed] == []


def test_nothing_is_said_of_what_is_clean(checked: Check) -> None:
    assert [(finding.rule, finding.message) for finding in checked.false_alarms] == []


def test_what_needs_older_counters_is_found_when_they_are_older(snapshot: Snapshot, checked: Check) -> None:
    assert {problem.rule for problem in checked.too_early} == {"unused-index"}
    assert snapshot.server is not None
    assert snapshot.server.started_at is not None
    server = msgspec.structs.replace(
        snapshot.server, started_at=snapshot.server.started_at - timedelta(days=40), statistics_reset_at=None
    )
    later = check(advise(msgspec.structs.replace(snapshot, server=server)))
    assert (later.too_early, later.missed, later.false_alarms) == ((), (), ())


def test_every_rule_runs(snapshot: Snapshot) -> None:
    assert [rule for rule in advise(snapshot).rules_not_run if "no log" not in rule.reason] == []


@pytest.fixture
def room() -> Iterator[Path]:
    """A directory for temporary files that the server's user can reach, which pytest's are not when we are root."""
    with tempfile.TemporaryDirectory(prefix="demo-", ignore_cleanup_errors=False) as name:
        Path(name).chmod(0o755)
        yield Path(name)


def test_the_command_writes_its_report_and_leaves_nothing_behind(tmp_path: Path, room: Path) -> None:
    done = pgadvisor("demo", "-o", tmp_path / "demo.json", environment={"TMPDIR": str(room)})
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert "problems made on purpose" in done.stderr
    assert list(room.iterdir()) == []
    assert [path.name for path in tmp_path.iterdir()] == ["demo.json"]
    report = json.loads((tmp_path / "demo.json").read_text(encoding="utf-8"))
    assert {finding["rule"] for finding in report["findings"]} >= {"scan-discards-most-rows", "not-in-subquery"}
