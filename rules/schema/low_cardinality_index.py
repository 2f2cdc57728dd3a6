"""An index stands on a column with a handful of values, each so common that the planner seldom takes the index.

## What it finds
A B-tree of one column and no predicate, 10 MB or more, whose column has at most ten values, each in a tenth of the rows
or more. It was hardly scanned, no plan at hand uses it, and it supports no foreign key.

## Why it matters
To find a tenth of the rows PostgreSQL reads the table rather than the index: both touch nearly every page. Writes keep
the index all the same.

## What to do
Drop it. Where one rare value is looked for, a partial index on the rows with that value serves.

## When to leave it
The column is sorted or grouped by, or counted by index-only scans.

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
    Rung,
    Severity,
    Table,
    Where,
    drop_index,
    foreign_key,
    is_advised_to_go,
    is_free_to_go,
    is_in_a_plan,
    listed,
    replace,
    schema_rule,
    size_text,
    supports_foreign_key,
    table,
)

MOST_VALUES = 10
LEAST_SHARE = 0.10
LEAST_BYTES = 10 * 1024**2
FEW_SCANS = 20
EVEN = ColumnStatistics(null_fraction=0, average_width_bytes=1, n_distinct=2, most_common_frequencies=(0.6, 0.4))
RARE = replace(EVEN, most_common_frequencies=(0.99, 0.01))


def _flagged(statistics: ColumnStatistics, scans: int = 0, **more: object) -> Table:
    made = table("orders", columns={"is_paid": "boolean"}, indexes={"orders_paid_idx": "is_paid"},
                 statistics={"is_paid": statistics}, **more)  # type: ignore[arg-type] # fmt: skip
    return replace(made, indexes=tuple(replace(each, scans=scans) for each in made.indexes))


BAD = [
    Example(tables=(_flagged(EVEN),), remedy="DROP INDEX CONCURRENTLY public.orders_paid_idx;"),
]
GOOD = [
    Example(note="One value is rare, and quickly found.", tables=(_flagged(RARE),)),
    Example(note="It is scanned.", tables=(_flagged(EVEN, scans=70_000),)),
    Example(
        note="It supports a foreign key.",
        tables=(_flagged(EVEN, constraints=(foreign_key("is_paid", "state"),)), table("state", rows=2)),
    ),
]


@schema_rule(severity=Severity.INFO, since="0.2", needs=("catalog", "statistics", "counters"))
def check(table: Table, facts: Facts) -> Iterator[Finding]:
    if table.partition_of:
        return
    for index in table.indexes:
        shares = _shares(index, table)
        if not shares or (index.size_bytes or 0) < LEAST_BYTES or (index.scans or 0) > FEW_SCANS:
            continue
        if index.scans is None or is_in_a_plan(index, facts) or is_advised_to_go(index, facts):
            continue
        column = index.columns[0]
        yield Finding(
            where=Where(table=table.qualified, column=column, index=index.name),
            message=f"index {index.name} of {table.label} is on {column}, which has {len(shares)} values, and takes "
            f"{size_text(index.size_bytes or 0)}",
            evidence=(
                Evidence(
                    rung=Rung.ESTIMATED,
                    text=f"the values hold {listed((f'{each:.0%}' for each in shares), MOST_VALUES)} of the rows",
                ),
                Evidence(rung=Rung.MEASURED, text=f"{index.scans:,} scans since the counters began"),
            ),
            remedy=drop_index(table, index, why="Where one value is looked for, make it partial instead."),
            wrong_if="the column is sorted or grouped by, or a replica scans it",
            severity=Severity.INFO,
            cause=f"index {index.schema}.{index.name}",
        )


def _shares(index: Index, table: Table) -> tuple[float, ...]:
    """Of each value of the column its share of the rows, where it is a plain index on few common values."""
    column = table.column(index.columns[0]) if index.columns else None
    statistics = column.statistics if column else None
    if statistics is None or index.method != "btree" or len(index.keys) > 1 or index.predicate or index.included:
        return ()
    if index.is_unique or not index.is_valid or not is_free_to_go(index):
        return ()
    keys = (constraint for constraint in table.constraints if constraint.kind == "foreign key")
    if any(supports_foreign_key(index, each.columns) for each in keys):
        return ()
    shares = statistics.most_common_frequencies
    is_whole = 1 <= statistics.n_distinct <= MOST_VALUES and len(shares) == statistics.n_distinct
    return shares if is_whole and min(shares) >= LEAST_SHARE else ()
