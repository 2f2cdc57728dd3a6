"""Waivers: findings that someone took upon himself, by a comment beside the statement or in the settings file."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import NamedTuple

from msgspec.structs import replace

from pgadvisor.model.finding import Evidence, Finding, Rung
from pgadvisor.model.migration import Migration, MigrationStatement
from pgadvisor.model.record import Record
from pgadvisor.model.report import Waived
from pgadvisor.model.waiver import ListedWaiver, Terms


class Outcome(Record):
    """What is left of the findings."""

    kept: tuple[Finding, ...]
    """Those whose waiver does not hold say why among their evidence."""
    waived: tuple[Waived, ...] = ()
    notes: tuple[str, ...] = ()
    """Waivers that ended, lack a reason, silence nothing, or name no rule: a sentence each."""


class _Claim(NamedTuple):
    """One rule that one waiver silences."""

    place: str
    """`db/0042_email.sql:3`, or the entry of the settings file."""
    rule: str | None
    until: date | None
    reason: str | None
    is_in_source: bool

    @property
    def name(self) -> str:
        """`the waiver of index-not-concurrent`."""
        return f"the waiver of {self.rule or 'all rules'}"


class _Beside(NamedTuple):
    """A statement and what the comments beside it claim."""

    line: int
    claims: tuple[_Claim, ...]


def waive(findings: Iterable[Finding], migrations: Iterable[Migration], terms: Terms) -> Outcome:
    """The findings without those that a waiver silences, in their order; and what there is to say about waivers.

    A waiver of a rule that only tells the same fault as the leading one silences nothing of what that one says.
    """
    beside = _beside(migrations)
    claims = [claim for each in beside.values() for one in each for claim in one.claims]
    claims += [
        _listed_claim(number, each)
        for number, each in enumerate(terms.listed, start=1)
        if each.rule or not each.table  # settings are shared: of all rules, those of an audit may be meant
    ]
    kept: list[Finding] = []
    waived: list[Waived] = []
    faults: dict[_Claim, str | None] = {}
    """Of the claims that met a finding: why they do not hold."""
    for finding in findings:
        met = [each for each in _claims_on(finding, beside, terms) if _names(each, finding, terms)]
        faults |= {each: terms.fault(each.until, each.reason) for each in met}
        holding = [each for each in met if faults[each] is None]
        whole = [each for each in holding if each.rule is None or terms.rules.get(each.rule) == finding.rule]
        if whole:
            best = next((each for each in whole if each.reason), whole[0])
            waived.append(Waived(finding=finding, reason=best.reason, until=best.until, is_in_source=best.is_in_source))
        else:
            silenced = {terms.rules.get(each.rule or "") for each in holding}
            also = tuple(each for each in finding.also if each not in silenced)
            reasons = [f"{each.name} {fault}" for each in met if (fault := faults[each]) is not None]
            kept.append(_with_faults(replace(finding, also=also), reasons))
    return Outcome(kept=tuple(kept), waived=tuple(waived), notes=tuple(_notes(claims, faults, terms)))


def _beside(migrations: Iterable[Migration]) -> dict[str, list[_Beside]]:
    """The statements of the migrations that are judged, by file, in the order of their lines."""
    found: dict[str, list[_Beside]] = {}
    for migration in migrations:
        if migration.is_judged:
            for file, statements in (
                (migration.file, migration.up),
                (migration.down_file or migration.file, migration.down or ()),
            ):
                found.setdefault(file, []).extend(_claimed(file, each) for each in statements)
    return {file: sorted(each, key=lambda one: one.line) for file, each in found.items()}


def _claimed(file: str, statement: MigrationStatement) -> _Beside:
    claims = tuple(
        _Claim(f"{file}:{waiver.line or statement.line}", rule, waiver.until, waiver.reason, is_in_source=True)
        for waiver in statement.waivers
        for rule in waiver.rules or (None,)
    )
    return _Beside(statement.line, claims)


def _listed_claim(number: int, listed: ListedWaiver) -> _Claim:
    return _Claim(f"settings, waiver {number} ({listed.place})", listed.rule, listed.until, listed.reason, False)


def _claims_on(finding: Finding, beside: Mapping[str, list[_Beside]], terms: Terms) -> Iterator[_Claim]:
    """What is claimed of the place of the finding: beside its statement, and in the settings."""
    file, line = finding.where.file, finding.where.line
    before = [each for each in beside.get(file or "", ()) if line is not None and each.line <= line]
    for each in before:
        if each.line == before[-1].line:
            yield from each.claims
    for number, listed in enumerate(terms.listed, start=1):
        if listed.covers(finding):
            yield _listed_claim(number, listed)


def _names(claim: _Claim, finding: Finding, terms: Terms) -> bool:
    return claim.rule is None or terms.rules.get(claim.rule) in (finding.rule, *finding.also)


def _with_faults(finding: Finding, faults: list[str]) -> Finding:
    told = tuple(Evidence(rung=Rung.INFERRED, text=fault) for fault in faults)
    return replace(finding, evidence=(*finding.evidence, *told)) if told else finding


def _notes(claims: Iterable[_Claim], faults: Mapping[_Claim, str | None], terms: Terms) -> Iterator[str]:
    """What there is to say about each waiver, in the order of the files."""
    for claim in dict.fromkeys(claims):
        rule = claim.rule if claim.rule is None else terms.rules.get(claim.rule)
        if claim.rule is not None and rule is None:
            yield f'{claim.place}: there is no rule "{claim.rule}": `pgadvisor rules` lists them'
        elif claim in faults:
            if (fault := faults[claim]) is not None:
                yield f"{claim.place}: {claim.name} {fault}"
        elif terms.rules_run and (rule is None or rule in terms.rules_run):
            yield f"{claim.place}: {claim.name} silences nothing and can go"
