"""A column of a domain with constraints is added, so the whole table is written anew under lock.

## What it finds
ADD COLUMN whose type is a domain with a CHECK or NOT NULL, on a table that was there before the pull request.

## Why it matters
The domain's constraints are checked for each old row, even where its value is NULL: table and indexes are written anew
under ACCESS EXCLUSIVE, and every query waits.

## What to do
Add the column with the domain's base type and what the domain asks as a CHECK, NOT VALID, and validate that.

## When to leave it
The table is small, or nothing uses it yet.

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
    counts_up,
    is_on_new_table,
    lock_finding,
    migration_rule,
)

BAD = [
    Example(
        earlier="CREATE DOMAIN email AS text CHECK (VALUE LIKE '%@%');",
        migration="ALTER TABLE orders ADD COLUMN address email;",
    ),
]
GOOD = [
    Example(
        note="The domain has no constraints.",
        earlier="CREATE DOMAIN email AS text;",
        migration="ALTER TABLE orders ADD COLUMN address email;",
    ),
    Example(
        note="Whether it is a domain is not known.",
        migration="ALTER TABLE orders ADD COLUMN address email;",
    ),
    Example(
        note="The table is made by the same migration.",
        earlier="CREATE DOMAIN email AS text CHECK (VALUE LIKE '%@%');",
        migration="CREATE TABLE orders (id bigint); ALTER TABLE orders ADD COLUMN address email;",
    ),
]


@migration_rule(severity=Severity.ERROR, since="0.2")
def check(step: MigrationStep, gate: GateFacts) -> Iterator[Finding]:
    column = step.step.column
    if step.command != "add column" or column is None or is_on_new_table(step) or not _is_by_domain(step, column):
        return
    yield lock_finding(
        step,
        gate,
        f"adding {step.label}.{column.name} of domain {column.type} writes the whole table anew",
        Remedy(
            text="Add the column with the domain's base type; add what the domain asks as a CHECK, NOT "
            "VALID, and validate it in a migration of its own.",
            lock=f"ACCESS EXCLUSIVE on {step.label} for a moment",
        ),
        cause=f"add column {column.name} of",
        column=column.name,
    )


def _is_by_domain(step: MigrationStep, column: DdlColumn) -> bool:
    """Whether nothing else of the column makes for the rewrite."""
    is_own = counts_up(column) or column.generated or column.is_volatile_default or column.default_calls
    return step.effect.rewrites == "yes" and not is_own
