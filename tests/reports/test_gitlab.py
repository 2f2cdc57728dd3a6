"""GitLab Code Quality: every finding with description, name, fingerprint, severity and place."""

import json
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from pgadvisor.model.report import Report
from pgadvisor.reports.gitlab import render
from tests.reports.make_migration_report import FILE, INDEX_FINDING, migration_report, settled_report
from tests.reports.make_report import empty_report, hostile_report, large_report, shop_report

REPORTS = {
    "shop": shop_report(),
    "hostile": hostile_report(),
    "large": large_report(),
    "migration": migration_report(),
    "settled": settled_report(),
}


def issues(report: Report) -> list[dict[str, Any]]:
    told = json.loads(render(report))
    assert isinstance(told, list)
    return told


@pytest.mark.parametrize("name", REPORTS)
def test_every_issue_has_what_gitlab_asks_for(name: str) -> None:
    found = issues(REPORTS[name])
    assert len(found) == len(REPORTS[name].findings)
    for issue in found:
        assert issue["description"] and issue["check_name"]
        assert issue["severity"] in ("info", "minor", "major", "critical", "blocker")
        assert issue["location"]["path"] and not issue["location"]["path"].startswith("./")
        assert issue["location"]["lines"]["begin"] >= 1
    prints = [issue["fingerprint"] for issue in found]
    assert len(set(prints)) == len(prints)


def test_a_finding_in_a_file() -> None:
    error, warning, info = issues(migration_report())
    assert error["location"] == {"path": FILE, "lines": {"begin": 4, "end": 4}}
    assert [each["severity"] for each in (error, warning, info)] == ["critical", "major", "info"]
    assert "CREATE INDEX CONCURRENTLY" in error["content"]["body"]


def test_a_finding_about_the_database_names_its_table() -> None:
    assert issues(shop_report())[0]["location"]["path"] == "database/public.orders.status"


def test_no_finding_is_an_empty_list() -> None:
    assert issues(empty_report()) == []


def test_the_fingerprint_holds_no_line() -> None:
    moved = replace(INDEX_FINDING, where=replace(INDEX_FINDING.where, line=90), spans=())
    before, after = (issues(replace(migration_report(), findings=(each,)))[0] for each in (INDEX_FINDING, moved))
    assert after["location"] != before["location"]
    assert after["fingerprint"] == before["fingerprint"]


def test_findings_of_one_key_are_told_apart() -> None:
    first, second = issues(replace(migration_report(), findings=(INDEX_FINDING, INDEX_FINDING)))
    assert first["fingerprint"] != second["fingerprint"]


def test_the_same_findings_give_the_same_bytes_at_another_time() -> None:
    report = migration_report()
    assert render(replace(report, collected_at=report.collected_at + timedelta(days=1))) == render(report)
