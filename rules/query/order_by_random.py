"""ORDER BY random() reads and sorts everything to pick a few rows.

## What it finds
`ORDER BY random()` (or a random UUID) over a table that is not small, unless the plan sorts only a few rows.

## Why it matters
Every row that matches is read and given a number, and all are sorted, also for LIMIT 1: the cost is that of the whole
table, however few rows are wanted.

## What to do
TABLESAMPLE SYSTEM_ROWS (extension tsm_system_rows) or `TABLESAMPLE SYSTEM (1)` for a rough sample; for one row a random
key: `WHERE id >= (SELECT (random() * max(id))::bigint FROM t) ORDER BY id LIMIT 1` (without the cast no index serves).

## When to leave it
Other conditions leave a few hundred rows, or a fair shuffle of all rows is really wanted.

## Source
https://www.postgresql.org/docs/current/tsm-system-rows.html
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
    SortKey,
    Where,
    node,
    query_rule,
    table,
)

MANY_ROWS = 1_000
"""Sorting fewer takes less than a millisecond."""

ITEMS = table("items", columns={"kind": "text"}, indexes={"items_user_id": "user_id"})
ALL = node(
    "Limit", node("Sort", node("Seq Scan", table="items", rows=1e6), rows=1e6, sort_keys=("(random())",)), rows=10
)
FEW = node(
    "Limit", node("Sort", node("Index Scan", table="items", rows=30), rows=30, sort_keys=("(random())",)), rows=1
)
BAD = [
    Example(sql="SELECT id FROM items ORDER BY random() LIMIT 10", tables=(ITEMS,)),
    Example(sql="SELECT id FROM items ORDER BY random() LIMIT 10", tables=(ITEMS,), plan=ALL),
    Example(sql="SELECT id, random() AS r FROM items WHERE kind = 'a' ORDER BY r LIMIT 1", tables=(ITEMS,)),
    Example(sql="SELECT x.id FROM (SELECT id FROM items ORDER BY gen_random_uuid() LIMIT 5) x", tables=(ITEMS,)),
    Example(sql="SELECT t.id FROM (SELECT id, random() AS r FROM items) t ORDER BY t.r LIMIT 10", tables=(ITEMS,)),
]
GOOD = [
    Example(note="A sample.", sql="SELECT id FROM items TABLESAMPLE SYSTEM (1) LIMIT 10", tables=(ITEMS,)),
    Example(
        note="The plan sorts thirty rows.",
        sql="SELECT id FROM items WHERE user_id = $1 ORDER BY random() LIMIT 1",
        tables=(ITEMS,),
        plan=FEW,
    ),
    Example(
        note="Rows of one user, found by an index: how many, no plan tells.",
        sql="SELECT id FROM items WHERE user_id = $1 ORDER BY random() LIMIT 1",
        tables=(ITEMS,),
    ),
    Example(
        note="A table of 50 rows.",
        sql="SELECT id FROM tips ORDER BY random() LIMIT 1",
        tables=(table("tips", rows=50),),
    ),
    Example(
        note="The sample is shuffled, not the table.",
        sql="SELECT id FROM items TABLESAMPLE SYSTEM (0.1) ORDER BY random() LIMIT 10",
        tables=(ITEMS,),
    ),
    Example(note="No order by it.", sql="SELECT id, random() FROM items ORDER BY id LIMIT 10", tables=(ITEMS,)),
    Example(
        note="Values made up, not read.",
        sql="SELECT n FROM generate_series(1, 100) n ORDER BY random()",
        tables=(ITEMS,),
    ),
]


@query_rule(severity=Severity.ERROR, since="0.1")
def check(query: Query, facts: Facts) -> Iterator[Finding]:
    for scope in query.scopes:
        if any(key.is_random or _is_made_random(query, scope, key) for key in scope.sort_keys) and _is_large(
            facts, _read(query, scope)
        ):
            sorted_rows = _sorted_rows(query, facts)
            is_narrowed = any(facts.has_indexed_equality(scope, use.alias) for use in scope.tables)
            if (sorted_rows is None and not is_narrowed) or (sorted_rows or 0.0) >= MANY_ROWS:
                yield _finding(query, facts, scope, sorted_rows)


def _is_made_random(query: Query, scope: Scope, key: SortKey) -> bool:
    """Whether the key is a column of a derived table or CTE that calls random() there."""
    relation = scope.relation(key.column.alias) if key.column else None
    inner = next((each for each in query.scopes if relation and each.number == relation.inner), None)
    return inner is not None and any(
        output.alias == (key.column.column if key.column else None) and re.search(r"\brandom\s*\(", output.text, re.I)
        for output in inner.outputs
    )


def _read(query: Query, scope: Scope) -> Scope:
    """The scope whose tables are sorted: that of a derived table where nothing else is in FROM."""
    inner = scope.tables[0].inner if len(scope.tables) == 1 else None
    return next((each for each in query.scopes if each.number == inner), scope)


def _is_large(facts: Facts, scope: Scope) -> bool:
    """Whether it reads a table of size, and not just a sample of it."""
    tables = [use for use in scope.tables if use.table]
    return any(not facts.is_tiny(use.table) for use in tables) and not any(use.is_sampled for use in tables)


def _sorted_rows(query: Query, facts: Facts) -> float | None:
    """Rows that the plan sorts at random."""
    planned = facts.plan(query.statement)
    sorts = [each for each in planned.nodes if each.node_type == "Sort"] if planned else []
    keyed = [each for each in sorts if any("random" in key or "uuid" in key for key in each.sort_keys)]
    return max((child.estimated_rows for each in keyed for child in each.children[:1]), default=None)


def _finding(query: Query, facts: Facts, scope: Scope, sorted_rows: float | None) -> Finding:
    name = next((use.table for use in scope.tables if use.table), None)
    found = facts.table(name)
    label = found.label if found else name or "the table"
    rows = f"{sorted_rows:,.0f} rows" if sorted_rows else "all matching rows"
    evidence = (
        Evidence(rung=Rung.ESTIMATED, text=f"the plan sorts {rows}")
        if sorted_rows
        else Evidence(rung=Rung.INFERRED, text="no index can give a random order")
    )
    return Finding(
        where=Where(statement=query.statement, table=name),
        message=f"ORDER BY random() reads and sorts {rows} of {label}",
        evidence=(evidence,),
        remedy=Remedy(
            text="Take a sample: TABLESAMPLE SYSTEM_ROWS (extension tsm_system_rows) for some rows, a random key "
            "looked up in the primary key's index for one."
        ),
        wrong_if="other conditions always leave a few rows, or all rows are to be shuffled",
        severity=facts.severity(query.statement) if sorted_rows else Severity.INFO,
        spans=(scope.span,) if scope.span and scope.number else (),
    )
