"""A comparison with NULL is never true.

## What it finds
`= NULL`, `<> NULL` and the other comparison operators with a NULL written in the text, in a condition or a CASE.

## Why it matters
NULL stands for "not known": whether something equals it is not known either, so the condition holds for no row, be the
column NULL or not. The query returns nothing, without an error.

## What to do
Write IS NULL or IS NOT NULL; IS NOT DISTINCT FROM where the other side may be NULL.

## When to leave it
The setting transform_null_equals is on; it turns `= NULL` into IS NULL.

## Source
https://www.postgresql.org/docs/current/functions-comparison.html
"""

from collections.abc import Iterator

from pgadvisor.rule import Evidence, Example, Facts, Finding, Query, Remedy, Rung, Severity, Where, query_rule, table

COMPARISONS = {"=": "IS NULL", "<>": "IS NOT NULL", "!=": "IS NOT NULL", "<": None, "<=": None, ">": None, ">=": None}

USERS = table("users", columns={"name": "text"})
BAD = [
    Example(
        sql="SELECT id FROM users WHERE name = NULL",
        tables=(USERS,),
        remedy="SELECT id FROM users WHERE name IS NULL",
    ),
    Example(
        sql="SELECT id FROM users u WHERE u.id > 5 AND u.name <> NULL",
        tables=(USERS,),
        remedy="SELECT id FROM users u WHERE u.id > 5 AND u.name IS NOT NULL",
    ),
    Example(sql="DELETE FROM users WHERE NULL = name", tables=(USERS,)),
    Example(sql="SELECT CASE WHEN name = NULL THEN 'none' ELSE name END FROM users WHERE id = 5", tables=(USERS,)),
    Example(sql="SELECT id FROM users WHERE id < NULL", tables=(USERS,)),
    Example(sql="SELECT a.id FROM users a JOIN users b ON b.id = a.id AND b.name = NULL", tables=(USERS,)),
]
GOOD = [
    Example(note="The test for NULL.", sql="SELECT id FROM users WHERE name IS NULL", tables=(USERS,)),
    Example(
        note="NULL is a value like others here.",
        sql="SELECT id FROM users WHERE name IS NOT DISTINCT FROM NULL",
        tables=(USERS,),
    ),
    Example(note="An assignment.", sql="UPDATE users SET name = NULL WHERE id = $1", tables=(USERS,)),
    Example(note="A string.", sql="SELECT id FROM users WHERE name = 'NULL'", tables=(USERS,)),
    Example(note="A parameter.", sql="SELECT id FROM users WHERE name = $1", tables=(USERS,)),
    Example(
        note="The server is set to read it as IS NULL.",
        sql="SELECT id FROM users WHERE name = NULL",
        tables=(USERS,),
        settings={"transform_null_equals": "on"},
    ),
]


@query_rule(severity=Severity.ERROR, since="0.1", aliases=("equals-null",))
def check(query: Query, facts: Facts) -> Iterator[Finding]:
    for predicate in query.predicates():
        is_null = predicate.value.kind == "null" and predicate.operator in COMPARISONS
        is_turned = predicate.operator == "=" and facts.setting("transform_null_equals") == "on"
        if not is_null or is_turned:
            continue
        meant = COMPARISONS[predicate.operator]
        column = predicate.column
        sql = None
        if meant and predicate.span and not predicate.is_negated:
            sql = query.spliced((predicate.span, f"{predicate.source} {meant}"))
        yield Finding(
            where=Where(
                statement=query.statement,
                table=column.table if column else None,
                column=column.column if column else None,
            ),
            message=f"`{predicate.source} {predicate.operator} NULL` is true for no row",
            evidence=(Evidence(rung=Rung.INFERRED, text="a comparison with NULL is unknown, and unknown is not true"),),
            remedy=Remedy(text=f"Write {meant or 'IS NULL or IS NOT NULL'}.", sql=sql),
            wrong_if="the query is meant to return nothing",
            severity=Severity.ERROR,
            spans=(predicate.span,) if predicate.span else (),
        )
