"""What a report holds, by the keys that its parts name each other with; made once for each rendering."""

from collections.abc import Mapping
from typing import NamedTuple

from pgadvisor.model.finding import Finding
from pgadvisor.model.log import LoggedStatement
from pgadvisor.model.plan import StatementPlan
from pgadvisor.model.report import Report
from pgadvisor.model.workload import Statement
from pgadvisor.reports import labels, log_words, prose

WHY = "Why it matters"
"""The heading of a rule's page under which the reason stands."""


class Lookup(NamedTuple):
    """A report, and where to find each thing in it: a scan for every finding would take seconds."""

    report: Report
    statements: Mapping[str, Statement]
    """By `Statement.key`."""
    plans: Mapping[str, StatementPlan]
    """By `Statement.key`."""
    concerning: Mapping[str, tuple[int, ...]]
    """Numbers of the findings that concern a statement, in the report's order, by `Statement.key`."""
    reasons: Mapping[str, str]
    """Why such a thing matters, by rule, where its page says so."""
    logged: Mapping[str, LoggedStatement]
    """What logs tell of a statement, by `Statement.key`."""
    has_status: bool
    """Whether of any finding it is known if it is new."""

    def finding(self, number: int) -> Finding:
        """The finding of that number, from 1 in the report's order."""
        return self.report.findings[number - 1]

    def statement_of(self, finding: Finding) -> Statement | None:
        """The statement that a finding points into; None when it is about none, or the report does not hold it."""
        return self.statements.get(next(iter(labels.statements_of(finding)), ""))


def lookup_of(report: Report) -> Lookup:
    """The look-ups of the report."""
    concerning: dict[str, list[int]] = {}
    for number, finding in enumerate(report.findings, start=1):
        for key in dict.fromkeys(labels.statements_of(finding)):
            concerning.setdefault(key, []).append(number)
    return Lookup(
        report=report,
        statements={each.key: each for each in report.statements},
        plans={each.statement: each for each in report.plans},
        concerning={key: tuple(numbers) for key, numbers in concerning.items()},
        reasons={rule: reason for rule, page in report.rule_pages if (reason := _reason(page))},
        logged=log_words.by_statement(report),
        has_status=any(finding.status is not None for finding in report.findings),
    )


def _reason(page: str) -> str | None:
    """The paragraph of a rule's page that tells why."""
    blocks = iter(prose.page_blocks(page))
    for block in blocks:
        if block.kind == "heading" and block.lines == (WHY,):
            reason = next(blocks, None)
            return " ".join(reason.lines) if reason is not None and reason.kind == "paragraph" else None
    return None
