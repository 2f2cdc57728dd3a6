"""Columns are of type `json`, which has no equality and is parsed anew at each access.

## What it finds
Columns of type `json`, all of the database in one finding. Worse where the workload looks into one of them.

## Why it matters
`json` is text: `data -> 'key'` parses the whole document for every row, no GIN index serves it, and DISTINCT, UNION or
GROUP BY over it fail with an error. `jsonb` is parsed once, when it is written.

## What to do
Use `jsonb`.

## When to leave it
The document has to stay as it came: its white space, its order of keys, its doubled keys. Or it is only ever written
and handed out whole.

## Source
https://www.postgresql.org/docs/current/datatype-json.html
"""

from collections.abc import Iterator

from pgadvisor.rule import (
    Evidence,
    Example,
    Facts,
    Finding,
    Place,
    Rung,
    Severity,
    Table,
    Where,
    counted,
    listed,
    places,
    retyped,
    schema_rule,
    table,
)

EVENT = table("event", columns={"payload": "json"})
BAD = [
    Example(
        tables=(EVENT, table("log", columns={"body": "json"})),
        remedy="ALTER TABLE public.event ALTER COLUMN payload TYPE jsonb;\n"
        "ALTER TABLE public.log ALTER COLUMN body TYPE jsonb;",
    ),
]
GOOD = [
    Example(note="It is jsonb.", tables=(table("event", columns={"payload": "jsonb"}),)),
]


@schema_rule(severity=Severity.WARNING, since="0.2")
def check(table: Table, facts: Facts) -> Iterator[Finding]:
    found = facts.once(_found)
    if not found or found[0].table is not table:
        return
    read = [each for each in found if (each.table.qualified, each.column.name) in facts.once(_opened)]
    is_slow = any(not facts.is_small(each.table.qualified) for each in read)
    pieces = [Evidence(rung=Rung.INFERRED, text="the type is json, not jsonb")]
    if read:
        text = f"statements look into {listed(each.label for each in read)}, and parse each document anew"
        pieces.append(Evidence(rung=Rung.INFERRED, text=text))
    yield Finding(
        where=Where(table=table.qualified, column=found[0].column.name),
        message=f"{counted(len(found), 'column')} of type json: {listed(_first(read, found))}",
        evidence=tuple(pieces),
        remedy=retyped(found, "jsonb", why="Use jsonb. The order of keys and white space are not kept."),
        wrong_if="documents have to stay letter by letter as they came",
        severity=Severity.WARNING if is_slow else Severity.INFO,
        cause="columns of type json",
    )


def _first(read: list[Place], found: tuple[Place, ...]) -> list[str]:
    """The names, those first that statements look into."""
    return list(dict.fromkeys(each.label for each in (*read, *found)))


def _found(facts: Facts) -> tuple[Place, ...]:
    return places(facts, lambda _, column: column.type == "json")


def _opened(facts: Facts) -> frozenset[tuple[str, str]]:
    """Columns into which a predicate of the workload looks: `payload ->> 'kind' = $1`."""
    return frozenset(
        (predicate.column.table, predicate.column.column)
        for query in facts.queries.values()
        for predicate in query.predicates()
        if predicate.column and predicate.column.table and predicate.wrap in ("json", "cast", "function")
    )
