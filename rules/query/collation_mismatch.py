"""A comparison names another collation than the index has, which keeps the index out of use.

## What it finds
`name COLLATE "C" = 'x'`, also with COLLATE on the other side, where indexes lead with the column but none in that
collation.

## Why it matters
An index is sorted by one collation. PostgreSQL uses it only for comparisons in that very collation, also for `=`, and
reads the whole table otherwise.

## What to do
Leave COLLATE out of the comparison, or create an index in that collation.

## When to leave it
Other conditions leave few rows.

## Source
https://www.postgresql.org/docs/current/indexes-collations.html
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
    Predicate,
    Query,
    Remedy,
    Rung,
    Severity,
    Table,
    WantedIndex,
    WantedKey,
    Where,
    create_index,
    is_narrowed,
    query_rule,
    quoted,
    searched_table,
    table,
    whole_read,
)

NAMED = re.compile(r"\bcollate\s+(?:(?:\w+|\"[^\"]+\")\.)?(?:\"(?P<quoted>[^\"]+)\"|(?P<bare>\w+))\s*\)*", re.I)
COMPARED = frozenset({"=", "<", "<=", ">", ">=", "BETWEEN", "IN", "= ANY"})

USERS = table("users", columns={"name": "text", "code": "text"},
              indexes={"users_name": "name", "users_code_c": 'code COLLATE "C"'})  # fmt: skip
BAD = [
    Example(
        sql="SELECT id FROM users WHERE name COLLATE \"C\" = 'x'",
        tables=(USERS,),
        remedy='ON public.users (name COLLATE "C");',
    ),
    Example(sql="SELECT id FROM users u WHERE u.name = 'x' COLLATE \"de-x-icu\"", tables=(USERS,)),
]
GOOD = [
    Example(note="No collation is named.", sql="SELECT id FROM users WHERE name = 'x'", tables=(USERS,)),
    Example(note="The index is in it.", sql="SELECT id FROM users WHERE code COLLATE \"C\" = 'x'", tables=(USERS,)),
    Example(note="A sort.", sql='SELECT id FROM users WHERE id < 9 ORDER BY name COLLATE "C"', tables=(USERS,)),
    Example(note="One row by its key.", sql="SELECT id FROM users WHERE id = 5 AND name COLLATE \"C\" = 'x'",
            tables=(USERS,)),
]  # fmt: skip


@query_rule(severity=Severity.ERROR, since="0.2")
def check(query: Query, facts: Facts) -> Iterator[Finding]:
    if query.is_truncated:
        return
    for predicate in query.predicates():
        column, found = predicate.column, searched_table(facts, predicate.column)
        name = _named(query, predicate)
        if column is None or found is None or name is None:
            continue
        led = [index for index in found.indexes if index.is_valid and index.method == "btree" and _leads(index, column)]
        is_there = any(name in (index.keys[0].collation, _in_text(index)) for index in led)
        if led and not is_there and not is_narrowed(facts, query, column, but=predicate):
            yield _finding(query, facts, predicate, column, found, led[0], name)


def _named(query: Query, predicate: Predicate) -> str | None:
    """The collation that a comparison of a column, which nothing else stands around, names."""
    is_asked = predicate.is_conjunct and not predicate.is_negated and predicate.place in ("where", "on")
    text = query.cut(predicate.span)
    named = NAMED.search(text) if is_asked and predicate.operator in COMPARED else None
    is_bare = not predicate.is_wrapped or (predicate.wrap == "other" and "(" not in predicate.key)
    if named is None or not is_bare or predicate.value.kind not in ("constant", "parameter", "list"):
        return None
    return named["quoted"] or named["bare"].lower()


def _leads(index: Index, column: ColumnUse) -> bool:
    first = index.keys[0] if index.keys else None
    return first is not None and (first.column or first.text.split(" ")[0].strip('"')) == column.column


def _in_text(index: Index) -> str | None:
    """The collation that is part of the key's own text."""
    named = NAMED.search(index.keys[0].text)
    return (named["quoted"] or named["bare"].lower()) if named else None


def _finding(
    query: Query, facts: Facts, predicate: Predicate, column: ColumnUse, found: Table, index: Index, name: str
) -> Finding:
    seen, severity, number = whole_read(facts, query, column)
    text = f'{quoted(column.column)} COLLATE "{name}"'
    key = WantedKey(text=text, key=text, label=f"{column.column}_{re.sub(r'[^a-z0-9]+', '_', name.lower())}",
                    column=column.column)  # fmt: skip
    wanted = WantedIndex(table=found.qualified, keys=(key,), equalities=1)
    remedy = create_index(facts, wanted, why="Or leave COLLATE out of the comparison.")
    return Finding(
        where=Where(statement=query.statement, table=found.qualified, column=column.column),
        message=f'index {index.name} is not in the collation "{name}" that `{column.column}` is compared in',
        evidence=(*seen, Evidence(rung=Rung.INFERRED, text="an index serves comparisons in its own collation only")),
        remedy=remedy if remedy.sql else Remedy(text="Leave COLLATE out of the comparison."),
        wrong_if="other conditions always leave few rows",
        severity=severity,
        node=number,
        cause=wanted.cause,
        spans=(predicate.span,) if predicate.span else (),
    )
