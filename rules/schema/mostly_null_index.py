"""Most entries of an index are nulls, which nobody looks for.

## What it finds
A B-tree of one column, 10 MB or more, without a predicate, where nulls are 90 % of the rows or more, and no statement
of the workload asks for `IS NULL` or sorts by the column.

## Why it matters
Each row with a null has an entry, written by each INSERT and cleaned by VACUUM, that no equality ever finds. A partial
index on the other rows is a tenth of the size and serves the same questions.

## What to do
Create the partial index beside it, then drop this one.

## When to leave it
`IS NULL` is asked for, or ORDER BY goes along the index.

## Source
https://www.postgresql.org/docs/current/indexes-partial.html
"""

from collections.abc import Iterator

from pgadvisor.rule import (
    ColumnStatistics,
    Evidence,
    Example,
    Facts,
    Finding,
    Index,
    Remedy,
    Rung,
    Severity,
    Table,
    WantedIndex,
    WantedKey,
    Where,
    exchange_index,
    is_advised_to_go,
    is_free_to_go,
    quoted,
    replace,
    schema_rule,
    size_text,
    table,
)

LEAST_NULLS = 0.9
LEAST_BYTES = 10 * 1024**2
HOLLOW = ColumnStatistics(null_fraction=0.97, average_width_bytes=8, n_distinct=-0.03)
ORDERS = table("orders", indexes={"orders_parent_idx": "parent_id"}, statistics={"parent_id": HOLLOW})
BAD = [
    Example(
        sql="SELECT id FROM orders WHERE parent_id = $1",
        tables=(ORDERS,),
        remedy="CREATE INDEX CONCURRENTLY orders_parent_id_idx ON public.orders (parent_id) "
        "WHERE parent_id IS NOT NULL;\nDROP INDEX CONCURRENTLY public.orders_parent_idx;",
    ),
]
GOOD = [
    Example(
        note="The nulls are what is looked for.",
        sql="SELECT id FROM orders WHERE parent_id IS NULL",
        tables=(ORDERS,),
    ),
    Example(
        note="It leaves the nulls out already.",
        tables=(
            table("orders", indexes={"orders_parent_idx": "parent_id WHERE (parent_id IS NOT NULL)"},
                  statistics={"parent_id": HOLLOW}),
        ),
    ),
    Example(note="A third are nulls.",
            tables=(table("orders", indexes={"i": "parent_id"},
                          statistics={"parent_id": replace(HOLLOW, null_fraction=0.33)}),)),
]  # fmt: skip


@schema_rule(severity=Severity.INFO, since="0.2", needs=("catalog", "statistics"))
def check(table: Table, facts: Facts) -> Iterator[Finding]:
    if table.kind != "table" or table.partition_of:
        return
    for index in table.indexes:
        nulls = _nulls(index, table)
        if nulls < LEAST_NULLS or (index.size_bytes or 0) < LEAST_BYTES or is_advised_to_go(index, facts):
            continue
        if (table.qualified, index.columns[0]) in facts.once(_in_need_of_nulls):
            continue
        yield _finding(table, index, nulls, facts)


def _nulls(index: Index, table: Table) -> float:
    """The share of nulls among its entries; 0 where it is no plain index of one column."""
    column = table.column(index.columns[0]) if index.columns else None
    is_plain = index.method == "btree" and len(index.keys) == 1 and not (index.predicate or index.included)
    if column is None or column.statistics is None or not is_plain or index.is_unique or not is_free_to_go(index):
        return 0.0
    return column.statistics.null_fraction if index.is_valid else 0.0


def _in_need_of_nulls(facts: Facts) -> frozenset[tuple[str, str]]:
    """Columns that statements compare with IS NULL, IS NOT DISTINCT FROM, or sort by."""
    found: set[tuple[str, str]] = set()
    for query in facts.queries.values():
        for scope in query.scopes:
            uses = [key.column for key in scope.sort_keys]
            operators = ("IS NULL", "IS DISTINCT FROM")
            uses += [each.column for each in scope.predicates if each.operator in operators]
            found.update((use.table, use.column) for use in uses if use and use.table)
    return frozenset(found)


def _finding(table: Table, index: Index, nulls: float, facts: Facts) -> Finding:
    column = index.columns[0]
    return Finding(
        where=Where(table=table.qualified, column=column, index=index.name),
        message=f"{nulls:.0%} of the entries of index {index.name} of {table.label} are nulls"
        + (f", and it takes {size_text(index.size_bytes)}" if index.size_bytes else ""),
        evidence=(
            Evidence(rung=Rung.ESTIMATED, text=f"{nulls:.0%} of the rows have no {column}, by pg_stats"),
            Evidence(rung=Rung.INFERRED, text=f"no statement at hand asks for rows without {column} or sorts by it"),
        ),
        remedy=_remedy(table, index, nulls, facts),
        wrong_if="rows without a value are looked for, or ORDER BY goes along the index",
        severity=Severity.INFO,
        cause=f"index {index.schema}.{index.name}",
    )


def _remedy(table: Table, index: Index, nulls: float, facts: Facts) -> Remedy:
    column = index.columns[0]
    key = WantedKey(text=quoted(column), key=column, label=column, column=column,
                    operator_class=index.keys[0].operator_class)  # fmt: skip
    wanted = WantedIndex(table=table.qualified, keys=(key,), equalities=1, part=1 - nulls,
                         predicate=f"{quoted(column)} IS NOT NULL", predicate_columns=(column,))  # fmt: skip
    text = f"Create one on the rows that have a {column}, then drop {index.name}."
    return exchange_index(facts, table, index, wanted, text=text)
