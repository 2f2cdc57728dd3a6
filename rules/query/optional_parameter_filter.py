"""A condition that a parameter may switch off: no single plan fits both.

## What it finds
`($1 IS NULL OR col = $1)` and `col = COALESCE($1, col)`, on a table that no other condition looks up by an index.

## Why it matters
A prepared statement gets one plan for all values after its fifth run. That plan has to be right for a NULL as well,
when all rows are wanted, and so it cannot use an index on the column: it reads the whole table for a value, too.
`COALESCE($1, col)` cannot use the index at all, and leaves out the rows where the column is NULL.

## What to do
Build the statement from the conditions that are asked for, or send one statement for each case. Where that cannot be,
`SET plan_cache_mode = force_custom_plan` plans each call for its values.

## When to leave it
The driver never prepares the statement, or the table stays small.

## Source
https://www.postgresql.org/docs/current/sql-prepare.html#SQL-PREPARE-NOTES
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
    Scope,
    Severity,
    Where,
    disjunctions,
    is_looked_up,
    query_rule,
    table,
)

PARAMETER = re.compile(r"(\$\d+)(?:::[\w ]+(?:\[\])?)?\Z")
SHAPE = re.compile(r"\s*coalesce\s*\(\s*(?:cast\s*\(\s*)?\$\d+", re.I)

USERS = table("users", columns={"name": "text", "status": "text"}, indexes={"users_name": "name"})
BAD = [
    Example(sql="SELECT id FROM users WHERE ($1::text IS NULL OR name = $1)", tables=(USERS,)),
    Example(sql="SELECT id FROM users u WHERE u.status = 'on' AND (u.name = $1 OR $1 IS NULL)", tables=(USERS,)),
    Example(sql="SELECT id FROM users WHERE name = COALESCE($1, name)", tables=(USERS,)),
]
GOOD = [
    Example(note="NULL is looked for in the column.", sql="SELECT id FROM users WHERE name IS NULL OR name = $1",
            tables=(USERS,)),
    Example(note="Another condition finds the rows.",
            sql="SELECT id FROM users WHERE name = $2 AND ($1::text IS NULL OR status = $1)", tables=(USERS,)),
    Example(note="A value for want of one.", sql="SELECT id FROM users WHERE name = COALESCE($1, 'none')",
            tables=(USERS,)),
    Example(note="An assignment.", sql="UPDATE users SET name = COALESCE($1, name) WHERE id = $2", tables=(USERS,)),
    Example(note="A lookup table.", sql="SELECT id FROM kind WHERE ($1::text IS NULL OR name = $1)",
            tables=(table("kind", rows=12, columns={"name": "text"}),)),
]  # fmt: skip


@query_rule(severity=Severity.WARNING, since="0.2", aliases=("optional-param-or",))
def check(query: Query, facts: Facts) -> Iterator[Finding]:
    if query.is_truncated:
        return
    for scope in query.scopes:
        found = [each for each in _optional(scope) if _is_searched(query, facts, each)]
        if found:
            yield _finding(query, facts, found)


def _optional(scope: Scope) -> Iterator[Predicate]:
    """The comparisons that a NULL for their parameter switches off."""
    for arms in disjunctions(scope):
        switches = {each.key.split("::")[0] for arm in arms for each in arm if _is_switch(each)}
        for arm in arms:
            yield from (
                each
                for each in arm
                if each.column
                and not each.is_negated
                and (own := PARAMETER.match(each.value.text))
                and own[1] in switches
            )
    for each in scope.predicates:
        is_own = each.column is not None and each.value.columns == (each.column,)
        if each.operator == "=" and is_own and each.is_conjunct and SHAPE.match(each.value.text):
            yield each


def _is_switch(predicate: Predicate) -> bool:
    return predicate.operator == "IS NULL" and not predicate.is_negated and bool(PARAMETER.match(predicate.key))


def _is_searched(query: Query, facts: Facts, predicate: Predicate) -> bool:
    column = predicate.column
    assert column is not None
    is_own = column.scope == predicate.scope and predicate.place in ("where", "on")
    is_known = facts.table(column.table) is not None or not facts.has_catalog
    is_worth = is_known and not facts.is_tiny(column.table)
    return is_own and is_worth and not is_looked_up(facts, query, column, but=predicate)


def _finding(query: Query, facts: Facts, found: list[Predicate]) -> Finding:
    first = found[0].column
    assert first is not None
    planned = facts.plan(query.statement)
    generic = planned.generic if planned else None
    whole = [
        each
        for each in (generic.root.walk() if generic else ())
        if each.node_type == "Seq Scan" and each.alias == first.alias
    ]
    evidence = [Evidence(rung=Rung.INFERRED, text="a plan for all values must hold for a NULL as well")]
    indexed = [
        each.column.column for each in found if each.column and facts.indexes_led_by(first.table, each.column.column)
    ]
    if whole:
        evidence.insert(0, Evidence(rung=Rung.ESTIMATED, text=f"the plan for any values reads all of {first.table}"))
    names = "`, `".join(dict.fromkeys(each.column.column for each in found if each.column))
    return Finding(
        where=Where(statement=query.statement, table=first.table, column=first.column),
        message=f"a NULL parameter switches the condition on `{names}` off, so that one plan has to read everything",
        evidence=tuple(evidence),
        remedy=Remedy(
            text="Leave a condition out when its parameter is not given, or send a statement for each case; "
            "else `SET plan_cache_mode = force_custom_plan`."
        ),
        wrong_if="the statement is never prepared, so that each call is planned for its values",
        severity=Severity.WARNING if whole and indexed else Severity.INFO,
        spans=tuple(each.span for each in found if each.span),
    )
