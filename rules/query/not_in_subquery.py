"""NOT IN compares with a value that may be NULL, and then returns no row.

## What it finds
`x NOT IN (SELECT y …)` and `x <> ALL (SELECT y …)` where `y` can be NULL, and a NULL written into the list of a NOT IN.
With a plan also one whose subquery is read again for every row.

## Why it matters
`x <> NULL` is neither true nor false, so a single NULL among the values makes the whole condition unknown for every
row: the query returns nothing, without an error, from the day the first NULL is stored. PostgreSQL also cannot turn
NOT IN into an anti-join: it keeps the subquery's whole result in memory, or reads it again for every row.

## What to do
Write NOT EXISTS: it ignores NULLs and becomes an anti-join. Or filter the NULLs out inside the subquery, or declare the
column NOT NULL.

## When to leave it
The column has no NULL and never will; then say so with NOT NULL.

## Source
https://wiki.postgresql.org/wiki/Don%27t_Do_This#Don.27t_use_NOT_IN
"""

import re
from collections.abc import Iterator

from pgadvisor.rule import (
    Column,
    ColumnStatistics,
    ColumnUse,
    Evidence,
    Example,
    Facts,
    Finding,
    PlanNode,
    Predicate,
    Query,
    Remedy,
    Rung,
    Scope,
    Severity,
    Value,
    Where,
    is_output_nullable,
    node,
    query_rule,
    quoted,
    table,
)

EXCLUSIONS = ("NOT IN", "<> ALL", "NOT = ANY")
MANY_COMPARISONS = 1_000_000
"""About 10 ms of comparing: rows outside times rows inside, when the subquery is not hashed."""

WITH_NULLS = ColumnStatistics(null_fraction=0.02, average_width_bytes=8, n_distinct=-0.98)
USERS = table("users", columns={"account_id": "bigint", "status": "text"})
BLOCKED = table("blocked", rows=500, columns={"user_id": "bigint", "reason": "text"}, primary_key=None)
BLOCKED_NULLS = table("blocked", rows=500, primary_key=None, statistics={"user_id": WITH_NULLS})
AGENTS = table("agents", rows=60, columns={"name": "text"}, primary_key="user_id")
ORDERS = table("orders", columns={"user_id": "bigint"}, not_null=("user_id",))
RESCANNED = node(
    "Seq Scan",
    node("Materialize", parent_relationship="SubPlan", subplan_name="SubPlan 1", rows=1e6),
    table="users", alias="users", rows=5e5, cost=1e10, filter="(NOT (ANY (id = (SubPlan 1).col1)))",
)  # fmt: skip
HASHED = node(
    "Seq Scan",
    node("Seq Scan", parent_relationship="SubPlan", subplan_name="SubPlan 1", table="orders", alias="orders", rows=1e6),
    table="users", alias="users", rows=5e5, cost=1e5, filter="(NOT (ANY (id = (hashed SubPlan 1).col1)))",
)  # fmt: skip
BAD = [
    Example(
        sql="SELECT id FROM users WHERE id NOT IN (SELECT user_id FROM blocked)",
        tables=(USERS, BLOCKED),
        remedy="WHERE NOT EXISTS (SELECT 1 FROM blocked WHERE blocked.user_id = users.id)",
    ),
    Example(
        sql="SELECT id FROM users WHERE id <> ALL (SELECT user_id FROM blocked WHERE reason = 'a' OR reason = 'b')",
        tables=(USERS, BLOCKED),
        remedy="NOT EXISTS (SELECT 1 FROM (SELECT user_id FROM blocked WHERE reason = 'a' OR reason = 'b') "
        "AS excluded (value) WHERE excluded.value = users.id)",
    ),
    Example(sql="SELECT id FROM users WHERE id NOT IN (SELECT user_id FROM blocked)", tables=(USERS, BLOCKED_NULLS)),
    Example(
        sql="SELECT id FROM users WHERE status NOT IN ('active', NULL, 'new')",
        tables=(USERS,),
        remedy="WHERE status NOT IN ('active', 'new')",
    ),
    Example(
        sql="SELECT id FROM users WHERE id NOT IN "
        "(SELECT b.user_id FROM agents a LEFT JOIN blocked b ON b.user_id = a.user_id)",
        tables=(USERS, BLOCKED, AGENTS),
    ),
    Example(
        sql="SELECT id FROM users WHERE id NOT IN (SELECT o.user_id FROM agents a LEFT JOIN orders o USING (user_id))",
        note="The column is NOT NULL, but the LEFT JOIN makes NULLs.",
        tables=(USERS, ORDERS, AGENTS),
    ),
    Example(sql="SELECT id FROM users WHERE NOT (id = ANY (SELECT user_id FROM blocked))", tables=(USERS, BLOCKED)),
    Example(
        sql="DELETE FROM users WHERE NOT (id IN (SELECT user_id FROM blocked UNION ALL SELECT user_id FROM agents))",
        tables=(USERS, BLOCKED, AGENTS),
    ),
    Example(
        sql="WITH g AS (SELECT user_id FROM blocked) SELECT id FROM users WHERE id NOT IN (SELECT user_id FROM g)",
        tables=(USERS, BLOCKED),
    ),
    Example(
        sql="SELECT id FROM users WHERE id NOT IN (SELECT max(user_id) FROM blocked GROUP BY reason)",
        tables=(USERS, BLOCKED),
    ),
    Example(
        sql="SELECT id FROM users WHERE id NOT IN (SELECT CASE WHEN name = 'x' THEN user_id END FROM agents)",
        note="A CASE without ELSE makes NULLs.",
        tables=(USERS, AGENTS),
    ),
    Example(
        sql="SELECT id FROM users WHERE id NOT IN (SELECT user_id FROM orders)",
        note="No NULL, but too much for a hash table: the subquery is read again for every row.",
        tables=(USERS, ORDERS),
        plan=RESCANNED,
    ),
]
GOOD = [
    Example(
        sql="SELECT id FROM users WHERE id NOT IN (SELECT user_id FROM agents)",
        note="The column is a primary key.",
        tables=(USERS, AGENTS),
    ),
    Example(
        sql="SELECT id FROM users WHERE id NOT IN (SELECT user_id FROM orders)",
        note="NOT NULL, and the result is hashed: read once.",
        tables=(USERS, ORDERS),
        plan=HASHED,
    ),
    Example(
        sql="SELECT id FROM users WHERE id NOT IN (SELECT user_id FROM blocked WHERE user_id IS NOT NULL)",
        note="The NULLs are filtered out.",
        tables=(USERS, BLOCKED),
    ),
    Example(
        sql="SELECT id FROM users WHERE id NOT IN (SELECT user_id FROM blocked WHERE user_id > 100)",
        note="No NULL is greater than 100.",
        tables=(USERS, BLOCKED),
    ),
    Example(
        sql="SELECT id FROM users WHERE id NOT IN (SELECT b.user_id FROM blocked b JOIN agents a ON a.id = b.user_id)",
        note="An inner join drops the NULLs.",
        tables=(USERS, BLOCKED, AGENTS),
    ),
    Example(
        sql="SELECT id FROM users WHERE id NOT IN (SELECT coalesce(user_id, 0) FROM blocked)",
        note="COALESCE with a constant gives no NULL.",
        tables=(USERS, BLOCKED),
    ),
    Example(
        sql="SELECT id FROM users WHERE id IN (SELECT user_id FROM blocked)",
        note="IN ignores NULLs.",
        tables=(USERS, BLOCKED),
    ),
    Example(
        sql="SELECT id FROM users u WHERE NOT EXISTS (SELECT 1 FROM blocked b WHERE b.user_id = u.id)",
        note="NOT EXISTS ignores NULLs.",
        tables=(USERS, BLOCKED),
    ),
    Example(
        sql="SELECT id FROM users WHERE status NOT IN ('active', 'NULL')",
        note="A string, not a NULL.",
        tables=(USERS,),
    ),
    Example(
        sql="SELECT id FROM users WHERE status NOT IN ($1, $2)",
        note="Nobody can know what the parameters are.",
        tables=(USERS,),
    ),
    Example(
        sql="SELECT id FROM users WHERE (id IN (SELECT user_id FROM blocked)) IS NOT TRUE",
        note="IS NOT TRUE keeps the rows that a NULL leaves undecided.",
        tables=(USERS, BLOCKED),
    ),
    Example(
        sql="SELECT id FROM users WHERE id NOT IN (SELECT max(user_id) FROM orders GROUP BY account_id)",
        note="No group is empty, so none has a NULL for its maximum.",
        tables=(USERS, ORDERS),
    ),
    Example(
        sql="SELECT id FROM users WHERE id IN (1, 2) AND status IS DISTINCT FROM NULL",
        note="No NOT IN.",
        tables=(USERS,),
    ),
]


@query_rule(severity=Severity.ERROR, since="0.1", aliases=("not-in-null-literal",))
def check(query: Query, facts: Facts) -> Iterator[Finding]:
    for predicate in query.predicates():
        if _excludes_null(predicate):
            yield _literal_null(query, predicate)
    if query.is_truncated or any(facts.is_system(use.table) for use in query.tables()):
        return
    for scope in query.scopes:
        if scope.comparison and scope.comparison.operator in EXCLUSIONS:
            yield from _subquery(query, facts, scope)


def _excludes_null(predicate: Predicate) -> bool:
    """`x NOT IN (…, NULL)`, also written `<> ALL`: true for no row at all."""
    is_exclusion = predicate.operator == "<> ALL" or (predicate.is_negated and predicate.operator in ("IN", "= ANY"))
    return is_exclusion and any(item.kind == "null" for item in predicate.value.items)


def _literal_null(query: Query, predicate: Predicate) -> Finding:
    return Finding(
        where=_where(query, predicate.column),
        message=f"NULL stands in the list that `{predicate.source}` must not be in: the condition is true for no row",
        evidence=(Evidence(rung=Rung.INFERRED, text="`<> NULL` is unknown for every value, and unknown is not true"),),
        remedy=Remedy(
            text="Take the NULL out of the list; rows where the left side is NULL are left out anyway.",
            sql=_without_null(query, predicate),
        ),
        wrong_if="the query is meant to return nothing",
        severity=Severity.ERROR,
        spans=(predicate.span,) if predicate.span else (),
    )


def _without_null(query: Query, predicate: Predicate) -> str | None:
    """The query with the other items alone; None when they are not all plain."""
    kept = [item for item in predicate.value.items if item.kind != "null"]
    is_whole = predicate.value.count == len(predicate.value.items)
    if (
        not kept
        or not is_whole
        or not predicate.span
        or not all(item.kind in ("constant", "parameter") for item in kept)
    ):
        return None
    items = ", ".join(_literal(item) for item in kept)
    return query.spliced((predicate.span, f"{predicate.source} NOT IN ({items})"))


def _literal(item: Value) -> str:
    if item.kind == "parameter" or item.type in ("integer", "number", "boolean"):
        return item.text
    text = "'" + item.text.replace("'", "''") + "'"
    return text if item.type in (None, "string") else f"{text}::{item.type}"


def _subquery(query: Query, facts: Facts, scope: Scope) -> Iterator[Finding]:
    comparison = scope.comparison
    assert comparison is not None
    is_nullable = is_output_nullable(query, scope, lambda column: _may_be_null(facts, column))
    rescans = _rescans(query, facts)
    if not rescans and (is_nullable is False or (is_nullable is None and facts.has_catalog)):
        return
    column = _origin(scope)
    severity, evidence = _weigh(facts, scope, column, bool(is_nullable))
    if rescans:
        evidence = (*evidence, Evidence(rung=Rung.ESTIMATED, text=rescans))
        severity = min(severity, facts.severity(query.statement), key=lambda each: each.rank)
    name = f"`{column.column}`" if column else "the subquery's column"
    message = f"{comparison.operator} with a subquery: one NULL in {name} and no row is returned"
    if not is_nullable and facts.has_catalog:
        message = f"{comparison.operator} reads its subquery again for every row"
    statement = facts.statement(query.statement)
    yield Finding(
        where=_where(query, column),
        message=message,
        evidence=evidence,
        cause=f"exclusion {statement.fingerprint}" if statement else None,
        remedy=_not_exists(query, facts, scope),
        wrong_if=f"{name} never holds a NULL" if is_nullable or not facts.has_catalog else "the plan has changed since",
        severity=severity,
        spans=(comparison.span,) if comparison.span else (),
    )


def _may_be_null(facts: Facts, column: ColumnUse) -> bool | None:
    found = facts.column(column.table, column.column)
    if not facts.has_catalog and column.column == "id":
        return False  # the usual name of a primary key
    return None if found is None else not found.not_null


def _where(query: Query, column: ColumnUse | None) -> Where:
    return Where(
        statement=query.statement, table=column.table if column else None, column=column.column if column else None
    )


def _weigh(
    facts: Facts, scope: Scope, column: ColumnUse | None, is_nullable: bool
) -> tuple[Severity, tuple[Evidence, ...]]:
    """How bad the NULL trap is: open (no catalog), armed (nullable), or sprung (NULLs are there)."""
    if not is_nullable:
        text = "the column is not known to be NOT NULL" if not facts.has_catalog else "no NULL can come of it"
        return Severity.INFO, (Evidence(rung=Rung.INFERRED, text=text),)
    found = facts.column(column.table, column.column) if column and column.table else None
    nulls = found.statistics.null_fraction if found and found.statistics else 0.0
    name = f"{column.table}.{column.column}" if column and column.table else "the subquery's column"
    inferred = Evidence(rung=Rung.INFERRED, text=f"{name} may be NULL: no NOT NULL, no filter on it in the subquery")
    if not nulls:
        return Severity.WARNING, (inferred,)
    held = Evidence(rung=Rung.ESTIMATED, text=f"{nulls:.2%} of {name} is NULL today")
    return (Severity.WARNING if scope.has_where else Severity.ERROR), (held, inferred)


def _rescans(query: Query, facts: Facts) -> str | None:
    """What the plan says of a subquery that is neither hashed nor small; None: nothing bad."""
    planned = facts.plan(query.statement)
    for each in planned.nodes if planned else ():
        for child in each.children:
            if child.parent_relationship != "SubPlan" or not _is_negation(each, child):
                continue
            found = facts.table(f"{each.schema}.{each.table}" if each.schema else each.table)
            outer = (found.rows if found and each.node_type == "Seq Scan" else None) or each.estimated_rows
            if outer * child.estimated_rows >= MANY_COMPARISONS and child.estimated_rows >= 1_000:
                return f"not hashed: up to {child.estimated_rows:,.0f} rows are compared with each of {outer:,.0f}"
    return None


def _is_negation(parent: PlanNode, child: PlanNode) -> bool:
    """Whether the filter excludes by that subplan without hashing it, as PostgreSQL spells it up to 16 or since 17."""
    if child.node_type not in ("Materialize", "Seq Scan") or not child.subplan_name:
        return False
    name = re.escape(child.subplan_name)
    text = parent.filter or ""
    return (
        bool(re.search(rf"(?:NOT|ALL) \(.*(?<!hashed ){name}\b", text)) and f"hashed {child.subplan_name}" not in text
    )


def _origin(scope: Scope) -> ColumnUse | None:
    return scope.outputs[0].column if len(scope.outputs) == 1 else None


def _not_exists(query: Query, facts: Facts, scope: Scope) -> Remedy:
    text = "Write NOT EXISTS, which ignores NULLs and becomes an anti-join."
    comparison, inner = scope.comparison, query.cut(scope.span)
    assert comparison is not None
    column = comparison.column
    if column is None or column.alias is None or not inner or not comparison.span or not _says_not(query, scope):
        return Remedy(text=text)
    found: Column | None = facts.column(column.table, column.column)
    if found is None or not found.not_null:
        text += f" It also returns rows whose `{column.column}` is NULL: add `IS NOT NULL` if you do not want them."
    left = f"{quoted(column.alias)}.{quoted(column.column)}"
    use = scope.tables[0] if len(scope.tables) == 1 else None
    output = _origin(scope)
    is_plain = use and use.table and output and not scope.has_where and not scope.is_distinct and not _is_shaped(scope)
    if use and output and is_plain and use.alias != column.alias:
        named = query.cut(use.span) or use.alias
        source = named if use.table and use.table.rpartition(".")[2] == use.alias else f"{named} {quoted(use.alias)}"
        new = f"NOT EXISTS (SELECT 1 FROM {source} WHERE {quoted(use.alias)}.{quoted(output.column)} = {left})"
    elif column.alias != "excluded":
        new = f"NOT EXISTS (SELECT 1 FROM ({inner}) AS excluded (value) WHERE excluded.value = {left})"
    else:
        return Remedy(text=text)
    return Remedy(text=text, sql=query.spliced((comparison.span, new)))


def _says_not(query: Query, scope: Scope) -> bool:
    """Whether the comparison itself says NOT: of `NOT (x IN (…))` it is a part that does not."""
    comparison = scope.comparison
    before = query.cut(comparison.span) if comparison else ""
    written = before.partition(query.cut(scope.span))[0]
    return bool(re.search(r"\bnot\s+in\s*\(\s*\Z|(<>|!=)\s*all\s*\(\s*\Z", written, re.I))


def _is_shaped(scope: Scope) -> bool:
    return bool(
        scope.set_operation
        or scope.limit
        or scope.offset
        or scope.group_keys
        or scope.has_aggregate
        or scope.has_window
    )
