"""The report in a terminal: whole, in a few lines, or for one statement. Words carry the meaning, colour only helps."""

from collections import Counter
from collections.abc import Iterable
from io import StringIO

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from pgadvisor.model.finding import Severity
from pgadvisor.model.report import Report, TimeShare
from pgadvisor.reports import format_numbers as numbers
from pgadvisor.reports import labels
from pgadvisor.reports.plan_rows import plan_table
from pgadvisor.reports.text_finding import finding_view, headline, short_view
from pgadvisor.reports.text_plan import plan_view
from pgadvisor.reports.text_sql import MarkedSql
from pgadvisor.reports.visible_text import visible

TOP = 3
"""Findings in the summary: it stands under a shell's prompt, not in a document."""
WIDTH = 80
FEW = 5
"""Given statements of which each is shown, also where nothing was found; of more only those with findings."""


def render(report: Report, *, width: int = WIDTH, color: bool = False) -> str:
    """The whole report as text: by rank, or by statement where the user gave them. SQL to copy is never wrapped."""
    written = StringIO()
    console = Console(
        file=written,
        width=width,
        color_system="standard" if color else None,
        force_terminal=color,
        legacy_windows=False,
        emoji=False,
        markup=False,
        highlight=False,
        _environ={},
    )
    for part in _parts(report):
        console.print(part, crop=False)
    return "\n".join(line.rstrip() for line in written.getvalue().rstrip().splitlines()) + "\n"


def summary(report: Report) -> RenderableType:
    """The verdict, the top findings and what was not looked at: what a person sees when the report went to a file."""
    parts: list[RenderableType] = [_verdict(report), Text()]
    for number in range(1, min(TOP, len(report.findings)) + 1):
        parts += [short_view(report, number), Text()]
    if len(report.findings) > TOP:
        more = numbers.plural(len(report.findings) - TOP, "more finding")
        parts.append(Text(f"and {more} in the report", style="dim"))
    parts.append(Text(_trust_line(report), style="dim"))
    return Group(*parts)


def statement_view(report: Report, key: str) -> RenderableType:
    """One statement: its text, guilty parts marked, its plan, its findings. Raises KeyError for a strange key."""
    return _statement(report, key, told=set(), is_whole=False)


def _statement(report: Report, key: str, *, told: set[int], is_whole: bool) -> RenderableType:
    """A statement with its findings; of those `told` before, and they are told once, only the headline."""
    statement = {each.key: each for each in report.statements}[key]
    found = _concerning(report, key)
    own = [number for number in found if labels.statements_of(report.findings[number - 1])[0] == key]
    spans = tuple(span for number in own for span in report.findings[number - 1].spans)
    title = (labels.statement_place(statement) or f"queryid {key}", statement.name)
    parts: list[RenderableType] = [
        Text(visible(" · ".join(part for part in title if part)), style="bold underline"),
        MarkedSql(statement.text, spans),
        Text(),
        _plan(report, key, own),
    ]
    for number in found:
        parts.append(Text())
        parts.append(
            headline(report.findings[number - 1], number)
            if number in told
            else finding_view(report, number, is_whole=is_whole, below_query=True)
        )
    told.update(found)
    if not found:
        parts += [Text(), Text(_nothing_found(report))]
    return Group(*parts)


def _concerning(report: Report, key: str) -> list[int]:
    """Numbers of the findings that concern a statement, in the report's order."""
    return [number for number, finding in enumerate(report.findings, start=1) if key in labels.statements_of(finding)]


def _parts(report: Report) -> Iterable[RenderableType]:
    yield _verdict(report)
    yield Text(visible(_source_line(report)), style="dim")
    if report.statements and all(statement.position is not None for statement in report.statements):
        yield from _by_statement(report)
    else:
        yield from _by_rank(report)
    yield _heading("Trust")
    yield from _trust(report)


def _by_rank(report: Report) -> Iterable[RenderableType]:
    """For a database's workload: where its time goes, then every finding in the report's order."""
    if report.time:
        yield _heading("Where the time goes")
        yield _shares(report.time)
    if report.time_by_table:
        yield Text()
        yield _shares(report.time_by_table)
    yield _heading("Findings")
    if not report.findings:
        yield Text(_nothing_found(report))
    for number in range(1, len(report.findings) + 1):
        yield finding_view(report, number, is_whole=True)
        yield Text()


def _by_statement(report: Report) -> Iterable[RenderableType]:
    """For statements that the user gave: each in the order given, with its plan and findings, then the rest."""
    told: set[int] = set()
    quiet: list[str] = []
    for statement in report.statements:
        if len(report.statements) > FEW and not _concerning(report, statement.key):
            quiet.append(f"{statement.position:,}")
            continue
        yield Text()
        yield _statement(report, statement.key, told=told, is_whole=True)
    if quiet:
        yield Text(
            f"\nNothing to change was found in {'statement' if len(quiet) == 1 else 'statements'} {', '.join(quiet)}."
        )
    others = [number for number in range(1, len(report.findings) + 1) if number not in told]
    if others:
        yield _heading("Findings about no statement")
    for number in others:
        yield finding_view(report, number, is_whole=True)
        yield Text()


def _heading(title: str) -> RenderableType:
    return Text(f"\n{title}\n{'─' * len(title)}", style="bold")


def _verdict(report: Report) -> RenderableType:
    verdict = report.verdict
    counts = Counter(finding.severity for finding in report.findings)
    told = ", ".join(
        numbers.plural(counts[severity], severity.value, "info" if severity is Severity.INFO else None)
        for severity in Severity
        if counts[severity]
    )
    return Group(
        Text(visible(verdict.headline), style="bold"), Text(visible(verdict.text)), *([Text(told)] if told else [])
    )


def _source_line(report: Report) -> str:
    parts = [labels.source_label(report), numbers.moment(report.collected_at)]
    if report.window_s is not None:
        parts.append(f"counters of {numbers.duration(report.window_s)}")
    return " · ".join(parts)


def _shares(shares: tuple[TimeShare, ...]) -> RenderableType:
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(justify="right", no_wrap=True)
    grid.add_column(justify="right", no_wrap=True)
    grid.add_column(overflow="fold")
    for each in shares:
        grid.add_row(Text(numbers.share(each.share)), Text(numbers.time(each.total_ms)), Text(visible(each.label)))
    return grid


def _plan(report: Report, key: str, findings: list[int]) -> RenderableType:
    planned = next((each for each in report.plans if each.statement == key), None)
    if planned is None or planned.plan is None:
        unknown = "no database was asked" if report.server is None else "none was asked for"
        reason = planned.reason if planned and planned.reason else unknown
        return Text(f"No plan: {visible(reason)}")
    guilty: dict[int, list[int]] = {}
    for number in findings:
        node = report.findings[number - 1].node
        if node is not None:
            guilty.setdefault(node, []).append(number)
    title = f"Plan: {visible(labels.plan_origin(planned))}"
    return Group(Text(title), plan_view(plan_table(planned.plan), guilty))


def _nothing_found(report: Report) -> str:
    ran = numbers.plural(len(report.rules_run), "rule")
    text = f"Nothing to change was found by {ran}."
    if report.rules_not_run:
        text += f" {numbers.plural(len(report.rules_not_run), 'rule')} could not run."
    return text


def _trust_line(report: Report) -> str:
    parts = [f"{numbers.plural(len(report.rules_run), 'rule')} run"]
    if report.rules_not_run:
        parts.append(f"{len(report.rules_not_run):,} not run")
    parts.append(numbers.plural(len(report.gaps), "gap") if report.gaps else "no gaps")
    if report.unread:
        parts.append(f"{numbers.plural(len(report.unread), 'statement')} not understood")
    if report.suppressed:
        parts.append(f"{numbers.plural(report.suppressed, 'finding')} silenced")
    return ", ".join(parts)


def _trust(report: Report) -> Iterable[RenderableType]:
    yield Text(_trust_line(report))
    for gap in report.gaps:
        subject = f" {gap.subject}" if gap.subject else ""
        yield _missing(f"{labels.AREAS[gap.area]}{subject}: {gap.reason}", gap.cure)
    for rules, reason, cure in labels.not_run_together(report):
        yield _missing(f"{rules} did not run: {reason}", cure)
    by_key = {each.key: each for each in report.statements}
    for unread in report.unread:
        statement = by_key.get(unread.statement)
        name = labels.statement_label(statement, 60) if statement else unread.statement
        share = f", {numbers.share(unread.share)} of all time" if unread.share is not None else ""
        yield _missing(f"not understood: {name}: {unread.reason}{share}", None)


def _missing(text: str, cure: str | None) -> RenderableType:
    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_column(width=3)
    grid.add_column(overflow="fold")
    grid.add_row(Text("  -"), Text(visible(text)))
    if cure:
        grid.add_row("", Text(f"cure: {visible(cure)}", style="dim"))
    return grid
