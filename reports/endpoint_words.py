"""What a report says of endpoints, in words and rows for all formats: figures, waterfalls, what remedies save."""

from collections.abc import Mapping
from itertools import groupby
from typing import NamedTuple

from pgadvisor.model.finding import Finding
from pgadvisor.model.log import LoggedEndpoint, RequestTrace
from pgadvisor.model.report import ENDPOINTS_NOTE, Endpoint, Report
from pgadvisor.reports import format_numbers as numbers
from pgadvisor.reports import labels, report_words
from pgadvisor.reports.visible_text import folded

NAME = 120
LONGEST = 400
DAY_MS = 86_400_000.0
MOST_ROWS = 30
"""Of a waterfall: of more the first ones are shown, and how many are not."""
CONTROL = ("BEGIN", "START", "COMMIT", "ROLLBACK", "END", "ABORT", "SAVEPOINT", "RELEASE")
SHORT_MS = 1.0
"""A COMMIT that takes less is no row of a waterfall."""
LOGS_NOTE = "Requests are told from the logs. What a remedy saves is at most what its statements take."
TOLD_BY = {
    "trace": "by the id in their tags",
    "tags": "by their tags: statements of one connection without a pause",
    "transaction": "by their transactions: there are no tags",
    "application_name": "by application_name",
}


class WaterfallRow(NamedTuple):
    """A statement of a request, or its runs right after each other."""

    text: str
    runs: int
    start_ms: float
    end_ms: float
    busy_ms: float
    """Time of all these runs."""
    line: str | None
    start: float
    """Where its bar begins, 0 to 1."""
    width: float


class Waterfall(NamedTuple):
    """One request as it was."""

    title: str
    rows: tuple[WaterfallRow, ...]
    more: int
    """Statements that are not among the rows."""


class FindingLine(NamedTuple):
    """A finding about requests, in a line: `GET /orders: 25 queries a request …; saves at most 12 ms …`."""

    number: int
    severity: str
    text: str


class Saving(NamedTuple):
    """A finding about an endpoint, and what curing it saves of each request, at most."""

    number: int
    finding: Finding
    ms: float | None


def note(report: Report) -> str:
    """What to say beside the figures of endpoints."""
    return LOGS_NOTE if is_seen(report) else ENDPOINTS_NOTE


def is_seen(report: Report) -> bool:
    """Whether logs told of requests."""
    return any(each.seen is not None for each in report.endpoints)


def figures(seen: LoggedEndpoint) -> str:
    """`240 requests · 27 queries each (p95 31) · 12 ms each in the database (p95 20 ms)`."""
    parts = [
        numbers.plural(seen.requests, "request"),
        f"{numbers.count(seen.queries.median)} {'query' if seen.queries.median == 1 else 'queries'} each "
        f"(p95 {numbers.count(seen.queries.p95)})",
        f"{numbers.time(seen.database_ms.total / seen.requests)} each in the database "
        f"(p95 {numbers.time(seen.database_ms.p95)})",
    ]
    if seen.rows is not None:
        parts.append(f"{numbers.count(seen.rows / seen.requests)} rows each")
    if (idle := seen.idle_in_transaction_ms / seen.requests) >= SHORT_MS:
        parts.append(f"{numbers.time(idle)} idle in a transaction")
    if seen.lock_wait_ms:
        parts.append(f"{numbers.time(seen.lock_wait_ms)} of waits for locks in all")
    return " · ".join(parts)


def waterfalls(seen: LoggedEndpoint, texts: Mapping[str, str]) -> tuple[Waterfall, ...]:
    """A typical request and a slow one; one where they are the same. `texts`: of statements by their keys."""
    found = []
    if seen.typical is not None:
        found.append(_waterfall("A typical request", seen.typical, texts))
    if seen.slow is not None and seen.slow != seen.typical:
        found.append(_waterfall("A slow request", seen.slow, texts))
    return tuple(found)


def texts_of(report: Report) -> dict[str, str]:
    """The texts of logged statements by their keys, in one line each."""
    return {each.key: " ".join(each.text.split()) for each in report.logged}


def savings(endpoint: Endpoint, findings: tuple[int, ...], report: Report) -> tuple[Saving, ...]:
    """The findings about an endpoint, those that save most of a request first."""
    found = [Saving(number, each, _saved(each, endpoint, report))
             for number in findings for each in (report.findings[number - 1],)]  # fmt: skip
    return tuple(sorted(found, key=lambda each: (each.ms is None, -(each.ms or 0.0), each.number)))


def finding_lines(report: Report) -> tuple[FindingLine, ...]:
    """The findings about endpoints whose requests are known, each once, at the endpoint where it saves most."""
    best: dict[int, tuple[Endpoint, Saving]] = {}
    for endpoint, numbers_found in report_words.endpoint_lines(report):
        for saving in savings(endpoint, numbers_found, report) if endpoint.seen else ():
            known = best.get(saving.number)
            if known is None or (saving.ms or 0.0) > (known[1].ms or 0.0):
                best[saving.number] = (endpoint, saving)
    return tuple(_finding_line(endpoint, saving) for _, (endpoint, saving) in sorted(best.items()))


def _finding_line(endpoint: Endpoint, saving: Saving) -> FindingLine:
    finding, saved = saving.finding, saved_text(saving)
    text = f"{folded(endpoint.name, NAME)}: {folded(finding.message, LONGEST)}" + (f"; {saved}" if saved else "")
    return FindingLine(saving.number, finding.severity.value, text)


def saved_text(saving: Saving) -> str:
    """`saves at most 2.4 ms of each request`; empty: nobody knows."""
    return "" if saving.ms is None else f"saves {numbers.at_most(saving.ms)} of each request"


def _saved(finding: Finding, endpoint: Endpoint, report: Report) -> float | None:
    """Its own figure; of a finding about statements the share that it saves, of their time in each request."""
    if finding.where.endpoint == endpoint.name and finding.saves_ms_per_request is not None:
        return finding.saves_ms_per_request
    seen, window = endpoint.seen, report.window_s
    if seen is None or finding.gain_ms_per_day is None or window is None:
        return None
    concerned = [each for each in report.statements if each.key in labels.statements_of(finding)]
    ms_per_day = sum(each.total_ms or 0.0 for each in concerned) * DAY_MS / 1000 / window
    here = {each.statement: each.database_ms for each in seen.statements}
    spent = sum(here.get(each.fingerprint, 0.0) for each in concerned) / seen.requests
    return spent * min(finding.gain_ms_per_day / ms_per_day, 1.0) if ms_per_day and spent else None


def _waterfall(name: str, trace: RequestTrace, texts: Mapping[str, str]) -> Waterfall:
    shown = [step for step in trace.steps if step.duration_ms >= SHORT_MS or not _is_control(texts, step.statement)]
    whole = max((step.start_ms + step.duration_ms for step in trace.steps), default=0.0) or 1.0
    rows = []
    for (statement, line), each in groupby(shown, key=lambda step: (step.statement, step.line)):
        steps = [*each]
        start, end = steps[0].start_ms, max(step.start_ms + step.duration_ms for step in steps)
        rows.append(WaterfallRow(
            text=texts.get(statement, "a statement that is not kept"), runs=len(steps), start_ms=start, end_ms=end,
            busy_ms=sum(step.duration_ms for step in steps), line=line, start=start / whole,
            width=(end - start) / whole,
        ))  # fmt: skip
    title = (
        f"{name}: {numbers.plural(trace.statements, 'query', 'queries')}, {numbers.time(trace.database_ms)} in the "
        f"database, {numbers.time(trace.duration_ms)} from the first to the last"
    )
    told = sum(row.runs for row in rows[:MOST_ROWS])
    return Waterfall(title, tuple(rows[:MOST_ROWS]), max(trace.statements - told, 0))


def _is_control(texts: Mapping[str, str], statement: str) -> bool:
    return texts.get(statement, "").upper().startswith(CONTROL)


def row_label(row: WaterfallRow, width: int) -> str:
    """`25 × SELECT name FROM customer WHERE id = $1`."""
    return folded(f"{row.runs:,} × {row.text}" if row.runs > 1 else row.text, width)
