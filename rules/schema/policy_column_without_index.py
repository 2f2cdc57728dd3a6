"""A row security policy compares a column that no index leads with, so every query reads the whole table.

## What it finds
Policies for SELECT (or all commands) of tables with row security that are not small, which equate a column with
something that is the same for all rows, where no index leads with that column.

## Why it matters
PostgreSQL adds the comparison to every query of the table. A role that may see a handful of rows reads all of them to
find its own, in each query.

## What to do
Create an index that leads with the column.

## When to leave it
Each value is in a large part of the rows, or every query narrows the rows by another index first.

## Source
https://supabase.com/docs/guides/database/postgres/row-level-security#add-indexes
"""

from collections.abc import Iterator

from pgadvisor.rule import (
    Column,
    ColumnStatistics,
    Evidence,
    Example,
    Facts,
    Finding,
    Policy,
    Rung,
    Severity,
    Table,
    WantedIndex,
    WantedKey,
    Where,
    create_index,
    equated_columns,
    quoted,
    schema_rule,
    table,
)

FEW_VALUES = 20
"""An index look-up by one of so few values reads a twentieth of the table or more."""
MANY_ROWS = 100_000
POLICY = Policy(name="own", using="(owner_id = ( SELECT auth.uid() AS uid))")
FEW = ColumnStatistics(null_fraction=0, average_width_bytes=8, n_distinct=3)
BAD = [
    Example(
        tables=(table("note", columns={"owner_id": "uuid"}, has_row_security=True, policies=(POLICY,)),),
        remedy="CREATE INDEX CONCURRENTLY note_owner_id_idx ON public.note (owner_id);",
    ),
]
GOOD = [
    Example(
        note="An index leads with it.",
        tables=(
            table("note", columns={"owner_id": "uuid"}, indexes={"note_owner_idx": "owner_id, id"},
                  has_row_security=True, policies=(POLICY,)),
        ),
    ),
    Example(
        note="Row security is not switched on.",
        tables=(table("note", columns={"owner_id": "uuid"}, policies=(POLICY,)),),
    ),
    Example(
        note="It is in an OR: an index on it alone would not do.",
        tables=(
            table("note", columns={"owner_id": "uuid", "is_public": "boolean"}, has_row_security=True,
                  policies=(Policy(name="own", using="(is_public OR (owner_id = auth.uid()))"),)),
        ),
    ),
    Example(
        note="Three tenants: each has a third of the rows.",
        tables=(
            table("note", columns={"owner_id": "bigint"}, has_row_security=True, policies=(POLICY,),
                  statistics={"owner_id": FEW}),
        ),
    ),
]  # fmt: skip


@schema_rule(severity=Severity.WARNING, since="0.2")
def check(table: Table, facts: Facts) -> Iterator[Finding]:
    if not table.has_row_security or table.partition_of or facts.is_small(table.qualified):
        return
    seen: set[str] = set()
    for policy in table.policies:
        if policy.command not in ("all", "select") or not policy.using:
            continue
        compared = [column for name in equated_columns(policy.using) if (column := table.column(name))]
        if any(facts.indexes_led_by(table.qualified, column.name) for column in compared):
            continue
        column = next((each for each in compared if _is_selective(each)), None)
        if column is not None and column.name not in seen:
            seen.add(column.name)
            yield _finding(table, policy, column, facts)


def _is_selective(column: Column) -> bool:
    values = column.statistics.n_distinct if column.statistics else -1.0
    return not 0 <= values <= FEW_VALUES


def _finding(table: Table, policy: Policy, column: Column, facts: Facts) -> Finding:
    key = WantedKey(text=quoted(column.name), key=column.name, label=column.name, column=column.name)
    index = WantedIndex(table=table.qualified, keys=(key,), equalities=1)
    rows = facts.rows(table.qualified) or 0.0
    return Finding(
        where=Where(table=table.qualified, column=column.name),
        message=f"policy {policy.name} of {table.label} compares {column.name}, which no index leads with",
        evidence=(
            Evidence(rung=Rung.INFERRED, text=f"every query of {table.label} gets the condition {policy.using}"),
            Evidence(rung=Rung.ESTIMATED, text=f"{table.label} has {rows:,.0f} rows"),
        ),
        remedy=create_index(facts, index),
        wrong_if="every query narrows the rows by another index first",
        severity=Severity.WARNING if rows >= MANY_ROWS else Severity.INFO,
        cause=index.cause,
    )
