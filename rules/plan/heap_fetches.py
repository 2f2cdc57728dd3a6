"""An index-only scan has to visit the table after all, because it was not vacuumed.

## What it finds
An Index Only Scan with 1,000 heap fetches or more, and one for more than every tenth row it gives.

## Why it matters
The visibility map says which pages hold only rows that everyone may see. Where a page is not marked, PostgreSQL must
look into the table for each row, and the covering index gains nothing.

## What to do
VACUUM the table, and let autovacuum come more often: for a table that is mostly inserted into it is the insert scale
factor, for one that is updated the ordinary one.

## When to leave it
The table is written all the time and no vacuum could keep up, or the statement hardly matters.

## Source
https://www.postgresql.org/docs/current/indexes-index-only-scans.html
"""

from collections.abc import Iterator

from pgadvisor.rule import (
    Evidence,
    Example,
    Facts,
    Finding,
    PlannedStatement,
    Remedy,
    Rung,
    Severity,
    Table,
    TableCounters,
    Where,
    node,
    plan_rule,
    quoted_table,
    scanned_table,
    table,
)

LEAST_FETCHES = 1_000
MOST_FETCHED = 0.1
CLEAN = 0.9
"""The catalog counts marked pages as of the last VACUUM or ANALYZE: a high share says nothing of now."""

ORDERS = table("orders", indexes={"orders_customer_id_total_idx": "customer_id, total"}, all_visible_pages=200)
BAD = [
    Example(
        sql="SELECT total FROM orders WHERE customer_id < $1",
        tables=(ORDERS,),
        plan=node(
            "Index Only Scan", table="orders", schema="public", index="orders_customer_id_total_idx", rows=50_000,
            actual=48_000, ms=60, heap_fetches=41_000, index_condition="(customer_id < 5000)",
        ),
        mean_ms=60,
        calls=100_000,
    ),
]  # fmt: skip
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
        found = scanned_table(facts, scan)
        if found is None:
            continue
        severity = facts.severity(plan.key, plan.figures[number].share)
        yield Finding(
            where=Where(table=found.qualified, index=scan.index, statement=plan.key),
            message=f"index-only scan of {found.label} fetches {fetches:,.0f} rows from the table to give {rows:,.0f}",
            evidence=_evidence(found, scan.index, fetches, rows),
            remedy=_remedy(found),
            wrong_if="a transaction that stays open keeps VACUUM from marking the pages: end it first",
            severity=Severity.WARNING if severity is Severity.ERROR else severity,
            cause=f"vacuum {found.qualified}",
            node=number,
        )


def _evidence(found: Table, index: str | None, fetches: float, rows: float) -> tuple[Evidence, ...]:
    pieces = [Evidence(rung=Rung.MEASURED, text=f"{index}: {fetches:,.0f} heap fetches for {rows:,.0f} rows")]
    share = found.all_visible_pages / found.pages if found.pages else 1.0
    if share < CLEAN:
        text = f"{share:.0%} of the pages of {found.label} are marked all-visible"
        pieces.append(Evidence(rung=Rung.MEASURED, text=text))
    if found.counters and found.counters.last_vacuum_at is None:
        pieces.append(Evidence(rung=Rung.MEASURED, text="no vacuum is on record"))
    return tuple(pieces)


def _remedy(found: Table) -> Remedy:
    counters = found.counters or TableCounters()
    factor = (
        "autovacuum_vacuum_insert_scale_factor"
        if counters.rows_inserted > counters.rows_updated + counters.rows_deleted
        else "autovacuum_vacuum_scale_factor"
    )
    name = quoted_table(found)
    return Remedy(
        text=f"Vacuum {found.label} now, and let autovacuum come after 2% of its rows have changed.",
        sql=f"VACUUM {name};\nALTER TABLE {name} SET ({factor} = 0.02);",
        undo=f"ALTER TABLE {name} RESET ({factor});",
        lock=f"SHARE UPDATE EXCLUSIVE on {found.label}: reads and writes go on",
        cost="one pass over the pages that changed, and more vacuums later on",
    )
