"""A NOT NULL column without a default is added: the statement fails as soon as the table has a row.

## What it finds
ADD COLUMN … NOT NULL without a default on a table that was there before the pull request.

## Why it matters
Old rows would have no value, so PostgreSQL refuses. Programs that do not name the column yet fail at each INSERT as
well.

## What to do
Give it a constant default, which is kept once in the catalog; or add it nullable, fill it, and make it NOT NULL by way
of a validated CHECK.

## When to leave it
The table is empty, here and in every other installation.

## Source
https://www.postgresql.org/docs/current/sql-altertable.html
"""

from collections.abc import Iterator

from pgadvisor.rule import (
    DdlColumn,
    Evidence,
    Example,
    Finding,
    GateFacts,
    MigrationStep,
    Remedy,
    Rung,
    Severity,
    Where,
    alter,
    counts_up,
    migration_rule,
    not_null_steps,
    plain_type,
    quoted,
    script,
    table,
    timeout,
)

BAD = [
    Example(
        migration="ALTER TABLE orders ADD COLUMN region text NOT NULL;",
        remedy="ALTER TABLE orders ADD COLUMN region text;",
    ),
    Example(
        note="One row is enough.",
        tables=(table("orders", rows=1),),
        migration="ALTER TABLE orders ADD COLUMN note text, ADD COLUMN region text NOT NULL;",
    ),
    Example(
        note="NULL is no default.",
        migration="ALTER TABLE orders ADD region text DEFAULT NULL NOT NULL;",
    ),
]
GOOD = [
    Example(
        note="Old rows get the default.",
        migration="ALTER TABLE orders ADD COLUMN region text NOT NULL DEFAULT 'eu';",
    ),
    Example(
        note="Each row gets a number or a computed value.",
        migration="ALTER TABLE orders ADD COLUMN n bigserial NOT NULL;"
        "ALTER TABLE orders ADD COLUMN twice bigint NOT NULL GENERATED ALWAYS AS (n * 2) STORED;",
    ),
    Example(
        note="The table is made by the same migration.",
        migration="CREATE TABLE orders (id bigint); ALTER TABLE orders ADD COLUMN region text NOT NULL;",
    ),
]


@migration_rule(severity=Severity.ERROR, since="0.2")
def check(step: MigrationStep, gate: GateFacts) -> Iterator[Finding]:
    column = step.step.column
    if step.command != "add column" or column is None or step.is_new or not _fails(step, column):
        return
    lines = (alter(step, f"ADD COLUMN {quoted(column.name)} {plain_type(column)}"), *not_null_steps(step, column.name))
    yield Finding(
        where=Where(table=step.target, column=column.name),
        message=f"{step.label}.{column.name} is added NOT NULL without a default: it fails on a table with rows",
        evidence=(Evidence(rung=Rung.INFERRED, text="old rows would have no value for it"),),
        remedy=Remedy(
            text="Give it a constant default; or add it nullable, let programs fill it and fill the old rows in "
            "batches, and bind it in a migration of its own.",
            sql=script(*timeout(step), *lines),
        ),
        wrong_if="the table is empty wherever this runs",
        severity=Severity.ERROR,
        cause=f"required column {column.name} of {step.target}",
    )


def _fails(step: MigrationStep, column: DdlColumn) -> bool:
    """Whether old rows would hold a null."""
    if counts_up(column) or column.generated or (step.step.if_not_exists and _is_there(step, column)):
        return False
    return column.not_null and (column.default is None or column.default.upper() == "NULL")


def _is_there(step: MigrationStep, column: DdlColumn) -> bool:
    return step.table is not None and step.table.column(column.name) is not None
