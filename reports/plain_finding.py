"""A finding in plain lines, for places that know no format: logs, test results, alerts."""

from collections.abc import Iterator

from pgadvisor.model.finding import Finding
from pgadvisor.reports.visible_text import folded, visible

LONGEST = 1_000
"""Characters of a sentence."""
LONGEST_SQL = 4_000
"""Characters of a change: half of one is worse than none."""
MOST_EVIDENCE = 6


def sentence(text: str, most: int = LONGEST) -> str:
    """A text on one line, nothing in it unseen."""
    return folded(visible(folded(text, most)), most)


def lines_of(finding: Finding) -> Iterator[str]:
    """What it says below its message: the change with its SQL, undo and lock, and why it is believed."""
    remedy = finding.remedy
    yield f"Change: {sentence(remedy.text)}"
    yield from _sql(remedy.change)
    if remedy.undo:
        yield "Undo:"
        yield from _sql(remedy.undo)
    for title, text in (("Cost", remedy.cost), ("Lock", remedy.lock), ("Wrong if", finding.wrong_if)):
        if text:
            yield f"{title}: {sentence(text)}"
    for each in finding.evidence[:MOST_EVIDENCE]:
        yield f"{each.rung.value.capitalize()}: {sentence(each.text)}"


def _sql(sql: str | None) -> Iterator[str]:
    if sql and len(sql) > LONGEST_SQL:
        yield f"    (SQL of {len(sql):,} characters: see the HTML or JSON report)"
    elif sql:
        yield from (f"    {line}".rstrip() for line in visible(sql).rstrip().split("\n"))
