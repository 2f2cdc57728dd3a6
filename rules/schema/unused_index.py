"""An index has never been scanned since the counters began.

## What it finds
An index of 1 MB or more that no scan has used for a week at least (a warning after a month), on a table that is read.
Not one that keeps a promise (unique, constraint, replica identity), supports a foreign key, or gives the planner
statistics on an expression. Indexes of partitions are counted together.

## Why it matters
Every INSERT and many an UPDATE writes it, VACUUM cleans it, backups carry it, and updates of its columns cannot be HOT.

## What to do
Check the replicas and the jobs that run once a quarter. Then drop it; its definition stands in the undo.

## When to leave it
A replica uses it: counters are each server's own. Or it was created only now.

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
    Replica,
    Rung,
    Severity,
    Table,
    TableCounters,
    Where,
    drop_index,
    foreign_key,
    is_free_to_go,
    replace,
    schema_rule,
    size_text,
    supports_foreign_key,
    table,
)

SURE_DAYS, SOME_DAYS = 30.0, 7.0
"""A month holds the month's end with its reports; in less than a week nothing is unused."""
LEAST_BYTES, BIG_BYTES = 1024 * 1024, 10 * 1024 * 1024


def _unused(**more: object) -> Table:
    made = table(
        "orders",
        indexes={"orders_status_idx": "status"},
        counters=TableCounters(live_rows=1_000_000, index_scans=9_000, sequential_scans=4, rows_inserted=1_000_000),
        **more,  # type: ignore[arg-type]
    )
    return replace(made, indexes=tuple(replace(index, scans=0) for index in made.indexes))


BAD = [
    Example(tables=(_unused(),), days=45, remedy="DROP INDEX CONCURRENTLY public.orders_status_idx;"),
]
GOOD = [
    Example(note="The counters are three days old.", tables=(_unused(),), days=3),
    Example(
        note="It supports a foreign key.",
        tables=(_unused(constraints=(foreign_key("status", "status"),)), table("status", rows=9)),
        days=45,
    ),
    Example(
        note="It is scanned.",
        tables=(table("orders", indexes={"orders_status_idx": "status"}, counters=TableCounters(index_scans=9)),),
        days=45,
    ),
    Example(
        note="It keeps values unique.",
        tables=(replace(_unused(), indexes=tuple(replace(i, is_unique=True) for i in _unused().indexes)),),
        days=45,
    ),
]


@schema_rule(severity=Severity.WARNING, since="0.1", needs=("catalog", "counters"))
def check(table: Table, facts: Facts) -> Iterator[Finding]:
    days, server = _days(facts), facts.snapshot.server
    if days is None or days < SOME_DAYS or table.partition_of or server is None or server.is_standby:
        return
    if not _is_read(table, facts):
        return
    for index in table.indexes:
        parts = [index, *_parts(index, table, facts)]
        size = sum(each.size_bytes or 0 for each in parts)
        if size < LEAST_BYTES or not _is_unused(parts) or _is_needed(index, table, facts):
            continue
        replicas = facts.snapshot.replicas
        is_sure = days >= SURE_DAYS and not replicas and size >= BIG_BYTES
        yield Finding(
            where=Where(table=table.qualified, index=index.name),
            message=f"index {index.name} of {table.label} was not scanned in {days:,.0f} days "
            f"and takes {size_text(size)}",
            evidence=_evidence(index, table, days, replicas),
            remedy=drop_index(table, index, why="Look at the replicas first." if replicas else ""),
            wrong_if="a replica scans it, a rare job needs it, or it was created only lately",
            severity=Severity.WARNING if is_sure else Severity.INFO,
            cause=f"index {index.schema}.{index.name}",
        )


def _days(facts: Facts) -> float | None:
    """How long the table counters have been running, at least."""
    server = facts.snapshot.server
    since = (server.statistics_reset_at or server.started_at) if server else None
    return None if since is None else (facts.snapshot.collected_at - since).total_seconds() / 86_400


def _is_read(table: Table, facts: Facts) -> bool:
    """Whether anything reads the table: an index of a table nobody reads says nothing."""
    counted = [each.counters for each in (table, *facts.partitions(table.qualified)) if each.counters]
    return any(counters.index_scans + counters.sequential_scans for counters in counted)


def _parts(index: Index, table: Table, facts: Facts) -> list[Index]:
    """The indexes of partitions that belong to an index of a partitioned table."""
    found = []
    for partition in facts.partitions(table.qualified):
        for each in partition.indexes:
            if each.partition_of in (index.name, f"{index.schema}.{index.name}"):
                found.extend([each, *_parts(each, partition, facts)])
    return found


def _is_unused(parts: list[Index]) -> bool:
    counted = [each.scans for each in parts if each.scans is not None]
    return bool(counted) and sum(counted) == 0 and all(each.is_valid for each in parts)


def _is_needed(index: Index, table: Table, facts: Facts) -> bool:
    """Whether something else than scans depends on it."""
    if not is_free_to_go(index) or index.is_unique or len(index.columns) < len(index.keys):
        return True
    keys = [constraint for constraint in table.constraints if constraint.kind == "foreign key"]
    if any(supports_foreign_key(index, constraint.columns) for constraint in keys):
        return True
    return any(node.index == index.name for plan in facts.plans for node in plan.nodes)


def _evidence(index: Index, table: Table, days: float, replicas: tuple[Replica, ...]) -> tuple[Evidence, ...]:
    pieces = [Evidence(rung=Rung.MEASURED, text=f"0 scans in {days:,.0f} days of counters")]
    if table.counters:
        writes = table.counters.rows_inserted + table.counters.rows_updated - table.counters.rows_hot_updated
        pieces.append(Evidence(rung=Rung.MEASURED, text=f"{writes:,} new row versions were written into it"))
    if replicas:
        pieces.append(
            Evidence(rung=Rung.INFERRED, text=f"{len(replicas)} replicas count their own scans, not seen here")
        )
    return tuple(pieces)
