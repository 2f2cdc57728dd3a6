"""One statement changes or deletes every row of a table that is in use.

## What it finds
UPDATE and DELETE without WHERE on a table that was there before the pull request.

## Why it matters
Every row stays locked until the statement has gone through all of them: whoever changes one of them waits. Each row is
written anew, so the table can grow to twice its size, and replicas and vacuum fall behind.

## What to do
Change the rows a few thousand at a time, outside a transaction. To empty a table that nobody uses, TRUNCATE.

## When to leave it
The table is small, or nothing writes to it.

## Source
https://www.postgresql.org/docs/current/routine-vacuuming.html#VACUUM-FOR-SPACE-RECOVERY
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
    is_on_new_table,
    is_strong,
    migration_rule,
    milder_if_quick,
    rows_in_batches,
    size_text,
    table,
)

BAD = [
    Example(
        migration="UPDATE orders SET status = 'new';",
        remedy="(SELECT ctid FROM orders WHERE status IS DISTINCT FROM ('new') LIMIT 5000)",
    ),
    Example(migration="DELETE FROM shop.orders;", remedy="DELETE FROM shop.orders\n"),
    Example(
        note="More than one column: how to tell the rows that are left is for you to say.",
        tables=(table("orders", rows=50_000_000),),
        migration="UPDATE orders SET status = 'new', total = total * 2;",
    ),
    Example(
        note="The snapshot says that the table is small: a word of information.",
        tables=(table("orders", rows=500),),
        migration="UPDATE orders SET status = 'new';",
    ),
]
GOOD = [
    Example(note="Some rows at a time.", migration="UPDATE orders SET status = 'new' WHERE id BETWEEN 1 AND 1000;"),
    Example(
        note="The table is made by the same migration.",
        migration="CREATE TABLE orders (status text); UPDATE orders SET status = 'new';",
    ),
    Example(
        note="That a lock is held meanwhile is a worse fault.",
        migration="ALTER TABLE orders ADD COLUMN n int; UPDATE orders SET n = 1;",
        is_in_transaction=True,
    ),
]


@migration_rule(severity=Severity.ERROR, since="0.2")
def check(step: MigrationStep, gate: GateFacts) -> Iterator[Finding]:
    if step.command not in ("update", "delete") or step.step.has_where or is_on_new_table(step):
        return
    if any(is_strong(each) for each in step.before):
        return
    does = "updates" if step.command == "update" else "deletes"
    size = gate.heap_bytes(step.target)
    yield Finding(
        where=Where(table=step.target),
        message=f"one statement {does} every row of {step.label}" + (f" ({size_text(size)})" if size else ""),
        evidence=(Evidence(rung=Rung.INFERRED, text=f"{step.command.upper()} without WHERE"),),
        remedy=Remedy(
            text="Change the rows in batches, outside a transaction.",
            sql=rows_in_batches(step),
            lock=f"ROW EXCLUSIVE on {step.label}, and each batch of rows for a moment",
        ),
        wrong_if="the table is small, or nothing writes to it",
        severity=milder_if_quick(Severity.ERROR, step, gate),
        cause=f"whole table {step.command} {step.target}",
    )
