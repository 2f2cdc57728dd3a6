"""Names are exactly as long as PostgreSQL lets them be: they were probably cut.

## What it finds
Tables, columns, indexes and constraints whose names take all 63 bytes, and that PostgreSQL did not make up itself. All
of the database in one finding.

## Why it matters
A longer name is cut without an error. A second one with the same beginning then fails or, with IF NOT EXISTS, is
silently not made; programs that compare names do not find theirs.

## What to do
Give them names that fit.

## When to leave it
It happens to have 63 letters.

## Source
https://www.postgresql.org/docs/current/sql-syntax-lexical.html#SQL-SYNTAX-IDENTIFIERS
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

NAME_BYTES = 63
_MADE_UP = re.compile(r"_(idx|key|pkey|fkey|excl|check|not_null|seq|stat)\d*\Z")
"""What PostgreSQL cuts by itself so that the ending stays."""
_LONG = "a_name_that_says_everything_there_is_to_say_about_the_rows_in_it"[:63]
BAD = [
    Example(tables=(table(_LONG, primary_key=None, columns={"at": "date"}),)),
]
GOOD = [
    Example(
        note="PostgreSQL made it up, and kept its ending.",
        tables=(table("orders", indexes={f"{_LONG[:59]}_idx": "customer_id"}),),
    ),
    Example(note="It fits.", tables=(table(_LONG[:62], primary_key=None, columns={"at": "date"}),)),
]


@schema_rule(severity=Severity.INFO, since="0.2")
def check(table: Table, facts: Facts) -> Iterator[Finding]:
    found = facts.once(_found)
    if not found or found[0][0] is not table:
        return
    yield Finding(
        where=Where(table=table.qualified),
        message=f"{counted(len(found), 'name')} of the greatest length, probably cut: "
        f"{listed(name for _, name in found)}",
        evidence=(Evidence(rung=Rung.INFERRED, text=f"PostgreSQL keeps {NAME_BYTES} bytes of a name"),),
        remedy=Remedy(text="Give them names that fit, here and where they were written longer."),
        wrong_if="the name happens to be that long",
        severity=Severity.INFO,
        cause="names cut",
    )


def _found(facts: Facts) -> tuple[tuple[Table, str], ...]:
    return tuple(
        (each, name)
        for each in own_tables(facts)
        for name in dict.fromkeys(_names(each))
        if len(name.encode()) == NAME_BYTES and not _MADE_UP.search(name)
    )


def _names(table: Table) -> Iterator[str]:
    yield table.name
    for part in (table.columns, table.indexes, table.constraints):
        yield from (each.name for each in part)
