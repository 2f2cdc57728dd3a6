"""A write logs whole pages where it changed a few rows in each.

## What it finds
A statement that writes 10 MB of WAL or more, of which half or more can be whole pages (full-page images). Seen by
EXPLAIN (ANALYZE, WAL).

## Why it matters
The first change of a page after a checkpoint logs the whole page of 8 kB. With checkpoints close together, or writes
scattered over many pages (random UUID keys), nearly each change does: the log grows many times, and replicas and
archives with it.

## What to do
Let checkpoints be further apart (`max_wal_size`, `checkpoint_timeout`), compress the images (`wal_compression = lz4`),
and write keys in order (UUID version 7 instead of 4).

## When to leave it
A load that runs once.

## Source
https://www.postgresql.org/docs/current/wal-configuration.html
"""

from collections.abc import Iterator
from functools import partial

from pgadvisor.rule import (
    Evidence,
    Example,
    Facts,
    Finding,
    PlannedStatement,
    Remedy,
    Rung,
    Severity,
    Where,
    node,
    plan_rule,
    table,
)

LEAST_BYTES = 10_000_000
PAGE_BYTES = 8192
LEAST_SHARE = 0.5

EVENTS = table("event")
SQL = "UPDATE event SET seen = true WHERE user_id = $1"
write = partial(node, "ModifyTable", table="event", schema="public", operation="Update", rows=0, actual=0, ms=300)
BAD = [
    Example(sql=SQL, tables=(EVENTS,), plan=write(wal_bytes=42_000_000, other=(("WAL FPI", "5000"),)), mean_ms=300),
]
GOOD = [
    Example(
        note="Much is written, row by row.",
        sql=SQL,
        tables=(EVENTS,),
        plan=write(wal_bytes=42_000_000, other=(("WAL FPI", "90"),)),
        mean_ms=300,
    ),
    Example(
        note="Little is written.",
        sql=SQL,
        tables=(EVENTS,),
        plan=write(wal_bytes=90_000, other=(("WAL FPI", "10"),)),
        mean_ms=300,
    ),
]


@plan_rule(severity=Severity.WARNING, since="0.2", needs=("analyze",))
def check(plan: PlannedStatement, facts: Facts) -> Iterator[Finding]:
    written, images = plan.root.wal_bytes or 0, plan.root.figure("WAL FPI") or 0.0
    share = min(images * PAGE_BYTES / written, 1.0) if written else 0.0
    if written < LEAST_BYTES or share < LEAST_SHARE or not facts.matters(plan, share):
        return
    table = next((each for each in plan.nodes if each.node_type == "ModifyTable"), plan.root)
    yield Finding(
        where=Where(table=f"{table.schema}.{table.table}" if table.schema else table.table, statement=plan.key),
        message=f"{written / 1e6:,.0f} MB of WAL, of which {images:,.0f} whole pages are up to {share:.0%}",
        evidence=(Evidence(rung=Rung.MEASURED, text=f"counted: {written:,} bytes of WAL, {images:,.0f} page images"),),
        remedy=Remedy(
            text="Let checkpoints be further apart (max_wal_size, checkpoint_timeout) and compress the images.",
            sql="ALTER SYSTEM SET wal_compression = on;\nSELECT pg_reload_conf();",
            undo="ALTER SYSTEM RESET wal_compression;\nSELECT pg_reload_conf();",
            lock="none",
            cost="a little processor time for each image",
        ),
        wrong_if="a checkpoint had just begun when it was run",
        severity=Severity.INFO,
        cause="wal of whole pages",
        node=0,
    )
