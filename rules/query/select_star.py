"""SELECT * hands out every column, needed or not.

## What it finds
A `*` or `t.*` over a table whose columns reach the client, or an INSERT, directly or through CTEs and derived tables. A
star that an outer list narrows, `count(*)`, `EXISTS (SELECT * …)` and a star over a set-returning function are fine.

Worst without a WHERE and a LIMIT on a table of 10 MB or more: all columns of all rows.

## Why it matters
Wide columns are fetched from TOAST, sent and parsed for nothing; an index that holds the few columns needed can no
longer answer alone (index-only scan); and a column added later changes the result of a program that never asked for it.

## What to do
Name the columns that the caller uses.

## When to leave it
The caller really uses all columns and follows every change of the table, as an object mapper does with narrow tables:
nothing is told of `SELECT "posts".*` in a workload unless its rows are wide and many.

## Source
https://wiki.postgresql.org/wiki/TOAST
"""

import re
from collections.abc import Iterator

from pgadvisor.rule import (
    ColumnStatistics,
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
    Table,
    TableUse,
    Where,
    query_rule,
    quoted,
    size_text,
    table,
)

WIDE_BYTES = 1_000
"""A row this wide fills a network packet; eight fit on a page."""
TOAST_BYTES = 1_000_000
"""Less in TOAST is nothing, whatever its share."""
TOASTED = 0.2
"""Share of a table's size, without indexes, that lies in TOAST: values that are fetched one by one."""
MANY_ROWS = 100
"""Rows a call from which width is felt: some 100 kB."""
MUCH_BYTES = 10 * 1024**2
"""A result this large fills the driver's memory and takes a second over a network of 100 Mbit/s."""
MOST_COLUMNS = 40
"""A longer list is no help to paste."""

Star = tuple[Output, TableUse]

WIDE = ColumnStatistics(null_fraction=0.0, average_width_bytes=1_800, n_distinct=-1)
ORDERS = table("orders", columns={"user_id": "bigint", "total": "numeric(10,2)", "note": "text"})
USERS = table("users", columns={"name": "text", "Group": "text"})
PAGES = table("pages", columns={"title": "text", "body": "text"}, statistics={"body": WIDE})
BAD = [
    Example(
        sql="SELECT * FROM orders WHERE user_id = $1",
        tables=(ORDERS,),
        remedy="SELECT id, user_id, total, note FROM orders WHERE user_id = $1",
    ),
    Example(
        sql="SELECT o.id, u.* FROM orders o JOIN users u ON u.id = o.user_id",
        tables=(ORDERS, USERS),
        remedy='SELECT o.id, u.id, u.name, u."Group" FROM orders o',
    ),
    Example(sql="SELECT * FROM pages WHERE id < $1", tables=(PAGES,), rows=500_000),
    Example(sql="WITH recent AS (SELECT * FROM orders WHERE id > $1) SELECT * FROM recent LIMIT 50", tables=(ORDERS,)),
    Example(sql="SELECT t.* FROM (SELECT o.* FROM orders o ORDER BY id LIMIT 5) t", tables=(ORDERS,)),
    Example(sql="INSERT INTO orders SELECT * FROM orders WHERE id < 0", tables=(ORDERS,)),
    Example(sql="SELECT * FROM orders WHERE id = 1 UNION ALL SELECT * FROM orders WHERE id = 2", tables=(ORDERS,)),
    Example(sql="SELECT DISTINCT * FROM orders", tables=(ORDERS,)),
    Example(note="All of it.", sql="SELECT * FROM orders o", tables=(ORDERS,), calls=10, rows=10_000_000),
    Example(sql="select*from orders", tables=(ORDERS,), remedy="select id, user_id, total, note from orders"),
    Example(sql="SELECT * FROM orders, generate_series(1, 3) g", tables=(ORDERS,)),
]
GOOD = [
    Example(note="All rows are counted, no column is read.", sql="SELECT count(*) FROM orders", tables=(ORDERS,)),
    Example(
        note="EXISTS reads no column.",
        sql="SELECT id FROM users u WHERE EXISTS (SELECT * FROM orders o WHERE o.user_id = u.id)",
        tables=(USERS, ORDERS),
    ),
    Example(
        note="The outer list narrows the star.",
        sql="WITH o AS (SELECT * FROM orders WHERE user_id = $1) SELECT id, total FROM o ORDER BY id LIMIT 5",
        tables=(ORDERS,),
    ),
    Example(note="The inner list is explicit.", sql="SELECT * FROM (SELECT id, total FROM orders) t", tables=(ORDERS,)),
    Example(note="A set-returning function.", sql="SELECT * FROM generate_series(1, 10) AS g(n)"),
    Example(note="A list of values.", sql="SELECT * FROM (VALUES (1, 'a'), (2, 'b')) AS v(n, letter)"),
    Example(note="A multiplication.", sql="SELECT 2 * id * user_id AS x FROM orders WHERE id = $1", tables=(ORDERS,)),
    Example(
        note="The rows are counted, whatever is in them.",
        sql="SELECT count(*) FROM (SELECT * FROM orders WHERE user_id = $1) t",
        tables=(ORDERS,),
    ),
    Example(note="A view of the system catalog.", sql="SELECT * FROM pg_stat_activity"),
    Example(
        note="What was written is handed back whole.",
        sql="INSERT INTO users (name) VALUES ($1) RETURNING *",
        tables=(USERS,),
    ),
    Example(
        note="Active Record fills its objects.",
        sql='SELECT "orders".* FROM "orders" WHERE "orders"."user_id" = $1',
        tables=(ORDERS,),
        calls=900,
        rows=900,
    ),
    Example(
        note="A recursive CTE with an explicit list.",
        sql="WITH RECURSIVE t AS (SELECT id, user_id FROM orders WHERE id = $1 UNION ALL "
        "SELECT o.id, o.user_id FROM orders o JOIN t ON o.user_id = t.id) SELECT * FROM t",
        tables=(ORDERS,),
    ),
]


@query_rule(severity=Severity.WARNING, since="0.1")
def check(query: Query, facts: Facts) -> Iterator[Finding]:
    if query.kind not in ("select", "insert"):
        return
    stars = tuple(star for scope in _exposed(query) for star in _stars(query, facts, scope, frozenset()))
    if not stars:
        return
    finding = _finding(query, facts, stars)
    if finding.severity is not Severity.INFO or not _is_of_mapper(query, facts):
        yield finding


def _is_of_mapper(query: Query, facts: Facts) -> bool:
    """Whether an object mapper wrote it, which fills all fields of its objects: `SELECT "posts".*`."""
    seen = facts.statement(query.statement)
    return seen is not None and seen.calls is not None and bool(re.match(r'SELECT\s+"\w+"\.\*\s+FROM\s+"', query.text))


def _exposed(query: Query) -> Iterator[Scope]:
    """The scopes whose columns leave the statement: its own, or those that an INSERT takes."""
    top = query.top
    if top.write is None:
        yield top
    elif top.write == "insert":
        yield from (each for each in query.children(0) if each.place not in ("cte", "select", "where", "set", "on"))


def _stars(query: Query, facts: Facts, scope: Scope, seen: frozenset[int]) -> Iterator[Star]:
    """Stars over tables whose columns come out of the scope; what a star over a CTE or derived table stands for."""
    if scope.number in seen or (scope.write and scope.number):
        return
    seen |= {scope.number}
    if scope.set_operation:
        for arm in query.children(scope.number):
            if arm.place == "arm":
                yield from _stars(query, facts, arm, seen)
    for output in scope.outputs:
        if output.is_star:
            yield from _behind(query, facts, scope, output, seen)


def _behind(query: Query, facts: Facts, scope: Scope, star: Output, seen: frozenset[int]) -> Iterator[Star]:
    for use in scope.tables:
        if star.star_of is not None and use.alias != star.star_of:
            continue
        if use.kind in ("table", "view", "unknown") and use.table and not facts.is_system(use.table):
            yield star, use
        inner = next((each for each in query.scopes if each.number == use.inner), None)
        if inner and use.kind in ("cte", "subquery"):
            yield from _stars(query, facts, inner, seen)


def _finding(query: Query, facts: Facts, stars: tuple[Star, ...]) -> Finding:
    names = tuple(dict.fromkeys(use.table for _, use in stars if use.table))
    tables = [found for found in map(facts.table, names) if found]
    spans = tuple(dict.fromkeys(output.span for output, _ in stars if output.span))
    severity, evidence = _weigh(query, facts, tables)
    labels = [found.label if (found := facts.table(name)) else name for name in names]
    columns = f"all {len(tables[0].columns)} columns" if len(tables) == len(names) == 1 else "every column"
    verb = "inserts" if query.kind == "insert" else "returns"
    text = "Name the columns that the caller uses: below are all of them, to take out those that it does not."
    sql = _expanded(query, facts, stars)
    return Finding(
        where=Where(statement=query.statement, table=names[0] if len(names) == 1 else None),
        message=f"`{query.cut(spans[0]) if spans else '*'}` {verb} {columns} of {', '.join(labels)}",
        evidence=evidence,
        remedy=Remedy(text=text if sql else "Name the columns that the caller uses.", sql=sql),
        wrong_if="the caller uses every column and follows each change of the table",
        severity=severity,
        spans=spans,
    )


def _weigh(query: Query, facts: Facts, tables: list[Table]) -> tuple[Severity, tuple[Evidence, ...]]:
    """A warning only where wide rows really come in numbers."""
    inferred = Evidence(rung=Rung.INFERRED, text="a column added to the table later changes the result")
    width = sum(_width(each) for each in tables)
    whole = _whole_bytes(query, facts, tables, width)
    if whole is not None and whole >= MUCH_BYTES:
        held = f"all {facts.rows(tables[0].qualified) or 0:,.0f} rows of {tables[0].label}, {size_text(int(whole))}"
        unbounded = Evidence(rung=Rung.ESTIMATED, text=f"no WHERE and no LIMIT: {held}")
        return facts.severity(query.statement, worst=Severity.WARNING), (unbounded, inferred)
    toasted = [each.label for each in tables if _toasted(each) >= TOASTED]
    rows = _rows(query, facts)
    if not (width >= WIDE_BYTES or toasted):
        return Severity.INFO, (inferred,)
    wide = [
        f"{column.name} ({column.statistics.average_width_bytes} bytes)"
        for each in tables
        for column in each.columns
        if column.statistics and column.statistics.average_width_bytes >= WIDE_BYTES // 4
    ]
    text = f"a row is {width:,.0f} bytes wide" + (f": {', '.join(wide[:3])}" if wide else "")
    if toasted:
        text += f"; much of {', '.join(toasted)} lies in TOAST and is fetched value by value"
    evidence = (Evidence(rung=Rung.ESTIMATED, text=text), inferred)
    if rows is None or rows < MANY_ROWS:
        return Severity.INFO, evidence
    return min(facts.severity(query.statement), Severity.WARNING, key=lambda each: -each.rank), evidence


def _whole_bytes(query: Query, facts: Facts, tables: list[Table], width: float) -> float | None:
    """Size of the result where it is one whole table, all columns and all rows; None: it is not."""
    scope, rows = query.top, _rows(query, facts)
    bounds = (scope.has_where, scope.limit, scope.offset, scope.group_keys, scope.is_distinct, scope.set_operation)
    if any(bounds) or len(query.scopes) > 1 or len(scope.tables) != 1 or len(tables) != 1 or query.kind != "select":
        return None
    counted = rows if rows is not None else facts.rows(tables[0].qualified)
    held = facts.rows(tables[0].qualified) or 0.0
    return width * held if counted is not None and counted >= held / 2 else None


def _width(table: Table) -> float:
    return sum(column.statistics.average_width_bytes for column in table.columns if column.statistics)


def _toasted(table: Table) -> float:
    """Share of the table without its indexes that lies in TOAST."""
    if not (table.total_bytes and table.heap_bytes and table.index_bytes is not None):
        return 0.0
    own = table.total_bytes - table.index_bytes
    return (own - table.heap_bytes) / own if own - table.heap_bytes >= TOAST_BYTES else 0.0


def _rows(query: Query, facts: Facts) -> float | None:
    """Rows that a call returns: counted, or the plan's guess."""
    statement, planned = facts.statement(query.statement), facts.plan(query.statement)
    if statement and statement.rows_per_call is not None:
        return statement.rows_per_call
    return planned.root.estimated_rows if planned else None


def _expanded(query: Query, facts: Facts, stars: tuple[Star, ...]) -> str | None:
    """The query with each star spelled out; None where a star hides more than one table's columns."""
    scope = query.top
    if query.kind != "select" or scope.set_operation or any(output not in scope.outputs for output, _ in stars):
        return None
    changes: list[tuple[Span, str]] = []
    for output, use in stars:
        found = facts.table(use.table)
        if found is None or not output.span or not found.columns or len(found.columns) > MOST_COLUMNS:
            return None
        if output.star_of is None and len(scope.tables) > 1:
            return None
        if re.search(rf"\b{re.escape(use.alias)}\s*\(", query.text):
            return None  # `orders o (a, b)`: its columns have other names here
        prefix = f"{quoted(output.star_of)}." if output.star_of else ""
        changes.append((output.span, ", ".join(prefix + quoted(column.name) for column in found.columns)))
    return query.spliced(*changes)
