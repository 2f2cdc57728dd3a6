"""A foreign key's own columns have no index, so each delete of a referenced row reads the whole table.

## What it finds
A foreign key on a table that is not small, where no index leads with its columns (in any order). A partial index
counts only when its predicate is that the column is not null; a BRIN index on the column counts, as for rows that come
in by date. Where no referenced row was deleted, it is a remark; and none where the workload joins along the key and the
planner, asked for all of it, has no use for the index.

## Why it matters
When a referenced row is deleted, or its key changes, PostgreSQL looks for rows that point to it. Without an index it
reads the whole referencing table, for every single row deleted, while it holds the lock. Joins along the key suffer,
too.

## What to do
Create an index on the foreign key's columns.

## When to leave it
Rows of the referenced table are never deleted, and nothing joins from there to here.

## Source
https://www.postgresql.org/docs/current/ddl-constraints.html#DDL-CONSTRAINTS-FK
"""

from collections.abc import Iterator

from pgadvisor.rule import (
    ColumnStatistics,
    Constraint,
    Evidence,
    Example,
    Facts,
    Finding,
    Index,
    IndexAdvice,
    Rung,
    Severity,
    Table,
    TableCounters,
    WantedIndex,
    WantedKey,
    Where,
    create_index,
    foreign_key,
    quoted,
    schema_rule,
    supports_foreign_key,
    table,
)

FEW_VALUES = 50
"""An index look-up by one of so few values reads two percent of the table or more."""

FIVE = ColumnStatistics(null_fraction=0, average_width_bytes=8, n_distinct=5)
DELETED = table("customer", rows=50_000, counters=TableCounters(live_rows=50_000, rows_deleted=4_200))
KEPT = table("customer", rows=50_000)
KEY = foreign_key("customer_id", "customer", on_delete="cascade")
BAD = [
    Example(
        tables=(table("orders", constraints=(KEY,)), DELETED),
        remedy="CREATE INDEX CONCURRENTLY orders_customer_id_idx ON public.orders (customer_id);",
    ),
    Example(
        note="It is joined along the key, but customers are meant to be deleted.",
        sql="SELECT count(*) FROM orders o JOIN customer c ON c.id = o.customer_id",
        tables=(table("orders", columns={"customer_id": "bigint"}, constraints=(KEY,)), KEPT),
        advice=IndexAdvice(unit="ms", tried_on="planner twin", considered=1),
    ),
    Example(
        note="A partial index on other rows does not help.",
        tables=(
            table("orders", constraints=(KEY,), indexes={"orders_open_idx": "customer_id WHERE (closed_at IS NULL)"}),
            DELETED,
        ),
    ),
]
GOOD = [
    Example(
        note="An index leads with the column.",
        tables=(table("orders", constraints=(KEY,), indexes={"orders_customer_idx": "customer_id, id"}), DELETED),
    ),
    Example(
        note="A partial index on the rows that point somewhere is enough.",
        tables=(
            table(
                "orders", constraints=(KEY,), indexes={"orders_c_idx": "customer_id WHERE (customer_id IS NOT NULL)"}
            ),
            DELETED,
        ),
    ),
    Example(
        note="It names one of five codes, and codes are never deleted.",
        tables=(
            table("orders", constraints=(foreign_key("status_id", "status"),), statistics={"status_id": FIVE}),
            table("status", rows=5),
        ),
    ),
    Example(
        note="A BRIN index finds the rows of a day.",
        tables=(table("orders", constraints=(KEY,), indexes={"orders_brin": "brin: customer_id"}), DELETED),
    ),
    Example(
        note="It is joined along the key, the planner was asked, and has no use for an index; nothing is deleted.",
        sql="SELECT count(*) FROM orders o JOIN customer c ON c.id = o.customer_id",
        tables=(
            table("orders", columns={"customer_id": "bigint"}, constraints=(foreign_key("customer_id", "customer"),)),
            KEPT,
        ),
        advice=IndexAdvice(unit="ms", tried_on="planner twin", considered=1),
    ),
    Example(note="The table is small.", tables=(table("orders", rows=900, constraints=(KEY,)), DELETED)),
    Example(
        note="The index of another constraint leads with it.",
        tables=(table("orders", primary_key="customer_id, id", constraints=(KEY,)), KEPT),
    ),
]


@schema_rule(severity=Severity.WARNING, since="0.1")
def check(table: Table, facts: Facts) -> Iterator[Finding]:
    if table.partition_of or facts.is_small(table.qualified):
        return
    for constraint in table.constraints:
        if constraint.kind != "foreign key" or _is_indexed(table, constraint):
            continue
        parent = facts.table(constraint.references)
        deleted = parent.counters.rows_deleted if parent and parent.counters else 0
        if not deleted and (
            _is_code_list(table, constraint, parent, facts) or _is_joined_without(table, constraint, facts)
        ):
            continue
        keys = tuple(WantedKey(text=quoted(each), key=each, label=each, column=each) for each in constraint.columns)
        index = WantedIndex(table=table.qualified, keys=keys, equalities=len(keys))
        referenced = parent.label if parent else constraint.references
        names = ", ".join(constraint.columns)
        yield Finding(
            where=Where(table=table.qualified, column=constraint.columns[0]),
            message=f"foreign key {constraint.name} of {table.label} ({names}) to {referenced} has no index"
            + (f", and {deleted:,} rows of {referenced} were deleted" if deleted else ""),
            evidence=_evidence(table, constraint, str(referenced), deleted),
            remedy=create_index(facts, index),
            wrong_if=f"rows of {referenced} are never deleted, and nothing joins from there to {table.label}",
            severity=Severity.WARNING if deleted else Severity.INFO,
            cause=index.cause,
        )


def _is_indexed(table: Table, constraint: Constraint) -> bool:
    return any(
        supports_foreign_key(index, constraint.columns) or _is_brin(index, constraint.columns)
        for index in table.indexes
    )


def _is_brin(index: Index, columns: tuple[str, ...]) -> bool:
    """Whether it is a BRIN index that finds the rows of the key by where they lie."""
    return index.is_valid and index.method == "brin" and set(columns) <= set(index.columns) and not index.predicate


def _is_joined_without(table: Table, constraint: Constraint, facts: Facts) -> bool:
    """Whether statements use the key, and the index advice for them all has no index on it."""
    if facts.advice is None or not facts.advice.considered or constraint.on_delete in ("cascade", "set null"):
        return False
    used = facts.once(_compared)
    return all((table.qualified, column) in used for column in constraint.columns)


def _compared(facts: Facts) -> frozenset[tuple[str, str]]:
    """The columns that statements compare with something, by table."""
    uses = (
        use
        for query in facts.queries.values()
        for each in query.predicates()
        for use in (each.column, each.value.column)
        if use is not None
    )
    return frozenset((use.table, use.column) for use in uses if use.table)


def _is_code_list(table: Table, constraint: Constraint, parent: Table | None, facts: Facts) -> bool:
    """Whether it references one of a handful of codes: an index on so few values finds nothing quickly."""
    column = table.column(constraint.columns[0])
    values = column.statistics.n_distinct if column and column.statistics else None
    is_few = values is not None and 0 < values <= FEW_VALUES
    return parent is not None and facts.is_small(parent.qualified) and is_few and len(constraint.columns) == 1


def _evidence(table: Table, constraint: Constraint, referenced: str, deleted: int) -> tuple[Evidence, ...]:
    names = ", ".join(constraint.columns)
    pieces = [Evidence(rung=Rung.INFERRED, text=f"no valid index of {table.label} leads with {names}")]
    if deleted:
        rows = f"each read up to {table.rows:,.0f} rows of {table.label}" if table.rows else f"each read {table.label}"
        pieces.append(Evidence(rung=Rung.MEASURED, text=f"{deleted:,} rows of {referenced} deleted: {rows}"))
    return tuple(pieces)
