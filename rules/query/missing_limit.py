"""A large result is sent to the client without a LIMIT.

## What it finds
A query without LIMIT or aggregate that returns 10,000 rows or more: by count, or, where it sorts for a reader (ORDER
BY) or hands out a whole table, by the planner's estimate; without a plan by the number of rows in the table.

## Why it matters
Nobody reads ten thousand rows. The server sorts and sends all of them, the driver holds all of them in memory, and both
grow with the table: what is fast on the day it is written is slow a year later.

## What to do
Add a LIMIT and page by key, let the database aggregate, or read in portions with a cursor when all rows are needed.

## When to leave it
An export or a batch that must see every row, and reads them in portions.

## Source
https://www.postgresql.org/docs/current/queries-limit.html
"""

import re
from collections.abc import Iterator

from pgadvisor.rule import (
    Evidence,
    Example,
    Facts,
    Finding,
    Query,
    Remedy,
    Rung,
    Scope,
    Severity,
    Table,
    Where,
    node,
    query_rule,
    table,
)

MANY_ROWS = 10_000
"""Some megabytes a call, and far more than a page shows."""

ORDERS = table("orders", columns={"total": "numeric", "status": "text"}, indexes={"orders_user_id_idx": "user_id"})
ALL = node("Sort", node("Seq Scan", table="orders", rows=1e6), rows=1e6, sort_keys=("placed_at DESC",))
FEW = node("Sort", node("Index Scan", table="orders", rows=12), rows=12)
BAD = [
    Example(sql="SELECT id, total FROM orders ORDER BY placed_at DESC", tables=(ORDERS,), plan=ALL, calls=0),
    Example(
        sql="SELECT id FROM orders WHERE status = 'sent' ORDER BY placed_at DESC",
        tables=(ORDERS,),
        plan=ALL,
        calls=0,
    ),
    Example(
        sql="SELECT id, total FROM orders", tables=(ORDERS,), plan=node("Seq Scan", table="orders", rows=1e6), calls=0
    ),
    Example(
        sql="SELECT id, total FROM orders WHERE status = $1",
        note="The rows were counted.",
        tables=(ORDERS,),
        calls=50,
        rows=2_500_000,
    ),
    Example(
        sql="SELECT id, total FROM orders ORDER BY placed_at DESC",
        note="No plan, but all rows of the table.",
        tables=(ORDERS,),
        calls=0,
    ),
    Example(
        sql="SELECT id FROM orders WHERE total > 9 UNION ALL SELECT id FROM orders WHERE total < 1 ORDER BY 1",
        tables=(ORDERS,),
        plan=ALL,
        calls=0,
    ),
]
GOOD = [
    Example(
        note="FETCH FIRST is a LIMIT.",
        sql="SELECT id FROM orders ORDER BY placed_at DESC FETCH FIRST 50 ROWS ONLY",
        tables=(ORDERS,),
        plan=node("Limit", ALL, rows=50),
        calls=0,
    ),
    Example(
        note="Few rows of one user.",
        sql="SELECT id FROM orders WHERE user_id = $1 ORDER BY placed_at DESC",
        tables=(ORDERS,),
        plan=FEW,
        calls=0,
    ),
    Example(
        note="The plan expects many, but few were counted.",
        sql="SELECT id FROM orders WHERE status = $1 ORDER BY placed_at DESC",
        tables=(ORDERS,),
        plan=ALL,
        calls=500,
        rows=4_000,
    ),
    Example(
        note="An aggregate is one row.",
        sql="SELECT count(*) FROM (SELECT id FROM orders ORDER BY placed_at) t",
        tables=(ORDERS,),
        plan=node("Aggregate", ALL, rows=1),
        calls=0,
    ),
    Example(
        note="A report by group, as long as there are groups.",
        sql="SELECT user_id, sum(total) FROM orders GROUP BY user_id ORDER BY 2 DESC",
        tables=(ORDERS,),
        plan=node("Sort", rows=20_000),
        calls=0,
    ),
    Example(
        note="The ORDER BY belongs to a window; the filter may keep few rows.",
        sql="SELECT id, row_number() OVER (ORDER BY placed_at) FROM orders WHERE status = 'open'",
        tables=(ORDERS,),
        plan=node("WindowAgg", rows=20_000),
        calls=0,
    ),
    Example(note="Nothing is known of the number of rows.", sql="SELECT id FROM orders ORDER BY id"),
    Example(
        note="How many rows the condition leaves, no plan tells.",
        sql="SELECT id FROM orders WHERE status = 'sent' ORDER BY placed_at",
        tables=(ORDERS,),
        calls=0,
    ),
    Example(
        note="All but the first rows, or the last one: the parameter says.",
        sql="SELECT id FROM orders ORDER BY placed_at OFFSET $1",
        tables=(ORDERS,),
        plan=node("Limit", ALL, rows=900_000),
        calls=0,
    ),
    Example(
        note="A page by number, of which the planner knows no size.",
        sql="SELECT id FROM (SELECT id, row_number() OVER (ORDER BY placed_at) AS rn FROM orders) t "
        "WHERE rn BETWEEN 21 AND 40 ORDER BY rn",
        tables=(ORDERS,),
        plan=node("Subquery Scan", rows=333_333),
        calls=0,
    ),
    Example(
        note="Planned with a made-up status: another may be rare.",
        sql="SELECT id FROM orders WHERE status = $1 ORDER BY placed_at",
        tables=(ORDERS,),
        plan=ALL,
        calls=0,
    ),
    Example(
        note="Rows are locked to be worked on.",
        sql="SELECT id FROM orders WHERE status = 'open' ORDER BY id FOR UPDATE",
        tables=(ORDERS,),
        plan=node("LockRows", rows=20_000),
        calls=0,
    ),
    Example(
        note="A write returns nothing.",
        sql="INSERT INTO orders SELECT * FROM orders ORDER BY id",
        tables=(ORDERS,),
        plan=node("ModifyTable", ALL, rows=0),
        calls=0,
    ),
]


@query_rule(severity=Severity.ERROR, since="0.1")
def check(query: Query, facts: Facts) -> Iterator[Finding]:
    scope = query.top
    if query.kind != "select" or query.is_truncated or scope.write or not _is_open(query, scope):
        return
    found = _returned(query, facts, scope)
    if found and found[0] >= MANY_ROWS:
        yield _finding(query, facts, scope, *found)


def _returned(query: Query, facts: Facts, scope: Scope) -> tuple[float, Evidence] | None:
    """Rows that a call returns, and how we know: counted, else as the plan or the table's size tells."""
    statement, planned = facts.statement(query.statement), facts.plan(query.statement)
    counted = statement.rows_per_call if statement else None
    if counted is not None and statement and statement.calls:
        text = f"{counted:,.0f} rows a call, over {statement.calls:,} calls"
        is_usual = statement.calls > 1 or scope.sort_keys
        return (counted, Evidence(rung=Rung.MEASURED, text=text)) if is_usual else None
    if not _is_for_a_reader(query, scope):
        return None
    if planned is None:
        held = _rows_of_all(facts, scope)
        text = f"the table has {held or 0:,.0f} rows, and no condition leaves any out"
        return (held, Evidence(rung=Rung.ESTIMATED, text=text)) if held else None
    if not planned.is_analyzed and _has_parameters(query):
        return None
    root = planned.root
    rows = root.estimated_rows if root.actual_rows is None else root.actual_rows
    rung = Rung.ESTIMATED if root.actual_rows is None else Rung.MEASURED
    return rows, Evidence(rung=rung, text=f"the plan returns {rows:,.0f} rows of {root.width_bytes} bytes")


def _is_open(query: Query, scope: Scope) -> bool:
    """Whether nothing in the statement bounds its result on purpose."""
    arms = [each for each in query.children(scope.number) if each.place == "arm"] if scope.set_operation else []
    shapes = (scope, *arms)
    return not any(
        each.limit or each.is_locking or each.group_keys or each.has_grouping_sets or each.has_aggregate
        for each in shapes
    )  # fmt: skip


def _is_for_a_reader(query: Query, scope: Scope) -> bool:
    """Whether the rows are sorted for someone, or are all that the table has."""
    if (scope.offset and scope.offset.kind == "parameter") or _asks_for_numbers(query, scope):
        return False
    if scope.sort_keys:
        return not scope.distinct_on
    is_whole = not (scope.has_where or scope.set_operation or scope.is_distinct or scope.has_window)
    return is_whole and len(query.scopes) == 1 and len(scope.tables) == 1 and not scope.tables[0].is_sampled


def _has_parameters(query: Query) -> bool:
    """Whether values of conditions are not known, so that the planner's count of rows is that of another call."""
    values = [value for each in query.predicates() for value in (each.value, each.upper) if value]
    return any(re.search(r"\$\d", value.text) for value in values if value.kind != "subquery")


def _asks_for_numbers(query: Query, scope: Scope) -> bool:
    """Whether it filters on what a window function gave: a page by row_number(), of which the planner knows no size."""
    relations = [scope.relation(predicate.column.alias) for predicate in scope.predicates if predicate.column]
    inner = {use.inner for use in relations if use} - {None}
    return any(each.has_window for each in query.scopes if each.number in inner)


def _rows_of_all(facts: Facts, scope: Scope) -> float | None:
    """Rows of the table when all of them are handed out; None where that is not known."""
    if scope.has_where or scope.is_distinct or scope.offset or scope.set_operation or not scope.tables:
        return None
    first, *others = scope.tables
    is_whole = first.kind == "table" and not first.is_sampled and all(use.join == "left" for use in others)
    return facts.rows(first.table) if is_whole else None


def _tie_break(scope: Scope, table: Table | None) -> str:
    """What has to follow the sort keys so that no two rows are equal."""
    unique = set(table.primary_key.columns) if table and table.primary_key else set()
    sorted_by = {key.column.column for key in scope.sort_keys if key.column}
    return "" if unique and unique <= sorted_by else " and the primary key"


def _finding(query: Query, facts: Facts, scope: Scope, rows: float, evidence: Evidence) -> Finding:
    name = next((use.table for use in query.tables()), None)
    found = facts.table(name)
    label = found.label if found else name or "a query"
    keys = ", ".join(f"`{key.text}`" for key in scope.sort_keys)
    text = "Return a page: add a LIMIT, and go on from the last row by key"
    text += f" ({keys}{_tie_break(scope, found)})." if keys else ", or aggregate in the database."
    return Finding(
        where=Where(statement=query.statement, table=name),
        message=f"{rows:,.0f} rows of {label} are returned without a LIMIT",
        evidence=(evidence,),
        remedy=Remedy(text=f"{text} Where all rows are needed, read them in portions with a cursor."),
        wrong_if="it is an export or a batch that must see every row",
        severity=facts.severity(query.statement) if evidence.rung is Rung.MEASURED else Severity.INFO,
    )
