"""Most of a statement's time is waiting for pages to be read from disk.

## What it finds
A statement that waits for reads half of its time or more, 50 ms a call at least: in EXPLAIN ANALYZE with
`track_io_timing`, and in its counters as well where they hold it. The node that reads most is named.

## Why it matters
A page in memory takes a tenth of a microsecond, one from disk a tenth of a millisecond or more. Such a statement is as
fast as the storage, and pushes out of memory what others need.

## What to do
Read fewer pages: an index that holds all that is asked of the table (INCLUDE, for an index-only scan); rows that are
read together stored together (CLUSTER, partitions); BRIN for what comes in by time. Then more memory for
`shared_buffers` and the system's cache, or faster storage.

## When to leave it
The pages are read once a day, or the server was just started.

## Source
https://www.postgresql.org/docs/current/runtime-config-statistics.html#GUC-TRACK-IO-TIMING
"""

from collections.abc import Iterator
from functools import partial

from pgadvisor.rule import (
    Evidence,
    Example,
    Facts,
    Finding,
    PlannedStatement,
    PlanNode,
    Remedy,
    Rung,
    Severity,
    Where,
    node,
    plan_rule,
    table,
)

LEAST_SHARE = 0.5
LEAST_MS = 50.0

EVENTS = table("event", indexes={"event_user_idx": "user_id"})
SQL = "SELECT sum(amount) FROM event WHERE user_id = $1"
scan = partial(node, "Index Scan", table="event", schema="public", alias="event", index="event_user_idx", rows=9_000,
               actual=9_000, ms=700, shared_hit_blocks=200, shared_read_blocks=8_800)  # fmt: skip
BAD = [Example(sql=SQL, tables=(EVENTS,), plan=scan(io_read_ms=610), mean_ms=700)]
GOOD = [
    Example(note="All in memory.", sql=SQL, tables=(EVENTS,), plan=scan(io_read_ms=3), mean_ms=90),
    Example(
        note="This run met a cold cache; the calls are fast.", sql=SQL, tables=(EVENTS,), plan=scan(io_read_ms=610),
        mean_ms=12,
    ),
]  # fmt: skip


@plan_rule(severity=Severity.ERROR, since="0.2", needs=("analyze",))
def check(plan: PlannedStatement, facts: Facts) -> Iterator[Finding]:
    processes = 1 + sum(each.workers_launched or 0 for each in plan.nodes)  # each waits for itself
    waited, whole = (plan.root.io_read_ms or 0.0) / processes, plan.plan.execution_ms or 0.0
    share = waited / whole if whole else 0.0
    if share < LEAST_SHARE or waited < LEAST_MS or not _is_usual(plan):
        return
    if not facts.matters(plan, min(share, 1.0)):
        return
    number = max(range(len(plan.nodes)), key=lambda at: _own(plan, at))
    scan = plan.nodes[number]
    name = scan.table or scan.node_type.lower()
    pages = scan.shared_read_blocks or 0
    among = f" in {processes} processes together" if processes > 1 else ""
    yield Finding(
        where=Where(table=f"{scan.schema}.{scan.table}" if scan.schema else scan.table, statement=plan.key),
        message=f"{waited:,.0f} of {whole:,.0f} ms are waiting for reads, most of them by the "
        f"{scan.node_type.lower()} of {name}",
        evidence=(
            Evidence(rung=Rung.MEASURED, text=f"it reads {pages:,} pages from outside shared_buffers, "
                     f"{_own(plan, number):,.0f} ms{among}"),
        ),
        remedy=_remedy(scan),
        wrong_if="the pages were not in memory for this run, and usually are",
        severity=facts.severity(plan.key, min(share, 1.0)),
        at_most_ms_per_day=facts.ms_per_day(plan.key, min(share, 1.0)),
        node=number,
    )  # fmt: skip


def _is_usual(plan: PlannedStatement) -> bool:
    """Whether it waits in general: by its counters of reads where they are known, else by being as slow as this run."""
    found, whole = plan.statement, plan.plan.execution_ms or 0.0
    if found is None or found.mean_ms is None:
        return True
    if found.io_ms is not None and found.total_ms:
        return found.io_ms >= LEAST_SHARE * found.total_ms
    return found.mean_ms >= LEAST_SHARE * whole


def _own(plan: PlannedStatement, number: int) -> float:
    """Waiting for reads in the node itself."""
    below = sum(child.io_read_ms or 0.0 for child, _ in plan.children(number))
    return (plan.nodes[number].io_read_ms or 0.0) - below


def _remedy(scan: PlanNode) -> Remedy:
    if scan.node_type in ("Index Scan", "Bitmap Heap Scan"):
        return Remedy(
            text=f"The rows lie scattered over {scan.table}: an index that includes all columns asked for spares the "
            "look into the table; or store together what is read together (CLUSTER, partitions)."
        )
    return Remedy(text="Read fewer pages: an index for what is asked, or partitions that can be left out. Then more "
                  "memory, or faster storage.")  # fmt: skip
