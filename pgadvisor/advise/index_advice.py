"""The advice for the whole workload, brought to the findings that ask for an index each for its own statement.

A rule sees one scan, and the index that would serve that scan alone. The advice has weighed all statements, the writes
among them: it says which index to make instead, or that its gain is not worth one.
"""

import re
from collections.abc import Sequence

import msgspec

from pgadvisor.advise.trial_change import Change, change_of
from pgadvisor.facts import Facts
from pgadvisor.model.advice import AdvisedIndex, IndexAdvice, StatementEffect
from pgadvisor.model.finding import Evidence, Finding, Rung, Severity
from pgadvisor.rule import advised_cause, advised_evidence, advised_remedy

MISSING = "missing-index"
"""The rule that tells the advised indexes which no other finding asks for."""
SERVED = 0.5
"""An index that leaves no more of a statement's cost serves it: who makes that one needs no other."""
LITTLE = "it saves little of the whole time for its room and upkeep"


def settled(
    findings: Sequence[Finding],
    advice: IndexAdvice | None,
    facts: Facts,
    doubted: Sequence[str],
    unknown: Sequence[str] = (),
) -> list[Finding]:
    """The findings with the advised indexes for their remedies.

    `doubted`: `Statement.key` of those that the planner plans otherwise than the audited server: the advice is no judge
    of them. `unknown`: of those of whose values nothing is known: that no index is advised for any value says little.
    """
    if advice is None:
        return list(findings)
    unjudged = {*doubted, *(key for key, _ in advice.left_out)}
    kept: list[Finding] = []
    aside: list[tuple[Finding, list[tuple[AdvisedIndex, StatementEffect]]]] = []
    for finding in findings:
        change = None if finding.rule == MISSING else change_of(finding, facts)
        if change is None or finding.where.statement is None or finding.where.statement in unjudged:
            kept.append(finding)
            continue
        helping = _helping(advice, finding.where.statement)
        own = [each for each, _ in helping if _is_alike(each, change, facts)]
        if own:
            kept.append(_replaced(finding, own[0], advice, facts))
        else:
            aside.append((finding, helping))
    asked = {finding.cause for finding in kept}
    kept += [
        finding if finding.where.statement in unknown and not helping else _left_out(finding, helping)
        for finding, helping in aside
        if not any(advised_cause(index) in asked and effect.ratio <= SERVED for index, effect in helping)
    ]
    return _without_twice_told(kept)


def _is_alike(index: AdvisedIndex, change: Change, facts: Facts) -> bool:
    """Whether the advised index is on a column that the finding wants to look up: then it is that one, made better."""
    table = facts.table(index.table)
    if table is None or index.table != change.made.table:
        return False
    columns = {column.name for column in table.columns}
    one, other = (columns.intersection(re.findall(r"\w+", text)) for text in (index.definition, change.told))
    return bool(one & other)


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
    """The finding with why the set for the whole workload does without its index: no reason to act on it first."""
    first, *others = finding.evidence
    names = ", ".join(index.name for index, _ in instead)
    text = f"the indexes advised for the whole workload leave it out: {f'{names} serves it' if names else LITTLE}"
    evidence = (first, Evidence(rung=Rung.ESTIMATED, text=text), *others)
    return msgspec.structs.replace(finding, evidence=evidence, severity=Severity.INFO)


def _without_twice_told(findings: Sequence[Finding]) -> list[Finding]:
    """The findings without those that only say that an index is missing, where another one asks for that index."""
    asked = {finding.cause for finding in findings if finding.rule != MISSING}
    return [finding for finding in findings if finding.rule != MISSING or finding.cause not in asked]
