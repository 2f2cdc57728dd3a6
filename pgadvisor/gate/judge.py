"""From migrations to a Report: the rules of migrations on every step, merged, ranked, waived, and what it comes to."""

from collections.abc import Callable, Sequence
from datetime import datetime

import msgspec

from pgadvisor import __version__
from pgadvisor.advise.merge import merge
from pgadvisor.advise.queries import read_queries
from pgadvisor.facts import Facts
from pgadvisor.gate.identity import key_of
from pgadvisor.gate.running import findings_of
from pgadvisor.gate.steps import steps_of
from pgadvisor.gate.waivers import Terms, waive
from pgadvisor.migration_facts import GateFacts, MigrationStep
from pgadvisor.model.finding import Finding, Severity
from pgadvisor.model.migration import Migration
from pgadvisor.model.report import FORMAT, Report, RuleNotRun, Verdict
from pgadvisor.model.snapshot import FORMAT as SNAPSHOT_FORMAT
from pgadvisor.model.snapshot import Gap, Snapshot
from pgadvisor.rule import Rule

LATEST_MAJOR = 18
"""Judged for it where nothing says on which version the migrations will run."""


def judge(
    migrations: Sequence[Migration],
    rules: Sequence[Rule],
    terms: Terms,
    *,
    snapshot: Snapshot | None,
    now: datetime,
    on_crash: Callable[[Rule, Exception], None] | None = None,
) -> Report:
    """What the rules say of the judged migrations; `terms`: by what their waivers are judged."""
    server = snapshot.server if snapshot else None
    version = server.major if server else LATEST_MAJOR
    known = snapshot or Snapshot(format=SNAPSHOT_FORMAT, pgadvisor=__version__, collected_at=now)
    facts = Facts(known, read_queries(known)[0])
    gate = GateFacts(
        migrations, version=version, facts=facts if snapshot else None, version_is_known=server is not None
    )
    steps = steps_of(migrations, version=version, snapshot=snapshot)
    found, not_run = _run(rules, steps, gate, on_crash)
    merged = [msgspec.structs.replace(each, key=key_of(each)) for each in merge(found, facts)]
    outcome = waive(_ranked(merged), migrations, terms)
    absent = {each.rule for each in not_run}
    gaps = (*_unread(migrations), *(Gap(area="migrations", reason=note, cure="mend or remove the comment")
                                    for note in outcome.notes))  # fmt: skip
    return Report(
        format=FORMAT,
        pgadvisor=__version__,
        collected_at=known.collected_at,
        verdict=_verdict(outcome.kept, migrations, gaps, snapshot),
        server=server,
        findings=outcome.kept,
        waived=outcome.waived,
        gaps=gaps,
        rules_run=tuple(rule.name for rule in rules if rule.name not in absent),
        rules_not_run=tuple(not_run),
    )


def _run(
    rules: Sequence[Rule],
    steps: Sequence[MigrationStep],
    gate: GateFacts,
    on_crash: Callable[[Rule, Exception], None] | None,
) -> tuple[list[Finding], list[RuleNotRun]]:
    found: list[Finding] = []
    not_run: list[RuleNotRun] = []
    for rule in rules:
        try:
            found.extend(findings_of(rule, steps, gate))
        except Exception as crash:  # noqa: BLE001 - one rule's fault must not cost the user all the others
            if on_crash:
                on_crash(rule, crash)
            not_run.append(
                RuleNotRun(
                    rule=rule.name,
                    reason=f"it failed on these migrations: {type(crash).__name__}",
                    cure="run again with --debug and report the traceback as a bug of pgadvisor",
                )
            )
    return found, not_run


def _ranked(findings: Sequence[Finding]) -> list[Finding]:
    """The worst first, then as they stand in the files."""
    return sorted(
        findings, key=lambda each: (each.severity.rank, each.where.file or "", each.where.line or 0, each.rule)
    )


def _unread(migrations: Sequence[Migration]) -> tuple[Gap, ...]:
    """What could not be read, or was passed over, in what is judged."""
    found = []
    for each in migrations:
        if each.is_judged and each.unread:
            found.append(Gap(area="migrations", subject=each.file, reason=each.unread, cure="give plain SQL in UTF-8"))
        if each.is_judged:
            found += [Gap(area="migrations", subject=each.file, reason=remark, cure="look at it yourself")
                      for remark in each.remarks]  # fmt: skip
    return tuple(found)


def _verdict(
    findings: Sequence[Finding], migrations: Sequence[Migration], gaps: Sequence[Gap], snapshot: Snapshot | None
) -> Verdict:
    """What will lock or break, in a sentence."""
    judged = [each for each in migrations if each.is_judged]
    worst = min((each.severity for each in findings), key=lambda each: each.rank, default=None)
    statements = sum(len(each.up) for each in judged)
    looked = f"{_plural(len(judged), 'migration')} with {_plural(statements, 'statement')} judged"
    basis = (
        f"on the catalog of {snapshot.collected_at:%Y-%m-%d}"
        if snapshot
        else ("by text alone: with --snapshot FILE sizes, traffic and plans count as well")
    )
    unread = sum(each.unread is not None for each in judged)
    parts = [f"{looked} {basis}."]
    if unread:
        parts.append(f"{_plural(unread, 'migration')} could not be read.")
    if not judged:
        headline = "No migration is new or changed"
    elif findings:
        errors = sum(each.severity is Severity.ERROR for each in findings)
        first = findings[0]
        headline = f"{_plural(errors, 'error') if errors else _plural(len(findings), 'finding')}: {first.message}"
    elif unread == len(judged):
        headline = "No migration could be read"
    else:
        headline = "Nothing in the way"
    return Verdict(headline=headline, text=" ".join(parts), severity=worst)


def _plural(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
