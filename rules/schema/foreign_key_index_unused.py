"""An index that stands behind a foreign key is never used: nothing is deleted there, and nobody joins.

## What it finds
An index of 10 MB or more whose only reason is a foreign key, that no scan has used for a month at least, while no row
of the referenced table was deleted or updated. It joins what `unused-index` leaves out.

## Why it matters
Every INSERT and many an UPDATE writes it, for a look-up that never comes.

## What to do
If rows of the referenced table are never deleted, drop it. One delete there without the index reads the whole table.

## When to leave it
Deletes are rare, but come: a customer who leaves once a year.

## Source
https://www.postgresql.org/docs/current/ddl-constraints.html#DDL-CONSTRAINTS-FK
"""

from collections.abc import Iterator

from pgadvisor.rule import (
    Constraint,
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

LEAST_DAYS = 30.0
LEAST_BYTES = 10 * 1024**2
LEAST_WRITES = 100_000
WRITTEN = TableCounters(live_rows=1_000_000, rows_inserted=9_000_000, index_scans=800)


def _table(scans: int) -> Table:
    made = table("item", indexes={"item_kind_idx": "kind_id"}, constraints=(foreign_key("kind_id", "kind"),),
                 counters=WRITTEN)  # fmt: skip
    return replace(made, indexes=tuple(replace(each, scans=scans) for each in made.indexes))


BAD = [
    Example(
        tables=(_table(0), table("kind", rows=90)), days=45, remedy="DROP INDEX CONCURRENTLY public.item_kind_idx;"
    ),
]
GOOD = [
    Example(note="It is scanned.", tables=(_table(90), table("kind", rows=90)), days=45),
    Example(
        note="Rows of the other table are deleted.",
        tables=(_table(0), table("kind", rows=90, counters=TableCounters(live_rows=90, rows_deleted=3))),
        days=45,
    ),
    Example(note="The counters are ten days old.", tables=(_table(0), table("kind", rows=90)), days=10),
]


@schema_rule(severity=Severity.INFO, since="0.2", needs=("catalog", "counters"))
def check(table: Table, facts: Facts) -> Iterator[Finding]:
    days, server = facts.counted_days, facts.snapshot.server
    if days is None or days < LEAST_DAYS or server is None or server.is_standby or facts.snapshot.replicas:
        return
    if table.kind != "table" or table.partition_of or written_entries(table) < LEAST_WRITES:
        return
    for index in table.indexes:
        key = _only_reason(index, table)
        if key is None or index.scans != 0 or (index.size_bytes or 0) < LEAST_BYTES:
            continue
        parent = facts.table(key.references)
        if parent is None or parent.counters is None or parent.counters.rows_deleted + parent.counters.rows_updated:
            continue
        if not is_in_a_plan(index, facts) and not is_advised_to_go(index, facts):
            yield _finding(table, index, parent, days)


def _only_reason(index: Index, table: Table) -> Constraint | None:
    """The foreign key behind which it stands; None: it has another reason to be, or another index stands there too."""
    if not is_free_to_go(index) or index.is_unique:
        return None
    keys = [each for each in table.constraints if each.kind == "foreign key"]
    return next((each for each in keys if supports_foreign_key(index, each.columns)), None)


def _finding(table: Table, index: Index, parent: Table, days: float) -> Finding:
    return Finding(
        where=Where(table=table.qualified, index=index.name),
        message=f"index {index.name} of {table.label} was not used in {days:,.0f} days, no row of {parent.label} was "
        f"deleted, and it takes {size_text(index.size_bytes or 0)}",
        evidence=(
            Evidence(rung=Rung.MEASURED, text=f"0 scans in {days:,.0f} days of counters"),
            Evidence(rung=Rung.MEASURED, text=f"{written_entries(table):,} row versions were written into it"),
        ),
        remedy=drop_index(table, index, why=f"A delete in {parent.label} then reads all of {table.label}."),
        wrong_if=f"rows of {parent.label} are deleted now and then",
        severity=Severity.INFO,
        cause=f"index {index.schema}.{index.name}",
    )
