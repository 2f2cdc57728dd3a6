"""UPDATE or DELETE without WHERE changes every row of the table.

## What it finds
An UPDATE or DELETE, also inside WITH, that has no WHERE. Other tables in its FROM or USING change nothing: only a WHERE
can join them to the rows that are written. `WHERE 1 = 1` with nothing behind it is none: what a program that puts
conditions together writes when it has got no condition.

## Why it matters
Mostly the condition was forgotten. Where it is meant, every row is written anew and locked until the end of the
transaction, the table doubles in size until VACUUM has cleaned up, and replicas receive all of it.

## What to do
Add the WHERE. To empty a table write TRUNCATE; to change all rows of a large one go in portions by key, and skip rows
that are right already (`WHERE price IS DISTINCT FROM …`).

## When to leave it
A small table that is always rewritten whole, such as a queue or a temporary table. `WHERE true`, which somebody wrote
to say that all rows are meant, is not told.

## Source
https://www.postgresql.org/docs/current/sql-truncate.html
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
    Where,
    query_rule,
    table,
)

PLACEHOLDER = re.compile(r"\bwhere\s*\(*\s*(\d+|'[^']*')\s*=\s*\1(?!\w)", re.I)
"""The condition that others are to be added to with AND."""

ITEMS = table("items", columns={"price": "numeric"})
QUEUE = table("queue", rows=40)
BAD = [
    Example(sql="DELETE FROM items", tables=(ITEMS,)),
    Example(sql="UPDATE items SET price = price * 1.1 RETURNING id", tables=(ITEMS,)),
    Example(sql="WITH gone AS (DELETE FROM items RETURNING id) SELECT count(*) FROM gone", tables=(ITEMS,)),
    Example(sql="UPDATE ONLY items AS i SET price = 0", tables=(ITEMS,)),
    Example(sql="DELETE FROM queue", tables=(QUEUE,)),
    Example(sql="UPDATE items SET price = q.id FROM queue q", tables=(ITEMS, QUEUE)),
    Example(sql="DELETE FROM items WHERE 1 = 1", tables=(ITEMS,)),
]
GOOD = [
    Example(note="It has its WHERE.", sql="UPDATE items SET price = 0 WHERE id = $1", tables=(ITEMS,)),
    Example(note="All rows, and said so.", sql="DELETE FROM items WHERE true", tables=(ITEMS,)),
    Example(note="A condition was added.", sql="DELETE FROM items WHERE 1 = 1 AND price > 5", tables=(ITEMS,)),
    Example(
        note="Joined to the rows it is about.",
        sql="UPDATE items i SET price = q.id FROM queue q WHERE q.id = i.id",
        tables=(ITEMS, QUEUE),
    ),
    Example(
        note="A portion, chosen before.",
        sql="WITH old AS (SELECT id FROM items LIMIT 1000) DELETE FROM items WHERE id IN (SELECT id FROM old)",
        tables=(ITEMS,),
    ),
    Example(
        note="An upsert changes the row in conflict.",
        sql="INSERT INTO items (id) VALUES ($1) ON CONFLICT (id) DO UPDATE SET price = excluded.price",
        tables=(ITEMS,),
    ),
    Example(note="Locked rows, not changed ones.", sql="SELECT id FROM items FOR UPDATE", tables=(ITEMS,)),
]


@query_rule(severity=Severity.ERROR, since="0.1")
def check(query: Query, facts: Facts) -> Iterator[Finding]:
    if query.is_truncated:
        return
    for scope in query.scopes:
        if scope.write in ("update", "delete") and scope.target and _keeps_every_row(query, scope):
            yield _finding(query, facts, scope)


def _keeps_every_row(query: Query, scope: Scope) -> bool:
    """Whether it has no WHERE, or `WHERE 1 = 1` alone."""
    is_placeholder = PLACEHOLDER.search(query.cut(scope.span) if scope.span else query.text) is not None
    return not scope.has_where or (is_placeholder and all(each.place != "where" for each in scope.predicates))


def _finding(query: Query, facts: Facts, scope: Scope) -> Finding:
    target, verb = scope.target, (scope.write or "").upper()
    assert target is not None
    found, statement = facts.table(target.table), facts.statement(query.statement)
    label = found.label if found else target.table or target.alias
    rows = facts.rows(target.table)
    lacking = "has a WHERE that is always true" if scope.has_where else "has no WHERE"
    evidence = [Evidence(rung=Rung.INFERRED, text=f"the statement {lacking}")]
    if statement and statement.rows_per_call and scope.number == 0 and statement.rows_per_call > 1:
        changed = f"{statement.rows_per_call:,.0f} rows a call, over {statement.calls or 0:,} calls"
        evidence.insert(0, Evidence(rung=Rung.MEASURED, text=changed))
    is_tiny = facts.is_tiny(target.table)
    if scope.write == "delete":
        advice = f"Add the WHERE; to empty {label} write TRUNCATE, which takes no time but locks readers out."
    else:
        advice = "Add the WHERE; to change all rows of a large table go in portions by key."
    return Finding(
        where=Where(statement=query.statement, table=target.table),
        message=f"{verb} of {label} {lacking}: all " + (f"{rows:,.0f} rows" if rows else "rows") + " are changed",
        evidence=tuple(evidence),
        remedy=Remedy(text=advice),
        wrong_if="every row is meant",
        severity=Severity.INFO if is_tiny else Severity.WARNING,
        spans=(scope.span,) if scope.span and scope.number else (),
    )
