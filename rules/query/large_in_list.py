"""A long list of values is written into the statement itself.

## What it finds
`IN (…)`, `NOT IN (…)`, `= ANY (ARRAY[…])`, or `a = 1 OR a = 2 OR …`, with 100 values or more in the text.

## Why it matters
Every value is parsed, and planned for, in each call; the text itself is sent and, for its length, never the same
twice, so that prepared statements and pg_stat_statements cannot recognise it. NOT IN with a list tries the values for
each row.

## What to do
Pass the values as one array parameter: `= ANY ($1)`, for NOT IN `<> ALL ($1)`. Very many of them go into a temporary
table, or are joined with `unnest($1)`.

## When to leave it
A statement that runs once, such as a script for a repair.

## Source
https://www.postgresql.org/docs/current/functions-comparisons.html#FUNCTIONS-COMPARISONS-ANY-SOME
"""

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
    disjunctions,
    query_rule,
)

LONG = 100
"""From here on the list, not the rest of the statement, takes the time of parsing and planning."""
LISTS = {("IN", False): "= ANY", ("IN", True): "<> ALL", ("= ANY", False): "= ANY", ("<> ALL", False): "<> ALL"}

VALUES = ", ".join(str(number) for number in range(1, 151))
BAD = [
    Example(sql=f"SELECT name FROM users WHERE id IN ({VALUES})"),
    Example(sql=f"DELETE FROM users u WHERE u.id NOT IN ({VALUES})"),
    Example(sql=f"SELECT name FROM users WHERE id = ANY (ARRAY[{VALUES}])"),
    Example(sql=f"SELECT name FROM users WHERE id = {VALUES.replace(', ', ' OR id = ')}"),
]
GOOD = [
    Example(note="A handful of values.", sql="SELECT name FROM users WHERE id IN (1, 2, 3, 4, 5)"),
    Example(note="One parameter for all.", sql="SELECT name FROM users WHERE id = ANY ($1)"),
    Example(
        note="One literal for all.",
        sql=f"SELECT name FROM users WHERE id = ANY ('{{{VALUES.replace(' ', '')}}}'::bigint[])",
    ),
    Example(note="A subquery.", sql="SELECT name FROM users WHERE id IN (SELECT user_id FROM agents)"),
]


@query_rule(severity=Severity.ERROR, since="0.2", aliases=("long-in-list",))
def check(query: Query, facts: Facts) -> Iterator[Finding]:
    for predicate in query.predicates():
        array = LISTS.get((predicate.operator, predicate.is_negated))
        count = predicate.value.count or 0
        if array and predicate.value.kind == "list" and count >= LONG:
            yield _finding(query, facts, predicate, array, count)
    for scope in query.scopes:
        for arms in disjunctions(scope):
            tests = [arm[0] for arm in arms if len(arm) == 1 and arm[0].operator == "=" and not arm[0].is_negated]
            if len(tests) == len(arms) >= LONG and len({(each.column, each.key) for each in tests}) == 1:
                yield _finding(query, facts, tests[0], "= ANY", len(tests))


def _finding(query: Query, facts: Facts, predicate: Predicate, array: str, count: int) -> Finding:
    column = predicate.column
    table = facts.table(column.table) if column else None
    found = table.column(column.column) if table and column else None
    cast = f"::{found.type.split('(')[0]}[]" if found and not predicate.is_wrapped else ""
    return Finding(
        where=Where(
            statement=query.statement,
            table=column.table if column else None,
            column=column.column if column else None,
        ),
        message=f"{count:,} values are written into the list of `{predicate.source}`",
        evidence=(Evidence(rung=Rung.INFERRED, text=f"the list has {count:,} items, of which each is parsed"),),
        remedy=Remedy(text=f"Pass them as one array parameter: `{predicate.source} {array} ($1{cast})`."),
        wrong_if="the statement runs once",
        severity=Severity.INFO,
        spans=(predicate.span,) if predicate.span else (),
    )
