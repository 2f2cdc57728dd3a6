"""Amounts of money are kept as floating point numbers, which cannot hold a cent exactly.

## What it finds
Columns of type `real` or `double precision` whose name speaks of money: price, amount, cost, fee, salary, balance,
tax, discount. All of the database in one finding.

## Why it matters
0.1 has no exact binary form. Sums of many amounts drift by cents, comparisons with `=` fail, and the order in which
rows are added changes the result.

## What to do
Use `numeric(12, 2)`, or whole cents as `bigint`.

## When to leave it
The number is an estimate or a price on a market whose exact digits nobody books.

## Source
https://www.postgresql.org/docs/current/datatype-numeric.html#DATATYPE-FLOAT
"""

import re
from collections.abc import Iterator

from pgadvisor.rule import (
    Column,
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

_MONEY = re.compile(r"(^|_)(price|amount|cost|fee|salary|wage|balance|tax|vat|discount|revenue|refund|payment)s?\Z")
_OF_MONEY = re.compile(r"(^|_)(price|amount|cost|fee|salary|balance|revenue)_(net|gross|total|usd|eur|gbp)\Z")
BAD = [
    Example(
        tables=(table("invoice", columns={"amount": "double precision", "unit_price": "real"}),),
        remedy="ALTER TABLE public.invoice ALTER COLUMN amount TYPE numeric, ALTER COLUMN unit_price TYPE numeric;",
    ),
]
GOOD = [
    Example(
        note="A measured value is what floating point is for.",
        tables=(table("reading", columns={"temperature": "double precision", "cost_factor": "real"}),),
    ),
    Example(note="It is numeric.", tables=(table("invoice", columns={"amount": "numeric(12,2)"}),)),
]


@schema_rule(severity=Severity.INFO, since="0.2")
def check(table: Table, facts: Facts) -> Iterator[Finding]:
    found = facts.once(_found)
    if not found or found[0].table is not table:
        return
    free = [each for each in found if not is_in_key(each, facts) and not each.column.is_generated]
    yield Finding(
        where=Where(table=table.qualified, column=found[0].column.name),
        message=f"money kept as floating point in {counted(len(found), 'column')}: "
        f"{listed(each.label for each in found)}",
        evidence=(Evidence(rung=Rung.INFERRED, text="the names and types of the columns"),),
        remedy=retyped(free, "numeric", why="Use numeric: it keeps every digit."),
        wrong_if="the numbers are estimates, or no money",
        severity=Severity.INFO,
        cause="money as floating point",
    )


def _found(facts: Facts) -> tuple[Place, ...]:
    return places(facts, _is_money)


def _is_money(_: Table, column: Column) -> bool:
    name = column.name.lower()
    is_float = column.type in ("real", "double precision")
    return is_float and bool(_MONEY.search(name) or _OF_MONEY.search(name))
