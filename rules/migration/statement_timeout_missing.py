"""A statement that works long under a strong lock has no statement_timeout.

## What it finds
The first step of a migration that reads, indexes or rewrites a whole table while reads or writes of it wait, with no
`statement_timeout` in force. One that is quick, or works beside reads and writes, needs none.

## Why it matters
`lock_timeout` bounds how long a statement waits for its lock, and nothing bounds how long it holds it: on a table that
is bigger than thought, programs stand still until someone looks.

## What to do
Set statement_timeout before it: what takes longer is cancelled and leaves everything as it was.

## When to leave it
The role that runs migrations has one, or the table is known to be small. Never set one for CONCURRENTLY.

## Source
https://www.postgresql.org/docs/current/runtime-config-client.html#GUC-STATEMENT-TIMEOUT
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
    is_harmless,
    is_strong,
    lock_evidence,
    migration_rule,
    table,
)

BAD = [
    Example(
        note="Its two long steps are one fault.",
        migration="ALTER TABLE orders ADD CHECK (total > 0); ALTER TABLE orders ADD CHECK (id > 0);",
    ),
]
GOOD = [
    Example(
        note="It is set.",
        migration="SET statement_timeout = '30s'; ALTER TABLE orders ADD CHECK (total > 0);",
    ),
    Example(
        note="It takes no time.",
        migration="ALTER TABLE orders ADD COLUMN note text;",
    ),
    Example(
        note="Reads and writes go on meanwhile, however long it takes.",
        migration="CREATE INDEX CONCURRENTLY orders_email_idx ON orders (email);",
    ),
    Example(
        note="Nobody writes to a materialized view, and reads go on.",
        migration="REFRESH MATERIALIZED VIEW CONCURRENTLY totals;",
    ),
    Example(
        note="ON ONLY: nothing is built for the partitions.",
        earlier="CREATE TABLE parts (id bigint, at date) PARTITION BY RANGE (at);",
        migration="CREATE INDEX parts_at_idx ON ONLY parts (at);",
    ),
    Example(
        note="The snapshot says that the table is small.",
        tables=(table("orders", columns={"total": "numeric"}, rows=5_000),),
        migration="ALTER TABLE orders ADD CHECK (total > 0);",
    ),
    Example(
        note="The server has one for everybody.",
        tables=(table("orders", columns={"total": "numeric"}, rows=50_000_000),),
        settings={"statement_timeout": "60000"},
        migration="ALTER TABLE orders ADD CHECK (total > 0);",
    ),
]


@migration_rule(severity=Severity.INFO, since="0.2")
def check(step: MigrationStep, gate: GateFacts) -> Iterator[Finding]:
    if gate.first(step, _is_unbounded) is not step:
        return
    yield Finding(
        where=Where(table=step.target),
        message=f"{step.spelled} on {step.label} is long and has no statement_timeout",
        evidence=lock_evidence(step, gate),
        remedy=Remedy(text="SET statement_timeout before it, to the longest that programs can wait."),
        wrong_if="the role that runs migrations has a statement_timeout of its own",
        severity=Severity.INFO,
        cause=f"statement_timeout {step.migration.file}",
    )


def _is_unbounded(step: MigrationStep, gate: GateFacts) -> bool:
    """Whether it works long under a lock that others wait for, for any time."""
    if not is_strong(step) or not _is_surely_long(step) or is_harmless(step, gate) or step.step.is_concurrent:
        return False
    if step.command == "create index" and step.step.is_only:
        return False
    found = (step.schema.setting("statement_timeout") or "0").strip("'\" ").lower()
    return found in ("0", "default", "")


def _is_surely_long(step: MigrationStep) -> bool:
    return "yes" in (step.effect.rewrites, step.effect.scans, step.effect.builds_index)
