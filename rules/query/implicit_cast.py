"""A comparison with another type makes PostgreSQL cast the column, and its index is of no use.

## What it finds
An indexed column compared with a value, parameter or column of a type that turns the comparison into one of the other
type: `bigint = numeric`, `numeric = double precision`, `character(n) = text`, `citext = text`.

## Why it matters
PostgreSQL compares two types with the operator that fits both, and casts the side that does not fit. When that is the
column, the condition reads `(id)::numeric = 42` and an index on `id` cannot serve it: every row is read and cast. The
text does not show it. (Integers among themselves, text with varchar, dates with timestamps share their index operators;
a bare literal takes the column's type. Those are fine.)

## What to do
Give the value the column's type: bind the parameter as an integer, cast the value, not the column. Where two columns
differ, make their types the same, or index the cast.

## When to leave it
Other conditions leave a few rows, or the join reads both tables whole anyway.

## Source
https://www.postgresql.org/docs/current/typeconv-oper.html
"""

import re
from collections.abc import Iterator

from pgadvisor.rule import (
    ColumnUse,
    Evidence,
    Example,
    Facts,
    Finding,
    Index,
    PlannedStatement,
    PlanNode,
    Predicate,
    Query,
    Remedy,
    Rung,
    Severity,
    Value,
    WantedIndex,
    WantedKey,
    Where,
    create_index,
    node,
    query_rule,
    quoted,
    table,
)

INTEGERS = ("smallint", "integer", "bigint")
FLOATS = ("real", "double precision")
COMPARISONS = frozenset({"=", "<", "<=", ">", ">=", "BETWEEN", "IN", "= ANY"})
# (column, other side) -> what the column is cast to. Tried out on PostgreSQL 15 and 18 for each pair of types.
CASTS: dict[tuple[str, str], str] = {
    **{(integer, "numeric"): "numeric" for integer in INTEGERS},
    **{(integer, other): "double precision" for integer in INTEGERS for other in FLOATS},
    **{("numeric", other): "double precision" for other in FLOATS},
    ("character", "text"): "text",
    ("character varying", "character"): "bpchar",
    ("citext", "text"): "text",
    ("citext", "character varying"): "text",
}
WRITTEN = {
    "number": "numeric",
    "decimal": "numeric",
    "int": "integer",
    "bpchar": "character",
    "varchar": "character varying",
    "float": "double precision",
    "float8": "double precision",
}
"""Types of values under other names; a bare 42.0 is numeric."""
LISTED = frozenset({("character", "text"), ("character varying", "character")})
"""Pairs that compare as the column's type when the other side is an IN list: of two types that convert both ways the
items get the first (`select_common_type` in parse_coerce.c)."""
TYPE, SIGN = r"[a-z]+(?: [a-z]+)*", "(?:=|<>|[<>]=?)"
"""A type's name and a comparison in an expression of a plan."""

USERS = table("users", columns={"country": "character(2)", "balance": "numeric", "email": "citext"},
              indexes={"users_country": "country", "users_balance": "balance", "users_email": "email"})  # fmt: skip
LEGACY = table("legacy", columns={"user_no": "numeric(18,0)", "code": "text"}, indexes={"legacy_no": "user_no"})
CAST = node("Seq Scan", table="users", alias="users", cost=30_000.0, filter="((id)::numeric = '42'::numeric)")
BAD = [
    Example(
        sql="SELECT country FROM users WHERE id = 42::numeric",
        tables=(USERS,),
        plan=CAST,
        remedy="SELECT country FROM users WHERE id = 42",
    ),
    Example(sql="SELECT country FROM users WHERE id = 42.0", tables=(USERS,), remedy="WHERE id = 42"),
    Example(sql="SELECT id FROM users WHERE country = 'DE'::text", tables=(USERS,), remedy="WHERE country = 'DE'"),
    Example(sql="SELECT id FROM users WHERE balance > 10::float8", tables=(USERS,)),
    Example(sql="SELECT country FROM users WHERE id IN (1::numeric, 2)", tables=(USERS,)),
    Example(sql="SELECT country FROM users WHERE id BETWEEN 1.5 AND 9.5", tables=(USERS,)),
    Example(sql="SELECT id FROM users WHERE email = $1::text", tables=(USERS,)),
    Example(
        sql="SELECT country FROM users WHERE id = (SELECT user_no FROM legacy WHERE code = 'x')", tables=(USERS, LEGACY)
    ),
    Example(
        sql="SELECT u.country FROM legacy l JOIN users u ON u.id = l.user_no WHERE l.code = 'x'",
        tables=(USERS, LEGACY),
        remedy="CREATE INDEX CONCURRENTLY users_numeric_idx ON public.users ((id::numeric));",
    ),
    Example(
        sql="SELECT u.id FROM legacy l JOIN users u ON l.code = u.country",
        tables=(USERS, LEGACY),
        plan=node(
            "Merge Join",
            node("Sort", node("Seq Scan", table="users", alias="u")),
            node("Sort", node("Seq Scan", table="legacy", alias="l")),
            merge_condition="(l.code = ((u.country)::text))",
        ),
    ),
    Example(
        sql="SELECT country FROM users WHERE id = $1",
        note="Only the plan knows that the parameter was bound as numeric.",
        tables=(USERS,),
        plan=node("Seq Scan", table="users", alias="users", cost=30_000.0, filter="((id)::numeric = $1)"),
    ),
]
GOOD = [
    Example(note="Integers share their operators.", sql="SELECT id FROM users WHERE id = 42::int", tables=(USERS,)),
    Example(
        note="A bare literal takes the column's type.", sql="SELECT id FROM users WHERE id = '42'", tables=(USERS,)
    ),
    Example(note="The value is cast, not the column.", sql="SELECT id FROM users WHERE balance = 42", tables=(USERS,)),
    Example(
        note="What a parameter is, the text does not say.", sql="SELECT * FROM users WHERE id = $1", tables=(USERS,)
    ),
    Example(
        note="character(n) and varchar share an operator.",
        sql="SELECT id FROM users WHERE country = 'DE'::varchar",
        tables=(USERS,),
    ),
    Example(
        note="The join looks the numeric column up by the cast key.",
        sql="SELECT l.id FROM users u JOIN legacy l ON l.user_no = u.id WHERE u.id = 7",
        tables=(USERS, LEGACY),
        plan=node(
            "Nested Loop",
            node("Index Scan", table="users", alias="u", index="users_pkey", cost=8.0, index_condition="(id = 7)"),
            node("Index Scan", table="legacy", alias="l", cost=8.0, index_condition="(user_no = (u.id)::numeric)"),
        ),
    ),
    Example(
        note="One row by its key; the cast is tried on that.",
        sql="SELECT id FROM users WHERE id = 5 AND country = 'DE'::text",
        tables=(USERS,),
        plan=node(
            "Index Scan",
            table="users",
            alias="users",
            cost=8.0,
            index_condition="(id = 5)",
            filter="((country)::text = 'DE'::text)",
        ),
    ),
    Example(
        note="The same, without a plan.",
        sql="SELECT id FROM users WHERE id = $1 AND country = $2::text",
        tables=(USERS,),
    ),
    Example(
        note="No index on the column.",
        sql="SELECT id FROM legacy WHERE id = 7 AND code = 'x'::char(4)",
        tables=(LEGACY,),
    ),
    Example(
        note="The type of `$1` is the planner's guess, and `abs` follows it.",
        sql="SELECT country FROM users WHERE id = abs($1)",
        tables=(USERS,),
        plan=node("Seq Scan", table="users", alias="users", cost=30_000.0, filter="((id)::double precision = abs($1))"),
    ),
    Example(
        note="An IN list of texts is made one of the column's type.",
        sql="SELECT id FROM users WHERE country IN ('DE'::text, 'FR'::text)",
        tables=(USERS,),
    ),
    Example(
        note="The cast is for another function's sake.",
        sql="SELECT id FROM users WHERE id > 19000 AND sqrt(id) > 3",
        tables=(USERS,),
        plan=node(
            "Seq Scan",
            table="users",
            alias="users",
            cost=30_000.0,
            filter="((id > 19000) AND (sqrt((id)::double precision) > '3'::double precision))",
        ),
    ),
    Example(
        note="An index on the cast is there.",
        sql="SELECT n FROM t WHERE n = 42::numeric",
        tables=(table("t", primary_key="n", indexes={"t_numeric": "(n)::numeric"}),),
    ),
    Example(
        note="timestamp and date share their operators.",
        sql="SELECT id FROM t WHERE at > current_date",
        tables=(table("t", columns={"at": "timestamp with time zone"}, indexes={"t_at": "at"}),),
    ),
    Example(
        note="A cast in the select list costs nothing.",
        sql="SELECT id * 1.5 FROM users WHERE id = 4",
        tables=(USERS,),
    ),
]


@query_rule(severity=Severity.ERROR, since="0.1")
def check(query: Query, facts: Facts) -> Iterator[Finding]:
    if query.is_truncated:
        return
    planned = facts.plan(query.statement)
    seen: set[tuple[str | None, str]] = set()
    for predicate in query.predicates():
        if not _compares(predicate):
            continue
        for column, other in _sides(predicate):
            target = (
                _cast_in_plan(planned, facts, column)
                if planned
                else _cast(query, facts, column, other, predicate.operator)
            )
            if other.kind == "expression" and "$" in other.text:
                continue  # `abs($1)` is of whatever type the planner takes for `$1`
            hidden = _indexes(facts, column, target) if target else ()
            if not target or not hidden or (column.alias, column.column) in seen:
                continue
            if _is_narrowed(query, facts, predicate, column, planned):
                continue
            seen.add((column.alias, column.column))
            yield _finding(query, facts, predicate, column, other, target, hidden[0], planned)


def _compares(predicate: Predicate) -> bool:
    is_place = predicate.place in ("where", "on") and not predicate.is_wrapped
    return is_place and predicate.operator in COMPARISONS and not predicate.is_negated


def _sides(predicate: Predicate) -> Iterator[tuple[ColumnUse, Value]]:
    """The column with its other side; of two columns each with the other."""
    if predicate.column:
        yield predicate.column, predicate.value
        if predicate.value.column and predicate.value.column.alias != predicate.column.alias:
            yield predicate.value.column, Value(kind="column", text=predicate.source, column=predicate.column)


def _cast(query: Query, facts: Facts, column: ColumnUse, other: Value, operator: str) -> str | None:
    """What the column is cast to, by the types that the text and the catalog tell."""
    found = facts.column(column.table, column.column)
    if found is None or facts.is_tiny(column.table):
        return None
    own = _base(found.type)
    pairs = [(own, each) for each in _types(query, facts, other) if not (operator == "IN" and (own, each) in LISTED)]
    return next((CASTS[pair] for pair in pairs if pair in CASTS), None)


def _types(query: Query, facts: Facts, value: Value) -> Iterator[str]:
    """The types that the other side is known to have."""
    if value.column:
        found = facts.column(value.column.table, value.column.column)
        if found:
            yield _base(found.type)
    elif value.type and value.type not in ("string", "integer", "boolean"):
        yield _base(value.type.removesuffix("[]"))
    elif value.scope is not None and len(query.scopes[value.scope].outputs) == 1:
        output = query.scopes[value.scope].outputs[0].column
        if output:
            yield from _types(query, facts, Value(kind="column", column=output))
    for item in value.items:
        yield from _types(query, facts, item)


def _base(spelled: str) -> str:
    name = re.sub(r"\(.*?\)", "", spelled).strip().lower()
    return WRITTEN.get(name, name)


def _is_narrowed(
    query: Query, facts: Facts, predicate: Predicate, column: ColumnUse, planned: PlannedStatement | None
) -> bool:
    """Whether few rows of the table are left to be cast; without a plan an equality that an index serves will do."""
    if planned:
        return facts.reads_part(planned, column.alias, column.table)
    return facts.has_indexed_equality(query.scopes[column.scope], column.alias, but=predicate)


def _cast_in_plan(planned: PlannedStatement, facts: Facts, column: ColumnUse) -> str | None:
    """What the plan casts the column to where it filters or joins; in an index condition the cast does no harm."""
    found = facts.column(column.table, column.column)
    if found is None or column.alias is None or facts.is_tiny(column.table):
        return None
    targets = {target for (own, _), target in CASTS.items() if own == _base(found.type)}
    name = rf'\((?:"?{re.escape(column.alias)}(?:_\d+)?"?\.)?"?{re.escape(column.column)}"?\)::'
    # Only where the cast itself is compared: `sqrt((id)::double precision) > 3` casts for the function.
    compared = rf"(?<![\w(])\(*{name}(?P<left>{TYPE})\)* {SIGN} |{SIGN} \(*{name}(?P<right>{TYPE})(?:\)|\Z)"
    for each in planned.nodes:
        for text in _conditions(each, planned, column):
            for match in re.finditer(compared, text):
                target = match["left"] or match["right"]
                if target in targets:
                    return target
    return None


def _conditions(each: PlanNode, planned: PlannedStatement, column: ColumnUse) -> Iterator[str]:
    """The texts of a node that compare rows one by one; a filter only where it is the column's own table."""
    if each.filter and (each.alias is None or each in planned.scans(column.alias)):
        yield each.filter
    yield from filter(None, (each.hash_condition, each.merge_condition, each.join_filter))


def _indexes(facts: Facts, column: ColumnUse, target: str) -> tuple[Index, ...]:
    """The B-tree indexes that the cast makes useless; none when one on the cast is there."""
    found = facts.table(column.table)
    spelled = f"{quoted(column.column)}::{target}"
    if found is None or facts.indexes_led_by(found.qualified, spelled):
        return ()
    return tuple(
        index
        for index in found.indexes
        if index.is_valid and index.method in ("btree", "hash") and column.column in index.columns
    )


def _finding(
    query: Query,
    facts: Facts,
    predicate: Predicate,
    column: ColumnUse,
    other: Value,
    target: str,
    hidden: Index,
    planned: PlannedStatement | None,
) -> Finding:
    found = facts.column(column.table, column.column)
    assert found is not None
    types = f"`{column.column}` is {found.type}, the other side compares as {target}"
    evidence = [Evidence(rung=Rung.INFERRED, text=types)]
    if planned:
        rung = Rung.MEASURED if planned.is_analyzed else Rung.ESTIMATED
        evidence.insert(0, Evidence(rung=rung, text=f"the plan compares `({column.column})::{target}`"))
    is_heavy = planned is not None and _is_read_whole(facts, planned, column, other)
    share = planned.scan_share(column.alias) if planned else 1.0
    return Finding(
        where=Where(statement=query.statement, table=column.table, column=column.column),
        message=f"`{column.column}` ({found.type}) is cast to {target}, so that index {hidden.name} cannot serve it",
        evidence=tuple(evidence),
        remedy=_remedy(query, facts, predicate, column, other, target),
        wrong_if="other conditions always leave a few rows",
        severity=facts.severity(query.statement, share) if is_heavy else Severity.INFO,
        at_most_ms_per_day=facts.ms_per_day(query.statement, share) if planned else None,
        node=planned.scan_number(column.alias) if planned else None,
        cause=f"index {column.table} ({column.column}::{target})" if other.column else None,
        spans=(predicate.span,) if predicate.span else (),
    )


def _is_read_whole(facts: Facts, planned: PlannedStatement, column: ColumnUse, other: Value) -> bool:
    """Whether the plan reads a table of size where a look-up would have done."""
    if facts.is_small(column.table) or all(each.node_type != "Seq Scan" for each in planned.scans(column.alias)):
        return False
    return other.column is None or facts.joins_few(planned, column.alias, column.table)


def _remedy(query: Query, facts: Facts, predicate: Predicate, column: ColumnUse, other: Value, target: str) -> Remedy:
    found = facts.column(column.table, column.column)
    own = found.type if found else "its type"
    literal = _literal(predicate.value, own) if predicate.operator in ("=", "<", "<=", ">", ">=") else None
    if literal and predicate.span and not other.column:
        sql = query.spliced((predicate.span, f"{predicate.source} {predicate.operator} {literal}"))
        return Remedy(text=f"Compare with a value of the column's type ({own}).", sql=sql)
    if not other.column:
        return Remedy(text=f"Cast the value to {own}, or bind it as {own}: then the index serves the comparison.")
    key = f"{quoted(column.column)}::{target}"
    wanted = WantedIndex(
        table=column.table or "",
        keys=(WantedKey(text=f"({key})", key=key, label=target.replace(" ", "_"), column=column.column),),
        equalities=1,
    )
    made = create_index(facts, wanted)
    text = f"Give both columns the same type (a change of type rewrites the table), or index the cast: {made.text}"
    return Remedy(text=text, sql=made.sql, undo=made.undo, lock=made.lock, cost=made.cost)


def _literal(value: Value, own: str) -> str | None:
    """The constant as a literal of the column's type, where that says the same."""
    if value.kind != "constant":
        return None
    if _base(own) in INTEGERS:
        whole = re.fullmatch(r"(-?\d+)(?:\.0+)?", value.text)
        return whole[1] if whole else None
    if _base(own) == "character" and value.text == value.text.rstrip(" "):
        return "'" + value.text.replace("'", "''") + "'"
    return None
