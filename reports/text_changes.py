"""What is different between two runs, in a terminal: a section of the report, and `pgadvisor diff` by itself."""

from collections.abc import Iterable, Iterator

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from pgadvisor.model.report import Changes, Report
from pgadvisor.reports import change_words, labels
from pgadvisor.reports import format_numbers as numbers
from pgadvisor.reports import report_words as words
from pgadvisor.reports.text_console import printed
from pgadvisor.reports.text_sections import FEW_ROWS, MOST_ROWS, gone_findings, heading, item, more
from pgadvisor.reports.text_sections import changed_statements as statements_of
from pgadvisor.reports.visible_text import folded, visible

WIDTH = 80
LABEL = 90


def render(report: Report, *, width: int = WIDTH, color: bool = False) -> str:
    """What changed since the previous run, and nothing else of the report. It has `changes`."""
    return printed(_parts(report), width=width, color=color)


def section(report: Report) -> Iterator[RenderableType]:
    """What is different from the previous run, at the end of a report."""
    changes = report.changes
    if changes is None:
        return
    yield heading(f"Changes since {numbers.moment(changes.previous_at)}")
    yield Text(words.changes_sentence(changes))
    yield from gone_findings(changes)
    if changes.statements:
        yield Text()
        yield from statements_of(changes)
    yield from _moved(report, changes, is_new_told=True)
    yield from _beside(changes)
    yield from map(item, changes.notes)


def _parts(report: Report) -> Iterable[RenderableType]:
    changes = report.changes
    if changes is None:
        return
    yield Text(visible(change_words.headline(report, changes)), style="bold")
    yield Text(visible(f"{labels.source_label(report)} · {change_words.span(report, changes)}"), style="dim")
    if told := change_words.load(changes):
        yield Text(told)
    yield from _moved(report, changes)
    if changes.fixed or changes.gone or changes.not_judged:
        yield heading("Findings that are no more")
        yield from gone_findings(changes)
    yield from _beside(changes)
    if changes.statements:
        yield heading("Statements")
        yield from statements_of(changes)
    yield heading("How far to trust this")
    yield Text(words.changes_sentence(changes))
    yield from map(item, changes.notes)
    for gap in report.gaps:
        if gap.subject == "the previous run":
            yield item(gap.reason, gap.cure)


def _moved(report: Report, changes: Changes, *, is_new_told: bool = False) -> Iterator[RenderableType]:
    for group in change_words.finding_groups(report, changes):
        if is_new_told and group.noun == "new finding":
            continue
        yield heading(group.title)
        yield from map(item, group.lines[:MOST_ROWS])
        yield from more(len(group.lines), group.noun)


def _beside(changes: Changes) -> Iterator[RenderableType]:
    """Indexes, endpoints, schema."""
    if changes.indexes:
        yield heading("Indexes made and dropped, and what that saved (measured)")
    for change in changes.indexes[:MOST_ROWS]:
        yield item(change_words.index_line(change))
        grid = Table.grid(padding=(0, 1, 0, 0))
        grid.add_column(width=5)
        grid.add_column(overflow="fold", style="dim")
        for each in change.statements[:FEW_ROWS]:
            grid.add_row("", Text(visible(f"{change_words.measured_times(each)}: {folded(each.text, LABEL)}")))
        yield grid
    yield from more(len(changes.indexes), "index", "indexes")
    yield from _endpoints(changes)
    if told := change_words.schema_beside(changes):
        yield heading("Schema, settings and server")
        yield from (item(change_words.schema_line(each)) for each in told[: 2 * MOST_ROWS])
        yield from more(len(told), "change", shown=2 * MOST_ROWS)


def _endpoints(changes: Changes) -> Iterator[RenderableType]:
    told = [each for each in changes.endpoints if each.change != "same"]
    if not changes.endpoints:
        return
    yield heading("Endpoints")
    if not told:
        yield Text(f"None of {numbers.plural(len(changes.endpoints), 'endpoint')} changed by more than noise.")
        return
    yield from (item(change_words.endpoint_line(each)) for each in told[:MOST_ROWS])
    yield from more(len(told), "endpoint")
