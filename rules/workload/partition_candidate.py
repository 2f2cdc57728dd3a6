"""A big table is read and emptied by time, and is not partitioned.

## What it finds
A table of 50 GB or more (or one that gets there within a year) of whose time 70 % goes into statements that ask for an
interval of one time column. And a table of any size whose regular deletes of old rows carry a real part of the load.

## Why it matters
A DELETE of old rows touches each of them, writes the log, and leaves holes for VACUUM. Dropping a partition takes
milliseconds. Queries for an interval read only the partitions it touches, and VACUUM works piece by piece.

## What to do
Partition by that column. The finding prints the steps: the old table becomes the first partition, no row is moved.
What stands in the way (unique keys without the column, foreign keys to the table, triggers, views) is listed instead.

## When to leave it
Most look-ups go by another key: each would look into every partition. Or the table fits into memory and nobody deletes.

## Source
https://www.postgresql.org/docs/current/ddl-partitioning.html
"""

from collections.abc import Iterator

from pgadvisor.rule import (
    ColumnStatistics,
    Evidence,
    Example,
    Facts,
    Finding,
    PartitionEvidence,
    Remedy,
    Rung,
    Severity,
    Where,
    migration,
    obstacles,
    partition_evidence,
    partition_undo,
    size_text,
    table,
    workload_rule,
)

BIG_BYTES = 50 * 1024**3
"""A quarter of a server's memory is the rule of thumb; where the memory is not known, 50 GB."""
LEAST_KEY_SHARE = 0.7
"""Statements without the key look into every partition: they must be the exception."""
LEAST_CORRELATION = 0.9
LEAST_RETENTION_SHARE = 0.02
HEAVY_RETENTION_SHARE = 0.10
LEAST_RETENTION_ROWS = 10_000

IN_ORDER = ColumnStatistics(null_fraction=0, average_width_bytes=8, n_distinct=-1, correlation=0.99)
ANYHOW = ColumnStatistics(null_fraction=0, average_width_bytes=8, n_distinct=-1, correlation=0.02)
COLUMNS = {"at": "timestamp with time zone", "user_id": "bigint"}
EVENTS = table("event", columns=COLUMNS, not_null=("at",), statistics={"at": IN_ORDER})
BIG = table("event", rows=9e8, columns=COLUMNS, not_null=("at",), statistics={"at": IN_ORDER})
PURGE = "DELETE FROM event WHERE at < now() - $1::interval"
READ = "SELECT count(*) FROM event WHERE at >= $1 AND at < $2"
BAD = [
    Example(
        note="A nightly purge of old rows is a quarter of the load.",
        sql=PURGE, tables=(EVENTS,), calls=30, mean_ms=20_000, rows=900_000, other=((READ, 40_000, 45.0),),
    ),
    Example(note="90 GB, read by the day.", sql=READ, tables=(BIG,), calls=40_000, mean_ms=45.0),
]  # fmt: skip
GOOD = [
    Example(
        note="Most look-ups go by user: each would look into every partition.",
        sql=PURGE, tables=(EVENTS,), calls=30, mean_ms=20_000, rows=900_000,
        other=(("SELECT * FROM event WHERE user_id = $1", 900_000, 4.0),),
    ),
    Example(note="Read by time, but small, and nothing is deleted.", sql=READ, tables=(EVENTS,), calls=40_000),
    Example(
        note="Rows lie in any order of that column.",
        sql=READ,
        tables=(table("event", rows=9e8, columns=COLUMNS, statistics={"at": ANYHOW}),),
        calls=40_000,
    ),
    Example(
        note="It is partitioned already.",
        sql=PURGE, calls=30, mean_ms=20_000, rows=900_000,
        tables=(table("event", columns=COLUMNS, primary_key=None, partition_key="RANGE (at)"),),
    ),
]  # fmt: skip


@workload_rule(severity=Severity.WARNING, since="0.1", needs=("catalog", "statements"))
def check(facts: Facts) -> Iterator[Finding]:
    for each in facts.tables:
        if each.kind != "table" or each.partition_of or each.inherits or facts.is_small(each.qualified):
            continue
        seen = partition_evidence(facts, each)
        severity = _severity(seen) if seen else None
        if seen is None or severity is None:
            continue
        blocked = obstacles(facts, each, seen.column)
        yield Finding(
            where=Where(table=each.qualified, column=seen.column.name),
            message=_message(seen),
            evidence=_evidence(seen, blocked),
            remedy=_remedy(facts, seen, blocked),
            wrong_if="look-ups without the column matter more than their time says, or old rows must stay for good",
            severity=Severity.INFO if blocked else severity,
            at_most_ms_per_day=_deleting(facts, seen),
            cause=f"partition {each.qualified} by {seen.column.name}",
            statements=seen.retention,
        )


def _deleting(facts: Facts, seen: PartitionEvidence) -> float | None:
    """Time a day in the statements that delete by age: dropping a partition takes none."""
    found = [day for key in seen.retention if (day := facts.ms_per_day(key)) is not None]
    return sum(found) if found else None


def _severity(seen: PartitionEvidence) -> Severity | None:
    """How much speaks for it; None: too little."""
    if seen.key_share < LEAST_KEY_SHARE or (seen.correlation is not None and seen.correlation < LEAST_CORRELATION):
        return None
    if seen.size_bytes >= BIG_BYTES:
        return Severity.WARNING
    if seen.retention_rows >= LEAST_RETENTION_ROWS and seen.retention_share >= LEAST_RETENTION_SHARE:
        return Severity.WARNING if seen.retention_share >= HEAVY_RETENTION_SHARE else Severity.INFO
    return Severity.INFO if (seen.year_bytes or 0) >= BIG_BYTES else None


def _message(seen: PartitionEvidence) -> str:
    name, column = seen.table.label, seen.column.name
    if seen.retention and seen.size_bytes < BIG_BYTES and seen.retention_share >= LEAST_RETENTION_SHARE:
        return f"deleting old rows of {name} by {column} takes {seen.retention_share:.0%} of all database time"
    grown = (
        f" and grows to {size_text(seen.year_bytes)} in a year"
        if seen.size_bytes < BIG_BYTES and seen.year_bytes
        else ""
    )
    return f"{name} holds {size_text(seen.size_bytes)}{grown}, is read by {column} and is not partitioned"


def _evidence(seen: PartitionEvidence, blocked: tuple[str, ...]) -> tuple[Evidence, ...]:
    text = f"{seen.key_share:.0%} of the time spent on {seen.table.label} has a condition on {seen.column.name}"
    pieces = [Evidence(rung=Rung.MEASURED, text=text)]
    if seen.retention:
        text = f"{seen.retention_rows:,} rows deleted by age, {seen.retention_share:.0%} of all time"
        pieces.append(Evidence(rung=Rung.MEASURED, text=text))
    if seen.correlation is not None:
        text = f"rows lie in the order of {seen.column.name} (correlation {seen.correlation:.2f})"
        pieces.append(Evidence(rung=Rung.ESTIMATED, text=text))
    if seen.without_key:
        text = f"{len(seen.without_key)} statements have no condition on it and would look into every partition"
        pieces.append(Evidence(rung=Rung.INFERRED, text=text))
    pieces.extend(Evidence(rung=Rung.INFERRED, text=f"in the way: {each}") for each in blocked)
    return tuple(pieces)


def _remedy(facts: Facts, seen: PartitionEvidence, blocked: tuple[str, ...]) -> Remedy:
    name, column = seen.table.label, seen.column.name
    if blocked:
        return Remedy(
            text=f"Partition {name} by {column} (RANGE, by month) once this is settled: {'; '.join(blocked)}."
        )
    return Remedy(
        text=f"Partition {name} by {column}, a month each; the old table becomes the first partition and no row moves. "
        "Grants and publications are not copied; ON CONFLICT must name the new primary key; a job has to make the next "
        "partitions before their month begins.",
        sql=migration(facts, seen.table, seen.column),
        undo=partition_undo(facts, seen.table, seen.column),
        lock=f"ACCESS EXCLUSIVE on {name} for an instant in steps 1 and 3, which wait two seconds for it at most and "
        "may then be tried again; the rest lets reads and writes go on",
        cost="reads the table once to validate the CHECK, and twice to build the new key",
    )
