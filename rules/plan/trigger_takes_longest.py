"""Triggers take more of a statement's time than the rows it writes.

## What it finds
A trigger that a user made, and that takes a fifth or more of a statement's execution, and 5 ms or more. Seen by EXPLAIN
ANALYZE, or by auto_explain with `log_triggers`. What a foreign key's own triggers take is told by
foreign-key-check-slow.

## Why it matters
A row trigger runs once for each row written: its function is entered, and each query in it is run, a hundred thousand
times for a hundred thousand rows. EXPLAIN shows the time, but nothing of what the function does.

## What to do
Make it a statement trigger with transition tables (`REFERENCING NEW TABLE AS …`), which handles all rows in one query.
Add a WHEN clause or `UPDATE OF column` so that it is not called for rows that do not concern it. Then look for a
missing index behind the queries of its function: `auto_explain.log_nested_statements` shows their plans.

## When to leave it
The statement writes few rows, and the trigger does what must be done.

## Source
https://www.postgresql.org/docs/current/sql-createtrigger.html
"""

from collections.abc import Iterator

from pgadvisor.rule import (
    Evidence,
    Example,
    Facts,
    Finding,
    PlannedStatement,
    Remedy,
    Rung,
    Severity,
    TriggerTime,
    Where,
    node,
    plan_rule,
    table,
)

LEAST_SHARE = 0.2
LEAST_MS = 5.0
ONE_ROW_CALLS = 10
"""From so many calls on it is a row trigger that writes of many rows pay."""

ORDERS = table("orders")
SQL = "UPDATE orders SET total = total * 2 WHERE id < $1"
UPDATE = node("ModifyTable", node("Index Scan", table="orders", rows=9_000, actual=9_000, ms=20), table="orders",
              rows=0, actual=0, ms=80, operation="Update")  # fmt: skip
BAD = [
    Example(
        sql=SQL,
        tables=(ORDERS,),
        plan=UPDATE,
        plan_fields={"execution_ms": 900.0,
                     "triggers": (TriggerTime(name="orders_audit", table="orders", calls=9_000, time_ms=810.0),)},
        mean_ms=900,
    ),
]  # fmt: skip
GOOD = [
    Example(
        note="A tenth of the statement.",
        sql=SQL,
        tables=(ORDERS,),
        plan=UPDATE,
        plan_fields={"execution_ms": 900.0,
                     "triggers": (TriggerTime(name="orders_audit", table="orders", calls=9_000, time_ms=90.0),)},
        mean_ms=900,
    ),
]  # fmt: skip


@plan_rule(severity=Severity.ERROR, since="0.2", needs=("analyze",))
def check(plan: PlannedStatement, facts: Facts) -> Iterator[Finding]:
    whole_ms = plan.plan.execution_ms or 0.0
    for trigger in plan.plan.triggers:
        share = trigger.time_ms / whole_ms if whole_ms else 0.0
        if trigger.constraint or share < LEAST_SHARE or trigger.time_ms < LEAST_MS or not facts.matters(plan, share):
            continue
        on = f" on {trigger.table}" if trigger.table else ""
        found = facts.table(trigger.table)
        yield Finding(
            where=Where(table=found.qualified if found else trigger.table, statement=plan.key),
            message=f"trigger {trigger.name}{on} takes {trigger.time_ms:,.1f} ms in {trigger.calls:,.0f} calls, "
            f"{share:.0%} of the statement",
            evidence=(Evidence(rung=Rung.MEASURED, text=f"{trigger.time_ms / max(trigger.calls, 1):,.3f} ms a call"),),
            remedy=_remedy(trigger),
            wrong_if="the rows written in production are far fewer than in this run",
            severity=facts.severity(plan.key, share),
            at_most_ms_per_day=facts.ms_per_day(plan.key, share),
            node=_written(plan, trigger.table),
        )


def _written(plan: PlannedStatement, name: str | None) -> int | None:
    """The node that writes the table of the trigger."""
    writing = (at for at, each in enumerate(plan.nodes) if each.node_type == "ModifyTable" and each.table == name)
    return next(writing, None)


def _remedy(trigger: TriggerTime) -> Remedy:
    if trigger.calls < ONE_ROW_CALLS:
        return Remedy(
            text=f"Look at the plans inside {trigger.name} (auto_explain.log_nested_statements = on): each call is "
            "slow, often for want of an index."
        )
    return Remedy(
        text=f"Make {trigger.name} a statement trigger with transition tables (REFERENCING NEW TABLE AS …, FOR EACH "
        "STATEMENT), which handles all rows in one query; or call it for the rows that concern it alone, by WHEN or "
        "UPDATE OF."
    )
