"""A function, cast or calculation around an indexed column keeps PostgreSQL from using the index.

## What it finds
A condition such as `upper(email) = $1`, `placed_at::date = $1`, `extract(year FROM placed_at) = 2024` or `id + 1 = 100`
where an index leads with the column (or the table is partitioned by it), but none with that expression.

## Why it matters
A B-tree index on `email` is ordered by `email`. PostgreSQL cannot look up `upper(email)` in it, so it reads every row
and computes the expression for each; a partitioned table is read in all its partitions.

## What to do
Leave the column bare: a time as a half-open range (`>= '2024-01-01' AND < '2025-01-01'`), a calculation on the other
side. Or create an index on the expression, which costs one more index and must be IMMUTABLE.

## When to leave it
The table is small, or another predicate of the query already narrows it to a few rows.

## Source
https://www.postgresql.org/docs/current/indexes-expressional.html
"""

import re
from collections.abc import Iterator

from pgadvisor.rule import (
    Column,
    ColumnUse,
    Evidence,
    Example,
    Facts,
    Finding,
    Index,
    PlannedStatement,
    Predicate,
    Query,
    Remedy,
    Rung,
    Severity,
    Table,
    Value,
    WantedIndex,
    WantedKey,
    Where,
    create_index,
    half_open_range,
    node,
    pulled_up,
    query_rule,
    table,
)

SEARCHING = frozenset({"=", "<", "<=", ">", ">=", "BETWEEN", "IN", "= ANY", "LIKE"})
"""What a B-tree can look up."""
WRAPS = frozenset({"function", "cast", "arithmetic", "coalesce", "concat", "case", "at time zone"})
TEXT_FUNCTIONS = "lower upper trim btrim ltrim rtrim length char_length octet_length md5 reverse left right initcap"
OTHER_FUNCTIONS = "substr substring replace translate split_part strpos abs ceil floor round sign coalesce nullif"
IMMUTABLE = frozenset((*TEXT_FUNCTIONS.split(), *OTHER_FUNCTIONS.split()))
"""Functions marked IMMUTABLE in pg_proc for plain types: an index may hold what they give."""
TIMED = frozenset({"date_trunc", "extract", "date_part", "date", "timezone"})
"""Immutable as long as no session's time zone is asked."""
TEXTS = ("text", "character", "citext")
"""Types that a canonical text leaves casts to text out of: `upper(code)` for `upper(code::text)`."""
STEADY_CASTS = re.compile(r"(?:bigint|integer|smallint|numeric|text|character varying|uuid|boolean)(?:\(\d+\))?\Z")
LITERAL = re.compile(r"'(?:[^']|'')*'|\$\d+|\b\d+(?:\.\d+)?\b")
MOST = 0.5
"""Where more of the rows than this match, no index would be used, whatever is written."""
COARSE = re.compile(r"%|\bmod\s*\(")
"""A remainder keeps a fixed share of the rows wherever they are: no look-up."""

USERS = table("users", columns={"email": "text", "code": "character varying(20)", "name": "text"},
              indexes={"users_email_lower": "lower(email)", "users_code": "code"})  # fmt: skip
LIVE = table("users", columns={"name": "text", "deleted_at": "timestamp"},
             indexes={"users_live_name": "lower(name) WHERE (deleted_at IS NULL)"})  # fmt: skip
ORDERS = table("orders", columns={"placed_at": "timestamp with time zone", "paid_at": "timestamp without time zone"},
               indexes={"orders_placed_at": "placed_at", "orders_paid_at": "paid_at", "orders_user": "user_id",
                        "orders_day": "((placed_at AT TIME ZONE 'UTC'::text))::date"})  # fmt: skip
ITEMS = table("items", columns={"facts": "jsonb"}, indexes={"items_brand": "(facts ->> 'brand'::text)"})
PART = node(
    "Index Scan", table="orders", alias="orders", index="orders_user", cost=40.0, index_condition="(user_id = 5)"
)
WHOLE = node("Seq Scan", table="orders", alias="orders", cost=26_000.0)
BAD = [
    Example(
        sql="SELECT id FROM users WHERE upper(email) = $1",
        note="The index is on lower(email).",
        tables=(USERS,),
        remedy="CREATE INDEX CONCURRENTLY users_upper_idx ON public.users (upper(email));",
    ),
    Example(
        sql="SELECT count(*) FROM orders WHERE extract(year FROM placed_at) = 2024",
        tables=(ORDERS,),
        plan=WHOLE,
        remedy="WHERE placed_at >= '2024-01-01' AND placed_at < '2025-01-01'",
    ),
    Example(
        sql="SELECT id FROM orders o WHERE o.placed_at::date = '2024-02-29'",
        tables=(ORDERS,),
        remedy="WHERE o.placed_at >= '2024-02-29' AND o.placed_at < '2024-03-01'",
    ),
    Example(
        sql="SELECT id FROM orders WHERE date(placed_at) = $1",
        tables=(ORDERS,),
        remedy="WHERE placed_at >= $1::date AND placed_at < $1::date + 1",
    ),
    Example(
        sql="SELECT id FROM orders WHERE to_char(placed_at, 'YYYY-MM') = '2024-12'",
        tables=(ORDERS,),
        remedy="WHERE placed_at >= '2024-12-01' AND placed_at < '2025-01-01'",
    ),
    Example(
        sql="SELECT id FROM orders WHERE date_trunc('month', placed_at) >= '2024-03-01'",
        tables=(ORDERS,),
        remedy="WHERE placed_at >= '2024-03-01'",
    ),
    Example(
        sql="SELECT id FROM orders WHERE (placed_at AT TIME ZONE 'Europe/Berlin')::date = '2024-03-01'",
        note="The index is on the day in UTC.",
        tables=(ORDERS,),
        remedy="placed_at >= timestamp '2024-03-01' AT TIME ZONE 'Europe/Berlin'",
    ),
    Example(
        sql="SELECT id FROM orders WHERE extract(dow FROM paid_at) = 1",
        tables=(ORDERS,),
        remedy="(extract(dow FROM paid_at))",
    ),
    Example(sql="SELECT id FROM orders WHERE extract(dow FROM placed_at) = 1", tables=(ORDERS,)),
    Example(
        sql="SELECT id FROM orders WHERE user_id + 1 = 100",
        tables=(ORDERS,),
        remedy="SELECT id FROM orders WHERE user_id = 100 - 1",
    ),
    Example(
        sql="SELECT id FROM orders WHERE extract($1 FROM paid_at) = $2",
        note="As pg_stat_statements keeps it.",
        tables=(ORDERS,),
    ),
    Example(sql="SELECT id FROM orders WHERE placed_at + interval '1 day' > now()", tables=(ORDERS,)),
    Example(sql="SELECT id FROM orders WHERE id::text = '42'", tables=(ORDERS,), remedy="WHERE id = 42"),
    Example(sql="SELECT id FROM users WHERE trim(code) = 'x'", tables=(USERS,)),
    Example(
        sql="SELECT o.id FROM (SELECT id, placed_at FROM orders) o WHERE date(o.placed_at) = '2024-02-29'",
        tables=(ORDERS,),
        remedy="o.placed_at >= '2024-02-29' AND o.placed_at < '2024-03-01'",
    ),
    Example(sql="SELECT id FROM users WHERE left(id::text, 2) = '42'", tables=(USERS,)),
    Example(sql="SELECT id FROM users WHERE lower(code) LIKE 'ab%'", tables=(USERS,), remedy="text_pattern_ops"),
    Example(
        sql="DELETE FROM users WHERE coalesce(code, '') = 'x'",
        tables=(USERS,),
        remedy="DELETE FROM users WHERE code = 'x'",
    ),
    Example(
        sql="SELECT id FROM users u WHERE coalesce(u.code, '') = ''",
        tables=(USERS,),
        remedy="WHERE (u.code = '' OR u.code IS NULL)",
    ),
    Example(
        sql="SELECT id FROM users WHERE lower(name) = $1",
        note="There is an index on it, but only for the rows that are not deleted.",
        tables=(LIVE,),
        plan=node("Seq Scan", table="users", alias="users", cost=26_000.0),
    ),
    Example(
        sql="SELECT id FROM items WHERE lower(facts ->> 'brand') = 'x'",
        note="An index is on the value itself.",
        tables=(ITEMS,),
    ),
    Example(sql="SELECT id FROM users WHERE CASE WHEN code IS NULL THEN '0' ELSE code END = 'x'", tables=(USERS,)),
    Example(
        sql="SELECT count(*) FROM events WHERE date_trunc('month', at) = '2024-03-01'",
        note="Not indexed, but the partition key.",
        tables=(table("events", columns={"at": "timestamp with time zone"}, partition_key="RANGE (at)"),),
    ),
    Example(
        sql="SELECT o.id FROM users u JOIN orders o ON o.user_id::text = u.code WHERE u.id = 7",
        note="One user, and all orders are read for it.",
        tables=(USERS, ORDERS),
        plan=node("Hash Join", node("Seq Scan", table="orders", alias="o", rows=1e6, cost=26_000),
                  node("Hash", node("Index Scan", table="users", alias="u", index_condition="(id = 7)")),
                  hash_condition="((o.user_id)::text = (u.code)::text)"),
    ),
]  # fmt: skip
GOOD = [
    Example(note="Whether the cast of a derived column does anything, nobody can tell.",
            sql="SELECT u.id FROM (SELECT id, code FROM users) u WHERE u.code::text = 'x'", tables=(USERS,)),
    Example(note="A page of orders.", tables=(ORDERS,),
            sql="SELECT o.id FROM (SELECT id, placed_at FROM orders ORDER BY id LIMIT 9) o "
                "WHERE date(o.placed_at) = '2024-02-29'"),
    Example(
        note="An index on the expression is there.",
        sql="SELECT id FROM users WHERE lower(email) = lower($1)",
        tables=(USERS,),
    ),
    Example(
        note="A partial index on the expression serves it.",
        sql="SELECT id FROM users WHERE lower(name) = $1 AND deleted_at IS NULL",
        tables=(LIVE,),
        plan=node("Index Scan", table="users", alias="users", index="users_live_name", cost=8.0),
    ),
    Example(
        note="The function is on the other side.", sql="SELECT id FROM users WHERE code = lower($1)", tables=(USERS,)
    ),
    Example(
        note="varchar to text changes nothing.", sql="SELECT id FROM users WHERE code::text = 'x'", tables=(USERS,)
    ),
    Example(
        note="No index is on that value of the document.",
        sql="SELECT id FROM items WHERE lower(facts ->> 'color') = 'red'",
        tables=(ITEMS,),
    ),
    Example(
        note="Of two columns neither can be compared alone.",
        sql="SELECT id FROM users WHERE CASE WHEN name = '' THEN code ELSE name END = 'x'",
        tables=(USERS,),
    ),
    Example(
        note="The day in UTC is indexed.",
        sql="SELECT id FROM orders WHERE (placed_at AT TIME ZONE 'UTC')::date = '2024-03-01'",
        tables=(ORDERS,),
    ),
    Example(
        note="Another index leaves a few rows.",
        sql="SELECT id FROM orders WHERE user_id = 5 AND date(placed_at) = '2024-03-01'",
        tables=(ORDERS,),
        plan=PART,
    ),
    Example(
        note="One row by its key.",
        sql="SELECT id FROM orders WHERE id = $1 AND date(placed_at) = '2024-03-01'",
        tables=(ORDERS,),
    ),
    Example(
        note="In the select list and GROUP BY it costs nothing.",
        sql="SELECT date_trunc('day', placed_at), count(*) FROM orders WHERE user_id = 5 GROUP BY 1",
        tables=(ORDERS,),
    ),
    Example(
        note="A condition on groups.",
        sql="SELECT user_id FROM orders GROUP BY user_id HAVING max(abs(id)) > 100",
        tables=(ORDERS,),
    ),
    Example(
        note="No index on the column: that would be missing first.",
        sql="SELECT id FROM users WHERE lower(name) = $1",
        tables=(USERS,),
    ),
    Example(
        note="A lookup table of 200 rows.",
        sql="SELECT id FROM kind WHERE upper(name) = 'X'",
        tables=(table("kind", rows=200, columns={"name": "text"}, indexes={"kind_name": "UNIQUE name"}),),
    ),
    Example(
        note="No index serves `<>`.", sql="SELECT id FROM users WHERE upper(code) <> 'X'", tables=(USERS,)
    ),
    Example(
        note="Which day the index is on, and which the query asks for, nobody can tell.",
        sql="SELECT id FROM orders WHERE (placed_at AT TIME ZONE $1)::date = $2",
        tables=(ORDERS,),
    ),
    Example(
        note="Two columns of the same row: there is nothing to look up.",
        sql="SELECT id FROM orders WHERE date(placed_at) = date(paid_at)",
        tables=(ORDERS,),
    ),
    Example(
        note="A sample: every tenth row, wherever it is.",
        sql="SELECT id FROM orders WHERE id % 10 = 3",
        tables=(ORDERS,),
    ),
    Example(
        note="Both tables are read whole by the join: no index would be used.",
        sql="SELECT o.id FROM users u JOIN orders o ON o.user_id::text = u.code",
        tables=(USERS, ORDERS),
        plan=node("Hash Join", node("Seq Scan", table="orders", alias="o", rows=1e6, cost=26_000),
                  node("Hash", node("Seq Scan", table="users", alias="u", rows=1e6, cost=26_000), rows=1e6),
                  hash_condition="((o.user_id)::text = (u.code)::text)"),
    ),
    Example(
        note="The cast side drives the join; the other is looked up by its index.",
        sql="SELECT u.name FROM orders o JOIN users u ON u.code = o.user_id::text WHERE o.id = 7",
        tables=(USERS, ORDERS),
        plan=node("Nested Loop", node("Index Scan", table="orders", alias="o", cost=8, index_condition="(id = 7)"),
                  node("Index Scan", table="users", alias="u", cost=8, index_condition="(code = (o.user_id)::text)")),
    ),
]  # fmt: skip


@query_rule(
    severity=Severity.ERROR,
    since="0.1",
    aliases=("arithmetic-on-column", "date-trunc-filter", "coalesce-filter", "case-in-where"),
)
def check(query: Query, facts: Facts) -> Iterator[Finding]:
    if query.is_truncated:
        return
    planned = facts.plan(query.statement)
    found: dict[tuple[str | None, str], list[Predicate]] = {}
    for predicate in (_below(query, facts, each) for each in query.predicates()):
        if _hides(query, facts, predicate) and not _is_narrowed(query, facts, predicate, planned):
            assert predicate.column is not None
            found.setdefault((predicate.column.alias, predicate.column.column), []).append(predicate)
    for predicates in found.values():
        yield _finding(query, facts, predicates, planned)


def _below(query: Query, facts: Facts, predicate: Predicate) -> Predicate:
    """The predicate on the table's own column; as it stands where nobody can tell whether its cast does anything."""
    below = pulled_up(query, predicate)
    found = facts.column(below.column.table, below.column.column) if below.column else None
    is_day = found is not None and predicate.cast_to == "date" and found.type.startswith("timestamp")
    return below if predicate.cast_to is None or is_day else predicate


def _hides(query: Query, facts: Facts, predicate: Predicate) -> bool:
    """Whether the predicate would be looked up in an index (or prune) if its column stood bare."""
    column = predicate.column
    if column is None or not predicate.is_wrapped or predicate.wrap not in WRAPS or predicate.has_aggregate:
        return False
    if predicate.place not in ("where", "on") or predicate.operator not in SEARCHING or predicate.is_negated:
        return False
    if not predicate.is_conjunct and not _is_alone_in_or(query, predicate):
        return False
    if any((each.alias, each.scope) == (column.alias, column.scope) for each in _others(predicate)):
        return False
    found = facts.table(column.table)
    if found is None or facts.is_tiny(column.table) or COARSE.search(predicate.key):
        return False
    if "$" in predicate.key and _may_be_indexed(query, facts, found, predicate):
        return False
    if predicate.operator == "LIKE" and not _is_prefix(predicate.value):
        return False
    return _is_hidden(facts, found, predicate) and not _is_served(query, facts, found, predicate)


def _others(predicate: Predicate) -> Iterator[ColumnUse]:
    """The columns on the other side."""
    for value in (predicate.value, predicate.upper):
        if value is not None:
            yield from value.columns
            if value.column is not None:
                yield value.column


def _is_alone_in_or(query: Query, predicate: Predicate) -> bool:
    """Whether all arms of its OR ask for the same expression: an IN written out."""
    arms = [
        each
        for each in query.scopes[predicate.scope].predicates
        if predicate.disjunction is not None and each.disjunction == predicate.disjunction
    ]
    return bool(arms) and all((each.key, each.column) == (predicate.key, predicate.column) for each in arms)


def _is_prefix(value: Value) -> bool:
    return value.kind == "constant" and bool(value.text) and value.text[0] not in "%_"


def _is_hidden(facts: Facts, found: Table, predicate: Predicate) -> bool:
    return bool(_hidden_indexes(facts, found, predicate)) or _is_partition_key(found, predicate)


def _hidden_indexes(facts: Facts, found: Table, predicate: Predicate) -> tuple[Index, ...]:
    """The indexes that lead with the column, bare or in another expression; of a json value the very same."""
    assert predicate.column is not None
    name = predicate.column.column
    mentions = re.compile(rf"(?<![\w'\"]){re.escape(name)}(?![\w'\"(])")
    return tuple(
        index
        for index in found.indexes
        if index.is_valid and index.method in ("btree", "hash") and index.keys
        if index.keys[0].column == name
        or (not index.keys[0].column and "->" not in index.keys[0].text and mentions.search(index.keys[0].text))
        or (not index.keys[0].column and facts.index_keys(index)[0] in predicate.key)
    )  # fmt: skip


def _may_be_indexed(query: Query, facts: Facts, found: Table, predicate: Predicate) -> bool:
    """Whether an expression with a parameter in it (`date_trunc($1, at)`) may be that of an index on an expression."""
    planned = facts.plan(query.statement)
    is_known = planned is not None and planned.kind in ("values", "logged", "analyzed")
    keys = (key for index in found.indexes for key in facts.index_keys(index))
    return not is_known and any(LITERAL.sub("?", key) == LITERAL.sub("?", predicate.key) for key in keys)


def _is_partition_key(found: Table, predicate: Predicate) -> bool:
    assert predicate.column is not None
    return bool(found.partition_key and re.search(rf"\(\s*{re.escape(predicate.column.column)}\b", found.partition_key))


def _is_served(query: Query, facts: Facts, found: Table, predicate: Predicate) -> bool:
    """Whether an index on the very expression is there; a partial one only where the plan uses it."""
    planned = facts.plan(query.statement)
    for index in found.indexes:
        is_used = planned is None or any(each.index == index.name for each in planned.nodes)
        if index.is_valid and predicate.key in facts.index_keys(index)[:1] and (is_used or not index.predicate):
            return True
    return False


def _is_narrowed(query: Query, facts: Facts, predicate: Predicate, planned: PlannedStatement | None) -> bool:
    """Whether the expression is computed for a few rows only, or an index could not help anyway."""
    column = predicate.column
    assert column is not None and column.alias is not None
    is_join = any(each.scope == column.scope for each in _others(predicate)) or (
        predicate.value.kind == "subquery" and predicate.operator in ("IN", "= ANY")
    )
    if planned:
        if not planned.scans(column.alias) or facts.reads_part(planned, column.alias, column.table):
            return True
        return is_join and not facts.joins_few(planned, column.alias, column.table)
    scope = query.scopes[column.scope]
    return is_join or column.alias in facts.single_rows(scope) or facts.has_indexed_equality(scope, column.alias)


def _finding(query: Query, facts: Facts, predicates: list[Predicate], planned: PlannedStatement | None) -> Finding:
    first = predicates[0]
    column, found = first.column, facts.table(first.column.table if first.column else None)
    assert column is not None and found is not None
    evidence, is_heavy = _evidence(facts, found, column.alias, planned)
    remedy, cause = _remedy(query, facts, found, predicates)
    statement = facts.statement(query.statement)
    if cause is None and statement:
        cause = f"wrapped {found.qualified} {column.column} {statement.fingerprint}"
    share = planned.scan_share(column.alias) if planned else 1.0
    return Finding(
        where=Where(statement=query.statement, table=column.table, column=column.column),
        message=_message(facts, found, first),
        evidence=evidence,
        remedy=remedy,
        wrong_if="other conditions always leave a few rows, or most rows match anyway",
        severity=facts.severity(query.statement, share) if is_heavy else Severity.INFO,
        at_most_ms_per_day=facts.ms_per_day(query.statement, share) if planned else None,
        node=planned.scan_number(column.alias) if planned else None,
        cause=cause,
        spans=tuple(each.span for each in predicates if each.span),
    )


def _message(facts: Facts, found: Table, predicate: Predicate) -> str:
    assert predicate.column is not None
    hidden = _hidden_indexes(facts, found, predicate)
    name, spelled = predicate.column.column, " ".join(predicate.source.split())
    plainest = sorted(hidden, key=lambda index: (bool(index.predicate), len(index.keys)))
    bare = next((index for index in plainest if index.keys[0].column == name), None)
    if bare:
        return f"`{spelled}` hides `{name}` from index {bare.name}"
    part = next((index for index in hidden if index.predicate and predicate.key in facts.index_keys(index)), None)
    if part:
        return (
            f"index {part.name} on `{spelled}` holds only rows with {part.predicate}, which the query does not ask for"
        )
    if hidden:
        return f"`{spelled}` is not `{facts.index_keys(hidden[0])[0]}`, which index {hidden[0].name} is on"
    return f"`{spelled}` hides the partition key `{name}`: every partition of {found.label} is read"


def _evidence(
    facts: Facts, found: Table, alias: str | None, planned: PlannedStatement | None
) -> tuple[tuple[Evidence, ...], bool]:
    """Why we believe it, and whether the plan shows that it hurts."""
    inferred = Evidence(rung=Rung.INFERRED, text="no whole index is on that expression")
    scans = planned.scans(alias) if planned else ()
    if planned is None or all(each.index_condition for each in scans):
        return (inferred,), False
    rung = Rung.MEASURED if planned.is_analyzed else Rung.ESTIMATED
    rows = facts.rows(found.qualified) or 0.0
    seen = Evidence(rung=rung, text=f"the plan reads all {rows:,.0f} rows of {found.label} ({scans[0].node_type})")
    kept = sum((each.actual_rows or 0.0) * (each.actual_loops or 0.0) for each in scans)
    return (seen, inferred), not facts.is_small(found.qualified) and kept < MOST * rows


# Remedies


def _remedy(query: Query, facts: Facts, found: Table, predicates: list[Predicate]) -> tuple[Remedy, str | None]:
    """The query with its column bare, else an index on the expression; and what other findings it settles."""
    first = predicates[0]
    assert first.column is not None
    column = found.column(first.column.column)
    assert column is not None
    bare = [(each.span, _bare(each, column)) for each in predicates]
    changes = [(span, new) for span, new in bare if span and new]
    if len(changes) == len(bare):
        text = "Leave the column bare; this keeps the same rows and lets the index serve them."
        return Remedy(text=text, sql=query.spliced(*changes)), None
    is_recast = "::" in first.source and "::" not in first.key and not column.type.startswith(TEXTS)
    if is_recast or not _is_immutable(first, column):
        inner = [key for index in found.indexes for key in facts.index_keys(index)[:1] if key in first.key]
        name = max(inner, key=len, default=column.name)
        return Remedy(text=_advice(first, column, name)), None
    is_call = first.wrap in ("function", "coalesce") and re.fullmatch(r"\w+\(.*\)", first.key)
    spelled = re.sub(r"\bextract\('(\w+)', ", r"extract(\1 FROM ", first.key)
    key = WantedKey(
        text=spelled if is_call else f"({spelled})",
        key=first.key,
        label=first.function or "expr",
        column=column.name,
        operator_class="text_pattern_ops" if first.operator == "LIKE" else None,
    )
    wanted = WantedIndex(table=found.qualified, keys=(key,), equalities=1)
    is_part = any(index.predicate and first.key in facts.index_keys(index)[:1] for index in found.indexes)
    why = "Or compare the bare column, where the values allow it."
    if is_part:
        why = "Or add the condition of the index that is there to the query, where it holds."
    return create_index(facts, wanted, why=why), wanted.cause


def _bare(predicate: Predicate, column: Column) -> str | None:
    """The predicate with its column bare, where that is known to keep the same rows."""
    if predicate.operator == "LIKE" or not predicate.is_conjunct:
        return None
    found = half_open_range(predicate, column.type) or _moved(predicate, column) or _uncast(predicate, column)
    return found or _uncoalesced(predicate, column)


def _moved(predicate: Predicate, column: Column) -> str | None:
    """`user_id + 1 = 100` as `user_id = 100 - 1`."""
    sum_of = re.fullmatch(r"(?P<column>[\w.\"]+)\s*(?P<sign>[+-])\s*(?P<number>\d+)", predicate.source.strip())
    is_number = predicate.value.kind == "constant" and predicate.value.type == "integer"
    is_known = is_number or predicate.value.kind == "parameter"
    if not sum_of or not is_known or predicate.upper or column.type not in ("smallint", "integer", "bigint"):
        return None
    sign = "-" if sum_of["sign"] == "+" else "+"
    return f"{sum_of['column']} {predicate.operator} {predicate.value.text} {sign} {sum_of['number']}"


def _uncoalesced(predicate: Predicate, column: Column) -> str | None:
    """`coalesce(code, '') = 'x'` as `code = 'x'`, and `coalesce(code, '') = ''` as `(code = '' OR code IS NULL)`."""
    shape = r"coalesce\s*\(\s*(?P<column>[\w.\"]+)\s*,\s*(?P<default>'(?:[^']|'')*'|-?\d+)\s*\)"
    found = re.fullmatch(shape, predicate.source.strip(), re.I)
    is_text = column.type.startswith(("text", "character varying")) and not column.collation
    is_plain = is_text or column.type in ("smallint", "integer", "bigint")
    if not found or predicate.operator != "=" or predicate.value.kind != "constant" or not is_plain:
        return None
    if predicate.value.type != ("string" if is_text else "integer") or is_text != found["default"].startswith("'"):
        return None
    text = predicate.value.text
    value = "'" + text.replace("'", "''") + "'" if is_text else text
    is_default = value == found["default"] if is_text else int(text) == int(found["default"])
    equal = f"{found['column']} = {value}"
    return f"({equal} OR {found['column']} IS NULL)" if is_default else equal


def _uncast(predicate: Predicate, column: Column) -> str | None:
    """`id::text = '42'` as `id = 42`; only where the text is just what the column would give."""
    named = re.match(r"(?:cast\s*\(\s*|\()?(?P<column>[\w.\"]+?)\)?\s*(?:::|\bas\b)", predicate.source.strip(), re.I)
    text = predicate.value.text
    if not named or predicate.wrap != "cast" or predicate.operator != "=" or predicate.value.kind != "constant":
        return None
    if predicate.cast_to not in ("text", "character varying"):
        return None
    if column.type in ("smallint", "integer", "bigint") and re.fullmatch(r"0|-?[1-9]\d*", text):
        return f"{named['column']} = {text}"
    if column.type == "uuid" and re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", text):
        return f"{named['column']} = '{text}'"
    return None


def _is_immutable(predicate: Predicate, column: Column) -> bool:
    """Whether PostgreSQL would take the expression into an index: no setting can change what it gives."""
    key, kind = predicate.key.lower(), re.sub(r"\(.*?\)", "", column.type)
    if "$" in key:
        return False
    names = frozenset(re.findall(r"\b([a-z_]\w*)\s*\(", key)) - {"cast"}
    casts = re.findall(r"::\s*([a-z]+(?: varying)?(?:\(\d+\))?)", key)
    if kind in ("text", "character varying", "character", "smallint", "integer", "bigint", "numeric", "uuid"):
        return names <= IMMUTABLE and all(STEADY_CASTS.match(each) for each in casts)
    has_zone = bool(re.search(r"at time zone '", key))
    if kind not in ("timestamp without time zone", "timestamp with time zone") or not names <= TIMED:
        return False
    is_zoned = kind == "timestamp with time zone"
    return is_zoned == has_zone and predicate.wrap != "arithmetic" and all(each in ("date", "text") for each in casts)


def _advice(predicate: Predicate, column: Column, name: str) -> str:
    """`name`: the column, or the expression of it that an index is on."""
    if predicate.wrap == "arithmetic":
        return f"Move the calculation to the other side, so that `{column.name}` stands alone."
    if column.type.startswith(("timestamp", "date")):
        return (
            f"Compare `{column.name}` itself with a half-open range, `>= start AND < end`; the expression depends on "
            "the session's settings and cannot be indexed as it is."
        )
    return f"Compare `{name}` itself, or store what `{predicate.key}` gives in a generated column and index that."
