"""A CTE or derived table is computed whole, though most of it is filtered away outside.

## What it finds
A CTE marked MATERIALIZED, or named several times, or a derived table fenced by OFFSET 0, whose outer query filters or
joins by a column that could be looked for inside. Of a CTE that is named several times, each use must filter.

## Why it matters
PostgreSQL pushes conditions into a CTE that is named once. MATERIALIZED, a second use and OFFSET 0 prevent it: all rows
are made and stored, then scanned without an index.

## What to do
Take the fence away (NOT MATERIALIZED for a CTE that is named several times), or repeat the condition inside.

## When to leave it
The fence is there to run something slow or volatile once, or keeps a bad plan away.

## Source
https://www.postgresql.org/docs/current/queries-with.html#QUERIES-WITH-CTE-MATERIALIZATION
"""

import re
from collections.abc import Iterator

from pgadvisor.rule import (
    Evidence,
    Example,
    Facts,
    Finding,
    Predicate,
    Query,
    Remedy,
    Rung,
    Scope,
    Severity,
    Span,
    TableUse,
    Where,
    query_rule,
    table,
)

NARROWING = frozenset({"=", "IN", "= ANY"})
RANGES = frozenset({"<", "<=", ">", ">=", "BETWEEN"})
"""These narrow only where an index serves them, or where so much is stored that leaving rows out pays by itself."""
MANY_ROWS = 50_000
"""Some 3 MB stored, close to what `work_mem` holds by default."""
ORDERS = table(
    "orders",
    columns={"user_id": "bigint", "status": "text", "total": "numeric"},
    indexes={"orders_user_id": "user_id"},
)
REGION = table("region", rows=40, columns={"code": "text"})
BAD = [
    Example(
        sql="WITH o AS MATERIALIZED (SELECT id, user_id FROM orders) SELECT id FROM o WHERE user_id = 5",
        tables=(ORDERS,),
        remedy="WITH o AS (SELECT id, user_id FROM orders)",
    ),
    Example(
        sql="WITH t AS MATERIALIZED (SELECT user_id, sum(total) AS s FROM orders GROUP BY user_id) "
        "SELECT s FROM t WHERE user_id = $1",
        tables=(ORDERS,),
    ),
    Example(
        sql="WITH o AS MATERIALIZED (SELECT id, user_id AS u FROM orders) SELECT id FROM o WHERE u BETWEEN 5 AND 9",
        tables=(ORDERS,),
    ),
    Example(
        note="A million rows are stored to keep a few.",
        sql="WITH o AS MATERIALIZED (SELECT id, total FROM orders) SELECT id FROM o WHERE total > 99000",
        tables=(ORDERS,),
    ),
    Example(
        sql="SELECT id FROM (SELECT id, user_id FROM orders OFFSET 0) t WHERE user_id = 5",
        tables=(ORDERS,),
        remedy="SELECT id FROM (SELECT id, user_id FROM orders) t",
    ),
    Example(
        sql="WITH o AS (SELECT id, user_id FROM orders) SELECT a.id FROM o a, o b WHERE a.user_id = 5 "
        "AND b.user_id = 6 AND a.id < b.id",
        tables=(ORDERS,),
        remedy="WITH o AS NOT MATERIALIZED (SELECT",
    ),
]
GOOD = [
    Example(
        note="Named once: the condition is pushed into it.",
        sql="WITH o AS (SELECT id, user_id FROM orders) SELECT id FROM o WHERE user_id = 5",
        tables=(ORDERS,),
    ),
    Example(
        note="NOT MATERIALIZED is no fence.",
        sql="WITH o AS NOT MATERIALIZED (SELECT id, user_id FROM orders) SELECT a.id FROM o a, o b "
        "WHERE a.user_id = 5 AND b.user_id = 6 AND a.id < b.id",
        tables=(ORDERS,),
    ),
    Example(
        note="The LIMIT comes first.",
        sql="WITH o AS MATERIALIZED (SELECT id, user_id FROM orders ORDER BY id LIMIT 100) "
        "SELECT id FROM o WHERE user_id = 5",
        tables=(ORDERS,),
    ),
    Example(
        note="Few rows are made: the index is used inside.",
        sql="WITH o AS MATERIALIZED (SELECT id, status FROM orders WHERE user_id = 5) "
        "SELECT id FROM o WHERE status = 'open'",
        tables=(ORDERS,),
    ),
    Example(
        note="A range that no index serves, in a table of some size.",
        sql="WITH b AS MATERIALIZED (SELECT id, pages FROM book) SELECT id FROM b WHERE pages > 900",
        tables=(table("book", rows=5_000, columns={"pages": "integer"}),),
    ),
    Example(
        note="A small table.",
        sql="WITH r AS MATERIALIZED (SELECT id, code FROM region) SELECT id FROM r WHERE code = 'eu'",
        tables=(REGION,),
    ),
    Example(
        note="The sums are computed once and used twice.",
        sql="WITH t AS (SELECT user_id, sum(total) AS s FROM orders GROUP BY user_id) "
        "SELECT user_id FROM t WHERE s > (SELECT avg(s) FROM t)",
        tables=(ORDERS,),
    ),
    Example(
        note="Filtered by what was computed.",
        sql="WITH t AS MATERIALIZED (SELECT user_id, sum(total) AS s FROM orders GROUP BY user_id) "
        "SELECT user_id FROM t WHERE s > 100",
        tables=(ORDERS,),
    ),
]


@query_rule(severity=Severity.INFO, since="0.2")
def check(query: Query, facts: Facts) -> Iterator[Finding]:
    planned = facts.plan(query.statement)
    for scope in query.scopes:
        if scope.place == "cte" and planned and planned.is_analyzed:
            continue  # A plan that was run tells what the fence cost: `cte-discards-most-rows`.
        fence = _fence(scope)
        if fence is None or not _can_take_conditions(query, facts, scope):
            continue
        users = [(above, use) for above in query.scopes for use in above.tables if use.inner == scope.number]
        pushed = [_pushable(facts, above, use, scope, several=len(users) > 1) for above, use in users]
        if users and all(pushed):
            yield _finding(query, facts, scope, fence, [each for each in pushed if each])


def _fence(scope: Scope) -> str | None:
    """What keeps conditions out; None: nothing does."""
    if scope.write or scope.is_recursive:
        return None
    if scope.place in ("cte", "from") and scope.offset and scope.offset.text == "0":
        return "OFFSET 0"
    if scope.place != "cte" or scope.is_materialized is False:
        return None
    if scope.is_materialized:
        return "MATERIALIZED"
    return "a second use" if scope.references > 1 else None


def _can_take_conditions(query: Query, facts: Facts, scope: Scope) -> bool:
    """Whether a condition could be looked for inside, and is worth it there."""
    if scope.limit or scope.distinct_on or scope.has_window or scope.is_locking or scope.set_operation:
        return False
    if scope.has_grouping_sets or (scope.has_aggregate and not scope.group_keys) or not scope.tables:
        return False
    if any("(" in each.text and not each.has_aggregate for each in scope.outputs):
        return False  # A function may be slow, or must run once.
    if any(child.write for child in query.scopes) or all(facts.is_small(use.table) for use in scope.tables):
        return False
    return not any(_narrows(facts, scope, predicate) for predicate in scope.predicates)


def _narrows(facts: Facts, scope: Scope, predicate: Predicate) -> bool:
    """Whether the condition already leaves few rows: an equality that an index serves."""
    is_equality = predicate.operator in NARROWING and predicate.is_conjunct and not predicate.is_negated
    if not is_equality or predicate.value.kind == "column" or predicate.column is None:
        return False
    return not facts.has_catalog or bool(facts.indexes_led_by(predicate.column.table, predicate.key))


def _pushable(facts: Facts, above: Scope, use: TableUse, scope: Scope, *, several: bool) -> Predicate | None:
    """A condition outside on a column that the inner query hands out as it is (of groups: a key of them)."""
    for predicate in above.predicates:
        is_lookup = predicate.operator in NARROWING | RANGES and predicate.is_conjunct and not predicate.is_negated
        if not is_lookup or predicate.place not in ("where", "on") or predicate.is_wrapped:
            continue
        if several and predicate.value.kind not in ("constant", "parameter", "list"):
            continue
        for column in (predicate.column, predicate.value.column):
            if column is None or column.alias != use.alias or not _is_handed_through(scope, column.column):
                continue
            if predicate.operator in NARROWING or _has_index(facts, scope, column.column) or _stores_much(facts, scope):
                return predicate
    return None


def _stores_much(facts: Facts, scope: Scope) -> bool:
    """Whether all rows of a large table are stored: no condition inside, no groups."""
    rows = facts.rows(scope.tables[0].table) or 0.0
    return len(scope.tables) == 1 and rows >= MANY_ROWS and not (scope.has_where or scope.group_keys)


def _has_index(facts: Facts, scope: Scope, name: str) -> bool:
    """Whether an index of the inner table begins with that column of the derived one; unknown without a catalog."""
    inner = next((each.column for each in scope.outputs if each.name == name), None)
    tables = [inner.table] if inner else [use.table for use in scope.tables]
    column = inner.column if inner else name
    return not facts.has_catalog or any(facts.indexes_led_by(table, column) for table in tables)


def _is_handed_through(scope: Scope, name: str) -> bool:
    output = next((each for each in scope.outputs if each.name == name), None)
    if output is None:
        return any(each.is_star for each in scope.outputs) and not scope.group_keys
    if output.column is None:
        return False
    return not scope.group_keys or any(key.column == output.column for key in scope.group_keys)


def _finding(query: Query, facts: Facts, scope: Scope, fence: str, pushed: list[Predicate]) -> Finding:
    use = next((each for each in scope.tables if each.table), None)
    found = facts.table(use.table) if use else None
    label = found.label if found else use.alias if use else "it"
    change = _unfenced(query, scope, fence)
    outside = ", ".join(dict.fromkeys(f"`{query.cut(each.span) or each.source}`" for each in pushed))
    remedy = {
        "MATERIALIZED": "Take MATERIALIZED away",
        "OFFSET 0": "Take OFFSET 0 away",
        "a second use": "Write NOT MATERIALIZED",
    }[fence]
    return Finding(
        where=Where(statement=query.statement, table=use.table if use else None),
        message=f"{fence} makes all of {scope.name or 'the derived table'}, a query on {label}, before it is filtered",
        evidence=(Evidence(rung=Rung.INFERRED, text=f"{outside} stands outside and cannot be looked for inside"),),
        remedy=Remedy(
            text=f"{remedy}, so that the condition is pushed inside; or repeat it there.",
            sql=query.spliced(change) if change and query.kind == "select" else None,
        ),
        wrong_if="the fence keeps a worse plan away, or something slow from running twice",
        severity=Severity.INFO,
        spans=(scope.span,) if scope.span else (),
    )


def _unfenced(query: Query, scope: Scope, fence: str) -> tuple[Span, str] | None:
    """The change of the text that takes the fence away; None: its place was not found."""
    if scope.span is None:
        return None
    start, end = scope.span.start, scope.span.end
    if fence == "OFFSET 0":
        at = re.search(r"\s*\boffset\s+0(?:\s+rows?)?\s*\Z", query.text[start:end], re.I)
        return (Span(start=start + at.start(), end=start + at.end()), "") if at else None
    before = re.search(r"\bas\s*(?:materialized\s*)?\(\s*\Z", query.text[:start], re.I)
    if before is None:
        return None
    word = "AS (" if fence == "MATERIALIZED" and scope.references < 2 else "AS NOT MATERIALIZED ("
    return Span(start=before.start(), end=before.end()), word
