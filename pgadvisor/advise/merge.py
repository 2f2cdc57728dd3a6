"""Findings of the same cause become one: one missing index for ten statements is one finding."""

import re
from collections import Counter
from collections.abc import Callable, Iterable

import msgspec

from pgadvisor.advise.identity import key_of, shared_cause
from pgadvisor.advise.rank import worth
from pgadvisor.facts import Facts
from pgadvisor.model.finding import Evidence, Finding, Severity, first_sentence

MOST_EVIDENCE = 6
"""Pieces of evidence kept on a merged finding: its own, then those of the most costly; more would bury the reader."""

LOAD = "statement-dominates-load"
"""The rule that tells where to look: nothing to add where something is found there."""

_ALONE = "#"
"""Begins what stands for the cause of a finding that names none."""

_KEYS = re.compile(r"^(index \S+ (?:USING \w+ )?)\((.*)\)$")


def merge(findings: list[Finding], facts: Facts, *, across: bool = True) -> list[Finding]:
    """One finding for each rule and cause, in the order of their first; an index that leads another joins it.

    A missing index, or a subquery run for each row, is one finding whatever the rules: one change cures it. What
    several rules say of one node of a plan is one as well.
    Without `across` each statement keeps findings of its own. Where several entries of the counters are the same
    statement (of other users, or with parameters of another type), what is found in each is one finding as well.
    """
    groups: dict[tuple[str, ...], list[Finding]] = {}
    findings = [_with_ceiling(each, facts) for each in findings]
    longer = _longer_causes(findings) if across else {}
    told: Counter[tuple[str, str | None]] = Counter()
    for finding in findings:
        if finding.cause is None:
            key = key_of(finding, facts, across=across)
            cause = f"{_ALONE}{key} {told[key, finding.where.statement]}"
            told[key, finding.where.statement] += 1
        else:
            cause = longer.get(finding.cause, finding.cause)
        rule = "" if shared_cause(cause) else finding.rule
        statements = () if across else finding.statements
        groups.setdefault((cause, rule, *statements), []).append(finding)
    merged = _once_a_place([_one(group, cause, facts) for (cause, *_), group in groups.items()])
    return [msgspec.structs.replace(each, key=key_of(each, facts, across=across)) for each in merged]


def _with_ceiling(finding: Finding, facts: Facts) -> Finding:
    """The finding with what it can free at most, where it names a node of a plan and no more is known."""
    planned = facts.plan(finding.where.statement)
    is_known = finding.gain_ms_per_day is not None or finding.at_most_ms_per_day is not None
    if is_known or planned is None or finding.node is None or not _is_of_place(finding):
        return finding
    share = next((each.share for each in planned.figures if each.number == finding.node), None)
    most = None if share is None else facts.ms_per_day(planned.key, share)
    return msgspec.structs.replace(finding, at_most_ms_per_day=most)


def _once_a_place(findings: list[Finding]) -> list[Finding]:
    """One finding for each node of a plan: told by the worst, of equals by a missing index, else the most worth."""
    taken: dict[tuple[str | None, int | None], int] = {}
    joined: dict[int, list[Finding]] = {}
    order = sorted(range(len(findings)), key=lambda at: (*_leads_by(findings[at]), at))
    for at in order:
        first = taken.setdefault(_place(findings[at]), at) if _is_of_place(findings[at]) else at
        if findings[at].rule == LOAD:
            first = next((each for each in joined if _is_cured(findings[at], findings[each])), at)
        fits = set(findings[at].statements) <= set(findings[first].statements)
        joined.setdefault(first if fits else at, []).append(findings[at])
    return [_beside(joined[at]) for at in range(len(findings)) if at in joined]


def _leads_by(finding: Finding) -> tuple[bool, int, bool, float]:
    is_index = finding.cause is not None and shared_cause(finding.cause) == "index"
    return finding.rule == LOAD, finding.severity.rank, not is_index, -worth(finding)


def _place(finding: Finding) -> tuple[str | None, int | None]:
    return finding.where.statement, finding.node


def _is_of_place(finding: Finding) -> bool:
    """Whether it is about what a node of the plan does: its cure is there, not in statistics, settings or vacuuming."""
    is_local = finding.cause is None or shared_cause(finding.cause) not in (None, "statistics")
    return finding.node is not None and finding.where.statement is not None and is_local


def _is_cured(load: Finding, other: Finding) -> bool:
    """Whether the other says what to do about the statement."""
    is_told = other.where.statement == load.where.statement and other.rule != LOAD
    return is_told and other.severity is not Severity.INFO


def _beside(group: list[Finding]) -> Finding:
    """The first, with what the others say of the same place and would do about it."""
    first, *others = group
    if not others:
        return first
    pieces = (
        Evidence(rung=each.rung, text=f"{each.rule}: {each.message}{_instead(each, first)}", comparison=each.comparison)
        for each in others
    )
    also = dict.fromkeys(rule for each in others for rule in (each.rule, *each.also) if rule != first.rule)
    return msgspec.structs.replace(
        first,
        also=tuple(dict.fromkeys((*first.also, *also))),
        evidence=(*first.evidence[: MOST_EVIDENCE - len(others)], *pieces)[:MOST_EVIDENCE],
        spans=next((each.spans for each in group if each.spans), ()),
    )


def _instead(finding: Finding, first: Finding) -> str:
    """Its own remedy, where it is another."""
    is_other = finding.remedy != first.remedy and finding.rule != LOAD
    return f"; or {_as_clause(first_sentence(finding.remedy.text))}" if is_other else ""


def _as_clause(text: str) -> str:
    return text if text[:2].isupper() else text[:1].lower() + text[1:]


def _one(group: list[Finding], cause: str, facts: Facts) -> Finding:
    """The group as one finding: told as its worst and most costly member tells it, of those that name the whole cause;
    a query's text, where a rule points at the guilty part of it, tells more than the plan."""

    def cost(finding: Finding) -> tuple[bool, int, bool, float, float]:
        gain, spent = finding.gain_ms_per_day or 0.0, _total_ms(finding.statements, facts)
        return finding.cause == cause, -finding.severity.rank, bool(finding.spans), gain, spent

    ordered = sorted(group, key=cost, reverse=True)
    statements = tuple(sorted(_statements(group), key=lambda key: (-_total_ms((key,), facts), key)))
    also = tuple(dict.fromkeys(finding.rule for finding in ordered if finding.rule != ordered[0].rule))
    gain = _gain(group, lambda finding: finding.gain_ms_per_day)
    return msgspec.structs.replace(
        ordered[0],
        also=also,
        node=next((each.node for each in _same_place(ordered) if each.node is not None), None),
        severity=_severity(group, gain, facts),
        statements=statements,
        evidence=_evidence(ordered),
        gain_ms_per_day=gain,
        at_most_ms_per_day=_gain(group, lambda finding: finding.at_most_ms_per_day) if gain is None else None,
        share=_share(statements, facts),
    )


def _severity(group: list[Finding], gain: float | None, facts: Facts) -> Severity:
    """The worst; an error as well where one index frees much of all time, though little of each statement."""
    worst = min((finding.severity for finding in group), key=lambda severity: severity.rank)
    is_index = shared_cause(group[0].cause) == "index"
    is_much = is_index and len(_statements(group)) > 1 and gain is not None and facts.is_heavy(gain)
    return Severity.ERROR if is_much and worst is Severity.WARNING else worst


def _statements(group: list[Finding]) -> set[str]:
    return {key for finding in group for key in finding.statements}


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


def _gain(group: list[Finding], gain_of: Callable[[Finding], float | None]) -> float | None:
    """What all statements together gain; of one statement the best gain counts, not one for each rule."""
    best: dict[tuple[str, ...], float] = {}
    for finding in group:
        if (gain := gain_of(finding)) is not None:
            best[finding.statements] = max(best.get(finding.statements, 0.0), gain)
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
