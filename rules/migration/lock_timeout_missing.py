"""A strong lock is asked for without a lock_timeout, so everyone queues for as long as the lock is not had.

## What it finds
The first statement of a migration that takes a lock which stops writes, or reads as well, on a table that was there
before the pull request, where no `SET lock_timeout` is in force. Statements that hold such a lock for long are found by
rules of their own.

## Why it matters
The statement takes a moment once it has the lock. Until then it waits behind the longest running query, and every query
that comes later waits behind it: one report that runs for ten minutes stops the site for ten minutes.

## What to do
`SET lock_timeout = '5s'` before it (`SET LOCAL` in a transaction), and run the migration again when it is refused.

## When to leave it
The tool that runs the migrations, or its role, sets a lock_timeout; or the table is hardly used.

## Source
https://www.postgresql.org/docs/current/runtime-config-client.html#GUC-LOCK-TIMEOUT
"""

from collections.abc import Iterator

from pgadvisor.rule import (
    Evidence,
    Example,
    Finding,
    GateFacts,
    LockMode,
    MigrationStep,
    Remedy,
    Rung,
    Severity,
    Where,
    blocks_writes,
    has_lock_timeout,
    is_strong,
    migration_rule,
    script,
)

BAD = [
    Example(
        note="Once for the migration, however many its statements are.",
        migration="ALTER TABLE orders ADD COLUMN note text; ALTER TABLE users ADD COLUMN note text;",
        remedy="SET lock_timeout = '5s';\nALTER TABLE orders ADD COLUMN note text;",
    ),
    Example(
        note="The referenced table is locked, though the new one is not in use.",
        migration="CREATE TABLE visits (user_id bigint REFERENCES users);",
        is_in_transaction=True,
        remedy="SET LOCAL lock_timeout = '5s';",
    ),
    Example(note="0 means for ever.", migration="SET lock_timeout = 0; ALTER TABLE orders DROP CONSTRAINT bound;"),
]
GOOD = [
    Example(
        note="It is refused after five seconds.",
        migration="SET lock_timeout = '5s'; ALTER TABLE orders ADD COLUMN note text;",
    ),
    Example(
        note="set_config sets it as well.",
        migration="SELECT set_config('lock_timeout', '3s', false); ALTER TABLE orders ADD COLUMN note text;",
    ),
    Example(
        note="Nobody uses the table yet.",
        migration="CREATE TABLE orders (id bigint); ALTER TABLE orders ADD COLUMN note text;",
    ),
    Example(
        note="Reads and writes go on.",
        migration="CREATE INDEX CONCURRENTLY orders_email_idx ON orders (email);",
    ),
    Example(
        note="One clause of the statement is worse.",
        migration="ALTER TABLE orders ALTER total SET DEFAULT 0, ALTER total SET NOT NULL;",
    ),
    Example(
        note="How long this holds its lock is a worse fault.",
        migration="ALTER TABLE orders ADD CHECK (total > 0);",
    ),
]

_TOLD_ELSEWHERE = (
    "create index", "drop index", "drop table", "drop column", "drop view", "drop materialized view", "drop schema",
    "reindex", "rename", "truncate", "cluster", "vacuum", "refresh", "detach partition", "set schema",
)  # fmt: skip
"""Commands whose own rules find the lock, or worse."""


@migration_rule(severity=Severity.WARNING, since="0.2")
def check(step: MigrationStep, gate: GateFacts) -> Iterator[Finding]:
    if gate.first(step, _waits) is not step:
        return
    locked = [(step.target, step.effect.lock)] if is_strong(step) else _others(step)
    name, mode = locked[0]
    label = (name or "").removeprefix("public.")
    calls = gate.queued_calls_per_s(name, mode)
    set_it = "SET LOCAL" if step.is_in_transaction else "SET"
    queue = f": {calls:,.0f} calls a second would queue behind it" if calls else ""
    yield Finding(
        where=Where(table=name),
        message=f"{step.spelled} waits for {mode} on {label} without a lock_timeout{queue}",
        evidence=(Evidence(rung=Rung.INFERRED, text=f"{step.spelled} takes {mode} on {label}, and none was set"),),
        remedy=Remedy(
            text="Set a lock_timeout first, and run the migration again when it is refused.",
            sql=script(f"{set_it} lock_timeout = '5s'", step.statement.text.strip().rstrip(";")),
        ),
        wrong_if="the tool that runs the migrations sets a lock_timeout, or the table is hardly used",
        severity=Severity.WARNING,
        cause=f"lock_timeout {step.migration.file}",
    )


def _waits(step: MigrationStep, gate: GateFacts) -> bool:
    """Whether it asks for a strong lock without a bound, and nothing worse is to be said of it."""
    if has_lock_timeout(step):
        return False
    locked = [(step.target, step.effect.lock)] if is_strong(step) else _others(step)
    if not locked or any(map(_is_worse, step.clauses)):
        return False
    calls = gate.queued_calls_per_s(*locked[0])
    return calls is None or calls >= 1


def _is_worse(step: MigrationStep) -> bool:
    """Whether another rule finds it."""
    column = step.step.column
    fails = step.command == "add column" and column and column.not_null and column.default is None
    return step.effect.is_long or bool(fails) or step.command.startswith(_TOLD_ELSEWHERE)


def _others(step: MigrationStep) -> list[tuple[str | None, LockMode | None]]:
    """Strong locks on other tables that are in use."""
    found = ((each.table, each.mode) for each in step.effect.others)
    return [(name, mode) for name, mode in found if blocks_writes(mode) and not step.schema.is_new(name)]
