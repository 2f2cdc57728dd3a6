"""An OR over different columns or tables that no index can serve as a whole.

## What it finds
`a = 1 OR b = 2` where one of the columns has no index, so that PostgreSQL cannot put two index scans together (a
BitmapOr); `x.a = 1 OR y.b = 2`, where the arms speak of different tables of a join; and, where the plan shows it, an
OR with a subquery, or of two join conditions.

## Why it matters
One arm without an index is enough: its rows may be anywhere, so the whole table is read, and the index of the other arm
is of no use. Where the arms speak of two tables, no condition narrows either of them: both are read and joined whole
before a row can be left out.

## What to do
Create the missing index. For two tables ask for each arm in a SELECT of its own, and put them together with UNION.

## When to leave it
Other conditions leave few rows, or most rows match anyway.

## Source
https://www.postgresql.org/docs/current/indexes-bitmap-scans.html
"""

from collections.abc import Iterator
from functools import partial
from math import prod

from pgadvisor.rule import (
    MANY,
    Arm,
    Evidence,
    Example,
    Facts,
    Finding,
    Predicate,
    Query,
    Remedy,
    Rung,
    Scope,
    Severity,
    Table,
    WantedIndex,
    Where,
    create_index,
    disjunctions,
    index_for,
    is_looked_up,
    is_narrowed,
    kept_share,
    node,
    query_rule,
    replace,
    searched_table,
    serving,
    table,
    whole_read,
)

PATTERNS = ("LIKE", "ILIKE")
MANY_PAIRS = 1_000_000
"""About a tenth of a second of comparing rows with each other."""
JOINED_BY = "a join by either of two columns can neither hash nor merge, and tries each pair of rows"
LOOKED_UP = frozenset({"=", "<", "<=", ">", ">=", "BETWEEN", "IN", "= ANY", "LIKE", "ILIKE", "@>", "&&", "IS NULL"})

REVIEWS = table("reviews", columns={"product_id": "bigint", "title": "text"}, indexes={"reviews_product": "product_id"})
USERS = table("users", columns={"name": "text", "email": "text", "status": "text"},
              indexes={"users_name": "UNIQUE name", "users_email": "email"})  # fmt: skip
ORDERS = table("orders", columns={"user_id": "bigint", "code": "text", "status": "text"},
               indexes={"orders_user": "user_id", "orders_code": "code"})  # fmt: skip
JOINED = node(
    "Hash Join",
    node("Seq Scan", table="orders", alias="o", rows=1e6, cost=26_000),
    node("Hash", node("Seq Scan", table="users", alias="u", rows=1e6, cost=26_000), rows=1e6),
    rows=6,
    join_filter="((o.id = 7) OR (u.name = 'x'::text))",
)
BAD = [
    Example(
        sql="SELECT id FROM reviews WHERE product_id = 7 OR title = 'Title 7'",
        tables=(REVIEWS,),
        plan=node("Seq Scan", table="reviews", alias="reviews", rows=12, cost=26_000),
        remedy="ON public.reviews (title);",
    ),
    Example(sql="DELETE FROM reviews r WHERE (r.title = $1 OR r.product_id = $2)", tables=(REVIEWS,)),
    Example(
        sql="SELECT o.id FROM orders o JOIN users u ON u.id = o.user_id WHERE o.id = 7 OR u.name = 'x'",
        tables=(USERS, ORDERS),
        plan=JOINED,
    ),
    Example(
        sql="SELECT o.id FROM orders o, users u WHERE u.id = o.user_id AND (o.code = $1 OR u.email = $2)",
        tables=(USERS, ORDERS),
    ),
    Example(
        note="One of the tables is a short list: the other is read whole all the same.",
        sql="SELECT o.id FROM kind k JOIN orders o ON o.kind_id = k.id WHERE k.name = 'x' OR o.code = 'y'",
        tables=(ORDERS, table("kind", rows=12, columns={"name": "text"})),
    ),
]
GOOD = [
    Example(note="Both columns have an index.", sql="SELECT id FROM users WHERE name = 'x' OR email = 'y'",
            tables=(USERS,)),
    Example(note="One column: an IN written out.",
            sql="SELECT id FROM reviews WHERE title = 'a' OR title = 'b'", tables=(REVIEWS,)),
    Example(note="Another condition leaves few rows.",
            sql="SELECT id FROM orders WHERE user_id = 5 AND (status = 'open' OR code = 'x')", tables=(ORDERS,)),
    Example(note="A comparison with NULL finds nothing; that is another fault.",
            sql="SELECT id FROM reviews WHERE product_id = NULL OR title = 'a'", tables=(REVIEWS,)),
    Example(note="In the select list.",
            sql="SELECT CASE WHEN code = 'x' OR status = 'y' THEN 1 END FROM orders WHERE id = 4", tables=(ORDERS,)),
    Example(note="The rows without a partner are wanted.",
            sql="SELECT u.id FROM users u LEFT JOIN orders o ON o.user_id = u.id "
                "WHERE u.name = 'x' AND (o.status = 'open' OR o.id IS NULL)", tables=(USERS, ORDERS)),
    Example(note="The next page: the first column leads.",
            sql="SELECT id FROM reviews WHERE title > $1 OR (title = $1 AND id > $2) ORDER BY title, id LIMIT 9",
            tables=(REVIEWS,)),
    Example(note="An optional parameter is another fault.",
            sql="SELECT id FROM reviews WHERE $1::text IS NULL OR title = $1", tables=(REVIEWS,)),
    Example(note="Most rows match.", sql="SELECT id FROM reviews WHERE product_id = 7 OR title = 'x'",
            tables=(REVIEWS,), plan=node("Seq Scan", table="reviews", alias="reviews", rows=900_000, cost=26_000)),
    Example(note="A small table.", sql="SELECT id FROM kind WHERE name = 'x' OR id = 5",
            tables=(table("kind", rows=12, columns={"name": "text"}),)),
    Example(note="One order of the user, whoever that is.",
            sql="SELECT o.id FROM orders o JOIN users u ON u.id = o.user_id WHERE o.user_id = 7 "
                "AND (o.status = 'open' OR u.status = 'x')", tables=(USERS, ORDERS)),
]  # fmt: skip


@query_rule(severity=Severity.ERROR, since="0.2", aliases=("or-different-columns", "or-across-tables"))
def check(query: Query, facts: Facts) -> Iterator[Finding]:
    if query.is_truncated:
        return
    for scope in query.scopes:
        for arms in disjunctions(scope):
            chosen = [_lookup(scope, arm) for arm in arms]
            kept = [each for each in chosen if each is not None]
            if _is_of_join(query, facts, arms):
                yield _finding(query, facts, [arm[0] for arm in arms], [arms[0][0]], None, [], JOINED_BY)
            if len(kept) < len(chosen) and kept and _asks_subqueries(arms, chosen):
                yield from _with_subquery(query, facts, arms, kept)
            if len(kept) < 2 or len(kept) < len(chosen) or _shares_a_column(arms):
                continue
            if len({each.column.alias for each in kept if each.column}) == 1:
                yield from _one_table(query, facts, scope, arms, kept)
            elif not _shares_a_table(scope, arms):
                yield from _several_tables(query, facts, kept)


def _lookup(scope: Scope, arm: Arm) -> Predicate | None:
    """What the rows of an arm could be found by: a comparison of a column of this scope with a value."""
    found = [
        each
        for each in arm
        if each.operator in LOOKED_UP and not each.is_negated and each.column and each.column.scope == scope.number
        if each.column.alias and not (each.value.columns or each.value.column)
        if each.value.kind not in ("subquery", "null")
    ]
    return next((each for each in found if each.operator == "="), found[0] if found else None)


def _asks_subqueries(arms: tuple[Arm, ...], chosen: list[Predicate | None]) -> bool:
    """Whether each arm that is no look-up asks a subquery about another column of the row."""
    columns = {each.column for each in chosen if each}
    rest = [arm for arm, each in zip(arms, chosen, strict=True) if each is None]
    return all(
        any(each.value.kind == "subquery" and not each.is_negated and each.column not in columns for each in arm)
        for arm in rest
    )


def _with_subquery(query: Query, facts: Facts, arms: tuple[Arm, ...], kept: list[Predicate]) -> Iterator[Finding]:
    """`id = 5 OR id_2 IN (SELECT …)`: the index of the first is of no use, as the plan shows."""
    column, planned = kept[0].column, facts.plan(query.statement)
    found = searched_table(facts, column)
    is_one = len({each.column.alias for each in kept if each.column}) == 1
    if column is None or found is None or planned is None or not is_one:
        return
    is_served = all(_is_served(facts, found, (each,)) for each in kept)
    if is_served and whole_read(facts, query, column)[0] and not is_narrowed(facts, query, column):
        tests = [arm[0] for arm in arms]
        yield _finding(query, facts, tests, kept, None, [], "an index cannot be put together with a subquery")


def _is_of_join(query: Query, facts: Facts, arms: tuple[Arm, ...]) -> bool:
    """Whether two big relations are joined by either of several equalities, so that each row meets each other."""
    planned = facts.plan(query.statement)
    tests = [arm[0] for arm in arms]
    pairs = {frozenset((each.column.alias, each.value.column.alias)) for each in tests
             if each.operator == "=" and not each.is_negated and each.column and each.value.column}  # fmt: skip
    is_join = all(each.operator == "=" and each.column and each.value.column for each in tests)
    if len(arms) < 2 or not is_join or len(pairs) != 1 or len(next(iter(pairs))) != 2 or planned is None:
        return False
    return any(
        each.node_type == "Nested Loop"
        and " OR " in (each.join_filter or "")
        and prod(child.estimated_rows for child in each.children) > MANY_PAIRS
        for each in planned.nodes
    )


def _shares_a_column(arms: tuple[Arm, ...]) -> bool:
    """Whether each arm speaks of the same column: an IN written out, or the next page of a list."""
    return bool(frozenset.intersection(*(frozenset(each.column for each in arm if each.column) for arm in arms)))


def _shares_a_table(scope: Scope, arms: tuple[Arm, ...]) -> bool:
    """Whether each arm narrows the same relation."""
    named = (frozenset(each.column.alias for each in arm if each.column) for arm in arms)
    return bool(frozenset.intersection(*named)) or any(each.operator == "IS NULL" for arm in arms for each in arm)


def _one_table(
    query: Query, facts: Facts, scope: Scope, arms: tuple[Arm, ...], kept: list[Predicate]
) -> Iterator[Finding]:
    column = kept[0].column
    found = searched_table(facts, column)
    if column is None or found is None or _is_filled(scope, column.alias) or is_narrowed(facts, query, column):
        return
    planned = facts.plan(query.statement)
    if planned and kept_share(facts, planned, column) > MANY:
        return
    missing = [lookup for arm, lookup in zip(arms, kept, strict=True) if not _is_served(facts, found, arm)]
    wanted = [index_for(each, found) for each in missing]
    made = [each for each in wanted if each is not None]
    if not missing or any(each.operator in PATTERNS and each.value.text[:1] in ("%", "_") for each in missing):
        return
    if not planned and (len(made) < len(wanted) or any(each.operator == "IS NULL" for each in missing)):
        return
    yield _finding(query, facts, kept, missing, _indexes(facts, made) if len(made) == len(wanted) else None, made)


def _is_filled(scope: Scope, alias: str | None) -> bool:
    """Whether an outer join fills the relation with NULLs, so that the OR is asked after the join."""
    use = scope.relation(alias)
    later = scope.tables[scope.tables.index(use) + 1 :] if use else ()
    return use is None or use.join in ("left", "full") or any(each.join in ("right", "full") for each in later)


def _is_served(facts: Facts, found: Table, arm: Arm) -> bool:
    """Whether an index finds the rows of the arm."""
    return any(
        serving(facts, each, wanted) is not None
        or (each.column is not None and bool(facts.indexes_led_by(found.qualified, each.key)))
        for each in arm
        if not each.is_negated and (wanted := index_for(each, found))
    )


def _several_tables(query: Query, facts: Facts, kept: list[Predicate]) -> Iterator[Finding]:
    columns = {each.column.alias: each.column for each in kept if each.column}
    tables = [facts.table(column.table) for column in columns.values()]
    planned = facts.plan(query.statement)
    narrowed = is_narrowed if planned else partial(is_looked_up, by_joins=False)
    is_small = all(each is None or facts.is_tiny(each.qualified) for each in tables)
    if None in tables or is_small or any(narrowed(facts, query, column) for column in columns.values()):
        return
    filters = [
        each for each in planned.nodes if each.children and " OR " in (each.join_filter or each.filter or "")
    ] if planned else []  # fmt: skip
    most = max(facts.rows(each.qualified) or 0.0 for each in tables if each)
    if planned and not any(each.estimated_rows < MANY * most for each in filters):
        return
    kept = sorted(kept, key=lambda each: facts.is_tiny(each.column.table if each.column else None))
    yield _finding(query, facts, kept, kept, None, [])


def _indexes(facts: Facts, wanted: list[WantedIndex]) -> Remedy:
    """All the missing indexes as one remedy."""
    each = [create_index(facts, index) for index in dict.fromkeys(wanted)]
    return replace(
        each[0],
        text=" ".join([*(one.text for one in each), "Then a scan of each index serves its arm (BitmapOr)."]),
        sql="\n".join(one.sql for one in each if one.sql) or None,
        undo="\n".join(one.undo for one in each if one.undo) or None,
    )


def _finding(
    query: Query,
    facts: Facts,
    kept: list[Predicate],
    missing: list[Predicate],
    remedy: Remedy | None,
    made: list[WantedIndex],
    reason: str | None = None,
) -> Finding:
    first = missing[0].column
    assert first is not None
    seen, severity, number = whole_read(facts, query, first)
    names = "`, `".join(dict.fromkeys(each.key for each in kept))
    is_one = len({each.column.alias for each in kept if each.column}) == 1
    lacking = "`, `".join(dict.fromkeys(each.key for each in missing))
    why = f"no index finds the rows of `{lacking}`" if is_one else "its arms speak of different tables of a join"
    why = reason or why
    union = (
        "Ask for each arm in a SELECT of its own and put them together with UNION; keep a key in the select list, so "
        "that it drops doubles only."
    )
    return Finding(
        where=Where(statement=query.statement, table=first.table, column=first.column),
        message=f"an OR over `{names}` reads everything: {why}",
        evidence=(*seen, Evidence(rung=Rung.INFERRED, text=why)),
        remedy=remedy or Remedy(text=union),
        wrong_if="other conditions always leave few rows, or most rows match",
        severity=severity,
        node=number,
        cause=made[0].cause if len(made) == 1 else None,
        spans=tuple(each.span for each in kept if each.span),
    )
