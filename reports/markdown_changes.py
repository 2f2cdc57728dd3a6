"""What is different between two runs, in Markdown: sections of the report, and `pgadvisor diff` by itself."""

from collections.abc import Iterator

from pgadvisor.model.report import Changes, Report
from pgadvisor.reports import change_words, labels
from pgadvisor.reports import format_numbers as numbers
from pgadvisor.reports import report_words as words
from pgadvisor.reports.markdown_blocks import SECTION_BYTES, disclosed, fitting, listed, table
from pgadvisor.reports.markdown_text import LONGEST, code, inline
from pgadvisor.reports.visible_text import visible

MESSAGE = 160
NAME = 120
ROOM = 12_000
"""Bytes of a list where the changes are all there is to read."""


def render(report: Report) -> str:
    """What changed since the previous run, and nothing else of the report. It has `changes`."""
    changes = report.changes
    if changes is None:
        return ""
    source = f"{inline(labels.source_label(report), NAME)} · {change_words.span(report, changes)}"
    blocks = [f"## {inline(change_words.headline(report, changes), LONGEST)}", source]
    blocks += [told] if (told := change_words.load(changes)) else []
    blocks += [
        *_groups(report, changes, "new finding", "worse finding", "better finding"),
        *_no_more(changes),
        *beside(changes),
        *_statements(changes),
        "### How far to trust this",
        words.changes_sentence(changes),
    ]
    notes = [*changes.notes, *(gap.reason for gap in report.gaps if gap.subject == "the previous run")]
    blocks += [listed([f"- {inline(each, 2 * LONGEST)}" for each in notes], "note")] if notes else []
    blocks.append(f"<sub>Made by pgadvisor {visible(report.pgadvisor)}, which changes nothing in a database.</sub>")
    return "\n\n".join(blocks) + "\n"


def beside(changes: Changes) -> Iterator[str]:
    """Indexes, endpoints, schema."""
    if changes.indexes:
        yield "### Indexes made and dropped, and what that saved (measured)"
        told = []
        for change in changes.indexes:
            told.append(f"- {inline(change_words.index_line(change), 2 * MESSAGE)}")
            told += [
                f"  - {change_words.measured_times(each)}: {code(each.text, NAME)}" for each in change.statements[:3]
            ]
        yield listed(told, "line")
    rows = [
        f"| {' | '.join((change_words.endpoint_change(each), *change_words.endpoint_figures(each)))} "
        f"| {code(each.name, NAME)} |"
        for each in changes.endpoints
        if each.change != "same"
    ]
    titles = ("Change", "Requests", "Mean", "p95", "Queries each", "Endpoint")
    if rows:
        yield "### Endpoints"
        yield table(titles, list(fitting(rows, SECTION_BYTES)), right=titles[1:5])
    elif changes.endpoints:
        yield f"None of {numbers.plural(len(changes.endpoints), 'endpoint')} changed by more than noise."
    if others := change_words.schema_beside(changes):
        lines = [f"- {inline(change_words.schema_line(each), MESSAGE)}" for each in others]
        yield disclosed("Schema, settings and server", [listed(lines, "change")])


def moved(report: Report, changes: Changes) -> Iterator[str]:
    """Known findings that are worse or better."""
    yield from _groups(report, changes, "worse finding", "better finding")


def _groups(report: Report, changes: Changes, *nouns: str) -> Iterator[str]:
    for group in change_words.finding_groups(report, changes):
        if group.noun in nouns:
            yield f"### {group.title}"
            yield listed([f"- {inline(each, 2 * LONGEST)}" for each in group.lines], group.noun, room=ROOM)


def _no_more(changes: Changes) -> Iterator[str]:
    told = gone_lines(changes)
    if told:
        yield "### Findings that are no more"
        yield listed(told, "finding", room=ROOM)


def gone_lines(changes: Changes) -> list[str]:
    """The findings of the previous run that this one does not have, each with what became of it."""
    return [
        f"- **{title}:** {inline(words.gone_label(each), MESSAGE + NAME)}"
        for title, found in (("fixed", changes.fixed), ("gone", changes.gone), ("not judged", changes.not_judged))
        for each in found
    ]


def statement_rows(changes: Changes) -> list[str]:
    """The statements whose time is another."""
    return [f"| {each.change} | {words.change_times(each)} | {code(each.text, NAME)} |" for each in changes.statements]


def _statements(changes: Changes) -> Iterator[str]:
    rows = statement_rows(changes)
    if not rows:
        return
    shown = list(fitting(rows, ROOM))
    yield "### Statements"
    yield table(("Change", "Before → now", "Statement"), shown)
    if len(shown) < len(rows):
        yield f"And {len(rows) - len(shown):,} more."
