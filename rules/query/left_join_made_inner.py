"""A condition in WHERE throws away the rows that a LEFT JOIN was to keep.

## What it finds
A condition of WHERE that is never true for NULL, on a column of the outer side of a LEFT (or RIGHT) JOIN: the rows
without a match, which have NULL there, all go. So does an inner join whose ON needs such a column.

## Why it matters
The query is an inner join. Either LEFT is wrong, and misleads the reader, or the condition stands in the wrong place,
and rows without a match are missing from the result without an error.

## What to do
Move the condition into the ON of the join to keep the rows without a match; or write JOIN.

## When to leave it
Tests that NULL passes: `IS NULL`, `IS DISTINCT FROM`, `coalesce(…)`, `… OR x IS NULL`. They are not reported.

## Source
https://www.postgresql.org/docs/current/queries-table-expressions.html#QUERIES-JOIN
"""

import re
from collections import defaultdict
from collections.abc import Iterator

from pgadvisor.rule import (
    ColumnUse,
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
    is_denied,
    query_rule,
    table,
)

STRICT = frozenset({"=", "<>", "<", "<=", ">", ">=", "LIKE", "ILIKE", "SIMILAR TO", "~", "~*", "BETWEEN", "@>", "<@",
                    "&&", "?", "?|", "?&", "@@", "@?", "IS NOT NULL", "IS FALSE"})  # fmt: skip
"""Operators that are not true for NULL, negated or not."""
STRICT_WRAPS = frozenset({"cast", "arithmetic", "json", "at time zone"})
STRICT_FUNCTIONS = frozenset(
    (
        "abs",
        "btrim",
        "ceil",
        "char_length",
        "date",
        "date_part",
        "date_trunc",
        "extract",
        "floor",
        "left",
        "length",
        "lower",
        "ltrim",
        "md5",
        "round",
        "rtrim",
        "substr",
        "substring",
        "to_char",
        "to_date",
        "to_tsvector",
        "trim",
        "upper",
    )
)
"""Usual functions that give NULL for NULL."""

USERS = table("users", columns={"email": "text", "is_admin": "boolean"})
ORDERS = table("orders", columns={"user_id": "bigint", "status": "text", "total": "numeric"})
BOTH = (USERS, ORDERS)
BAD = [
    Example(
        sql="SELECT u.id, o.id FROM users u LEFT JOIN orders o ON o.user_id = u.id WHERE o.status = 'open'",
        tables=BOTH,
        remedy="FROM users u JOIN orders o ON o.user_id = u.id WHERE o.status = 'open'",
    ),
    Example(
        sql="SELECT u.id FROM users u LEFT OUTER JOIN orders AS o ON o.user_id = u.id WHERE o.id IS NOT NULL",
        tables=BOTH,
        remedy="FROM users u JOIN orders AS o",
    ),
    Example(
        sql="SELECT u.id FROM users u LEFT JOIN orders o ON o.user_id = u.id WHERE o.status = 'a' OR o.status = 'b'",
        tables=BOTH,
    ),
    Example(
        sql="SELECT u.id, o.total FROM orders o RIGHT JOIN users u ON o.user_id = u.id WHERE lower(o.status) <> 'open'",
        tables=BOTH,
    ),
    Example(
        sql="SELECT o.id FROM orders o LEFT JOIN users u ON u.id = o.user_id WHERE NOT u.is_admin AND o.total > 5",
        tables=BOTH,
    ),
    Example(
        sql="SELECT u.id FROM users u LEFT JOIN (SELECT user_id, count(*) AS n FROM orders GROUP BY user_id) t "
        "ON t.user_id = u.id WHERE t.n > 5",
        tables=BOTH,
    ),
    Example(
        sql="SELECT u.id FROM users u LEFT JOIN orders o ON o.user_id = u.id WHERE NOT (o.status = 'open')",
        tables=BOTH,
    ),
]
GOOD = [
    Example(
        note="The condition stands in ON.",
        sql="SELECT u.id, o.id FROM users u LEFT JOIN orders o ON o.user_id = u.id AND o.status = 'open'",
        tables=BOTH,
    ),
    Example(
        note="An anti-join.",
        sql="SELECT u.id FROM users u LEFT JOIN orders o ON o.user_id = u.id WHERE o.id IS NULL",
        tables=BOTH,
    ),
    Example(
        note="NULL passes.",
        sql="SELECT u.id FROM users u LEFT JOIN orders o ON o.user_id = u.id WHERE o.status = 'open' OR o.id IS NULL",
        tables=BOTH,
    ),
    Example(
        note="NULL is replaced first.",
        sql="SELECT u.id FROM users u LEFT JOIN orders o ON o.user_id = u.id WHERE coalesce(o.status, 'open') = 'open'",
        tables=BOTH,
    ),
    Example(
        note="NULL differs from it.",
        sql="SELECT u.id FROM users u LEFT JOIN orders o ON o.user_id = u.id WHERE o.status IS DISTINCT FROM 'open'",
        tables=BOTH,
    ),
    Example(
        note="A condition on the side that is kept.",
        sql="SELECT u.id, o.id FROM users u LEFT JOIN orders o ON o.user_id = u.id WHERE u.email = $1",
        tables=BOTH,
    ),
    Example(
        note="Either side will do.",
        sql="SELECT u.id FROM users u LEFT JOIN orders o ON o.user_id = u.id WHERE u.is_admin OR o.status = 'open'",
        tables=BOTH,
    ),
    Example(
        note="The test is true for NULL.",
        sql="SELECT u.id FROM users u LEFT JOIN orders o ON o.user_id = u.id WHERE (o.status = 'open') IS NOT TRUE",
        tables=BOTH,
    ),
    Example(
        note="Groups with few rows, or none.",
        sql="SELECT u.id FROM users u LEFT JOIN orders o ON o.user_id = u.id GROUP BY u.id HAVING count(o.id) < 3",
        tables=BOTH,
    ),
]


@query_rule(severity=Severity.INFO, since="0.2")
def check(query: Query, facts: Facts) -> Iterator[Finding]:
    for scope in query.scopes:
        rejecting = _rejecting(query, scope)
        for use in _filled_up(scope):
            found = rejecting.get(use.alias)
            if found:
                yield _finding(query, facts, scope, use, found)


def _filled_up(scope: Scope) -> Iterator[TableUse]:
    """The relations whose columns an outer join fills with NULL."""
    for at, use in enumerate(scope.tables):
        if use.join == "left" or any(later.join == "right" for later in scope.tables[at + 1 :]):
            yield use


def _rejecting(query: Query, scope: Scope) -> dict[str, Predicate]:
    """For each alias a condition that every row must meet and that no row with NULL in its columns does."""
    found: dict[str, Predicate] = {}
    arms: dict[int, list[set[str]]] = defaultdict(list)
    for predicate in scope.predicates:
        aliases = _aliases_rejected(query, scope, predicate)
        is_binding = predicate.place == "where" or (predicate.place == "on" and _is_inner(scope, predicate))
        if is_binding and (predicate.is_conjunct or is_denied(query, predicate)):
            for alias in aliases:
                found.setdefault(alias, predicate)
        elif predicate.place == "where" and predicate.disjunction is not None:
            arms[predicate.disjunction].append(aliases)
    for number, several in arms.items():
        for alias in set.intersection(*several):
            one = next(each for each in scope.predicates if each.disjunction == number)
            found.setdefault(alias, one)
    return found


def _is_inner(scope: Scope, predicate: Predicate) -> bool:
    """Whether the condition stands in the ON of an inner join."""
    order = [use.alias for use in scope.tables]
    named = [column.alias for column in _columns(predicate) if column.alias in order]
    last = max((order.index(alias) for alias in named if alias), default=None)
    return (
        last is not None
        and scope.tables[last].join == "inner"
        and not any(use.join in ("left", "right", "full") for use in scope.tables[last:])
    )


def _columns(predicate: Predicate) -> list[ColumnUse]:
    value = predicate.value
    return [*predicate.columns, *value.columns, *((value.column,) if value.column else ())]


def _aliases_rejected(query: Query, scope: Scope, predicate: Predicate) -> set[str]:
    """Aliases of this scope of which a row of NULLs does not pass the condition."""
    if not _is_strict(query, predicate):
        return set()
    sides = [predicate.column] if predicate.column and _hands_null_on(predicate) else []
    sides += [predicate.value.column] if predicate.value.column else []
    return {column.alias for column in sides if column.alias and column.scope == scope.number}


def _is_strict(query: Query, predicate: Predicate) -> bool:
    text = query.cut(predicate.span)
    if predicate.operator == "IS TRUE":
        # `x IS TRUE` and a bare `x`; `NOT x` as well, but not `NOT (x IS TRUE)`.
        return not predicate.is_negated or not re.search(r"\bis\b", text, re.I)
    if predicate.operator in ("IS NULL", "IS NOT NULL"):
        return (predicate.operator == "IS NOT NULL") != predicate.is_negated
    if predicate.operator in ("IN", "= ANY"):
        # NOT IN (an empty subquery) is true for NULL.
        return not predicate.is_negated or predicate.value.kind == "list"
    if predicate.operator == "IS FALSE":
        return not predicate.is_negated
    return predicate.operator in STRICT


def _hands_null_on(predicate: Predicate) -> bool:
    """Whether what stands around the column is NULL when the column is."""
    if not predicate.is_wrapped:
        return True
    if re.search(r"\b(?:coalesce|case|concat|nullif|greatest|least|count)\b|\bis\b", predicate.source, re.I):
        return False
    return predicate.wrap in STRICT_WRAPS or (predicate.wrap == "function" and predicate.function in STRICT_FUNCTIONS)


def _finding(query: Query, facts: Facts, scope: Scope, use: TableUse, predicate: Predicate) -> Finding:
    found = facts.table(use.table)
    label = found.label if found else use.table or use.alias
    word = "LEFT JOIN" if use.join == "left" else "RIGHT JOIN"
    place = "WHERE" if predicate.place == "where" else "a later JOIN"
    keyword = _keyword(query, use)
    is_or = predicate.disjunction is not None
    said = (
        f"`{query.cut(predicate.span)}`" if predicate.span and not is_or else f"the condition on `{predicate.source}`"
    )
    spans = tuple(span for span in (predicate.span, keyword) if span)
    return Finding(
        where=Where(statement=query.statement, table=use.table),
        message=f"{word} of {label} is an inner join: {place} drops every row without a match",
        evidence=(Evidence(rung=Rung.INFERRED, text=f"{said} is not true for the NULLs of a row without a match"),),
        remedy=Remedy(
            text=f"Move {said} into ON to keep the rows without a match; or write JOIN, which is what is done now"
            + (", as below." if keyword and query.kind == "select" else "."),
            sql=query.spliced((keyword, "JOIN")) if keyword and query.kind == "select" else None,
        ),
        wrong_if="an inner join is meant; then write it",
        severity=Severity.INFO,
        spans=spans,
    )


def _keyword(query: Query, use: TableUse) -> Span | None:
    """Where the words LEFT JOIN stand, right before the table."""
    if use.span is None or use.join != "left":
        return None
    found = re.search(r"\bleft\s+(?:outer\s+)?join(?=\s+\Z)", query.text[: use.span.start], re.I)
    return Span(start=found.start(), end=found.end()) if found else None
