"""HAVING filters by a column that WHERE could filter before the rows are grouped.

## What it finds
A condition of HAVING (joined to the others by AND) that holds no aggregate: it is the same for all rows of a group.

## Why it matters
HAVING says that groups are chosen by what was computed of them. PostgreSQL moves a plain condition into WHERE by
itself, so most cost nothing but the reader's time; one with a subquery stays, and then every group is made before most
are thrown away.

## What to do
Move the condition into WHERE.

## When to leave it
GROUPING SETS, ROLLUP and CUBE: there a key is NULL in the rows of its subtotals, which only HAVING can tell.

## Source
https://www.postgresql.org/docs/current/sql-select.html#SQL-HAVING
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
    Value,
    Where,
    query_rule,
    table,
)

ORDERS = table("orders", columns={"user_id": "bigint", "status": "text", "total": "numeric"})
BAD = [
    Example(sql="SELECT user_id, count(*) FROM orders GROUP BY user_id HAVING NOT user_id = 5", tables=(ORDERS,)),
    Example(sql="SELECT status, count(*) FROM orders GROUP BY status HAVING status <> 'cancelled'", tables=(ORDERS,)),
    Example(
        sql="SELECT user_id, status, count(*) FROM orders GROUP BY user_id, status "
        "HAVING status = 'open' AND count(*) > 1",
        tables=(ORDERS,),
    ),
    Example(
        sql="SELECT user_id, sum(total) FROM orders GROUP BY user_id HAVING user_id IN (1, 2) OR user_id > 900",
        tables=(ORDERS,),
    ),
    Example(
        sql="SELECT lower(status), count(*) FROM orders GROUP BY 1 HAVING lower(status) = 'open'", tables=(ORDERS,)
    ),
]
GOOD = [
    Example(
        note="An aggregate is under the same NOT.",
        sql="SELECT user_id FROM orders GROUP BY user_id HAVING NOT (user_id = 5 AND count(*) > 3)",
        tables=(ORDERS,),
    ),
    Example(note="An aggregate.", sql="SELECT user_id FROM orders GROUP BY user_id HAVING count(*) > 5",
            tables=(ORDERS,)),
    Example(
        note="Either of both: the aggregate must be known.",
        sql="SELECT status FROM orders GROUP BY status HAVING status = 'open' OR count(*) > 10",
        tables=(ORDERS,),
    ),
    Example(
        note="Subtotals have a NULL there.",
        sql="SELECT status, count(*) FROM orders GROUP BY ROLLUP (status) HAVING status = 'open'",
        tables=(ORDERS,),
    ),
    Example(
        note="An aggregate on the right.",
        sql="SELECT user_id FROM orders GROUP BY user_id HAVING user_id < max(total)",
        tables=(ORDERS,),
    ),
    Example(note="All rows are one group.", sql="SELECT max(total) FROM orders HAVING max(total) IS NOT NULL",
            tables=(ORDERS,)),
]  # fmt: skip


@query_rule(severity=Severity.INFO, since="0.2")
def check(query: Query, facts: Facts) -> Iterator[Finding]:
    for scope in query.scopes:
        if scope.has_grouping_sets or not scope.group_keys:
            continue
        found = _movable(scope)
        if found:
            yield _finding(query, facts, scope, found)


def _movable(scope: Scope) -> list[Predicate]:
    """Conditions of HAVING that are the same for all rows of a group."""
    having = [each for each in scope.predicates if each.place == "having"]
    tied = {each.disjunction for each in having if not _is_plain(each)} - {None}
    if all(_is_plain(each) for each in having):
        return having
    return [
        each
        for each in having
        if _is_plain(each) and (each.is_conjunct or (each.disjunction is not None and each.disjunction not in tied))
    ]


def _is_plain(predicate: Predicate) -> bool:
    """Whether nothing in it is computed of a group, or anew for each row."""
    values = [value for value in (predicate.value, predicate.upper) if value]
    text = " ".join([predicate.source, *(value.text for value in values if value.kind != "subquery")])
    is_volatile = re.search(r"\b(?:random|nextval|clock_timestamp)\s*\(", text, re.I)
    is_told = predicate.operator == "EXISTS" or bool(predicate.columns)
    return is_told and not (predicate.has_aggregate or is_volatile or any(_computes(value) for value in values))


def _computes(value: Value) -> bool:
    """Whether the other side may hold an aggregate: a call with a column or a star in it, or an outer subquery."""
    if value.kind == "list":
        return any(_computes(item) for item in value.items)
    return value.kind == "expression" and (bool(value.columns) or "*)" in value.text) and "(" in value.text


def _finding(query: Query, facts: Facts, scope: Scope, found: list[Predicate]) -> Finding:
    use = next((each for each in scope.tables if each.table), None)
    stays = any(each.value.kind == "subquery" for each in found)
    first = found[0]
    text = "every group is made before it is dropped" if stays else "it is the same for all rows of a group"
    named = f"`{query.cut(first.span)}`" if first.span else f"the condition on `{first.source}`"
    return Finding(
        where=Where(statement=query.statement, table=use.table if use else None),
        message=f"HAVING filters by `{first.source}`, which no aggregate is needed for",
        evidence=(Evidence(rung=Rung.INFERRED, text=text),),
        remedy=Remedy(text=f"Move {named} into WHERE." if len(found) == 1 else "Move these conditions into WHERE."),
        wrong_if="the condition calls a volatile function",
        severity=Severity.INFO,
        spans=tuple(each.span for each in found if each.span),
    )
