"""Annotations of GitHub Actions: escaped, no more than GitHub shows, the rest in a line."""

import re
from datetime import timedelta

import pytest
from msgspec.structs import replace

from pgadvisor.model.finding import Severity, Span
from pgadvisor.reports.github import MOST, render
from tests.reports.make_migration_report import INDEX, INDEX_FINDING, hazard, many, migration_report, settled_report
from tests.reports.make_report import empty_report, hostile_report, large_report, shop_report

COMMAND = re.compile(r"::(error|warning|notice) ((?:[a-zA-Z]+=[^:,]*,?)*)::(.*)")
REPORTS = {
    "shop": shop_report(),
    "empty": empty_report(),
    "hostile": hostile_report(),
    "large": large_report(),
    "migration": migration_report(),
    "settled": settled_report(),
}


@pytest.mark.parametrize("name", REPORTS)
def test_every_line_is_a_command_or_begins_with_our_name(name: str) -> None:
    told = render(REPORTS[name])
    for line in told.splitlines():
        assert COMMAND.fullmatch(line) or line.startswith("pgadvisor: ")
    assert "##[" not in told
    assert "\x1b" not in told and "\r" not in told


@pytest.mark.parametrize("name", REPORTS)
def test_no_more_of_a_kind_than_is_shown(name: str) -> None:
    lines = render(REPORTS[name]).splitlines()
    for kind in ("error", "warning", "notice"):
        assert sum(line.startswith(f"::{kind} ") for line in lines) <= MOST


def test_an_annotation() -> None:
    verdict, first, *_ = render(migration_report()).splitlines()
    assert verdict == "pgadvisor: Do not merge: writes to orders would wait 60 s"
    assert first.startswith(
        "::error file=db/migrations/0042_status index.sql,line=4,endLine=4,col=5,endColumn=14,"
        "title=index-not-concurrent::writes to orders wait 60 s, 100%25 of them: `ON orders`%0AChange: "
    )


def test_columns_only_within_a_line() -> None:
    found = replace(INDEX_FINDING, spans=(Span(start=0, end=len(INDEX)),))
    _, line, *_ = render(replace(migration_report(), findings=(found,))).splitlines()
    assert ",line=3,endLine=4,title=" in line


def test_properties_are_escaped() -> None:
    found = hazard("r", Severity.ERROR, "m", 1)
    odd = replace(found, where=replace(found.where, file="a,b:c%.sql"))
    assert "file=a%2Cb%3Ac%25.sql,line=1" in render(replace(migration_report(), findings=(odd,)))


def test_an_older_command_in_a_text_is_none() -> None:
    text = "x ##[add-mask]secret"
    report = replace(migration_report(), findings=(hazard("r", Severity.ERROR, text, 1),))
    report = replace(report, verdict=replace(report.verdict, headline=text))
    assert "##[" not in render(report)


def test_the_rest_is_told_in_a_line() -> None:
    report = migration_report(*many(12, Severity.WARNING), *many(30, Severity.INFO))
    *_, last = render(report).splitlines()
    assert last == "pgadvisor: not shown: 3 more warnings, 21 more info; 1 rule could not run"


def test_known_and_waived_findings_are_counted_and_no_more() -> None:
    lines = render(settled_report()).splitlines()
    assert [line[:8] for line in lines if line.startswith("::")] == ["::notice"]
    assert lines[-1].startswith("pgadvisor: not shown: 1 known finding, 1 waived finding")


def test_without_a_file_the_message_names_the_thing() -> None:
    _, first, *_ = render(shop_report()).splitlines()
    assert first.startswith("::error title=scan-discards-most-rows::public.orders.status: sequential scan")


def test_the_same_findings_give_the_same_bytes_at_another_time() -> None:
    report = migration_report()
    assert render(replace(report, collected_at=report.collected_at + timedelta(days=1))) == render(report)
