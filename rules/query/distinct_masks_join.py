"""DISTINCT takes away the rows that a join has made twice.

## What it finds
SELECT DISTINCT whose list holds the key of one side of a join (or a column that is unique in fact), while the other
side may have several rows for each and gives no column to the list: only the join makes the rows that DISTINCT removes.

## Why it matters
All pairs are made, then sorted or hashed to throw most of them away, and a LIMIT cannot stop early. EXISTS is a
semi-join: it stops at the first match, and no row comes twice. A second such join multiplies the rows again.

## What to do
Move the other side into `WHERE EXISTS (SELECT 1 …)` and drop DISTINCT. A LEFT JOIN of which nothing is used just goes.

## When to leave it
There is at most one match for nearly every row.

## Source
https://www.postgresql.org/docs/current/functions-subquery.html#FUNCTIONS-SUBQUERY-EXISTS
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
    told_relations,
)

USERS = table(
    "users",
    columns={"email": "text", "account_id": "bigint", "country": "text"},
    indexes={"users_email": "UNIQUE email"},
    not_null=("email",),
)
ORDERS = table("orders", columns={"user_id": "bigint", "status": "text"}, indexes={"orders_user_id": "user_id"})
ACCOUNTS = table("accounts", columns={"name": "text"})
ALL = (USERS, ORDERS, ACCOUNTS)
BAD = [
    Example(sql="SELECT DISTINCT u.id, u.country FROM users u JOIN orders o ON o.user_id = u.id WHERE o.status = $1",
            tables=ALL),
    Example(sql="SELECT DISTINCT a.id FROM accounts a LEFT JOIN users u ON u.account_id = a.id", tables=ALL),
    Example(sql="SELECT DISTINCT u.email FROM users u, orders o WHERE o.user_id = u.id AND o.status = $1", tables=ALL),
    Example(sql="SELECT DISTINCT u.* FROM users u JOIN orders o ON o.user_id = u.id", tables=ALL),
    Example(sql="SELECT DISTINCT u.id, a.name FROM users u JOIN accounts a ON a.id = u.account_id "
                "JOIN orders o ON o.user_id = u.id ORDER BY a.name LIMIT 20", tables=ALL),
    Example(sql="WITH buyer AS (SELECT DISTINCT u.id FROM users u JOIN orders o ON o.user_id = u.id) "
                "SELECT count(*) FROM buyer", tables=ALL),
]  # fmt: skip
GOOD = [
    Example(note="DISTINCT ON picks one of them.",
            sql="SELECT DISTINCT ON (u.id) u.id, o.id FROM users u JOIN orders o ON o.user_id = u.id ORDER BY 1, 2",
            tables=ALL),
    Example(note="Both sides are shown.",
            sql="SELECT DISTINCT u.id, o.status FROM users u JOIN orders o ON o.user_id = u.id", tables=ALL),
    Example(note="No join.", sql="SELECT DISTINCT status FROM orders", tables=ALL),
    Example(note="Users share a country: the join is not all that repeats.",
            sql="SELECT DISTINCT u.country FROM users u JOIN orders o ON o.user_id = u.id WHERE o.status = $1",
            tables=ALL),
    Example(note="One user for each order: the values themselves repeat.",
            sql="SELECT DISTINCT o.status FROM orders o JOIN users u ON u.id = o.user_id WHERE u.country = $1",
            tables=ALL),
    Example(note="It is EXISTS already.",
            sql="SELECT u.id FROM users u WHERE EXISTS (SELECT 1 FROM orders o WHERE o.user_id = u.id)", tables=ALL),
    Example(note="Distinct values are counted.",
            sql="SELECT count(DISTINCT o.user_id) FROM orders o JOIN users u ON u.id = o.user_id", tables=ALL),
]  # fmt: skip


@query_rule(severity=Severity.INFO, since="0.2")
def check(query: Query, facts: Facts) -> Iterator[Finding]:
    if query.is_truncated:
        return
    for scope in query.scopes:
        if not scope.is_distinct or scope.group_keys or scope.has_aggregate or scope.has_window:
            continue
        others = _multiplying(query, facts, scope)
        if others:
            yield _finding(query, facts, scope, others)


def _multiplying(query: Query, facts: Facts, scope: Scope) -> tuple[TableUse, ...]:
    """The relations that give nothing to the list and may have several rows for each row that is shown."""
    named = [column for output in scope.outputs for column in output.columns]
    stars = [output for output in scope.outputs if output.is_star]
    if (
        len(scope.tables) < 2
        or any(each.star_of is None for each in stars)
        or any(each.alias is None for each in named)
    ):
        return ()
    shown = {column.alias for column in named if column.scope == scope.number} | {each.star_of for each in stars}
    told = told_relations(query, scope, facts, nearly=True)
    if not shown or not shown <= told:
        return ()
    single = single_relations(query, scope, facts, told)
    others = [use for use in scope.tables if use.alias not in single]
    is_known = all(use.kind in ("table", "view", "cte", "subquery") for use in others)
    is_joined = all(_is_joined(scope, use) for use in others)
    return tuple(others) if is_known and is_joined else ()


def _is_joined(scope: Scope, use: TableUse) -> bool:
    """Whether a condition ties it to another relation: without one DISTINCT is the smaller fault."""
    for predicate in scope.predicates:
        sides = [*predicate.columns, *predicate.value.columns]
        sides += [predicate.value.column] if predicate.value.column else []
        aliases = {column.alias for column in sides if column.scope == scope.number}
        if use.alias in aliases and len(aliases) > 1:
            return True
    return False


def _finding(query: Query, facts: Facts, scope: Scope, others: tuple[TableUse, ...]) -> Finding:
    names = [found.label if (found := facts.table(use.table)) else use.alias for use in others]
    is_idle = all(use.join == "left" and not use.is_used for use in others)
    joined = ", ".join(names)
    if is_idle:
        advice = f"Take out the LEFT JOIN of {joined}, of which nothing is used, and DISTINCT with it."
    else:
        advice = f"Move {joined} into WHERE EXISTS (SELECT 1 FROM … WHERE …), and drop DISTINCT."
    return Finding(
        where=Where(statement=query.statement, table=others[0].table),
        message=f"DISTINCT removes the rows that the join with {joined} has repeated",
        evidence=(
            Evidence(rung=Rung.INFERRED, text=f"a row of the list may match many of {joined}, which gives no column"),
        ),
        remedy=Remedy(text=advice),
        wrong_if="there is at most one match for nearly every row",
        severity=Severity.INFO,
        spans=tuple(use.span for use in others if use.span),
    )
