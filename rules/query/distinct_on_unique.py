"""DISTINCT looks for duplicates among rows that cannot repeat.

## What it finds
SELECT DISTINCT whose list holds a unique key of each table (or the key of one, and the others have one row for it).

## Why it matters
All rows are sorted or hashed before the first is returned, and nothing is removed; a LIMIT cannot stop early.

## What to do
Take DISTINCT away.

## When to leave it
It is proven by a unique index: the same rows come back, perhaps in another order where none was asked for.

## Source
https://www.postgresql.org/docs/current/sql-select.html#SQL-DISTINCT
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
    Span,
    Where,
    query_rule,
    table,
    told_relations,
)

USERS = table("users", columns={"email": "text", "name": "text"}, indexes={"users_email": "UNIQUE email"})
ORDERS = table("orders", columns={"user_id": "bigint", "status": "text"})
BOTH = (USERS, ORDERS)
BAD = [
    Example(
        sql="SELECT DISTINCT id, status FROM orders WHERE user_id = $1",
        tables=BOTH,
        remedy="SELECT id, status FROM orders WHERE user_id = $1",
    ),
    Example(
        sql="SELECT DISTINCT o.id, u.name FROM orders o JOIN users u ON u.id = o.user_id",
        tables=BOTH,
        remedy="SELECT o.id, u.name FROM orders o",
    ),
    Example(sql="SELECT count(*) FROM (SELECT DISTINCT o.* FROM orders o) t", tables=BOTH),
]
GOOD = [
    Example(note="Users share a name.", sql="SELECT DISTINCT name FROM users", tables=BOTH),
    Example(
        note="A unique column may hold many NULLs, which are one for DISTINCT.",
        sql="SELECT DISTINCT email FROM users",
        tables=BOTH,
    ),
    Example(
        note="A user comes once for each order.",
        sql="SELECT DISTINCT u.id FROM users u JOIN orders o ON o.user_id = u.id",
        tables=BOTH,
    ),
    Example(
        note="No user stands for all orders without one.",
        sql="SELECT DISTINCT u.id FROM orders o LEFT JOIN users u ON u.id = o.user_id",
        tables=BOTH,
    ),
]


@query_rule(severity=Severity.INFO, since="0.2", needs=("catalog",))
def check(query: Query, facts: Facts) -> Iterator[Finding]:
    if query.is_truncated or not facts.has_catalog:
        return
    for scope in query.scopes:
        is_plain = not (scope.group_keys or scope.has_grouping_sets or scope.has_aggregate or scope.set_operation)
        aliases = {use.alias for use in scope.tables}
        if scope.is_distinct and is_plain and aliases and aliases <= told_relations(query, scope, facts):
            yield _finding(query, facts, scope)


def _finding(query: Query, facts: Facts, scope: Scope) -> Finding:
    names = [found.label if (found := facts.table(use.table)) else use.alias for use in scope.tables]
    word = _word(query, scope)
    can_rewrite = word is not None and query.kind == "select"
    return Finding(
        where=Where(statement=query.statement, table=scope.tables[0].table),
        message=f"DISTINCT on rows of {', '.join(names)} that cannot repeat: their key is selected",
        evidence=(Evidence(rung=Rung.INFERRED, text="a unique key tells each row of the result from the others"),),
        remedy=Remedy(
            text="Take DISTINCT away.", sql=query.spliced((word, "SELECT")) if word and can_rewrite else None
        ),
        wrong_if="the unique index is dropped",
        severity=Severity.INFO,
        spans=(word,) if word else (),
    )


def _word(query: Query, scope: Scope) -> Span | None:
    """Where SELECT DISTINCT stands, at the beginning of the scope."""
    start = scope.span.start if scope.span else 0
    found = re.match(r"\s*select\s+distinct\b", query.text[start:], re.I)
    return Span(start=start, end=start + found.end()) if found else None
