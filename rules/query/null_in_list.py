"""A NULL in the list of an IN finds nothing: no value equals NULL.

## What it finds
`x IN ('a', NULL)` and `x = ANY (ARRAY['a', NULL])` with the NULL written in the text.

## Why it matters
`x = NULL` is unknown for every row, also for those where `x` is NULL: the NULL in the list adds no row. Whoever wrote
it most likely wanted the rows without a value as well, and does not get them.

## What to do
Take it out, or write `(x IN ('a') OR x IS NULL)`.

## When to leave it
Never; it says nothing. (NOT IN with a NULL is worse, and found by not-in-subquery.)

## Source
https://www.postgresql.org/docs/current/functions-comparisons.html#FUNCTIONS-COMPARISONS-IN-SCALAR
"""

from collections.abc import Iterator

from pgadvisor.rule import Evidence, Example, Facts, Finding, Query, Remedy, Rung, Severity, Where, query_rule, table

USERS = table("users", columns={"name": "text"})
BAD = [
    Example(sql="SELECT id FROM users WHERE name IN ('a', NULL)", tables=(USERS,)),
    Example(sql="SELECT id FROM users u WHERE u.name = ANY (ARRAY['a', NULL])", tables=(USERS,)),
]
GOOD = [
    Example(note="A string.", sql="SELECT id FROM users WHERE name IN ('a', 'NULL')", tables=(USERS,)),
    Example(note="Both are asked for.", sql="SELECT id FROM users WHERE name IN ('a') OR name IS NULL",
            tables=(USERS,)),
    Example(note="NOT IN is another fault.", sql="SELECT id FROM users WHERE name NOT IN ('a', NULL)", tables=(USERS,)),
]  # fmt: skip


@query_rule(severity=Severity.WARNING, since="0.2")
def check(query: Query, facts: Facts) -> Iterator[Finding]:
    for predicate in query.predicates():
        is_list = predicate.operator in ("IN", "= ANY") and not predicate.is_negated
        if not is_list or all(item.kind != "null" for item in predicate.value.items):
            continue
        column = predicate.column
        yield Finding(
            where=Where(
                statement=query.statement,
                table=column.table if column else None,
                column=column.column if column else None,
            ),
            message=f"the NULL in the list that `{predicate.source}` is compared with finds no row",
            evidence=(Evidence(rung=Rung.INFERRED, text="a comparison with NULL is unknown, and unknown is not true"),),
            remedy=Remedy(text=f"Take it out, or ask for `{predicate.source} IS NULL` as well."),
            wrong_if="rows without a value are not wanted; then it is only of no use",
            severity=Severity.WARNING,
            spans=(predicate.span,) if predicate.span else (),
        )
