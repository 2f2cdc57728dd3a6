"""What a report says about itself, in words that the terminal and Markdown share: counts, tables, changes, trust."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from pgadvisor.model.catalog import Table
from pgadvisor.model.finding import Severity
from pgadvisor.model.report import (
    NOT_JUDGED_NOTE,
    Changes,
    Endpoint,
    GoneFinding,
    RejectedRemedy,
    Report,
    StatementChange,
    Trials,
    TriedIndex,
)
from pgadvisor.model.workload import Statement
from pgadvisor.reports import format_numbers as numbers
from pgadvisor.reports import labels
from pgadvisor.reports.visible_text import folded

LONGEST = 400
"""Characters of a message or of DDL within a line."""
LABEL = 60
"""Characters of a statement within a line."""


class TableLine(NamedTuple):
    """A table, its share of the time, and the numbers of the findings about it."""

    number: int
    """From 1 in the report's order."""
    table: Table
    share: float | None
    findings: tuple[int, ...]


class EndpointLine(NamedTuple):
    """An endpoint, and the numbers of the findings about it."""

    endpoint: Endpoint
    findings: tuple[int, ...]


class Missing(NamedTuple):
    """Something that was not read, not run or not understood, and what would cure it."""

    text: str
    cure: str | None = None


def counts(report: Report) -> str:
    """`2 errors, 5 warnings, 5 info`, and how many of them are new where that is known; empty: no finding."""
    severities = Counter(finding.severity for finding in report.findings)
    if report.verdict.headline.endswith(" found") and not any(finding.status for finding in report.findings):
        return ""  # the headline counts them
    told = ", ".join(
        numbers.plural(severities[severity], severity.value, "info" if severity is Severity.INFO else None)
        for severity in Severity
        if severities[severity]
    )
    if any(finding.status is not None for finding in report.findings):
        new = sum(finding.status == "new" for finding in report.findings)
        told += f"; {new:,} of them new" if new else "; all of them known"
    return told


def source(report: Report) -> str:
    """What was audited, when, and how long its counters had run."""
    parts = [labels.source_label(report)]
    if (read_at := labels.read_at(report)) is not None:
        parts.append(numbers.moment(read_at))
    if report.window_s is not None:
        parts.append(f"counters of {numbers.duration(report.window_s)}")
    return " · ".join(parts)


def nothing_found(report: Report) -> str:
    """What stands in place of the findings when there is none."""
    if labels.is_of_migrations(report):
        return f"{numbers.plural(len(report.rules_run), 'rule')} found nothing."
    text = f"Nothing to change was found by {numbers.plural(len(report.rules_run), 'rule')}."
    if report.rules_not_run:
        text += f" {numbers.plural(len(report.rules_not_run), 'rule')} could not run."
    return text


def table_lines(report: Report) -> tuple[TableLine, ...]:
    """The tables, those with findings first, then by their share of the time."""
    concerning: dict[str, list[int]] = {}
    for number, finding in enumerate(report.findings, start=1):
        if finding.where.table is not None:
            concerning.setdefault(finding.where.table, []).append(number)
    shares = {each.label: each.share for each in report.table_shares}
    lines = (
        TableLine(
            number,
            table,
            shares.get(table.label, shares.get(table.qualified)),
            tuple(concerning.get(table.qualified, ())),
        )
        for number, table in enumerate(report.tables, start=1)
    )
    return tuple(sorted(lines, key=lambda line: (not line.findings, -(line.share or 0.0))))


def endpoint_lines(report: Report) -> tuple[EndpointLine, ...]:
    """The endpoints in the report's order, each with the findings about its statements."""
    concerning: dict[str, set[int]] = {}
    named: dict[str, set[int]] = {}
    for number, finding in enumerate(report.findings, start=1):
        is_of_requests = finding.saves_ms_per_request is not None  # of this endpoint, whoever else sends the statement
        for key in () if is_of_requests else labels.statements_of(finding):
            concerning.setdefault(key, set()).add(number)
        if finding.where.endpoint is not None:
            named.setdefault(finding.where.endpoint, set()).add(number)
    return tuple(
        EndpointLine(
            endpoint,
            tuple(
                sorted(named.get(endpoint.name, set()).union(*(concerning.get(key, ()) for key in endpoint.statements)))
            ),
        )
        for endpoint in report.endpoints
    )


def changes_sentence(changes: Changes) -> str:
    """How many findings are new, known, fixed, not judged; and whether times can be compared."""
    text = f"{numbers.plural(changes.new, 'new finding')}, {changes.known:,} known, {len(changes.fixed):,} fixed"
    if changes.gone:
        text += f", {len(changes.gone):,} gone (what they are about is no more there, or no more sent)"
    if changes.not_judged:
        text += f", {len(changes.not_judged):,} not judged ({NOT_JUDGED_NOTE})"
    if changes.since_previous:
        text += ". Times are of the time since then alone"
    if changes.reset_between:
        text += ". The counters were reset in between: times a call can be compared, times a day only roughly"
    return f"{text}."


def gone_label(gone: GoneFinding) -> str:
    """A finding of the previous run in a line: its message, place and rule, what was done and what that gave."""
    text = f"{folded(gone.message, LONGEST)} ({', '.join(part for part in (gone.place, gone.rule) if part)})"
    if gone.applied is not None:
        text += f"; {gone.applied} is there now"
    if gone.ms_per_call_before is not None and gone.ms_per_call_after is not None:
        text += f"; a call: {numbers.time(gone.ms_per_call_before)} → {numbers.time(gone.ms_per_call_after)}"
    if gone.queries_before is not None and gone.queries_after is not None:
        text += f"; queries a request: {numbers.count(gone.queries_before)} → {numbers.count(gone.queries_after)}"
    return text


def change_times(change: StatementChange) -> str:
    """`341 ms → 612 ms` a call, or a day where a call is not known."""
    if change.ms_per_call_before is None and change.ms_per_call_after is None:
        return f"{numbers.time(change.ms_per_day_before)} → {numbers.time(change.ms_per_day_after)} a day"
    return f"{numbers.time(change.ms_per_call_before)} → {numbers.time(change.ms_per_call_after)} a call"


def trust_sentence(report: Report) -> str:
    """How much was looked at, and how much was not."""
    ran = numbers.plural(len(report.rules_run), "rule") + " ran"
    parts = [f"{ran}, {len(report.rules_not_run):,} could not" if report.rules_not_run else ran]
    if report.gaps:
        parts.append(f"{numbers.plural(len(report.gaps), 'thing')} could not be read")
    elif report.server is not None:
        parts.append("everything that was asked for was read")
    if report.unread:
        understood = "was" if len(report.unread) == 1 else "were"
        parts.append(f"{numbers.plural(len(report.unread), 'statement')} {understood} not understood")
    if report.is_redacted:
        parts.append("names and literals are pseudonyms")
    if report.suppressed:
        silenced = "is silenced by a comment" if report.suppressed == 1 else "are silenced by comments"
        parts.append(f"{numbers.plural(report.suppressed, 'finding')} {silenced}")
    if report.waived:
        is_or_are = "is" if len(report.waived) == 1 else "are"
        parts.append(f"{numbers.plural(len(report.waived), 'finding')} {is_or_are} waived")
    return f"{'; '.join(parts)}."


def trials_sentence(trials: Trials) -> str:
    """On what the remedies were tried, with which success, and where that is doubtful."""
    is_asked = bool(trials.remedies or trials.rejected)
    text = "What to change was tried on the" if is_asked else "There was no index to try on the"
    text += f" {trials.planner}, which planned {numbers.plural(trials.planned, 'statement')}"
    text += f" and {len(trials.not_planned):,} not" if trials.not_planned else ""
    if is_asked:
        text += f": {numbers.plural(trials.remedies, 'change')} {'helps' if trials.remedies == 1 else 'help'}"
    text += f", {len(trials.rejected):,} {'does' if len(trials.rejected) == 1 else 'do'} not" if trials.rejected else ""
    if trials.different:
        text += f". {numbers.plural(len(trials.different), 'statement')} of {trials.compared:,} planned otherwise there"
        text += " than on the server: what is advised on them is doubtful"
    return f"{text}."


def tried_index(index: TriedIndex) -> str:
    """Whether an index that was tried is used, and how big it would be."""
    size = "" if index.size_bytes is None else f", about {numbers.size(index.size_bytes)}"
    return f"{index.name} is {'used' if index.is_used else 'not used'}{size}"


def rejected_label(rejected: RejectedRemedy) -> str:
    """A change that does not help, and why."""
    return f"does not help: {folded(rejected.change, LONGEST)}: {rejected.reason} ({rejected.rule})"


def different_labels(report: Report) -> tuple[str, ...]:
    """The statements that the audited server plans otherwise than the planner, each with in what."""
    if report.trials is None:
        return ()
    by_key = {each.key: each for each in report.statements}
    found = report.trials.disagreements
    return tuple(f"planned otherwise on the server: {_label(by_key, each.statement)}: {each.what}" for each in found)


def unplanned_labels(report: Report) -> tuple[str, ...]:
    """The statements of which the planner made no plan, each with the reason."""
    if report.trials is None:
        return ()
    by_key = {each.key: each for each in report.statements}
    return tuple(f"no plan of {_label(by_key, each.statement)}: {each.reason}" for each in report.trials.not_planned)


def missing(report: Report) -> Iterator[Missing]:
    """Everything that was not read, not run or not understood."""
    for gap in report.gaps:
        subject = f" {gap.subject}" if gap.subject else ""
        yield Missing(f"{labels.AREAS[gap.area]}{subject}: {gap.reason}", gap.cure)
    for rules, reason, cure in labels.not_run_together(report):
        yield Missing(f"{rules} did not run: {reason}", cure)
    by_key = {each.key: each for each in report.statements}
    for unread in report.unread:
        share = f", {numbers.share(unread.share)} of all time" if unread.share is not None else ""
        own = by_key.get(unread.statement)
        place = labels.statement_place(own) if own is not None else None  # a path is not cut: the line stands behind it
        yield Missing(f"not understood: {place or _label(by_key, unread.statement)}: {unread.reason}{share}")


def _label(by_key: Mapping[str, Statement], key: str) -> str:
    """A statement in a few words; its key where the report does not hold it."""
    return folded(labels.statement_label(by_key[key], LABEL) if key in by_key else key, LABEL)


def number_list(found: Iterable[int], sign: str, most: int = 6) -> str:
    """Numbers of findings: `#1 #5 #7`, the rest only counted."""
    told = list(found)
    more = f" and {len(told) - most:,} more" if len(told) > most else ""
    return " ".join(f"{sign}{number}" for number in told[:most]) + more
