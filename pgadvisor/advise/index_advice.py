"""The advice for the whole workload, brought to the findings that ask for an index each for its own statement.

A rule sees one scan, and the index that would serve that scan alone. The advice has weighed all statements, the writes
among them: it says which index to make instead, or that its gain is not worth one.
"""

from collections.abc import Iterable, Sequence

import msgspec

from pgadvisor.advise.trial_change import change_of
from pgadvisor.facts import Facts
from pgadvisor.model.advice import AdvisedIndex, IndexAdvice, StatementEffect
from pgadvisor.model.finding import Evidence, Finding, Rung
from pgadvisor.rule import advised_cause, advised_evidence, advised_remedy

MISSING = "missing-index"
"""The rule that tells the advised indexes which no other finding asks for."""
LITTLE = "it saves little of the whole time for its room and upkeep"


def settled(
    findings: Iterable[Finding], advice: IndexAdvice | None, facts: Facts, doubted: Sequence[str]
) -> list[Finding]:
    """The findings with the advised indexes for their remedies.

    `doubted`: `Statement.key` of those that the planner plans otherwise than the audited server: the advice is no judge
    of them.
    """
    if advice is None:
        return list(findings)
    unjudged = {*doubted, *(key for key, _ in advice.left_out)}
    kept: list[Finding] = []
    for finding in findings:
        change = None if finding.rule == MISSING else change_of(finding, facts)
        if change is None or finding.where.statement is None or finding.where.statement in unjudged:
            kept.append(finding)
            continue
        helping = _helping(advice, finding.where.statement)
        own = [each for each in helping if each[0].table == change.made.table]
        kept.append(_replaced(finding, own[0][0], advice, facts) if own else _left_out(finding, helping))
    return _without_twice_told(kept)


def _helping(advice: IndexAdvice, statement: str) -> list[tuple[AdvisedIndex, StatementEffect]]:
    """The advised indexes that a statement gains by, that by which it gains most first."""
    found = [(index, effect) for index in advice.create for effect in index.helps if effect.statement == statement]
    return sorted(found, key=lambda pair: (pair[1].ratio, pair[0].name))


def _replaced(finding: Finding, index: AdvisedIndex, advice: IndexAdvice, facts: Facts) -> Finding:
    first, *others = finding.evidence
    return msgspec.structs.replace(
        finding,
        remedy=advised_remedy(index, facts),
        cause=advised_cause(index),
        evidence=(first, msgspec.structs.replace(advised_evidence(index, advice), comparison=None), *others),
    )


def _left_out(finding: Finding, instead: Sequence[tuple[AdvisedIndex, StatementEffect]]) -> Finding:
    """The finding with why the set for the whole workload does without its index."""
    first, *others = finding.evidence
    names = ", ".join(index.name for index, _ in instead)
    text = f"the indexes advised for the whole workload leave it out: {f'{names} serves it' if names else LITTLE}"
    return msgspec.structs.replace(finding, evidence=(first, Evidence(rung=Rung.ESTIMATED, text=text), *others))


def _without_twice_told(findings: Sequence[Finding]) -> list[Finding]:
    """The findings without those that only say that an index is missing, where another one asks for that index."""
    asked = {finding.cause for finding in findings if finding.rule != MISSING}
    return [finding for finding in findings if finding.rule != MISSING or finding.cause not in asked]
