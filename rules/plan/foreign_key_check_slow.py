"""Deleting or changing referenced rows takes long, as the rows that reference them are looked for without an index.

## What it finds
A foreign key's trigger that takes a fifth or more of a statement's execution, and 5 ms or more: of a cascade or check
for each row deleted, where no index of the referencing table leads with the key. Seen by EXPLAIN ANALYZE of a DELETE or
UPDATE, or by auto_explain with `log_triggers`.

## Why it matters
For each deleted row PostgreSQL looks for rows that reference it: it deletes them, sets them to NULL, or makes sure that
there is none. Without an index on the referencing columns every single look reads that whole table. EXPLAIN shows a
quick Delete and, below it, a trigger that takes minutes.

## What to do
Create the index on the referencing columns.

## When to leave it
The referencing table is small, or rows of the referenced one are deleted once a year.

## Source
https://www.postgresql.org/docs/current/ddl-constraints.html#DDL-CONSTRAINTS-FK
"""

from collections.abc import Iterator

from pgadvisor.rule import (
    Constraint,
    Evidence,
    Example,
    Facts,
    Finding,
    PlannedStatement,
    Remedy,
    Rung,
    Severity,
    Table,
    TriggerTime,
    WantedIndex,
    WantedKey,
    Where,
    create_index,
    foreign_key,
    node,
    plan_rule,
    quoted,
    supports_foreign_key,
    table,
)

LEAST_SHARE = 0.2
LEAST_MS = 5.0

KEY = foreign_key("customer_id", "customer", on_delete="cascade")
CUSTOMER = table("customer", rows=50_000)
SQL = "DELETE FROM customer WHERE id = $1"
DELETE = node("ModifyTable", node("Index Scan", table="customer", rows=1, actual=1, ms=0.05), table="customer",
              rows=0, actual=0, ms=0.1, operation="Delete")  # fmt: skip
SLOW = TriggerTime(name="RI_ConstraintTrigger_a_16412", constraint="customer_id_fkey", table="customer", calls=1,
                   time_ms=118.0)  # fmt: skip
BAD = [
    Example(
        sql=SQL,
        tables=(table("orders", constraints=(KEY,)), CUSTOMER),
        plan=DELETE,
        plan_fields={"execution_ms": 120.0, "triggers": (SLOW,)},
        mean_ms=120,
        remedy="CREATE INDEX CONCURRENTLY orders_customer_id_idx ON public.orders (customer_id);",
    ),
    Example(
        note="Nothing is known but the plan.",
        sql=SQL,
        plan=DELETE,
        plan_fields={"execution_ms": 120.0, "triggers": (SLOW,)},
        is_pasted=True,
        remedy="conname = 'customer_id_fkey'",
    ),
]
GOOD = [
    Example(
        note="An index leads with the key: it is the number of rows that takes the time.",
        sql=SQL,
        tables=(table("orders", constraints=(KEY,), indexes={"orders_customer_idx": "customer_id"}), CUSTOMER),
        plan=DELETE,
        plan_fields={"execution_ms": 120.0, "triggers": (SLOW,)},
        mean_ms=120,
    ),
    Example(
        note="The check takes no time.",
        sql=SQL,
        tables=(table("orders", constraints=(KEY,)), CUSTOMER),
        plan=DELETE,
        plan_fields={"execution_ms": 40.0,
                     "triggers": (TriggerTime(name="RI_ConstraintTrigger_a_1", constraint="customer_id_fkey",
                                              table="customer", calls=1, time_ms=0.2),)},
        mean_ms=40,
    ),
]  # fmt: skip


@plan_rule(severity=Severity.ERROR, since="0.2", needs=("analyze",))
def check(plan: PlannedStatement, facts: Facts) -> Iterator[Finding]:
    whole_ms = plan.plan.execution_ms or 0.0
    for trigger in plan.plan.triggers:
        share = trigger.time_ms / whole_ms if whole_ms else 0.0
        if not _is_of_referenced(trigger) or share < LEAST_SHARE or trigger.time_ms < LEAST_MS:
            continue
        if not facts.matters(plan, share):
            continue
        if facts.has_catalog:
            yield from _known(plan, facts, trigger, share)
        else:
            yield _finding(plan, facts, trigger, share, _unknown(trigger))


def _is_of_referenced(trigger: TriggerTime) -> bool:
    """Whether it stands on the referenced table: `_a_` is the action on it, `_c_` the check of the referencing one."""
    return trigger.constraint is not None and "_c_" not in trigger.name


def _known(plan: PlannedStatement, facts: Facts, trigger: TriggerTime, share: float) -> Iterator[Finding]:
    """One finding for each foreign key of that name without an index, of the table that was written."""
    for child in facts.tables:
        for key in child.constraints:
            if key.kind != "foreign key" or key.name != trigger.constraint or child.partition_of:
                continue
            parent = facts.table(key.references)
            is_other = parent is not None and trigger.table not in (None, parent.name)
            if is_other or any(supports_foreign_key(index, key.columns) for index in child.indexes):
                continue
            keys = tuple(WantedKey(text=quoted(each), key=each, label=each, column=each) for each in key.columns)
            index = WantedIndex(table=child.qualified, keys=keys, equalities=len(keys))
            yield _finding(plan, facts, trigger, share, create_index(facts, index), (child, key, index))


def _finding(
    plan: PlannedStatement,
    facts: Facts,
    trigger: TriggerTime,
    share: float,
    remedy: Remedy,
    place: tuple[Table, Constraint, WantedIndex] | None = None,
) -> Finding:
    by = f" by {place[0].label} ({', '.join(place[1].columns)}), which no index leads with" if place else ""
    day = facts.ms_per_day(plan.key)
    return Finding(
        where=Where(table=place[0].qualified if place else None, column=place[1].columns[0] if place else None,
                    statement=plan.key),
        message=f"foreign key {trigger.constraint} takes {trigger.time_ms:,.1f} ms, {share:.0%} of the statement, to "
        f"look for {trigger.calls:,.0f} rows{by}",
        evidence=(Evidence(rung=Rung.MEASURED, text=f"{trigger.time_ms / max(trigger.calls, 1):,.3f} ms a row"),),
        remedy=remedy,
        wrong_if="rows of the referenced table are hardly ever deleted, nor their keys changed",
        severity=facts.severity(plan.key, share),
        gain_ms_per_day=None if day is None else day * share,
        cause=place[2].cause if place else None,
        node=next((at for at, each in enumerate(plan.nodes) if each.node_type == "ModifyTable"), None),
    )  # fmt: skip


def _unknown(trigger: TriggerTime) -> Remedy:
    """Where no catalog is known: how to find the table and the columns."""
    name = (trigger.constraint or "").replace("'", "''")
    return Remedy(
        text="Find the table and the columns of the foreign key, and create an index that leads with them.",
        sql="SELECT conrelid::regclass AS referencing, pg_get_constraintdef(oid) AS key FROM pg_constraint "
        f"WHERE conname = '{name}';",
    )
