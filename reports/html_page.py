"""What the HTML page shows, worked out before the template is filled: numbers, anchors, links, pieces of SQL."""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from markupsafe import Markup

from pgadvisor.model.catalog import Table
from pgadvisor.model.finding import Finding, Severity
from pgadvisor.model.plan import PlanComparison
from pgadvisor.model.report import Report, StatementChange, TimeShare, TriedChange
from pgadvisor.reports import labels, pictures, prose, report_words
from pgadvisor.reports.finding_words import at_most_text
from pgadvisor.reports.fix_first import Fix, Gain, first_fixes, gain
from pgadvisor.reports.html_endpoints import EndpointView, endpoint_views
from pgadvisor.reports.html_index import finding_index
from pgadvisor.reports.html_indexes import AdviceView, advice_view
from pgadvisor.reports.html_statements import FindingLink, StatementView, statement_views
from pgadvisor.reports.lookup import Lookup, lookup_of
from pgadvisor.reports.migration_lines import MigrationLine, migration_lines

LAID_OUT = 100
"""Tables and statements laid out at first; the rest is in the page as well, folded away."""
IN_FULL = 500
"""Tables and statements with all that is known of them; what is beyond has a line each, or a page would take 11 MB."""


class FindingView(NamedTuple):
    """A finding with its number, its anchor and what belongs to it."""

    number: int
    anchor: str
    finding: Finding
    place: str | None
    summary: str
    rule_anchor: str | None
    gain: Gain | None
    at_most: str | None
    """What can be said instead where no gain is known."""
    statement: StatementView | None
    others: tuple[StatementView, ...]
    """The other statements concerned, the most costly first."""
    shows_plan: bool
    comparison: PlanComparison | None


class TableView(NamedTuple):
    """A table with all that points to it."""

    anchor: str
    table: Table
    share: float | None
    findings: tuple[FindingLink, ...]


class RuleView(NamedTuple):
    """A rule's page."""

    anchor: str
    name: str
    summary: str
    blocks: tuple[prose.Block, ...]


class Bar(NamedTuple):
    """One part of the time, with where it links to and where its part of the bar begins."""

    part: TimeShare
    anchor: str | None
    start: float


class Page(NamedTuple):
    """All that the template needs."""

    report: Report
    source: str
    counts: tuple[tuple[Severity, int], ...]
    by_statement: tuple[Bar, ...]
    by_table: tuple[Bar, ...]
    has_time: bool
    """False: it is about queries that someone gave, of which nobody knows how often they run."""
    fixes: tuple[tuple[Fix, FindingView], ...]
    findings: tuple[FindingView, ...]
    endpoints: tuple[EndpointView, ...]
    tables: tuple[TableView, ...]
    statements: tuple[StatementView, ...]
    tried: dict[str, list[tuple[int, TriedChange]]]
    """By `Statement.key`: what the user wanted tried, each with its number."""
    in_full: int
    """So many statements are shown with all that is known of them."""
    brief_share: float | None
    """Of all time, that of the statements that have a line each; None: it is not known."""
    changed: tuple[tuple[StatementChange, str | None], ...]
    """Each with the anchor of its statement."""
    gains: tuple[pictures.GainBar, ...]
    sizes: tuple[pictures.SizeBar, ...]
    indexes: tuple[pictures.IndexBar, ...]
    guesses: pictures.Guesses
    table_anchors: dict[str, str]
    """By `schema.table` and by label."""
    finding_index: Markup
    """What the script filters, sorts and marks the findings by, as JSON."""
    unread: tuple[tuple[str, str | None, str, float | None], ...]
    """(label, anchor, reason, share)."""
    planned_otherwise: tuple[tuple[str, str | None, str], ...]
    """Statements that the planner plans otherwise than the server: label, anchor, and in what."""
    rules: tuple[RuleView, ...]
    advice: AdviceView | None
    """None: the report has no index advice."""
    is_of_indexes: bool
    """It is index advice alone: no rule was asked for findings."""
    is_of_migrations: bool
    """It is what the gate says: there is no workload, and nothing to be freed."""
    migrations: tuple[tuple[MigrationLine, tuple[FindingView, ...]], ...]
    """The files that were judged, each with its findings."""
    read_at: datetime | None
    """When the database was read; None: none was."""


def page_of(report: Report) -> Page:
    """The page of the report."""
    lookup = lookup_of(report)
    links = _finding_links(report.findings)
    statements = statement_views(report, links)
    pages = dict(report.rule_pages)
    findings = tuple(
        _finding(lookup, finding, link, statements, pages) for finding, link in zip(report.findings, links, strict=True)
    )
    severities = Counter(finding.severity for finding in report.findings)
    tables = _tables(report, links)
    table_anchors = {name: view.anchor for view in tables for name in (view.table.label, view.table.qualified)}
    anchors = {key: view.anchor for key, view in statements.items()}
    in_full = len(statements) if report.tried else IN_FULL
    return Page(
        report=report,
        source=labels.source_label(report),
        counts=tuple((severity, severities[severity]) for severity in Severity),
        by_statement=_bars(report.time, anchors),
        by_table=_bars(report.time_by_table, table_anchors),
        has_time=bool(report.time) or not (labels.is_of_files(report) or labels.is_of_migrations(report)),
        fixes=tuple((fix, findings[fix.number - 1]) for fix in first_fixes(lookup)),
        findings=findings,
        endpoints=endpoint_views(report, links, statements),
        tables=tables,
        statements=tuple(statements.values()),
        tried=_tried(report),
        in_full=in_full,
        brief_share=sum(shares) if (shares := _shares(list(statements.values())[in_full:])) else None,
        changed=tuple(
            (each, anchors.get(each.statement or "")) for each in (report.changes.statements if report.changes else ())
        ),
        gains=pictures.gain_bars(lookup),
        sizes=pictures.size_bars(report),
        indexes=pictures.index_bars(report),
        guesses=pictures.guesses(statements.values()),
        table_anchors=table_anchors,
        finding_index=finding_index(report, findings),
        planned_otherwise=tuple(
            (*_named(statements, each.statement), each.what)
            for each in (report.trials.disagreements if report.trials else ())
        ),
        unread=tuple((*_named(statements, each.statement), each.reason, each.share) for each in report.unread),
        rules=tuple(
            RuleView(f"rule-{_slug(name)}", name, prose.page_summary(page), _first_examples(prose.page_blocks(page)))
            for name, page in report.rule_pages
        ),
        advice=advice_view(report, statements, table_anchors),
        is_of_indexes=labels.is_of_indexes(report),
        is_of_migrations=labels.is_of_migrations(report),
        migrations=tuple(
            (line, tuple(findings[number - 1] for number in line.findings)) for line in migration_lines(report)
        ),
        read_at=labels.read_at(report),
    )


def _tried(report: Report) -> dict[str, list[tuple[int, TriedChange]]]:
    found: dict[str, list[tuple[int, TriedChange]]] = {}
    for number, each in enumerate(report.tried):
        found.setdefault(each.statement, []).append((number, each))
    return found


def _shares(views: Iterable[StatementView]) -> list[float]:
    return [view.share for view in views if view.share is not None]


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower())[:60].strip("-")


def _digest(identity: str) -> str:
    return hashlib.blake2s(identity.encode("utf-8", "replace"), digest_size=4).hexdigest()


def _finding_links(findings: Iterable[Finding]) -> list[FindingLink]:
    """A number and an anchor for each finding; the anchor is the same in the next run as long as the key is."""
    seen: Counter[str] = Counter()
    links = []
    for number, finding in enumerate(findings, start=1):
        anchor = f"f-{_digest(finding.key)}"
        seen[anchor] += 1
        links.append(FindingLink(number, anchor if seen[anchor] == 1 else f"{anchor}-{seen[anchor]}"))
    return links


def _finding(
    lookup: Lookup,
    finding: Finding,
    link: FindingLink,
    statements: dict[str, StatementView],
    pages: dict[str, str],
) -> FindingView:
    own, *others = [statements.get(key) for key in labels.statements_of(finding)] or [None]
    return FindingView(
        number=link.number,
        anchor=link.anchor,
        finding=finding,
        place=labels.where_label(finding.where),
        summary=prose.page_summary(pages.get(finding.rule, "")),
        rule_anchor=f"rule-{_slug(finding.rule)}" if finding.rule in pages else None,
        gain=gain(lookup, finding),
        at_most=at_most_text(lookup, finding),
        statement=own,
        others=tuple(view for view in others if view is not None),
        shows_plan=own is not None and own.plan is not None and own.home == link,
        comparison=finding.comparison,
    )


def _tables(report: Report, links: list[FindingLink]) -> tuple[TableView, ...]:
    """The tables, those with findings first."""
    return tuple(
        TableView(f"t-{line.number}", line.table, line.share, tuple(links[number - 1] for number in line.findings))
        for line in report_words.table_lines(report)
    )


def _bars(parts: tuple[TimeShare, ...], anchors: dict[str, str]) -> tuple[Bar, ...]:
    bars = []
    start = 0.0
    for part in parts:
        bars.append(Bar(part, anchors.get(part.statement or part.label), start))
        start += part.share
    return tuple(bars)


def _named(statements: dict[str, StatementView], key: str) -> tuple[str, str | None]:
    view = statements.get(key)
    return (key, None) if view is None else (view.label, view.anchor)


def _first_examples(blocks: tuple[prose.Block, ...]) -> tuple[prose.Block, ...]:
    """A rule's page with the first example of each kind: `pgadvisor rules NAME` shows them all."""
    kept: list[prose.Block] = []
    examples = 0
    for block in blocks:
        if block.kind == "heading":
            examples = 0 if block.level > 2 or block.lines[0] == "Examples" else -1
        if examples < 1:
            kept.append(block)
        if block.kind == "code" and examples >= 0:
            examples += 1
    return tuple(kept)
