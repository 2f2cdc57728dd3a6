"""A CHECK constraint reads every row while the table is locked for reads and writes.

## What it finds
ADD CHECK without NOT VALID, and a column added with a CHECK, on a table that was there before the pull request.

## Why it matters
PostgreSQL checks every row under ACCESS EXCLUSIVE: every query on the table waits meanwhile, SELECT as well.

## What to do
Add it NOT VALID, which binds new rows at once; then VALIDATE CONSTRAINT in a migration of its own, which reads the old
rows while reads and writes go on.

## When to leave it
The table is small, or nothing uses it yet.

## Source
https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-NOTES
"""

from collections.abc import Iterator

from pgadvisor.rule import (
    DdlConstraint,
    Example,
    Finding,
    GateFacts,
    MigrationStep,
    Remedy,
    Severity,
    column_script,
    columns_sql,
    constraint_name,
    constraints_to_check,
    lock_finding,
    migration_rule,
    script,
    table,
    timeout,
    validated_steps,
)

BAD = [
    Example(
        migration="ALTER TABLE orders ADD CHECK (total > 0);",
        remedy="ALTER TABLE orders ADD CONSTRAINT orders_total_check CHECK (total > 0) NOT VALID;\n"
        "ALTER TABLE orders VALIDATE CONSTRAINT orders_total_check;",
    ),
    Example(
        note="The rows are read, though all hold the same.",
        migration="ALTER TABLE orders ADD COLUMN weight int CHECK (weight > 0);",
        remedy="ALTER TABLE orders ADD CONSTRAINT orders_weight_check CHECK (weight > 0) NOT VALID;",
    ),
    Example(
        note="In a DO block it locks all the same.",
        migration="DO $$ BEGIN ALTER TABLE orders ADD CONSTRAINT bound CHECK (total > 0); END $$;",
    ),
    Example(
        note="A big table of the snapshot.",
        tables=(table("orders", columns={"total": "numeric"}, rows=50_000_000),),
        migration="ALTER TABLE orders ADD CHECK (total > 0);",
    ),
    Example(
        note="The snapshot says that the table is small: a word of information.",
        tables=(table("orders", columns={"total": "numeric"}, rows=5_000),),
        migration="ALTER TABLE orders ADD CHECK (total > 0);",
    ),
]
GOOD = [
    Example(
        note="Old rows are not read.",
        migration="ALTER TABLE orders ADD CONSTRAINT orders_total_check CHECK (total > 0) NOT VALID;",
    ),
    Example(
        note="Reads and writes go on while it is validated.",
        earlier="ALTER TABLE orders ADD CONSTRAINT orders_total_check CHECK (total > 0) NOT VALID;",
        migration="ALTER TABLE orders VALIDATE CONSTRAINT orders_total_check;",
    ),
    Example(
        note="NOT ENFORCED is never checked.",
        migration="ALTER TABLE orders ADD CHECK (total > 0) NOT ENFORCED;",
        version_num=180_000,
    ),
    Example(
        note="The table is made by the same migration.",
        migration="CREATE TABLE orders (total numeric); ALTER TABLE orders ADD CHECK (total > 0);",
    ),
]


@migration_rule(severity=Severity.ERROR, since="0.2")
def check(step: MigrationStep, gate: GateFacts) -> Iterator[Finding]:
    for constraint in constraints_to_check(step, "check"):
        yield lock_finding(
            step,
            gate,
            f"adding {_name(step, constraint)} to {step.label} reads every row",
            _remedy(step, constraint),
            cause=f"check {constraint_name(step, constraint)} of",
            column=constraint.columns[0] if len(constraint.columns) == 1 else None,
        )


def _name(step: MigrationStep, constraint: DdlConstraint) -> str:
    """What a message calls it."""
    return f"CHECK {constraint.name}" if constraint.name else f"a CHECK on ({columns_sql(constraint.columns)})"


def _remedy(step: MigrationStep, constraint: DdlConstraint) -> Remedy:
    validated = validated_steps(step, constraint)
    return Remedy(
        text="Add it NOT VALID; put VALIDATE CONSTRAINT into a migration of its own, for in one transaction the lock "
        "would be held all the same.",
        sql=column_script(step) if step.command == "add column" else script(*timeout(step), *validated),
        lock=f"ACCESS EXCLUSIVE on {step.label} for a moment, then SHARE UPDATE EXCLUSIVE: reads and writes go on",
    )
