"""What the HTML page shows, worked out before the template is filled: numbers, anchors, links, pieces of SQL."""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from pgadvisor.model.catalog import Table
from pgadvisor.model.finding import Finding, Severity
from pgadvisor.model.plan import StatementPlan
from pgadvisor.model.report import Report, TimeShare
from pgadvisor.model.workload import Statement
from pgadvisor.reports import labels, prose
from pgadvisor.reports.fix_first import Fix, Gain, first_fixes, gain
from pgadvisor.reports.plan_rows import PlanTable, plan_table

LAID_OUT = 100
"""Tables and statements laid out at first; the rest is in the page as well, folded away."""


class FindingLink(NamedTuple):
    """What points to a finding: its number and its anchor."""

    number: int
    anchor: str


class GuiltyNode(NamedTuple):
    """A finding that blames a node of a plan."""

    node: int
    number: int
    anchor: str
    rule: str
    message: str


class StatementView(NamedTuple):
    """A statement with all that points to it."""

    anchor: str
    statement: Statement
    label: str
    planned: StatementPlan | None
    plan: PlanTable | None
    plan_anchor: str | None
    home: FindingLink | None
    """The first finding about it, which shows its text and its plan."""
    guilty: tuple[GuiltyNode, ...]
    share: float | None
    findings: tuple[FindingLink, ...]


class FindingView(NamedTuple):
    """A finding with its number, its anchor and what belongs to it."""

    number: int
    anchor: str
    finding: Finding
    place: str | None
    summary: str
    rule_anchor: str | None
    gain: Gain | None
    statement: StatementView | None
    others: tuple[StatementView, ...]
    """The other statements concerned, the most costly first."""
    shows_plan: bool


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
    fixes: tuple[tuple[Fix, FindingView], ...]
    findings: tuple[FindingView, ...]
    tables: tuple[TableView, ...]
    statements: tuple[StatementView, ...]
    unread: tuple[tuple[str, str | None, str, float | None], ...]
    """(label, anchor, reason, share)."""
    rules: tuple[RuleView, ...]


def page_of(report: Report) -> Page:
    """The page of the report."""
    anchors = _finding_anchors(report.findings)
    statements = _statements(report, anchors)
    pages = dict(report.rule_pages)
    findings = tuple(
        _finding(report, finding, number, anchors[number - 1], statements, pages)
        for number, finding in enumerate(report.findings, start=1)
    )
    severities = Counter(finding.severity for finding in report.findings)
    tables = _tables(report, anchors)
    table_anchors = {name: view.anchor for view in tables for name in (view.table.label, view.table.qualified)}
    return Page(
        report=report,
        source=labels.source_label(report),
        counts=tuple((severity, severities[severity]) for severity in Severity),
        by_statement=_bars(report.time, {key: view.anchor for key, view in statements.items()}),
        by_table=_bars(report.time_by_table, table_anchors),
        fixes=tuple((fix, findings[fix.number - 1]) for fix in first_fixes(report)),
        findings=findings,
        tables=tables,
        statements=tuple(statements.values()),
        unread=tuple((*_named(statements, each.statement), each.reason, each.share) for each in report.unread),
        rules=tuple(
            RuleView(f"rule-{_slug(name)}", name, prose.page_summary(page), prose.page_blocks(page))
            for name, page in report.rule_pages
        ),
    )


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower())[:60].strip("-")


def _digest(identity: str) -> str:
    return hashlib.blake2s(identity.encode("utf-8", "replace"), digest_size=4).hexdigest()


def _finding_anchors(findings: Iterable[Finding]) -> list[str]:
    """An anchor for each finding, the same in the next run as long as its key is."""
    seen: Counter[str] = Counter()
    anchors = []
    for finding in findings:
        anchor = f"f-{_digest(finding.key)}"
        seen[anchor] += 1
        anchors.append(anchor if seen[anchor] == 1 else f"{anchor}-{seen[anchor]}")
    return anchors


def _statements(report: Report, anchors: list[str]) -> dict[str, StatementView]:
    """Each statement by its key, in the report's order."""
    concerning: dict[str, list[FindingLink]] = {}
    guilty: dict[str, list[GuiltyNode]] = {}
    homes: dict[str, FindingLink] = {}
    for number, finding in enumerate(report.findings, start=1):
        link = FindingLink(number, anchors[number - 1])
        for key in labels.statements_of(finding):
            concerning.setdefault(key, []).append(link)
        own = _own_statement(finding)
        if own is not None:
            homes.setdefault(own, link)
            if finding.node is not None:
                guilty.setdefault(own, []).append(GuiltyNode(finding.node, *link, finding.rule, finding.message))
    plans = {each.statement: each for each in report.plans}
    views = {}
    for at, statement in enumerate(report.statements, start=1):
        planned = plans.get(statement.key)
        plan = plan_table(planned.plan) if planned is not None and planned.plan is not None else None
        views[statement.key] = StatementView(
            anchor=f"s-{at}",
            statement=statement,
            label=labels.statement_label(statement, 120),
            planned=planned,
            plan=plan,
            plan_anchor=f"p-{at}" if plan is not None else None,
            home=homes.get(statement.key),
            guilty=tuple(guilty.get(statement.key, ())),
            share=_share(report, statement),
            findings=tuple(concerning.get(statement.key, ())),
        )
    return views


def _own_statement(finding: Finding) -> str | None:
    """The statement whose text and plan a finding points into."""
    return next(iter(labels.statements_of(finding)), None)


def _share(report: Report, statement: Statement) -> float | None:
    if statement.total_ms is None or report.observed_ms <= 0:
        return None
    return min(1.0, statement.total_ms / report.observed_ms)


def _finding(
    report: Report,
    finding: Finding,
    number: int,
    anchor: str,
    statements: dict[str, StatementView],
    pages: dict[str, str],
) -> FindingView:
    own, *others = [statements.get(key) for key in labels.statements_of(finding)] or [None]
    return FindingView(
        number=number,
        anchor=anchor,
        finding=finding,
        place=labels.where_label(finding.where),
        summary=prose.page_summary(pages.get(finding.rule, "")),
        rule_anchor=f"rule-{_slug(finding.rule)}" if finding.rule in pages else None,
        gain=gain(report, finding),
        statement=own,
        others=tuple(view for view in others if view is not None),
        shows_plan=own is not None and own.plan is not None and own.home == (number, anchor),
    )


def _tables(report: Report, anchors: list[str]) -> tuple[TableView, ...]:
    """The tables in the report's order, those with findings first."""
    concerning: dict[str, list[FindingLink]] = {}
    for number, finding in enumerate(report.findings, start=1):
        if finding.where.table is not None:
            concerning.setdefault(finding.where.table, []).append(FindingLink(number, anchors[number - 1]))
    shares = {each.label: each.share for each in report.table_shares}
    views = [
        TableView(
            anchor=f"t-{at}",
            table=table,
            share=shares.get(table.label, shares.get(table.qualified)),
            findings=tuple(concerning.get(table.qualified, ())),
        )
        for at, table in enumerate(report.tables, start=1)
    ]
    return tuple(sorted(views, key=lambda view: (not view.findings, -(view.share or 0.0))))


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
