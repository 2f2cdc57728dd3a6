"""A deep OFFSET reads and throws away every row before the page.

## What it finds
`OFFSET` with a large number, an `OFFSET` whose plan skips many rows, and pages cut out with `row_number()` or `rank()`.

## Why it matters
PostgreSQL cannot jump to the hundred-thousandth row: it makes all rows before it, in order, and drops them. Page 5,000
costs 5,000 times as much as page 1, and rows that come or go meanwhile shift the pages.

## What to do
Page by key: remember the sort key of the last row shown and ask for the rows after it,
`WHERE (placed_at, id) < ($1, $2) ORDER BY placed_at DESC, id DESC LIMIT 20`. With an index on the sort keys every page
costs the same.

## When to leave it
The depth is bounded (nobody goes beyond page 10), or the result is read once, in a batch.

## Source
https://use-the-index-luke.com/no-offset
"""

import ast
import re
from collections.abc import Iterator

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
    Statement,
    Value,
    Where,
    node,
    query_rule,
    table,
)

DEEP = 1_000
"""Rows thrown away from which a page takes over about a millisecond: 50 pages of 20."""
SLOW_MS = 50.0
"""An OFFSET given as a parameter is only believed to be deep when the statement takes as long as this."""
MANY_PAGES, FAR_MORE = 100, 10
"""Pages a call from which an offset is felt, and times those of the first page."""
ROW_NUMBER = re.compile(
    r"(?P<name>row_number|rank|dense_rank)\s*\(\s*\)\s*over\s*(?P<window>\(.*\)|\w+)(?:\s*[-+]\s*\d+)?\Z", re.I | re.S
)
SUMS = (ast.Add, ast.Sub, ast.Mult)

ORDERS = table("orders", columns={"status": "text"}, indexes={"orders_placed_at_idx": "placed_at DESC"})
SKIPS = node(
    "Limit",
    node("Index Scan", actual=40_020, table="orders", index="orders_placed_at_idx", rows=1e6, ms=30.0),
    rows=20, actual=20, ms=30.0,
)  # fmt: skip
FIRST_PAGE = node("Limit", node("Index Scan", actual=40, table="orders", rows=1e6, ms=0.1), rows=20, actual=20, ms=0.1)
PAGES = "SELECT id FROM orders ORDER BY placed_at DESC LIMIT $1 OFFSET $2"
BAD = [
    Example(sql="SELECT id FROM orders ORDER BY placed_at DESC LIMIT 20 OFFSET 50000", tables=(ORDERS,)),
    Example(
        sql="SELECT id FROM orders ORDER BY placed_at DESC OFFSET 50000 ROWS FETCH NEXT 20 ROWS ONLY", tables=(ORDERS,)
    ),
    Example(sql="SELECT id FROM orders ORDER BY placed_at DESC LIMIT 20 OFFSET (500 - 1) * 20", tables=(ORDERS,)),
    Example(
        sql="SELECT id FROM (SELECT id, row_number() OVER (ORDER BY placed_at) AS rn FROM orders) t "
        "WHERE rn BETWEEN 50001 AND 50020",
        tables=(ORDERS,),
    ),
    Example(
        sql="WITH n AS (SELECT id, row_number() OVER (ORDER BY placed_at) AS rn FROM orders) "
        "SELECT id FROM n WHERE rn > 50000 AND rn <= 50020",
        tables=(ORDERS,),
    ),
    Example(
        sql="SELECT id FROM (SELECT id, rank() OVER w AS place FROM orders WINDOW w AS (ORDER BY placed_at, id)) t "
        "WHERE place >= 50001 AND place <= 50020",
        tables=(ORDERS,),
    ),
    Example(sql=PAGES, note="The plan shows the depth.", tables=(ORDERS,), plan=SKIPS),
    Example(sql=PAGES, note="The time shows the depth.", tables=(ORDERS,), mean_ms=80.0, rows=20_000),
]
GOOD = [
    Example(note="The second page.", sql="SELECT id FROM orders ORDER BY id LIMIT 20 OFFSET 20", tables=(ORDERS,)),
    Example(note="A fence for the planner.", sql="SELECT id FROM (SELECT id FROM orders OFFSET 0) t", tables=(ORDERS,)),
    Example(note="The depth is a parameter, and the statement is fast.", sql=PAGES, tables=(ORDERS,), mean_ms=0.3),
    Example(note="The first page was planned.", sql=PAGES, tables=(ORDERS,), plan=FIRST_PAGE, mean_ms=0.2),
    Example(
        note="Paged by key.",
        sql="SELECT id FROM orders WHERE (placed_at, id) < ($1, $2) ORDER BY placed_at DESC, id DESC LIMIT 20",
        tables=(ORDERS,),
    ),
    Example(
        note="The first of each group, not a page.",
        sql="SELECT id FROM (SELECT id, row_number() OVER (PARTITION BY status ORDER BY id) AS rn FROM orders) t "
        "WHERE rn <= 3",
        tables=(ORDERS,),
    ),
    Example(
        note="Ranks within each group, by a named window.",
        sql="SELECT id FROM (SELECT id, rank() OVER w AS rn FROM orders WINDOW w AS (PARTITION BY status ORDER BY id)) "
        "t WHERE rn > 50000",
        tables=(ORDERS,),
    ),
    Example(
        note="The first page by number.",
        sql="SELECT id FROM (SELECT id, row_number() OVER (ORDER BY placed_at) AS rn FROM orders) t WHERE rn <= 20",
        tables=(ORDERS,),
    ),
    Example(
        note="A column of that name, not a row number.",
        sql="SELECT id FROM (SELECT id, position AS rn FROM orders) t WHERE rn > 50000",
        tables=(ORDERS,),
    ),
    Example(
        note="A large LIMIT is no OFFSET.",
        sql="SELECT id FROM orders ORDER BY id LIMIT 50000 OFFSET 0",
        tables=(ORDERS,),
    ),
    Example(
        note="A table with fewer rows than that.",
        sql="SELECT id FROM region ORDER BY id LIMIT 20 OFFSET 2000",
        tables=(table("region", rows=40),),
    ),
]


@query_rule(severity=Severity.ERROR, since="0.1")
def check(query: Query, facts: Facts) -> Iterator[Finding]:
    for scope in query.scopes:
        if scope.tables and all(facts.is_tiny(use.table) for use in scope.tables):
            continue
        depth = _number(scope.offset)
        if depth is not None and depth >= DEEP:
            text = f"OFFSET {depth} makes {depth:,} rows and throws them away"
            skipped = _skipped(query, facts) or 0.0
            seen = Evidence(rung=Rung.MEASURED, text=f"{skipped:,.0f} rows were made and not returned")
            told = Evidence(rung=Rung.INFERRED, text="the number is in the query")
            yield _finding(query, facts, scope, text, seen if skipped >= DEEP else told)
        elif scope.offset and scope.offset.kind == "parameter":
            yield from _parameter(query, facts, scope)
        yield from _numbered(query, facts, scope)


def _parameter(query: Query, facts: Facts, scope: Scope) -> Iterator[Finding]:
    """An OFFSET that the text does not tell: the plan, the pages or the clock must."""
    skipped, statement = _skipped(query, facts), facts.statement(query.statement)
    if skipped is not None and skipped >= DEEP:
        evidence = Evidence(rung=Rung.MEASURED, text=f"{skipped:,.0f} rows were made and not returned")
        yield _finding(query, facts, scope, f"OFFSET throws away {skipped:,.0f} rows before the page", evidence)
        return
    if statement is None or scope.number or not scope.limit or not scope.sort_keys or scope.has_aggregate:
        return
    rows, ms = statement.rows_per_call, statement.mean_ms or 0.0
    if rows is None or rows >= DEEP:
        return
    pages = _pages(query, facts, statement)
    if pages:
        text = f"a call reads {pages[0]:,.0f} pages on average, the first page of the list {pages[1]:,.0f}"
        evidence = Evidence(rung=Rung.MEASURED, text=text)
        yield _finding(query, facts, scope, "OFFSET is a parameter, and most pages are far from the first", evidence)
    elif skipped is None and ms >= SLOW_MS:
        evidence = Evidence(rung=Rung.MEASURED, text=f"{ms:,.0f} ms for {rows:,.0f} rows a call, on average")
        yield _finding(query, facts, scope, "OFFSET is a parameter, and the page is slow", evidence)


def _pages(query: Query, facts: Facts, statement: Statement) -> tuple[float, float] | None:
    """Pages that a call reads on average, and those of the run without offset, when the first are far more.

    Only where LIMIT and OFFSET are all that differs from call to call: another value to look for would explain it too.
    """
    planned = facts.plan(query.statement)
    others = [each for each in query.predicates() if each.value.kind != "column" and each.value.kind != "none"]
    if planned is None or not planned.is_analyzed or others or not statement.calls:
        return None
    if statement.shared_hit_blocks is None or planned.root.shared_hit_blocks is None:
        return None
    usual = (statement.shared_hit_blocks + (statement.shared_read_blocks or 0)) / statement.calls
    first = planned.root.shared_hit_blocks + (planned.root.shared_read_blocks or 0)
    return (usual, first) if usual >= MANY_PAGES and usual >= FAR_MORE * max(first, 1) else None


def _skipped(query: Query, facts: Facts) -> float | None:
    """Rows that the plan's LIMIT took in and did not give out, when it was really run."""
    planned = facts.plan(query.statement)
    limits = [each for each in planned.nodes if each.node_type == "Limit"] if planned else []
    counted = [
        child.actual_rows - each.actual_rows
        for each in limits
        for child in each.children[:1]
        if child.actual_rows is not None and each.actual_rows is not None
    ]
    return max(counted, default=None)


def _numbered(query: Query, facts: Facts, scope: Scope) -> Iterator[Finding]:
    """A page cut out of a derived table by its row_number()."""
    for predicate in scope.predicates:
        depth = _from_row(predicate)
        relation = scope.relation(predicate.column.alias) if predicate.column else None
        if depth is None or depth < DEEP or relation is None or relation.inner is None or not predicate.column:
            continue
        inner = next((each for each in query.scopes if each.number == relation.inner), None)
        name = predicate.column.column
        numbers = [_numbering(query, output) for output in inner.outputs if output.alias == name] if inner else []
        if inner and numbers and numbers[0]:
            text = f"{numbers[0]}() numbers {depth:,} rows that are then thrown away"
            evidence = Evidence(rung=Rung.INFERRED, text=f"the page starts after row {depth:,}")
            yield _finding(query, facts, inner, text, evidence, span=predicate.span)


def _numbering(query: Query, output: Output) -> str | None:
    """The function that numbers all rows in one sequence; None: no number, or one in each group."""
    numbered = ROW_NUMBER.match(output.text.strip())
    if numbered is None:
        return None
    window = numbered["window"]
    if not window.startswith("("):
        named = re.search(rf"\b{window}\s+as\s*\(([^()]*)\)", query.text, re.I)
        window = f"({named[1]})" if named else "(unknown)"
    is_whole = re.match(r"\(\s*(?:order\b|\))", window, re.I)
    return numbered["name"].lower() if is_whole else None


def _from_row(predicate: Predicate) -> int | None:
    """How many rows by number come before those that the predicate keeps."""
    if predicate.is_wrapped or predicate.is_negated or not predicate.is_conjunct:
        return None
    number = _number(predicate.value) if predicate.operator in (">", ">=", "BETWEEN", "=") else None
    return number if number is None or predicate.operator == ">" else number - 1


def _number(value: Value | None) -> int | None:
    """The number that a value without parameters stands for: `50000`, `(500 - 1) * 20`."""
    if value is None or not re.fullmatch(r"[\d\s()*+-]{1,60}", value.text):
        return None
    try:
        tree = ast.parse(value.text.strip(), mode="eval")
    except SyntaxError:
        return None
    return _evaluated(tree.body)


def _evaluated(tree: ast.expr) -> int | None:
    if isinstance(tree, ast.Constant) and isinstance(tree.value, int):
        return tree.value
    if isinstance(tree, ast.BinOp) and isinstance(tree.op, SUMS):
        left, right = _evaluated(tree.left), _evaluated(tree.right)
        if left is None or right is None:
            return None
        return left + right if isinstance(tree.op, ast.Add) else (
            left - right if isinstance(tree.op, ast.Sub) else left * right)  # fmt: skip
    return None


def _finding(
    query: Query, facts: Facts, scope: Scope, message: str, evidence: Evidence, span: Span | None = None
) -> Finding:
    table = next((use.table for use in scope.tables if use.table), None)
    statement = facts.statement(query.statement)
    is_slow = evidence.rung is Rung.MEASURED or (statement is not None and (statement.mean_ms or 0.0) >= SLOW_MS)
    spans = span or _offset_span(query, scope)
    return Finding(
        where=Where(statement=query.statement, table=table),
        message=message,
        evidence=(evidence,),
        remedy=Remedy(
            text=f"Page by key: keep {_kept(scope, facts)} of the last row shown, and ask for the rows after it "
            f"{_comparison(scope)}, with the same ORDER BY and the same LIMIT."
        ),
        wrong_if="nobody asks for deep pages, or all pages are read once by a batch",
        severity=facts.severity(query.statement) if is_slow else Severity.INFO,
        at_most_ms_per_day=facts.ms_per_day(query.statement) if evidence.rung is Rung.MEASURED else None,
        spans=(spans,) if spans else (),
    )


def _kept(scope: Scope, facts: Facts) -> str:
    """The sort keys, and the primary key where they do not hold it."""
    keys = ", ".join(f"`{key.text}`" for key in scope.sort_keys) or "a unique sort key"
    table = facts.table(next((use.table for use in scope.tables if use.table), None))
    unique = set(table.primary_key.columns) if table and table.primary_key else set()
    is_unique = bool(unique) and unique <= {key.column.column for key in scope.sort_keys if key.column}
    return keys if is_unique else f"{keys} and the primary key"


def _comparison(scope: Scope) -> str:
    """How the rows after the last one are asked for: a row comparison serves only keys of one direction."""
    directions = {key.is_descending for key in scope.sort_keys}
    if len(directions) > 1 or not scope.sort_keys:
        return "by comparing key by key, in the order's own direction"
    sign = "<" if directions == {True} else ">"
    keys = ", ".join(key.text for key in scope.sort_keys)
    values = ", ".join(f"${at}" for at in range(1, len(scope.sort_keys) + 1))
    return f"with `({keys}) {sign} ({values})`" if len(scope.sort_keys) > 1 else f"with `{keys} {sign} $1`"


def _offset_span(query: Query, scope: Scope) -> Span | None:
    """Where the OFFSET stands: the last one in the scope's text."""
    start = scope.span.start if scope.span and scope.number else 0
    found = list(re.finditer(r"\boffset\b\s+[\w$()*+ -]*[\w$)]", query.cut(scope.span) or query.text, re.I))
    return Span(start=start + found[-1].start(), end=start + found[-1].end()) if found else None
