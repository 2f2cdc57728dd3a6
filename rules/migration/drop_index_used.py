"""An index is dropped that plans of the workload read.

## What it finds
DROP INDEX, of an index that the snapshot's plans read, or that its counters say is scanned, where no index made by the
pull request begins with the same columns. It needs a snapshot.

## Why it matters
The statements that looked rows up by it read the whole table from then on.

## What to do
Keep the index, or build the one that takes its place CONCURRENTLY first.

## When to leave it
Another index serves the same statements as well: with the planner twin the gate says whether their plans get worse.

## Source
https://www.postgresql.org/docs/current/monitoring-stats.html#MONITORING-PG-STAT-ALL-INDEXES-VIEW
"""

from collections.abc import Iterator

from pgadvisor.rule import (
    Evidence,
    Example,
    Finding,
    GateFacts,
    Index,
    MigrationStep,
    Remedy,
    Rung,
    Severity,
    Where,
    earlier,
    index_users,
    is_covered,
    migration_rule,
    node,
    replace,
    table,
)

_ORDERS = table("orders", rows=5_000_000, columns={"email": "text"}, indexes={"orders_email_idx": "email"})
BAD = [
    Example(
        sql="SELECT id FROM orders WHERE email = $1",
        tables=(_ORDERS,),
        plan=node("Index Scan", table="orders", alias="orders", index="orders_email_idx"),
        migration="DROP INDEX CONCURRENTLY orders_email_idx;",
    ),
    Example(
        note="No plan was collected, but it was scanned a thousand times.",
        tables=(_ORDERS,),
        migration="DROP INDEX CONCURRENTLY IF EXISTS public.orders_email_idx;",
    ),
]
GOOD = [
    Example(
        note="It was never scanned.",
        tables=(replace(_ORDERS, indexes=tuple(replace(each, scans=0) for each in _ORDERS.indexes)),),
        migration="DROP INDEX CONCURRENTLY orders_email_idx;",
    ),
    Example(
        note="It is what a broken build left: no query can use it.",
        tables=(replace(_ORDERS, indexes=tuple(replace(each, is_valid=False) for each in _ORDERS.indexes)),),
        migration="DROP INDEX CONCURRENTLY orders_email_idx;",
    ),
    Example(
        note="Another one begins with the same columns.",
        tables=(
            table("orders", columns={"email": "text"}, indexes={"orders_email_idx": "email", "wider": "email, id"}),
        ),
        migration="DROP INDEX CONCURRENTLY orders_email_idx;",
    ),
    Example(
        note="The one that takes its place is built first.",
        tables=(_ORDERS,),
        migration="CREATE INDEX CONCURRENTLY orders_email_id_idx ON orders (email, id);"
        "DROP INDEX CONCURRENTLY orders_email_idx;",
    ),
    Example(
        note="Without a snapshot nothing says who reads it.",
        migration="DROP INDEX CONCURRENTLY orders_email_idx;",
    ),
]


@migration_rule(severity=Severity.ERROR, since="0.2")
def check(step: MigrationStep, gate: GateFacts) -> Iterator[Finding]:
    if step.step.kind != "index" or not step.command.startswith("drop index") or gate.facts is None:
        return
    for schema, name in step.step.names:
        held = step.schema.table(step.schema.table_of_index((schema, name)))
        index = next((each for each in held.indexes if each.name == name), None) if held else None
        if (
            held is None
            or index is None
            or not index.is_valid
            or any(each.name != name and is_covered(gate.facts, index, each) for each in held.indexes)
        ):
            continue
        if not step.schema.is_new(held.qualified) and not any(_made(each, index) for each in earlier(step)):
            yield from _dropped(step, gate, index, held.qualified)


def _made(step: MigrationStep, index: Index) -> bool:
    return step.command.startswith("create index") and step.step.name == index.name


def _dropped(step: MigrationStep, gate: GateFacts, index: Index, table: str) -> Iterator[Finding]:
    users, label = index_users(gate, index.name), table.removeprefix("public.")
    if not users and not index.scans:
        return
    evidence = []
    if users:
        evidence.append(Evidence(rung=Rung.ESTIMATED, text=f"the plans of {len(users):,} of its statements read it"))
    if index.scans:
        evidence.append(Evidence(rung=Rung.MEASURED, text=f"scanned {index.scans:,} times since the counters began"))
    yield Finding(
        where=Where(table=table, index=index.name),
        message=f"index {index.name} on {label} is dropped and in use",
        evidence=tuple(evidence),
        remedy=Remedy(text="Keep it, or build the index that takes its place CONCURRENTLY first."),
        wrong_if="another index serves the same statements as well",
        severity=Severity.ERROR if users else Severity.WARNING,
        statements=users,
        cause=f"drop index {table} {index.name}",
    )
