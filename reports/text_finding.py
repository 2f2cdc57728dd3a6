"""A finding in a terminal: its message, then why, what to change, and what would make it wrong."""

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from pgadvisor.model.finding import Finding, Severity
from pgadvisor.model.report import Report
from pgadvisor.reports import format_numbers as numbers
from pgadvisor.reports import labels
from pgadvisor.reports.fix_first import gain
from pgadvisor.reports.text_sql import copyable
from pgadvisor.reports.visible_text import folded, visible

STYLES = {Severity.ERROR: "bold red", Severity.WARNING: "bold yellow", Severity.INFO: "bold cyan"}
"""Colour beside the word, never instead of it."""
QUERY_LENGTH = 240
"""Characters of a statement: enough to know it by; the HTML report has all of it."""


def finding_view(report: Report, number: int, *, is_whole: bool, below_query: bool = False) -> RenderableType:
    """All that a finding says. `is_whole`: SQL in lines as long as they are; `below_query`: its query stands above."""
    finding = report.findings[number - 1]
    remedy = finding.remedy
    parts: list[RenderableType] = [headline(finding, number), _facts(_before(report, finding, below_query=below_query))]
    for title, sql in (("change", remedy.sql), ("undo", remedy.undo)):
        if sql and title == "undo":
            parts.append(_facts(iter([("undo", "")])))
        if sql:
            parts.append(copyable(sql, is_whole=is_whole))
    parts.append(_facts(_after(report, finding)))
    return Group(*parts)


def short_view(report: Report, number: int) -> RenderableType:
    """A finding in a few lines: message, what it rests on, the change, the gain."""
    finding = report.findings[number - 1]
    parts: list[RenderableType] = [headline(finding, number)]
    facts = [("because", f"{each.text} ({each.rung})") for each in finding.evidence[:1]]
    facts += [("change", finding.remedy.text)]
    parts.append(_facts(iter(facts)))
    if finding.remedy.sql:
        parts.append(copyable(finding.remedy.sql, is_whole=False))
    freed = gain_text(report, finding)
    if freed:
        parts.append(_facts(iter([("gain", freed)])))
    return Group(*parts)


def headline(finding: Finding, number: int) -> RenderableType:
    """`#1 error  sequential scan of orders reads …`"""
    line = Table.grid(padding=(0, 1, 0, 0))
    line.add_column(no_wrap=True)
    line.add_column(no_wrap=True)
    line.add_column(overflow="fold")
    line.add_row(
        Text(f"#{number}", style="bold"),
        Text(f"{finding.severity.value:<7}", style=STYLES[finding.severity]),
        Text(visible(finding.message), style="bold"),
    )
    return line


def gain_text(report: Report, finding: Finding) -> str | None:
    """What its change frees, in words; None when that is not known."""
    freed = gain(report, finding)
    if freed is None:
        return None
    text = "frees " + ("" if freed.is_extrapolated else f"{numbers.time(freed.freed_ms_per_day)} a day")
    if freed.share is not None:
        text += f"{'' if freed.is_extrapolated else ', '}{numbers.share(freed.share)} of all database time"
    if freed.now_ms_per_call is not None:
        text += f"; a call: {numbers.time(freed.now_ms_per_call)} → {numbers.time_after(freed.after_ms_per_call)}"
    return f"{text} (estimated)"


def _before(report: Report, finding: Finding, *, below_query: bool) -> Iterator[tuple[str, str]]:
    places = [place for place in (labels.where_label(finding.where), _statement(report, finding)) if place]
    if places:
        yield "where", " · ".join(places)
    if finding.where.endpoint and finding.where.endpoint not in places:
        yield "endpoint", finding.where.endpoint
    text = _text(report, finding)
    if text and not below_query:
        yield "query", text
    for at, each in enumerate(finding.evidence):
        yield "because" if at == 0 else "", f"{each.text} ({each.rung})"
    yield "change", finding.remedy.text


def _after(report: Report, finding: Finding) -> Iterator[tuple[str, str]]:
    for title, text in (
        ("lock", finding.remedy.lock),
        ("cost", finding.remedy.cost),
        ("gain", gain_text(report, finding)),
        ("wrong if", finding.wrong_if),
        ("rule", finding.rule),
    ):
        if text:
            yield title, text


def _statement(report: Report, finding: Finding) -> str | None:
    """Where its statement stands, and how many more it concerns."""
    keys = labels.statements_of(finding)
    if not keys:
        return None
    by_key = {each.key: each for each in report.statements}
    first = by_key.get(keys[0])
    place = (labels.statement_place(first) if first else None) or f"queryid {keys[0]}"
    name = f'"{first.name}", ' if first is not None and first.name else ""
    more = f" and {numbers.plural(len(keys) - 1, 'more statement')}" if len(keys) > 1 else ""
    return f"{name}{place}{more}"


def _text(report: Report, finding: Finding) -> str | None:
    """The beginning of its statement."""
    key = next(iter(labels.statements_of(finding)), None)
    statement = next((each for each in report.statements if each.key == key), None)
    return folded(statement.text, QUERY_LENGTH) if statement else None


def _facts(facts: Iterator[tuple[str, str]]) -> RenderableType:
    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_column(width=12, no_wrap=True)
    grid.add_column(overflow="fold")
    for title, text in facts:
        grid.add_row(Text(f"    {title}", style="dim"), Text(visible(text)))
    return grid
