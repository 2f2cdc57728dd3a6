"""TRUNCATE deletes every row of a table in use, and with CASCADE those of other tables.

## What it finds
TRUNCATE of a table that was there before the pull request. CASCADE is the worse: it empties each table whose foreign
keys reference it, and those that reference these.

## Why it matters
The rows are gone when it commits. It takes ACCESS EXCLUSIVE on every table that it empties, and on a replica's readers
that see an older state the tables are empty at once.

## What to do
Delete the rows that are not wanted, in batches. Name each table to be emptied instead of saying CASCADE.

## When to leave it
The rows of all these tables are not wanted any more.

## Source
https://www.postgresql.org/docs/current/sql-truncate.html
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
    is_there,
    lock_evidence,
    migration_rule,
    table,
)

BAD = [
    Example(migration="TRUNCATE orders;"),
    Example(migration="TRUNCATE TABLE orders, visits RESTART IDENTITY CASCADE;"),
    Example(
        tables=(table("users"), table("orders", constraints=(foreign_key("user_id", "users"),))),
        migration="TRUNCATE users CASCADE;",
    ),
]
GOOD = [
    Example(
        note="The table is made by the same migration.",
        migration="CREATE TABLE scratch (id bigint); TRUNCATE scratch;",
    ),
    Example(
        note="It is known to be empty.",
        tables=(table("orders", rows=0),),
        migration="TRUNCATE orders;",
    ),
    Example(
        note="Only some of the rows.",
        migration="DELETE FROM orders WHERE id < 100;",
    ),
]


@migration_rule(severity=Severity.ERROR, since="0.2")
def check(step: MigrationStep, gate: GateFacts) -> Iterator[Finding]:
    names = [step.named(each) for each in step.step.names] if step.command == "truncate" else []
    emptied = [each for each in names if is_there(step, gate, each) and not _is_empty(gate, each)]
    if not emptied:
        return
    further = [each.table for each in step.effect.others if each.table not in names] if step.step.is_cascade else []
    tables = ", ".join(each.removeprefix("public.") for each in emptied)
    more = f", and of {', '.join(each.removeprefix('public.') for each in further)}" if further else ""
    if step.step.is_cascade and not further:
        more = ", and of every table that references it"
    yield Finding(
        where=Where(table=emptied[0]),
        message=f"TRUNCATE deletes all rows of {tables}{more}",
        evidence=lock_evidence(step, gate),
        remedy=Remedy(
            text="Delete the rows that are not wanted, in batches; name each table to be emptied instead of CASCADE.",
            lock=f"ACCESS EXCLUSIVE on {tables} until the transaction ends",
        ),
        wrong_if="none of these rows is wanted any more",
        severity=Severity.ERROR if step.step.is_cascade else Severity.WARNING,
        cause=f"truncate {emptied[0]}",
    )


def _is_empty(gate: GateFacts, name: str) -> bool:
    return gate.rows(name) == 0
