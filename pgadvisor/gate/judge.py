"""From migrations to a Report: the rules of migrations on every step, merged, ranked, waived, and what it comes to."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

import msgspec

from pgadvisor import __version__
from pgadvisor.advise.merge import merge
from pgadvisor.advise.queries import read_queries
from pgadvisor.facts import Facts
from pgadvisor.gate.identity import key_of
from pgadvisor.gate.lacking import lacking
from pgadvisor.gate.plans import PlansFound
from pgadvisor.gate.running import findings_of, line_of
from pgadvisor.gate.same_cause import one_finding_a_cause
from pgadvisor.gate.steps import steps_of
from pgadvisor.gate.trying import TraceFound
from pgadvisor.gate.verdict import held_by_place, judged_migrations, verdict
from pgadvisor.gate.waivers import waive
from pgadvisor.migration_facts import GateFacts, MigrationStep
from pgadvisor.model.finding import Finding
from pgadvisor.model.migration import Migration
from pgadvisor.model.report import FORMAT, Report, RuleNotRun
from pgadvisor.model.snapshot import FORMAT as SNAPSHOT_FORMAT
from pgadvisor.model.snapshot import Gap, Snapshot
from pgadvisor.model.waiver import Terms
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
    plans: PlansFound | None = None,
    tried: TraceFound | None = None,
    on_crash: Callable[[Rule, Exception], None] | None = None,
) -> Report:
    """What the rules say of the judged migrations; `terms`: by what their waivers are judged; `plans`: what they do to
    the snapshot's workload, where that was planned; `tried`: what running them showed."""
    known = snapshot or Snapshot(format=SNAPSHOT_FORMAT, pgadvisor=__version__, collected_at=now)
    queries = plans.queries if plans else None
    facts = Facts(known, read_queries(known)[0] if queries is None else queries)
    gate = _gate_facts(migrations, snapshot, facts, plans, tried)
    steps = steps_of(migrations, version=gate.version, snapshot=snapshot)
    found, not_run = _run(rules, steps, gate, tried, on_crash)
    told = one_finding_a_cause(merge(found, facts), gate)
    merged = [msgspec.structs.replace(each, key=key_of(each)) for each in told]
    outcome = waive(_ranked(merged), migrations, terms)
    absent = {each.rule for each in not_run}
    judged = judged_migrations(migrations, gate.trace)
    held = held_by_place(steps, gate, [(each.migration.file, line_of(each)) for each in steps])
    return Report(
        format=FORMAT,
        pgadvisor=__version__,
        collected_at=known.collected_at,
        verdict=verdict(outcome.kept, judged, held=held, snapshot=snapshot, plans=plans),
        server=known.server,
        findings=outcome.kept,
        waived=outcome.waived,
        gaps=(
            *_unread(migrations),
            *_unheeded(outcome.notes),
            *(_untold(plans.gaps, gate) if plans else ()),
            *(tried.gaps if tried else ()),
        ),
        rules_run=tuple(rule.name for rule in rules if rule.name not in absent),
        rules_not_run=tuple(not_run),
        rule_pages=_pages(rules, outcome.kept),
        migrations=judged,
    )


def _gate_facts(
    migrations: Sequence[Migration],
    snapshot: Snapshot | None,
    facts: Facts,
    plans: PlansFound | None,
    tried: TraceFound | None,
) -> GateFacts:
    """`facts`: of the snapshot; without one they are of nothing, and are not asked."""
    server = snapshot.server if snapshot else None
    return GateFacts(
        migrations,
        version=server.major if server else LATEST_MAJOR,
        facts=facts if snapshot else None,
        version_is_known=server is not None,
        plans=plans.changes if plans else None,
        trace=tried.trace if tried else None,
    )


def _run(
    rules: Sequence[Rule],
    steps: Sequence[MigrationStep],
    gate: GateFacts,
    tried: TraceFound | None,
    on_crash: Callable[[Rule, Exception], None] | None,
) -> tuple[list[Finding], list[RuleNotRun]]:
    found: list[Finding] = []
    not_run: list[RuleNotRun] = []
    for rule in rules:
        if (lack := lacking(rule, gate, tried)) is not None:
            not_run.append(lack)
            continue
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


def _pages(rules: Sequence[Rule], findings: Sequence[Finding]) -> tuple[tuple[str, str], ...]:
    """The pages of the rules that found something."""
    names = {each.rule for each in findings}
    return tuple((rule.name, rule.doc) for rule in rules if rule.name in names)


def _ranked(findings: Sequence[Finding]) -> list[Finding]:
    """The worst first, then as they stand in the files."""
    return sorted(
        findings, key=lambda each: (each.severity.rank, each.where.file or "", each.where.line or 0, each.rule)
    )


def _unheeded(notes: Sequence[str]) -> Iterator[Gap]:
    """Comments that silence nothing."""
    return (Gap(area="migrations", reason=each, cure="mend or remove the comment") for each in notes)


def _untold(gaps: Sequence[Gap], gate: GateFacts) -> tuple[Gap, ...]:
    """Those that are not a failure which a finding tells: of the same file, in the server's same words."""
    traced = gate.trace.statements if gate.trace else ()
    told = {(each.file, each.error.message) for each in traced if each.error and not each.after_error}
    return tuple(
        each
        for each in gaps
        if not any(each.subject == file and each.reason.endswith(f": {words}") for file, words in told)
    )


def _unread(migrations: Sequence[Migration]) -> tuple[Gap, ...]:
    """What could not be read, or was passed over, in what is judged."""
    found = []
    for each in migrations:
        if each.is_judged and each.unread:
            cure = "mend it, and run the gate again"
            found.append(Gap(area="migrations", subject=each.file, reason=each.unread, cure=cure))
        if each.is_judged:
            found += [Gap(area="migrations", subject=each.file, reason=remark, cure="look at it yourself")
                      for remark in each.remarks]  # fmt: skip
    return tuple(found)
