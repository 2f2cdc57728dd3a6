"""A view is dropped that running programs still read.

## What it finds
DROP VIEW and DROP MATERIALIZED VIEW of a view that was there before the pull request: with a snapshot those that
statements of its workload read, without one every such view.

## Why it matters
Each statement that names the view fails from then on. A materialized view made again is empty of indexes, and takes as
long to fill as its query takes to run.

## What to do
CREATE OR REPLACE VIEW changes a view in place; dropped and made again in one transaction it is never missed. Else
release a program that does not read the view first, and drop it in a later migration.

## When to leave it
No running program reads the view.

## Source
https://www.postgresql.org/docs/current/sql-dropview.html
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
    makes,
    migration_rule,
    replace,
    table,
    users_of,
)

BAD = [
    Example(migration="DROP VIEW open_orders;"),
    Example(migration="DROP MATERIALIZED VIEW IF EXISTS totals CASCADE;"),
    Example(
        note="Between the two statements there is no view.",
        migration="DROP VIEW open_orders; CREATE VIEW open_orders AS SELECT 1 AS id;",
    ),
]
GOOD = [
    Example(
        note="Made again in the same transaction, it is never missed.",
        migration="DROP VIEW open_orders; CREATE VIEW open_orders AS SELECT 1 AS id;",
        is_in_transaction=True,
    ),
    Example(
        note="It is replaced in place.",
        migration="CREATE OR REPLACE VIEW open_orders AS SELECT 1 AS id;",
    ),
    Example(
        note="The view is made by the same migration.",
        migration="CREATE VIEW scratch AS SELECT 1 AS id; DROP VIEW scratch;",
    ),
    Example(
        note="No statement of the workload reads it.",
        sql="SELECT id FROM visits WHERE id = $1",
        tables=(replace(table("totals"), kind="materialized view"), table("visits")),
        migration="DROP MATERIALIZED VIEW totals;",
    ),
]


@migration_rule(severity=Severity.ERROR, since="0.2")
def check(step: MigrationStep, gate: GateFacts) -> Iterator[Finding]:
    if step.command not in ("drop view", "drop materialized view"):
        return
    for name in dict.fromkeys(step.named(each) for each in step.step.names):
        if not is_there(step, gate, name) or any(makes(each) == name for each in step.after):
            continue
        label = name.removeprefix("public.")
        cascade = ", and what depends on it" if step.step.is_cascade else ""
        yield from in_use_finding(
            step,
            gate,
            users_of(gate, name),
            f"{step.step.kind} {label} is dropped{cascade}",
            Remedy(
                text="Replace it in place, or drop it and make it again in one transaction; or release a program that "
                "does not read it first, and drop it in a later migration.",
                lock=f"ACCESS EXCLUSIVE on {label} for a moment",
            ),
            cause="drop",
            unseen=Severity.WARNING,
            table=name,
        )
