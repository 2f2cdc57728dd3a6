"""Endpoints in Markdown: rows of the report's table, and the story of one."""

from collections.abc import Iterator

from pgadvisor.model.report import Report
from pgadvisor.reports import endpoint_words
from pgadvisor.reports import format_numbers as numbers
from pgadvisor.reports import report_words as words
from pgadvisor.reports.lookup import lookup_of
from pgadvisor.reports.markdown_blocks import table
from pgadvisor.reports.markdown_finding import finding_blocks
from pgadvisor.reports.markdown_text import code, inline

NAME = 120
LABEL = 90
ENDPOINT_TITLES = ("Endpoint", "Of time", "Requests", "Queries each", "Mean", "p95", "Findings")


def endpoint_rows(report: Report) -> list[str]:
    """The endpoints whose requests are known."""
    return [
        f"| {code(endpoint.name, NAME)} | {numbers.share(endpoint.share)} | {numbers.count(seen.requests)} "
        f"| {numbers.count(seen.queries.median)} | {numbers.time(seen.database_ms.total / seen.requests)} "
        f"| {numbers.time(seen.database_ms.p95)} | {words.number_list(found, '')} |"
        for endpoint, found in words.endpoint_lines(report)
        if (seen := endpoint.seen) is not None
    ]


def render(report: Report, name: str | None) -> str:
    """The list of endpoints, or the story of the one of that name."""
    blocks = story(report, name) if name is not None else _list(report)
    return "\n\n".join(blocks) + "\n"


def story(report: Report, name: str) -> Iterator[str]:
    """One endpoint: figures, waterfalls, and what makes it slow."""
    endpoint, found = next(line for line in words.endpoint_lines(report) if line.endpoint.name == name)
    yield f"## {inline(name, NAME)}"
    seen = endpoint.seen
    if seen is None:
        yield "No log tells of its requests: give the server's log files with `--log FILE`."
        return
    yield inline(endpoint_words.figures(seen))
    for each in endpoint_words.waterfalls(seen, endpoint_words.texts_of(report)):
        yield f"### {each.title}"
        rows = [
            f"| {numbers.time(row.start_ms)} | {numbers.time(row.busy_ms)} "
            f"| {code(endpoint_words.row_label(row, LABEL), LABEL)} | {code(row.line, NAME) if row.line else ''} |"
            for row in each.rows
        ]
        yield table(("After", "Took", "Query", "Line"), rows, right=("After", "Took"))
        if each.more:
            yield f"And {numbers.plural(each.more, 'more query', 'more queries')}."
    lookup = lookup_of(report)
    for saving in endpoint_words.savings(endpoint, found, report):
        saved = endpoint_words.saved_text(saving)
        yield f"### {saving.number}. {inline(saving.finding.message)}{f' ({saved})' if saved else ''}"
        yield from finding_blocks(lookup, saving.finding)


def _list(report: Report) -> Iterator[str]:
    yield "## Endpoints"
    yield table(ENDPOINT_TITLES, endpoint_rows(report), right=ENDPOINT_TITLES[1:6])
    if lines := endpoint_words.finding_lines(report):
        yield "\n".join(f"{line.number}. {line.severity}: {inline(line.text)}" for line in lines)
    yield endpoint_words.LOGS_NOTE
