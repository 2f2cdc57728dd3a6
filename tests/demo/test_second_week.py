"""A DBA's second week: the demo's shop audited, one remedy applied, the workload again, and audited once more."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random

import psycopg
import pytest
from psycopg.types.numeric import Int8Dumper

from pgadvisor.advise.advise import advise
from pgadvisor.cli.previous import compared, read_previous
from pgadvisor.cli.source import SourceOptions, snapshot_of
from pgadvisor.collect.file import write_snapshot
from pgadvisor.demo.server import Server, passing_server
from pgadvisor.demo.shop import AUDITOR, DATABASE, OWNER, make_shop, reset_counters, tidy
from pgadvisor.demo.statement import Draw
from pgadvisor.demo.workload import STATEMENTS
from pgadvisor.model.finding import Finding
from pgadvisor.model.progress import no_progress
from pgadvisor.model.report import Changes, Report
from pgadvisor.model.snapshot import Snapshot
from pgadvisor.reports import json

pytestmark = pytest.mark.server

PART = 3
"""A third of the workload's calls each time, so that rows to change are left for the last."""


class Business:
    """The shop's application: the same mix of calls each time it runs."""

    def __init__(self, server: Server) -> None:
        self._server = server
        made_at = make_shop(server, no_progress)
        self._draw = Draw(Random(7), made_at)

    def run(self) -> None:
        """A week of calls."""
        order = [each for each in STATEMENTS for _ in range(max(each.calls // PART, 1))]
        self._draw.random.shuffle(order)
        dsn = self._server.dsn(DATABASE, OWNER)
        with psycopg.connect(dsn, autocommit=True, prepare_threshold=0) as connection:
            connection.adapters.register_dumper(int, Int8Dumper)
            cursor = psycopg.RawCursor(connection)
            for each in order:
                cursor.execute(each.text.encode(), each.values(self._draw))
        tidy(self._server)


@dataclass(frozen=True)
class Weeks:
    """What was read: before, after the remedy, and after a reset of the counters."""

    first: Snapshot
    applied: Finding
    second: Snapshot
    after_reset: Snapshot


@pytest.fixture(scope="module")
def weeks() -> Iterator[Weeks]:
    """Three audits of one shop; between the first two the index is made that the first asked for."""
    with passing_server() as server:
        business = Business(server)
        business.run()  # a service that has been up for a while: caches are warm
        reset_counters(server)
        business.run()
        read = partial(snapshot_of, server.dsn(DATABASE, AUDITOR), SourceOptions(quiet=True))
        first = read()
        applied = next(
            each for each in advise(first).findings
            if each.where.table == "public.shipments" and "CREATE INDEX" in (each.remedy.sql or "")
        )  # fmt: skip
        with psycopg.connect(server.dsn(DATABASE, OWNER), autocommit=True) as connection:
            connection.execute((applied.remedy.sql or "").encode())
        business.run()
        second = read()
        reset_counters(server)
        business.run()
        yield Weeks(first=first, applied=applied, second=second, after_reset=read())


@pytest.fixture(params=["snapshot", "report"])
def previous(request: pytest.FixtureRequest, weeks: Weeks, tmp_path: Path) -> Path:
    """The first week, in each form that --previous takes."""
    if request.param == "snapshot":
        write_snapshot(tmp_path / "first.pgsnap", weeks.first)
        return tmp_path / "first.pgsnap"
    (tmp_path / "first.json").write_text(json.render(advise(weeks.first)), encoding="utf-8")
    return tmp_path / "first.json"


def second_audit(snapshot: Snapshot, previous: Path) -> tuple[Report, Changes]:
    report = compared(snapshot, read_previous(previous), advise)
    assert report.changes is not None
    return report, report.changes


def assert_only_the_remedy_shows(report: Report, changes: Changes, applied: Finding) -> None:
    assert [(each.rule, each.message) for each in report.findings if each.status == "new"] == []
    fixed = next(each for each in changes.fixed if each.key == applied.key)
    assert fixed.applied is not None
    assert fixed.ms_per_call_before is not None
    assert fixed.ms_per_call_after is not None
    assert fixed.ms_per_call_after < fixed.ms_per_call_before / 5
    touched = set(applied.statements)
    better = {each.statement for each in changes.statements if each.change == "better"}
    assert better & touched, changes.statements
    assert [each for each in changes.statements if each.change in ("new", "gone")] == []


def test_what_was_fixed_is_told_and_nothing_else(weeks: Weeks, previous: Path) -> None:
    report, changes = second_audit(weeks.second, previous)
    assert_only_the_remedy_shows(report, changes, weeks.applied)
    assert not changes.reset_between
    assert changes.since_previous == (previous.suffix == ".pgsnap")


def test_after_a_reset_the_same_is_told(weeks: Weeks, previous: Path) -> None:
    report, changes = second_audit(weeks.after_reset, previous)
    assert_only_the_remedy_shows(report, changes, weeks.applied)
    assert changes.reset_between
    assert not changes.since_previous


def test_the_audit_right_after_the_remedy_blames_no_old_counters(weeks: Weeks, tmp_path: Path) -> None:
    """By the counters alone a statement that was slow for weeks stays among the first long after it was mended."""
    write_snapshot(tmp_path / "first.pgsnap", weeks.first)
    report, _ = second_audit(weeks.second, tmp_path / "first.pgsnap")
    key = weeks.applied.statements[0]
    assert _share(advise(weeks.second), key) > 0.15
    assert _share(report, key) < 0.05
    assert report.window_s == (weeks.second.collected_at - weeks.first.collected_at).total_seconds()
    assert "since the previous run alone" in report.verdict.text


def _share(report: Report, key: str) -> float:
    return next(each.total_ms or 0.0 for each in report.statements if each.key == key) / report.observed_ms
