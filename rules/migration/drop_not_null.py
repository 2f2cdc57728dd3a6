"""A column may hold NULL from now on, which running programs do not expect.

## What it finds
DROP NOT NULL on a column of a table that was there before the pull request and that may not hold NULL now, as far as is
known.

## Why it matters
Programs that read the column take it for always there; the first row without a value breaks them. And it is hard to
take back: SET NOT NULL fails once such rows are there.

## What to do
Release programs that can do without the value first.

## When to leave it
Every program that reads the column expects NULL.

## Source
https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-SET-DROP-NOT-NULL
"""

from collections.abc import Iterator

from pgadvisor.rule import (
    Evidence,
    Example,
    Finding,
    GateFacts,
    MigrationStep,
    Remedy,
    Rung,
    Severity,
    Where,
    is_there,
    is_workload_seen,
    migration_rule,
    table,
    users_of,
)

BAD = [
    Example(migration="ALTER TABLE orders ALTER COLUMN email DROP NOT NULL;"),
    Example(
        sql="SELECT email FROM orders WHERE id = $1",
        tables=(table("orders", columns={"email": "text"}, not_null=("email",)),),
        migration="ALTER TABLE orders ALTER COLUMN email DROP NOT NULL;",
    ),
]
GOOD = [
    Example(
        note="No statement of the workload reads it.",
        sql="SELECT id FROM orders WHERE id = $1",
        tables=(table("orders", columns={"email": "text"}, not_null=("email",)),),
        migration="ALTER TABLE orders ALTER COLUMN email DROP NOT NULL;",
    ),
    Example(
        note="It may hold NULL already.",
        tables=(table("orders", columns={"email": "text"}),),
        migration="ALTER TABLE orders ALTER COLUMN email DROP NOT NULL;",
    ),
    Example(
        note="The table is made by the same migration.",
        migration="CREATE TABLE orders (email text NOT NULL); ALTER TABLE orders ALTER email DROP NOT NULL;",
    ),
]


@migration_rule(severity=Severity.INFO, since="0.2")
def check(step: MigrationStep, gate: GateFacts) -> Iterator[Finding]:
    name = step.step.column_name
    if step.command != "drop not null" or name is None or not is_there(step, gate, step.target):
        return
    known = step.table.column(name) if step.table is not None else None
    if known is not None and not known.not_null and step.schema.is_whole(step.target):
        return
    users = users_of(gate, step.target, name)
    if not users and is_workload_seen(gate):
        return
    yield Finding(
        where=Where(table=step.target, column=name),
        message=f"column {step.label}.{name} may hold NULL from now on",
        evidence=(Evidence(rung=Rung.INFERRED, text="DROP NOT NULL lets rows without a value in"),),
        remedy=Remedy(text="Release programs that can do without the value first."),
        wrong_if="every program that reads it expects NULL",
        severity=Severity.INFO,
        statements=users,
        cause=f"drop not null {name} of {step.target}",
    )
