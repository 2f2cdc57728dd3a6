"""The endpoints of the HTML page: each with its statements, its findings, and two of its requests drawn."""

from typing import NamedTuple

from pgadvisor.model.report import Endpoint, Report
from pgadvisor.reports import endpoint_words, report_words
from pgadvisor.reports.html_statements import FindingLink, StatementView

DRAWN = 12
"""Endpoints of which requests are drawn: the page stays small."""


class EndpointView(NamedTuple):
    """An endpoint with its statements and all that points to it."""

    anchor: str
    endpoint: Endpoint
    statements: tuple[StatementView, ...]
    findings: tuple[FindingLink, ...]
    savings: tuple[endpoint_words.Saving, ...]
    """Where logs tell of its requests: the same findings, with what each saves."""
    waterfalls: tuple[endpoint_words.Waterfall, ...]


def endpoint_views(
    report: Report, links: list[FindingLink], statements: dict[str, StatementView]
) -> tuple[EndpointView, ...]:
    """The endpoints in the report's order."""
    texts = endpoint_words.texts_of(report)
    return tuple(
        _view(line, f"e-{at}", report, links, statements, texts if at <= DRAWN else None)
        for at, line in enumerate(report_words.endpoint_lines(report), start=1)
    )


def _view(
    line: report_words.EndpointLine,
    anchor: str,
    report: Report,
    links: list[FindingLink],
    statements: dict[str, StatementView],
    texts: dict[str, str] | None,
) -> EndpointView:
    """`texts`: of the statements of the requests that are drawn; None: none is."""
    seen = line.endpoint.seen
    return EndpointView(
        anchor=anchor,
        endpoint=line.endpoint,
        statements=tuple(statements[key] for key in line.endpoint.statements if key in statements),
        findings=tuple(links[number - 1] for number in line.findings),
        savings=endpoint_words.savings(line.endpoint, line.findings, report) if seen else (),
        waterfalls=endpoint_words.waterfalls(seen, texts) if seen and texts is not None else (),
    )
