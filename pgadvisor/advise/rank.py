"""The order of findings: what to read first."""

from collections.abc import Iterable

from pgadvisor.facts import Facts
from pgadvisor.model.finding import Finding

CEILING_COUNTS = 0.5
"""Of a gain of which only the most that it can be is known: all from nothing to that is as likely."""


def rank(findings: Iterable[Finding], facts: Facts) -> list[Finding]:
    """By severity, then time freed, then sureness, then time concerned; ties by rule and key, so that runs agree.

    Severity comes from impact and so agrees with the gain; it stands first for the faults whose harm is no time: wrong
    answers, keys that run out, locks. Where no time is known, the planner's cost of all calls tells what is concerned.
    """
    return sorted(
        findings,
        key=lambda finding: (
            finding.severity.rank,
            -worth(finding),
            finding.rung.rank,
            -(finding.share or 0.0),
            -_planned_cost(finding, facts),
            -_part_of_plan(finding, facts),
            finding.rule,
            finding.key,
        ),
    )


def worth(finding: Finding) -> float:
    """Milliseconds a day that its remedy is expected to free; 0 where nothing is known."""
    if finding.gain_ms_per_day is not None:
        return finding.gain_ms_per_day
    return (finding.at_most_ms_per_day or 0.0) * CEILING_COUNTS


def _part_of_plan(finding: Finding, facts: Facts) -> float:
    """The share that the node it is about has of its statement: of a plan that was pasted nothing else tells."""
    plan = facts.plan(finding.where.statement)
    return plan.figures[finding.node].share if plan and finding.node is not None else 0.0


def _planned_cost(finding: Finding, facts: Facts) -> float:
    """Planner cost of all calls of its statements; 0 where their times are known."""
    if finding.share is not None:
        return 0.0
    planned = (facts.plan(key) for key in finding.statements)
    return sum(
        each.root.total_cost * ((each.statement.calls if each.statement else None) or 1) for each in planned if each
    )
