"""A column is added with a default that differs from row to row, so the whole table is written anew under lock.

## What it finds
ADD COLUMN with a default that calls a volatile function (`random()`, `clock_timestamp()`, `gen_random_uuid()`,
`nextval()`, one of your own) on a table that was there before the pull request.

## Why it matters
A constant default, and `now()`, is kept once in the catalog. A volatile one is computed for each row: table and indexes
are written anew under ACCESS EXCLUSIVE, and every query waits.

## What to do
Add the column without a default, then set the default, then fill the old rows in batches.

## When to leave it
The table is small, or nothing uses it yet. A function of your own may be declared VOLATILE only because nobody said
STABLE or IMMUTABLE.

## Source
https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-NOTES
"""

from collections.abc import Iterator

from pgadvisor.rule import (
    DdlColumn,
    Example,
    Finding,
    GateFacts,
    MigrationStep,
    Remedy,
    Severity,
    column_script,
    counts_up,
    is_on_new_table,
    lock_finding,
    migration_rule,
)

BAD = [
    Example(
        migration="ALTER TABLE orders ADD COLUMN seen timestamptz DEFAULT clock_timestamp();",
        remedy="ALTER TABLE orders ALTER COLUMN seen SET DEFAULT clock_timestamp();",
    ),
    Example(
        note="With UNIQUE and NOT NULL the way is longer, but one.",
        migration="ALTER TABLE orders ADD COLUMN token uuid NOT NULL UNIQUE DEFAULT gen_random_uuid();",
        remedy="CREATE UNIQUE INDEX CONCURRENTLY orders_token_key ON orders (token);",
    ),
    Example(
        note="A function of the user's that was made VOLATILE.",
        earlier="CREATE FUNCTION short_id() RETURNS text LANGUAGE sql AS $$ SELECT random()::text $$;",
        migration="ALTER TABLE orders ADD COLUMN short text DEFAULT short_id();",
    ),
]
GOOD = [
    Example(
        note="A constant is kept in the catalog.",
        migration="ALTER TABLE orders ADD COLUMN flag boolean NOT NULL DEFAULT false;",
    ),
    Example(
        note="now() is the same for all rows: it is stable.",
        migration="ALTER TABLE orders ADD COLUMN seen timestamptz DEFAULT now();",
    ),
    Example(
        note="Set on a column that is there, it holds for new rows only.",
        migration="ALTER TABLE orders ALTER COLUMN seen SET DEFAULT clock_timestamp();",
    ),
    Example(
        note="The table is made by the same migration.",
        migration="CREATE TABLE orders (n int); ALTER TABLE orders ADD token uuid DEFAULT gen_random_uuid();",
    ),
]


@migration_rule(severity=Severity.ERROR, since="0.2")
def check(step: MigrationStep, gate: GateFacts) -> Iterator[Finding]:
    column = step.step.column
    if step.command != "add column" or column is None or is_on_new_table(step) or not _differs(step, column):
        return
    yield lock_finding(
        step,
        gate,
        f"adding {step.label}.{column.name} with default {column.default} {_writes(step)}",
        Remedy(
            text="Add the column empty, set its default, fill the old rows in batches outside a transaction; put what "
            "binds the column into a migration of its own.",
            sql=column_script(step),
            lock=f"ACCESS EXCLUSIVE on {step.label} for a moment",
        ),
        cause=f"add column {column.name} of",
        column=column.name,
        severity=None if step.effect.rewrites == "yes" else Severity.WARNING,
    )


def _differs(step: MigrationStep, column: DdlColumn) -> bool:
    """Whether the default has another value for each row, or may have."""
    if counts_up(column) or column.generated or column.default is None:
        return False
    return (column.is_volatile_default or bool(column.default_calls)) and step.effect.rewrites != "no"


def _writes(step: MigrationStep) -> str:
    if step.effect.rewrites == "yes":
        return "writes the whole table anew"
    return "writes the whole table anew unless that is stable"
