"""A primary key builds its index, or reads every row, while the table is locked for reads and writes.

## What it finds
ADD PRIMARY KEY without an index made before, a column added with PRIMARY KEY, and ADD PRIMARY KEY USING INDEX on
columns that are not NOT NULL yet, on a table that was there before the pull request.

## Why it matters
PostgreSQL builds the index, and looks for nulls, under ACCESS EXCLUSIVE: every query on the table waits meanwhile.

## What to do
Build the unique index CONCURRENTLY, make the columns NOT NULL by way of a validated CHECK, then add the key
with USING INDEX.

## When to leave it
The table is small, or nothing uses it yet.

## Source
https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-ADD-TABLE-CONSTRAINT-USING-INDEX
"""

from collections.abc import Iterator

from pgadvisor.rule import (
    DdlConstraint,
    Example,
    Finding,
    GateFacts,
    MigrationStep,
    Remedy,
    Severity,
    Table,
    alter,
    column_script,
    columns_sql,
    constraints_to_check,
    is_partitioned,
    lock_finding,
    migration_rule,
    not_null_steps,
    quoted,
    script,
    table,
    timeout,
    unique_steps,
)

BAD = [
    Example(
        migration="ALTER TABLE orders ADD PRIMARY KEY (id);",
        remedy="CREATE UNIQUE INDEX CONCURRENTLY orders_pkey ON orders (id);",
    ),
    Example(
        note="The column is known to be NOT NULL: nothing has to be done for it.",
        tables=(table("orders", primary_key=None, columns={"id": "bigint"}, not_null=("id",), rows=50_000_000),),
        migration="ALTER TABLE orders ADD CONSTRAINT orders_pk PRIMARY KEY (id);",
        remedy="SET lock_timeout = '5s';\n"
        "ALTER TABLE orders ADD CONSTRAINT orders_pk PRIMARY KEY USING INDEX orders_pk;",
    ),
    Example(
        note="The index is there, but every row is read for a null.",
        tables=(table("orders", primary_key=None, indexes={"orders_key": "UNIQUE id"}, rows=50_000_000),),
        migration="ALTER TABLE orders ADD PRIMARY KEY USING INDEX orders_key;",
        remedy="VALIDATE CONSTRAINT orders_id_not_null_check;",
    ),
]
GOOD = [
    Example(
        note="The index is there, and the column is NOT NULL.",
        tables=(table("orders", indexes={"orders_key": "UNIQUE id"}, not_null=("id",), rows=50_000_000),),
        migration="ALTER TABLE orders DROP CONSTRAINT orders_pkey, ADD PRIMARY KEY USING INDEX orders_key;",
    ),
    Example(
        note="The table is made by the same migration.",
        migration="CREATE TABLE orders (id bigint); ALTER TABLE orders ADD PRIMARY KEY (id);",
    ),
]


@migration_rule(severity=Severity.ERROR, since="0.2")
def check(step: MigrationStep, gate: GateFacts) -> Iterator[Finding]:
    for constraint in constraints_to_check(step, "primary key"):
        if constraint.using_index is None:
            does = f"adding PRIMARY KEY ({columns_sql(constraint.columns)}) to {step.label} builds its index"
        else:
            does = f"adding PRIMARY KEY USING INDEX to {step.label} reads every row for a null"
        yield lock_finding(step, gate, does, _remedy(step, constraint), cause="primary key of")


def _remedy(step: MigrationStep, constraint: DdlConstraint) -> Remedy:
    if is_partitioned(step):
        return Remedy(
            text="Build the unique index CONCURRENTLY on each partition, add the key to the partitioned table with "
            "ALTER TABLE ONLY, then attach the indexes."
        )
    text = (
        "Build the unique index CONCURRENTLY outside a transaction, make the columns NOT NULL by way of a CHECK that "
    )
    text += "is validated in a transaction of its own, then add the key with USING INDEX."
    if step.command == "add column":
        return Remedy(text=text, sql=column_script(step))
    lines = _bound(step, constraint)
    return Remedy(text=text, sql=lines, lock=f"ACCESS EXCLUSIVE on {step.label}, for a moment")


def _bound(step: MigrationStep, constraint: DdlConstraint) -> str:
    """With an index that is there, or with one built before."""
    if constraint.using_index is None:
        built, bound = unique_steps(step, constraint)
        return script(*built, *timeout(step), *bound)
    found = step.table.indexes if step.table else ()
    index = next((each for each in found if each.name == constraint.using_index), None)
    columns = index.columns if index else ()
    nullable = (each for each in columns if step.table and not _is_not_null(step.table, each))
    before = [line for each in nullable for line in not_null_steps(step, each)]
    name = f"CONSTRAINT {quoted(constraint.name)} " if constraint.name else ""
    added = alter(step, f"ADD {name}PRIMARY KEY USING INDEX {quoted(constraint.using_index)}")
    return script(*timeout(step), *before, added)


def _is_not_null(table: Table, name: str) -> bool:
    """Whether the column is NOT NULL."""
    column = table.column(name)
    return column is not None and column.not_null
