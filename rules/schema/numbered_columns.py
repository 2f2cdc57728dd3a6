"""A table has numbered columns of one kind: a list that wants to be rows.

## What it finds
Three or more columns of a table with the same name but for a number at its end, counted without a gap, and of the same
type: `phone1`, `phone2`, `phone3`. All tables of the database in one finding.

## Why it matters
"Who has this number" must compare every one of them, and no one index serves that. The next value needs a new column,
and nobody knows which of them are free.

## What to do
A table of its own with a row for each value, or an array with a GIN index.

## When to leave it
The number is part of the matter: quarters of a year, lines of an address, dimensions.

## Source
https://www.postgresql.org/docs/current/arrays.html
"""

import re
from collections.abc import Iterator

from pgadvisor.rule import (
    Evidence,
    Example,
    Facts,
    Finding,
    Remedy,
    Rung,
    Severity,
    Table,
    Where,
    counted,
    listed,
    own_tables,
    schema_rule,
    table,
)

LEAST = 3
_NUMBERED = re.compile(r"(.*[^\d_])_?(\d{1,2})\Z")
_MEANT = re.compile(
    r"(^|_)(q|quarter|line|address|addr|street|x|y|z|v|m|p|percentile|day|month|week|year|md|sha|h|dim)\Z"
)
BAD = [
    Example(tables=(table("customer", columns={"phone1": "text", "phone2": "text", "phone3": "text"}),)),
]
GOOD = [
    Example(
        note="Two are a pair.",
        tables=(table("customer", columns={"phone1": "text", "phone2": "text"}),),
    ),
    Example(
        note="Quarters are numbered by the calendar.",
        tables=(table("budget", columns={"q1": "numeric", "q2": "numeric", "q3": "numeric", "q4": "numeric"}),),
    ),
    Example(
        note="They are of different types.",
        tables=(table("form", columns={"field1": "text", "field2": "bigint", "field3": "date"}),),
    ),
]


@schema_rule(severity=Severity.INFO, since="0.2")
def check(table: Table, facts: Facts) -> Iterator[Finding]:
    found = facts.once(_found)
    if not found or found[0][0] is not table:
        return
    told = [f"{each.label}.{stem}1 to {stem}{count}" for each, stem, count in found]
    yield Finding(
        where=Where(table=table.qualified),
        message=f"{counted(len(found), 'list')} kept as numbered columns: {listed(told)}",
        evidence=(Evidence(rung=Rung.INFERRED, text="columns of one type whose names differ by a number alone"),),
        remedy=Remedy(text="Give the values a table of their own with a row for each, or one array column."),
        wrong_if="the numbers mean something of their own, as quarters do",
        severity=Severity.INFO,
        cause="numbered columns",
    )


def _found(facts: Facts) -> tuple[tuple[Table, str, int], ...]:
    return tuple((each, stem, count) for each in own_tables(facts) for stem, count in _lists(each))


def _lists(table: Table) -> Iterator[tuple[str, int]]:
    """Stems of which the table has columns numbered from 1 on, with their number."""
    groups: dict[tuple[str, str], set[int]] = {}
    for column in table.columns:
        match = _NUMBERED.match(column.name)
        if match and not _MEANT.search(match[1].lower()):
            groups.setdefault((match[1], column.type), set()).add(int(match[2]))
    for (stem, _), numbers in groups.items():
        if len(numbers) >= LEAST and numbers == set(range(1, len(numbers) + 1)):
            yield stem, len(numbers)
