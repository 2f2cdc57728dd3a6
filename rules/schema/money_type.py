"""Columns are of type `money`, whose meaning hangs on a setting of the server.

## What it finds
Columns of type `money`, all of the database in one finding.

## Why it matters
Currency and number of decimals come from `lc_monetary` when a value is read: a dump loaded elsewhere holds other
amounts. No fraction of a cent can be kept, and a division rounds.

## What to do
Use `numeric`, with the currency in a column of its own where there are several.

## When to leave it
The database has one currency, never moves, and nobody calculates with the column.

## Source
https://wiki.postgresql.org/wiki/Don%27t_Do_This#Don.27t_use_money
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
    is_in_key,
    listed,
    places,
    retyped,
    schema_rule,
    table,
)

BAD = [
    Example(
        tables=(table("invoice", columns={"total": "money", "tax": "money"}),),
        remedy="ALTER TABLE public.invoice ALTER COLUMN total TYPE numeric, ALTER COLUMN tax TYPE numeric;",
    ),
]
GOOD = [
    Example(note="Amounts are numeric.", tables=(table("invoice", columns={"total": "numeric(12,2)"}),)),
]


@schema_rule(severity=Severity.INFO, since="0.2")
def check(table: Table, facts: Facts) -> Iterator[Finding]:
    found = facts.once(_found)
    if not found or found[0].table is not table:
        return
    free = [each for each in found if not is_in_key(each, facts)]
    yield Finding(
        where=Where(table=table.qualified, column=found[0].column.name),
        message=f"{counted(len(found), 'column')} of type money: {listed(each.label for each in found)}",
        evidence=(Evidence(rung=Rung.INFERRED, text="lc_monetary decides what a value of type money says"),),
        remedy=retyped(free, "numeric", why="Use numeric. Columns take the value as it is read today."),
        wrong_if="there is one currency, and nobody calculates with the column",
        severity=Severity.INFO,
        cause="columns of type money",
    )


def _found(facts: Facts) -> tuple[Place, ...]:
    return places(facts, lambda _, column: column.type == "money")
