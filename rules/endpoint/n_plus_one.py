"""A request asks for rows one after another, in a query each, where one query would bring all of them.

## What it finds
A SELECT that looks rows up by a key and runs five times or more in a request, in most requests of the endpoint, with
other values each time. Where a foreign key says for the rows of which other query it is asked, that query is named.

## Why it matters
Each query costs a trip to the server and back, which no index makes shorter: a lookup of 0.1 ms mostly waits for the
network. It grows with the number of rows shown, so it is fast on the day that it is written.

## What to do
Ask once: with `= ANY ($1)` for all keys, or with a join. Frameworks have a word for it: `select_related` and
`prefetch_related` in Django, `includes` in Rails, `selectinload` and `joinedload` in SQLAlchemy.

## When to leave it
The rows are asked for on purpose one at a time, to use as little memory or to lock as briefly as can be; or the keys
are not known before the answer to the query before.

## Source
https://docs.djangoproject.com/en/stable/topics/db/optimization/#use-queryset-select-related-and-prefetch-related
"""

from collections.abc import Iterator

from pgadvisor.rule import (
    EndpointStatement,
    Evidence,
    Example,
    Facts,
    Finding,
    Link,
    Predicate,
    Query,
    Remedy,
    Rung,
    SeenEndpoint,
    Severity,
    endpoint,
    endpoint_rule,
    for_many,
    foreign_key,
    link_between,
    main_lookup,
    ran,
    table,
)

FEW, MANY = 5.0, 50.0
"""Runs in a request: below, nobody notices; from there on it is what the request does."""
MOST_REQUESTS = 0.5
LEAST_REQUESTS = 2
"""One request could be anything."""

ORDERS = table("orders", columns={"total": "numeric"}, constraints=(foreign_key("customer_id", "customer"),))
CUSTOMER = table("customer", columns={"name": "text"})
ITEM = table("item", columns={"sku": "text"}, constraints=(foreign_key("order_id", "orders"),))
LIST = "SELECT id, customer_id, total FROM orders ORDER BY id DESC LIMIT $1"
ONE = "SELECT id, name FROM customer WHERE id = $1"
BAD = [
    Example(
        endpoint=endpoint("GET /orders", ran(LIST), ran(ONE, each=25, parent=LIST, line="app/orders.py:42")),
        tables=(ORDERS, CUSTOMER),
        remedy="SELECT id, name FROM customer WHERE id = ANY ($1)",
    ),
    Example(
        endpoint=endpoint("GET /orders", ran(LIST), ran("SELECT sku FROM item WHERE order_id = $1", each=8)),
        tables=(ORDERS, ITEM),
        remedy="SELECT order_id, sku FROM item WHERE order_id = ANY ($1)",
    ),
    Example(
        endpoint=endpoint("GET /orders", ran(LIST), ran("SELECT count(*) FROM item WHERE order_id = $1", each=8)),
        tables=(ORDERS, ITEM),
        remedy="SELECT order_id, count(*) FROM item WHERE order_id = ANY ($1) GROUP BY order_id",
    ),
    Example(
        endpoint=endpoint(
            "GET /orders", ran(LIST), ran("SELECT * FROM item WHERE order_id = $1 ORDER BY id DESC LIMIT $2", each=8)
        ),
        tables=(ORDERS, ITEM),
        remedy="FROM unnest($1::bigint[]) AS wanted (key)",
    ),
    Example(
        endpoint=endpoint("orders#index", ran(LIST), ran(f"{ONE} LIMIT $2", each=60)),
        tables=(ORDERS, CUSTOMER),
        remedy="WHERE id = ANY ($1)",
    ),
]
GOOD = [
    Example(
        note="All customers in one query.",
        endpoint=endpoint("GET /orders", ran(LIST), ran("SELECT id, name FROM customer WHERE id = ANY ($1)")),
        tables=(ORDERS, CUSTOMER),
    ),
    Example(
        note="Three lookups are a handful, not a loop.",
        endpoint=endpoint("GET /orders", ran(LIST), ran(ONE, each=3)),
        tables=(ORDERS, CUSTOMER),
    ),
    Example(
        note="The same customer again and again: duplicate-query tells of it.",
        endpoint=endpoint("GET /orders", ran(LIST), ran(ONE, each=25, duplicates=24)),
        tables=(ORDERS, CUSTOMER),
    ),
    Example(
        note="Writes are not lookups.",
        endpoint=endpoint("POST /orders", ran("INSERT INTO item (order_id, sku) VALUES ($1, $2)", each=25)),
        tables=(ITEM,),
    ),
    Example(
        note="In one request of ten: not what the endpoint does.",
        endpoint=endpoint("GET /orders", ran(LIST), ran(ONE, each=25, requests=10)),
        tables=(ORDERS, CUSTOMER),
    ),
    Example(
        note="Rows are locked one after another, on purpose.",
        endpoint=endpoint("POST /pick", ran("SELECT id FROM item WHERE id = $1 FOR UPDATE", each=25)),
        tables=(ITEM,),
    ),
    Example(
        note="It looks nothing up: the next number of a sequence.",
        endpoint=endpoint("POST /orders", ran("SELECT nextval($1)", each=25)),
    ),
]


@endpoint_rule(severity=Severity.ERROR, since="0.2")
def check(seen: SeenEndpoint, facts: Facts) -> Iterator[Finding]:
    for each in seen.statements:
        query = seen.query(each.statement)
        if query is None or not _is_loop(each, seen):
            continue
        link = _link(each, query, seen, facts)
        by = link.predicate if link else main_lookup(query, facts)
        if by is not None:
            yield _finding(each, query, by, link, seen, facts)


def _is_loop(each: EndpointStatement, seen: SeenEndpoint) -> bool:
    """Whether it runs often in most requests, mostly with other values, and not to read back what was written."""
    return (
        seen.requests >= LEAST_REQUESTS
        and each.runs / each.requests >= FEW
        and each.requests >= MOST_REQUESTS * seen.requests
        and each.duplicate_runs < each.repeated_runs / 2
        and each.after_write_runs < each.repeated_runs / 2
    )


def _link(each: EndpointStatement, query: Query, seen: SeenEndpoint, facts: Facts) -> Link | None:
    """The foreign key to a query of the request that ran less often: to that right before, if there is one."""
    others = [other.statement for other in seen.statements if other.runs < each.runs]
    for key in sorted(others, key=lambda key: key != each.parent):
        parent = seen.query(key)
        if parent is not None and (link := link_between(query, parent, facts)):
            return link
    return None


def _finding(
    each: EndpointStatement, query: Query, by: Predicate, link: Link | None, seen: SeenEndpoint, facts: Facts
) -> Finding:
    assert by.column
    name = (by.column.table or "").removeprefix("public.")
    runs = each.runs / each.requests
    rows = f", once for each row of {link.parent.removeprefix('public.')}" if link else ", one row after another"
    saves = each.database_ms / seen.requests * (1 - each.requests / each.runs)
    return seen.finding(
        f"{runs:,.0f} queries a request look up {name} by {by.column.column}{rows}",
        _evidence(each, link, seen, saves),
        Remedy(text=_advice(name, link, seen), sql=for_many(query, by, facts)),
        severity=Severity.ERROR if runs >= MANY else Severity.WARNING,
        wrong_if="the rows are asked for one at a time on purpose, or each key is known only after the row before",
        of=each,
        saves_ms=saves,
    )


def _evidence(each: EndpointStatement, link: Link | None, seen: SeenEndpoint, saves: float) -> tuple[Evidence, ...]:
    spent = each.database_ms / seen.requests
    text = (
        f"in {each.requests:,} of {seen.requests:,} requests, {each.runs / each.requests:,.1f} runs each and at most "
        f"{each.most_in_one:,}; {spent:,.1f} of {seen.seen.database_ms.total / seen.requests:,.1f} ms of database time "
        f"a request, of which one query would save at most {saves:,.1f} ms, and {each.runs / each.requests - 1:,.0f} "
        "trips to the server"
    )
    pieces = [Evidence(rung=Rung.MEASURED, text=text)]
    if link:
        ends = (f"{link.parent}.{link.parent_column}", f"{link.table}.{link.column}")
        one, other = ends if link.is_to_one else ends[::-1]
        pieces.append(Evidence(rung=Rung.INFERRED, text=f"foreign key from {one} to {other}"))
    return tuple(pieces)


def _advice(name: str, link: Link | None, seen: SeenEndpoint) -> str:
    text = f"Ask for the rows of {name} in one query, with all keys at once"
    if link:
        parent = link.parent.removeprefix("public.")
        join = "JOIN" if link.is_to_one else "LEFT JOIN"
        text += (
            f", or join them to the query of {parent}: {join} {name} ON {name}.{link.column} = "
            f"{parent}.{link.parent_column}"
        )
    return f"{text}{_in_words_of(seen.framework, link)}."


def _in_words_of(framework: str, link: Link | None) -> str:
    """What the application's framework calls it."""
    if framework.startswith("django"):
        return f" ({'select_related' if link and link.is_to_one else 'prefetch_related'} in Django)"
    if framework.startswith(("rails", "activerecord")):
        return " (includes in Rails)"
    return " (selectinload or joinedload in SQLAlchemy)" if framework.startswith("sqlalchemy") else ""
