"""BETWEEN on a timestamp takes its upper end in: rows are lost or counted twice at the boundary.

## What it finds
`at BETWEEN '2024-01-01' AND '2024-01-31 23:59:59'` and the like, also written `>= … AND <= …`, on a column of type
timestamp or timestamptz, with dates or times written in the text.

## Why it matters
BETWEEN is closed at both ends. A date stands for its midnight, so that `AND '2024-01-31'` loses nearly all of the last
day; `23:59:59` loses its last second; and where one period ends with `'2024-02-01'` and the next begins with it, what
happened at midnight is in both.

## What to do
Write a half-open range: `at >= start AND at < start_of_the_next_period`.

## When to leave it
The column holds whole days or seconds only, or the ends are just moments, such as `now() - interval '1 day' AND now()`.

## Source
https://wiki.postgresql.org/wiki/Don%27t_Do_This#Don.27t_use_BETWEEN_.28especially_with_timestamps.29
"""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta

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
    Value,
    Where,
    query_rule,
    table,
)

TIMED = re.compile(r"timestamp(?P<digits>\(\d\))? with(?:out)? time zone\Z|timestamp(?:tz)?\Z")
WRITTEN = re.compile(
    r"\d{4}-\d\d?-\d\d?(?P<time>[ T]\d\d:\d\d(?P<seconds>:\d\d(?P<fraction>\.\d+)?)?)?"
    r" ?(?:z|utc|[+-]\d\d(?::?\d\d)?)?\Z",
    re.I,
)
LAST_INSTANT = re.compile(r"[ T]23:59:59\.(?:9{6}|9{7,})")
LAST_SECOND = re.compile(r"[ T]23:59(?::59(?:\.\d+)?)?(?: ?(?:z|utc|[+-]\d\d(?::?\d\d)?))?\Z", re.I)
DAYS = re.compile(
    r"\bcurrent_date\b|::\s*date\b|\bas\s+date\s*\)|\bdate\s*'|\b(?:date_trunc|date|to_date|make_date)\s*\("
    r"|(?:\btimestamp(?:tz)?\s*'\d{4}-\d\d?-\d\d?'|'\d{4}-\d\d?-\d\d?'::\s*timestamp(?:tz)?)"
    r"\s*[+-]\s*interval\s*'[^':]*\b(?:days?|weeks?|mons?|months?|years?)\s*'",
    re.I,
)
"""An expression that gives the start of a day, or what stands whole days from it."""
EXACT = re.compile(r"\bmicroseconds?\b", re.I)
"""One microsecond before the next period is the very end of this one."""
MOMENT = re.compile(r"\b(?:now\s*\(|current_timestamp|localtimestamp|clock_timestamp|statement_timestamp)", re.I)

ORDERS = table("orders", columns={"at": "timestamp with time zone", "due_on": "date",
                                  "done_at": "timestamp(0) without time zone",
                                  "total": "numeric"})  # fmt: skip
BAD = [
    Example(
        sql="SELECT id FROM orders WHERE at BETWEEN '2024-01-01 00:00:00' AND '2024-01-31 23:59:59'",
        note="Loses the last second.",
        tables=(ORDERS,),
        remedy="WHERE at >= '2024-01-01 00:00:00' AND at < '2024-02-01'",
    ),
    Example(
        sql="SELECT id FROM orders o WHERE o.at BETWEEN '2024-01-01' AND '2024-02-01'",
        note="The first of February is taken in with its midnight.",
        tables=(ORDERS,),
        remedy="WHERE o.at >= '2024-01-01' AND o.at < '2024-02-01'",
    ),
    Example(
        sql="SELECT id FROM orders WHERE at BETWEEN '2024-01-01' AND '2024-01-31'",
        note="Loses the last day.",
        tables=(ORDERS,),
        remedy="WHERE at >= '2024-01-01' AND at < '2024-02-01'",
    ),
    Example(sql="SELECT id FROM orders WHERE at BETWEEN current_date - 7 AND current_date", tables=(ORDERS,)),
    Example(
        sql="SELECT id FROM orders WHERE at BETWEEN '2024-01-01' AND timestamp '2024-01-01' + interval '1 month'",
        tables=(ORDERS,),
    ),
    Example(sql="SELECT id FROM orders WHERE at >= '2024-01-01' AND at <= '2024-01-31 23:59:59'", tables=(ORDERS,)),
    Example(
        sql="WITH o AS (SELECT at FROM orders) SELECT count(*) FROM o WHERE at BETWEEN '2024-01-01' AND '2024-01-31'",
        tables=(ORDERS,),
    ),
]
GOOD = [
    Example(note="Half open.", sql="SELECT id FROM orders WHERE at >= '2024-01-01' AND at < '2024-02-01'",
            tables=(ORDERS,)),
    Example(note="Whole days.", sql="SELECT id FROM orders WHERE due_on BETWEEN '2024-01-01' AND '2024-01-31'",
            tables=(ORDERS,)),
    Example(note="A day is made of it first.",
            sql="SELECT id FROM orders WHERE at::date BETWEEN '2024-01-01' AND '2024-01-31'", tables=(ORDERS,)),
    Example(note="Two moments.", sql="SELECT id FROM orders WHERE at BETWEEN now() - interval '1 day' AND now()",
            tables=(ORDERS,)),
    Example(note="A shift of eight hours.",
            sql="SELECT id FROM orders WHERE at BETWEEN '2024-01-01' AND timestamp '2024-01-01' + interval '8 hours'",
            tables=(ORDERS,)),
    Example(note="The very last microsecond.",
            sql="SELECT id FROM orders WHERE at BETWEEN '2024-01-01' AND '2024-01-31 23:59:59.999999'",
            tables=(ORDERS,)),
    Example(note="The column has whole seconds.",
            sql="SELECT id FROM orders WHERE done_at BETWEEN '2024-01-01' AND '2024-01-31 23:59:59'",
            tables=(ORDERS,)),
    Example(note="What the ends are, nobody knows.", sql="SELECT id FROM orders WHERE at BETWEEN $1 AND $2",
            tables=(ORDERS,)),
    Example(note="Numbers.", sql="SELECT id FROM orders WHERE total BETWEEN 10 AND 20", tables=(ORDERS,)),
]  # fmt: skip


@query_rule(severity=Severity.WARNING, since="0.2")
def check(query: Query, facts: Facts) -> Iterator[Finding]:
    for scope in () if query.is_truncated else query.scopes:
        for predicate in scope.predicates:
            other = _upper_end(scope, predicate)
            upper = predicate.upper if predicate.operator == "BETWEEN" else other.value if other else None
            if upper is None or predicate.column is None or predicate.is_wrapped or predicate.is_negated:
                continue
            if _is_timed(query, facts, scope, predicate.column) and _is_boundary(upper, _digits(facts, predicate)):
                yield _finding(query, predicate, other, upper)


def _upper_end(scope: Scope, lower: Predicate) -> Predicate | None:
    """The `at <= …` that goes with an `at >= …`."""
    if lower.operator not in (">=", ">") or not lower.is_conjunct or lower.value.kind not in ("constant", "expression"):
        return None
    return next(
        (
            each
            for each in scope.predicates
            if (each.operator, each.key, each.column) == ("<=", lower.key, lower.column) and each.is_conjunct
        ),
        None,
    )


def _is_timed(query: Query, facts: Facts, scope: Scope, column: ColumnUse, depth: int = 0) -> bool:
    """Whether the column is a timestamp; one of a CTE or derived table is followed to where it comes from."""
    if column.table is not None:
        found = facts.column(column.table, column.column)
        return found is not None and TIMED.match(found.type) is not None
    use = scope.relation(column.alias) if column.scope == scope.number else None
    inner = next((each for each in query.scopes if use and each.number == use.inner), None)
    if inner is None or depth > 5:
        return False
    named = [
        each.column for each in inner.outputs if (each.alias or (each.column and each.column.column)) == column.column
    ]
    return bool(named and named[0]) and _is_timed(query, facts, inner, named[0], depth + 1)  # type: ignore[arg-type]


def _digits(facts: Facts, predicate: Predicate) -> int:
    """Digits of the seconds that the column keeps."""
    found = facts.column(predicate.column.table, predicate.column.column) if predicate.column else None
    kept = re.search(r"timestamp\((\d)\)", found.type) if found else None
    return int(kept[1]) if kept else 6


def _is_boundary(upper: Value, digits: int) -> bool:
    """Whether the upper end is written as the boundary of a period, which BETWEEN takes in."""
    if upper.kind == "constant":
        found = WRITTEN.match(upper.text.strip())
        if not found or LAST_INSTANT.search(upper.text):
            return False
        return not (digits == 0 and found["seconds"] and LAST_SECOND.search(upper.text))
    if EXACT.search(upper.text):
        return False
    return upper.kind == "expression" and not upper.columns and bool(DAYS.search(upper.text)) and not MOMENT.search(
        re.sub(r"date_trunc\s*\([^()]*(?:\(\))?[^()]*\)|now\s*\(\s*\)\s*::\s*date", "date_trunc(", upper.text)
    )  # fmt: skip


def _finding(query: Query, predicate: Predicate, other: Predicate | None, upper: Value) -> Finding:
    column = predicate.column
    assert column is not None
    loses = "loses the rest of its day"
    if upper.kind == "expression":
        loses = "loses what follows in its period, or counts that moment twice"
    elif (end := _next(predicate.value, upper)) and upper.text.strip().startswith(end):
        loses = "counts what happened at that moment in the next period as well"
    if upper.kind == "constant" and LAST_SECOND.search(upper.text):
        loses = "loses what happened between it and midnight"
    spans = tuple(each.span for each in (predicate, other) if each and each.span)
    end = upper.text if upper.kind == "expression" else f"'{upper.text}'"
    return Finding(
        where=Where(statement=query.statement, table=column.table, column=column.column),
        message=f"the range of `{predicate.source}` takes its upper end in, {end}, and {loses}",
        evidence=(
            Evidence(rung=Rung.INFERRED, text=f"`{column.column}` holds times of day, and a closed range ends in one"),
        ),
        remedy=_remedy(query, predicate, other, upper),
        wrong_if="the column holds whole days only, or rows at the boundary are meant to be counted so",
        severity=Severity.WARNING if upper.kind == "constant" and LAST_SECOND.search(upper.text) else Severity.INFO,
        spans=spans,
    )


def _remedy(query: Query, predicate: Predicate, other: Predicate | None, upper: Value) -> Remedy:
    text = "Write a half-open range, `>= start AND < start of the next period`."
    end = _next(predicate.value, upper)
    if end is None:
        return Remedy(text=text)
    new = f"{predicate.source} < '{end}'"
    changed = other.span if other else predicate.span
    if other is None:
        lower = _lower(query, predicate)
        new = f"{predicate.source} >= {lower} AND {new}" if lower else ""
    if not changed or not new or not predicate.is_conjunct:
        return Remedy(text=text)
    return Remedy(text=f"{text} This one ends before {end}.", sql=query.spliced((changed, new)))


def _lower(query: Query, predicate: Predicate) -> str | None:
    """The lower end as written."""
    found = re.search(r"\bbetween\s+(.*?)\s+and\b", query.cut(predicate.span), re.I | re.S)
    return found[1] if found else None


def _next(lower: Value, upper: Value) -> str | None:
    """The start of the period after the one meant: the next midnight, or the date itself where one begins there."""
    found = WRITTEN.match(upper.text.strip()) if upper.kind == "constant" else None
    if not found or upper.type not in (
        None,
        "string",
        "date",
        "timestamp without time zone",
        "timestamp with time zone",
    ):
        return None
    try:
        day = datetime.strptime(upper.text.strip()[:10], "%Y-%m-%d")
        start = datetime.strptime(lower.text.strip()[:10], "%Y-%m-%d") if lower.kind == "constant" else None
    except ValueError:
        return None
    is_midnight = not found["time"] or re.fullmatch(r"[ T]00:00(?::00)?(?:\.0+)?", found["time"]) is not None
    if LAST_SECOND.search(upper.text) and re.search(r"59(?:\.\d+)?\Z", upper.text.strip()):
        return (day + timedelta(days=1)).strftime("%Y-%m-%d")
    if not is_midnight or start is None or upper.text.strip()[10:].strip(" 0:T.") != "":
        return None
    is_start = day.day == start.day and day > start
    return (day if is_start else day + timedelta(days=1)).strftime("%Y-%m-%d")
