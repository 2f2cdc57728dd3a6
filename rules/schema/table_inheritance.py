"""Tables inherit from each other, which no key, no foreign key and no unique index sees.

## What it finds
Tables with INHERITS, all of the database in one finding; not those of extensions that build on inheritance.

## Why it matters
A unique index of the parent does not hold for its children, a foreign key to the parent does not find rows of a child,
and every query of the parent reads all children unless it says ONLY.

## What to do
For pieces of one table use declarative partitioning. For kinds of a thing use a table each with a foreign key to what
they share.

## When to leave it
The tables are old, work, and nobody relies on a key of the parent.

## Source
https://wiki.postgresql.org/wiki/Don%27t_Do_This#Don.27t_use_table_inheritance
"""

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
    is_own,
    listed,
    schema_rule,
    table,
)

BUILT_ON_IT = ("timescaledb", "citus")
BAD = [
    Example(tables=(table("city"), table("capital", inherits=("public.city",)))),
]
GOOD = [
    Example(
        note="Partitions are told by the planner, and share keys.",
        tables=(table("event", primary_key=None, partition_key="RANGE (at)", columns={"at": "date"}),
                table("event_2026", primary_key=None, partition_of="event", columns={"at": "date"})),
    ),
    Example(
        note="An extension keeps them.",
        tables=(table("reading"), table("reading_1", inherits=("public.reading",))),
        extensions=("timescaledb",),
    ),
]  # fmt: skip


@schema_rule(severity=Severity.INFO, since="0.2")
def check(table: Table, facts: Facts) -> Iterator[Finding]:
    found = facts.once(_found)
    if not found or found[0] is not table:
        return
    parents = dict.fromkeys(parent.removeprefix("public.") for each in found for parent in each.inherits)
    yield Finding(
        where=Where(table=table.qualified),
        message=f"{counted(len(found), 'table')} with INHERITS: {listed(each.label for each in found)}",
        evidence=(Evidence(rung=Rung.INFERRED, text=f"they inherit from {listed(parents)}"),),
        remedy=Remedy(text="Partition the parent if they are pieces of it; else share a table by a foreign key."),
        wrong_if="nobody relies on keys of the parent, and the children are few",
        severity=Severity.INFO,
        cause="table inheritance",
    )


def _found(facts: Facts) -> tuple[Table, ...]:
    if any(facts.has_extension(each) for each in BUILT_ON_IT):
        return ()
    return tuple(each for each in facts.tables if each.inherits and is_own(each))
