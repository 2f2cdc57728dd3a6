"""BEGIN, COMMIT or ROLLBACK stands in a migration whose tool has a transaction of its own.

## What it finds
The first BEGIN, COMMIT or ROLLBACK of a migration that its tool wraps into a transaction, and a BEGIN within a
transaction that the migration began itself.

## Why it matters
PostgreSQL has no transactions in transactions: BEGIN is a warning, and COMMIT commits the tool's own. What follows runs
in no transaction, and the tool's note that the migration was done is not written together with it.

## What to do
Leave them out, or tell the tool to use no transaction. SAVEPOINT nests.

## When to leave it
The tool is told elsewhere, where the gate does not look, to use no transaction.

## Source
https://www.postgresql.org/docs/current/sql-begin.html#SQL-BEGIN-NOTES
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
    Example(
        migration="BEGIN; ALTER TABLE orders ADD COLUMN note text; COMMIT;",
        is_in_transaction=True,
    ),
    Example(
        note="It ends the tool's transaction.",
        migration="ALTER TABLE orders ADD COLUMN note text; COMMIT; ALTER TABLE orders ADD COLUMN more text;",
        is_in_transaction=True,
    ),
    Example(migration="BEGIN; ALTER TABLE orders ADD COLUMN note text; BEGIN; COMMIT;"),
]
GOOD = [
    Example(
        note="There is no other transaction around it.",
        migration="BEGIN; ALTER TABLE orders ADD COLUMN note text; COMMIT;",
    ),
    Example(
        note="Two transactions, one after the other.",
        migration="BEGIN; ALTER TABLE orders ADD COLUMN note text; COMMIT; BEGIN; ANALYZE orders; COMMIT;",
    ),
    Example(
        note="A savepoint nests.",
        migration="SAVEPOINT here; ALTER TABLE orders ADD COLUMN note text; RELEASE SAVEPOINT here;",
        is_in_transaction=True,
    ),
    Example(
        note="The BEGIN of a block of PL/pgSQL.",
        migration="DO $$ BEGIN PERFORM 1; END $$;",
        is_in_transaction=True,
    ),
]

_COMMANDS = ("begin", "commit", "rollback")


@migration_rule(severity=Severity.WARNING, since="0.2")
def check(step: MigrationStep, gate: GateFacts) -> Iterator[Finding]:
    if step.command not in _COMMANDS or _is_in_block(step):
        return
    first = next(each for each in step.siblings if each.command in _COMMANDS and not _is_in_block(each))
    is_first = step.position == first.position
    is_twice = step.command == "begin" and any(each.command == "begin" for each in step.before)
    if not (step.migration.is_wrapped and is_first) and not (is_twice and not step.migration.is_wrapped):
        return
    whose = "a transaction that the migration began" if is_twice else "the transaction of the tool"
    yield Finding(
        where=Where(),
        message=f"{step.command.upper()} stands in {whose}",
        evidence=(Evidence(rung=Rung.INFERRED, text="PostgreSQL has no transactions in transactions"),),
        remedy=Remedy(text="Leave BEGIN and COMMIT out, or tell the tool to use no transaction."),
        wrong_if="the tool runs this migration outside a transaction",
        severity=Severity.WARNING,
        cause=f"nested {step.migration.file} {step.command if is_twice else ''}",
    )


def _is_in_block(step: MigrationStep) -> bool:
    """Whether it is a COMMIT in a body of PL/pgSQL."""
    return step.statement.text.lstrip()[:2].lower() == "do" or step.statement.text.lstrip()[:4].lower() == "call"
