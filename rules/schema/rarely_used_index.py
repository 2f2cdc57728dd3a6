"""An index is written far more than it is used: its upkeep costs more than its few scans can save.

## What it finds
An index of 10 MB or more that was scanned a few times, while 100,000 row versions or more were written into it, since
counters began at least a week ago. What its scans saved is taken as the time of reading the whole table instead, for
each; what its upkeep cost as 5 microseconds an entry. Told where the upkeep is twice that or more.

## Why it matters
Every INSERT and many an UPDATE writes it, VACUUM cleans it, and updates of its columns cannot be HOT.

## What to do
Find what the few scans are. Where they can wait, or another index serves them nearly as well, drop it.

## When to leave it
The scans answer somebody who waits, or run on a replica: counters are each server's own.

## Source
https://www.postgresql.org/docs/current/monitoring-stats.html#MONITORING-PG-STAT-ALL-INDEXES-VIEW
"""

from collections.abc import Iterator

from pgadvisor.rule import (
    Evidence,
    Example,
    Facts,
    Finding,
    Index,
    Rung,
    Severity,
    Table,
    TableCounters,
    Where,
    counted,
    drop_index,
    foreign_key,
    is_advised_to_go,
    is_free_to_go,
    is_in_a_plan,
    replace,
    schema_rule,
    size_text,
    supports_foreign_key,
    table,
    written_entries,
)

LEAST_DAYS = 7.0
LEAST_BYTES = 10 * 1024**2
LEAST_WRITES = 100_000
LEAST_RATIO = 2.0
ENTRY_MS = 0.005
"""A new entry in a B-tree: 3 to 5 microseconds measured."""
COST_MS = 0.01
"""A unit of the planner's cost (a page read in order) in milliseconds, on the slow side."""
MANY = TableCounters(live_rows=1_000_000, rows_inserted=90_000_000, index_scans=9_000)


def _scanned(scans: int, counters: TableCounters = MANY, **more: object) -> Table:
    made = table("reading", indexes={"reading_kind_idx": "kind"}, counters=counters, **more)  # type: ignore[arg-type]
    return replace(made, indexes=tuple(replace(each, scans=scans) for each in made.indexes))


BAD = [
    Example(tables=(_scanned(4),), remedy="DROP INDEX CONCURRENTLY public.reading_kind_idx;"),
]
GOOD = [
    Example(note="It is used.", tables=(_scanned(40_000),)),
    Example(
        note="The table is hardly written.",
        tables=(_scanned(4, TableCounters(live_rows=1_000_000, rows_inserted=9_000)),),
    ),
    Example(
        note="It supports a foreign key.",
        tables=(_scanned(4, constraints=(foreign_key("kind", "kind"),)), table("kind", rows=9)),
    ),
    Example(note="The counters are three days old.", tables=(_scanned(4),), days=3),
]


@schema_rule(severity=Severity.INFO, since="0.2", needs=("catalog", "counters"))
def check(table: Table, facts: Facts) -> Iterator[Finding]:
    days, server = facts.counted_days, facts.snapshot.server
    if days is None or days < LEAST_DAYS or server is None or server.is_standby or table.kind != "table":
        return
    writes, whole = written_entries(table), facts.whole_cost(table.qualified)
    if writes < LEAST_WRITES or whole is None or table.partition_of:
        return
    for index in table.indexes:
        upkeep, saved = writes * ENTRY_MS, (index.scans or 0) * whole * COST_MS
        if not index.scans or (index.size_bytes or 0) < LEAST_BYTES or upkeep < LEAST_RATIO * saved:
            continue
        if _is_needed(index, table) or is_in_a_plan(index, facts) or is_advised_to_go(index, facts):
            continue
        yield _finding(table, index, facts, f"in {days:,.0f} days, while {writes:,} row versions were written into it")


def _is_needed(index: Index, table: Table) -> bool:
    """Whether something else than scans depends on it."""
    if not is_free_to_go(index) or index.is_unique or not index.is_valid or len(index.columns) < len(index.keys):
        return True
    keys = (constraint for constraint in table.constraints if constraint.kind == "foreign key")
    return any(supports_foreign_key(index, each.columns) for each in keys)


def _finding(table: Table, index: Index, facts: Facts, how: str) -> Finding:
    replicas = facts.snapshot.replicas
    pieces = [Evidence(rung=Rung.MEASURED, text=f"{counted(index.scans or 0, 'scan')} {how}")]
    if replicas:
        text = f"{counted(len(replicas), 'replica')} with scans of their own, not seen here"
        pieces.append(Evidence(rung=Rung.INFERRED, text=text))
    return Finding(
        where=Where(table=table.qualified, index=index.name),
        message=f"index {index.name} of {table.label} was scanned {counted(index.scans or 0, 'time')} {how}"
        + (f"; it takes {size_text(index.size_bytes)}" if index.size_bytes else ""),
        evidence=tuple(pieces),
        remedy=drop_index(table, index, why="First find what its few scans are for, also on replicas."),
        wrong_if="the few scans answer somebody who waits, or a replica scans it",
        severity=Severity.INFO,
        cause=f"index {index.schema}.{index.name}",
    )
