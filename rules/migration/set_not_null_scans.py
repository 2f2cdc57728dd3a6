"""SET NOT NULL reads every row while the table is locked for reads and writes.

## What it finds
ALTER COLUMN … SET NOT NULL where no valid CHECK says already that the column is not null, and (PostgreSQL 18) ADD NOT
NULL without NOT VALID, on a table that was there before the pull request.

## Why it matters
PostgreSQL looks for a null in every row under ACCESS EXCLUSIVE: every query on the table waits meanwhile.

## What to do
Add CHECK (column IS NOT NULL) NOT VALID, validate it in a migration of its own, then SET NOT NULL, which believes it,
and drop the CHECK. From PostgreSQL 18 on the NOT NULL constraint itself can be added NOT VALID.

## When to leave it
The table is small, or nothing uses it yet.

## Source
https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-SET-DROP-NOT-NULL
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
    not_null_constraint_steps,
    not_null_steps,
    script,
    table,
    timeout,
)

BAD = [
    Example(
        migration="ALTER TABLE orders ALTER COLUMN email SET NOT NULL;",
        remedy="ADD CONSTRAINT orders_email_not_null_check CHECK (email IS NOT NULL) NOT VALID;",
    ),
    Example(
        note="PostgreSQL 18 validates the constraint itself.",
        migration="ALTER TABLE orders ADD CONSTRAINT there NOT NULL email;",
        version_num=180_000,
        remedy="ALTER TABLE orders ADD CONSTRAINT there NOT NULL email NOT VALID;",
    ),
    Example(
        note="A CHECK that is not valid is no proof.",
        earlier="ALTER TABLE orders ADD CONSTRAINT there CHECK (email IS NOT NULL) NOT VALID;",
        migration="ALTER TABLE orders ALTER COLUMN email SET NOT NULL;",
    ),
    Example(
        note="Neither is one that says less.",
        earlier="ALTER TABLE orders ADD CONSTRAINT there CHECK (email IS NOT NULL OR phone IS NOT NULL);",
        migration="ALTER TABLE orders ALTER COLUMN email SET NOT NULL;",
    ),
    Example(
        note="In a DO block it locks all the same.",
        migration='DO $$ BEGIN ALTER TABLE IF EXISTS shop."Orders" ALTER email SET NOT NULL; END $$;',
        remedy='ALTER TABLE shop."Orders" ALTER COLUMN email SET NOT NULL;',
    ),
    Example(
        note="The snapshot says that the table is small: a word of information.",
        tables=(table("orders", columns={"email": "text"}, rows=5_000),),
        migration="ALTER TABLE orders ALTER COLUMN email SET NOT NULL;",
    ),
]
GOOD = [
    Example(
        note="A valid CHECK says it already.",
        earlier="ALTER TABLE orders ADD CONSTRAINT there CHECK (email IS NOT NULL) NOT VALID;",
        migration="ALTER TABLE orders VALIDATE CONSTRAINT there; ALTER TABLE orders ALTER email SET NOT NULL;",
    ),
    Example(
        note="The column is NOT NULL already.",
        tables=(table("orders", columns={"email": "text"}, not_null=("email",), rows=50_000_000),),
        migration="ALTER TABLE orders ALTER COLUMN email SET NOT NULL;",
    ),
    Example(
        note="The table is made by the same migration.",
        migration="CREATE TABLE orders (email text); ALTER TABLE orders ALTER COLUMN email SET NOT NULL;",
    ),
]


@migration_rule(severity=Severity.ERROR, since="0.2")
def check(step: MigrationStep, gate: GateFacts) -> Iterator[Finding]:
    if step.command not in ("set not null", "add not null") or step.effect.scans == "no" or is_on_new_table(step):
        return
    added = step.step.constraint
    column = step.step.column_name or (added.columns[0] if added and added.columns else "")
    lines = not_null_steps(step, column) if added is None else not_null_constraint_steps(step, added)
    yield lock_finding(
        step,
        gate,
        f"SET NOT NULL on {step.label}.{column} reads every row",
        Remedy(
            text="Let a constraint that is added NOT VALID and validated in a migration of its own prove it first.",
            sql=script(*timeout(step), *lines),
            lock=f"ACCESS EXCLUSIVE on {step.label} for a moment; SHARE UPDATE EXCLUSIVE while rows are read",
        ),
        cause=f"not null {column} of",
        column=column,
    )
