"""A trigger is switched off for everyone, and their writes escape it.

## What it finds
ALTER TABLE … DISABLE TRIGGER on a table that was there before the pull request, unless the same transaction switches it
on again.

## Why it matters
Until it is switched on again, no program's write is checked, logged or copied by it; with ALL foreign keys are not
checked either, and stay broken.

## What to do
SET LOCAL session_replication_role = replica switches triggers off for the migration's own transaction alone. Or switch
off, write and switch on in one short transaction: writes of others wait meanwhile.

## When to leave it
The trigger is to stay off.

## Source
https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-DISABLE-ENABLE-TRIGGER
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
    is_there,
    migration_rule,
)

BAD = [
    Example(migration="ALTER TABLE orders DISABLE TRIGGER audited;"),
    Example(
        note="Between the statements others write without it.",
        migration="ALTER TABLE orders DISABLE TRIGGER ALL; UPDATE orders SET total = 0 WHERE id < 100;"
        "ALTER TABLE orders ENABLE TRIGGER ALL;",
    ),
]
GOOD = [
    Example(
        note="Nobody else can write until it is on again.",
        migration="ALTER TABLE orders DISABLE TRIGGER audited; UPDATE orders SET total = 0 WHERE id < 100;"
        "ALTER TABLE orders ENABLE TRIGGER audited;",
        is_in_transaction=True,
    ),
    Example(
        note="It is off for this transaction alone.",
        migration="SET LOCAL session_replication_role = replica; UPDATE orders SET total = 0 WHERE id < 100;",
        is_in_transaction=True,
    ),
    Example(
        note="The table is made by the same migration.",
        migration="CREATE TABLE orders (id bigint); ALTER TABLE orders DISABLE TRIGGER USER;",
    ),
]


@migration_rule(severity=Severity.WARNING, since="0.2")
def check(step: MigrationStep, gate: GateFacts) -> Iterator[Finding]:
    if step.command != "disable trigger" or not is_there(step, gate, step.target):
        return
    if any(each.command == "enable trigger" and each.target == step.target for each in step.after):
        return
    yield Finding(
        where=Where(table=step.target),
        message=f"a trigger of {step.label} is switched off for everyone",
        evidence=(Evidence(rung=Rung.INFERRED, text="the same transaction does not switch it on again"),),
        remedy=Remedy(
            text="Set session_replication_role for the migration's own transaction, or switch the trigger on again in "
            "the same transaction.",
            lock=f"SHARE ROW EXCLUSIVE on {step.label}: writes wait until the transaction ends",
        ),
        wrong_if="the trigger is to stay off",
        severity=Severity.WARNING,
        cause=f"disable trigger of {step.target}",
    )
