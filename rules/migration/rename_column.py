"""A column is renamed, so programs that know its old name, or its new one, fail.

## What it finds
RENAME COLUMN of a column that was there before the pull request. With a snapshot, only where statements of its workload
name the column.

## Why it matters
Program and schema never change in the same instant: whichever comes first, statements with the other name fail until
both are there, and again when one is rolled back.

## What to do
Expand and contract: add a column of the new name, keep both alike by a trigger, fill old rows in batches; release a
program that uses the new one; drop the old one in a later migration.

## When to leave it
The program stops while the migration runs.

## Source
https://www.postgresql.org/docs/current/ddl-alter.html#DDL-ALTER-RENAMING-COLUMN
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
    same_values_script,
    table,
    users_of,
)

BAD = [
    Example(migration="ALTER TABLE users RENAME COLUMN name TO full_name;"),
    Example(
        note="The word COLUMN may be left out.",
        earlier="CREATE TABLE users (id bigint PRIMARY KEY, name varchar(50));",
        migration="ALTER TABLE users RENAME name TO full_name;",
        remedy="ALTER TABLE users ADD COLUMN full_name character varying(50);",
    ),
    Example(
        note="A statement of the workload names it.",
        sql="SELECT name FROM users WHERE id = $1",
        tables=(table("users", columns={"name": "text"}),),
        migration="ALTER TABLE users RENAME COLUMN name TO full_name;",
        remedy="UPDATE users SET full_name = name",
    ),
]
GOOD = [
    Example(
        note="No statement of the workload names it.",
        sql="SELECT id FROM users WHERE id = $1",
        tables=(table("users", columns={"name": "text"}),),
        migration="ALTER TABLE users RENAME COLUMN name TO full_name;",
    ),
    Example(
        note="The table is made by the same migration.",
        migration="CREATE TABLE users (name text); ALTER TABLE users RENAME COLUMN name TO full_name;",
    ),
    Example(
        note="The column is added by the same migration.",
        migration="ALTER TABLE users ADD COLUMN nick text; ALTER TABLE users RENAME COLUMN nick TO nickname;",
    ),
    Example(
        note="No program names a constraint.",
        migration="ALTER TABLE users RENAME CONSTRAINT users_pkey TO users_pk;",
    ),
]


@migration_rule(severity=Severity.ERROR, since="0.2")
def check(step: MigrationStep, gate: GateFacts) -> Iterator[Finding]:
    old, new = step.step.column_name, step.step.new_name
    if step.command != "rename column" or not old or not new or not is_there(step, gate, step.target):
        return
    if is_column_new(step):
        return
    known = step.table.column(old) if step.table is not None and step.step.kind == "table" else None
    yield from in_use_finding(
        step,
        gate,
        users_of(gate, step.target, old),
        f"column {step.label}.{old} is renamed to {new}",
        Remedy(
            text=f"Add {new} beside {old}, keep both alike by a trigger, fill old rows in batches; drop {old} in a "
            "later migration, when every program uses the new name.",
            sql=same_values_script(step, old, new, known.type) if known is not None and known.type else None,
            lock=f"ACCESS EXCLUSIVE on {step.label} for a moment",
        ),
        cause=f"rename {old} of",
        unseen=Severity.ERROR,
        column=old,
    )
