"""The overview of many databases as one HTML file, which links their reports."""

from pgadvisor.model.inventory import Overview
from pgadvisor.reports import overview_words
from pgadvisor.reports.html import static, whole_page

STYLES = ("page.css", "overview.css", "print.css")
SCRIPTS = ("page.js", "overview.js")


def render(overview: Overview) -> str:
    """The overview as a page. Same overview, same bytes."""
    return whole_page(
        "overview.html",
        [static(name) for name in STYLES],
        [static(name) for name in SCRIPTS],
        overview=overview,
        words=overview_words,
    )
