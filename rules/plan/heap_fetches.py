"""An index-only scan has to visit the table after all, because it was not vacuumed.

## What it finds
An Index Only Scan with 1,000 heap fetches or more, and one for more than every tenth row it gives.

## Why it matters
The visibility map says which pages hold only rows that everyone may see. Where a page is not marked, PostgreSQL must
look into the table for each row, and the covering index gains nothing.

## What to do
VACUUM the table, and let autovacuum come more often: where most of what happened since the last vacuum are inserts it
is the insert scale factor, where rows were updated or deleted the ordinary one.

## When to leave it
The table is written all the time and no vacuum could keep up, or the statement hardly matters.

## Source
https://www.postgresql.org/docs/current/indexes-index-only-scans.html
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
    Table,
    TableCounters,
    Where,
    is_unknown,
    node,
    plan_rule,
    quoted,
    quoted_table,
    scanned_table,
    table,
)

LEAST_FETCHES = 1_000
MOST_FETCHED = 0.1
CLEAN = 0.9
"""The catalog counts marked pages as of the last VACUUM or ANALYZE: a high share then says nothing of now."""

orders = partial(table, "orders", indexes={"orders_customer_id_total_idx": "customer_id, total"}, all_visible_pages=200)
ORDERS = orders(
    # Long ago it was loaded; since the last vacuum it was updated.
    counters=TableCounters(live_rows=1_000_000, rows_inserted=1_000_000, inserted_since_vacuum=40, dead_rows=70_000)
)
FILLED = orders(
    counters=TableCounters(live_rows=1_000_000, rows_updated=2_000_000, inserted_since_vacuum=70_000, dead_rows=40)
)
SCAN = node(
    "Index Only Scan", table="orders", schema="public", index="orders_customer_id_total_idx", rows=50_000,
    actual=48_000, ms=60, heap_fetches=41_000, index_condition="(customer_id < 5000)",
)  # fmt: skip
BAD = [
    Example(
        sql="SELECT total FROM orders WHERE customer_id < $1",
        tables=(ORDERS,),
        plan=SCAN,
        mean_ms=60,
        calls=100_000,
        remedy="ALTER TABLE public.orders SET (autovacuum_vacuum_scale_factor = 0.02);",
    ),
    Example(
        note="Mostly inserted into, since the last vacuum.",
        sql="SELECT total FROM orders WHERE customer_id < $1",
        tables=(FILLED,),
        plan=SCAN,
        mean_ms=60,
        remedy="ALTER TABLE public.orders SET (autovacuum_vacuum_insert_scale_factor = 0.02);",
    ),
    Example(
        note="Nothing is known but the plan.",
        is_pasted=True,
        sql="SELECT total FROM orders",
        plan=SCAN,
        remedy="VACUUM (ANALYZE) public.orders;",
        mean_ms=60,
    ),
]
GOOD = [
    Example(
        note="A few pages changed since the last vacuum.",
        sql="SELECT total FROM orders WHERE customer_id < $1",
        tables=(ORDERS,),
        plan=node(
            "Index Only Scan", table="orders", schema="public", index="orders_customer_id_total_idx", rows=50_000,
            actual=48_000, ms=9, heap_fetches=312, index_condition="(customer_id < 5000)",
        ),
    ),
]  # fmt: skip


@plan_rule(severity=Severity.WARNING, since="0.1", needs=("analyze",))
def check(plan: PlannedStatement, facts: Facts) -> Iterator[Finding]:
    for number, scan in enumerate(plan.nodes):
        rows = plan.figures[number].rows
        fetches = scan.heap_fetches or 0.0
        if rows is None or fetches < LEAST_FETCHES or fetches <= MOST_FETCHED * rows:
            continue
        found, share = scanned_table(facts, scan), plan.figures[number].share
        if (found is None and not is_unknown(facts, scan)) or not facts.matters(plan, share):
            continue
        name = found.qualified if found else scan.table or ""
        yield Finding(
            where=Where(table=name, index=scan.index, statement=plan.key),
            message=f"index-only scan of {found.label if found else name} fetches {fetches:,.0f} rows from the table "
            f"to give {rows:,.0f}",
            evidence=_evidence(found, scan.index, fetches, rows),
            remedy=_remedy(found) if found else _vacuum(scan),
            wrong_if="a transaction that stays open keeps VACUUM from marking the pages: end it first",
            severity=facts.severity(plan.key, share, worst=Severity.WARNING),
            at_most_ms_per_day=facts.ms_per_day(plan.key, share),
            cause=f"vacuum {name}",
            node=number,
        )


def _evidence(found: Table | None, index: str | None, fetches: float, rows: float) -> tuple[Evidence, ...]:
    pieces = [Evidence(rung=Rung.MEASURED, text=f"{index}: {fetches:,.0f} heap fetches for {rows:,.0f} rows")]
    if found is None:
        return tuple(pieces)
    share = found.all_visible_pages / found.pages if found.pages else 1.0
    if share < CLEAN:
        text = f"{share:.0%} of the pages of {found.label} were marked all-visible at the last VACUUM or ANALYZE"
        pieces.append(Evidence(rung=Rung.MEASURED, text=text))
    counters = found.counters
    if counters and counters.last_vacuum_at is None:
        pieces.append(Evidence(rung=Rung.MEASURED, text="no vacuum is on record"))
    elif counters and counters.inserted_since_vacuum is not None:
        text = f"{counters.inserted_since_vacuum:,} rows inserted and {counters.dead_rows:,} dead since the last vacuum"
        pieces.append(Evidence(rung=Rung.MEASURED, text=text))
    return tuple(pieces)


def _is_filled(counters: TableCounters) -> bool:
    """Whether most of what happened since the last vacuum, or ever where that is not known, are inserts."""
    if counters.inserted_since_vacuum or (counters.inserted_since_vacuum is not None and counters.dead_rows):
        return counters.inserted_since_vacuum > counters.dead_rows
    return counters.rows_inserted > counters.rows_updated + counters.rows_deleted


def _vacuum(scan: PlanNode) -> Remedy:
    """Where no catalog is known."""
    name = f"{quoted(scan.schema)}.{quoted(scan.table or '')}" if scan.schema else quoted(scan.table or "")
    return Remedy(
        text=f"Vacuum {scan.table}, and let autovacuum come to it more often.",
        sql=f"VACUUM (ANALYZE) {name};",
        lock=f"SHARE UPDATE EXCLUSIVE on {scan.table}: reads and writes go on",
        cost="one pass over the pages that changed",
    )


def _remedy(found: Table) -> Remedy:
    is_filled = _is_filled(found.counters or TableCounters())
    factor = f"autovacuum_vacuum_{'insert_' if is_filled else ''}scale_factor"
    name = quoted_table(found)
    return Remedy(
        text=f"Vacuum {found.label} now, and let autovacuum come after 2% of its rows have changed.",
        sql=f"VACUUM {name};\nALTER TABLE {name} SET ({factor} = 0.02);",
        undo=f"ALTER TABLE {name} RESET ({factor});",
        lock=f"SHARE UPDATE EXCLUSIVE on {found.label}: reads and writes go on",
        cost="one pass over the pages that changed, and more vacuums later on",
    )
