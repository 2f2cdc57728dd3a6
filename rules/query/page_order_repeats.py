"""Pages are cut out of an order in which rows tie, so that some rows are shown twice and others never.

## What it finds
LIMIT with OFFSET and an ORDER BY whose columns, with those that conditions fix, hold no unique key; a column that is
all but unique by its statistics (a time to the microsecond) passes.

## Why it matters
Rows that tie may come in any order, and in another one for each page: another plan, an update or a parallel scan
changes it. A row may then stand on two pages, and another on none.

## What to do
Add the primary key as the last column of ORDER BY, in the direction of the one before, so that one index serves both.

## When to leave it
Nobody reads more than the first page.

## Source
https://www.postgresql.org/docs/current/queries-limit.html
"""

from collections.abc import Iterator

from pgadvisor.rule import (
    ColumnStatistics,
    Evidence,
    Example,
    Facts,
    Finding,
    Query,
    Remedy,
    Rung,
    Scope,
    Severity,
    Where,
    query_rule,
    table,
    told_relations,
)

OFTEN = ColumnStatistics(null_fraction=0, average_width_bytes=8, n_distinct=40)
EXACT = ColumnStatistics(null_fraction=0, average_width_bytes=8, n_distinct=-1)
ORDERS = table(
    "orders",
    columns={"user_id": "bigint", "day": "date", "code": "text", "at": "timestamp with time zone"},
    indexes={"orders_code": "UNIQUE user_id, code"},
    not_null=("user_id", "code"),
    statistics={"day": OFTEN, "at": EXACT, "user_id": OFTEN},
)
BAD = [
    Example(sql="SELECT id FROM orders ORDER BY day DESC LIMIT 20 OFFSET 40", tables=(ORDERS,)),
    Example(sql="SELECT id FROM orders WHERE day > $1 ORDER BY day, user_id LIMIT $2 OFFSET $3", tables=(ORDERS,)),
]
GOOD = [
    Example(note="The key breaks ties.", sql="SELECT id FROM orders ORDER BY day, id LIMIT 20 OFFSET 40",
            tables=(ORDERS,)),
    Example(note="A code is unique for one user.",
            sql="SELECT id FROM orders WHERE user_id = $1 ORDER BY code LIMIT 20 OFFSET 40", tables=(ORDERS,)),
    Example(note="Hardly two at the same microsecond.", sql="SELECT id FROM orders ORDER BY at LIMIT 20 OFFSET 40",
            tables=(ORDERS,)),
    Example(note="One page.", sql="SELECT id FROM orders ORDER BY day LIMIT 20", tables=(ORDERS,)),
    Example(note="By group.", sql="SELECT day, count(*) FROM orders GROUP BY day ORDER BY day LIMIT 20 OFFSET 20",
            tables=(ORDERS,)),
    Example(note="How the names sort, nobody knows without the catalog.",
            sql="SELECT id FROM unknown_table ORDER BY day LIMIT 20 OFFSET 40", tables=(ORDERS,)),
]  # fmt: skip


@query_rule(severity=Severity.INFO, since="0.2", needs=("catalog",))
def check(query: Query, facts: Facts) -> Iterator[Finding]:
    scope = query.top
    is_page = scope.limit and scope.offset and scope.offset.text != "0" and scope.sort_keys
    if query.kind != "select" or query.is_truncated or not is_page or not _shows_rows(facts, scope):
        return
    keys = tuple(key.column for key in scope.sort_keys if key.column)
    if len(keys) < len(scope.sort_keys) or any(key.alias is None for key in keys):
        return
    if not {use.alias for use in scope.tables} <= told_relations(query, scope, facts, nearly=True, shown=keys):
        yield _finding(query, facts, scope)


def _shows_rows(facts: Facts, scope: Scope) -> bool:
    """Whether the result's rows are those of tables that are known, and of some size."""
    makes = (scope.group_keys, scope.has_grouping_sets, scope.is_distinct, scope.set_operation, scope.has_aggregate)
    tables = [facts.table(use.table) for use in scope.tables]
    is_known = bool(tables) and all(each and each.primary_key and each.columns for each in tables)
    has_statistics = all(
        (column := facts.column(key.column.table, key.column.column)) and column.statistics
        for key in scope.sort_keys
        if key.column
    )
    return not any(makes) and is_known and has_statistics and not all(facts.is_tiny(use.table) for use in scope.tables)


def _finding(query: Query, facts: Facts, scope: Scope) -> Finding:
    found = facts.table(scope.tables[0].table)
    assert found is not None
    assert found.primary_key is not None
    direction = " DESC" if scope.sort_keys[-1].is_descending else ""
    sorted_by = {key.column.column for key in scope.sort_keys if key.column}
    more = [column for column in found.primary_key.columns if column not in sorted_by] or list(
        found.primary_key.columns
    )
    added = ", ".join(f"`{column}`{direction}" for column in more)
    keys = ", ".join(f"`{key.text}`" for key in scope.sort_keys)
    return Finding(
        where=Where(statement=query.statement, table=found.qualified),
        message=f"pages of {found.label} are ordered by {keys}, in which rows tie",
        evidence=(Evidence(rung=Rung.INFERRED, text=f"no unique key is among {keys} and what the conditions fix"),),
        remedy=Remedy(text=f"Add {added} at the end of ORDER BY."),
        wrong_if="nobody reads more than the first page",
        severity=Severity.INFO,
    )
