"""Many rows are changed in the transaction that has locked a table for a change of the schema.

## What it finds
UPDATE, DELETE, MERGE and INSERT … SELECT on a table that was there before the pull request, in a transaction that holds
a lock which stops writes, or reads as well, of a table that is in use. A change of single rows by key is not found.

## Why it matters
The lock of ALTER TABLE is held until the transaction ends: while rows are changed, every query on the table waits.

## What to do
Change the schema in one migration and the rows in another, a few thousand at a time, outside a transaction.

## When to leave it
The rows that are changed are few.

## Source
https://www.postgresql.org/docs/current/explicit-locking.html
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
    changes_many_rows,
    is_strong,
    keeps_reads_out,
    migration_rule,
    milder_if_quick,
    rows_in_batches,
    table,
)

BAD = [
    Example(
        migration="BEGIN; ALTER TABLE orders ADD COLUMN active boolean; UPDATE orders SET active = true; COMMIT;",
        remedy="UPDATE orders SET active = true\n    WHERE ctid = ANY",
    ),
    Example(
        note="The WHERE leaves most rows in.",
        migration="ALTER TABLE orders ADD COLUMN active boolean; UPDATE orders SET active = true WHERE active IS NULL;",
        is_in_transaction=True,
        remedy="(SELECT ctid FROM orders WHERE (active IS NULL) AND active IS DISTINCT FROM (true) LIMIT 5000)",
    ),
    Example(
        note="Rows of another table, while orders is locked.",
        migration="ALTER TABLE orders DROP COLUMN note; DELETE FROM visits WHERE at < '2020-01-01';",
        is_in_transaction=True,
        remedy="DELETE FROM visits\n",
    ),
    Example(
        note="A DO block is one transaction.",
        migration="DO $$ BEGIN ALTER TABLE orders ADD COLUMN active boolean; UPDATE orders SET active = true; END $$;",
        is_in_transaction=True,
    ),
    Example(
        note="The snapshot says that the table is small: a word of information.",
        tables=(table("orders", rows=500),),
        migration="ALTER TABLE orders ADD COLUMN active boolean; UPDATE orders SET active = true;",
        is_in_transaction=True,
    ),
]
GOOD = [
    Example(
        note="Each statement commits by itself: the lock is gone.",
        migration="ALTER TABLE orders ADD COLUMN active boolean; UPDATE orders SET active = true WHERE active IS NULL;",
    ),
    Example(
        note="Some rows, by key.",
        migration="ALTER TABLE orders ADD COLUMN active boolean; UPDATE orders SET active = true WHERE id IN (1, 2);",
        is_in_transaction=True,
    ),
    Example(
        note="The table is made by the same migration.",
        migration="CREATE TABLE orders (active boolean); ALTER TABLE orders ADD COLUMN n int; UPDATE orders SET n = 1;",
        is_in_transaction=True,
    ),
    Example(
        note="Nothing is locked but the rows.",
        migration="UPDATE orders SET active = true WHERE active IS NULL;",
        is_in_transaction=True,
    ),
]


@migration_rule(severity=Severity.ERROR, since="0.2")
def check(step: MigrationStep, gate: GateFacts) -> Iterator[Finding]:
    if not step.is_in_transaction or not changes_many_rows(step, gate):
        return
    holder = next((each for each in step.before if is_strong(each)), None)
    if holder is None:
        return
    waiting = "reads and writes" if keeps_reads_out(holder) else "writes"
    calls = gate.queued_calls_per_s(holder.target, holder.effect.lock)
    queue = f", {calls:,.0f} calls a second" if calls is not None and calls >= 1 else ""
    yield Finding(
        where=Where(table=step.target),
        message=f"rows of {step.label} are changed in the transaction that has locked {holder.label}: "
        f"{waiting} of it wait{queue}",
        evidence=(
            Evidence(rung=Rung.INFERRED, text=f"{holder.spelled} took {holder.effect.lock}, held until the end"),
        ),
        remedy=Remedy(
            text="Put the change of the rows into a migration of its own, in batches, outside a transaction.",
            sql=rows_in_batches(step),
            lock=f"ROW EXCLUSIVE on {step.label}, and each batch of rows for a moment",
        ),
        wrong_if="the rows that are changed are few",
        severity=milder_if_quick(Severity.WARNING if step.step.has_where else Severity.ERROR, step, gate),
        cause=f"backfill {step.target} {step.migration.file}",
    )
