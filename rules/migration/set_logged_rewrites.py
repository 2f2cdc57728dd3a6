"""SET LOGGED or SET UNLOGGED writes the whole table anew under lock.

## What it finds
ALTER TABLE … SET LOGGED or SET UNLOGGED on a table that was there before the pull request and is not so already.

## Why it matters
Table and indexes are written anew under ACCESS EXCLUSIVE, to the write-ahead log as well: every query waits. An
unlogged table is empty after a crash, and replicas do not have it.

## What to do
Copy the rows to a new table in batches and change the names, or do it in a quiet hour.

## When to leave it
The table is small, or nothing uses it yet.

## Source
https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-SET-LOGGED-UNLOGGED
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
    Example(migration="ALTER TABLE orders SET UNLOGGED;"),
    Example(
        tables=(table("orders", rows=50_000_000, is_unlogged=True),),
        migration="ALTER TABLE orders SET LOGGED;",
    ),
]
GOOD = [
    Example(
        note="It is logged already.",
        tables=(table("orders", rows=50_000_000),),
        migration="ALTER TABLE orders SET LOGGED;",
    ),
    Example(
        note="The table is made by the same migration.",
        migration="CREATE UNLOGGED TABLE orders (id bigint); ALTER TABLE orders SET LOGGED;",
    ),
]


@migration_rule(severity=Severity.ERROR, since="0.2")
def check(step: MigrationStep, gate: GateFacts) -> Iterator[Finding]:
    if step.command not in ("set logged", "set unlogged") or step.effect.rewrites == "no" or is_on_new_table(step):
        return
    yield lock_finding(
        step,
        gate,
        f"{step.command.upper()} writes {step.label} anew",
        Remedy(text="Copy the rows to a new table in batches and change the names, or do it in a quiet hour."),
        cause="logged",
    )
