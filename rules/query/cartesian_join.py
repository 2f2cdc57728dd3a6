"""Two tables are joined without a condition: every row of one meets every row of the other.

## What it finds
Tables in one FROM that no condition connects, neither ON, USING nor WHERE, where each can give more than one row. An
explicit CROSS JOIN only when both tables are large. A row by its key beside a whole table as well, where a foreign key
leads from one to the other and no condition uses it.

## Why it matters
A thousand rows and a thousand rows are a million. Mostly the condition was forgotten, and a DISTINCT or LIMIT hides it.

## What to do
Write the condition into an ON. If every combination is meant, write CROSS JOIN, so that the next reader sees it.

## When to leave it
One side has a single row, such as an aggregate or a row of settings, or both are lists of a few entries.

## Source
https://www.postgresql.org/docs/current/queries-table-expressions.html#QUERIES-JOIN
"""

from collections.abc import Iterator

from pgadvisor.rule import (
    ColumnUse,
    Evidence,
    Example,
    Facts,
    Finding,
    Query,
    Remedy,
    Rung,
    Scope,
    Severity,
    TableUse,
    Value,
    Where,
    foreign_key,
    node,
    query_rule,
    table,
)

FEW_ROWS = 100
"""A LIMIT up to here makes a derived table a short list."""
MANY_PAIRS = 1_000_000
"""Combinations from which also a deliberate CROSS JOIN takes a second."""

USERS = table("users", rows=20_000, columns={"name": "text", "team_id": "bigint"})
ORDERS = table("orders", columns={"state": "text", "total": "numeric"}, indexes={"orders_user_id_idx": "user_id"})
OWNED = table("orders", columns={"state": "text"}, indexes={"orders_user_id_idx": "user_id"},
              constraints=(foreign_key("user_id", "users"),))  # fmt: skip
PAYMENTS = table("payments", columns={"state": "text"}, indexes={"payments_order_id_idx": "order_id"})
TEAMS = table("teams", rows=12, columns={"name": "text"})
TRIPLE = (
    "SELECT o.id FROM orders o JOIN users u ON u.id = o.user_id, payments p WHERE p.state = 'failed' AND o.id < 100"
)
BAD = [
    Example(sql="SELECT u.id FROM users u, orders o WHERE o.state = 'new'", tables=(USERS, ORDERS)),
    Example(note="The third table hangs in the air.", sql=TRIPLE, tables=(USERS, ORDERS, PAYMENTS)),
    Example(sql="SELECT u.name, t.name FROM users u, teams t", tables=(USERS, TEAMS)),
    Example(sql="SELECT o.id FROM orders o JOIN users u ON true WHERE o.total > 5", tables=(USERS, ORDERS)),
    Example(sql="SELECT o.id FROM orders o JOIN users u ON u.id = u.id", tables=(USERS, ORDERS)),
    Example(sql="SELECT o.id FROM orders o JOIN users u ON o.user_id = o.user_id", tables=(USERS, ORDERS)),
    Example(sql="SELECT u.id FROM users u LEFT JOIN orders o ON u.name = 'x'", tables=(USERS, ORDERS)),
    Example(sql="SELECT u.name, o.total FROM users u CROSS JOIN orders o", tables=(USERS, ORDERS)),
    Example(sql="UPDATE orders SET total = 0 FROM users u WHERE u.name = 'x'", tables=(USERS, ORDERS)),
    Example(
        note="The orders of user 5 were meant: a foreign key leads from one to the other.",
        sql="SELECT u.name, o.id FROM users u, orders o WHERE u.id = 5",
        tables=(USERS, OWNED),
    ),
    Example(
        sql="SELECT x.n FROM (SELECT count(*) AS n FROM users u, orders o WHERE u.team_id = 5) x",
        tables=(USERS, ORDERS),
    ),
]
GOOD = [
    Example(note="The WHERE connects them.", sql="SELECT 1 FROM users u, orders o WHERE o.user_id = u.id",
            tables=(USERS, ORDERS)),
    Example(note="So does an inequality.", sql="SELECT 1 FROM users u JOIN orders o ON o.user_id > u.id",
            tables=(USERS, ORDERS)),
    Example(note="A row by its key.", sql="SELECT 1 FROM users u, orders o WHERE o.id = 5", tables=(USERS, ORDERS)),
    Example(note="Joined by naming the key twice.", tables=(USERS, OWNED),
            sql="SELECT 1 FROM users u, orders o WHERE u.id = 5 AND o.user_id = 5"),
    Example(note="USING.", sql="SELECT 1 FROM orders o JOIN payments p USING (id) WHERE o.id < 9",
            tables=(ORDERS, PAYMENTS)),
    Example(note="An aggregate is one row.",
            sql="SELECT o.id, a.x FROM orders o CROSS JOIN (SELECT avg(total) AS x FROM orders) a", tables=(ORDERS,)),
    Example(note="A CTE with one row.", sql="WITH p AS (SELECT 5 AS x) SELECT 1 FROM orders o, p WHERE o.total > p.x",
            tables=(ORDERS,)),
    Example(note="A settings CTE that is not even compared.",
            sql="WITH p AS (SELECT now() AS x) SELECT o.id, p.x FROM orders o, p", tables=(ORDERS,)),
    Example(note="LATERAL depends on the row.",
            sql="SELECT 1 FROM users u, LATERAL (SELECT o.id FROM orders o WHERE o.user_id = u.id LIMIT 3) l",
            tables=(USERS, ORDERS)),
    Example(note="A function of the row.", sql="SELECT x FROM users u, unnest(string_to_array(u.name, ',')) x",
            tables=(USERS,)),
    Example(note="A written list.", sql="SELECT 1 FROM users u CROSS JOIN (VALUES (1), (2)) v(n)", tables=(USERS,)),
    Example(note="A deliberate CROSS JOIN with a short list.",
            sql="SELECT t.name, u.name FROM teams t CROSS JOIN users u", tables=(TEAMS, USERS)),
    Example(note="Connected through a subquery.", tables=(USERS, ORDERS, PAYMENTS),
            sql="SELECT 1 FROM users u, orders o WHERE EXISTS (SELECT 1 FROM payments p WHERE p.order_id = o.id "
            "AND p.id = u.id)"),
    Example(note="The planner expects few pairs.", tables=(USERS, ORDERS),
            sql="SELECT 1 FROM users u CROSS JOIN orders o WHERE u.team_id = 3 AND o.user_id = 4",
            plan=node("Nested Loop", node("Index Scan", rows=5), node("Index Scan", rows=8), rows=40)),
    Example(note="An insert names its target beside the tables it reads.", tables=(USERS, ORDERS),
            sql="INSERT INTO orders (user_id) SELECT id FROM users"),
    Example(note="Small tables, all combinations.", tables=(TEAMS, table("days", rows=7)),
            sql="SELECT t.name, d.id FROM teams t, days d"),
]  # fmt: skip


@query_rule(severity=Severity.ERROR, since="0.1")
def check(query: Query, facts: Facts) -> Iterator[Finding]:
    if query.is_truncated or any(facts.is_system(use.table) for use in query.tables()):
        return
    for scope in query.scopes:
        uses = [use for use in scope.tables if not (use.is_target and scope.write in ("insert", "merge"))]
        if len(uses) < 2 or scope.write == "merge":
            continue
        groups = _connected(query, scope, uses)
        single = facts.single_rows(scope)
        many = [group for group in groups if not all(_is_short(query, facts, use, single) for use in group)]
        if len(many) == 1:
            many += _unjoined(facts, scope, many[0], [group for group in groups if group is not many[0]])
        if len(many) > 1 and not _is_harmless(query, facts, scope, many):
            yield _finding(query, facts, many)


def _unjoined(facts: Facts, scope: Scope, many: list[TableUse], others: list[list[TableUse]]) -> list[list[TableUse]]:
    """Rows found by their keys, that a foreign key ties to the many and no condition does."""
    return [
        group
        for group in others
        if not any(use.join == "cross" for use in (*group, *many))
        and any(_is_key_idle(facts, scope, *pair) for one in group for use in many for pair in ((one, use), (use, one)))
    ]


def _is_key_idle(facts: Facts, scope: Scope, child: TableUse, parent: TableUse) -> bool:
    """Whether a foreign key leads from one to the other and no condition speaks of its columns."""
    found, above = facts.table(child.table), facts.table(parent.table)
    spoken = {
        column.column
        for each in scope.predicates
        for column in each.columns
        if column.alias == child.alias and each.value.column != column
    }
    return (
        found is not None
        and above is not None
        and any(
            each.kind == "foreign key" and each.references == above.qualified and spoken.isdisjoint(each.columns)
            for each in found.constraints
        )
    )


def _connected(query: Query, scope: Scope, uses: list[TableUse]) -> list[list[TableUse]]:
    """The relations in groups that conditions connect."""
    groups = [{use.alias} for use in uses]
    for edge in _edges(query, scope, uses):
        joined = [group for group in groups if group & edge]
        groups = [group for group in groups if not group & edge] + [set().union(*joined, edge)]
    listed = [[use for use in uses if use.alias in group] for group in groups]
    return sorted(filter(None, listed), key=lambda group: uses.index(group[0]))


def _edges(query: Query, scope: Scope, uses: list[TableUse]) -> Iterator[set[str]]:
    """Aliases that one condition names together, or that one derived table is computed from."""
    aliases = {use.alias for use in uses}
    spoken: set[str] = set()
    for predicate in scope.predicates:
        if predicate.place in ("where", "on"):
            named = [*predicate.columns, *_columns(predicate.value)]
            named += _columns(predicate.upper) if predicate.upper else []
            unresolved = any(column.alias is None for column in named)
            edge = aliases if unresolved else {column.alias for column in named if column.alias in aliases}
            spoken |= edge
            yield edge
    for use in uses:
        # An ON that never names its own table (`JOIN b ON a.x = a.x`) connects nothing.
        if use.join == "natural" or (use.has_condition and use.alias in spoken):
            yield {use.alias, *use.conditions} & aliases
        if use.is_lateral and use.inner is None:
            yield aliases
    for inner in query.scopes:
        used = {column.alias for column in inner.correlated if column.scope == scope.number and column.alias}
        stands_for = {use.alias for use in uses if use.inner == inner.number}
        if inner.parent == scope.number and used:
            yield (used | stands_for) & aliases


def _columns(value: Value) -> list[ColumnUse]:
    return [*value.columns, *((value.column,) if value.column else ())]


def _is_short(query: Query, facts: Facts, use: TableUse, single: frozenset[str]) -> bool:
    """Whether the relation gives a single row or a short written list."""
    if use.alias in single or use.kind in ("function", "values"):
        return True
    inner = next((each for each in query.scopes if each.number == use.inner), None)
    return inner is not None and _gives_few(query, facts, inner)


def _gives_few(query: Query, facts: Facts, inner: Scope) -> bool:
    if inner.set_operation or not inner.tables or (inner.has_aggregate and not inner.group_keys):
        return True
    if inner.limit and inner.limit.kind == "constant" and inner.limit.text.isdigit():
        return int(inner.limit.text) <= FEW_ROWS
    single = facts.single_rows(inner)
    return all(_is_short(query, facts, use, single) for use in inner.tables)


def _is_harmless(query: Query, facts: Facts, scope: Scope, groups: list[list[TableUse]]) -> bool:
    """A few lists combined, or a CROSS JOIN that was written as one and stays within bounds."""
    names = [use.table for group in groups for use in group]
    if all(facts.is_tiny(name) for name in names):
        return True
    heads = [group[0] for group in groups[1:]]
    if not all(
        use.join == "cross" or (use.join == "inner" and not use.has_condition and use.is_lateral) for use in heads
    ):
        return False
    planned = facts.plan(query.statement)
    if planned:
        pairs = [each.estimated_rows for each in planned.nodes if each.node_type == "Nested Loop"]
        return max(pairs, default=0.0) < MANY_PAIRS / 10
    rows = [facts.rows(group[0].table) for group in groups]
    product = 1.0
    for each in rows:
        if each is None:
            return True
        product *= max(each, 1.0)
    return product < MANY_PAIRS or any(facts.is_tiny(group[0].table) for group in groups)


def _finding(query: Query, facts: Facts, groups: list[list[TableUse]]) -> Finding:
    last = groups[-1][0]
    labels = [" and ".join(use.alias for use in group) for group in groups]
    rows = [facts.rows(group[0].table) for group in groups]
    evidence = [Evidence(rung=Rung.INFERRED, text="no ON, USING or WHERE names both sides")]
    if all(each is not None for each in rows):
        text = " × ".join(f"{each or 0:,.0f}" for each in rows)
        evidence.append(Evidence(rung=Rung.ESTIMATED, text=f"{text} rows, before any filter"))
    is_written = last.join == "cross"
    return Finding(
        where=Where(statement=query.statement, table=last.table),
        message=f"no condition joins {labels[0]} with {', '.join(labels[1:])}: every combination of their rows is made",
        evidence=tuple(evidence),
        remedy=Remedy(text=f"Join {last.alias} with an ON; write CROSS JOIN if every combination is meant."),
        wrong_if="every combination is meant" if is_written else "one side never has more than one row",
        severity=Severity.INFO if is_written else Severity.WARNING,
        spans=(last.span,) if last.span else (),
    )
