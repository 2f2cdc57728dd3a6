"""A LEFT JOIN whose table is not used.

## What it finds
A LEFT JOIN to a unique key (or to one row for each key of a derived table) of which nothing beside its own ON is named:
it neither adds nor removes a row, and gives no column.

## Why it matters
PostgreSQL leaves such a join out when a unique index proves it, but not always: not below a view that names the
column, nor where the join column is cast. Else the table is read for nothing; and each join makes planning longer.

## What to do
Take the join out.

## When to leave it
The query is a view or is put together by a program, and other users of it need the table.

## Source
https://www.postgresql.org/docs/current/explicit-joins.html
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
    Scope,
    Severity,
    TableUse,
    Where,
    query_rule,
    single_relations,
    table,
)

USERS = table("users", columns={"email": "text"}, indexes={"users_email": "UNIQUE email"})
ORDERS = table("orders", columns={"user_id": "bigint", "status": "text", "total": "numeric"})
ITEMS = table("items", primary_key="order_id, line", columns={"order_id": "bigint", "line": "integer"})
ALL = (USERS, ORDERS, ITEMS)
BAD = [
    Example(sql="SELECT count(*) FROM orders o LEFT JOIN users u ON u.id = o.user_id WHERE o.status = $1", tables=ALL),
    Example(sql="SELECT o.id FROM orders o LEFT OUTER JOIN users u ON o.user_id = u.id AND u.email > 'b'", tables=ALL),
    Example(sql="SELECT o.id FROM orders o LEFT JOIN items i ON i.order_id = o.id AND i.line = 1", tables=ALL),
    Example(sql="SELECT u.id FROM users u LEFT JOIN (SELECT user_id, count(*) AS n FROM orders GROUP BY user_id) c "
                "ON c.user_id = u.id", tables=ALL),
    Example(sql="SELECT u.id FROM users u LEFT JOIN LATERAL (SELECT id FROM orders o WHERE o.user_id = u.id "
                "ORDER BY total LIMIT 1) l ON true", tables=ALL),
]  # fmt: skip
GOOD = [
    Example(note="It is shown.", sql="SELECT o.id, u.email FROM orders o LEFT JOIN users u ON u.id = o.user_id",
            tables=ALL),
    Example(note="It is sorted by.", sql="SELECT o.id FROM orders o LEFT JOIN users u ON u.id = user_id ORDER BY email",
            tables=ALL),
    Example(note="It multiplies the rows.", sql="SELECT o.id FROM orders o LEFT JOIN items i ON i.order_id = o.id",
            tables=ALL),
    Example(note="An anti-join.", sql="SELECT o.id FROM orders o LEFT JOIN users u ON u.id = o.user_id "
            "WHERE u.id IS NULL", tables=ALL),
    Example(note="The whole row.", sql="SELECT o.id, to_json(u) FROM orders o LEFT JOIN users u ON u.id = o.user_id",
            tables=ALL),
    Example(note="A star.", sql="SELECT * FROM orders o LEFT JOIN users u ON u.id = o.user_id", tables=ALL),
    Example(note="A subquery names it.", sql="SELECT o.id, (SELECT count(*) FROM items i WHERE i.order_id = u.id) "
            "FROM orders o LEFT JOIN users u ON u.id = o.user_id", tables=ALL),
    Example(note="An inner join also asks whether there is one.",
            sql="SELECT o.id FROM orders o JOIN users u ON u.id = o.user_id", tables=ALL),
]  # fmt: skip


@query_rule(severity=Severity.INFO, since="0.2")
def check(query: Query, facts: Facts) -> Iterator[Finding]:
    if query.is_truncated:
        return
    for scope in query.scopes:
        if any(use.join in ("right", "full", "natural") for use in scope.tables):
            continue
        for at, use in enumerate(scope.tables):
            if use.join == "left" and not use.is_used and _adds_no_row(query, facts, scope, at):
                yield _finding(query, facts, use)


def _adds_no_row(query: Query, facts: Facts, scope: Scope, at: int) -> bool:
    """Whether at most one of its rows goes with each row of what stands before it."""
    return scope.tables[at].alias in single_relations(query, scope, facts, (use.alias for use in scope.tables[:at]))


def _finding(query: Query, facts: Facts, use: TableUse) -> Finding:
    found, planned = facts.table(use.table), facts.plan(query.statement)
    label = found.label if found else use.table or use.alias
    evidence = [
        Evidence(rung=Rung.INFERRED, text=f"nothing but its own ON names {use.alias}, and one row at most matches")
    ]
    if planned and use.table:
        is_read = bool(planned.scans(use.alias))
        text = f"the plan reads {label} all the same" if is_read else f"the plan leaves {label} out"
        evidence.append(Evidence(rung=Rung.ESTIMATED, text=text))
    return Finding(
        where=Where(statement=query.statement, table=use.table),
        message=f"LEFT JOIN {label}: nothing of it is used",
        evidence=tuple(evidence),
        remedy=Remedy(text=f"Take the LEFT JOIN of {label} out: the same rows come back."),
        wrong_if="a program adds columns of it to the query elsewhere",
        severity=Severity.INFO,
        spans=(use.span,) if use.span else (),
    )
