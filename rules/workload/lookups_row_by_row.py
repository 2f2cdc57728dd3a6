"""A look-up runs once for each row that another query returned: the counters show a loop in the application.

## What it finds
A query that looks rows up by one key, and runs as often as another one returned rows: its calls are within 5 % of that
query's calls × rows a call, a foreign key leads from the one's table to the other's, and there are five look-ups or
more to a call. Only where no log tells what a request really sent: with one, `n-plus-one` says it of each endpoint.

## Why it matters
Each of these look-ups costs a trip to the server and back, which no index makes shorter: mostly a request waits for the
network. It grows with the number of rows shown, so it is fast on the day that it is written.

## What to do
Ask for all keys at once with `= ANY ($1)`, or with a join. Frameworks have a word for it: `select_related` and
`prefetch_related` in Django, `includes` in Rails, `selectinload` and `joinedload` in SQLAlchemy.

## When to leave it
The two counts agree by chance. `pgadvisor audit --log` with every statement logged for a while shows which requests
send them, and proves it.

## Source
https://docs.djangoproject.com/en/stable/topics/db/optimization/#use-queryset-select-related-and-prefetch-related
"""

from collections.abc import Iterator
from typing import NamedTuple

from pgadvisor.rule import (
    Evidence,
    Example,
    Facts,
    Finding,
    Link,
    Query,
    Remedy,
    Rung,
    Severity,
    Statement,
    Where,
    for_many,
    foreign_key,
    link_between,
    lookups,
    table,
    workload_rule,
)

LEAST_CALLS = 10_000
LEAST_ROWS = 5.0
"""Look-ups for each call of the other query: below, nobody notices."""
MOST_ROWS_FOUND = 10.0
"""A look-up that finds more is a query of its own."""
LEAST_PARENT_CALLS = 100
OFF = 0.05
"""How far the counts may be apart; another caller of either breaks the sum."""
LEAST_SHARE = 0.005

ORDERS = table("orders", columns={"total": "numeric"}, constraints=(foreign_key("customer_id", "customer"),))
CUSTOMER = table("customer", columns={"name": "text"})
ITEM = table("item", columns={"sku": "text"}, constraints=(foreign_key("order_id", "orders"),))
LIST = "SELECT id, customer_id, total FROM orders ORDER BY id DESC LIMIT $1"
ONE = "SELECT id, name FROM customer WHERE id = $1"
BAD = [
    Example(
        sql=LIST, calls=4_000, rows=100_000, mean_ms=1.0, other=((ONE, 100_000, 0.05),), tables=(ORDERS, CUSTOMER),
        remedy="SELECT id, name FROM customer WHERE id = ANY ($1)",
    ),
    Example(
        sql=LIST, calls=4_000, rows=100_000, mean_ms=1.0, tables=(ORDERS, ITEM),
        other=(("SELECT count(*) FROM item WHERE order_id = $1", 99_000, 0.05),),
        remedy="SELECT order_id, count(*) FROM item WHERE order_id = ANY ($1) GROUP BY order_id",
    ),
]  # fmt: skip
GOOD = [
    Example(
        note="Twice as many look-ups as rows: others send them as well.",
        sql=LIST, calls=4_000, rows=100_000, mean_ms=1.0, other=((ONE, 200_000, 0.05),), tables=(ORDERS, CUSTOMER),
    ),
    Example(
        note="No foreign key leads from the one to the other.",
        sql=LIST, calls=4_000, rows=100_000, mean_ms=1.0, other=((ONE, 100_000, 0.05),),
        tables=(table("orders", columns={"total": "numeric"}), CUSTOMER),
    ),
    Example(
        note="One look-up a call: a page of one order and its customer.",
        sql="SELECT id, customer_id FROM orders WHERE id = $1", calls=100_000, rows=100_000, mean_ms=0.1,
        other=((ONE, 100_000, 0.05),), tables=(ORDERS, CUSTOMER),
    ),
    Example(
        note="All keys are asked for at once.",
        sql=LIST, calls=4_000, rows=100_000, mean_ms=1.0, tables=(ORDERS, CUSTOMER),
        other=(("SELECT id, name FROM customer WHERE id = ANY ($1)", 4_000, 0.2),),
    ),
]  # fmt: skip


class Loop(NamedTuple):
    """A look-up, and the query for whose rows it runs."""

    child: Statement
    parent: Statement
    link: Link
    off: float
    """How far apart the counts are, as a share."""


@workload_rule(severity=Severity.WARNING, since="0.2", needs=("statements", "catalog"))
def check(facts: Facts) -> Iterator[Finding]:
    if facts.snapshot.logs is not None and facts.snapshot.logs.endpoints:
        return
    parents = [each for each in facts.snapshot.statements if _brings_many(each)]
    for child in facts.snapshot.statements:
        query = facts.queries.get(child.key)
        if query is None or not _is_lookup(child, query) or (facts.share(child.key) or 0.0) < LEAST_SHARE:
            continue
        loops = [loop for parent in parents if (loop := _loop(child, query, parent, facts)) is not None]
        if loops:
            yield _finding(min(loops, key=lambda each: each.off), query, facts)


def _brings_many(statement: Statement) -> bool:
    return (statement.calls or 0) >= LEAST_PARENT_CALLS and (statement.rows_per_call or 0.0) >= LEAST_ROWS


def _is_lookup(statement: Statement, query: Query) -> bool:
    few = statement.rows_per_call is not None and statement.rows_per_call <= MOST_ROWS_FOUND
    return (statement.calls or 0) >= LEAST_CALLS and few and len(list(lookups(query))) == 1


def _loop(child: Statement, query: Query, parent: Statement, facts: Facts) -> Loop | None:
    """The loop, where the counts and a foreign key tell of one."""
    above = facts.queries.get(parent.key)
    if above is None or above.kind != "select" or child.key == parent.key or not parent.rows or not child.calls:
        return None
    off = abs(child.calls / parent.rows - 1.0)
    link = link_between(query, above, facts) if off <= OFF else None
    return None if link is None else Loop(child, parent, link, off)


def _finding(loop: Loop, query: Query, facts: Facts) -> Finding:
    child, parent, link = loop.child, loop.parent, loop.link
    rows = parent.rows_per_call or 0.0
    return Finding(
        where=Where(statement=child.key, table=link.table),
        message=f"{_label(link.table, facts)} is looked up once for each of the {rows:,.0f} rows of another query",
        evidence=(
            Evidence(
                rung=Rung.INFERRED,
                text=f"{child.calls or 0:,} look-ups; the other query returned {parent.rows or 0:,} rows in "
                f"{parent.calls or 0:,} calls, from {_label(link.parent, facts)}, which a foreign key joins to it",
            ),
        ),
        remedy=Remedy(
            text=f"Ask for all {link.column} at once, in one query for each of the {parent.calls or 0:,} calls.",
            sql=for_many(query, link.predicate, facts),
        ),
        wrong_if="the two counts agree by chance; --log with every statement logged for a while shows it",
        severity=facts.severity(child.key, worst=Severity.WARNING),
        spans=(link.predicate.span,) if link.predicate.span else (),
        statements=(child.key, parent.key),
    )


def _label(name: str, facts: Facts) -> str:
    found = facts.table(name)
    return found.label if found else name
