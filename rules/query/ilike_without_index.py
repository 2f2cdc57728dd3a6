"""A search that ignores case: no plain B-tree index can serve it.

## What it finds
`col ILIKE 'abc%'`, `col ILIKE $1` and `col ~* '^abc'` on a text column of a table of size that no trigram index covers.
(Patterns that start with a wildcard are found by leading-wildcard.)

## Why it matters
A B-tree keeps `ABC` and `abc` in different places. PostgreSQL uses it for ILIKE only as far as the pattern has no
letters, so that in general every row is read.

## What to do
Create a trigram index (extension pg_trgm), which serves ILIKE as it is. Or, for whole words and prefixes, an index on
`lower(col) text_pattern_ops` and `lower(col) LIKE lower($1)`.

## When to leave it
The table is small, or another condition leaves a few rows.

## Source
https://www.postgresql.org/docs/current/pgtrgm.html
"""

import re
from collections.abc import Iterator

from pgadvisor.rule import (
    MANY,
    ColumnUse,
    Evidence,
    Example,
    Facts,
    Finding,
    Predicate,
    Query,
    Remedy,
    Rung,
    Severity,
    Table,
    Where,
    create_index,
    index_for,
    is_narrowed,
    kept_share,
    query_rule,
    searched_table,
    table,
    whole_read,
)

OPEN = re.compile(r"[%_]")
UNCASED = re.compile(r"[^a-zA-Z\u0080-\U0010ffff%_\\]")
"""A sign that is the same in both cases: a B-tree serves the pattern as far as that."""

USERS = table("users", columns={"name": "text", "code": "character varying(20)", "mail": "citext"},
              indexes={"users_name": "name", "users_code_trgm": "gin: code gin_trgm_ops"})  # fmt: skip
BAD = [
    Example(
        sql="SELECT id FROM users WHERE name ILIKE 'abc%'",
        tables=(USERS,),
        remedy="ON public.users USING gin (name gin_trgm_ops);",
    ),
    Example(sql="SELECT id FROM users u WHERE u.name ILIKE $1", tables=(USERS,)),
    Example(sql="SELECT id FROM users WHERE name ~* '^abc'", tables=(USERS,)),
]
GOOD = [
    Example(note="A trigram index.", sql="SELECT id FROM users WHERE code ILIKE 'abc%'", tables=(USERS,)),
    Example(note="The case counts.", sql="SELECT id FROM users WHERE name LIKE 'abc%'", tables=(USERS,)),
    Example(note="One row by its key.", sql="SELECT id FROM users WHERE id = 5 AND name ILIKE 'abc%'", tables=(USERS,)),
    Example(note="The type ignores case itself.", sql="SELECT id FROM users WHERE mail ILIKE 'abc%'", tables=(USERS,)),
    Example(note="It starts with digits.", sql="SELECT id FROM users WHERE name ILIKE '2024-%'", tables=(USERS,)),
    Example(note="No index finds what is not alike.", sql="SELECT id FROM users WHERE name NOT ILIKE 'abc%'",
            tables=(USERS,)),
    Example(note="A leading wildcard is another fault.", sql="SELECT id FROM users WHERE name ILIKE '%abc'",
            tables=(USERS,)),
]  # fmt: skip


@query_rule(severity=Severity.ERROR, since="0.2", aliases=("ilike-index",))
def check(query: Query, facts: Facts) -> Iterator[Finding]:
    if query.is_truncated:
        return
    for predicate in query.predicates():
        column, found = predicate.column, searched_table(facts, predicate.column)
        if column is None or found is None or not _ignores_case(predicate, found):
            continue
        planned = facts.plan(query.statement)
        is_common = planned is not None and kept_share(facts, planned, column) > MANY
        if not is_common and not _is_covered(facts, found, predicate) and not is_narrowed(facts, query, column):
            yield _finding(query, facts, predicate, column, found)


def _ignores_case(predicate: Predicate, found: Table) -> bool:
    """Whether it is a search for a pattern of letters that does not start with a wildcard."""
    kind = found.column(predicate.column.column) if predicate.column else None
    is_text = kind is not None and kind.type.startswith(("text", "character varying")) and not predicate.is_wrapped
    is_asked = predicate.is_conjunct and not predicate.is_negated and predicate.place in ("where", "on")
    if not is_text or not is_asked:
        return False
    text = predicate.value.text
    if predicate.operator == "ILIKE":
        is_constant = predicate.value.kind == "constant" and bool(text)
        return predicate.value.kind == "parameter" or (is_constant and not OPEN.match(text) and not UNCASED.match(text))
    is_anchored = predicate.operator == "~*" and predicate.value.kind == "constant" and text.startswith("^")
    return is_anchored and re.match(r"\^[a-zA-Z]", text) is not None


def _is_covered(facts: Facts, found: Table, predicate: Predicate) -> bool:
    return any(
        name == predicate.key and (key.operator_class or "").endswith("trgm_ops")
        for index in found.indexes
        if index.is_valid
        for name, key in zip(facts.index_keys(index), index.keys, strict=True)
    )


def _finding(query: Query, facts: Facts, predicate: Predicate, column: ColumnUse, found: Table) -> Finding:
    seen, severity, number = whole_read(facts, query, column)
    wanted = index_for(predicate, found)
    lower = f"Or `lower({column.column}) LIKE lower(…)` with an index on `lower({column.column}) text_pattern_ops`."
    return Finding(
        where=Where(statement=query.statement, table=found.qualified, column=column.column),
        message=f"`{predicate.source} {predicate.operator} …` ignores case: no B-tree index serves it",
        evidence=(*seen, Evidence(rung=Rung.INFERRED, text=f"no trigram index on `{predicate.key}`")),
        remedy=create_index(facts, wanted, why=lower) if wanted else Remedy(text=lower.removeprefix("Or ")),
        wrong_if="other conditions always leave few rows, or the pattern matches most rows",
        severity=severity,
        node=number,
        cause=wanted.cause if wanted else None,
        spans=(predicate.span,) if predicate.span else (),
    )
