"""The next page is asked for with an OR, where a comparison of rows would use the index.

## What it finds
`a > x OR (a = x AND b > y)`, the continuation of a list sorted by `a, b`.

## Why it matters
PostgreSQL does not see that both arms together are one range. It reads the index from its start and filters, or puts
two scans together and sorts. `(a, b) > (x, y)` says the same and is one range in an index on `(a, b)`.

## What to do
Compare rows. Both columns must be sorted in the same direction, as they are where this is told.

## When to leave it
There is no index on both columns, and the table is small.

## Source
https://www.postgresql.org/docs/current/functions-comparisons.html#ROW-WISE-COMPARISON
"""

from collections.abc import Iterator

from pgadvisor.rule import (
    Arm,
    Evidence,
    Example,
    Facts,
    Finding,
    Predicate,
    Query,
    Remedy,
    Rung,
    Severity,
    Span,
    Where,
    disjunctions,
    query_rule,
    searched_table,
    table,
)

ORDERS = table("orders", columns={"at": "timestamp with time zone"}, indexes={"orders_at_id": "at, id"})
BAD = [
    Example(
        sql="SELECT id FROM orders WHERE at > $1 OR (at = $1 AND id > $2) ORDER BY at, id LIMIT 20",
        tables=(ORDERS,),
        remedy="SELECT id FROM orders WHERE (at, id) > ($1, $2) ORDER BY at, id LIMIT 20",
    ),
    Example(
        sql="SELECT id FROM orders o WHERE id < 900 AND ((o.at < '2024-01-01') OR (o.at = '2024-01-01' AND o.id < 7))",
        tables=(ORDERS,),
        remedy="WHERE id < 900 AND (((o.at, o.id) < ('2024-01-01', 7)))",
    ),
]
GOOD = [
    Example(note="Rows are compared.", sql="SELECT id FROM orders WHERE (at, id) > ($1, $2) ORDER BY at, id LIMIT 20",
            tables=(ORDERS,)),
    Example(note="The directions differ.", sql="SELECT id FROM orders WHERE at < $1 OR (at = $1 AND id > $2)",
            tables=(ORDERS,)),
    Example(note="Another value.", sql="SELECT id FROM orders WHERE at > $1 OR (at = $2 AND id > $3)",
            tables=(ORDERS,)),
]  # fmt: skip


@query_rule(severity=Severity.INFO, since="0.2", aliases=("row-comparison",))
def check(query: Query, facts: Facts) -> Iterator[Finding]:
    for scope in () if query.is_truncated else query.scopes:
        for arms in disjunctions(scope):
            found = _keyset(query, arms)
            if found and searched_table(facts, found[0].column):
                yield _finding(query, found)


def _keyset(query: Query, arms: tuple[Arm, ...]) -> tuple[Predicate, Predicate, Predicate] | None:
    """The comparison that goes on, the equality and the comparison that breaks the tie."""
    if sorted(len(arm) for arm in arms) != [1, 2]:
        return None
    (beyond,), tied = sorted(arms, key=len)
    equal = next((each for each in tied if each.operator == "="), None)
    later = next((each for each in tied if each is not equal), None)
    if equal is None or later is None or beyond.operator not in ("<", ">") or later.operator != beyond.operator:
        return None
    if any(each.is_wrapped or each.is_negated or not _side(query, each) for each in (beyond, equal, later)):
        return None
    is_same = beyond.column == equal.column and _side(query, beyond) == _side(query, equal)
    columns = (beyond.column, later.column)
    if not is_same or not all(columns) or columns[0] == columns[1]:
        return None
    is_one = len({(each.alias, each.scope) for each in columns if each}) == 1
    return (beyond, equal, later) if is_one else None


def _side(query: Query, predicate: Predicate) -> str:
    """The other side as written; empty where it stands on the left, or is of this table."""
    text = query.cut(predicate.span)
    rest = text.removeprefix(predicate.source).strip() if text.startswith(predicate.source) else ""
    is_value = predicate.value.kind in ("constant", "parameter")
    return rest.removeprefix(predicate.operator).strip() if is_value and rest.startswith(predicate.operator) else ""


def _finding(query: Query, found: tuple[Predicate, Predicate, Predicate]) -> Finding:
    beyond, _, later = found
    column = beyond.column
    assert column is not None
    new = f"({beyond.source}, {later.source}) {beyond.operator} ({_side(query, beyond)}, {_side(query, later)})"
    span = _whole(query, [each.span for each in found if each.span])
    return Finding(
        where=Where(statement=query.statement, table=column.table, column=column.column),
        message=f"the OR over `{beyond.key}` and `{later.key}` is a comparison of rows: `({beyond.key}, {later.key}) "
        f"{beyond.operator} (…)`",
        evidence=(Evidence(rung=Rung.INFERRED, text="written so, one range of an index on both columns serves it"),),
        remedy=Remedy(text=f"Write `{new}`.", sql=query.spliced((span, new)) if span else None),
        wrong_if="no index leads with both columns in this order",
        severity=Severity.INFO,
        spans=(span,) if span else (),
    )


def _whole(query: Query, spans: list[Span]) -> Span | None:
    """From the first arm to the end of the last, with the parentheses that open or close within."""
    start, end = min(each.start for each in spans), max(each.end for each in spans)
    for _ in range(8):
        cut = query.text[start:end]
        missing = cut.count("(") - cut.count(")")
        if not missing:
            return Span(start=start, end=end)
        if missing > 0:
            end += len(query.text[end:]) - len(query.text[end:].lstrip()) + 1
        else:
            start = len(query.text[:start].rstrip()) - 1
    return None
