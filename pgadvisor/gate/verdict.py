"""The gate's verdict in a sentence: what will lock or break, for how long, what to change, and what was looked at."""

from collections.abc import Mapping, Sequence

from pgadvisor.gate.plans import PlansFound
from pgadvisor.migration_facts import GateFacts, MigrationStep
from pgadvisor.model.finding import Finding, Severity, first_sentence
from pgadvisor.model.migration import Migration
from pgadvisor.model.report import JudgedMigration, JudgedMigrations, Verdict
from pgadvisor.model.snapshot import Snapshot
from pgadvisor.model.trace import Trace

_MOST = 2
"""Further findings named in the verdict; the report tells all."""
FAILS = "migration-fails"

Place = tuple[str | None, int | None]


def held_by_place(steps: Sequence[MigrationStep], gate: GateFacts, places: Sequence[Place]) -> Mapping[Place, float]:
    """How long the lock of what stands in a line is held, in ms, where that is known: the longest."""
    found: dict[Place, float] = {}
    for step, place in zip(steps, places, strict=True):
        found[place] = max(found.get(place, 0.0), gate.held_ms(step) or 0.0)
    return found


def verdict(
    findings: Sequence[Finding],
    judged: JudgedMigrations,
    *,
    held: Mapping[Place, float],
    snapshot: Snapshot | None,
    plans: PlansFound | None,
) -> Verdict:
    """`findings`: ranked; `held`: how long each line locks."""
    worst = min((each.severity for each in findings), key=lambda each: each.rank, default=None)

    def harm(finding: Finding) -> tuple[int, bool, float]:
        place = finding.where.file, finding.where.line
        return finding.severity.rank, finding.rule != FAILS, -held.get(place, 0.0)

    ordered = sorted(findings, key=harm)
    unread = sum(each.unread is not None for each in judged.files)
    looked = _looked(judged, snapshot, plans)
    if ordered and worst is not Severity.INFO:
        headline = ordered[0].message
        return Verdict(headline=_sentence(headline), text=" ".join([*_told(ordered), *looked]), severity=worst)
    if not judged.files:
        headline = "No migration is new or changed"
    elif unread == len(judged.files):
        headline = "No migration could be read"
    elif unread:
        headline = f"Nothing in the way in what could be read: {_plural(unread, 'migration')} could not"
    else:
        headline = "Nothing in the way"
    return Verdict(headline=headline, text=" ".join([*_remarked(ordered), *looked]), severity=worst)


def _told(ordered: Sequence[Finding]) -> list[str]:
    """The further findings as bad as the first, and what to change."""
    first, *others = ordered
    bad = list(dict.fromkeys(each.message for each in others if each.severity is first.severity))
    parts = []
    if bad:
        parts.append(f"Also: {_listed(bad)}.")
    parts.append(f"What to change: {_lowered(first_sentence(first.remedy.text))}.")
    return parts


def _remarked(ordered: Sequence[Finding]) -> list[str]:
    """Findings that stop nobody."""
    remarks = list(dict.fromkeys(each.message for each in ordered))
    return [f"Worth knowing: {_listed(remarks)}."] if remarks else []


def _listed(messages: Sequence[str]) -> str:
    more = f"; and {len(messages) - _MOST:,} more" if len(messages) > _MOST else ""
    return f"{'; '.join(messages[:_MOST])}{more}"


def _looked(judged: JudgedMigrations, snapshot: Snapshot | None, plans: PlansFound | None) -> list[str]:
    """What was judged, on which basis, and how much of it was tried."""
    statements = sum(each.statements for each in judged.files)
    looked = f"{_plural(len(judged.files), 'migration')} with {_plural(statements, 'statement')} judged"
    basis = f"on the catalog of {snapshot.collected_at:%Y-%m-%d}" if snapshot else "without a snapshot of production"
    parts = [f"{looked} {basis}."]
    tried = [each.tried for each in judged.files if each.tried is not None]
    if judged.tried_on is not None:
        count = "All" if sum(tried) == statements else f"{sum(tried):,}" if sum(tried) else "None"
        parts.append(f"{count} of them tried on a {judged.tried_on}." if statements else "")
    planned = plans.changes.planned if plans else 0
    if planned:
        parts.append(f"{_plural(planned, 'statement')} planned before and after.")
    if plans and (untouched := plans.changes.untouched):
        more = _plural(untouched, "other" if planned else "statement")
        parts.append(f"{more} of the workload {'uses' if untouched == 1 else 'use'} nothing that changes.")
    if unread := sum(each.unread is not None for each in judged.files):
        parts.append(f"{_plural(unread, 'migration')} could not be read.")
    return [each for each in parts if each]


def judged_migrations(migrations: Sequence[Migration], trace: Trace | None) -> JudgedMigrations:
    """The migrations that were judged, in their order, and how many of their statements were run."""
    ran: dict[tuple[str, str], int] = {}
    for each in trace.statements if trace else ():
        if each.direction == "up" and each.not_run is None and each.passed_over is None:
            ran[each.file, each.migration] = ran.get((each.file, each.migration), 0) + 1
    return JudgedMigrations(
        files=tuple(
            JudgedMigration(
                file=each.file,
                tool=each.tool,
                statements=len(each.up),
                tried=ran.get((each.file, each.name), 0) if trace else None,
                unread=each.unread,
                down_file=each.down_file,
            )
            for each in migrations
            if each.is_judged
        ),
        tried_on=trace.server if trace else None,
    )


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"


def _lowered(text: str) -> str:
    """For the middle of a sentence; what begins with a keyword of SQL stays."""
    return text if text[:2].isupper() else f"{text[:1].lower()}{text[1:]}"


def _plural(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
