"""A label is added to an enum and used in the same transaction, which PostgreSQL refuses.

## What it finds
ALTER TYPE … ADD VALUE, and a later statement of the same transaction that writes the new label, of a type that was
there before the transaction.

## Why it matters
The migration fails: a label that is not committed yet could end up in an index and be rolled back.

## What to do
Add the label in a migration of its own, and use it in the next.

## When to leave it
The later statement means another thing by the same word.

## Source
https://www.postgresql.org/docs/current/sql-altertype.html#SQL-ALTERTYPE-NOTES
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
        migration="ALTER TYPE mood ADD VALUE 'great'; UPDATE users SET mood = 'great' WHERE id = 1;",
        is_in_transaction=True,
        remedy="ALTER TYPE mood ADD VALUE 'great';",
    ),
    Example(
        note="A default is computed at once.",
        migration="BEGIN; ALTER TYPE mood ADD VALUE IF NOT EXISTS 'great' AFTER 'ok';"
        "ALTER TABLE users ALTER COLUMN mood SET DEFAULT 'great'; COMMIT;",
    ),
]
GOOD = [
    Example(
        note="It is committed before it is used.",
        migration="ALTER TYPE mood ADD VALUE 'great'; UPDATE users SET mood = 'great' WHERE id = 1;",
    ),
    Example(
        note="It is not used.",
        migration="ALTER TYPE mood ADD VALUE 'great'; ALTER TABLE users ADD COLUMN note text;",
        is_in_transaction=True,
    ),
    Example(
        note="The type is made in the same transaction.",
        migration="CREATE TYPE mood AS ENUM ('sad'); ALTER TYPE mood ADD VALUE 'great'; SELECT 'great'::mood;",
        is_in_transaction=True,
    ),
]


@migration_rule(severity=Severity.ERROR, since="0.2")
def check(step: MigrationStep, gate: GateFacts) -> Iterator[Finding]:
    label = step.step.value
    if step.command != "add enum value" or label is None or step.step.name is None:
        return
    if any(each.command == "create type" and each.step.name == step.step.name for each in step.before):
        return
    written = "'" + label.replace("'", "''") + "'"
    using = next((each for each in step.after if each.command != "add enum value" and written in each.statement.text),
                 None)  # fmt: skip
    if using is None:
        return
    yield Finding(
        where=Where(),
        message=f"a label is added to {step.step.name} and used in the same transaction (line {using.statement.line}),"
        " where it fails",
        evidence=(Evidence(rung=Rung.INFERRED, text="PostgreSQL: new enum values must be committed before use"),),
        remedy=Remedy(
            text="Add the label in a migration of its own, before the one that uses it.",
            sql=f"{step.statement.text.strip()};",
        ),
        wrong_if="the later statement means another thing by the same word",
        severity=Severity.ERROR,
        cause=f"enum {step.step.name} {step.migration.file}",
    )
