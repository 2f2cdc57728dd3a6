"""The parts of a text report beside its findings: time, what to fix first, endpoints, tables, changes, trust."""

from collections.abc import Iterator

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from pgadvisor.model.report import ENDPOINTS_NOTE, Changes, Report, TimeShare
from pgadvisor.reports import format_numbers as numbers
from pgadvisor.reports import report_words as words
from pgadvisor.reports.fix_first import first_fixes
from pgadvisor.reports.lookup import Lookup
from pgadvisor.reports.migration_lines import migration_lines, statements_text
from pgadvisor.reports.text_finding import first_view
from pgadvisor.reports.visible_text import folded, visible

MOST_ROWS = 15
"""Of a table of numbers: the first screen of it; JSON and HTML have all."""
FEW_ROWS = 5
"""Of what is the same thing again and again."""
MOST_MISSING = 30
NAME = 200
"""Characters of a name or a text of the database in a line."""


def heading(title: str) -> RenderableType:
    """A title with a line under it."""
    return Text(f"\n{title}\n{'─' * len(title)}", style="bold")


def time(report: Report) -> Iterator[RenderableType]:
    """Where the time goes, by statement and by table."""
    if report.time or report.time_by_table:
        yield heading("Where the time goes")
    for at, shares in enumerate(each for each in (report.time, report.time_by_table) if each):
        if at:
            yield Text()
        yield _shares(shares)


def fix_first(lookup: Lookup) -> Iterator[RenderableType]:
    """The few changes that free most."""
    fixes = first_fixes(lookup)
    if fixes:
        yield heading("Fix first")
    if fixes and all(fix.gain is None for fix in fixes):
        yield Text("No gain is known: these are the worst findings that have a change in SQL.\n")
    for at, fix in enumerate(fixes):
        if at:
            yield Text()
        yield first_view(lookup, fix.number)


def migrations(report: Report) -> Iterator[RenderableType]:
    """The files that were judged, and how many of their statements were tried."""
    lines = migration_lines(report)
    if not lines:
        return
    yield heading("Migrations")
    # Those with findings first: of 300 files nobody looks for the three.
    for line in sorted(lines, key=lambda line: not line.findings)[:MOST_ROWS]:
        found = words.number_list(line.findings, "#") or "nothing found"
        yield item(f"{line.migration.file}: {statements_text(line.migration)}; {found}")
    yield from more(len(lines), "migration")


def endpoints(report: Report) -> Iterator[RenderableType]:
    """The requests of the application, the most costly first."""
    lines = words.endpoint_lines(report)
    if not lines:
        return
    yield heading("Endpoints")
    grid = _numbers("of time", "in all", "calls")
    for endpoint, found in lines[:MOST_ROWS]:
        grid.add_row(
            numbers.share(endpoint.share),
            numbers.time(endpoint.total_ms),
            numbers.count(endpoint.calls),
            _named(endpoint.name, found),
        )
    yield grid
    yield from more(len(lines), "endpoint")
    yield Text(ENDPOINTS_NOTE, style="dim")


def tables(report: Report) -> Iterator[RenderableType]:
    """The tables, those with findings first."""
    lines = words.table_lines(report)
    if not lines:
        return
    yield heading("Tables")
    grid = _numbers("of time", "rows", "size", "indexes")
    for _, table, share, found in lines[:MOST_ROWS]:
        grid.add_row(
            numbers.share(share),
            numbers.count(table.rows),
            numbers.size(table.total_bytes),
            numbers.size(table.index_bytes),
            _named(table.label, found),
        )
    yield grid
    yield from more(len(lines), "table")


def gone_findings(changes: Changes) -> Iterator[RenderableType]:
    """The findings of the previous run that this one does not have, each with what became of it."""
    for title, gone in (("fixed", changes.fixed), ("gone", changes.gone), ("not judged", changes.not_judged)):
        for each in gone[:MOST_ROWS]:
            yield item(f"{title}: {folded(words.gone_label(each), 2 * NAME)}")
        yield from more(len(gone), f"{title} finding")


def changed_statements(changes: Changes) -> Iterator[RenderableType]:
    """The statements whose time is another."""
    if not changes.statements:
        return
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column(justify="right", no_wrap=True)
    grid.add_column(overflow="fold")
    for each in changes.statements[:MOST_ROWS]:
        grid.add_row(each.change, words.change_times(each), Text(visible(folded(each.text, NAME))))
    yield grid
    yield from more(len(changes.statements), "statement")


def trust(report: Report) -> Iterator[RenderableType]:
    """How much was looked at, and what was not and why."""
    yield heading("How far to trust this")
    yield Text(words.trust_sentence(report))
    if report.trials is not None:
        yield Text(visible(words.trials_sentence(report.trials)))
        yield from (item(words.rejected_label(each)) for each in report.trials.rejected[:MOST_ROWS])
        yield from more(len(report.trials.rejected), "change that does not help", "changes that do not help")
        different = words.different_labels(report)
        yield from (item(each) for each in different[:FEW_ROWS])
        yield from more(len(different), "statement planned otherwise", "statements planned otherwise", shown=FEW_ROWS)
        unplanned = words.unplanned_labels(report)
        yield from (item(each) for each in unplanned[:FEW_ROWS])
        yield from more(len(unplanned), "statement without a plan", "statements without a plan", shown=FEW_ROWS)
    yield from missing(report)


def missing(report: Report) -> Iterator[RenderableType]:
    """Everything that was not read, not run or not understood, each with its cure."""
    told = list(words.missing(report))
    for each in told[:MOST_MISSING]:
        yield item(each.text, each.cure)
    yield from more(len(told), "thing", shown=MOST_MISSING)


def _shares(shares: tuple[TimeShare, ...]) -> RenderableType:
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(justify="right", no_wrap=True)
    grid.add_column(justify="right", no_wrap=True)
    grid.add_column(overflow="fold")
    for each in shares:
        grid.add_row(numbers.share(each.share), numbers.time(each.total_ms), Text(visible(folded(each.label, NAME))))
    return grid


def _numbers(*titles: str) -> Table:
    """A table of numbers, right-aligned, and a name with the findings about it."""
    grid = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    for title in titles:
        grid.add_column(title, justify="right", no_wrap=True)
    grid.add_column("", overflow="fold")
    return grid


def _named(name: str, found: tuple[int, ...]) -> Text:
    told = Text(visible(folded(name, NAME)))
    if found:
        told.append(f"  {words.number_list(found, '#')}", style="bold")
    return told


def more(total: int, noun: str, many: str | None = None, *, shown: int = MOST_ROWS) -> Iterator[RenderableType]:
    """How many are not shown, where that is so."""
    if total > shown:
        told = numbers.plural(total - shown, f"more {noun}", f"more {many}" if many else None)
        yield Text(f"and {told}", style="dim")


def item(text: str, cure: str | None = None) -> RenderableType:
    """A sentence of a list, and what would cure what it tells."""
    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_column(width=3)
    grid.add_column(overflow="fold")
    grid.add_row(Text("  -"), Text(visible(folded(text, 3 * NAME))))
    if cure:
        grid.add_row("", Text(f"cure: {visible(folded(cure, 3 * NAME))}", style="dim"))
    return grid
