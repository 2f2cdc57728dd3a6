"""A finding in a terminal: its message, then why, where, what to change, what that costs, and how we know."""

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from pgadvisor.model.finding import Finding, Severity
from pgadvisor.reports import labels, log_words
from pgadvisor.reports.finding_words import gain_text, load, places, why
from pgadvisor.reports.lookup import Lookup
from pgadvisor.reports.plan_comparison import compared
from pgadvisor.reports.plan_rows import plan_table
from pgadvisor.reports.text_plan import comparison_view, plan_view
from pgadvisor.reports.text_sql import WholeLines, excerpt
from pgadvisor.reports.visible_text import folded, visible

STYLES = {Severity.ERROR: "bold red", Severity.WARNING: "bold yellow", Severity.INFO: "bold cyan"}
"""Colour beside the word, never instead of it."""
QUERY_LENGTH = 300
"""Characters of a statement: enough to know it by; the HTML report has all of it."""
AROUND = 40
"""Characters shown on both sides of a guilty part that lies beyond."""
LONGEST = 600
"""Characters of a message in its headline; what is longer holds a name that somebody made to be too long."""
LONGEST_FACT = 2_000
SHORT_SQL = 6
"""Lines of SQL where a finding is only pointed at."""
MARGIN = 4

Fact = tuple[str, RenderableType]


class Told:
    """What the lines above have said already, so that nothing is said twice."""

    def __init__(self) -> None:
        self.findings: set[int] = set()
        self.queries: dict[str, int] = {}
        """The finding that shows the statement's text and plan, by `Statement.key`."""
        self.rules: set[str] = set()
        """Rules whose reason was given."""


def finding_view(lookup: Lookup, number: int, told: Told | None = None, *, below_query: bool = False) -> RenderableType:
    """All that a finding says and `told` does not hold. `below_query`: its query and plan stand above."""
    told = Told() if told is None else told
    finding = lookup.finding(number)
    remedy = finding.remedy
    parts: list[RenderableType] = [headline(lookup, finding, number)]
    parts.append(_facts(_before(lookup, finding, told, below_query=below_query)))
    if remedy.change:
        parts.append(WholeLines(remedy.change))
    if remedy.undo:
        parts += [_facts(iter([("undo", "")])), WholeLines(remedy.undo)]
    parts.append(_facts(_after(lookup, finding)))
    key = finding.where.statement
    if key is not None and key not in told.queries and not below_query:
        parts += _plan(lookup, finding)
    if finding.comparison is not None:
        parts.append(_facts(iter([("tried", "the plan without the change and with it")])))
        parts.append(_indented(comparison_view(compared(finding.comparison))))
    told.findings.add(number)
    told.rules.add(finding.rule)
    if key is not None:
        told.queries.setdefault(key, number)
    return Group(*parts)


def short_view(lookup: Lookup, number: int) -> RenderableType:
    """A finding in a few lines: message, what it rests on, the change, the gain."""
    finding = lookup.finding(number)
    own = lookup.statement_of(finding)
    place = labels.statement_place(own) if own is not None else None
    facts: list[Fact] = [("where", place)] if place else []
    facts += [("because", f"{each.text} ({each.rung})") for each in finding.evidence[:1]]
    facts.append(("change", finding.remedy.text))
    return Group(headline(lookup, finding, number), _facts(iter(facts)), *_change(lookup, finding))


def first_view(lookup: Lookup, number: int) -> RenderableType:
    """A change to make first: what to do, what it frees, the SQL, and which finding says more."""
    finding = lookup.finding(number)
    because = f"{folded(finding.message, LONGEST)} ({finding.rung})"
    line = Table.grid(padding=(0, 1, 0, 0))
    line.add_column(no_wrap=True)
    line.add_column(overflow="fold")
    line.add_row(Text(f"#{number}", style="bold"), Text(visible(folded(finding.remedy.text, LONGEST)), style="bold"))
    return Group(line, _facts(iter([("because", because)])), *_change(lookup, finding))


def _change(lookup: Lookup, finding: Finding) -> Iterator[RenderableType]:
    """What a change frees, then its SQL, of which a long one is shown in part."""
    if freed := gain_text(lookup, finding):
        yield _facts(iter([("gain", freed)]))
    if finding.remedy.change:
        yield WholeLines(finding.remedy.change, most=SHORT_SQL)


def headline(lookup: Lookup, finding: Finding, number: int) -> RenderableType:
    """`#1 error   sequential scan of orders reads …`, with `new` or `known` where that is known of any finding."""
    line = Table.grid(padding=(0, 1, 0, 0))
    cells = [
        Text(f"#{number}", style="bold"),
        Text(f"{finding.severity.value:<7}", style=STYLES[finding.severity]),
    ]
    if lookup.has_status:
        cells.append(Text(f"{finding.status or '':<5}", style="bold" if finding.status == "new" else "dim"))
    for _ in cells:
        line.add_column(no_wrap=True)
    line.add_column(overflow="fold")
    line.add_row(*cells, Text(visible(folded(finding.message, LONGEST)), style="bold"))
    return line


def _before(lookup: Lookup, finding: Finding, told: Told, *, below_query: bool) -> Iterator[Fact]:
    reason = why(lookup, finding) if finding.rule not in told.rules else None
    if reason:
        yield "why", reason
    if found := places(lookup, finding):
        yield "where", " · ".join(found)
    if not below_query:
        yield from _query(lookup, finding, told)
    yield "change", finding.remedy.text


def _query(lookup: Lookup, finding: Finding, told: Told) -> Iterator[Fact]:
    """The text of its statement: from its beginning, or what is around its guilty parts where it stands above."""
    own = lookup.statement_of(finding)
    if own is None:
        return
    shown_in = told.queries.get(own.key)
    if shown_in is None:
        yield "query", excerpt(own.text, finding.spans, beginning=QUERY_LENGTH, around=AROUND)
    elif finding.spans:
        yield "query", excerpt(own.text, finding.spans, beginning=0, around=AROUND)
    if shown_in is not None:
        yield ("" if finding.spans else "query"), f"shown with #{shown_in}"
        return
    if busy := load(lookup, finding):
        yield "", busy
    if (logged := lookup.logged.get(own.key)) is not None:
        yield "", log_words.runs(logged)
    if own.queryid is not None:
        yield "queryid", str(own.queryid)


def _after(lookup: Lookup, finding: Finding) -> Iterator[Fact]:
    for title, text in (
        ("cost", finding.remedy.cost),
        ("lock", finding.remedy.lock),
        ("gain", gain_text(lookup, finding)),
        ("wrong if", finding.wrong_if),
    ):
        if text:
            yield title, text
    for at, each in enumerate(finding.evidence):
        yield "because" if at == 0 else "", f"{each.text} ({each.rung})"
    yield "rule", finding.rule


def _plan(lookup: Lookup, finding: Finding) -> Iterator[RenderableType]:
    """The plan of its statement, when the finding blames a node of it and no comparison shows as much."""
    key = finding.where.statement or ""
    planned = lookup.plans.get(key)
    if finding.node is None or planned is None or planned.plan is None:
        return
    if finding.comparison is not None and not planned.plan.is_analyzed:
        return
    yield _facts(iter([("plan", labels.plan_origin(planned))]))
    guilty: dict[int, list[int]] = {}
    for number in lookup.concerning[key]:
        each = lookup.finding(number)
        if each.node is not None and each.where.statement == key:
            guilty.setdefault(each.node, []).append(number)
    yield _indented(plan_view(plan_table(planned.plan), guilty))


def _indented(part: RenderableType) -> RenderableType:
    return Padding(part, (0, 0, 0, MARGIN))


def _facts(facts: Iterator[Fact]) -> RenderableType:
    grid = _grid(12)
    for title, text in facts:
        told = Text(visible(folded(text, LONGEST_FACT))) if isinstance(text, str) else text
        grid.add_row(Text(f"{' ' * MARGIN}{title}", style="dim"), told)
    return grid


def _grid(first_width: int) -> Table:
    """Two columns: a name, and what it names."""
    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_column(width=first_width, no_wrap=True)
    grid.add_column(overflow="fold")
    return grid
