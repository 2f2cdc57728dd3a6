"""A trigger for each row is put on a table that is written to all the time.

## What it finds
CREATE TRIGGER … FOR EACH ROW on a table that the snapshot's workload writes to ten times a second or more.

## Why it matters
Each of these writes runs the trigger's function from then on, in the same transaction: it gets slower, and fails when
the function does. CREATE TRIGGER itself waits for every running write, and all others queue behind it.

## What to do
Measure the function on a copy first; a statement-level trigger with transition tables runs once a statement.

## When to leave it
The function is cheap and known not to fail.

## Source
https://www.postgresql.org/docs/current/sql-createtrigger.html
"""

import re
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
    migration_rule,
    table,
)

_TRIGGER = "CREATE TRIGGER audited AFTER UPDATE ON orders FOR EACH {} EXECUTE FUNCTION audit();"
BAD = [
    Example(
        sql="UPDATE orders SET total = $1 WHERE id = $2",
        calls=100_000_000,
        mean_ms=0.1,
        tables=(table("orders", columns={"total": "numeric"}),),
        migration=_TRIGGER.format("ROW"),
    ),
]
GOOD = [
    Example(
        note="It is seldom written to.",
        sql="UPDATE orders SET total = $1 WHERE id = $2",
        calls=1_000,
        tables=(table("orders", columns={"total": "numeric"}),),
        migration=_TRIGGER.format("ROW"),
    ),
    Example(
        note="Once a statement.",
        sql="UPDATE orders SET total = $1 WHERE id = $2",
        calls=100_000_000,
        mean_ms=0.1,
        tables=(table("orders", columns={"total": "numeric"}),),
        migration=_TRIGGER.format("STATEMENT"),
    ),
    Example(
        note="Nothing is known of the traffic.",
        migration=_TRIGGER.format("ROW"),
    ),
]

BUSY_WRITES_PER_S = 10.0
"""A tenth of a millisecond more for each is a thousandth of a processor: below that nobody sees it."""
_FOR_EACH_ROW = re.compile(r"\bFOR\s+(?:EACH\s+)?ROW\b", re.IGNORECASE)


@migration_rule(severity=Severity.WARNING, since="0.2")
def check(step: MigrationStep, gate: GateFacts) -> Iterator[Finding]:
    if step.command != "create trigger" or step.is_new or not _FOR_EACH_ROW.search(step.statement.text):
        return
    writes = gate.queued_calls_per_s(step.target, "SHARE ROW EXCLUSIVE")
    if writes is None or writes < BUSY_WRITES_PER_S:
        return
    yield Finding(
        where=Where(table=step.target),
        message=f"trigger {step.step.name} runs for each row of {writes:,.0f} writes a second to {step.label}",
        evidence=(Evidence(rung=Rung.MEASURED, text=f"{writes:,.1f} calls a second of the workload write to it"),),
        remedy=Remedy(
            text="Measure its function on a copy first, or use a statement-level trigger with transition tables.",
            lock=f"SHARE ROW EXCLUSIVE on {step.label} for a moment: writes wait",
        ),
        wrong_if="its function is cheap and known not to fail",
        severity=Severity.WARNING,
        cause=f"trigger {step.step.name} of {step.target}",
    )
