"""A partition is attached that has no CHECK which says what its bound says, so it is read as a whole under lock.

## What it finds
ATTACH PARTITION of a table that was there before the pull request and has no such valid CHECK, or that lacks an index
of the partitioned table; and CREATE TABLE … PARTITION OF beside a default partition that holds rows.

## Why it matters
Every row of the partition is read, and indexes that it lacks are built, under ACCESS EXCLUSIVE on it and on the default
partition.

## What to do
Add the CHECK NOT VALID, validate it, build the indexes CONCURRENTLY, then attach: that takes a moment. The CHECK can go
afterwards.

## When to leave it
The partition is small, or nothing uses it before it is attached and there is no default partition.

## Source
https://www.postgresql.org/docs/current/ddl-partitioning.html#DDL-PARTITIONING-DECLARATIVE-MAINTENANCE
"""

import re
from collections.abc import Iterator

from pgadvisor.rule import (
    Example,
    Finding,
    GateFacts,
    MigrationStep,
    Remedy,
    Severity,
    Where,
    is_on_new_table,
    lock_evidence,
    lock_severity,
    migration_rule,
    quoted,
    script,
    table,
    timeout,
)

BAD = [
    Example(
        earlier="CREATE TABLE visits (at date) PARTITION BY RANGE (at); CREATE TABLE visits_old (at date);",
        migration="ALTER TABLE visits ATTACH PARTITION visits_old FOR VALUES FROM ('2023-01-01') TO ('2024-01-01');",
        remedy="CHECK (at IS NOT NULL AND at >= '2023-01-01' AND at < '2024-01-01') NOT VALID;",
    ),
    Example(
        note="Nothing is known of the partition.",
        migration="ALTER TABLE visits ATTACH PARTITION visits_old FOR VALUES FROM ('2023-01-01') TO ('2024-01-01');",
    ),
    Example(
        note="The rows of the default partition might belong to the new one.",
        earlier="CREATE TABLE visits (at date) PARTITION BY RANGE (at);"
        "CREATE TABLE visits_rest PARTITION OF visits DEFAULT;",
        migration="CREATE TABLE visits_2024 PARTITION OF visits FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');",
    ),
    Example(
        note="The snapshot says that the partition is small: a word of information.",
        tables=(
            table("visits", partition_key="RANGE (at)", columns={"at": "date"}, primary_key=None),
            table("visits_old", columns={"at": "date"}, primary_key=None, rows=5_000),
        ),
        migration="ALTER TABLE visits ATTACH PARTITION visits_old FOR VALUES FROM ('2023-01-01') TO ('2024-01-01');",
    ),
]
GOOD = [
    Example(
        note="A valid CHECK says what the bound says.",
        earlier="CREATE TABLE visits (at date) PARTITION BY RANGE (at); CREATE TABLE visits_old (at date,"
        " CONSTRAINT bound CHECK (at IS NOT NULL AND at >= '2023-01-01' AND at < '2024-01-01'));",
        migration="ALTER TABLE visits ATTACH PARTITION visits_old FOR VALUES FROM ('2023-01-01') TO ('2024-01-01');",
    ),
    Example(
        note="The partition is made by the same migration.",
        migration="CREATE TABLE visits_new (at date);"
        "ALTER TABLE visits ATTACH PARTITION visits_new FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');",
    ),
]

_RANGE = re.compile(r"FOR VALUES FROM \(([^(),]+)\) TO \(([^(),]+)\)\Z", re.IGNORECASE)
_LIST = re.compile(r"FOR VALUES IN \(([^()]+)\)\Z", re.IGNORECASE)
_KEY = re.compile(r'(?:RANGE|LIST) \(("[^"]+"|\w+)\)\Z', re.IGNORECASE)


@migration_rule(severity=Severity.ERROR, since="0.2")
def check(step: MigrationStep, gate: GateFacts) -> Iterator[Finding]:
    effect = step.effect
    if step.command == "create table partition of" and effect.scans == "yes" and not is_on_new_table(step):
        yield _beside_default(step, gate)
    if step.command != "attach partition" or not step.step.names or is_on_new_table(step):
        return
    if effect.scans == "no" and effect.builds_index != "yes":
        return
    name = (effect.worked_table or "").removeprefix("public.")
    is_sure = "yes" in (effect.scans, effect.builds_index)
    what = "reads every row of it" if effect.scans != "no" else "builds its indexes"
    yield Finding(
        where=Where(table=effect.worked_table),
        message=f"attaching {name} to {step.label} {what} under lock"
        + ("" if is_sure else ", unless a CHECK spares it"),
        evidence=lock_evidence(step, gate),
        remedy=Remedy(
            text="Add a CHECK that says what the bound says NOT VALID, validate it in a migration of its own, build "
            "the indexes that it lacks CONCURRENTLY, then attach; the CHECK can go afterwards.",
            sql=_with_check(step),
            lock=f"SHARE UPDATE EXCLUSIVE on {step.label}: reads and writes go on",
        ),
        wrong_if="the partition is small, or nothing uses it and there is no default partition",
        severity=lock_severity(step, gate) if is_sure else Severity.WARNING,
        cause=f"attach {name} to {step.target}",
    )


def _beside_default(step: MigrationStep, gate: GateFacts) -> Finding:
    """A new partition whose rows might be in the default one."""
    name = (step.effect.worked_table or "").removeprefix("public.")
    return Finding(
        where=Where(table=step.effect.worked_table),
        message=f"creating partition {step.label} reads every row of the default partition {name} under lock",
        evidence=lock_evidence(step, gate),
        remedy=Remedy(
            text="Add a CHECK to the default partition NOT VALID that no row of it lies in the new bound, and validate "
            "it in a migration of its own before; it can go afterwards."
        ),
        wrong_if="the default partition is small",
        severity=lock_severity(step, gate),
        cause=f"partition {step.target} beside default",
    )


def _with_check(step: MigrationStep) -> str | None:
    """The way with a CHECK, where the bound is on one column."""
    key = _KEY.match(step.table.partition_key or "") if step.table else None
    condition = _condition(key[1], step.step.partition_bound or "") if key else None
    if condition is None:
        return None
    schema, bare = step.step.names[0]
    partition = f"{quoted(schema)}.{quoted(bare)}" if schema else quoted(bare)
    bound = quoted(f"{bare}_bound")
    return script(
        *timeout(step),
        f"ALTER TABLE {partition} ADD CONSTRAINT {bound} CHECK ({condition}) NOT VALID",
        f"ALTER TABLE {partition} VALIDATE CONSTRAINT {bound}",
        f"{step.statement.text.strip().rstrip(';')}",
        f"ALTER TABLE {partition} DROP CONSTRAINT {bound}",
    )


def _condition(column: str, bound: str) -> str | None:
    """What the bound says, as a condition on its column."""
    values = _LIST.match(bound)
    if values:
        return f"{column} IS NOT NULL AND {column} IN ({values[1]})"
    ends = _RANGE.match(bound)
    if ends is None:
        return None
    parts = [f"{column} IS NOT NULL"]
    parts += [f"{column} >= {ends[1]}"] if ends[1].strip().upper() != "MINVALUE" else []
    parts += [f"{column} < {ends[2]}"] if ends[2].strip().upper() != "MAXVALUE" else []
    return " AND ".join(parts)
