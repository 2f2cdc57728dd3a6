"""A table has no primary key, nor anything that could be one.

## What it finds
A table (not a partition) without a primary key and without a unique index on columns that are not null. Where several
tables of a schema lack one and their rows are hardly changed, they are one finding.

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
    listed,
    quoted,
    quoted_table,
    replace,
    schema_rule,
    table,
)

MANY = 4
"""So many tables of a schema are told in one finding."""
WHY = "no primary key and no unique index on columns that are not null"
BAD = [
    Example(
        tables=(
            table("event", primary_key=None, columns={"kind": "text"}, counters=TableCounters(rows_updated=31_000)),
        ),
        remedy="ALTER TABLE public.event ADD COLUMN id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY;",
    ),
    Example(
        note="Five tables are one finding.",
        tables=tuple(table(f"load_{at}", primary_key=None, columns={"line": "text"}) for at in range(5)),
        remedy="ALTER TABLE public.load_0 ADD COLUMN id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY;",
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
    if not _lacks_key(table):
        return
    alike = () if _is_changed(table, facts) else facts.once(_unchanged)[table.schema]
    if len(alike) < MANY:
        yield _finding(table, facts)
    elif table is alike[0]:
        yield _of_schema(alike)


def _lacks_key(table: Table) -> bool:
    if table.kind not in ("table", "partitioned table") or table.partition_of or table.inherits or table.is_unlogged:
        return False
    return not table.primary_key and not any(_is_key(index, table) for index in table.indexes)


def _changed(table: Table) -> int:
    counters = table.counters or TableCounters()
    return counters.rows_updated + counters.rows_deleted


def _is_changed(table: Table, facts: Facts) -> bool:
    return _changed(table) > 0 and not facts.is_small(table.qualified)


def _unchanged(facts: Facts) -> dict[str, tuple[Table, ...]]:
    """The tables without a key whose rows are hardly changed, by schema and name."""
    found: dict[str, tuple[Table, ...]] = {}
    for each in sorted(facts.tables, key=lambda each: each.name):
        if _lacks_key(each) and not _is_changed(each, facts):
            found[each.schema] = (*found.get(each.schema, ()), each)
    return found


def _finding(table: Table, facts: Facts) -> Finding:
    changed = _changed(table)
    return Finding(
        where=Where(table=table.qualified),
        message=f"table {table.label} has no primary key"
        + (f", and {changed:,} of its rows were changed or deleted" if changed else ""),
        evidence=(Evidence(rung=Rung.INFERRED, text=WHY),),
        remedy=_remedy(table),
        wrong_if="the table is a log or a staging area whose rows nobody ever names",
        severity=Severity.WARNING if _is_changed(table, facts) else Severity.INFO,
        cause=f"primary key {table.qualified}",
    )


def _of_schema(alike: tuple[Table, ...]) -> Finding:
    first = next((each for each in alike if each.kind == "table"), alike[0])
    remedy = _remedy(first)
    return Finding(
        where=Where(table=first.qualified),
        message=f"{len(alike):,} tables of the schema {first.schema} have no primary key: "
        + listed(each.name for each in alike),
        evidence=(Evidence(rung=Rung.INFERRED, text=WHY),),
        remedy=replace(remedy, text=f"{remedy.text} Shown for {first.label}."),
        wrong_if="they are logs or staging areas whose rows nobody ever names",
        severity=Severity.INFO,
        cause=f"primary keys of {first.schema}",
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
