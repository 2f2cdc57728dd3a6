"""What the user wanted tried, in a terminal: both plans, their costs, and whether the index is used."""

from collections.abc import Iterator

from rich.console import RenderableType
from rich.text import Text

from pgadvisor.model.report import Report, TriedChange
from pgadvisor.reports.plan_comparison import compared
from pgadvisor.reports.report_words import tried_index
from pgadvisor.reports.text_plan import comparison_view
from pgadvisor.reports.visible_text import visible


def tried_views(report: Report, statement: str) -> Iterator[RenderableType]:
    """Each change that was tried on the statement."""
    for each in report.tried:
        if each.statement == statement:
            yield Text()
            yield from _view(each)


def _view(tried: TriedChange) -> Iterator[RenderableType]:
    if tried.comparison is None:
        yield Text(visible(f"Not tried: {tried.change}: {tried.error}"))
        return
    yield Text("What if", style="bold")
    for index in tried.indexes:
        yield Text(visible(tried_index(index)))
    if tried.spread is not None:
        yield Text(visible(f"cost {tried.spread}"))
    for doubt in tried.doubts:
        yield Text(visible(f"note: {doubt}"), style="dim")
    yield comparison_view(compared(tried.comparison))
