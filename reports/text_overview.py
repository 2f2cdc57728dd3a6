"""The overview of many databases in a terminal: a row each, then what failed and why."""

from collections.abc import Iterable

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from pgadvisor.model.inventory import Overview
from pgadvisor.reports import overview_words as words
from pgadvisor.reports.text_console import printed
from pgadvisor.reports.visible_text import visible

STYLES = {"error": "red", "warning": "yellow", "info": "blue"}


def render(overview: Overview, *, width: int = 80, color: bool = False) -> str:
    """The overview as text."""
    return printed(_parts(overview), width=width, color=color)


def _parts(overview: Overview) -> Iterable[RenderableType]:
    yield Text(words.headline(overview), style="bold")
    if lead := words.lead(overview):
        yield Text(lead)
    if overview.audited:
        yield Text()
        yield _table(overview)
    if overview.failed:
        yield Text("\nCould not be audited", style="bold")
    for each in overview.failed:
        yield Text(f"{each.name}: {visible(each.failure or '')}: {visible(each.next_step or '')}")


def _table(overview: Overview) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", show_edge=False)
    table.add_column("Database", overflow="fold")
    for name in ("Error", "Warning", "Info"):
        table.add_column(name, justify="right")
    table.add_column("Would free", justify="right", no_wrap=True)
    table.add_column("Verdict", overflow="fold")
    for each in words.shown_order(overview):
        if each.failure is not None:
            continue
        found = {severity.value: number for severity, number in words.counts(each)}
        cells = [
            Text(f"{found[name]:,}" if name in found else "–", style=STYLES[name] if name in found else "dim")
            for name in STYLES
        ]
        headline = visible(each.verdict.headline) if each.verdict else ""
        table.add_row(Text(each.name), *cells, Text(words.freed(each) or "–"), Text(headline))
    return table
