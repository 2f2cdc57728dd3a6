"""A UNIQUE constraint builds its index while the table is locked for reads and writes.

## What it finds
ADD CONSTRAINT … UNIQUE, and a column added with UNIQUE, on a table that was there before the pull request.

## Why it matters
PostgreSQL builds the index under ACCESS EXCLUSIVE: until it is done, every query on the table waits, SELECT as well.

## What to do
Build the unique index CONCURRENTLY, then give it to the constraint, which takes a moment.

## When to leave it
The table is small, or nothing uses it yet.

## Source
https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-ADD-TABLE-CONSTRAINT-USING-INDEX
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
    constraints_to_check,
    is_partitioned,
    lock_finding,
    migration_rule,
    script,
    table,
    timeout,
    unique_steps,
)

BAD = [
    Example(
        migration="ALTER TABLE orders ADD CONSTRAINT orders_token_key UNIQUE (token);",
        remedy="CREATE UNIQUE INDEX CONCURRENTLY orders_token_key ON orders (token);",
    ),
    Example(
        note="The column is empty, and every row is read all the same.",
        migration="ALTER TABLE shop.orders ADD COLUMN token text UNIQUE;",
        remedy="ALTER TABLE shop.orders ADD CONSTRAINT orders_token_key UNIQUE USING INDEX orders_token_key;",
    ),
    Example(
        note="What follows the columns belongs to the index.",
        migration='ALTER TABLE "Orders" ADD UNIQUE NULLS NOT DISTINCT (a, "B") INCLUDE (c) DEFERRABLE;',
        remedy='ON "Orders" (a, "B") INCLUDE (c) NULLS NOT DISTINCT;',
    ),
    Example(
        note="A big table of the snapshot.",
        tables=(table("orders", columns={"token": "text"}, rows=50_000_000),),
        migration="ALTER TABLE orders ADD UNIQUE (token);",
    ),
    Example(
        note="The snapshot says that the table is small: a word of information.",
        tables=(table("orders", columns={"token": "text"}, rows=5_000),),
        migration="ALTER TABLE orders ADD UNIQUE (token);",
    ),
]
GOOD = [
    Example(
        note="The index is there already.",
        migration="CREATE UNIQUE INDEX CONCURRENTLY orders_token_key ON orders (token);"
        "ALTER TABLE orders ADD CONSTRAINT orders_token_key UNIQUE USING INDEX orders_token_key;",
    ),
    Example(
        note="The table is made by the same migration.",
        migration="CREATE TABLE orders (id bigint PRIMARY KEY, token text); ALTER TABLE orders ADD UNIQUE (token);",
    ),
]


@migration_rule(severity=Severity.ERROR, since="0.2")
def check(step: MigrationStep, gate: GateFacts) -> Iterator[Finding]:
    for constraint in constraints_to_check(step, "unique"):
        if constraint.using_index is None:
            yield lock_finding(
                step,
                gate,
                f"adding UNIQUE ({columns_sql(constraint.columns)}) to {step.label} builds its index",
                _remedy(step, constraint),
                cause=f"unique {columns_sql(constraint.columns)} on",
                column=constraint.columns[0] if len(constraint.columns) == 1 else None,
            )


def _remedy(step: MigrationStep, constraint: DdlConstraint) -> Remedy:
    if is_partitioned(step):
        return Remedy(
            text="Build the unique index CONCURRENTLY on each partition, add the constraint to the partitioned table "
            "with ALTER TABLE ONLY, then attach the indexes."
        )
    if step.command == "add column":
        text = "Add the column first; build the unique index CONCURRENTLY, outside a transaction, then add the "
        return Remedy(text=f"{text}constraint with USING INDEX in a migration of its own.", sql=column_script(step))
    built, bound = unique_steps(step, constraint)
    return Remedy(
        text="Build the unique index CONCURRENTLY, in a migration of its own outside a transaction, then add the "
        "constraint with USING INDEX.",
        sql=script(*built, *timeout(step), *bound),
        lock=f"ACCESS EXCLUSIVE on {step.label}, for a moment",
    )
