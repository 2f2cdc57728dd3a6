"""A migration begins a transaction and never commits it: all of it is rolled back.

## What it finds
A BEGIN without a COMMIT or ROLLBACK behind it, in a migration around which its tool opens no transaction.

## Why it matters
When the connection closes, everything since BEGIN is undone, while the tool may have noted that the migration was done;
a connection that stays open keeps all locks.

## What to do
End the transaction with COMMIT.

## When to leave it
The tool itself commits after each file.

## Source
https://www.postgresql.org/docs/current/sql-begin.html
"""

from collections.abc import Iterator

from pgadvisor.rule import (
    Evidence,
    Example,
    Finding,
    GateFacts,
    MigrationStep,
    Remedy,
    Rung,
    Severity,
    Where,
    migration_rule,
)

BAD = [
    Example(migration="BEGIN; ALTER TABLE orders ADD COLUMN note text;"),
    Example(
        note="The second one is not committed.",
        migration="BEGIN; ANALYZE orders; COMMIT; START TRANSACTION; ALTER TABLE orders ADD COLUMN note text;",
    ),
]
GOOD = [
    Example(
        note="It is committed.",
        migration="BEGIN; ALTER TABLE orders ADD COLUMN note text; COMMIT;",
    ),
    Example(
        note="The tool commits its own transaction.",
        migration="BEGIN; ALTER TABLE orders ADD COLUMN note text;",
        is_in_transaction=True,
    ),
    Example(
        note="The BEGIN of a block of PL/pgSQL.",
        migration="DO $$ BEGIN PERFORM 1; END $$;",
    ),
]

_ENDS = ("commit", "rollback", "prepare transaction")


@migration_rule(severity=Severity.ERROR, since="0.2")
def check(step: MigrationStep, gate: GateFacts) -> Iterator[Finding]:
    if step.command != "begin" or step.migration.is_wrapped or any(each.command == "begin" for each in step.before):
        return
    if any(each.command in _ENDS for each in step.siblings[step.position :]):
        return
    yield Finding(
        where=Where(),
        message="the transaction that begins here is never committed",
        evidence=(Evidence(rung=Rung.INFERRED, text="no COMMIT follows in the migration"),),
        remedy=Remedy(text="End it with COMMIT."),
        wrong_if="the tool commits after each file",
        severity=Severity.ERROR,
        cause=f"uncommitted {step.migration.file}",
    )
