"""An exclusion constraint builds its index while the table is locked for reads and writes.

## What it finds
ADD CONSTRAINT … EXCLUDE on a table that was there before the pull request.

## Why it matters
The index is built under ACCESS EXCLUSIVE, and there is no way to give the constraint an index that was built
CONCURRENTLY: every query on the table waits meanwhile.

## What to do
Make a new table that has the constraint, copy the rows in batches and change the names; or do it in a quiet hour.

## When to leave it
The table is small, or nothing uses it yet.

## Source
https://www.postgresql.org/docs/current/sql-createtable.html#SQL-CREATETABLE-EXCLUDE
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
    Example(migration="ALTER TABLE bookings ADD CONSTRAINT apart EXCLUDE USING gist (room WITH =, during WITH &&);"),
    Example(
        note="The snapshot says that the table is small: a word of information.",
        tables=(table("bookings", columns={"during": "tsrange"}, rows=5_000),),
        migration="ALTER TABLE bookings ADD EXCLUDE USING gist (during WITH &&);",
    ),
]
GOOD = [
    Example(
        note="The table is made with it.",
        migration="CREATE TABLE bookings (during tsrange, EXCLUDE USING gist (during WITH &&));",
    ),
]


@migration_rule(severity=Severity.ERROR, since="0.2")
def check(step: MigrationStep, gate: GateFacts) -> Iterator[Finding]:
    if step.command != "add exclusion" or is_on_new_table(step):
        return
    name = (step.step.constraint.name if step.step.constraint else None) or "of its own"
    yield lock_finding(
        step,
        gate,
        f"adding an exclusion constraint to {step.label} builds its index",
        Remedy(
            text="There is no way without the lock: make a new table that has the constraint, copy the rows in batches "
            "and change the names, or do it in a quiet hour."
        ),
        cause=f"exclusion {name}",
    )
