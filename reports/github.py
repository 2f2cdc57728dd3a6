"""The report as annotations of GitHub Actions: lines for the log, which GitHub shows beside the changed lines.

https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
"""

from collections import Counter
from collections.abc import Iterator, Mapping

from pgadvisor.model.finding import Finding, Severity
from pgadvisor.model.report import Report
from pgadvisor.reports import format_numbers as numbers
from pgadvisor.reports.file_spots import spot_of, thing_of
from pgadvisor.reports.lookup import Lookup, lookup_of
from pgadvisor.reports.plain_finding import lines_of, sentence

COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}
MOST = 10
"""Annotations of a kind that GitHub shows of a step; the rest it drops without a word."""
MESSAGE = 3_000
"""Characters of an annotation: GitHub takes 4,096 and more in some places."""


def render(report: Report) -> str:
    """The verdict as a line of the log, an annotation for each new finding, and what more there is in one line."""
    lookup = lookup_of(report)
    new = [finding for finding in report.findings if finding.status != "known"]
    shown = [each for severity in Severity for each in [one for one in new if one.severity is severity][:MOST]]
    lines = [f"pgadvisor: {_unread(sentence(report.verdict.headline))}", *(_annotation(lookup, each) for each in shown)]
    lines += _rest(report, len(report.findings) - len(new), Counter(each.severity for each in new))
    return "\n".join(lines) + "\n"


def _annotation(lookup: Lookup, finding: Finding) -> str:
    """`::error file=…,line=…,title=…::…`."""
    spot = spot_of(lookup, finding)
    place: dict[str, object] = {}
    message = sentence(finding.message)
    if spot is None:
        message = f"{thing_of(lookup, finding)}: {message}"
    else:
        # Columns only within a line: GitHub refuses them over several.
        is_of_one_line = spot.end_line in (None, spot.line)
        columns = {"col": spot.column, "endColumn": spot.end_column} if is_of_one_line else {}
        place = {"file": spot.file, "line": spot.line, "endLine": spot.end_line, **columns}
    told = "\n".join((message, *lines_of(finding)))
    told = told if len(told) <= MESSAGE else f"{told[: MESSAGE - 1]}…"
    return _command(COMMANDS[finding.severity], {**place, "title": sentence(finding.rule)}, told)


def _rest(report: Report, known: int, new: Mapping[Severity, int]) -> Iterator[str]:
    """What is not shown, if anything: more than GitHub takes, known and waived findings, rules that did not run."""
    parts = [
        numbers.plural(
            new[severity] - MOST, f"more {severity.value}", "more info" if severity is Severity.INFO else None
        )
        for severity in Severity
        if new.get(severity, 0) > MOST
    ]
    parts += [numbers.plural(known, "known finding")] if known else []
    parts += [numbers.plural(len(report.waived), "waived finding")] if report.waived else []
    told = [f"not shown: {', '.join(parts)}"] if parts else []
    if report.rules_not_run:
        told.append(f"{numbers.plural(len(report.rules_not_run), 'rule')} could not run")
    if told:
        yield f"pgadvisor: {'; '.join(told)}"


def _command(name: str, properties: Mapping[str, object], message: str) -> str:
    told = ",".join(f"{key}={_value(str(value))}" for key, value in properties.items() if value is not None)
    return _unread(f"::{name} {told}::{_data(message)}")


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _value(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _unread(line: str) -> str:
    """The line without the older form of a command, which the runner reads wherever in a line it stands."""
    return line.replace("##[", "## [")
