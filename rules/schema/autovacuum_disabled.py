"""Autovacuum is switched off for a table that changes.

## What it finds
Tables with `autovacuum_enabled = false` among their options that have rows and were written to, unless somebody
vacuumed them within the last week.

## Why it matters
Dead rows are never cleaned up and statistics never renewed: the table and its indexes grow, plans get worse. When row
versions get old enough, PostgreSQL vacuums it all the same, at a time nobody chose.

## What to do
Let autovacuum come to it. Where it came at bad times, set its thresholds instead.

## When to leave it
A job vacuums it, or it is emptied by TRUNCATE before it matters.

## Source
https://www.postgresql.org/docs/current/routine-vacuuming.html#AUTOVACUUM
"""

from collections.abc import Iterator
from datetime import timedelta

from pgadvisor.rule import (
    Evidence,
    Example,
    Facts,
    Finding,
    Remedy,
    Rung,
    Severity,
    Table,
    TableCounters,
    Where,
    quoted_table,
    schema_rule,
    table,
)

_OFF = frozenset(f"autovacuum_enabled={word}" for word in ("false", "off", "no", "0", "f", "n"))
RECENT = timedelta(days=7)
LEAST_CHANGED = 10_000
MUCH_DEAD = 0.2
CHANGED = TableCounters(live_rows=1_000_000, rows_updated=600_000, dead_rows=400_000)
BAD = [
    Example(
        tables=(table("orders", options=("autovacuum_enabled=false",), counters=CHANGED),),
        remedy="ALTER TABLE public.orders RESET (autovacuum_enabled);",
    ),
]
GOOD = [
    Example(note="It is on.", tables=(table("orders", options=("autovacuum_enabled=on",), counters=CHANGED),)),
    Example(
        note="Nothing was written.",
        tables=(table("orders", options=("autovacuum_enabled=off",), counters=TableCounters(live_rows=1_000_000)),),
    ),
]


@schema_rule(severity=Severity.WARNING, since="0.2", needs=("catalog", "counters"))
def check(table: Table, facts: Facts) -> Iterator[Finding]:
    counters = table.counters
    if counters is None or not _OFF.intersection(option.lower() for option in table.options):
        return
    changed = counters.rows_inserted + counters.rows_updated + counters.rows_deleted
    vacuumed = counters.last_vacuum_at
    is_kept = vacuumed is not None and facts.snapshot.collected_at - vacuumed < RECENT
    dead = counters.dead_rows / max(counters.live_rows + counters.dead_rows, 1)
    if changed < LEAST_CHANGED or (is_kept and dead < MUCH_DEAD):
        return
    pieces = [Evidence(rung=Rung.MEASURED, text=f"{changed:,} rows written, {counters.dead_rows:,} of them dead now")]
    last = f"last vacuumed {vacuumed:%Y-%m-%d}" if vacuumed else "never vacuumed as far as is known"
    pieces.append(Evidence(rung=Rung.MEASURED, text=last))
    yield Finding(
        where=Where(table=table.qualified),
        message=f"autovacuum is switched off for {table.label}, which has {counters.dead_rows:,} dead rows"
        if counters.dead_rows
        else f"autovacuum is switched off for {table.label}, to which {changed:,} rows were written",
        evidence=tuple(pieces),
        remedy=Remedy(
            text=f"Let autovacuum come to {table.label} again.",
            sql=f"ALTER TABLE {quoted_table(table)} RESET (autovacuum_enabled);",
            undo=f"ALTER TABLE {quoted_table(table)} SET (autovacuum_enabled = false);",
            lock=f"SHARE UPDATE EXCLUSIVE on {table.label} for an instant: reads and writes go on",
            cost="the first run of autovacuum reads the table and its indexes",
        ),
        wrong_if="a job vacuums it, or it is emptied before it matters",
        severity=Severity.INFO if facts.is_small(table.qualified) else Severity.WARNING,
        cause=f"autovacuum of {table.qualified}",
    )
