"""How long a step keeps others waiting, and how many: as words, severity and evidence."""

from pgadvisor.locks.modes import blocks_reads, blocks_writes
from pgadvisor.migration_facts import NOTICED_MS, GateFacts, MigrationStep
from pgadvisor.model.finding import Evidence, Finding, Remedy, Rung, Severity, Where


def is_harmless(step: MigrationStep, gate: GateFacts) -> bool:
    """Whether nobody waits for it: the table is new, or known to be small."""
    worked = step.effect.worked_table or step.target
    return step.schema.is_new(worked) or gate.is_small(worked)


def lock_severity(step: MigrationStep, gate: GateFacts) -> Severity:
    """An error, unless the lock is known to be held for less than users notice."""
    held = gate.held_ms(step)
    return Severity.WARNING if held is not None and held < NOTICED_MS else Severity.ERROR


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
    words = f" for about {held / 1_000:,.0f} s" if held is not None and held >= NOTICED_MS else ""
    return words + (f", {calls:,.0f} calls a second queue behind it" if calls is not None and calls >= 1 else "")


def lock_evidence(step: MigrationStep, gate: GateFacts) -> tuple[Evidence, ...]:
    """What the table of locks says of the step, and what the time rests on."""
    effect = step.effect
    others = ", ".join(f"{each.mode} on {each.table.removeprefix('public.')}" for each in effect.others)
    text = f"{step.command} takes {effect.lock} on {step.label}" + (f", {others}" if others else "")
    found = [Evidence(rung=Rung.INFERRED, text=text + (f": {effect.reason}" if effect.reason else ""))]
    worked = effect.worked_table or step.target
    held, total = gate.held_ms(step), gate.total_bytes(worked)
    if held and total is not None:
        text = f"{(worked or '').removeprefix('public.')} has {total / 1e6:,.0f} MB with its indexes"
        found.append(Evidence(rung=Rung.ESTIMATED, text=f"{text}: about {held / 1_000:,.1f} s of work"))
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
        severity=severity or lock_severity(step, gate),
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
    if step.command not in ("update", "delete", "merge") or is_harmless(step, gate):
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
