"""GROUP BY names columns that the primary key beside them already tells.

## What it finds
A GROUP BY that holds the whole primary key of a table and more columns of the same table; and one that groups the rows
of a single table by their key, so that each row is its own group.

## Why it matters
Each row has one value in those columns: they make no other groups. PostgreSQL drops plain columns beside a primary key
itself, but not expressions of them; the long list hides which key the groups have, and has to be kept up to date.

## What to do
Keep the primary key in GROUP BY: the other columns of its table may be selected without being named there.

## When to leave it
The query must also run on a database that wants every selected column in GROUP BY.

## Source
https://www.postgresql.org/docs/current/sql-select.html#SQL-GROUPBY
"""

import re
from collections.abc import Iterator

from pgadvisor.rule import (
    ColumnUse,
    Evidence,
    Example,
    Facts,
    Finding,
    Query,
    Remedy,
    Rung,
    Scope,
    Severity,
    SortKey,
    Span,
    Table,
    TableUse,
    Where,
    query_rule,
    table,
)

USERS = table("users", columns={"email": "text", "name": "text"}, indexes={"users_email": "UNIQUE email"})
ORDERS = table("orders", columns={"user_id": "bigint", "status": "text", "total": "numeric"})
ITEMS = table("items", primary_key="order_id, line", columns={"order_id": "bigint", "line": "integer", "n": "integer"})
ALL = (USERS, ORDERS, ITEMS)
BAD = [
    Example(
        sql="SELECT u.id, u.email, u.name, count(*) FROM users u JOIN orders o ON o.user_id = u.id "
        "GROUP BY u.id, u.email, u.name",
        tables=ALL,
        remedy="ON o.user_id = u.id GROUP BY u.id",
    ),
    Example(
        sql="SELECT u.email, u.id, o.status FROM users u JOIN orders o ON o.user_id = u.id GROUP BY 2, 1, o.status",
        tables=ALL,
    ),
    Example(
        sql="SELECT order_id, line, n FROM items JOIN orders o ON o.id = order_id GROUP BY order_id, line, n",
        tables=ALL,
        remedy="GROUP BY order_id, line",
    ),
    Example(sql="SELECT id, max(total) FROM orders WHERE user_id = $1 GROUP BY id", tables=ALL),
]
GOOD = [
    Example(
        note="The key alone.",
        sql="SELECT u.id, u.email, count(*) FROM users u JOIN orders o ON o.user_id = u.id GROUP BY u.id",
        tables=ALL,
    ),
    Example(note="No key.", sql="SELECT user_id, status, count(*) FROM orders GROUP BY user_id, status", tables=ALL),
    Example(
        note="A unique column is no primary key: PostgreSQL wants the others named.",
        sql="SELECT u.email, u.name, count(*) FROM users u JOIN orders o ON o.user_id = u.id GROUP BY u.email, u.name",
        tables=ALL,
    ),
    Example(
        note="A part of the key.",
        sql="SELECT order_id, n, count(*) FROM items GROUP BY order_id, n",
        tables=ALL,
    ),
    Example(
        note="The other columns are of another table.",
        sql="SELECT u.id, o.status, count(*) FROM users u JOIN orders o ON o.user_id = u.id GROUP BY u.id, o.status",
        tables=ALL,
    ),
    Example(
        note="Subtotals.",
        sql="SELECT u.id, u.name, count(*) FROM users u, orders o WHERE user_id = u.id GROUP BY ROLLUP (u.id, u.name)",
        tables=ALL,
    ),
]


@query_rule(severity=Severity.INFO, since="0.2", needs=("catalog",))
def check(query: Query, facts: Facts) -> Iterator[Finding]:
    for scope in query.scopes:
        if scope.has_grouping_sets or scope.set_operation:
            continue
        for use in scope.tables:
            found = facts.table(use.table)
            if use.kind == "table" and found and _holds_key(scope, use, found):
                told = [key for key in scope.group_keys if _is_told(scope, use, found, key)]
                is_row = len(scope.tables) == 1 and len(scope.group_keys) == len(_keys(found)) and scope.has_aggregate
                if told or is_row:
                    yield _finding(query, scope, use, found, told)
                    return


def _keys(table: Table) -> tuple[str, ...]:
    key = table.primary_key
    return key.columns if key and not key.is_deferrable else ()


def _holds_key(scope: Scope, use: TableUse, table: Table) -> bool:
    named = {key.column.column for key in scope.group_keys if key.column and key.column.alias == use.alias}
    return bool(_keys(table)) and named.issuperset(_keys(table))


def _is_told(scope: Scope, use: TableUse, table: Table, key: SortKey) -> bool:
    """Whether the key is another column of the same table."""
    columns = (key.column,) if key.column else _columns_of(scope, key)
    is_own = bool(columns) and {(each.alias, each.scope) for each in columns} == {(use.alias, scope.number)}
    return is_own and (key.column is None or key.column.column not in _keys(table))


def _columns_of(scope: Scope, key: SortKey) -> tuple[ColumnUse, ...]:
    """The columns of an expression that is grouped by and shown; none where it is not found, or not plain."""
    if key.text.isdigit():
        shown = scope.outputs[int(key.text) - 1 : int(key.text)]
    else:
        shown = tuple(output for output in scope.outputs if output.text == key.text)
    return shown[0].columns if shown and not shown[0].subqueries else ()


def _finding(query: Query, scope: Scope, use: TableUse, table: Table, told: list[SortKey]) -> Finding:
    keys = ", ".join(f"`{column}`" for column in _keys(table))
    names = ", ".join(f"`{key.key if key.text.isdigit() else key.text}`" for key in told)
    change = _shorter(query, scope, told) if told else None
    if told:
        message = f"GROUP BY {names}: the primary key of {table.label} beside it tells as much"
        advice = f"Keep {keys} in GROUP BY and take {names} out: it may be selected all the same."
    else:
        message = f"GROUP BY {keys}, the primary key of {table.label}: each row is a group of its own"
        advice = "Take GROUP BY away, and the aggregates, each of which sees one row."
    return Finding(
        where=Where(statement=query.statement, table=table.qualified),
        message=message,
        evidence=(Evidence(rung=Rung.INFERRED, text=f"{keys} is the primary key of {table.label}"),),
        remedy=Remedy(text=advice, sql=query.spliced(change) if change and query.kind == "select" else None),
        wrong_if="the query must also run on a database that wants every selected column in GROUP BY",
        severity=Severity.INFO,
        spans=(change[0],) if change else (),
    )


def _shorter(query: Query, scope: Scope, told: list[SortKey]) -> tuple[Span, str] | None:
    """The GROUP BY without those keys; None where the list does not stand in the text as it was read."""
    listed = r"\s*,\s*".join(re.escape(key.text) for key in scope.group_keys)
    found = list(re.finditer(rf"\bgroup\s+by\s+({listed})(?![\w.(])", query.text, re.I))
    if len(found) != 1:
        return None
    rest = ", ".join(key.text for key in scope.group_keys if key not in told)
    return Span(start=found[0].start(1), end=found[0].end(1)), rest
