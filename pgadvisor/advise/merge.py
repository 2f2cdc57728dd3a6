"""Findings of the same cause become one: one missing index for ten statements is one finding."""

import re
from collections.abc import Iterable

import msgspec

from pgadvisor.advise.identity import key_of, shared_cause
from pgadvisor.facts import Facts
from pgadvisor.model.finding import Evidence, Finding

MOST_EVIDENCE = 6
"""Pieces of evidence kept on a merged finding: its own, then those of the most costly; more would bury the reader."""

_KEYS = re.compile(r"^(index \S+ (?:USING \w+ )?)\((.*)\)$")


def merge(findings: list[Finding], facts: Facts, *, across: bool = True) -> list[Finding]:
    """One finding for each rule and cause, in the order of their first; an index that leads another joins it.

    A missing index, or a subquery run for each row, is one finding whatever the rules: one change cures it.
    Without `across` each statement keeps findings of its own.
    """
    groups: dict[tuple[str, ...], list[Finding]] = {}
    longer = _longer_causes(findings) if across else {}
    for number, finding in enumerate(findings):
        cause = f"#{number}" if finding.cause is None else longer.get(finding.cause, finding.cause)
        rule = "" if shared_cause(cause) else finding.rule
        statements = () if across else finding.statements
        groups.setdefault((cause, rule, *statements), []).append(finding)
    merged = (_one(group, cause, facts) for (cause, *_), group in groups.items())
    return [msgspec.structs.replace(each, key=key_of(each, facts, across=across)) for each in merged]


def _one(group: list[Finding], cause: str, facts: Facts) -> Finding:
    """The group as one finding: told as its worst and most costly member tells it, of those that name the whole cause;
    a query's text, where a rule points at the guilty part of it, tells more than the plan."""

    def cost(finding: Finding) -> tuple[bool, int, bool, float, float]:
        gain, spent = finding.gain_ms_per_day or 0.0, _total_ms(finding.statements, facts)
        return finding.cause == cause, -finding.severity.rank, bool(finding.spans), gain, spent

    ordered = sorted(group, key=cost, reverse=True)
    statements = tuple(sorted({key for finding in group for key in finding.statements},
                              key=lambda key: (-_total_ms((key,), facts), key)))  # fmt: skip
    also = tuple(dict.fromkeys(finding.rule for finding in ordered if finding.rule != ordered[0].rule))
    return msgspec.structs.replace(
        ordered[0],
        also=also,
        node=next((each.node for each in _same_place(ordered) if each.node is not None), None),
        severity=min((finding.severity for finding in group), key=lambda severity: severity.rank),
        statements=statements,
        evidence=_evidence(ordered),
        gain_ms_per_day=_gain(group),
        share=_share(statements, facts),
    )


def _same_place(ordered: list[Finding]) -> list[Finding]:
    """Those about the statement of the first: a node's number means nothing in another plan."""
    return [finding for finding in ordered if finding.where.statement == ordered[0].where.statement]


def _evidence(ordered: list[Finding]) -> tuple[Evidence, ...]:
    """The evidence of all; of another rule first what it says."""
    distinct: dict[Evidence, None] = {}
    for finding in ordered:
        if finding.rule != ordered[0].rule:
            distinct[Evidence(rung=finding.rung, text=f"{finding.rule}: {finding.message}")] = None
        distinct.update(dict.fromkeys(finding.evidence))
    return tuple(distinct)[:MOST_EVIDENCE]


def _gain(group: list[Finding]) -> float | None:
    """What all statements together gain; of one statement the best gain counts, not one for each rule."""
    best: dict[tuple[str, ...], float] = {}
    for finding in group:
        if finding.gain_ms_per_day is not None:
            best[finding.statements] = max(best.get(finding.statements, 0.0), finding.gain_ms_per_day)
    return sum(best.values()) if best else None


def _longer_causes(findings: Iterable[Finding]) -> dict[str, str]:
    """Of causes `index T (a)` and `index T (a, b)`, the first to the second: an index on both serves both."""
    causes = sorted({finding.cause for finding in findings if finding.cause and _KEYS.match(finding.cause)}, key=len)
    return {short: long for at, short in enumerate(causes) for long in causes[at + 1 :] if _leads(short, long)}


def _leads(short: str, long: str) -> bool:
    one, other = _KEYS.match(short), _KEYS.match(long)
    assert one and other
    return one[1] == other[1] and other[2].startswith(f"{one[2]}, ")


def _total_ms(statements: Iterable[str], facts: Facts) -> float:
    found = (facts.statement(key) for key in statements)
    return sum((statement.total_ms or 0.0) for statement in found if statement)


def _share(statements: tuple[str, ...], facts: Facts) -> float | None:
    if not statements or not facts.total_ms:
        return None
    return min(_total_ms(statements, facts) / facts.total_ms, 1.0)
