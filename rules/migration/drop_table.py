"""A table is dropped that running programs still use.

## What it finds
DROP TABLE of a table that was there before the pull request: with a snapshot those that statements of its workload use,
without one every such table. CASCADE drops the views and foreign keys that depend on it as well.

## Why it matters
Each statement that names the table fails from then on, and its rows are gone. DROP TABLE takes ACCESS EXCLUSIVE on the
table and on those that its foreign keys reference.

## What to do
First release a program that does not use the table, and keep a copy of the rows. Drop the table in a later migration.

## When to leave it
No running program uses the table, and its rows are not wanted any more.

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
    in_use_finding,
    is_there,
    lock_evidence,
    migration_rule,
    table,
    users_of,
)

BAD = [
    Example(migration="DROP TABLE orders;"),
    Example(migration="DROP TABLE IF EXISTS shop.orders CASCADE;"),
    Example(
        note="A statement of the workload reads one of the two.",
        sql="SELECT id FROM visits WHERE id = $1",
        tables=(table("orders"), table("visits")),
        migration="DROP TABLE orders, visits;",
    ),
    Example(
        note="That it is made again does not bring its rows back.",
        migration="DROP TABLE IF EXISTS orders CASCADE; CREATE TABLE orders (id bigint PRIMARY KEY);",
    ),
]
GOOD = [
    Example(
        note="No statement of the workload uses it.",
        sql="SELECT id FROM visits WHERE id = $1",
        tables=(table("orders"), table("visits")),
        migration="DROP TABLE orders;",
    ),
    Example(
        note="The table is made by the same migration.",
        migration="CREATE TABLE scratch (id bigint); DROP TABLE scratch;",
    ),
    Example(
        note="Nobody else sees a temporary table.",
        migration="CREATE TEMP TABLE scratch AS SELECT 1 AS id; DROP TABLE scratch;",
    ),
    Example(
        note="There is no such table.",
        tables=(table("visits"),),
        migration="DROP TABLE IF EXISTS orders;",
    ),
]


@migration_rule(severity=Severity.ERROR, since="0.2")
def check(step: MigrationStep, gate: GateFacts) -> Iterator[Finding]:
    if step.command != "drop table" or step.effect.lock is None:
        return
    for name in dict.fromkeys(step.named(each) for each in step.step.names):
        if is_there(step, gate, name):
            yield from _dropped(step, gate, name)


def _dropped(step: MigrationStep, gate: GateFacts, name: str) -> Iterator[Finding]:
    label = name.removeprefix("public.")
    cascade = ", and the views and foreign keys that depend on it" if step.step.is_cascade else ""
    yield from in_use_finding(
        step,
        gate,
        users_of(gate, name),
        f"table {label} is dropped with its rows{cascade}",
        Remedy(
            text="Release a program that does not use the table first, and keep a copy of its rows; "
            "drop it in a later migration.",
            lock=f"ACCESS EXCLUSIVE on {label}, and on the tables that its foreign keys reference",
        ),
        cause="drop",
        unseen=Severity.WARNING,
        table=name,
        evidence=lock_evidence(step, gate),
    )
