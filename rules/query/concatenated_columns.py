"""Columns are put together to be compared: no index of any of them can serve.

## What it finds
`first_name || ' ' || last_name = 'Ann Lee'` and `concat(a, ':', b) IN (…)` over several columns of a table of size,
with no index on that expression.

## Why it matters
The string is made for every row and then compared. And it can mislead: `a || b` is NULL when one part is NULL, and
`'ab' || 'c'` equals `'a' || 'bc'`.

## What to do
Compare the columns one by one, or as a row: `(first_name, last_name) = ('Ann', 'Lee')`. Where the whole is what is
known, keep it in a generated column with an index.

## When to leave it
Other conditions leave few rows.

## Source
https://www.postgresql.org/docs/current/functions-string.html
"""

import re
from collections.abc import Iterator

from pgadvisor.rule import (
    Evidence,
    Example,
    Facts,
    Finding,
    Predicate,
    Query,
    Remedy,
    Rung,
    Severity,
    Where,
    is_narrowed,
    query_rule,
    quoted,
    searched_table,
    table,
    whole_read,
)

GLUED = re.compile(r"\|\||\bconcat(?:_ws)?\(")

USERS = table("users", columns={"first": "text", "last": "text", "a": "text", "b": "text"},
              indexes={"users_ab": "((a || '-'::text) || b)", "users_last": "last"})  # fmt: skip
BAD = [
    Example(sql="SELECT id FROM users WHERE first || ' ' || last = 'Ann Lee'", tables=(USERS,)),
    Example(sql="SELECT id FROM users u WHERE concat(u.first, ' ', u.last) IN ($1, $2)", tables=(USERS,)),
]
GOOD = [
    Example(note="One by one.", sql="SELECT id FROM users WHERE first = 'Ann' AND last = 'Lee'", tables=(USERS,)),
    Example(note="An index is on it.", sql="SELECT id FROM users WHERE a || '-' || b = 'x-y'", tables=(USERS,)),
    Example(note="In the select list.", sql="SELECT first || ' ' || last FROM users WHERE id = 4", tables=(USERS,)),
    Example(note="One row by its key.", sql="SELECT id FROM users WHERE id = 4 AND first || last = 'AnnLee'",
            tables=(USERS,)),
    Example(note="An index finds the name first.", tables=(USERS,),
            sql="SELECT id FROM users WHERE last = 'Lee' AND first || ' ' || last = 'Ann Lee'"),
]  # fmt: skip


@query_rule(severity=Severity.ERROR, since="0.2", aliases=("string-concat-filter",))
def check(query: Query, facts: Facts) -> Iterator[Finding]:
    if query.is_truncated:
        return
    for predicate in query.predicates():
        names = {(each.alias, each.scope) for each in predicate.columns}
        if len(predicate.columns) < 2 or len(names) != 1 or not _is_glued(predicate):
            continue
        column = predicate.columns[0]
        found = searched_table(facts, column)
        if found is None or facts.indexes_led_by(found.qualified, predicate.key):
            continue
        if not is_narrowed(facts, query, column, but=predicate):
            yield _finding(query, facts, predicate)


def _is_glued(predicate: Predicate) -> bool:
    """Whether a string made of several columns is looked up."""
    is_asked = predicate.is_conjunct and not predicate.is_negated and predicate.place in ("where", "on")
    is_value = predicate.operator in ("=", "IN", "= ANY") and not (predicate.value.columns or predicate.value.column)
    return is_asked and is_value and predicate.value.kind != "subquery" and bool(GLUED.search(predicate.key))


def _finding(query: Query, facts: Facts, predicate: Predicate) -> Finding:
    column = predicate.columns[0]
    seen, severity, number = whole_read(facts, query, column)
    names = ", ".join(quoted(each.column) for each in predicate.columns)
    values = ", ".join("…" for _ in predicate.columns)
    return Finding(
        where=Where(statement=query.statement, table=column.table, column=column.column),
        message=f"`{predicate.key}` is made for every row: no index on its columns serves the comparison",
        evidence=(*seen, Evidence(rung=Rung.INFERRED, text="no index is on that expression")),
        remedy=Remedy(text=f"Compare the columns, `({names}) = ({values})`, or index a generated column of the whole."),
        wrong_if="other conditions always leave few rows",
        severity=severity,
        node=number,
        spans=(predicate.span,) if predicate.span else (),
    )
