"""Autovacuum waits until a fixed share of a huge table is dead, which is very many rows.

## What it finds
Tables of 10 million rows or more whose rows are updated or deleted, where autovacuum waits for a million dead rows or
more: threshold plus scale factor times rows, by the table's own options or the server's settings, and at most
`autovacuum_vacuum_max_threshold` from PostgreSQL 18 on. A warning where a million rows are dead right now.

## Why it matters
A fifth of a huge table is left to die before VACUUM begins. Scans read the dead rows, index-only scans find pages that
are not all visible, and when VACUUM comes it takes hours.

## What to do
Set a small scale factor for this table: VACUUM then comes often and has little to do each time.

## When to leave it
Rows die all at once and rarely, and a job vacuums after that.

## Source
https://www.postgresql.org/docs/current/routine-vacuuming.html#AUTOVACUUM
"""

from collections.abc import Iterator

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
    vacuum_due_at,
)

LEAST_ROWS = 10_000_000
LEAST_DEAD = 1_000_000
LEAST_CHANGED = 10_000
SCALE = "autovacuum_vacuum_scale_factor"
BUSY = TableCounters(live_rows=80_000_000, rows_updated=30_000_000, dead_rows=9_000_000)
BAD = [
    Example(
        tables=(table("orders", rows=8e7, counters=BUSY),),
        remedy="ALTER TABLE public.orders SET (autovacuum_vacuum_scale_factor = 0.006);",
    ),
]
GOOD = [
    Example(note="It has a factor of its own.",
            tables=(table("orders", rows=8e7, counters=BUSY, options=(f"{SCALE}=0.01",)),)),
    Example(note="The server's factor is small.",
            tables=(table("orders", rows=8e7, counters=BUSY),), settings={SCALE: "0.01"}),
    Example(note="Rows only come.",
            tables=(table("event", rows=8e7, counters=TableCounters(live_rows=80_000_000, rows_inserted=9_000_000)),)),
    Example(note="It is of an ordinary size.", tables=(table("orders", rows=900_000, counters=BUSY),)),
]  # fmt: skip


@schema_rule(severity=Severity.WARNING, since="0.2", needs=("catalog", "counters"))
def check(table: Table, facts: Facts) -> Iterator[Finding]:
    counters, rows = table.counters, table.rows or 0.0
    if counters is None or table.kind not in ("table", "materialized view") or rows < LEAST_ROWS:
        return
    options = dict(option.split("=", 1) for option in table.options if "=" in option)
    scale = _number(options.get(SCALE) or facts.setting(SCALE), 0.2)
    trigger = vacuum_due_at(facts, table)
    if trigger < LEAST_DEAD or counters.rows_updated + counters.rows_deleted < LEAST_CHANGED:
        return
    better = float(f"{min(0.01, LEAST_DEAD / 2 / rows):.1g}")
    yield Finding(
        where=Where(table=table.qualified),
        message=f"autovacuum waits for {trigger:,.0f} dead rows of {table.label} before it begins",
        evidence=(
            Evidence(rung=Rung.INFERRED, text=f"the scale factor is {scale:g}, of {rows:,.0f} rows"),
            Evidence(rung=Rung.MEASURED, text=f"{counters.dead_rows:,} rows are dead now"),
        ),
        remedy=Remedy(
            text=f"Let autovacuum begin when {better:g} of the rows of {table.label} are dead.",
            sql=f"ALTER TABLE {quoted_table(table)} SET ({SCALE} = {better:g});",
            undo=f"ALTER TABLE {quoted_table(table)} "
            + (f"SET ({SCALE} = {options[SCALE]});" if SCALE in options else f"RESET ({SCALE});"),
            lock=f"SHARE UPDATE EXCLUSIVE on {table.label} for an instant: reads and writes go on",
            cost="VACUUM comes more often, and each run reads all indexes of the table",
        ),
        wrong_if="its rows die all at once and rarely, and a job vacuums it then",
        severity=Severity.WARNING if counters.dead_rows >= LEAST_DEAD else Severity.INFO,
        cause=f"vacuum threshold of {table.qualified}",
    )


def _number(text: str | None, default: float) -> float:
    try:
        return float(text) if text else default
    except ValueError:
        return default
