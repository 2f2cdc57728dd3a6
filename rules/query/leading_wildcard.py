"""A pattern that starts with a wildcard cannot be looked up in a B-tree index.

## What it finds
`LIKE '%x'`, `ILIKE '%x%'`, `SIMILAR TO '%(a|b)'` and regular expressions that are not anchored with `^`, on a column
that no trigram index covers; also patterns put together as `'%' || $1 || '%'`.

## Why it matters
A B-tree is ordered from the first letter on. Without it PostgreSQL reads every row and tries the pattern on each.

## What to do
Create a trigram index (extension pg_trgm): it finds the rows that hold the pattern's three-letter pieces. For words in
prose use full text search; for "ends with" an index on `reverse(column)` and a prefix search.

## When to leave it
The table is small, another predicate leaves only a few rows, or the pattern has fewer than three letters in a row:
then no index can help.

## Source
https://www.postgresql.org/docs/current/pgtrgm.html
"""

import re
from collections.abc import Iterator

from pgadvisor.rule import (
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
    Value,
    WantedIndex,
    WantedKey,
    Where,
    create_index,
    is_looked_up,
    node,
    pulled_up,
    query_rule,
    quoted,
    replace,
    table,
)

LIKES = ("LIKE", "ILIKE", "SIMILAR TO", "LIKE ANY", "ILIKE ANY", "LIKE ALL", "ILIKE ALL")
MATCHES = ("~", "~*")
ANCHORED = re.compile(r"\(*\^|\\A|\*\*\*")
GLUED = re.compile(r"(?:concat\s*\(\s*|\(\s*)*(?:'[%_]+'\s*(?:::\s*text\s*)?(?:\|\||,)|format\s*\(\s*'%%)", re.I)
"""A pattern put together from a wildcard and something else; `format` writes `%%` for a percent sign."""
TRIGRAM = ("gin_trgm_ops", "gist_trgm_ops")
TEXTS = ("text", "character varying", "character", "citext", "bpchar", "name")

USERS = table("users", columns={"name": "text", "email": "text", "team_id": "bigint"}, indexes={"users_email": "email"})
TRGM = table("users", columns={"name": "text"}, indexes={"users_name_trgm": "gin: name gin_trgm_ops"})
LOWER_TRGM = table("users", columns={"name": "text"}, indexes={"users_name_trgm": "gin: lower(name) gin_trgm_ops"})
WHOLE = node("Seq Scan", table="users", alias="users", cost=26_000.0, filter="(name ~~ '%smith%'::text)")
PART = node("Index Scan", table="users", alias="users", index="users_team", cost=40.0, index_condition="(team_id = 5)")
MAKES = (
    'CREATE EXTENSION IF NOT EXISTS pg_trgm;\n'
    "CREATE INDEX CONCURRENTLY users_name_idx ON public.users USING gin (name gin_trgm_ops);"
)  # fmt: skip
BAD = [
    Example(sql="SELECT id FROM users WHERE name LIKE '%smith%'", tables=(USERS,), plan=WHOLE, remedy=MAKES),
    Example(sql="SELECT id FROM users u WHERE u.email ILIKE '%@example.com'", tables=(USERS,)),
    Example(sql="SELECT id FROM users WHERE name SIMILAR TO '%(abc|def)'", tables=(USERS,)),
    Example(sql="SELECT id FROM users WHERE name LIKE '_mith'", tables=(USERS,)),
    Example(sql="SELECT id FROM users WHERE name LIKE '%' || $1 || '%'", tables=(USERS,)),
    Example(sql="SELECT id FROM users WHERE name ILIKE concat('%', $1, '%')", tables=(USERS,)),
    Example(sql="SELECT id FROM users WHERE name LIKE format('%%%s%%', $1::text)", tables=(USERS,)),
    Example(sql="SELECT id FROM users WHERE name ~ 'smith$'", tables=(USERS,)),
    Example(
        sql="SELECT id FROM users WHERE lower(name) LIKE '%smith%'",
        note="An index on `name` serves ILIKE, not `lower(name)`.",
        tables=(TRGM,),
    ),
    Example(sql="SELECT id FROM users WHERE name LIKE '%a%' AND name LIKE '%smith%'", tables=(USERS,)),
    Example(sql="SELECT id FROM users WHERE name LIKE ANY (ARRAY['%smith%', '%jones%'])", tables=(USERS,)),
    Example(sql="SELECT id FROM users WHERE name LIKE ALL (ARRAY['%smith%', '%john%'])", tables=(USERS,)),
    Example(sql="WITH u AS (SELECT id, name FROM users) SELECT id FROM u WHERE name LIKE '%smith'", tables=(USERS,)),
]
GOOD = [
    Example(
        note="Twenty rows are left.",
        sql="SELECT u.id FROM (SELECT id, name FROM users ORDER BY id LIMIT 20) u WHERE u.name LIKE '%smith'",
        tables=(USERS,),
    ),
    Example(note="A prefix.", sql="SELECT id FROM users WHERE email LIKE 'smith%'", tables=(USERS,)),
    Example(
        note="The percent sign is escaped.", sql="SELECT id FROM users WHERE name LIKE '\\%smith'", tables=(USERS,)
    ),
    Example(
        note="Escaped by another sign.",
        sql="SELECT id FROM users WHERE name LIKE '!%smith' ESCAPE '!'",
        tables=(USERS,),
    ),
    Example(note="A trigram index.", sql="SELECT id FROM users WHERE name ILIKE '%smith%'", tables=(TRGM,)),
    Example(
        note="A trigram index on the expression.",
        sql="SELECT id FROM users WHERE lower(name) LIKE '%smith%'",
        tables=(LOWER_TRGM,),
    ),
    Example(
        note="Another predicate leaves a few rows.",
        sql="SELECT id FROM users WHERE team_id = 5 AND name LIKE '%smith%'",
        tables=(USERS,),
        plan=PART,
    ),
    Example(
        note="One row by its key.", sql="SELECT id FROM users WHERE id = $1 AND name LIKE '%smith%'", tables=(USERS,)
    ),
    Example(note="No index serves NOT LIKE.", sql="SELECT id FROM users WHERE name NOT LIKE '%test%'", tables=(USERS,)),
    Example(
        note="Twelve rows.",
        sql="SELECT id FROM depot WHERE code LIKE '%1'",
        tables=(table("depot", rows=12, columns={"code": "text"}),),
    ),
    Example(note="Not in a condition.", sql="SELECT name LIKE '%x%' FROM users WHERE id = $1", tables=(USERS,)),
    Example(note="No LIKE.", sql="SELECT '%' || name AS pattern FROM users WHERE name = $1", tables=(USERS,)),
    Example(note="What the pattern is, nobody knows.", sql="SELECT id FROM users WHERE name LIKE $1", tables=(USERS,)),
    Example(note="Anchored.", sql="SELECT id FROM users WHERE email ~ '^smith'", tables=(USERS,)),
    Example(note="Everything that is not NULL.", sql="SELECT id FROM users WHERE name LIKE '%'", tables=(USERS,)),
    Example(
        note="Fewer than three letters: no trigram, no index.",
        sql="SELECT id FROM users WHERE name LIKE '%ab%'",
        tables=(TRGM,),
    ),
    Example(note="The pattern comes from the column.", sql="SELECT id FROM users WHERE 'x' LIKE name", tables=(USERS,)),
]


@query_rule(severity=Severity.ERROR, since="0.1", aliases=("regex-filter",))
def check(query: Query, facts: Facts) -> Iterator[Finding]:
    seen: set[tuple[str | None, str]] = set()
    if query.is_truncated:
        return
    for predicate in (pulled_up(query, each) for each in query.predicates()):
        place = (predicate.column.alias if predicate.column else None, predicate.key)
        if place in seen or not _starts_open(query, predicate) or not _is_searched(query, facts, predicate):
            continue
        planned = facts.plan(query.statement)
        if _is_served(facts, predicate, planned) or _is_narrowed(query, facts, predicate, planned):
            continue
        seen.add(place)
        yield _finding(query, facts, predicate, planned)


def _is_searched(query: Query, facts: Facts, predicate: Predicate) -> bool:
    """Whether the predicate chooses rows of a table that is worth an index."""
    column = predicate.column
    if column is None or predicate.is_negated or predicate.place not in ("where", "on"):
        return False
    if any(facts.is_system(use.table) for use in query.scopes[predicate.scope].tables):
        return False
    if column.table is None:
        return not facts.has_catalog and column.alias is None
    return not facts.is_tiny(column.table) and not (facts.has_catalog and not facts.table(column.table))


def _starts_open(query: Query, predicate: Predicate) -> bool:
    """Whether the pattern may begin with anything."""
    value = predicate.value
    if predicate.operator in MATCHES:
        return value.kind == "constant" and len(value.text) > 2 and not ANCHORED.match(value.text)
    if predicate.operator not in LIKES:
        return False
    if value.kind == "expression":
        return bool(GLUED.match(value.text))
    items = value.items if value.kind == "list" else (value,)
    escape = re.search(r"\bescape\s+'(.?)'\s*\)*\Z", query.cut(predicate.span), re.I)
    opened = [_is_open(item, escape[1] if escape else "\\") for item in items]
    return all(opened) and bool(opened) if predicate.operator.endswith("ALL") else any(opened)


def _is_open(item: Value, escape: str) -> bool:
    text = item.text
    is_wild = item.kind == "constant" and text[:1] in ("%", "_") and text[:1] != escape
    return is_wild and bool(text.strip("%_"))


def _trigrams(predicate: Predicate) -> bool:
    """Whether the pattern holds three letters or digits in a row; a trigram index has nothing to look for otherwise."""
    items = predicate.value.items or (predicate.value,)
    return all(item.kind != "constant" or re.search(r"[^\W_]{3}", item.text) for item in items)


def _is_served(facts: Facts, predicate: Predicate, planned: PlannedStatement | None) -> bool:
    """Whether a trigram index covers the left side; a partial one only where the plan uses it."""
    assert predicate.column is not None
    found = facts.table(predicate.column.table)
    for index in found.indexes if found else ():
        if index.is_valid and _is_trigram(facts, index, predicate.key):
            used = planned and any(each.index == index.name for each in planned.nodes)
            if not index.predicate or planned is None or used:
                return True
    return False


def _is_trigram(facts: Facts, index: Index, key: str) -> bool:
    keys = zip(facts.index_keys(index), index.keys, strict=True)
    return any(spelled == key and (each.operator_class or "").endswith(TRIGRAM) for spelled, each in keys)


def _is_narrowed(query: Query, facts: Facts, predicate: Predicate, planned: PlannedStatement | None) -> bool:
    """Whether few rows of the table are left to try the pattern on."""
    column = predicate.column
    assert column is not None
    if planned:
        return facts.reads_part(planned, column.alias, column.table)
    return is_looked_up(facts, query, column, but=predicate)


def _finding(query: Query, facts: Facts, predicate: Predicate, planned: PlannedStatement | None) -> Finding:
    column = predicate.column
    assert column is not None
    evidence = [Evidence(rung=Rung.INFERRED, text=f"no trigram index on `{predicate.key}`")]
    is_read = planned and any(each.node_type == "Seq Scan" for each in planned.scans(column.alias))
    if planned and is_read:
        rung = Rung.MEASURED if planned.is_analyzed else Rung.ESTIMATED
        rows = facts.rows(column.table) or 0.0
        evidence.insert(0, Evidence(rung=rung, text=f"the plan reads all {rows:,.0f} rows of {column.table}"))
    if not facts.has_catalog:
        evidence = [Evidence(rung=Rung.INFERRED, text="the pattern is in the query; indexes are not known")]
    spelled = query.cut(predicate.span) or f"{predicate.source} {predicate.operator}"
    is_heavy = is_read and not facts.is_small(column.table)
    remedy, cause = _remedy(facts, predicate)
    share = planned.scan_share(column.alias) if planned else 1.0
    return Finding(
        where=Where(statement=query.statement, table=column.table, column=column.column),
        message=f"`{_short(spelled)}` starts with a wildcard: no B-tree index on {column.column} can serve it",
        evidence=tuple(evidence),
        remedy=remedy,
        wrong_if="other conditions always leave a few rows, or the table stays small",
        severity=facts.severity(query.statement, share) if is_heavy else Severity.INFO,
        at_most_ms_per_day=facts.ms_per_day(query.statement, share) if planned else None,
        node=planned.scan_number(column.alias) if planned else None,
        cause=cause or (f"wildcard {column.table} ({predicate.key})" if column.table else None),
        spans=(predicate.span,) if predicate.span else (),
    )


def _short(text: str) -> str:
    folded = " ".join(text.split())
    return folded if len(folded) <= 80 else f"{folded[:77]}…"


def _remedy(facts: Facts, predicate: Predicate) -> tuple[Remedy, str | None]:
    """What to do, and of a new index what other findings it settles."""
    column = predicate.column
    assert column is not None
    found = facts.column(column.table, column.column)
    if not _trigrams(predicate):
        return Remedy(
            text="Search for three letters or more, and then with a trigram index; no index finds fewer."
        ), None
    if found is None or not found.type.startswith(TEXTS) or predicate.wrap not in (None, "function"):
        return Remedy(text="Create a trigram index (extension pg_trgm) on what is searched."), None
    if predicate.is_wrapped and predicate.function not in ("lower", "upper"):
        return Remedy(text="Create a trigram index (extension pg_trgm) on what is searched."), None
    plain = WantedKey(
        text=quoted(column.column), key=column.column, label=column.column, column=column.column,
        operator_class="gin_trgm_ops",
    )  # fmt: skip
    is_there = any(_is_trigram(facts, index, column.column) for table in [facts.table(column.table)] if table
                   for index in table.indexes)  # fmt: skip
    if is_there and predicate.is_wrapped:
        return Remedy(text=f"Write `{column.column} ILIKE …`: the trigram index on {column.column} serves that."), None
    wanted = WantedIndex(table=column.table or "", keys=(plain,), method="gin", extension="pg_trgm")
    why = "It serves LIKE and ILIKE anywhere in the text" + (
        f"; write `{column.column} ILIKE …` then." if predicate.is_wrapped else "."
    )
    return replace(create_index(facts, wanted, why=why), needs_rewrite=predicate.is_wrapped), wanted.cause
