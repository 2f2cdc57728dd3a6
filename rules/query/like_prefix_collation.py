"""A prefix search whose index is sorted by a language's rules, and cannot be used for it.

## What it finds
`col LIKE 'abc%'` where the plan reads the whole table although an index leads with the column, because the column's
collation is not C and the index has no pattern operator class.

## Why it matters
In a language's order the strings that begin with `abc` need not stand together, so PostgreSQL does not use such an
index for LIKE. Only an index in byte order will do: of collation C, or with `text_pattern_ops`.

## What to do
Create a second index with `text_pattern_ops` (`varchar_pattern_ops`). The first one stays for `<`, `>` and ORDER BY.

## When to leave it
The search is rare, or the table small.

## Source
https://www.postgresql.org/docs/current/indexes-opclass.html
"""

from collections.abc import Iterator

from pgadvisor.rule import (
    MANY,
    ColumnUse,
    Evidence,
    Example,
    Facts,
    Finding,
    Index,
    Predicate,
    Query,
    Rung,
    Severity,
    Table,
    WantedIndex,
    Where,
    create_index,
    index_for,
    is_narrowed,
    kept_share,
    node,
    query_rule,
    searched_table,
    serving,
    table,
    whole_read,
)

USERS = table("users", columns={"name": "text", "code": "text", "note": "text"},
              indexes={"users_name": "name", "users_code": "code text_pattern_ops"})  # fmt: skip
WHOLE = node("Seq Scan", table="users", alias="users", rows=100, cost=26_000.0, filter="(name ~~ 'abc%'::text)")
BAD = [
    Example(
        sql="SELECT id FROM users WHERE name LIKE 'abc%'",
        tables=(USERS,),
        plan=WHOLE,
        remedy="ON public.users (name text_pattern_ops);",
    ),
]
GOOD = [
    Example(note="The plan uses the index: the collation is C.", sql="SELECT id FROM users WHERE name LIKE 'abc%'",
            tables=(USERS,), plan=node("Index Scan", table="users", alias="users", index="users_name", cost=8.0)),
    Example(note="The index is in byte order.", sql="SELECT id FROM users WHERE code LIKE 'abc%'", tables=(USERS,),
            plan=WHOLE),
    Example(note="No index is on the column: that would be missing first.",
            sql="SELECT id FROM users WHERE note LIKE 'abc%'", tables=(USERS,), plan=WHOLE),
    Example(note="Without a plan nobody knows the collation.", sql="SELECT id FROM users WHERE name LIKE 'abc%'",
            tables=(USERS,)),
]  # fmt: skip


@query_rule(severity=Severity.ERROR, since="0.2")
def check(query: Query, facts: Facts) -> Iterator[Finding]:
    planned = facts.plan(query.statement)
    if query.is_truncated or planned is None:
        return
    for predicate in query.predicates():
        found = searched_table(facts, predicate.column)
        if found is None or predicate.column is None or predicate.operator != "LIKE" or not predicate.is_conjunct:
            continue
        wanted = index_for(predicate, found)
        led = [each for each in facts.indexes_led_by(found.qualified, predicate.key) if _is_linguistic(each)]
        if wanted is None or wanted.method != "btree" or not led or serving(facts, predicate, wanted):
            continue
        is_rare = kept_share(facts, planned, predicate.column) < MANY
        if is_rare and not is_narrowed(facts, query, predicate.column):
            yield _finding(query, facts, predicate, predicate.column, found, led[0], wanted)


def _is_linguistic(index: Index) -> bool:
    """Whether it is a whole B-tree that may be sorted by a language's rules."""
    first = index.keys[0]
    is_bytes = first.collation in ("C", "POSIX") or (first.operator_class or "").endswith("pattern_ops")
    return index.method == "btree" and not index.predicate and not is_bytes


def _finding(
    query: Query,
    facts: Facts,
    predicate: Predicate,
    column: ColumnUse,
    found: Table,
    there: Index,
    wanted: WantedIndex,
) -> Finding:
    seen, severity, number = whole_read(facts, query, column)
    return Finding(
        where=Where(statement=query.statement, table=found.qualified, column=column.column),
        message=f"index {there.name} is sorted by a language's rules and cannot serve `{predicate.source} LIKE 'x%'`",
        evidence=(
            *seen,
            Evidence(rung=Rung.INFERRED, text=f"{there.name} leads with `{predicate.key}` and is not used"),
        ),
        remedy=create_index(facts, wanted, why=f"{there.name} stays for comparisons and sorting."),
        wrong_if="the search is rare, or finds most rows",
        severity=severity,
        node=number,
        cause=wanted.cause,
        spans=(predicate.span,) if predicate.span else (),
    )
