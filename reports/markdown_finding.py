"""A finding in Markdown: short enough to paste into an issue tracker, whole enough to work from."""

from collections.abc import Iterator

from pgadvisor.model.finding import Finding, Remedy
from pgadvisor.reports import format_numbers as numbers
from pgadvisor.reports.finding_words import gain_text, load, places, why
from pgadvisor.reports.lookup import Lookup
from pgadvisor.reports.markdown_text import code, fenced, inline, line
from pgadvisor.reports.plan_comparison import compared
from pgadvisor.reports.sql_pieces import sql_pieces

QUERY_LENGTH = 700
"""Characters of a statement shown from its beginning."""
GUILTY = 3
"""Guilty parts named below a query."""
GUILTY_LENGTH = 120
PLACE_LENGTH = 200
LONGEST_SQL = 4_000
"""Characters of a change: the way to a partitioned table takes 3,000. Half of one is worse than none."""


def finding_blocks(lookup: Lookup, finding: Finding, *, reason: bool = True) -> Iterator[str]:
    """What it says below its message, block by block. `reason`: with the one that its rule's page gives."""
    if reason and (text := why(lookup, finding)):
        yield line(text)
    yield from _statement(lookup, finding)
    yield f"**Change:** {inline(finding.remedy.text, 2 * QUERY_LENGTH)}"
    yield from _sql(finding.remedy)
    if finding.comparison is not None:
        tried = compared(finding.comparison)
        yield f"**Tried** on the {inline(tried.tried_on)}: {inline(tried.sentence)}"
    yield "\n".join(f"- **{title}:** {text}" for title, text in _facts(lookup, finding))


def _statement(lookup: Lookup, finding: Finding) -> Iterator[str]:
    """Where it stands, the query, and the guilty parts of it by themselves."""
    own = lookup.statement_of(finding)
    told = [code(place, PLACE_LENGTH) for place in places(lookup, finding)]
    if own is not None and (busy := load(lookup, finding)):
        told.append(busy)
    if own is not None and own.queryid is not None:
        told.append(f"queryid `{own.queryid}`")
    if told:
        yield f"**Where:** {' · '.join(told)}"
    if own is None:
        return
    yield fenced("".join(piece.text for piece in sql_pieces(own.text, finding.spans, QUERY_LENGTH)))
    guilty = dict.fromkeys(code(own.text[span.start : span.end], GUILTY_LENGTH) for span in finding.spans[:GUILTY])
    if named := [each for each in guilty if each.strip()]:
        yield f"**Guilty:** {', '.join(named)}"


def _sql(remedy: Remedy) -> Iterator[str]:
    if remedy.change:
        yield _whole(remedy.change, "python" if remedy.code else "sql")
    if remedy.undo:
        yield f"**Undo:**\n\n{_whole(remedy.undo)}"


def _whole(change: str, language: str = "sql") -> str:
    """All of the SQL or code, or none of it: half a change is no change."""
    if len(change) > LONGEST_SQL:
        told = "SQL" if language == "sql" else "Code"
        return f"*{told} of {numbers.count(len(change))} characters: see the HTML or JSON report.*"
    return fenced(change, language)


def _facts(lookup: Lookup, finding: Finding) -> Iterator[tuple[str, str]]:
    for title, text in (
        ("Cost", finding.remedy.cost),
        ("Lock", finding.remedy.lock),
        ("Gain", gain_text(lookup, finding)),
        ("Wrong if", finding.wrong_if),
    ):
        if text:
            yield title, inline(text)
    for each in finding.evidence[:8]:
        yield each.rung.value.capitalize(), inline(each.text)
    yield "Rule", code(finding.rule)
