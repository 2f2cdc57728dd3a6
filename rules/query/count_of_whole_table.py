"""count(*) of a whole large table is computed again and again.

## What it finds
`SELECT count(*) FROM t` without a condition, on a table of 100,000 rows or more, that took 20 ms or more on average in
at least ten calls.

## Why it matters
PostgreSQL keeps no number of rows: which rows count depends on who asks. Each call reads the whole table, or an index
of it, however small the number is that comes out; and it grows with the table.

## What to do
An estimate is at hand: `pg_class.reltuples`. For an exact number keep a counter that a trigger or a job maintains; for
"page 3 of 812" fetch one row more than a page instead.

## When to leave it
A report that runs now and then and needs the exact number.

## Source
https://wiki.postgresql.org/wiki/Count_estimate
"""

from collections.abc import Iterator

from pgadvisor.rule import (
    Evidence,
    Example,
    Facts,
    Finding,
    Query,
    Remedy,
    Rung,
    Severity,
    Where,
    query_rule,
    quoted_table,
    table,
)

LEAST_ROWS = 100_000
LEAST_MS = 20.0
LEAST_CALLS = 10

ORDERS = table("orders", rows=5_000_000, columns={"status": "text"})
BAD = [
    Example(
        sql="SELECT count(*) FROM orders",
        tables=(ORDERS,),
        calls=2_000,
        mean_ms=300,
        remedy="SELECT reltuples::bigint",
    ),
    Example(sql="SELECT count(1) AS n FROM orders o", tables=(ORDERS,), calls=2_000, mean_ms=300),
]
GOOD = [
    Example(note="A part of it.", sql="SELECT count(*) FROM orders WHERE status = $1", tables=(ORDERS,), mean_ms=300),
    Example(note="It takes no time.", sql="SELECT count(*) FROM orders", tables=(ORDERS,), mean_ms=3),
    Example(note="It ran twice.", sql="SELECT count(*) FROM orders", tables=(ORDERS,), calls=2, mean_ms=300),
    Example(note="A small table.", sql="SELECT count(*) FROM region", tables=(table("region", rows=400),), mean_ms=300),
]


@query_rule(severity=Severity.WARNING, since="0.2", needs=("catalog", "statements"))
def check(query: Query, facts: Facts) -> Iterator[Finding]:
    scope, statement = query.top, facts.statement(query.statement)
    if query.is_truncated or scope.write or len(query.scopes) > 1 or len(scope.tables) != 1 or scope.has_where:
        return
    if len(scope.outputs) != 1 or not scope.outputs[0].is_count_star or scope.group_keys or scope.has_grouping_sets:
        return
    use, rows = scope.tables[0], facts.rows(scope.tables[0].table)
    if use.kind != "table" or use.is_sampled or rows is None or rows < LEAST_ROWS or statement is None:
        return
    if (statement.calls or 0) >= LEAST_CALLS and (statement.mean_ms or 0.0) >= LEAST_MS:
        yield _finding(query, facts, rows, statement.calls or 0, statement.mean_ms or 0.0)


def _finding(query: Query, facts: Facts, rows: float, calls: int, ms: float) -> Finding:
    found = facts.table(query.top.tables[0].table)
    assert found is not None
    name = quoted_table(found).replace("'", "''")
    return Finding(
        where=Where(statement=query.statement, table=found.qualified),
        message=f"all {rows:,.0f} rows of {found.label} are counted on each of {calls:,} calls",
        evidence=(Evidence(rung=Rung.MEASURED, text=f"{ms:,.0f} ms a call, over {calls:,} calls"),),
        remedy=Remedy(
            text="Where a rough number will do, ask for the estimate that ANALYZE keeps; else keep a counter.",
            sql=None
            if found.kind == "partitioned table"
            else f"SELECT reltuples::bigint FROM pg_class WHERE oid = '{name}'::regclass",
        ),
        wrong_if="the exact number is needed each time",
        severity=facts.severity(query.statement, worst=Severity.WARNING),
    )
