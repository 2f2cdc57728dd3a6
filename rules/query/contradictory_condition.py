"""Conditions on one column that exclude each other: no row is ever found.

## What it finds
`a = 'x' AND a = 'y'`, `n > 100 AND n < 50`, `n BETWEEN 10 AND 5`, `a IS NULL AND a = 'x'`, with the values in the text.

## Why it matters
The query returns nothing, or an UPDATE changes nothing, without an error. OR was meant, the ends were exchanged, or two
parts of a program each added a condition.

## What to do
Write OR or IN; exchange the ends.

## When to leave it
The query is meant to be empty. (`WHERE false`, as object mappers write it, is not told.)

## Source
https://www.postgresql.org/docs/current/functions-logical.html
"""

from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from itertools import combinations

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
    Severity,
    Value,
    Where,
    query_rule,
    table,
)

LOWER, UPPER = frozenset({">", ">=", "=", "BETWEEN"}), frozenset({"<", "<=", "=", "BETWEEN"})
STRICT = frozenset({"=", "<", "<=", ">", ">=", "BETWEEN", "IN", "LIKE", "ILIKE", "<>"})
NUMBERS = ("smallint", "integer", "bigint", "numeric", "real", "double precision")

ORDERS = table("orders", columns={"status": "text", "total": "bigint", "code": "citext", "tags": "text[]"})
BAD = [
    Example(sql="SELECT id FROM orders WHERE status = 'a' AND status = 'b'", tables=(ORDERS,)),
    Example(sql="SELECT id FROM orders o WHERE o.total > 100 AND 50 > o.total", tables=(ORDERS,)),
    Example(sql="DELETE FROM orders WHERE total BETWEEN 10 AND 5", tables=(ORDERS,)),
    Example(sql="SELECT id FROM orders WHERE status IS NULL AND status = 'a'", tables=(ORDERS,)),
]
GOOD = [
    Example(note="A range.", sql="SELECT id FROM orders WHERE total > 50 AND total < 100", tables=(ORDERS,)),
    Example(note="Either.", sql="SELECT id FROM orders WHERE status = 'a' OR status = 'b'", tables=(ORDERS,)),
    Example(note="Two rows.", tables=(ORDERS,),
            sql="SELECT a.id FROM orders a JOIN orders b ON b.id = a.id + 1 WHERE a.status = 'a' AND b.status = 'b'"),
    Example(note="An array holds both.", sql="SELECT id FROM orders WHERE tags @> '{a}' AND tags @> '{b}'",
            tables=(ORDERS,)),
    Example(note="The type ignores case.", sql="SELECT id FROM orders WHERE code = 'A' AND code = 'a'",
            tables=(ORDERS,)),
    Example(note="Meant to be empty.", sql="SELECT id FROM orders WHERE false", tables=(ORDERS,)),
    Example(note="One value, spelled twice.", sql="SELECT id FROM orders WHERE total = 1 AND total = 1.0",
            tables=(ORDERS,)),
]  # fmt: skip


@query_rule(severity=Severity.WARNING, since="0.2", aliases=("always-false",))
def check(query: Query, facts: Facts) -> Iterator[Finding]:
    for scope in () if query.is_truncated else query.scopes:
        asked: dict[ColumnUse, list[Predicate]] = defaultdict(list)
        for each in scope.predicates:
            is_plain = each.is_conjunct and not (each.is_negated or each.is_wrapped) and each.place == "where"
            if is_plain and each.column and each.column.alias and each.column.scope == scope.number:
                asked[each.column].append(each)
        for column, tests in asked.items():
            found = next((pair for pair in _pairs(tests) if _exclude(facts, column, *pair)), None)
            if found:
                yield _finding(query, column, tuple(dict.fromkeys(found)))


def _pairs(tests: list[Predicate]) -> Iterator[tuple[Predicate, Predicate]]:
    """Each with each other, and a BETWEEN with itself."""
    yield from ((each, each) for each in tests if each.operator == "BETWEEN")
    yield from combinations(tests, 2)


def _exclude(facts: Facts, column: ColumnUse, one: Predicate, other: Predicate) -> bool:
    """Whether no value fulfils both."""
    operators = {one.operator, other.operator}
    if "IS NULL" in operators:
        return bool(operators & STRICT)
    found = facts.column(column.table, column.column)
    kind = found.type.split("(")[0] if found else ""
    if kind in NUMBERS:
        return _is_empty(one, other) or _is_empty(other, one)
    is_text = kind in ("text", "character varying") and found is not None and not found.collation
    values = (one.value, other.value)
    is_told = all(each.kind == "constant" and each.type in ("string", "text", "character varying") for each in values)
    return is_text and operators == {"="} and is_told and one.value.text != other.value.text


def _is_empty(low: Predicate, high: Predicate) -> bool:
    """Whether the lower bound of one lies above the upper bound of the other."""
    if low.operator not in LOWER or high.operator not in UPPER:
        return False
    start, end = _number(low.value), _number(high.upper or high.value)
    if start is None or end is None:
        return False
    is_open = low.operator == ">" or high.operator == "<"
    return start > end or (start == end and is_open)


def _number(value: Value) -> Decimal | None:
    try:
        found = Decimal(value.text) if value.kind == "constant" else None
    except InvalidOperation:
        return None
    return found if found is not None and found.is_finite() else None


def _finding(query: Query, column: ColumnUse, tests: tuple[Predicate, ...]) -> Finding:
    return Finding(
        where=Where(statement=query.statement, table=column.table, column=column.column),
        message=f"the conditions on `{column.column}` exclude each other: no row is ever found",
        evidence=(Evidence(rung=Rung.INFERRED, text="no value fulfils both"),),
        remedy=Remedy(
            text="Write OR or IN if either will do; exchange the ends of a range that is the wrong way round."
        ),
        wrong_if="the query is meant to return nothing",
        severity=Severity.WARNING,
        spans=tuple(each.span for each in tests if each.span),
    )
