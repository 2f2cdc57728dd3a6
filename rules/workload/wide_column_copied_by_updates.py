"""Every update copies a wide column that it does not change.

## What it finds
A table that is updated often (100,000 rows a day or more) and holds in its rows a column of 400 bytes or more on
average, at least three fifths of the row, which no UPDATE of the workload sets and which statements with less than a
tenth of the table's reading time name. Wider values, of about 2 kB a row, PostgreSQL stores apart by itself (TOAST),
and an update leaves those where they are.

## Why it matters
An UPDATE writes the whole row anew: the wide column as well, to the table and to the WAL. Fewer rows fit into a page,
so that fewer updates stay within it (HOT), and every scan reads more pages.

## What to do
Let PostgreSQL store the wide values apart: with `toast_tuple_target` of 128 bytes values move out of rows that are
longer. Rows written from then on follow it; the others when they are written next. Or move the column to a table of
its own, with the same key.

## When to leave it
The column is read with nearly every row: then each read fetches it from where it is stored apart.

## Source
https://www.postgresql.org/docs/current/sql-createtable.html#RELOPTION-TOAST-TUPLE-TARGET
"""

from collections.abc import Iterator

from pgadvisor.rule import (
    Column,
    ColumnStatistics,
    Evidence,
    Example,
    Facts,
    Finding,
    Query,
    Remedy,
    Rung,
    Severity,
    Table,
    TableCounters,
    Where,
    quoted_table,
    table,
    workload_rule,
)

WIDE_BYTES, WIDE_SHARE = 400, 0.6
STORED_APART_BYTES = 1_900
"""From about there on TOAST takes the value out of the row by itself (TOAST_TUPLE_THRESHOLD)."""
LEAST_UPDATES_PER_DAY = 100_000.0
MOST_READ = 0.1
VARYING = ("text", "character varying", "jsonb", "json", "bytea", "xml")

TEXT = ColumnStatistics(null_fraction=0.0, average_width_bytes=900, n_distinct=-1.0)
SMALL = ColumnStatistics(null_fraction=0.0, average_width_bytes=8, n_distinct=-1.0)
COUNTS = TableCounters(live_rows=1_000_000, rows_updated=30 * 500_000)
COLUMNS = {"id": "bigint", "seen_at": "timestamp with time zone", "profile": "jsonb"}
SEEN = {"id": SMALL, "seen_at": SMALL, "profile": TEXT}
DEVICE = table("device", columns=COLUMNS, statistics=SEEN, counters=COUNTS, width_bytes=950)
TOUCH = "UPDATE device SET seen_at = $1 WHERE id = $2"
READ = ("SELECT id, seen_at FROM device WHERE id = $1", 9_000_000, 0.05)
BAD = [Example(sql=TOUCH, calls=15_000_000, mean_ms=0.2, other=(READ,), tables=(DEVICE,), remedy="toast_tuple_target")]
GOOD = [
    Example(
        note="The updates set it.", sql="UPDATE device SET profile = $1 WHERE id = $2", calls=15_000_000, mean_ms=0.2,
        other=(READ,), tables=(DEVICE,),
    ),
    Example(
        note="It is what is read.", sql=TOUCH, calls=15_000_000, mean_ms=0.2, tables=(DEVICE,),
        other=(("SELECT profile FROM device WHERE id = $1", 9_000_000, 0.05),),
    ),
    Example(
        note="Stored apart already.", sql=TOUCH, calls=15_000_000, mean_ms=0.2, other=(READ,),
        tables=(table("device", columns=COLUMNS, counters=COUNTS,
                      statistics={**SEEN, "profile": ColumnStatistics(null_fraction=0.0, average_width_bytes=4_000,
                                                                      n_distinct=-1.0)}),),
    ),
    Example(
        note="The table says so already.", sql=TOUCH, calls=15_000_000, mean_ms=0.2, other=(READ,),
        tables=(table("device", columns=COLUMNS, statistics=SEEN, counters=COUNTS,
                      options=("toast_tuple_target=128",)),),
    ),
    Example(
        note="Hardly ever updated.", sql=TOUCH, calls=15_000, mean_ms=0.2, other=(READ,),
        tables=(table("device", columns=COLUMNS, statistics=SEEN,
                      counters=TableCounters(live_rows=1_000_000, rows_updated=15_000)),),
    ),
]  # fmt: skip


@workload_rule(severity=Severity.INFO, since="0.2", needs=("statements", "counters", "statistics"))
def check(facts: Facts) -> Iterator[Finding]:
    for each in facts.tables:
        per_day = _updates_per_day(each, facts)
        if each.kind != "table" or per_day < LEAST_UPDATES_PER_DAY or "toast_tuple_target" in " ".join(each.options):
            continue
        width = sum(_width(column) for column in each.columns)
        for column in each.columns:
            is_wide = WIDE_BYTES <= _width(column) < STORED_APART_BYTES and _width(column) >= WIDE_SHARE * width
            if is_wide and column.type.startswith(VARYING) and _is_left_alone(each, column, facts):
                yield _finding(each, column, per_day, width)


def _width(column: Column) -> int:
    return column.statistics.average_width_bytes if column.statistics else 0


def _updates_per_day(each: Table, facts: Facts) -> float:
    days = facts.counted_days
    return each.counters.rows_updated / days if each.counters and days else 0.0


def _is_left_alone(each: Table, column: Column, facts: Facts) -> bool:
    """Whether an UPDATE of the table is known, none sets the column, and hardly any reading of it names it."""
    read = named = 0.0
    is_updated = False
    for key, query in facts.queries.items():
        if not any(facts.table(use.table) is each for use in query.tables()):
            continue
        if any(_sets(query, each, column, facts)):
            return False
        is_updated = is_updated or query.kind == "update"
        statement = facts.statement(key)
        ms = (statement.total_ms if statement else None) or 0.0
        if query.kind == "select":
            read += ms
            named += ms if _names(query, column) else 0.0
    return is_updated and named <= MOST_READ * read


def _sets(query: Query, each: Table, column: Column, facts: Facts) -> Iterator[bool]:
    for scope in query.scopes:
        target = scope.target
        if scope.write in ("update", "merge") and target is not None and facts.table(target.table) is each:
            yield any(assigned.column == column.name for assigned in scope.assigned)


def _names(query: Query, column: Column) -> bool:
    return any(use.column in (column.name, "*") for scope in query.scopes for use in scope.columns) or any(
        output.is_star for scope in query.scopes for output in scope.outputs
    )


def _finding(each: Table, column: Column, per_day: float, width: int) -> Finding:
    return Finding(
        where=Where(table=each.qualified, column=column.name),
        message=f"{per_day:,.0f} updates of {each.label} a day copy {column.name}, {_width(column):,} bytes each time",
        evidence=(
            Evidence(
                rung=Rung.ESTIMATED,
                text=f"{column.name} is {_width(column) / width:.0%} of the row; no UPDATE of the workload sets it, "
                f"and hardly any query reads it",
            ),
        ),
        remedy=Remedy(
            text="Have the wide values stored apart; rows written from then on follow it.",
            sql=f"ALTER TABLE {quoted_table(each)} SET (toast_tuple_target = 128);",
            undo=f"ALTER TABLE {quoted_table(each)} RESET (toast_tuple_target);",
            lock="ShareUpdateExclusiveLock, for a moment; nothing is rewritten",
        ),
        wrong_if="programs that are not in the workload read the column with nearly every row",
        severity=Severity.INFO,
    )
