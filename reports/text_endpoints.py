"""Endpoints in a terminal: the list of them, and the story of one with its waterfall and what remedies save."""

from collections.abc import Iterator

from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from pgadvisor.model.report import Report
from pgadvisor.reports import endpoint_words, log_words, text_sections
from pgadvisor.reports import format_numbers as numbers
from pgadvisor.reports import report_words as words
from pgadvisor.reports.lookup import lookup_of
from pgadvisor.reports.text_console import printed
from pgadvisor.reports.text_finding import finding_view
from pgadvisor.reports.visible_text import folded, visible

BAR = 20
"""Signs of a waterfall's bar."""
LABEL = 200
LINE = 40
MOST = 15
WIDTH = 110
TITLES = ("of time", "requests", "queries", "mean", "p95")


def section(report: Report) -> Iterator[RenderableType]:
    """The part of a report that lists the endpoints."""
    yield text_sections.heading("Endpoints")
    yield from table(report)
    yield Text(endpoint_words.LOGS_NOTE, style="dim")


def log_section(report: Report) -> Iterator[RenderableType]:
    """The part of a report that tells what else is in the logs."""
    if not report.log_files:
        return
    yield text_sections.heading("Log")
    yield Text(log_words.read_sentence(report))
    rows = log_words.event_rows(report)
    grid = Table.grid(padding=(0, 2, 0, 0))
    for _ in range(2):
        grid.add_column(justify="right", no_wrap=True)
    grid.add_column(overflow="fold")
    for row in rows[:MOST]:
        told = f"{row.kind}: {folded(row.what, LABEL)}" if row.what else row.kind
        grid.add_row(numbers.count(row.times), row.amount, Text(visible(told)))
    yield grid
    yield from text_sections.more(len(rows), "kind", shown=MOST)
    if rows:
        yield Text(log_words.NOTE, style="dim")


def table(report: Report, *, most: int | None = MOST) -> Iterator[RenderableType]:
    """The endpoints whose requests are known, a line each."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    for _ in TITLES:
        grid.add_column(justify="right", no_wrap=True)
    grid.add_column(overflow="fold")
    grid.add_row(*(Text(title, style="dim") for title in (*TITLES, "endpoint")))
    lines = [line for line in words.endpoint_lines(report) if line.endpoint.seen is not None]
    for endpoint, found in lines[:most]:
        seen = endpoint.seen
        assert seen is not None
        told = f"  {words.number_list(found, '#')}" if found else ""
        grid.add_row(
            numbers.share(endpoint.share),
            numbers.count(seen.requests),
            numbers.count(seen.queries.median),
            numbers.time(seen.database_ms.total / seen.requests),
            numbers.time(seen.database_ms.p95),
            Text(visible(folded(endpoint.name, 200)) + told),
        )
    yield grid
    if most is not None:
        yield from text_sections.more(len(lines), "endpoint", shown=most)


def _list(report: Report) -> Iterator[RenderableType]:
    """All of them, and what was found, each finding once."""
    yield from table(report, most=None)
    lines = endpoint_words.finding_lines(report)
    if lines:
        yield Text()
        grid = Table.grid(padding=(0, 1, 0, 0))
        for _ in range(2):
            grid.add_column(no_wrap=True)
        grid.add_column(overflow="fold")
        for line in lines:
            grid.add_row(f"#{line.number}", line.severity, Text(visible(line.text)))
        yield grid
    yield Text(f"\n{endpoint_words.LOGS_NOTE} --endpoint NAME tells the story of one.", style="dim")


def story(report: Report, name: str) -> Iterator[RenderableType]:
    """One endpoint: figures, waterfalls, and what makes it slow."""
    endpoint, found = next(line for line in words.endpoint_lines(report) if line.endpoint.name == name)
    seen = endpoint.seen
    yield text_sections.heading(visible(folded(name, 200)))
    if seen is None:
        yield Text("No log tells of its requests: give the server's log files with --log FILE.")
        return
    yield Text(endpoint_words.figures(seen))
    yield Text(f"Requests are told {endpoint_words.TOLD_BY[seen.told_by]}.", style="dim")
    for each in endpoint_words.waterfalls(seen, endpoint_words.texts_of(report)):
        yield Text()
        yield from _waterfall(each)
    yield Text()
    savings = endpoint_words.savings(endpoint, found, report)
    if not savings:
        yield Text("Nothing was found that makes it slow.")
    lookup = lookup_of(report)
    for saving in savings:
        yield finding_view(lookup, saving.number)
        if saving.finding.saves_ms_per_request is None and (saved := endpoint_words.saved_text(saving)):
            yield Text(f"   {saved}", style="bold")
        yield Text()


def _waterfall(each: endpoint_words.Waterfall) -> Iterator[RenderableType]:
    yield Text(each.title)
    grid = Table.grid(padding=(0, 2, 0, 0), expand=True)
    for justify in ("right", "right", "left"):
        grid.add_column(justify=justify, no_wrap=True)
    grid.add_column(overflow="ellipsis", no_wrap=True, ratio=1)
    for row in each.rows:
        told = endpoint_words.row_label(row, LABEL)
        place = f"{folded(row.line, LINE)}  " if row.line else ""
        grid.add_row(
            f"+{numbers.time(row.start_ms)}",
            numbers.time(row.busy_ms),
            Text(bar(row.start, row.width, BAR), style="cyan"),
            Text.assemble((visible(place), "dim"), visible(told)),
        )
    yield Padding(grid, (0, 0, 0, 2))
    if each.more:
        yield Text(f"  and {numbers.plural(each.more, 'more query', 'more queries')}", style="dim")


def bar(start: float, width: float, signs: int) -> str:
    """A bar in a line of so many signs; what ran is seen, however short it was."""
    first = min(int(start * signs), signs - 1)
    last = max(first + 1, min(round((start + width) * signs), signs))
    return " " * first + "█" * (last - first) + " " * (signs - last)


def render(report: Report, name: str | None, *, width: int = WIDTH, color: bool = False) -> str:
    """The list of endpoints, or the story of the one of that name, as text."""
    parts = story(report, name) if name is not None else _list(report)
    return printed(parts, width=width, color=color).lstrip("\n")
