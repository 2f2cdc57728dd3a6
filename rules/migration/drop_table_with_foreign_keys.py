"""Dropping a table locks the tables that its foreign keys reference, which are in use.

## What it finds
DROP TABLE of a table that no statement of the workload uses any more, but which has foreign keys to tables that they
do. It needs a snapshot.

## Why it matters
It takes ACCESS EXCLUSIVE on each referenced table as well, to remove the key's triggers there: it waits for their
running queries, and all others queue behind it.

## What to do
Drop the foreign keys one by one first, each with a lock_timeout and tried again when it is refused.

## When to leave it
The referenced tables are hardly used.

## Source
https://www.postgresql.org/docs/current/sql-droptable.html
"""

from collections.abc import Iterator

from pgadvisor.rule import (
    Example,
    Finding,
    GateFacts,
    MigrationStep,
    Remedy,
    Severity,
    Where,
    foreign_key,
    is_workload_seen,
    lock_evidence,
    migration_rule,
    quoted,
    quoted_table,
    script,
    table,
    timeout,
    users_of,
)

_TABLES = (table("users"), table("orders", constraints=(foreign_key("user_id", "users"),)))
BAD = [
    Example(
        sql="SELECT id FROM users WHERE id = $1",
        tables=_TABLES,
        migration="DROP TABLE orders;",
        remedy="ALTER TABLE public.orders DROP CONSTRAINT user_id_fkey;\nDROP TABLE orders;",
    ),
]
GOOD = [
    Example(
        note="Nobody uses the referenced table.",
        sql="SELECT 1",
        tables=_TABLES,
        migration="DROP TABLE orders;",
    ),
    Example(
        note="The foreign key is dropped before.",
        sql="SELECT id FROM users WHERE id = $1",
        tables=_TABLES,
        migration="ALTER TABLE orders DROP CONSTRAINT user_id_fkey; DROP TABLE orders;",
    ),
    Example(
        note="The rule about dropped tables speaks of one that is in use.",
        sql="SELECT id FROM orders WHERE user_id = $1",
        tables=_TABLES,
        migration="DROP TABLE orders;",
    ),
]


@migration_rule(severity=Severity.WARNING, since="0.2")
def check(step: MigrationStep, gate: GateFacts) -> Iterator[Finding]:
    if step.command != "drop table" or step.is_new or step.table is None or not is_workload_seen(gate):
        return
    keys = [each for each in step.table.constraints if each.kind == "foreign key"]
    used = [each for each in dict.fromkeys(key.references for key in keys) if each and users_of(gate, each)]
    used = [each for each in used if each != step.target and not step.schema.is_new(each)]
    if not used or users_of(gate, step.target):
        return
    tables = ", ".join(each.removeprefix("public.") for each in used)
    owner = quoted_table(step.table)
    dropped = (f"ALTER TABLE {owner} DROP CONSTRAINT {quoted(key.name)}" for key in keys)
    yield Finding(
        where=Where(table=step.target),
        message=f"dropping {step.label} locks {tables}, which its foreign keys reference",
        evidence=lock_evidence(step, gate),
        remedy=Remedy(
            text="Drop its foreign keys one by one first, with a lock_timeout.",
            sql=script(*timeout(step), *dropped, step.statement.text.strip().removesuffix(";")),
            lock=f"ACCESS EXCLUSIVE on {tables} for a moment, one at a time",
        ),
        wrong_if="these tables are hardly used",
        severity=Severity.WARNING,
        cause=f"drop with foreign keys {step.target}",
    )
