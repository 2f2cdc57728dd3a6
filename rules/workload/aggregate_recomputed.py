"""A summary is worked out of very many rows again at every call.

## What it finds
A SELECT with aggregates whose plan puts 10,000 rows or more into its aggregate and gets one row for a thousand of them
or fewer, that takes a twentieth of all observed time or more and runs ten times an hour or more (a thousand times in
all), while its tables are written less than they are read: in a day fewer rows change than its calls add up.

## Why it matters
An index finds rows sooner, and here the time goes into adding them up, however they are found. Kept in a summary, each
call reads a row where it now reads thousands, and what changed is added up once.

## What to do
Keep the summary: a materialized view that is refreshed as often as the answer may be old, or a summary table with a
row for each group, updated with the rows (by the application, by a trigger, or once a minute by a job).

## When to leave it
The answer must be as of this very moment and the writes cannot carry it, or each call groups otherwise.

## Source
https://www.postgresql.org/docs/current/rules-materializedviews.html
"""

from collections.abc import Iterator

from pgadvisor.rule import (
    Evidence,
    Example,
    Facts,
    Finding,
    PlannedStatement,
    PlanNode,
    Query,
    Remedy,
    Rung,
    Severity,
    Statement,
    TableCounters,
    Where,
    node,
    quoted,
    table,
    workload_rule,
)

LEAST_ROWS, LEAST_RATIO = 10_000.0, 1_000.0
LEAST_SHARE = 0.05
LEAST_PER_HOUR, LEAST_CALLS = 10.0, 1_000
"""Counters of a few minutes say nothing of how often an hour asks."""
LEAST_MS_PER_DAY = 60_000.0
HOUR, DAY = 3_600.0, 86_400.0

QUIET = TableCounters(live_rows=1_000_000, rows_inserted=3_000_000)
ORDERS = table("orders", columns={"status": "text", "total": "numeric"}, counters=QUIET)
SCAN = node("Seq Scan", rows=1e6, actual=1e6, ms=180, table="orders", schema="public", alias="orders")
SUMS = node("Aggregate", SCAN, rows=5, actual=5, ms=260, parent_relationship=None)
SQL = "SELECT status, count(*), sum(total) FROM orders GROUP BY status"
BAD = [
    Example(sql=SQL, calls=30_000, mean_ms=260, rows=150_000, plan=SUMS, tables=(ORDERS,),
            remedy="CREATE MATERIALIZED VIEW"),
    Example(sql="SELECT count(*), sum(total) FROM orders WHERE status = $1", calls=30_000, mean_ms=260, rows=30_000,
            plan=node("Aggregate", SCAN, rows=1, actual=1, ms=260), tables=(ORDERS,)),
]  # fmt: skip
GOOD = [
    Example(note="Once a day.", sql=SQL, calls=30, mean_ms=260, rows=150, plan=SUMS, tables=(ORDERS,)),
    Example(
        note="The counters have been running for a minute.", sql=SQL, calls=20, mean_ms=260, rows=100, plan=SUMS,
        tables=(ORDERS,), days=1 / 1440,
    ),
    Example(
        note="A few rows are added up.", sql="SELECT sum(total) FROM orders WHERE id = $1", calls=3_000_000, mean_ms=2,
        rows=3_000_000, tables=(ORDERS,),
        plan=node("Aggregate", node("Index Scan", rows=40, actual=40, ms=1, table="orders"), rows=1, actual=1, ms=2),
    ),
    Example(
        note="Far more rows are written than summaries asked for.", sql=SQL, calls=30_000, mean_ms=260, rows=150_000,
        plan=SUMS,
        tables=(table("orders", columns={"status": "text", "total": "numeric"},
                      counters=TableCounters(live_rows=1_000_000, rows_inserted=40_000_000_000)),),
    ),
    Example(
        note="Every row is a group of its own.", sql="SELECT status, count(*) FROM orders GROUP BY status",
        calls=30_000, mean_ms=260, rows=9_000_000_000, tables=(ORDERS,),
        plan=node("Aggregate", SCAN, rows=300_000, actual=300_000, ms=260),
    ),
]  # fmt: skip


@workload_rule(severity=Severity.WARNING, since="0.2", needs=("statements", "plans", "counters"))
def check(facts: Facts) -> Iterator[Finding]:
    for planned in facts.plans:
        statement, query, hours = planned.statement, planned.query, (facts.window_s or 0.0) / HOUR
        if statement is None or query is None or query.kind != "select" or not hours:
            continue
        if (facts.share(statement.key) or 0.0) < LEAST_SHARE or not _is_often(statement, hours, facts):
            continue
        seen = _added_up(planned)
        if seen is not None and _is_written_less(query, statement, seen[0], facts):
            yield _finding(planned, statement, query, seen, facts)


def _is_often(statement: Statement, hours: float, facts: Facts) -> bool:
    day = facts.ms_per_day(statement.key) or 0.0
    calls = statement.calls or 0
    return calls >= LEAST_CALLS and calls / hours >= LEAST_PER_HOUR and day >= LEAST_MS_PER_DAY


def _added_up(planned: PlannedStatement) -> tuple[float, float] | None:
    """Rows that go into the plan's topmost aggregate and come out of it, when that is a summary."""
    top = next((each for each in planned.nodes if "Aggregate" in each.node_type), None)
    bottom = top
    while bottom is not None and bottom.children and _passes_on(bottom.children[0]):
        bottom = bottom.children[0]
    if top is None or bottom is None or not bottom.children:
        return None
    rows, groups = _rows(bottom.children[0]), max(_rows(top), 1.0)
    return (rows, groups) if rows >= LEAST_ROWS and rows / groups >= LEAST_RATIO else None


def _passes_on(each: PlanNode) -> bool:
    """Whether the node only brings the aggregate's rows together: sorts, gathers, or a part of the aggregate itself."""
    return "Aggregate" in each.node_type or each.node_type in ("Gather", "Gather Merge", "Sort", "Incremental Sort")


def _rows(each: PlanNode) -> float:
    if each.actual_rows is None:
        return each.estimated_rows
    return each.actual_rows * (each.actual_loops or 1.0)


def _is_written_less(query: Query, statement: Statement, rows: float, facts: Facts) -> bool:
    """Whether fewer rows of its tables change than its calls add up."""
    tables = {found.qualified: found for use in query.tables() if (found := facts.table(use.table)) is not None}
    seen = [each.counters for each in tables.values()]
    if not seen or None in seen:
        return False
    written = sum(each.rows_inserted + each.rows_updated + each.rows_deleted for each in seen if each)
    return written <= rows * (statement.calls or 0)


def _finding(
    planned: PlannedStatement, statement: Statement, query: Query, seen: tuple[float, float], facts: Facts
) -> Finding:
    rows, groups = seen
    rung = Rung.MEASURED if planned.is_analyzed else Rung.ESTIMATED
    found = facts.table(next((use.table for use in query.tables()), None))
    return Finding(
        where=Where(statement=statement.key, table=found.qualified if found else None),
        message=f"{rows:,.0f} rows are added up to {groups:,.0f} at each of {statement.calls or 0:,} calls",
        evidence=(
            Evidence(rung=rung, text=f"{rows / groups:,.0f} rows go into the aggregate for each that comes out"),
        ),
        remedy=_remedy(query),
        wrong_if="the answer must be as of this very moment, or each call groups otherwise",
        severity=facts.severity(statement.key, worst=Severity.WARNING),
    )


def _remedy(query: Query) -> Remedy:
    names = [each.alias or (each.column.column if each.column else each.text.partition("(")[0].strip().lower())
             for each in query.top.outputs]  # fmt: skip
    if "$" in query.text or len(set(names)) < len(names) or not all(name.isidentifier() for name in names):
        keys = ", ".join(f"`{key.text}`" for key in query.top.group_keys)
        by = f" with a row for each {keys}" if keys else " with a row for each value that it is asked for"
        return Remedy(text=f"Keep a summary table{by}, and add up there what changes.")
    text = query.text.rstrip().rstrip(";").rstrip()
    name = quoted("summary_of_" + (next((use.alias for use in query.tables()), "rows")))
    return Remedy(
        text="Keep the summary in a materialized view, read that, and refresh it as often as the answer may be old.",
        sql=f"CREATE MATERIALIZED VIEW {name} AS\n{text};",
        undo=f"DROP MATERIALIZED VIEW {name};",
        cost="each refresh costs what a call costs now",
    )
