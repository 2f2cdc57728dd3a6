"""UNION looks for duplicates where there are none: UNION ALL gives the same rows.

## What it finds
A UNION whose arms cannot share a row and repeat none: a constant in each arm tells them apart, or they take rows of
one table by its key under conditions that exclude each other; and each arm holds a key, a group or a single row.

## Why it matters
UNION sorts or hashes all rows of all arms to find duplicates. The first row waits for the last, the rows may spill to
disk, and a LIMIT above cannot stop the work.

## What to do
Write UNION ALL.

## When to leave it
It is proven: the same rows come back, perhaps in another order where none was asked for.

## Source
https://www.postgresql.org/docs/current/queries-union.html
"""

import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from itertools import combinations, pairwise

from pgadvisor.rule import (
    Evidence,
    Example,
    Facts,
    Finding,
    Output,
    Predicate,
    Query,
    Remedy,
    Rung,
    Scope,
    Severity,
    Span,
    Where,
    has_distinct_rows,
    query_rule,
    table,
)

OPPOSITE = {("=", "<>"), ("IS NULL", "IS NOT NULL"), ("IS TRUE", "IS FALSE")}
"""Pairs of tests (of the same value) that no row meets both of."""
TEXT_TYPES = ("text", "character")
TEXT_CAST = re.compile(r"('[^']*')\s*::\s*text", re.I)
NUMBER_TYPES = ("smallint", "integer", "bigint", "numeric")
TIME_TYPES = ("date", "timestamp")
MIDNIGHT = re.compile(r"\d{4}-\d\d-\d\d(?: 00:00(?::00)?)?")

ORDERS = table("orders", columns={"user_id": "bigint", "status": "text", "paid_at": "timestamp with time zone"})
REVIEWS = table("reviews", columns={"user_id": "bigint"})
BAD = [
    Example(
        sql="SELECT id, 'order' AS kind FROM orders WHERE user_id = 5 UNION SELECT id, 'review' FROM reviews",
        tables=(ORDERS, REVIEWS),
        remedy="WHERE user_id = 5 UNION ALL SELECT id, 'review' FROM reviews",
    ),
    Example(
        sql="SELECT 'a'::text AS t, id FROM orders UNION SELECT 'b'::text, id FROM reviews",
        tables=(ORDERS, REVIEWS),
    ),
    Example(
        sql="SELECT 'a' AS t, count(*) FROM orders UNION SELECT 'b', count(*) FROM reviews",
        tables=(ORDERS, REVIEWS),
    ),
    Example(
        sql="SELECT id FROM orders WHERE status = 'open' UNION SELECT id FROM orders WHERE status = 'sent'",
        tables=(ORDERS,),
    ),
    Example(
        sql="SELECT id, status FROM orders WHERE paid_at IS NULL UNION "
        "SELECT id, status FROM orders WHERE paid_at IS NOT NULL",
        tables=(ORDERS,),
    ),
    Example(
        sql="SELECT id FROM orders WHERE paid_at < '2024-01-01' UNION "
        "SELECT id FROM orders WHERE paid_at >= '2024-01-01 00:00'",
        tables=(ORDERS,),
    ),
    Example(
        sql="SELECT id FROM orders WHERE user_id BETWEEN 1 AND 9 UNION SELECT id FROM orders WHERE user_id > 9",
        tables=(ORDERS,),
    ),
    Example(
        sql="SELECT 1, user_id FROM orders GROUP BY user_id UNION SELECT 2, user_id FROM reviews GROUP BY user_id",
        tables=(ORDERS, REVIEWS),
    ),
]
GOOD = [
    Example(
        note="UNION also takes the duplicates within an arm.",
        sql="SELECT user_id, 'order' AS kind FROM orders UNION SELECT user_id, 'review' FROM reviews",
        tables=(ORDERS, REVIEWS),
    ),
    Example(
        note="An order may be in both arms.",
        sql="SELECT id FROM orders WHERE user_id = 5 UNION SELECT id FROM orders WHERE status = 'open'",
        tables=(ORDERS,),
    ),
    Example(
        note="Two tables may hold the same number.",
        sql="SELECT id FROM orders UNION SELECT id FROM reviews",
        tables=(ORDERS, REVIEWS),
    ),
    Example(
        note="Different rows may look alike without their key.",
        sql="SELECT status FROM orders WHERE paid_at IS NULL UNION SELECT status FROM orders WHERE paid_at IS NOT NULL",
        tables=(ORDERS,),
    ),
    Example(
        note="The ninth is in both.",
        sql="SELECT id FROM orders WHERE user_id <= 9 UNION SELECT id FROM orders WHERE user_id BETWEEN 9 AND 20",
        tables=(ORDERS,),
    ),
    Example(
        note="Which of two texts comes first, the collation says.",
        sql="SELECT id FROM orders WHERE status < 'a' UNION SELECT id FROM orders WHERE status > 'b'",
        tables=(ORDERS,),
    ),
    Example(
        note="The same constant.",
        sql="SELECT id, 'x' FROM orders UNION SELECT id, 'x' FROM reviews",
        tables=(ORDERS, REVIEWS),
    ),
    Example(
        note="A recursive query ends by it.",
        sql="WITH RECURSIVE t AS (SELECT 1 AS n UNION SELECT n + 1 FROM t WHERE n < 5) SELECT n FROM t",
    ),
]


@query_rule(severity=Severity.INFO, since="0.2")
def check(query: Query, facts: Facts) -> Iterator[Finding]:
    if query.is_truncated:
        return
    for scope in query.scopes:
        if scope.set_operation != "union" or scope.is_recursive:
            continue
        arms = [each for each in query.children(scope.number) if each.place == "arm"]
        if any(arm.set_operation or not has_distinct_rows(query, arm, facts) for arm in arms):
            continue
        reasons = [_apart(facts, one, other) for one, other in combinations(arms, 2)]
        if reasons and all(reasons):
            yield _finding(query, scope, arms, str(reasons[0]))


def _apart(facts: Facts, one: Scope, other: Scope) -> str | None:
    """Why the two share no row; None: they may."""
    for ours, theirs in zip(one.outputs, other.outputs, strict=False):
        if ours.is_constant and theirs.is_constant and _differ(ours.text, theirs.text):
            return "different constants in the arms keep them apart"
    if not _show_same_key(facts, one, other):
        return None
    for mine in one.predicates:
        for theirs_too in other.predicates:
            if _exclude(facts, mine, theirs_too):
                return f"no row meets both conditions on `{mine.key}`"
    return None


def _differ(one: str, other: str) -> bool:
    """Whether two literals of one kind are different values: both strings, numbers or truth values."""
    if {one.lower(), other.lower()} == {"true", "false"}:
        return True
    if (first := TEXT_CAST.fullmatch(one)) and (second := TEXT_CAST.fullmatch(other)):
        one, other = first[1], second[1]
    if one.startswith("'") and other.startswith("'"):
        return one.rstrip("' ") != other.rstrip("' ") and "::" not in one + other
    try:
        return Decimal(one) != Decimal(other)
    except InvalidOperation:
        return False


def _show_same_key(facts: Facts, one: Scope, other: Scope) -> bool:
    """Whether both hand out the primary key of the same table in the same places."""
    if len(one.tables) != 1 or len(other.tables) != 1 or one.tables[0].kind != "table":
        return False
    found = facts.table(one.tables[0].table)
    if found is None or one.tables[0].table != other.tables[0].table or found.primary_key is None:
        return False
    shared = {_name(ours) for ours, theirs in zip(one.outputs, other.outputs, strict=False)
              if _name(ours) and _name(ours) == _name(theirs)}  # fmt: skip
    return shared >= set(found.primary_key.columns)


def _name(output: Output) -> str | None:
    return output.column.column if output.column else None


def _exclude(facts: Facts, one: Predicate, other: Predicate) -> bool:
    """Whether no row meets both: conditions on the same column, each binding its whole arm."""
    for each in (one, other):
        if each.place != "where" or not each.is_conjunct or each.is_wrapped or each.column is None:
            return False
    if one.column is None or other.column is None or one.column.column != other.column.column:
        return False
    left, right = _operator(one), _operator(other)
    if (left, right) in OPPOSITE or (right, left) in OPPOSITE:
        is_literal = one.value.kind in ("constant", "none") and one.value.kind == other.value.kind
        return is_literal and (one.value.text, one.value.type) == (other.value.text, other.value.type)
    found = facts.column(one.column.table, one.column.column)
    if found is None or found.collation is not None or one.is_negated or other.is_negated:
        return False
    return _lies_below(found.type, one, other) or _lies_below(found.type, other, one)


def _operator(predicate: Predicate) -> str:
    negated = {"IS NULL": "IS NOT NULL", "IS NOT NULL": "IS NULL", "IS TRUE": "IS FALSE", "=": "<>", "<>": "="}
    return negated.get(predicate.operator, "") if predicate.is_negated else predicate.operator


def _lies_below(kind: str, one: Predicate, other: Predicate) -> bool:
    """Whether all values that the one allows come before those of the other; of texts, whether they differ."""
    high, low = _end(kind, one, ("<", "<=", "=")), _end(kind, other, (">", ">=", "="))
    if high is None or low is None or type(high) is not type(low):
        return False
    is_open = one.operator == "<" or other.operator == ">"
    if isinstance(high, str) and kind.startswith(TEXT_TYPES):
        # How texts sort, the collation says.
        return is_open if high == low else one.operator == other.operator == "="
    return high < low or (high == low and is_open)  # type: ignore[operator]


def _end(kind: str, predicate: Predicate, operators: tuple[str, ...]) -> str | Decimal | None:
    """The last value (or the first) that the condition allows, in a form that compares as the type does."""
    value = predicate.value
    if predicate.operator == "BETWEEN":
        value = predicate.upper or value if operators[0] == "<" else value
    elif predicate.operator not in operators:
        return None
    if value.kind != "constant" or value.type not in ("string", "integer", "number", kind):
        return None
    if kind.startswith(TEXT_TYPES):
        return value.text.rstrip()
    if kind.startswith(NUMBER_TYPES):
        try:
            return Decimal(value.text)
        except InvalidOperation:
            return None
    # Midnights alone: a date drops the time of day, and where clocks change times of day are not in order.
    return value.text[:10] if kind.startswith(TIME_TYPES) and MIDNIGHT.fullmatch(value.text) else None


def _finding(query: Query, scope: Scope, arms: list[Scope], reason: str) -> Finding:
    words = _words(query, arms)
    sql = query.spliced(*((span, "UNION ALL") for span in words)) if words else None
    is_whole = sql is not None and query.kind == "select"
    return Finding(
        where=Where(statement=query.statement, table=next((use.table for arm in arms for use in arm.tables), None)),
        message="UNION looks for duplicates among rows that cannot repeat",
        evidence=(Evidence(rung=Rung.INFERRED, text=f"{reason}, and no arm repeats a row"),),
        remedy=Remedy(text="Write UNION ALL: the same rows, without sorting or hashing them.",
                      sql=sql if is_whole else None),
        wrong_if="a constraint that makes a key unique is dropped",
        severity=Severity.INFO,
        spans=words,
    )  # fmt: skip


def _words(query: Query, arms: list[Scope]) -> tuple[Span, ...]:
    """Where the UNIONs between the arms stand; nothing where one was not found."""
    found: list[Span] = []
    for one, other in pairwise(arms):
        if one.span is None or other.span is None:
            return ()
        between = query.text[one.span.end : other.span.start]
        words = list(re.finditer(r"\bunion\b(?:\s+distinct\b)?", between, re.I))
        if len(words) != 1 or "--" in between or "/*" in between:
            return ()
        found.append(Span(start=one.span.end + words[0].start(), end=one.span.end + words[0].end()))
    return tuple(found)
