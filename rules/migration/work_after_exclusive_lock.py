"""Work that takes its time is done in a transaction that has locked a table for reads and writes.

## What it finds
VALIDATE CONSTRAINT of another constraint, REFRESH MATERIALIZED VIEW CONCURRENTLY, and tables or materialized views made
from a query, in a transaction that holds ACCESS EXCLUSIVE on a table that was there before the pull request.

## Why it matters
The work itself stops nobody. The lock that was taken before is held until the transaction ends, and every query on that
table waits for all of it.

## What to do
Put the work into a migration of its own, or before the statement that takes the lock.

## When to leave it
The tables are small, or nothing uses them yet.

## Source
https://www.postgresql.org/docs/current/explicit-locking.html#LOCKING-TABLES
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
    constraint_name,
    is_on_new_table,
    keeps_reads_out,
    migration_rule,
    milder_if_quick,
    script,
)

BAD = [
    Example(
        earlier="ALTER TABLE orders ADD CONSTRAINT bound CHECK (total > 0) NOT VALID;",
        migration="ALTER TABLE users ADD COLUMN note text; ALTER TABLE orders VALIDATE CONSTRAINT bound;",
        is_in_transaction=True,
        remedy="ALTER TABLE orders VALIDATE CONSTRAINT bound;",
    ),
    Example(
        migration="ALTER TABLE orders ADD COLUMN note text; CREATE TABLE totals AS SELECT sum(total) FROM orders;",
        is_in_transaction=True,
    ),
]
GOOD = [
    Example(
        note="The lock is taken after the work.",
        earlier="ALTER TABLE orders ADD CONSTRAINT bound CHECK (total > 0) NOT VALID;",
        migration="ALTER TABLE orders VALIDATE CONSTRAINT bound; ALTER TABLE users ADD COLUMN note text;",
        is_in_transaction=True,
    ),
    Example(
        note="Each statement commits by itself.",
        earlier="ALTER TABLE orders ADD CONSTRAINT bound CHECK (total > 0) NOT VALID;",
        migration="ALTER TABLE users ADD COLUMN note text; ALTER TABLE orders VALIDATE CONSTRAINT bound;",
    ),
    Example(
        note="Nothing is read.",
        migration="ALTER TABLE orders ADD COLUMN note text;"
        "CREATE TABLE totals AS SELECT sum(total) FROM orders WITH NO DATA;",
        is_in_transaction=True,
    ),
]

_BY_QUERY = ("create table as", "create materialized view")


@migration_rule(severity=Severity.ERROR, since="0.2")
def check(step: MigrationStep, gate: GateFacts) -> Iterator[Finding]:
    if not step.is_in_transaction or not _takes_time(step, gate):
        return
    holder = next((each for each in step.before if keeps_reads_out(each)), None)
    if holder is None:
        return
    calls = gate.queued_calls_per_s(holder.target, holder.effect.lock)
    queue = f", {calls:,.0f} calls a second" if calls is not None and calls >= 1 else ""
    yield Finding(
        where=Where(table=holder.target),
        message=f"{step.spelled} runs while {holder.label} is locked: its reads and writes wait{queue}",
        evidence=(
            Evidence(rung=Rung.INFERRED, text=f"{holder.spelled} took {holder.effect.lock}, held until the end"),
        ),
        remedy=Remedy(
            text="Put it into a migration of its own, or before the statement that takes the lock.",
            sql=script(step.statement.text.strip().rstrip(";")),
        ),
        wrong_if="the tables are small, or nothing uses them yet",
        severity=milder_if_quick(Severity.ERROR if calls is None or calls >= 1 else Severity.WARNING, step, gate),
        cause=f"work after lock {step.command} {step.target} {step.migration.file}",
    )


def _takes_time(step: MigrationStep, gate: GateFacts) -> bool:
    """Whether it reads much under a lock of its own that stops nobody."""
    if step.command in _BY_QUERY and step.step.inserts_query:
        read = [step.named(each) for each in step.step.reads]
        return any(not step.schema.is_new(name) and not gate.is_small(name) for name in read)
    if is_on_new_table(step) or not step.effect.is_long:
        return False
    if step.command == "validate constraint":
        return not any(_adds(each, step) for each in step.before)
    return step.command == "refresh materialized view concurrently"


def _adds(one: MigrationStep, step: MigrationStep) -> bool:
    """Whether that step added the constraint: then its own lock is the worse fault."""
    names = (constraint_name(one, each) for each in one.added_constraints)
    return one.target == step.target and any(name == step.step.constraint_name for name in names)
