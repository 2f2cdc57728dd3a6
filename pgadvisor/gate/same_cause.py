"""One fault of a statement that several rules tell becomes one finding: told by the rule that leads, others beside."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from pgadvisor.advise.merge import MOST_EVIDENCE
from pgadvisor.migration_facts import GateFacts
from pgadvisor.model.finding import Evidence, Finding, Rung, Severity

BREAKS, FAILS, SLOWER, UNUSABLE = "statement-breaks", "migration-fails", "plan-regression", "index-no-longer-usable"
ADVICE = "statement-timeout-missing"
REMOVALS = frozenset(("drop-column", "drop-table", "drop-view", "rename-column", "rename-table"))
"""What is taken away leads: its statement is what has to change."""
FORESEEN = {
    "concurrent-in-transaction": "25001",
    "concurrent-on-partitioned-table": "0A000",
    "enum-value-used-at-once": "55P04",
    "foreign-key-type-mismatch": "42804",
    "refresh-not-concurrent": "55000",
    "required-column-without-default": "23502",
}
"""Rules that say why a statement fails and how to write it, and the SQLSTATE that the server gives for it."""
SYNTAX = "42601"
FOLLOWERS = frozenset((BREAKS, FAILS, SLOWER, "unknown-ddl", "drop-index-used", ADVICE))
"""Rules whose findings may be told by another one."""

_Place = tuple[str | None, int | None]


def one_finding_a_cause(findings: Sequence[Finding], gate: GateFacts) -> list[Finding]:
    """The findings in their order, without those that another one tells; that one says so."""
    known = _Known(_lines(gate), _gone(gate), _refused(gate))
    beside: dict[_Place, list[int]] = {}
    for at, each in enumerate(findings):
        beside.setdefault(known.place(each), []).append(at)
    leaders: dict[int, int] = {}
    for at, finding in enumerate(findings):
        if finding.rule in FOLLOWERS:
            candidates = beside[known.place(finding)]
            leader = next((other for other in candidates if known.leads(findings[other], finding)), None)
            leaders |= {} if leader is None else {at: leader}
    led: dict[int, list[Finding]] = {}
    for at in leaders:
        first = leaders[at]
        while first in leaders:
            first = leaders[first]
        led.setdefault(first, []).append(findings[at])
    return [_joined(each, led.get(at, ())) for at, each in enumerate(findings) if at not in leaders]


class _Known(NamedTuple):
    """What tells whether two findings of one statement have one cause."""

    lines: dict[str, list[int]]
    """By file the lines on which its statements begin."""
    gone: dict[tuple[str, str], set[str]]
    """By file and index that is no longer there, the statements of the workload that used it."""
    refused: dict[_Place, str]
    """By place the SQLSTATE with which a scratch server refused the statement."""

    def leads(self, one: Finding, other: Finding) -> bool:
        """Whether the first tells what the second does, and more."""
        if one.rule == other.rule:
            return False
        if other.rule == BREAKS:
            return one.rule in REMOVALS and _is_about(one, other)
        if other.rule == FAILS:
            return FORESEEN.get(one.rule, "") == self.refused.get(self.place(other))
        if other.rule == "unknown-ddl":
            return one.rule == FAILS and self.refused.get(self.place(other)) == SYNTAX
        if other.rule == "drop-index-used":
            users = self.gone.get((other.where.file or "", other.where.index or ""), set())
            return one.rule == SLOWER and bool(users.intersection(one.statements))
        if other.rule == SLOWER:
            return one.rule == UNUSABLE
        is_hazard = one.severity is not Severity.INFO and one.where.table == other.where.table
        return other.rule == ADVICE and is_hazard

    def place(self, finding: Finding) -> _Place:
        """The statement that it is about: its file, and the line on which it begins."""
        file, line = finding.where.file, finding.where.line
        starts = self.lines.get(file or "", [])
        at = bisect_right(starts, line) if line is not None else 0
        return file, starts[at - 1] if at else line


def _is_about(removal: Finding, broken: Finding) -> bool:
    """Whether the statement breaks by what is taken away: it is known to use it, or the server names it."""
    if set(broken.statements) & set(removal.statements):
        return True
    name = removal.where.column or (removal.where.table or "").rpartition(".")[2]
    return f'"{name}"' in broken.message or f".{name} " in broken.message


def _joined(leader: Finding, others: Iterable[Finding]) -> Finding:
    """The leading finding, with what the others say among its evidence."""
    evidence = dict.fromkeys(leader.evidence)
    also, statements = list(leader.also), list(leader.statements)
    severity, share = leader.severity, leader.share
    for each in others:
        also += [each.rule, *each.also]
        statements += each.statements
        if each.rule != ADVICE:
            severity = min(severity, each.severity, key=lambda found: found.rank)
        share = max((part for part in (share, each.share) if part is not None), default=None)
        evidence.update(dict.fromkeys(_said(each)))
    return replace(
        leader,
        also=tuple(dict.fromkeys(each for each in also if each != leader.rule)),
        statements=tuple(dict.fromkeys(statements)),
        severity=severity,
        share=share,
        evidence=tuple(evidence)[:MOST_EVIDENCE],
    )


def _said(finding: Finding) -> Iterator[Evidence]:
    """What a finding that is told by another one adds to its evidence."""
    if finding.rule == ADVICE:  # what was seen of its statement says nothing of a setting
        yield Evidence(rung=Rung.INFERRED, text="no statement_timeout bounds it")
        return
    yield Evidence(rung=finding.rung, text=finding.message)
    # Of several statements that break each is a piece of evidence; the message tells the first.
    yield from (
        finding.evidence[1:]
        if finding.rule == BREAKS
        else (each for each in finding.evidence if each.comparison is not None)
    )


def _lines(gate: GateFacts) -> dict[str, list[int]]:
    found: dict[str, set[int]] = {}
    for migration in gate.migrations:
        for statement in migration.up if migration.is_judged else ():
            found.setdefault(migration.file, set()).add(statement.line)
    return {file: sorted(lines) for file, lines in found.items()}


def _gone(gate: GateFacts) -> dict[tuple[str, str], set[str]]:
    found: dict[tuple[str, str], set[str]] = {}
    for each in gate.plans.statements if gate.plans else ():
        for index in each.gone_indexes:
            found.setdefault((each.place.file, index.rpartition(".")[2]), set()).add(each.statement)
    return found


def _refused(gate: GateFacts) -> dict[_Place, str]:
    statements = gate.trace.statements if gate.trace else ()
    return {(each.file, each.line): each.error.sqlstate for each in statements
            if each.direction == "up" and each.error is not None and each.error.sqlstate}  # fmt: skip
