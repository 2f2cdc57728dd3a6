"""A stored generated column is added or changed, so the whole table is written anew under lock.

## What it finds
ADD COLUMN … GENERATED ALWAYS AS (…) STORED, and SET EXPRESSION of a stored column, on a table that was there before the
pull request.

## Why it matters
The value of every old row is computed at once: table and indexes are written anew under ACCESS EXCLUSIVE, and every
query waits.

## What to do
Compute it when it is read (a virtual column from PostgreSQL 18 on, a view, an index on the expression), or add a plain
column that a trigger fills, and fill the old rows in batches.

## When to leave it
The table is small, or nothing uses it yet.

## Source
https://www.postgresql.org/docs/current/ddl-generated-columns.html
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
    alter,
    is_on_new_table,
    kept_up_script,
    lock_finding,
    migration_rule,
    plain_type,
    quoted,
    script,
    timeout,
)

BAD = [
    Example(
        migration="ALTER TABLE orders ADD COLUMN label text GENERATED ALWAYS AS (name || 'x') STORED;",
        remedy="NEW.label := (SELECT name || 'x' FROM (SELECT NEW.*) AS changed);",
    ),
    Example(
        note="PostgreSQL 18 can compute it when it is read.",
        migration="ALTER TABLE orders ADD COLUMN label text GENERATED ALWAYS AS (name || 'x') STORED;",
        version_num=180_000,
        remedy="ALTER TABLE orders ADD COLUMN label text GENERATED ALWAYS AS (name || 'x') VIRTUAL;",
    ),
]
GOOD = [
    Example(
        note="A virtual column is not stored.",
        migration="ALTER TABLE orders ADD COLUMN label text GENERATED ALWAYS AS (name || 'x') VIRTUAL;",
        version_num=180_000,
    ),
    Example(
        note="The table is made by the same migration.",
        migration="CREATE TABLE orders (name text);"
        "ALTER TABLE orders ADD COLUMN label text GENERATED ALWAYS AS (name || 'x') STORED;",
    ),
]


@migration_rule(severity=Severity.ERROR, since="0.2")
def check(step: MigrationStep, gate: GateFacts) -> Iterator[Finding]:
    if is_on_new_table(step) or step.effect.rewrites == "no":
        return
    column = step.step.column
    if step.command == "add column" and column is not None and column.generated == "stored":
        name, does = column.name, "adding stored generated column"
    elif step.command == "set expression":
        name, does = step.step.column_name or "", "changing the expression of stored column"
    else:
        return
    yield lock_finding(
        step,
        gate,
        f"{does} {step.label}.{name} writes the whole table anew",
        Remedy(
            text="Compute it when it is read, or add a plain column that a trigger fills and fill the old rows in "
            "batches outside a transaction.",
            sql=_other_way(step, column, gate) if step.command == "add column" and column else None,
            lock=f"ACCESS EXCLUSIVE on {step.label} for a moment",
        ),
        cause=f"stored column {name} of",
        column=name,
    )


def _other_way(step: MigrationStep, column: DdlColumn, gate: GateFacts) -> str | None:
    """A virtual column where there are such; else one that a trigger fills."""
    if column.default is None:
        return None
    name = quoted(column.name)
    if gate.version >= 18 and gate.version_is_known:
        generated = f"{name} {plain_type(column)} GENERATED ALWAYS AS ({column.default}) VIRTUAL"
        return script(*timeout(step), alter(step, f"ADD COLUMN {generated}"))
    return kept_up_script(step, column, column.default, f"{name} IS NULL AND ({column.default}) IS NOT NULL")
