"""Statements as the HTML page shows them: each with its plan, and with all that points to it."""

from typing import NamedTuple

from pgadvisor.model.finding import Finding
from pgadvisor.model.plan import StatementPlan
from pgadvisor.model.report import Report
from pgadvisor.model.workload import Statement
from pgadvisor.reports import labels, log_words
from pgadvisor.reports.plan_rows import PlanTable, plan_table


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
    logged: str
    """What logs tell of its runs; empty: nothing."""


def statement_views(report: Report, links: list[FindingLink]) -> dict[str, StatementView]:
    """Each statement by its key, in the report's order. `links`: to each finding, in the report's order."""
    concerning: dict[str, list[FindingLink]] = {}
    guilty: dict[str, list[GuiltyNode]] = {}
    homes: dict[str, FindingLink] = {}
    for finding, link in zip(report.findings, links, strict=True):
        for key in labels.statements_of(finding):
            concerning.setdefault(key, []).append(link)
        own = _own_statement(finding)
        if own is not None:
            homes.setdefault(own, link)
            if finding.node is not None:
                guilty.setdefault(own, []).append(GuiltyNode(finding.node, *link, finding.rule, finding.message))
    plans = {each.statement: each for each in report.plans}
    logged = log_words.by_statement(report)
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
            share=report.share_of(statement.total_ms),
            findings=tuple(concerning.get(statement.key, ())),
            logged=log_words.runs(logged[statement.key]) if statement.key in logged else "",
        )
    return views


def _own_statement(finding: Finding) -> str | None:
    """The statement whose text and plan a finding points into."""
    return next(iter(labels.statements_of(finding)), None)
