"""INSERT without a column list depends on the order of the table's columns.

## What it finds
INSERT INTO t VALUES (…) or INSERT INTO t SELECT … that does not name the columns it fills.

## Why it matters
A column added to the table, or another order of them after a restore or on another server, makes the statement fail, or
puts values into the wrong columns without an error where the types fit.

## What to do
Name the columns.

## When to leave it
A temporary table that was made a moment before by the same program.

## Source
https://www.postgresql.org/docs/current/sql-insert.html
"""

import re
from collections.abc import Iterator

from pgadvisor.rule import (
    Evidence,
    Example,
    Facts,
    Finding,
    Query,
    Remedy,
    Rung,
    Scope,
    Severity,
    Span,
    Where,
    query_rule,
    quoted,
    table,
)

MOST_COLUMNS = 40
"""A longer list is no help to paste."""

ITEMS = table("items", columns={"name": "text", "Price": "numeric"})
BAD = [
    Example(
        sql="INSERT INTO items SELECT id, name FROM items WHERE id < 0",
        tables=(ITEMS,),
        remedy="INSERT INTO items (id, name) SELECT id, name FROM items WHERE id < 0",
    ),
    Example(sql="INSERT INTO items VALUES (1, 'a', 2.5), (2, 'b', 3)", tables=(ITEMS,)),
    Example(sql="INSERT INTO items TABLE items", tables=(ITEMS,)),
    Example(
        sql="WITH made AS (INSERT INTO items VALUES ($1, $2, $3) RETURNING id) SELECT id FROM made", tables=(ITEMS,)
    ),
    Example(sql="INSERT INTO items VALUES ($1, $2) ON CONFLICT (id) DO NOTHING", tables=(ITEMS,)),
]
GOOD = [
    Example(note="Named.", sql="INSERT INTO items (id, name) VALUES (1, 'a')", tables=(ITEMS,)),
    Example(
        note="Named, from a query.", sql="INSERT INTO items (id, name) SELECT id, name FROM items", tables=(ITEMS,)
    ),
    Example(note="Nothing is given.", sql="INSERT INTO items DEFAULT VALUES", tables=(ITEMS,)),
    Example(
        note="No INSERT.",
        sql="SELECT v.id FROM (VALUES (1, 'a')) AS v(id, name)",
    ),
    Example(
        note="An update of named columns.",
        sql="UPDATE items SET name = $1 WHERE id = $2",
        tables=(ITEMS,),
    ),
]


@query_rule(severity=Severity.INFO, since="0.2")
def check(query: Query, facts: Facts) -> Iterator[Finding]:
    for scope in query.scopes:
        if scope.write == "insert" and not scope.has_column_list and scope.target and not query.is_truncated:
            yield _finding(query, facts, scope)


def _finding(query: Query, facts: Facts, scope: Scope) -> Finding:
    target = scope.target
    assert target is not None
    found = facts.table(target.table)
    label = found.label if found else target.table or target.alias
    names = [quoted(column.name) for column in found.columns if not column.is_generated] if found else []
    listed = f": {', '.join(f'`{name}`' for name in names)}" if 0 < len(names) <= MOST_COLUMNS else ""
    return Finding(
        where=Where(statement=query.statement, table=target.table),
        message=f"INSERT INTO {label} does not say which columns it fills",
        evidence=(Evidence(rung=Rung.INFERRED, text="values go to the columns in their order in the table"),),
        remedy=Remedy(text=f"Name the columns that are filled{listed}.", sql=_named(query, facts, scope)),
        wrong_if="the table was made a moment before by the same program",
        severity=Severity.INFO,
        spans=(target.span,) if target.span else (),
    )


def _named(query: Query, facts: Facts, scope: Scope) -> str | None:
    """The statement with the columns named; None where their number is not known."""
    target = scope.target
    found = facts.table(target.table) if target else None
    source = next((each for each in query.children(scope.number) if each.place == "values"), None)
    if target is None or target.span is None or found is None or source is None or source.set_operation:
        return None
    count = len(source.outputs)
    if not count or any(output.is_star for output in source.outputs) or count > min(len(found.columns), MOST_COLUMNS):
        return None
    if any(column.is_generated for column in found.columns[:count]):
        return None
    alias = re.match(r'\s+as\s+(?:\w+|"[^"]+")', query.text[target.span.end :], re.I)
    at = target.span.end + (alias.end() if alias else 0)
    names = ", ".join(quoted(column.name) for column in found.columns[:count])
    return query.spliced((Span(start=at, end=at), f" ({names})"))
