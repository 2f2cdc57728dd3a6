"""One DELETE removes a great many rows at once, again and again.

## What it finds
A DELETE that removed 50,000 rows or more a call, on average of at least two calls. Where partitioning the table would
spare it, `partition-candidate` says so instead.

## Why it matters
All rows stay locked until the end of the one transaction, and what dies in any table meanwhile VACUUM cannot clean up;
replicas fall behind; a run that is cancelled has done nothing. Each row is written to the log, and its place in the
table and in each index has to be cleaned.

## What to do
Delete a few thousand at a time, each portion in a transaction of its own, with an index on the condition. Where rows go
by age, partition by time: dropping a partition takes milliseconds.

## When to leave it
It runs at night in a table that nobody else needs then.

## Source
https://www.postgresql.org/docs/current/ddl-partitioning.html
"""

from collections.abc import Iterator

from pgadvisor.rule import (
    ColumnStatistics,
    Evidence,
    Example,
    Facts,
    Finding,
    Query,
    Remedy,
    Rung,
    Scope,
    Severity,
    Statement,
    Table,
    Where,
    partition_evidence,
    quoted_table,
    table,
    workload_rule,
)

LEAST_ROWS = 50_000
LEAST_CALLS = 2
LEAST_KEY_SHARE = 0.7
LEAST_RETENTION_SHARE = 0.02
"""From these shares on `partition-candidate` speaks of a table of any size."""
PORTION = 5_000
"""Locked for a fraction of a second together, and few enough that replicas keep up."""

IN_ORDER = ColumnStatistics(null_fraction=0, average_width_bytes=8, n_distinct=-1, correlation=0.99)
EVENTS = table(
    "event",
    rows=2e7,
    columns={"at": "timestamp with time zone", "user_id": "bigint", "done": "boolean"},
    statistics={"at": IN_ORDER},
)
PURGE = "DELETE FROM event WHERE done AND user_id < 100"
BAD = [
    Example(
        sql=PURGE,
        tables=(EVENTS,),
        calls=30,
        mean_ms=20_000,
        rows=9_000_000,
        remedy="DELETE FROM public.event WHERE ctid = ANY (ARRAY(SELECT ctid FROM public.event WHERE done AND "
        "user_id < 100 LIMIT 5000));",
    ),
    Example(
        note="By age, but most of the time goes into look-ups by user, which partitions would slow down.",
        sql="DELETE FROM event WHERE at < now() - interval '30 days'",
        tables=(EVENTS,),
        calls=30,
        mean_ms=20_000,
        rows=9_000_000,
        other=(("SELECT * FROM event WHERE user_id = $1", 900_000, 4.0),),
    ),
]
GOOD = [
    Example(note="A portion.", sql=PURGE, tables=(EVENTS,), calls=3_000, mean_ms=20, rows=9_000_000),
    Example(note="Once.", sql=PURGE, tables=(EVENTS,), calls=1, mean_ms=20_000, rows=900_000),
    Example(
        note="Partitions would spare it: that is said of the table.",
        sql="DELETE FROM event WHERE at < now() - interval '30 days'",
        tables=(EVENTS,),
        calls=30,
        mean_ms=20_000,
        rows=9_000_000,
    ),
]


@workload_rule(severity=Severity.WARNING, since="0.2", needs=("catalog", "statements"))
def check(facts: Facts) -> Iterator[Finding]:
    for statement in facts.snapshot.statements:
        query, rows = facts.queries.get(statement.key), statement.rows_per_call or 0.0
        if query is None or query.kind != "delete" or rows < LEAST_ROWS or (statement.calls or 0) < LEAST_CALLS:
            continue
        target = query.top.target
        found = facts.table(target.table) if target else None
        if found and query.top.has_where and not _is_told_of_table(facts, found, statement):
            yield _finding(query, facts, found, statement)


def _is_told_of_table(facts: Facts, table: Table, statement: Statement) -> bool:
    """Whether the advice to partition the table names this statement."""
    seen = partition_evidence(facts, table)
    if seen is None or statement.key not in seen.retention or table.kind != "table":
        return False
    is_in_order = seen.correlation is None or seen.correlation >= 0.9
    return seen.key_share >= LEAST_KEY_SHARE and seen.retention_share >= LEAST_RETENTION_SHARE and is_in_order


def _finding(query: Query, facts: Facts, found: Table, statement: Statement) -> Finding:
    rows, calls = statement.rows_per_call or 0.0, statement.calls or 0
    sql = _portion(query, query.top, found)
    return Finding(
        where=Where(statement=query.statement, table=found.qualified),
        message=f"a DELETE removes {rows:,.0f} rows of {found.label} in one go",
        evidence=(Evidence(rung=Rung.MEASURED, text=f"{rows:,.0f} rows a call, over {calls:,} calls"),),
        remedy=Remedy(
            text="Delete a portion at a time, each in a transaction of its own, until no row is left"
            + (", as below. Where rows go by age, partition by time." if sql else ". By age, partition by time."),
            sql=sql,
            lock=f"ROW EXCLUSIVE on {found.label}: reads and writes of other rows go on",
        ),
        wrong_if="nobody else uses the table then, and replicas may fall behind",
        severity=facts.severity(query.statement, worst=Severity.WARNING),
    )


def _portion(query: Query, scope: Scope, found: Table) -> str | None:
    """The DELETE with a LIMIT; None where more than its own table and a plain WHERE stands in it."""
    before, where, condition = query.cut(scope.span).partition(" WHERE ")
    if len(query.scopes) > 1 or len(scope.tables) > 1 or not where or " RETURNING " in condition.upper():
        return None
    if found.kind == "partitioned table" or scope.tables[0].alias != found.name or " AS " in before.upper():
        return None
    name = quoted_table(found)
    inner = f"SELECT ctid FROM {name} WHERE {condition} LIMIT {PORTION}"
    return f"DELETE FROM {name} WHERE ctid = ANY (ARRAY({inner}));"
