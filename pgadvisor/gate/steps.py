"""From migrations to the steps that rules judge: each with the schema before it, its effect and its transaction."""

from collections.abc import Iterable, Iterator
from itertools import takewhile

from msgspec.structs import replace

from pgadvisor.gate.history import SchemaHistory
from pgadvisor.gate.transactions import Transactions
from pgadvisor.locks.deciding import effect_of
from pgadvisor.locks.effect import LockEffect
from pgadvisor.locks.modes import stronger
from pgadvisor.migration_facts import MigrationStep, Steps
from pgadvisor.model.migration import Migration, MigrationStatement
from pgadvisor.model.snapshot import Snapshot
from pgadvisor.sql.ddl import read_ddl
from pgadvisor.sql.ddl_step import DdlStep
from pgadvisor.sql.parse import Unread

CALL_DEPTH = 5
"""Functions that call functions are followed so deep."""


def steps_of(
    migrations: Iterable[Migration], *, version: int, snapshot: Snapshot | None = None
) -> tuple[MigrationStep, ...]:
    """The steps of the judged migrations, in order, for a server of that major version.

    Migrations before the first judged one are applied, so that history is known; those among the judged ones that are
    not judged themselves as well. What a snapshot's catalog says of a table comes before what migrations say.
    """
    ordered = tuple(migrations)
    before = tuple(takewhile(lambda each: not each.is_judged, ordered))
    history = SchemaHistory()
    for migration in before:
        history, _ = _read(migration, history, version)
    history = history.beneath(snapshot)
    found = Steps()
    for migration in ordered[len(before) :]:
        history, steps = _read(migration, history, version, found)
        found += steps if migration.is_judged else ()
    return tuple(found)


def _read(
    migration: Migration, history: SchemaHistory, version: int, judged: Steps | None = None
) -> tuple[SchemaHistory, Steps]:
    """The steps of one migration, and the schema after it; `judged`: where those of all that is judged will be."""
    steps, judged = Steps(), Steps() if judged is None else judged
    transactions = Transactions()
    for statement in migration.up:
        own = _own_steps(statement, history)
        first = len(steps)
        for step in own:
            transactions.before(step, statement)
            now = history.with_settings(transactions.settings)
            steps.append(
                MigrationStep(
                    migration=migration, statement=statement, step=step, position=len(steps), schema=now,
                    effect=effect_of(step, now, version), transaction=transactions.number,
                    settings=transactions.settings, siblings=steps, judged=judged,
                )
            )  # fmt: skip
            history = history.apply(step, is_judged=migration.is_judged)
            transactions.after(step)
        if len(own) > 1 and statement.text.lstrip()[:5].lower() == "alter":
            steps[first:] = _together(steps[first:])
    return history, steps


def _together(steps: list[MigrationStep]) -> list[MigrationStep]:
    """The clauses of one ALTER TABLE: its strongest lock is taken at once, and held for all of them."""
    lock = None
    for each in steps:
        lock = stronger(lock, each.effect.lock)
    return [_with_effect(each, replace(each.effect, lock=lock)) for each in steps]


def _with_effect(step: MigrationStep, effect: LockEffect) -> MigrationStep:
    return MigrationStep(
        migration=step.migration, statement=step.statement, step=step.step, position=step.position,
        schema=step.schema, effect=effect, transaction=step.transaction, settings=step.settings,
        siblings=step.siblings, judged=step.judged,
    )  # fmt: skip


def _own_steps(statement: MigrationStatement, history: SchemaHistory) -> list[DdlStep]:
    """The steps of a statement, and those in the bodies of the functions that it calls."""
    found = read_ddl(statement.text)
    if isinstance(found, Unread):
        return [DdlStep(command="unknown", kind="other", reason=found.reason)]
    return [each for step in found for each in (step, *_called(step, history, frozenset()))]


def _called(step: DdlStep, history: SchemaHistory, seen: frozenset[str]) -> Iterator[DdlStep]:
    """What the user's functions that a step calls do, as far as their bodies were seen."""
    if step.command in ("create function", "create trigger") or len(seen) >= CALL_DEPTH:
        return
    for name in step.calls:
        function = history.function(name)
        if function is None or name in seen:
            continue
        for each in function.body:
            inner = replace(each, span=step.span, is_conditional=step.is_conditional or each.is_conditional)
            yield inner
            yield from _called(inner, history, seen | {name})
