"""A table has no primary key, nor anything that could be one.

## What it finds
A table (not a partition) without a primary key and without a unique index on columns that are not null.

## Why it matters
No row can be named: duplicates cannot be told apart, logical replication refuses UPDATE and DELETE, and tools that page
through a table, copy it or clean it up have nothing to hold on to.

## What to do
Declare the key that the rows have. Where there is none, add an identity column.

## When to leave it
It is a log or a staging table that is only ever appended to and emptied.

## Source
https://www.postgresql.org/docs/current/ddl-constraints.html#DDL-CONSTRAINTS-PRIMARY-KEYS
"""

from collections.abc import Iterator

from pgadvisor.rule import (
    Evidence,
    Example,
    Facts,
    Finding,
    Index,
    Remedy,
    Rung,
    Severity,
    Table,
    TableCounters,
    Where,
    quoted,
    quoted_table,
    schema_rule,
    table,
)

BAD = [
    Example(
        tables=(
            table("event", primary_key=None, columns={"kind": "text"}, counters=TableCounters(rows_updated=31_000)),
        ),
        remedy="ALTER TABLE public.event ADD COLUMN id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY;",
    ),
]
GOOD = [
    Example(note="It has one.", tables=(table("event", columns={"kind": "text"}),)),
    Example(
        note="A unique index on columns that are not null does the same.",
        tables=(table("event", primary_key=None, indexes={"event_key": "UNIQUE source, number"},
                      not_null=("source", "number")),),
    ),
    Example(
        note="A partition: the key is its parent's matter.",
        tables=(table("event", primary_key=None, partition_key="RANGE (at)", indexes={"u": "UNIQUE at, n"},
                      not_null=("at", "n")),
                table("event_2026", primary_key=None, partition_of="event", columns={"at": "date"})),
    ),
]  # fmt: skip


@schema_rule(severity=Severity.WARNING, since="0.1")
def check(table: Table, facts: Facts) -> Iterator[Finding]:
    if table.kind not in ("table", "partitioned table") or table.partition_of or table.inherits or table.is_unlogged:
        return
    if table.primary_key or any(_is_key(index, table) for index in table.indexes):
        return
    counters = table.counters or TableCounters()
    changed = counters.rows_updated + counters.rows_deleted
    yield Finding(
        where=Where(table=table.qualified),
        message=f"table {table.label} has no primary key"
        + (f", and {changed:,} of its rows were changed or deleted" if changed else ""),
        evidence=(
            Evidence(rung=Rung.INFERRED, text="no primary key and no unique index on columns that are not null"),
        ),
        remedy=_remedy(table),
        wrong_if="the table is a log or a staging area whose rows nobody ever names",
        severity=Severity.WARNING if changed and not facts.is_small(table.qualified) else Severity.INFO,
        cause=f"primary key {table.qualified}",
    )


def _is_key(index: Index, table: Table) -> bool:
    """Whether the index names each row: unique, whole, and of columns that are never null."""
    if not (index.is_unique and index.is_valid) or index.predicate or len(index.columns) < len(index.keys):
        return False
    return all((column := table.column(name)) is not None and column.not_null for name in index.columns)


def _remedy(table: Table) -> Remedy:
    name, taken = quoted_table(table), {column.name for column in table.columns}
    column = next(each for each in ("id", f"{table.name}_id", "row_id", "pgadvisor_row_id") if each not in taken)
    if table.kind == "partitioned table":
        return Remedy(text="Declare a primary key that holds the partition key and what names a row within it.")
    return Remedy(
        text="Declare the key that its rows have. Where they have none, add one; this rewrites the table.",
        sql=f"ALTER TABLE {name} ADD COLUMN {quoted(column)} bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY;",
        undo=f"ALTER TABLE {name} DROP COLUMN {quoted(column)};",
        lock=f"ACCESS EXCLUSIVE on {table.label} while it is rewritten: nobody reads or writes; set lock_timeout",
        cost=f"writes all {table.rows or 0:,.0f} rows again" if table.rows else "writes the table again",
    )
