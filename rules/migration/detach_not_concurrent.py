"""A partition is detached under a lock that stops reads and writes of the whole partitioned table.

## What it finds
DETACH PARTITION without CONCURRENTLY on a partitioned table that was there before the pull request.

## Why it matters
It takes no time itself, but waits for every running query of the partitioned table under ACCESS EXCLUSIVE, and all
others queue behind it.

## What to do
Say CONCURRENTLY (PostgreSQL 14 and later), in a migration of its own that runs outside a transaction.

## When to leave it
The table is hardly used. One that has a default partition cannot be detached from CONCURRENTLY.

## Source
https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DETACH-PARTITION
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
    alter,
    how_long,
    lock_evidence,
    migration_rule,
    quoted,
    script,
)

BAD = [
    Example(
        migration="ALTER TABLE visits DETACH PARTITION visits_2024;",
        remedy="ALTER TABLE visits DETACH PARTITION visits_2024 CONCURRENTLY;",
    ),
]
GOOD = [
    Example(
        note="Reads and writes go on.",
        migration="ALTER TABLE visits DETACH PARTITION visits_2024 CONCURRENTLY;",
    ),
    Example(
        note="There is a default partition: CONCURRENTLY would be refused.",
        earlier="CREATE TABLE visits (at date) PARTITION BY RANGE (at);"
        "CREATE TABLE visits_rest PARTITION OF visits DEFAULT;",
        migration="ALTER TABLE visits DETACH PARTITION visits_2024;",
    ),
    Example(
        note="PostgreSQL 13 has no other way.",
        migration="ALTER TABLE visits DETACH PARTITION visits_2024;",
        version_num=130_004,
    ),
    Example(
        note="The table is made by the same migration.",
        migration="CREATE TABLE visits (at date) PARTITION BY RANGE (at);"
        "CREATE TABLE visits_rest PARTITION OF visits FOR VALUES FROM (MINVALUE) TO ('2024-01-01');"
        "ALTER TABLE visits DETACH PARTITION visits_rest;",
    ),
]


@migration_rule(severity=Severity.ERROR, since="0.2")
def check(step: MigrationStep, gate: GateFacts) -> Iterator[Finding]:
    if step.command != "detach partition" or step.is_new or gate.version < 14 or not step.step.names:
        return
    bounds = ((each.partition_of, each.partition_bound) for each in step.schema.tables())
    if (step.target, "DEFAULT") in bounds:
        return
    schema, name = step.step.names[0]
    partition = f"{quoted(schema)}.{quoted(name)}" if schema else quoted(name)
    calls = gate.queued_calls_per_s(step.target, step.effect.lock)
    if calls is not None and calls < 1:
        return
    yield Finding(
        where=Where(table=step.target),
        message=f"detaching {name} stops reads and writes of {step.label} while it waits for running queries"
        + how_long(step, gate),
        evidence=lock_evidence(step, gate),
        remedy=Remedy(
            text="Say CONCURRENTLY, in a migration of its own outside a transaction.",
            sql=script(alter(step, f"DETACH PARTITION {partition} CONCURRENTLY")),
            lock=f"SHARE UPDATE EXCLUSIVE on {step.label}: reads and writes go on",
        ),
        wrong_if="the table is hardly used",
        severity=Severity.ERROR,
        cause=f"detach {partition} of {step.target}",
    )
