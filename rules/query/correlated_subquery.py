"""A subquery that depends on the outer row runs once for every outer row.

## What it finds
A scalar subquery in the select list, in a condition or in SET that uses a column of the outer query, where the outer
query has many rows; and an EXISTS or IN that the plan shows to run row by row.

## Why it matters
PostgreSQL turns EXISTS and IN into joins, but never a scalar subquery: it stays a SubPlan, a nested loop that no other
join method can replace. With an index each turn is a lookup, without one it reads a table; there are as many as rows.

## What to do
Compute all groups at once and join them: a LEFT JOIN to a grouped subquery, a window function (`avg(x) OVER (PARTITION
BY …)`), DISTINCT ON for the latest row of each group, or a plain join where the subquery looks up one row by its key.

## When to leave it
The outer query has few rows (a page, one customer), and each turn is an index lookup.

## Source
https://www.postgresql.org/docs/current/queries-table-expressions.html#QUERIES-LATERAL
"""

import re
from collections.abc import Iterator

from pgadvisor.rule import (
    Evidence,
    Example,
    Facts,
    Finding,
    PlannedStatement,
    PlanNode,
    Query,
    Remedy,
    Rung,
    Scope,
    Severity,
    Where,
    node,
    query_rule,
    replace,
    table,
)

MANY_TURNS = 50
"""Fewer turns are a page of a list."""
MUCH_COST = 2_500.0
"""Planner cost of all turns from which it is worth a word: that of reading a table of 20 MB, some 5 ms."""
MUCH_PROBING = 10_000.0
"""The same for EXISTS and IN, which stop at the first row: the planner found hashing them dearer."""
SEMI_JOINS = frozenset({"IN", "EXISTS", "NOT EXISTS", "= ANY"})
"""Comparisons that the planner turns into joins where it can."""
EXCLUSIONS = frozenset({"NOT IN", "<> ALL", "NOT = ANY"})
"""Another rule's matter."""
AGGREGATE = re.compile(r"\s*(count|sum|avg|min|max)\s*\(", re.I)

USERS = table("users", rows=200_000, columns={"name": "text", "team_id": "bigint"}, indexes={"users_team": "team_id"})
ORDERS = table("orders", columns={"total": "numeric", "placed_at": "timestamp"}, indexes={"orders_user": "user_id"})
COUNTS = "SELECT u.id, (SELECT count(*) FROM orders o WHERE o.user_id = u.id) AS n FROM users u"
LOOKUP = node("Index Only Scan", table="orders", alias="o", index_condition="(user_id = u.id)", cost=8)
TURN = node("Aggregate", LOOKUP, parent_relationship="SubPlan", subplan_name="SubPlan 1", cost=8.1)
RAN = node(
    "Aggregate", LOOKUP, parent_relationship="SubPlan", subplan_name="SubPlan 1", actual=1, loops=200_000, ms=0.01
)
BAD = [
    Example(sql=COUNTS, tables=(USERS, ORDERS)),
    Example(
        sql=COUNTS,
        tables=(USERS, ORDERS),
        plan=node("Seq Scan", TURN, table="users", alias="u", rows=200_000, cost=1_600_000),
        rows=200_000_000,
    ),
    Example(
        sql=COUNTS,
        tables=(USERS, ORDERS),
        plan=node("Seq Scan", RAN, table="users", alias="u", rows=200_000, actual=200_000, ms=2_100, cost=1_600_000),
    ),
    Example(
        sql="SELECT o.id FROM orders o WHERE o.total > (SELECT avg(x.total) FROM orders x WHERE x.user_id = o.user_id)",
        tables=(ORDERS,),
    ),
    Example(
        sql="SELECT id FROM orders o WHERE placed_at = (SELECT max(placed_at) FROM orders x WHERE x.total = o.total)",
        tables=(ORDERS,),
    ),
    Example(
        sql="UPDATE users u SET team_id = (SELECT max(o.id) FROM orders o WHERE o.user_id = u.id)",
        tables=(USERS, ORDERS),
    ),
    Example(
        sql="SELECT o.id, (SELECT u.name FROM users u WHERE u.id = o.user_id) FROM orders o ORDER BY o.id",
        tables=(USERS, ORDERS),
    ),
    Example(
        sql="WITH u AS (SELECT id FROM users) SELECT id, (SELECT count(*) FROM orders o WHERE o.user_id = u.id) FROM u",
        note="The plan reads the table under its own name.",
        tables=(USERS, ORDERS),
        rows=200_000_000,
        plan=node(
            "Seq Scan",
            node("Aggregate", node("Index Only Scan", table="orders", alias="o", cost=8,
                                   index_condition="(user_id = users.id)"),
                 parent_relationship="SubPlan", subplan_name="SubPlan 1", cost=8.1),
            table="users", alias="users", rows=200_000, cost=1_600_000,
        ),
    ),
    Example(sql=COUNTS + " ORDER BY n DESC LIMIT 20", note="The first 20 are known after all.", tables=(USERS, ORDERS)),
    Example(
        sql="SELECT o.id FROM orders o WHERE o.id = (SELECT max(x.id) FROM orders x WHERE x.user_id = o.user_id)",
        tables=(ORDERS,),
    ),
    Example(
        sql="SELECT u.id FROM users u WHERE (SELECT max(o.id) FROM orders o WHERE o.user_id = u.id) = 7",
        tables=(USERS, ORDERS),
    ),
    Example(
        sql="SELECT u.id FROM users u WHERE u.name = 'x' OR EXISTS (SELECT 1 FROM orders o WHERE o.total > u.id)",
        note="The planner could make no join of this EXISTS.",
        tables=(USERS, ORDERS),
        plan=node(
            "Seq Scan",
            node("Seq Scan", table="orders", alias="o", filter="(total > u.id)", rows=300_000, cost=30_000,
                 parent_relationship="SubPlan", subplan_name="SubPlan 1"),
            table="users", alias="u", rows=100_000, cost=9e6,
            filter="((name = 'x'::text) OR EXISTS(SubPlan 1))",
        ),
    ),
]  # fmt: skip
GOOD = [
    Example(
        note="EXISTS becomes a semi-join.",
        sql="SELECT u.id FROM users u WHERE EXISTS (SELECT 1 FROM orders o WHERE o.user_id = u.id)",
        tables=(USERS, ORDERS),
    ),
    Example(
        note="The subquery does not depend on the row: it runs once.",
        sql="SELECT o.id FROM orders o WHERE o.total > (SELECT avg(total) FROM orders)",
        tables=(ORDERS,),
    ),
    Example(
        note="The plan was made for other values: a call returned six rows.",
        sql=COUNTS + " WHERE u.id > $1 AND u.id < $2",
        tables=(USERS, ORDERS),
        rows=6_000,
        plan=node("Index Scan", TURN, table="users", alias="u", rows=1_000, cost=9_000, index_condition="(id > $1)"),
    ),
    Example(note="Three outer rows.", sql=COUNTS + " WHERE u.id IN (1, 2, 3)", tables=(USERS, ORDERS)),
    Example(note="One outer row, by its key.", sql=COUNTS + " WHERE u.id = $1", tables=(USERS, ORDERS)),
    Example(
        note="A page of 20 rows, chosen before.",
        sql="WITH page AS (SELECT id, name FROM users ORDER BY name LIMIT 20) "
        "SELECT p.name, (SELECT count(*) FROM orders o WHERE o.user_id = p.id) FROM page p",
        tables=(USERS, ORDERS),
    ),
    Example(note="A page of 20 rows.", sql=COUNTS + " ORDER BY u.name LIMIT 20", tables=(USERS, ORDERS)),
    Example(
        note="The plan expects six outer rows.",
        sql=COUNTS + " WHERE u.team_id = $1",
        tables=(USERS, ORDERS),
        plan=node("Index Scan", TURN, table="users", alias="u", rows=6, cost=60, index_condition="(team_id = $1)"),
    ),
    Example(
        note="An outer table of twelve rows.",
        sql="SELECT d.id, (SELECT count(*) FROM orders o WHERE o.user_id = d.id) FROM depot d",
        tables=(table("depot", rows=12), ORDERS),
    ),
    Example(
        note="The planner made a join of it.",
        sql="SELECT u.id FROM users u WHERE u.id IN (SELECT o.user_id FROM orders o WHERE o.id > u.team_id)",
        tables=(USERS, ORDERS),
        plan=node("Hash Join", node("Seq Scan", table="users", alias="u"), node("Hash"), join_type="Semi"),
    ),
    Example(
        note="A LATERAL join is meant to run by row, mostly for a few.",
        sql="SELECT u.id, l.id FROM users u, LATERAL (SELECT o.id FROM orders o WHERE o.user_id = u.id "
        "ORDER BY o.placed_at DESC LIMIT 3) l WHERE u.team_id = $1",
        tables=(USERS, ORDERS),
    ),
    Example(
        note="Hashed: read once.",
        sql="SELECT u.id, EXISTS (SELECT 1 FROM orders o WHERE o.user_id = u.id) FROM users u",
        tables=(USERS, ORDERS),
        plan=node(
            "Seq Scan",
            node(
                "Seq Scan", table="orders", alias="o", parent_relationship="SubPlan", rows=1e6, subplan_name="SubPlan 2"
            ),
            table="users",
            alias="u",
            rows=200_000,
        ),
    ),
    Example(
        note="A grouped join instead.",
        sql="SELECT u.id, c.n FROM users u LEFT JOIN (SELECT user_id, count(*) AS n FROM orders GROUP BY 1) c "
        "ON c.user_id = u.id",
        tables=(USERS, ORDERS),
    ),
]


@query_rule(severity=Severity.ERROR, since="0.1")
def check(query: Query, facts: Facts) -> Iterator[Finding]:
    suspects = [scope for scope in query.scopes if _is_correlated(query, scope)]
    suspects = [scope for scope in suspects if _reads_table(query, facts, scope)]
    planned = facts.plan(query.statement)
    if not suspects:
        return
    if planned:
        yield from _by_plan(query, facts, suspects, planned)
        return
    many = (
        []
        if query.is_truncated
        else [scope for scope in suspects if not _is_joined(scope) and _has_many_outer_rows(query, facts, scope)]
    )
    if many:
        evidence = Evidence(rung=Rung.INFERRED, text="nothing keeps the outer query to a few rows")
        yield _finding(query, facts, many, evidence, "for every row of the outer query", Severity.INFO)


def _is_correlated(query: Query, scope: Scope) -> bool:
    """A subquery in an expression that uses columns from around it."""
    if scope.place not in ("select", "where", "having", "on", "set", "order by", "values") or not scope.correlated:
        return False
    return scope.comparison is None or not (scope.comparison.operator in EXCLUSIONS or _asks_for_one(scope))


def _asks_for_one(scope: Scope) -> bool:
    """`(SELECT count(*) …) > 0`: the count is the fault there, and EXISTS its cure."""
    value = scope.comparison.value if scope.comparison else None
    is_count = len(scope.outputs) == 1 and re.match(r"count\s*\(", scope.outputs[0].text, re.I)
    return bool(is_count) and value is not None and value.text in ("0", "1")


def _reads_table(query: Query, facts: Facts, scope: Scope, seen: frozenset[int] = frozenset()) -> bool:
    """Whether a table of the user's stands in its FROM, directly or in a CTE or derived table there."""
    if any(use.table and not facts.is_system(use.table) for use in scope.tables):
        return True
    below = {use.inner for use in scope.tables} | {
        arm.number for arm in query.children(scope.number) if arm.place == "arm"
    }
    return any(
        _reads_table(query, facts, each, seen | {scope.number})
        for each in query.scopes
        if each.number in below and each.number not in seen
    )


def _is_joined(scope: Scope) -> bool:
    """Whether the planner usually makes a join of it, or hashes it."""
    return scope.comparison is not None and scope.comparison.operator in SEMI_JOINS


def _by_plan(query: Query, facts: Facts, suspects: list[Scope], planned: PlannedStatement) -> Iterator[Finding]:
    """The SubPlans that really run row by row, and how often."""
    is_probe = all(_is_joined(scope) for scope in suspects)
    loops = [
        (turns, turns * _turn_cost(child, is_probe), child)
        for parent, child in _subplans(planned)
        if _uses_outer(query, child, suspects) and (turns := _turns(facts, planned, parent, child)) >= MANY_TURNS
    ]
    least = MUCH_PROBING if is_probe else MUCH_COST
    heavy = [each for each in loops if each[1] >= least]
    blamed = [scope for scope in suspects if not _is_joined(scope)] or suspects
    most = _counted_rows(query, facts, suspects)
    if not heavy or (most is not None and most < MANY_TURNS and not planned.is_analyzed):
        return
    turns, cost, child = max(heavy, key=lambda each: each[1])
    share = min(cost / planned.root.total_cost, 1.0) if planned.root.total_cost else 1.0
    if planned.is_analyzed and planned.plan.has_timing:
        share = planned.share_below(child)
        if not facts.matters(planned, share):
            return
        text = f"the plan ran it {turns:,.0f} times, {share:.0%} of the statement's time"
        evidence = Evidence(rung=Rung.MEASURED, text=text)
    elif planned.is_analyzed:
        evidence = Evidence(rung=Rung.MEASURED, text=f"the plan ran it {turns:,.0f} times")
    else:
        evidence = Evidence(rung=Rung.ESTIMATED, text=f"the planner expects about {turns:,.0f} runs of it")
    found = _finding(query, facts, blamed, evidence, f"about {turns:,.0f} times", facts.severity(planned.key, share))
    yield replace(found, at_most_ms_per_day=facts.ms_per_day(planned.key, share))


def _turn_cost(child: PlanNode, is_probe: bool) -> float:
    """What one turn costs: all of it, or up to the first row for EXISTS and IN."""
    if not is_probe:
        return child.total_cost
    return child.startup_cost + (child.total_cost - child.startup_cost) / max(child.estimated_rows, 1.0)


def _counted_rows(query: Query, facts: Facts, suspects: list[Scope]) -> float | None:
    """Rows that a call returned on average, where the subqueries run once for each of them; None: not known."""
    top, statement = query.top, facts.statement(query.statement)
    is_plain = not (top.limit or top.group_keys or top.has_grouping_sets or top.has_aggregate or top.is_distinct)
    is_listed = query.kind == "select" and all(each.parent == 0 and each.place == "select" for each in suspects)
    return statement.rows_per_call if statement and is_plain and is_listed else None


def _subplans(planned: PlannedStatement) -> Iterator[tuple[PlanNode, PlanNode]]:
    for parent in planned.nodes:
        for child in parent.children:
            is_hashed = f"hashed {child.subplan_name}" in " ".join(_texts(parent))
            if child.parent_relationship == "SubPlan" and child.subplan_name and not is_hashed:
                yield parent, child


def _uses_outer(query: Query, child: PlanNode, suspects: list[Scope]) -> bool:
    """Whether a condition in the subplan names an outer column: a hashed one names none."""
    relations = [query.scopes[each.scope].relation(each.alias) for scope in suspects for each in scope.correlated]
    if any(relation and relation.inner is not None for relation in relations) and _names_others(child):
        return True
    names = {(column.alias, column.column) for scope in suspects for column in scope.correlated if column.alias}
    text = " ".join(text for each in child.walk() for text in _texts(each))
    return any(
        re.search(rf'(?<![\w"])"?{re.escape(alias)}(?:_\d+)?"?\."?{re.escape(column)}\b', text)
        for alias, column in names
        if alias
    )


def _names_others(child: PlanNode) -> bool:
    """Whether a column in the subplan is of none of its tables: a plan names the table that is read for a CTE."""
    own = {each.alias for each in child.walk()}
    text = re.sub(r"'[^']*'", "''", " ".join(text for each in child.walk() for text in _texts(each)))
    return bool(set(re.findall(r'(?<![\w."])"?([a-z_]\w*)"?\."?\w+\b(?!\s*\()', text, re.I)) - own)


def _texts(each: PlanNode) -> Iterator[str]:
    conditions = (
        each.filter, each.index_condition, each.recheck_condition, each.hash_condition, each.merge_condition,
        each.join_filter, *each.sort_keys, *each.group_keys, *(value for _, value in each.other),
    )  # fmt: skip
    return (text for text in conditions if text)


def _turns(facts: Facts, planned: PlannedStatement, parent: PlanNode, child: PlanNode) -> float:
    """How often the subplan runs: counted, or as the planner's cost tells."""
    if child.actual_loops is not None:
        return child.actual_loops
    rows = parent.estimated_rows
    if child.subplan_name and any(re.search(rf"{child.subplan_name}\b", text) for text in _texts(parent)):
        below = sum(each.total_cost for each in parent.children if each.parent_relationship != "SubPlan")
        base = facts.whole_cost(f"{parent.schema}.{parent.table}" if parent.schema else parent.table) or 0.0
        paid = parent.total_cost - below - (min(base, parent.total_cost / 2) if parent.table else 0.0)
        rows = max(rows, paid / child.total_cost if child.total_cost else 0.0)
    return rows * _part_under_limit(planned, parent)


def _part_under_limit(planned: PlannedStatement, wanted: PlanNode) -> float:
    """Which part of the node's rows the LIMITs above it ask for."""
    part = 1.0
    for each in planned.nodes:
        if each.node_type == "Limit" and each.children and any(below is wanted for below in each.walk()):
            whole = each.children[0].total_cost
            part *= min(each.total_cost / whole, 1.0) if whole else 1.0
    return part


def _has_many_outer_rows(query: Query, facts: Facts, scope: Scope) -> bool:
    """Whether nothing in the text or the catalog keeps the outer query to a few rows."""
    outer = query.scopes[scope.parent] if scope.parent is not None else scope
    tables = [use for use in outer.tables if not (use.is_target and outer.write == "insert")]
    if not _reads_table(query, facts, outer) or all(facts.is_tiny(use.table) for use in tables):
        return False
    # `id = (SELECT …)` compares each row with another value: that leaves no single row.
    others = tuple(each for each in outer.predicates if each.value.scope != scope.number)
    single = facts.single_rows(replace(outer, predicates=others))
    if any(use.alias in single for use in tables) and _all_follow(facts, outer, single):
        return False
    pages = [each for use in tables for each in query.scopes if each.number == use.inner and each.limit]
    return not pages and not _is_cut(outer, scope) and not _is_fixed(facts, outer)


def _is_cut(outer: Scope, scope: Scope) -> bool:
    """Whether a LIMIT keeps the subquery to a page of rows: not where they are sorted by what it gives."""
    if outer.limit is None or scope.place != "select" or outer.group_keys or outer.is_distinct:
        return False
    given = {
        name for output in outer.outputs if scope.number in output.subqueries for name in (output.alias, output.text)
    }
    return not any(key.text in given or key.key in given for key in outer.sort_keys)


def _all_follow(facts: Facts, outer: Scope, single: frozenset[str]) -> bool:
    """Whether all other tables are joined to those with a single row, and so have few rows too."""
    named = {use.alias for use in outer.tables if set(use.conditions) & single}
    return all(use.alias in single or use.alias in named for use in outer.tables)


def _is_fixed(facts: Facts, outer: Scope) -> bool:
    """Whether a column is compared with values that few rows have; without statistics nobody knows how many."""
    return any(
        predicate.operator in ("=", "IN", "= ANY")
        and predicate.is_conjunct
        and not predicate.is_negated
        and predicate.value.kind in ("constant", "parameter", "list")
        and predicate.column is not None
        and _keeps_few(facts, predicate.column.table, predicate.column.column, predicate.value.count or 1)
        for predicate in outer.predicates
    )  # fmt: skip


def _keeps_few(facts: Facts, table: str | None, name: str, asked: int) -> bool:
    if asked >= MANY_TURNS:
        return False
    found, rows = facts.column(table, name), facts.rows(table)
    if found is None or found.statistics is None or not rows:
        return True
    distinct = found.statistics.n_distinct
    values = distinct if distinct > 0 else -distinct * rows
    return asked * rows / max(values, 1.0) < MANY_TURNS


def _finding(
    query: Query, facts: Facts, blamed: list[Scope], evidence: Evidence, times: str, severity: Severity
) -> Finding:
    first = blamed[0]
    inner = next((use for use in first.tables if use.table), None)
    outer = next((column for column in first.correlated), None)
    found = facts.table(inner.table) if inner else None
    label = found.label if found else (inner.table if inner else None) or "other tables"
    name = f"`{outer.alias}.{outer.column}`" if outer and outer.alias else "an outer column"
    statement = facts.statement(query.statement)
    return Finding(
        where=Where(statement=query.statement, table=outer.table if outer else None),
        message=f"a subquery on {label} depends on {name} and runs {times}",
        evidence=(evidence,),
        remedy=Remedy(text=_advice(query, first)),
        wrong_if="the outer query always yields a few rows",
        severity=severity,
        cause=f"subquery {statement.fingerprint}" if statement else None,
        spans=tuple(dict.fromkeys(scope.span for scope in blamed if scope.span)),
    )


def _advice(query: Query, scope: Scope) -> str:
    output = scope.outputs[0].text if scope.outputs else ""
    same = {use.table for use in scope.tables} & {use.table for each in query.scopes if each.number == scope.parent
                                                  for use in each.tables}  # fmt: skip
    if scope.comparison and scope.comparison.operator in SEMI_JOINS:
        return "Move the condition out of the OR or the select list, so that the planner can join (UNION helps)."
    if same and AGGREGATE.match(output):
        return f"Compute `{output}` for all groups at once with a window function, `… OVER (PARTITION BY …)`."
    if AGGREGATE.match(output):
        return (
            f"Group once and join: LEFT JOIN (SELECT …, {output} … GROUP BY …), with COALESCE where a count is missing."
        )
    return "Join the table instead: LEFT JOIN keeps the rows that find nothing."
