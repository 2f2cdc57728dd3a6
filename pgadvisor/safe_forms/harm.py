"""How long a step keeps others waiting, and how many: as words, severity and evidence."""

from collections.abc import Iterator

from pgadvisor.indexes.build_effort import size_text
from pgadvisor.locks.modes import blocks_reads, blocks_writes
from pgadvisor.migration_facts import NOTICED_MS, GateFacts, MigrationStep
from pgadvisor.model.finding import Evidence, Finding, Remedy, Rung, Severity, Where
from pgadvisor.sql.ddl_step import DdlConstraint

TOLD_MS = 100.0
"""What is over sooner is not worth a figure."""
FULL_POOL = 100
"""Calls that wait at once: as many connections as PostgreSQL takes by default. The next is refused."""


def is_on_new_table(step: MigrationStep) -> bool:
    """Whether the table that it works on was made by what is judged: no program waits for it."""
    return step.schema.is_new(step.effect.worked_table or step.target)


def is_harmless(step: MigrationStep, gate: GateFacts) -> bool:
    """Whether nobody waits for it: the table is new, or known to be small."""
    return is_on_new_table(step) or gate.is_small(step.effect.worked_table or step.target)


def lock_severity(step: MigrationStep, gate: GateFacts) -> Severity:
    """By how long the lock is held and how many calls then wait: an error, unless both are known to be little; a word
    of information where the table is small and nobody meets the lock."""
    held = gate.held_ms(step)
    if held is None or held >= NOTICED_MS:
        return Severity.ERROR
    waiting = (gate.queued_calls_per_s(step.target, step.effect.lock) or 0.0) * held / 1_000
    if waiting >= FULL_POOL:
        return Severity.ERROR
    return Severity.INFO if is_harmless(step, gate) and waiting < 1 else Severity.WARNING


def milder_if_quick(severity: Severity, step: MigrationStep, gate: GateFacts) -> Severity:
    """That severity, or the one by size and traffic where what it works on and reads is known to be small."""
    used = (step.effect.worked_table or step.target, *map(step.named, step.step.reads))
    return lock_severity(step, gate) if all(map(gate.is_small, used)) else severity


def constraints_to_check(step: MigrationStep, kind: str) -> Iterator[DdlConstraint]:
    """The constraints of that kind that a step adds to a table in use and for which it reads all rows under its lock;
    none where it writes the table anew, which is worse."""
    is_table = step.command.startswith("add ") and step.command != "add domain constraint"
    if not is_table or step.effect.rewrites == "yes" or is_on_new_table(step):
        return
    for each in step.added_constraints:
        if each.kind == kind and _reads_rows(step, each):
            yield each


def _reads_rows(step: MigrationStep, constraint: DdlConstraint) -> bool:
    if constraint.kind in ("check", "foreign key"):
        return constraint.is_enforced and not constraint.is_not_valid and step.effect.scans == "yes"
    return constraint.using_index is None or step.effect.scans == "yes"


def stopped(step: MigrationStep) -> str:
    """What waits meanwhile: `reads and writes of orders wait`, `writes of orders and users wait`."""
    others = [
        each.table for each in step.effect.others if blocks_writes(each.mode) and not step.schema.is_new(each.table)
    ]
    if step.effect.blocks_reads or not others:
        return f"{'reads and writes' if step.effect.blocks_reads else 'writes'} of {step.label} wait"
    return f"writes of {' and '.join((step.label, *(name.removeprefix('public.') for name in others)))} wait"


def how_long(step: MigrationStep, gate: GateFacts) -> str:
    """For how long, and how many calls wait meanwhile, where that is known: words to end a message with."""
    held, calls = gate.held_ms(step), gate.queued_calls_per_s(step.target, step.effect.lock)
    words = f" for about {_seconds(held)}" if held is not None and held >= TOLD_MS else ""
    return words + (f", {calls:,.0f} calls a second queue behind it" if calls is not None and calls >= 1 else "")


def _seconds(held_ms: float) -> str:
    """`0.4 s`, `12 s`."""
    return f"{held_ms / 1_000:,.1f} s" if held_ms < 10_000 else f"{held_ms / 1_000:,.0f} s"


def lock_evidence(step: MigrationStep, gate: GateFacts) -> tuple[Evidence, ...]:
    """What the table of locks says of the step, and what the time rests on."""
    effect = step.effect
    others = ", ".join(f"{each.mode} on {each.table.removeprefix('public.')}" for each in effect.others)
    text = f"{step.spelled} takes {effect.lock} on {step.label}" + (f", {others}" if others else "")
    found = [Evidence(rung=Rung.INFERRED, text=text + (f": {effect.reason}" if effect.reason else ""))]
    worked = effect.worked_table or step.target
    held, total = gate.held_ms(step), gate.total_bytes(worked)
    if held and total is not None:
        text = f"{(worked or '').removeprefix('public.')} has {size_text(total)} with its indexes"
        work = f"about {_seconds(held)} of work" if held >= TOLD_MS else "no time worth mentioning"
        found.append(Evidence(rung=Rung.ESTIMATED, text=f"{text}: {work}"))
    return tuple(found)


def lock_finding(
    step: MigrationStep,
    gate: GateFacts,
    does: str,
    remedy: Remedy,
    *,
    cause: str,
    column: str | None = None,
    severity: Severity | None = None,
    wrong_if: str = "the table is small, or nothing uses it",
) -> Finding:
    """What a step does that is long, while others wait for its lock."""
    return Finding(
        where=Where(table=step.target, column=column),
        message=f"{does} while {stopped(step)}{how_long(step, gate)}",
        evidence=lock_evidence(step, gate),
        remedy=remedy,
        wrong_if=wrong_if,
        severity=milder_if_quick(severity, step, gate) if severity else lock_severity(step, gate),
        cause=f"{cause} {step.target}",
    )


def is_partitioned(step: MigrationStep) -> bool:
    """Whether the table is known to be a partitioned one, on which nothing can be built CONCURRENTLY."""
    return step.table is not None and step.table.kind == "partitioned table"


def changes_many_rows(step: MigrationStep, gate: GateFacts) -> bool:
    """Whether it may change, or read, very many rows of a table in use: not some by key, and not values written out."""
    if step.command == "insert":
        read = [step.named(each) for each in step.step.reads]
        return step.step.inserts_query and any(
            not step.schema.is_new(name) and not gate.is_small(name) for name in read
        )
    if step.command not in ("update", "delete", "merge") or is_on_new_table(step):
        return False
    keys = {"id", *(index.columns[0] for index in (step.table.indexes if step.table else ())
                    if index.is_unique and len(index.columns) == 1)}  # fmt: skip
    return not keys & set(step.step.pinned)


def is_strong(step: MigrationStep) -> bool:
    """Whether its own lock keeps writes, or reads as well, of a table that is in use from running."""
    return blocks_writes(step.effect.lock) and step.target is not None and not step.is_new


def keeps_reads_out(step: MigrationStep) -> bool:
    """Whether its own lock keeps everything away from a table that is in use."""
    return blocks_reads(step.effect.lock) and step.target is not None and not step.is_new
