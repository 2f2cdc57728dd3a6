"""LIMIT without ORDER BY returns some rows, not certain ones.

## What it finds
A SELECT with LIMIT or FETCH FIRST and no ORDER BY whose rows may differ. A probe (`SELECT 1 … LIMIT 1`, EXISTS), a
look-up by a unique key, an aggregate, a sample, and rows that are locked or written in portions are fine: any rows do.

## Why it matters
Without ORDER BY the rows come as the plan finds them: in another order after an UPDATE, a VACUUM, another plan, or when
a second client scans the same table (synchronized scans). Pages overlap and miss rows; "the first" is not the first.

## What to do
Add an ORDER BY that ends in a unique column. With an index in that order it costs nothing.

## When to leave it
Any rows will do: a look at the data, a portion of work.

## Source
https://www.postgresql.org/docs/current/queries-limit.html
"""

from collections.abc import Iterator

from pgadvisor.rule import (
    Evidence,
    Example,
    Facts,
    Finding,
    Output,
    Query,
    Remedy,
    Rung,
    Scope,
    Severity,
    Span,
    Where,
    query_rule,
    single_relations,
    table,
)

CAPS = frozenset({"0", "21"})
"""No rows are asked for; or one, with a cap to see whether there are more: Django's `get()`."""

ORDERS = table("orders", columns={"user_id": "bigint", "status": "text", "placed_at": "timestamptz"})
USERS = table("users", columns={"email": "text"}, indexes={"users_email": "UNIQUE lower(email)"})
BAD = [
    Example(sql="SELECT id, status FROM orders WHERE status = 'open' LIMIT 20", tables=(ORDERS,)),
    Example(sql="SELECT id FROM orders WHERE user_id = $1 FETCH FIRST 5 ROWS ONLY", tables=(ORDERS,)),
    Example(sql="SELECT id FROM orders LIMIT 20 OFFSET 40", tables=(ORDERS,)),
    Example(sql="SELECT id FROM orders WHERE status = $1 LIMIT $2", tables=(ORDERS,), calls=900, rows=8_700),
    Example(sql="SELECT user_id, count(*) FROM orders GROUP BY user_id LIMIT 10", tables=(ORDERS,)),
    Example(
        sql="SELECT u.id, (SELECT o.status FROM orders o WHERE o.user_id = u.id LIMIT 1) FROM users u WHERE u.id = $1",
        tables=(USERS, ORDERS),
    ),
    Example(
        sql="SELECT id FROM users WHERE id < 5 UNION ALL SELECT user_id FROM orders LIMIT 10", tables=(USERS, ORDERS)
    ),
    Example(sql="SELECT t.id FROM (SELECT id FROM orders LIMIT 5) t ORDER BY t.id", tables=(ORDERS,)),
]
GOOD = [
    Example(note="A probe.", sql="SELECT 1 FROM orders WHERE user_id = $1 LIMIT 1", tables=(ORDERS,)),
    Example(note="A probe: all rows are alike.", sql="SELECT user_id FROM orders WHERE user_id = 5 LIMIT 1",
            tables=(ORDERS,)),
    Example(note="A probe in EXISTS.", sql="SELECT EXISTS (SELECT id FROM orders WHERE user_id = $1 LIMIT 1)",
            tables=(ORDERS,)),
    Example(note="At most one row.", sql="SELECT status FROM orders WHERE id = $1 LIMIT 1", tables=(ORDERS,)),
    Example(note="One row by an expression that is unique.",
            sql="SELECT id FROM users WHERE lower(email) = lower($1) LIMIT 1", tables=(USERS,)),
    Example(note="Django's get(): one row is expected.", sql="SELECT id FROM orders WHERE status = $1 LIMIT 21",
            tables=(ORDERS,)),
    Example(note="The same as it is counted: one row a call.", sql="SELECT id FROM orders WHERE status = $1 LIMIT $2",
            tables=(ORDERS,), calls=900, rows=870),
    Example(note="One row is counted.", sql="SELECT count(*) FROM orders LIMIT 1", tables=(ORDERS,)),
    Example(note="It is sorted below.", sql="SELECT t.id FROM (SELECT id FROM orders ORDER BY placed_at) t LIMIT 5",
            tables=(ORDERS,)),
    Example(note="LIMIT ALL is none.", sql="SELECT id FROM orders WHERE user_id = $1 LIMIT ALL", tables=(ORDERS,)),
    Example(note="A queue: any row that is free.",
            sql="SELECT id FROM orders WHERE status = 'open' LIMIT 1 FOR UPDATE SKIP LOCKED", tables=(ORDERS,)),
    Example(note="A portion of a large DELETE.",
            sql="DELETE FROM orders WHERE id IN (SELECT id FROM orders WHERE status = 'old' LIMIT 1000)",
            tables=(ORDERS,)),
    Example(note="A sample.", sql="SELECT id FROM orders TABLESAMPLE SYSTEM (1) LIMIT 10", tables=(ORDERS,)),
    Example(note="A count with a cap.",
            sql="SELECT count(*) FROM (SELECT id FROM orders WHERE user_id = $1 LIMIT 1000) t", tables=(ORDERS,)),
    Example(note="Numbers come in order.", sql="SELECT n FROM generate_series(1, 100) AS g(n) LIMIT 10"),
    Example(note="The table has fewer rows than that.", sql="SELECT id FROM region LIMIT 100",
            tables=(table("region", rows=40),)),
]  # fmt: skip


@query_rule(severity=Severity.INFO, since="0.2")
def check(query: Query, facts: Facts) -> Iterator[Finding]:
    if query.kind != "select" or query.is_truncated or any(scope.write for scope in query.scopes):
        return
    for scope in query.scopes:
        if _cuts(query, facts, scope) and not _is_any_row_right(query, facts, scope):
            yield _finding(query, facts, scope)


def _cuts(query: Query, facts: Facts, scope: Scope) -> bool:
    """Whether a LIMIT without order cuts rows off."""
    if scope.limit is None or scope.limit.text in CAPS or scope.sort_keys or scope.is_locking:
        return False
    if any(use.is_sampled for use in scope.tables) or any(facts.is_system(use.table) for use in scope.tables):
        return False
    rows = facts.rows(scope.tables[0].table) if len(scope.tables) == 1 else None
    if rows is not None and scope.limit.text.isdigit() and rows <= int(scope.limit.text):
        return False
    return bool(scope.set_operation) or not all(_comes_in_order(query, each.inner, each.kind) for each in scope.tables)


def _comes_in_order(query: Query, inner: int | None, kind: str) -> bool:
    """Whether the relation's rows are sorted below, or made one after another."""
    found = next((each for each in query.scopes if each.number == inner), None)
    return kind in ("function", "values") or (found is not None and bool(found.sort_keys))


def _is_cap(query: Query, facts: Facts, scope: Scope) -> bool:
    """Whether calls got one row at most, by a LIMIT that the counters do not tell: one as in `CAPS`, or of one row."""
    found = facts.statement(query.statement)
    if found is None or not found.calls or found.rows is None or scope.limit is None or scope.number:
        return False
    return scope.limit.text.startswith("$") and found.rows <= found.calls


def _is_any_row_right(query: Query, facts: Facts, scope: Scope) -> bool:
    """Whether the rows cannot differ, or nobody looks at them."""
    if _is_cap(query, facts, scope):
        return True
    if scope.comparison and scope.comparison.operator.endswith("EXISTS"):
        return True
    if scope.set_operation:
        return False
    if scope.has_aggregate and not scope.group_keys:
        return True
    if scope.outputs and all(_is_alike(scope, output) for output in scope.outputs):
        return True
    if {use.alias for use in scope.tables} <= single_relations(query, scope, facts):
        return True
    # Which columns are unique, the text alone does not tell.
    is_one = scope.limit is not None and scope.limit.text == "1"
    if is_one and not facts.has_catalog and any(each.operator == "=" for each in scope.predicates):
        return True
    above = next((each for each in query.scopes if each.number == scope.parent), None)
    return above is not None and bool(above.outputs) and all(each.is_count_star for each in above.outputs)


def _is_alike(scope: Scope, output: Output) -> bool:
    """Whether the output is the same in all rows: a constant, or a column that equals one."""
    if output.is_constant:
        return True
    return output.column is not None and any(
        predicate.operator == "=" and predicate.is_conjunct and predicate.column == output.column
        for predicate in scope.predicates
        if predicate.place == "where" and not (predicate.is_wrapped or predicate.is_negated)
        if predicate.value.kind in ("constant", "parameter")
    )


def _finding(query: Query, facts: Facts, scope: Scope) -> Finding:
    use = next((each for each in scope.tables if each.table), None)
    found = facts.table(use.table) if use else None
    label = found.label if found else use.alias if use else "the result"
    limit = scope.limit.text if scope.limit else ""
    keys = ", ".join(f"`{each}`" for each in found.primary_key.columns) if found and found.primary_key else ""
    advice = f"Add an ORDER BY that ends in a unique column{f', such as {keys}' if keys else ''}."
    spans: tuple[Span, ...] = (scope.span,) if scope.span and scope.number else ()
    return Finding(
        where=Where(statement=query.statement, table=use.table if use else None),
        message=f"LIMIT {limit} takes some rows of {label}, in no order",
        evidence=(Evidence(rung=Rung.INFERRED, text="nothing in the query says which rows come first"),),
        remedy=Remedy(text=advice),
        wrong_if="any rows will do",
        severity=Severity.INFO,
        spans=spans,
    )
