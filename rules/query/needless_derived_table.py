"""A derived table in FROM only hands on the columns of its tables.

## What it finds
`FROM (SELECT a, b FROM t …) x` where the inner query neither groups, sorts, limits, computes nor removes duplicates:
its tables and conditions could stand in the outer query.

## Why it matters
PostgreSQL flattens it, so it costs no time but the reader's: a condition is looked for in two places, and a change (a
LIMIT, an ORDER BY) inside becomes a barrier that nobody notices.

## What to do
Name the table in the outer FROM and join the conditions with AND.

## When to leave it
A program puts the query together: a count over it, a page around it.

## Source
https://www.postgresql.org/docs/current/queries-table-expressions.html#QUERIES-SUBQUERIES
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
    table,
)

ORDERS = table("orders", columns={"user_id": "bigint", "status": "text", "total": "numeric"})
USERS = table("users", columns={"email": "text"})
BAD = [
    Example(sql="SELECT t.id FROM (SELECT id, user_id FROM orders) t WHERE t.user_id = 4", tables=(ORDERS,)),
    Example(
        sql="SELECT x.id FROM (SELECT o.id FROM (SELECT id, user_id FROM orders) o WHERE o.user_id = 4) x",
        tables=(ORDERS,),
    ),
    Example(
        sql="SELECT u.email, o.id FROM users u JOIN (SELECT id, user_id FROM orders WHERE status = 'open') o "
        "ON o.user_id = u.id",
        tables=(ORDERS, USERS),
    ),
    Example(
        sql="SELECT q.user_id, count(*) FROM (SELECT * FROM orders) q WHERE q.status = 'open' GROUP BY q.user_id",
        tables=(ORDERS,),
    ),
]
GOOD = [
    Example(note="A page is taken first.", tables=(ORDERS,),
            sql="SELECT t.id FROM (SELECT id FROM orders ORDER BY total LIMIT 10) t ORDER BY t.id"),
    Example(note="Groups are filtered.", tables=(ORDERS,),
            sql="SELECT t.user_id FROM (SELECT user_id, count(*) AS n FROM orders GROUP BY user_id) t WHERE t.n > 3"),
    Example(note="A window.", tables=(ORDERS,),
            sql="SELECT t.id FROM (SELECT id, rank() OVER (PARTITION BY status) AS n FROM orders) t WHERE n = 1"),
    Example(note="A computed column gets a name.", tables=(ORDERS,),
            sql="SELECT t.gross FROM (SELECT id, total * 1.2 AS gross FROM orders) t WHERE t.gross > 100"),
    Example(note="Object mappers count so.", tables=(ORDERS,),
            sql="SELECT count(*) FROM (SELECT id FROM orders WHERE user_id = 4) AS subquery"),
    Example(note="Sorted for an aggregate.", tables=(ORDERS,),
            sql="SELECT array_agg(t.id) FROM (SELECT id FROM orders ORDER BY total) t"),
    Example(note="The filter belongs to the outer side.", tables=(ORDERS, USERS),
            sql="SELECT u.id, o.id FROM users u LEFT JOIN (SELECT id, user_id FROM orders WHERE status = 'open') o "
                "ON o.user_id = u.id"),
    Example(note="A CTE gives a part of the query a name.", tables=(ORDERS,),
            sql="WITH o AS (SELECT id, user_id FROM orders) SELECT id FROM o WHERE user_id = 4"),
    Example(note="A fence.", tables=(ORDERS,),
            sql="SELECT id FROM (SELECT id, user_id FROM orders OFFSET 0) t WHERE user_id = 4"),
]  # fmt: skip


@query_rule(severity=Severity.INFO, since="0.2")
def check(query: Query, facts: Facts) -> Iterator[Finding]:
    found = [
        (use, inner)
        for scope in query.scopes
        for use in scope.tables
        for inner in query.scopes
        if use.kind == "subquery" and use.inner == inner.number and _is_needless(query, facts, scope, use, inner)
    ]
    if found:
        yield _finding(query, facts, *found[0])


def _is_needless(query: Query, facts: Facts, scope: Scope, use: TableUse, inner: Scope) -> bool:
    if not _hands_on(inner) or use.is_lateral or use.is_sampled or scope.write:
        return False
    if any(facts.is_system(each.table) for each in inner.tables):
        return False
    is_alone = len(scope.tables) == 1
    if is_alone and scope.has_aggregate and not (scope.has_where or scope.group_keys):
        return False
    if use.join in ("left", "right", "full", "natural") or any(each.join in ("right", "full") for each in scope.tables):
        return use.join == "left" and not inner.has_where and len(inner.tables) == 1
    return is_alone or len(inner.tables) == 1


def _hands_on(inner: Scope) -> bool:
    """Whether the query does nothing that the outer one could not do in the same place."""
    does = (
        inner.set_operation, inner.is_distinct, inner.distinct_on, inner.limit, inner.offset, inner.sort_keys,
        inner.group_keys, inner.has_grouping_sets, inner.has_aggregate, inner.has_window, inner.is_locking, inner.write,
    )  # fmt: skip
    is_plain = all(each.kind in ("table", "view", "subquery", "cte", "unknown") for each in inner.tables)
    names = all(output.is_star or output.column for output in inner.outputs)
    return not any(does) and is_plain and names and bool(inner.tables) and bool(inner.outputs)


def _finding(query: Query, facts: Facts, use: TableUse, inner: Scope) -> Finding:
    first = inner.tables[0]
    found = facts.table(first.table)
    label = found.label if found else first.table or first.alias
    return Finding(
        where=Where(statement=query.statement, table=first.table),
        message=f"the derived table {use.alias} only hands on columns of {label}".replace("  ", " "),
        evidence=(
            Evidence(rung=Rung.INFERRED, text="it neither groups, sorts, limits, computes nor removes anything"),
        ),
        remedy=Remedy(text=f"Name {label} in the outer FROM, and join its conditions with AND."),
        wrong_if="a program puts the query together from parts",
        severity=Severity.INFO,
        spans=(inner.span,) if inner.span else (),
    )
