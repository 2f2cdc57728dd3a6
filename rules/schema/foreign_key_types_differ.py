"""A foreign key's column has another type than the column it references.

## What it finds
Foreign keys whose column and referenced column are of different types, lengths left out; `text` and `varchar` count as
one. Integers of different widths are one finding for the whole database.

## Why it matters
An `integer` that references a `bigint` cannot hold its later values: inserts fail on the day the numbers have grown.
Between some types (`numeric` and `bigint`) every comparison casts one side, and joins cannot use the index of that
side.

## What to do
Give both the same type.

## When to leave it
Never, but for tables that are about to go.

## Source
https://www.postgresql.org/docs/current/ddl-constraints.html#DDL-CONSTRAINTS-FK
"""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from pgadvisor.rule import (
    Column,
    Constraint,
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
    foreign_key,
    listed,
    quoted,
    quoted_table,
    schema_rule,
    table,
)

_LENGTH = re.compile(r"\s*\([^)]*\)")
_WHOLE = ("smallint", "integer", "bigint")
KEY = foreign_key("user_id", "users")
BAD = [
    Example(
        tables=(table("users"), table("orders", columns={"user_id": "integer"}, constraints=(KEY,))),
        remedy="ALTER TABLE public.orders ALTER COLUMN user_id TYPE bigint;",
    ),
    Example(
        note="The key is made wider, and what else references it.",
        tables=(
            table("users", columns={"id": "integer"}),
            table("orders", columns={"user_id": "bigint"}, constraints=(KEY,)),
            table("visit", columns={"user_id": "integer"}, constraints=(KEY,)),
        ),
        remedy="ALTER TABLE public.users ALTER COLUMN id TYPE bigint;\n"
        "ALTER TABLE public.visit ALTER COLUMN user_id TYPE bigint;",
    ),
    Example(
        note="No index of the one type serves a comparison with the other.",
        tables=(table("users"), table("orders", columns={"user_id": "numeric"}, constraints=(KEY,))),
    ),
]
GOOD = [
    Example(
        note="They are of one type.",
        tables=(table("users"), table("orders", columns={"user_id": "bigint"}, constraints=(KEY,))),
    ),
    Example(
        note="Lengths do not matter, and text is compared with varchar as it is.",
        tables=(
            table("users", columns={"id": "character varying(20)"}),
            table("orders", columns={"user_id": "text"}, constraints=(KEY,)),
        ),
    ),
]


class _Pair(NamedTuple):
    """A column of a foreign key and the one that it references, of different types."""

    table: Table
    own: Column
    parent: Table
    theirs: Column
    constraint: Constraint

    @property
    def is_whole(self) -> bool:
        """Whether both hold whole numbers: no comparison casts, and one ends before the other."""
        return self.own.type in _WHOLE and self.theirs.type in _WHOLE

    @property
    def is_own_wider(self) -> bool:
        return self.is_whole and _WHOLE.index(self.own.type) > _WHOLE.index(self.theirs.type)

    @property
    def label(self) -> str:
        own, theirs = f"{self.table.label}.{self.own.name}", f"{self.parent.label}.{self.theirs.name}"
        return f"{own} ({self.own.type}) to {theirs} ({self.theirs.type})"


@schema_rule(severity=Severity.WARNING, since="0.2")
def check(table: Table, facts: Facts) -> Iterator[Finding]:
    yield from (_cast_finding(each, facts) for each in _pairs(table, facts) if not each.is_whole)
    whole = facts.once(_whole)
    if whole and whole[0].table is table:
        yield _whole_finding(whole, facts)


def _whole(facts: Facts) -> tuple[_Pair, ...]:
    return tuple(pair for table in facts.tables for pair in _pairs(table, facts) if pair.is_whole)


def _pairs(table: Table, facts: Facts) -> Iterator[_Pair]:
    for constraint in () if table.partition_of else table.constraints:
        parent = facts.table(constraint.references) if constraint.kind == "foreign key" else None
        if parent is None:
            continue
        for name, referenced in zip(constraint.columns, constraint.referenced_columns, strict=False):
            own, theirs = table.column(name), parent.column(referenced)
            if own and theirs and _plain(own.type) != _plain(theirs.type):
                yield _Pair(table, own, parent, theirs, constraint)


def _plain(spelled: str) -> str:
    base = _LENGTH.sub("", spelled)
    return "text" if base == "character varying" else base


def _whole_finding(pairs: Sequence[_Pair], facts: Facts) -> Finding:
    """One finding for all whole numbers of different widths: nothing is slow, and one day one of them ends."""
    first = pairs[0]
    return Finding(
        where=Where(table=first.table.qualified, column=first.own.name),
        message=f"{counted(len(pairs), 'foreign key')} with integers of another width than the referenced column: "
        f"{listed(each.label for each in pairs)}",
        evidence=(
            Evidence(rung=Rung.INFERRED, text="the narrower of the two ends first, and then inserts fail"),
            Evidence(rung=Rung.INFERRED, text=f"{first.constraint.name}: {first.constraint.definition}"),
        ),
        remedy=_remedy(pairs, facts),
        wrong_if="the numbers never grow that far",
        severity=Severity.INFO,
        cause="widths of foreign keys",
    )


def _cast_finding(pair: _Pair, facts: Facts) -> Finding:
    table, own, parent, theirs, constraint = pair
    return Finding(
        where=Where(table=table.qualified, column=own.name),
        message=f"{table.label}.{own.name} is {own.type}, and references {parent.label}.{theirs.name}, which is "
        f"{theirs.type}: comparing them casts {_cast_side(own, theirs)}",
        evidence=(Evidence(rung=Rung.INFERRED, text=f"{constraint.name}: {constraint.definition}"),),
        remedy=_remedy([pair], facts),
        wrong_if="one of the tables is about to go",
        severity=Severity.INFO if facts.is_small(table.qualified) else Severity.WARNING,
        cause=f"type of key {table.qualified} {own.name}",
    )


def _cast_side(own: Column, theirs: Column) -> str:
    """The column that is cast: numbers go to numeric or double precision, never back."""
    order = (*_WHOLE, "numeric", "real", "double precision")
    ranks = [order.index(kind) if (kind := _plain(each.type)) in order else len(order) for each in (own, theirs)]
    side = own if ranks[0] < ranks[1] else theirs
    return f"{side.name}, whose index is then of no use"


def _beside(pair: _Pair, facts: Facts) -> Iterator[tuple[Table, Column]]:
    """Other columns that reference the column which is made wider, and would be left behind."""
    for child, constraint in facts.foreign_keys_to(pair.parent.qualified):
        for name, referenced in zip(constraint.columns, constraint.referenced_columns, strict=False):
            column = child.column(name)
            if referenced == pair.theirs.name and column and column.type == pair.theirs.type and not child.partition_of:
                yield child, column


def _remedy(pairs: Sequence[_Pair], facts: Facts) -> Remedy:
    """The wider type for both; of other types that of the referenced column."""
    changes: dict[tuple[str, str], tuple[str, str]] = {}
    for each in pairs:
        table, column = (each.parent, each.theirs) if each.is_own_wider else (each.table, each.own)
        wanted = each.own if each.is_own_wider else each.theirs
        beside = _beside(each, facts) if each.is_own_wider else ()
        for other, its in ((table, column), *beside):
            changes.setdefault((quoted_table(other), quoted(its.name)), (wanted.type, its.type))
    alters = [(f"ALTER TABLE {table} ALTER COLUMN {column} TYPE", kinds) for (table, column), kinds in changes.items()]
    return Remedy(
        text="Give both columns of a pair one type, the wider of two integers, and what else references them.",
        sql="\n".join(f"{alter} {new};" for alter, (new, _) in alters),
        undo="\n".join(f"{alter} {old};" for alter, (_, old) in alters),
        lock="ACCESS EXCLUSIVE on each table while it is rewritten: nobody reads or writes; set lock_timeout",
        cost="writes each table and its indexes again",
    )
