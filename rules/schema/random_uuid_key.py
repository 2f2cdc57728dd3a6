"""The primary key of a big table is a random UUID, so each insert goes to another page of its index.

## What it finds
A primary key of one `uuid` column on a table of a million rows or more that gets inserts, whose values do not follow
the order in which rows came: random versions (4). Values that begin with the time (version 7) do, and are left alone.

## Why it matters
Each new row touches a page of the index that was long not used: it has to be read, is written to the log as a whole
after each checkpoint, and is left half full. With time in front, new rows share the last page.

## What to do
Make new keys with version 7: `uuidv7()` from PostgreSQL 18 on, before that in the program. Old keys may stay.

## When to leave it
The index fits into memory, or keys must not tell when they were made.

## Source
https://www.postgresql.org/docs/current/functions-uuid.html
"""

from collections.abc import Iterator

from pgadvisor.rule import (
    ColumnStatistics,
    Evidence,
    Example,
    Facts,
    Finding,
    Remedy,
    Rung,
    Severity,
    Table,
    TableCounters,
    Where,
    quoted,
    quoted_table,
    replace,
    schema_rule,
    size_text,
    table,
)

LEAST_ROWS = 1_000_000
LEAST_INSERTED = 10_000
MOST_CORRELATION = 0.2
LEAST_BYTES = 32 * 1024**2
RANDOM = ColumnStatistics(null_fraction=0, average_width_bytes=16, n_distinct=-1, correlation=0.003)
GROWING = TableCounters(live_rows=5_000_000, rows_inserted=2_000_000)


def _table(statistics: ColumnStatistics, counters: TableCounters = GROWING, **more: object) -> Table:
    made = table("visit", rows=5e6, columns={"id": "uuid"}, statistics={"id": statistics}, counters=counters,
                 **more)  # type: ignore[arg-type] # fmt: skip
    return replace(made, indexes=tuple(replace(each, size_bytes=200_000_000) for each in made.indexes))


BAD = [
    Example(
        tables=(_table(RANDOM),), version_num=180_001,
        remedy="ALTER TABLE public.visit ALTER COLUMN id SET DEFAULT uuidv7();",
    ),
    Example(note="Before 18 the program makes them.", tables=(_table(RANDOM),)),
]  # fmt: skip
GOOD = [
    Example(note="They follow the time: version 7.", tables=(_table(replace(RANDOM, correlation=0.99)),)),
    Example(note="No rows come.", tables=(_table(RANDOM, TableCounters(live_rows=5_000_000)),)),
]


@schema_rule(severity=Severity.INFO, since="0.2", needs=("catalog", "statistics", "counters"))
def check(table: Table, facts: Facts) -> Iterator[Finding]:
    primary, server, rows = table.primary_key, facts.snapshot.server, table.rows or 0.0
    column = table.column(primary.columns[0]) if primary and len(primary.columns) == 1 else None
    if column is None or column.type != "uuid" or rows < LEAST_ROWS or server is None or table.partition_of:
        return
    correlation = column.statistics.correlation if column.statistics else None
    inserted = table.counters.rows_inserted if table.counters else 0
    if correlation is None or abs(correlation) > MOST_CORRELATION or inserted < LEAST_INSERTED:
        return
    if "v7" in (column.default or ""):
        return
    size = next((each.size_bytes or 0 for each in table.indexes if each.is_primary), 0)
    if size < LEAST_BYTES:
        return
    yield Finding(
        where=Where(table=table.qualified, column=column.name),
        message=f"the primary key of {table.label} is a random UUID, and its index takes {size_text(size)}",
        evidence=(
            Evidence(rung=Rung.ESTIMATED, text=f"the order of keys and that of rows have a correlation of "
                     f"{correlation:.2f}"),
            Evidence(rung=Rung.MEASURED, text=f"{inserted:,} rows were inserted"),
        ),
        remedy=_remedy(table, column.name, column.default, server.major),
        wrong_if="the index fits into memory, or keys must not tell when they were made",
        severity=Severity.INFO,
        cause=f"random key of {table.qualified}",
    )  # fmt: skip


def _remedy(table: Table, column: str, default: str | None, major: int) -> Remedy:
    if major < 18:
        return Remedy(text="Have the program make new keys of version 7, which begin with the time; old ones may stay.")
    change = f"ALTER TABLE {quoted_table(table)} ALTER COLUMN {quoted(column)}"
    return Remedy(
        text="Make new keys with uuidv7(), here or in the program; old ones may stay.",
        sql=f"{change} SET DEFAULT uuidv7();",
        undo=f"{change} SET DEFAULT {default};" if default else f"{change} DROP DEFAULT;",
        lock=f"ACCESS EXCLUSIVE on {table.label} for an instant: set lock_timeout",
    )
