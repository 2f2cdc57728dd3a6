"""The report as test results in JUnit's XML: Jenkins, GitLab and others count and show them.

A suite is a file, a class is a rule, a case is a finding; rules that ran and found nothing are cases that pass, so that
no result is empty. Valid by Jenkins' schema (xunit-plugin, junit-10.xsd).
"""

from collections.abc import Iterator
from typing import NamedTuple
from xml.etree import ElementTree as Xml

from pgadvisor.model.finding import Finding, Severity
from pgadvisor.model.report import Report, Waived
from pgadvisor.reports.file_spots import Spot, spot_of, thing_of
from pgadvisor.reports.lookup import Lookup, lookup_of
from pgadvisor.reports.plain_finding import lines_of, sentence

NAME = "pgadvisor"
DATABASE = "database"
"""The suite of what stands in no file."""
RULES = "rules"
"""The suite of the rules without a finding."""
MESSAGE = 300
_NO_XML = str.maketrans("", "", "\ufffe\uffff")
"""What XML 1.0 has no way to write and is not seen to by `visible`."""


class Case(NamedTuple):
    """One test: it passes, fails or is skipped."""

    suite: str
    rule: str
    name: str
    failure: tuple[str, str, str] | None = None
    """Kind, message, and all the rest."""
    skipped: str | None = None
    """Why it does not count."""
    output: str | None = None
    """What it says without failing."""


def render(report: Report, failing: Severity = Severity.WARNING) -> str:
    """The report as test results; findings at or above `failing` fail, unless they are known or waived."""
    lookup = lookup_of(report)
    cases = list(_cases(lookup, failing))
    suites: dict[str, list[Case]] = {}
    for case in cases:
        suites.setdefault(case.suite, []).append(case)
    root = Xml.Element("testsuites", {"name": NAME, **_counts(cases)})
    for name, inside in suites.items():
        about = {} if name in (DATABASE, RULES) else {"file": name}
        skipped = str(sum(case.skipped is not None for case in inside))
        suite = Xml.SubElement(root, "testsuite", {"name": name, **_counts(inside), "skipped": skipped, **about})
        for case in inside:
            suite.append(_element(case))
    Xml.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{Xml.tostring(root, encoding="unicode")}\n'


def _cases(lookup: Lookup, failing: Severity) -> Iterator[Case]:
    report = lookup.report
    found = {rule for each in report.findings for rule in (each.rule, *each.also)}
    for finding in report.findings:
        yield _finding(lookup, finding, failing)
    for waived in report.waived:
        yield _waived(lookup, waived)
    for rule in sorted(set(report.rules_run) - found):
        yield Case(suite=RULES, rule=_plain(rule), name="found nothing")
    for each in report.rules_not_run:
        yield Case(suite=RULES, rule=_plain(each.rule), name="did not run", skipped=_plain(each.reason))


def _finding(lookup: Lookup, finding: Finding, failing: Severity) -> Case:
    case = _place(lookup, finding)
    details = "\n".join(lines_of(finding)).translate(_NO_XML)
    if finding.status == "known":
        return case._replace(skipped="it is known")
    if finding.severity.rank <= failing.rank:
        return case._replace(failure=(finding.severity.value, _plain(finding.message), f"{case.name}\n{details}"))
    return case._replace(output=f"{finding.severity.value}: {_plain(finding.message)}\n{details}")


def _waived(lookup: Lookup, waived: Waived) -> Case:
    reason = f"it is waived: {waived.reason}" if waived.reason else "it is waived"
    return _place(lookup, waived.finding)._replace(skipped=_plain(reason))


def _place(lookup: Lookup, finding: Finding) -> Case:
    """The case of a finding, named by its place and message."""
    spot: Spot | None = spot_of(lookup, finding)
    place = f"{spot.file}:{spot.line}" if spot is not None else thing_of(lookup, finding)
    return Case(
        suite=DATABASE if spot is None else spot.file.translate(_NO_XML),
        rule=_plain(finding.rule),
        name=_plain(f"{place}: {sentence(finding.message, MESSAGE)}"),
    )


def _element(case: Case) -> Xml.Element:
    made = Xml.Element("testcase", {"classname": f"{NAME}.{case.rule}", "name": case.name})
    if case.failure is not None:
        kind, message, text = case.failure
        Xml.SubElement(made, "failure", {"type": kind, "message": message}).text = text
    if case.skipped is not None:
        Xml.SubElement(made, "skipped", {"message": case.skipped})
    if case.output is not None:
        Xml.SubElement(made, "system-out").text = case.output
    return made


def _counts(cases: list[Case]) -> dict[str, str]:
    failures = sum(case.failure is not None for case in cases)
    return {"tests": str(len(cases)), "failures": str(failures), "errors": "0"}


def _plain(text: str) -> str:
    return sentence(text).translate(_NO_XML)
