"""A column is dropped that running programs still name.

## What it finds
DROP COLUMN of a column that was there before the pull request: with a snapshot the statements of its workload that name
it; without one every such column, for nothing says who does.

## Why it matters
From the moment the migration commits, each statement that names the column fails. While a release is rolled out, the
old version of the program runs beside the new schema. The column's values are gone, and its indexes with it.

## What to do
First release a program that does not name the column, nor loads it (an ORM lists all columns that it knows: tell it to
ignore this one). Drop the column in a later migration.

## When to leave it
No running program names the column.

## Source
https://www.postgresql.org/docs/current/ddl-alter.html#DDL-ALTER-REMOVING-A-COLUMN
"""

from collections.abc import Iterator

from pgadvisor.rule import (
    Example,
    Finding,
    GateFacts,
    MigrationStep,
    Remedy,
    Severity,
    in_use_finding,
    is_column_new,
    is_there,
    migration_rule,
    table,
    users_of,
)

BAD = [
    Example(migration="ALTER TABLE orders DROP COLUMN note;"),
    Example(
        note="A statement of the workload reads it.",
        sql="SELECT id, note FROM orders WHERE id = $1",
        tables=(table("orders", columns={"note": "text"}),),
        migration="ALTER TABLE orders DROP COLUMN note;",
    ),
    Example(
        note="One that writes it fails as well.",
        sql="INSERT INTO orders (id, note) VALUES ($1, $2)",
        tables=(table("orders", columns={"note": "text"}),),
        migration="ALTER TABLE orders ADD COLUMN remark text, DROP COLUMN IF EXISTS note CASCADE;",
    ),
    Example(
        note="A workload of an hour does not say that nobody reads it.",
        sql="SELECT id FROM orders WHERE id = $1",
        days=0.04,
        tables=(table("orders", columns={"note": "text"}),),
        migration="ALTER TABLE orders DROP COLUMN note;",
    ),
]
GOOD = [
    Example(
        note="No statement of the workload names it.",
        sql="SELECT id FROM orders WHERE id = $1",
        tables=(table("orders", columns={"note": "text"}),),
        migration="ALTER TABLE orders DROP COLUMN note;",
    ),
    Example(
        note="Another table has a column of that name.",
        sql="SELECT note FROM visits WHERE id = $1",
        tables=(table("orders", columns={"note": "text"}), table("visits", columns={"note": "text"})),
        migration="ALTER TABLE orders DROP COLUMN note;",
    ),
    Example(
        note="The table is made by the same migration.",
        migration="CREATE TABLE orders (id bigint, note text); ALTER TABLE orders DROP COLUMN note;",
    ),
    Example(
        note="The column is added by the same migration: no program knows it.",
        migration="ALTER TABLE orders ADD COLUMN scratch int; ALTER TABLE orders DROP COLUMN scratch;",
    ),
    Example(
        note="There is no such column.",
        tables=(table("orders"),),
        migration="ALTER TABLE orders DROP COLUMN IF EXISTS note;",
    ),
]


@migration_rule(severity=Severity.ERROR, since="0.2")
def check(step: MigrationStep, gate: GateFacts) -> Iterator[Finding]:
    name = step.step.column_name
    if step.command != "drop column" or name is None or not is_there(step, gate, step.target) or is_column_new(step):
        return
    if step.table is not None and step.schema.is_whole(step.target) and step.table.column(name) is None:
        return
    cascade = ", and what depends on it with it" if step.step.is_cascade else ""
    yield from in_use_finding(
        step,
        gate,
        users_of(gate, step.target, name),
        f"column {step.label}.{name} is dropped{cascade}",
        Remedy(
            text="Release a program that neither names nor loads the column first; drop it in a later migration.",
            lock=f"ACCESS EXCLUSIVE on {step.label} for a moment",
        ),
        cause=f"drop {name} of",
        unseen=Severity.WARNING,
        column=name,
    )
