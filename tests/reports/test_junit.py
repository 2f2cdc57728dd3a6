"""JUnit: well formed whatever the text, a shape that Jenkins and GitLab read, failures only for what fails."""

import re
from collections.abc import Iterator
from datetime import timedelta
from xml.etree import ElementTree as Xml

import pytest
from msgspec.structs import replace

from pgadvisor.model.finding import Severity
from pgadvisor.model.report import Report
from pgadvisor.reports.junit import render
from tests.reports.make_migration_report import FILE, hazard, migration_report, settled_report
from tests.reports.make_report import empty_report, file_report, hostile_report, large_report, shop_report

REPORTS = {
    "shop": shop_report(),
    "empty": empty_report(),
    "file": file_report(),
    "hostile": hostile_report(),
    "large": large_report(),
    "migration": migration_report(),
    "settled": settled_report(),
}
SHAPE = {  # by Jenkins' junit-10.xsd: element -> (attributes that must be there, that may be, children)
    "testsuites": ({"name"}, {"tests", "failures", "errors", "time"}, {"testsuite"}),
    "testsuite": (
        {"name", "tests", "failures", "errors"},
        {"skipped", "file", "time", "timestamp", "hostname", "id", "package"},
        {"testcase"},
    ),
    "testcase": ({"name"}, {"classname", "time", "group"}, {"failure", "skipped", "error", "system-out", "system-err"}),
    "failure": (set(), {"type", "message"}, set()),
    "skipped": (set(), {"type", "message"}, set()),
    "system-out": (set(), set(), set()),
}


def root_of(report: Report, failing: Severity = Severity.WARNING) -> Xml.Element:
    return Xml.fromstring(render(report, failing))


def cases(report: Report, outcome: str | None, failing: Severity = Severity.WARNING) -> Iterator[str]:
    """The rules of the cases with that child."""
    for case in root_of(report, failing).iter("testcase"):
        if (case.find(outcome) is not None) if outcome else not len(case):
            yield case.attrib["classname"].removeprefix("pgadvisor.")


@pytest.mark.parametrize("name", REPORTS)
def test_it_has_the_shape_of_the_schema(name: str) -> None:
    root = root_of(REPORTS[name])
    assert root.tag == "testsuites"
    for element in root.iter():
        needed, allowed, children = SHAPE[element.tag]
        assert needed <= set(element.attrib) <= needed | allowed
        assert {child.tag for child in element} <= children


@pytest.mark.parametrize("name", REPORTS)
def test_the_counts_are_true(name: str) -> None:
    root = root_of(REPORTS[name])
    for element in (root, *root.iter("testsuite")):
        assert int(element.attrib["tests"]) == len(list(element.iter("testcase")))
        assert int(element.attrib["failures"]) == len(list(element.iter("failure")))
    for suite in root.iter("testsuite"):
        assert int(suite.attrib["skipped"]) == len(list(suite.iter("skipped")))


def test_a_suite_is_a_file_and_a_class_a_rule() -> None:
    suite = root_of(migration_report()).find("testsuite")
    assert suite is not None
    assert (suite.attrib["name"], suite.attrib["file"]) == (FILE, FILE)
    case = suite[0]
    assert case.attrib["classname"] == "pgadvisor.index-not-concurrent"
    assert case.attrib["name"].startswith(f"{FILE}:4: writes to orders wait 60 s")
    failure = case[0]
    assert failure.attrib["type"] == "error"
    assert "    ON orders (status);" in (failure.text or "")


def test_what_fails_is_what_the_user_says() -> None:
    report = migration_report()
    assert list(cases(report, "failure")) == ["index-not-concurrent", "type-change-rewrite"]
    assert list(cases(report, "failure", Severity.ERROR)) == ["index-not-concurrent"]
    assert list(cases(report, "system-out", Severity.ERROR)) == ["type-change-rewrite", "lock-timeout-missing"]
    assert len(list(cases(report, "failure", Severity.INFO))) == 3


def test_known_and_waived_findings_are_skipped() -> None:
    report = settled_report()
    assert list(cases(report, "failure")) == []
    skipped = {each.attrib["message"] for each in root_of(report).iter("skipped")}
    assert skipped == {"it is known", "it is waived: the shop is closed that night", "no counters"}


def test_rules_without_a_finding_pass_and_those_that_did_not_run_are_skipped() -> None:
    assert list(cases(empty_report(), None)) == ["select-star"]
    assert list(cases(empty_report(), "skipped")) == ["unused-index"]


def test_what_xml_cannot_hold_is_shown_or_left_out() -> None:
    text = 'nul \x00 esc \x1b[31m ]]> <b> & " \ufffe\uffff \ud800 end'
    told = render(replace(migration_report(), findings=(hazard("r", Severity.ERROR, text, 1),)))
    failure = next(Xml.fromstring(told).iter("failure"))
    assert failure.attrib["message"] == 'nul ⟨U+0000⟩ esc ⟨U+001B⟩[31m ]]> <b> & "  ⟨U+D800⟩ end'
    assert not re.search("[\x00-\x08\x0b-\x1f\ufffe\uffff]", told)
    assert told.encode()


def test_the_same_findings_give_the_same_bytes_at_another_time() -> None:
    report = migration_report()
    assert render(replace(report, collected_at=report.collected_at + timedelta(days=1))) == render(report)
