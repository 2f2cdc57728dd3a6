"""A change of a column's type leaves the rows as they are, but builds an index anew, or checks every row, under lock.

## What it finds
ALTER COLUMN … TYPE that needs no rewrite, on a column with an index whose order changes with the type or that is made
of an expression, or with a CHECK, on a table that was there before the pull request.

## Why it matters
The index is built anew, or the CHECK is checked again, under ACCESS EXCLUSIVE: every query on the table waits
meanwhile.

## What to do
Drop the index CONCURRENTLY before the change and build it CONCURRENTLY after it.

## When to leave it
The table is small, nothing uses it yet, or queries cannot do without the index even for that time.

## Source
https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-NOTES
"""

from collections.abc import Iterator

from pgadvisor.rule import (
    Example,
    Finding,
    GateFacts,
    MigrationStep,
    Remedy,
    Severity,
    is_on_new_table,
    lock_finding,
    migration_rule,
    table,
)

BAD = [
    Example(
        note="An index on an expression is built anew whatever the types.",
        tables=(
            table(
                "orders",
                columns={"email": "character varying(50)"},
                indexes={"orders_lower_idx": "lower(email)"},
                rows=50_000_000,
            ),
        ),
        migration="ALTER TABLE orders ALTER COLUMN email TYPE text;",
    ),
    Example(
        note="The snapshot says that the table is small: a word of information.",
        tables=(
            table(
                "orders",
                columns={"email": "character varying(50)"},
                indexes={"orders_lower_idx": "lower(email)"},
                rows=5_000,
            ),
        ),
        migration="ALTER TABLE orders ALTER COLUMN email TYPE text;",
    ),
    Example(
        note="A CHECK on the column is checked for every row again.",
        earlier="CREATE TABLE orders (id bigint PRIMARY KEY, total numeric(12, 2) CHECK (total >= 0));",
        migration="ALTER TABLE orders ALTER COLUMN total TYPE numeric(14, 2);",
    ),
]
GOOD = [
    Example(
        note="A CHECK that is not valid stays so, and no row is read.",
        earlier="CREATE TABLE orders (id bigint PRIMARY KEY, total numeric(12, 2));"
        "ALTER TABLE orders ADD CONSTRAINT paid CHECK (total >= 0) NOT VALID;",
        migration="ALTER TABLE orders ALTER COLUMN total TYPE numeric(14, 2);",
    ),
    Example(
        note="text and varchar are ordered alike: a plain index stays.",
        tables=(
            table(
                "orders",
                columns={"email": "character varying(50)"},
                indexes={"orders_email_idx": "email"},
                rows=50_000_000,
            ),
        ),
        migration="ALTER TABLE orders ALTER COLUMN email TYPE text;",
    ),
]


@migration_rule(severity=Severity.ERROR, since="0.2")
def check(step: MigrationStep, gate: GateFacts) -> Iterator[Finding]:
    effect, name = step.effect, step.step.column_name or ""
    if step.command != "alter column type" or effect.rewrites != "no" or is_on_new_table(step):
        return
    if "yes" not in (effect.builds_index, effect.scans):
        return
    what = "builds an index anew" if effect.builds_index == "yes" else "checks every row again"
    yield lock_finding(
        step,
        gate,
        f"changing the type of {step.label}.{name} {what}",
        Remedy(
            text="Drop the index CONCURRENTLY before, in a migration of its own, and build it CONCURRENTLY after it."
            if effect.builds_index == "yes"
            else "Drop the CHECK before, and add it NOT VALID and validate it after the change."
        ),
        cause=f"index by type of {name} of",
        column=name,
    )
