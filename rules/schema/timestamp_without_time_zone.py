"""Columns hold points in time without saying in which time zone.

## What it finds
Columns of type `timestamp without time zone`, all of the database in one finding. Not where the tables are those of
Rails (`ar_internal_metadata`), which writes UTC in every session.

## Why it matters
Such a value is a reading of a clock on some wall. What `now()` stores in it depends on the session's TimeZone; two
sessions with different settings store different values for the same moment, and the hour when clocks go back comes
twice. `timestamp with time zone` takes the same 8 bytes and names the moment itself.

## What to do
Take `timestamp with time zone` for new columns. Change old ones where you know in which zone they were written.

## When to leave it
Every session writes UTC, as many frameworks see to. Or the value is meant to be a wall clock: the opening hour of a
shop.

## Source
https://wiki.postgresql.org/wiki/Don%27t_Do_This#Don.27t_use_timestamp_.28without_time_zone.29
"""

from collections.abc import Iterator

from pgadvisor.rule import (
    Evidence,
    Example,
    Facts,
    Finding,
    Place,
    Remedy,
    Rung,
    Severity,
    Table,
    Where,
    counted,
    listed,
    places,
    quoted,
    quoted_table,
    schema_rule,
    table,
)

OF_RAILS = "ar_internal_metadata"
"""Active Record makes it in each database it looks after, and stores times as UTC unless told otherwise."""
BARE = "timestamp without time zone"
BAD = [
    Example(tables=(table("event", columns={"at": BARE, "until": BARE}), table("visit", columns={"at": BARE}))),
]
GOOD = [
    Example(
        note="They name a moment, or a day.",
        tables=(table("event", columns={"at": "timestamp with time zone", "day": "date"}),),
    ),
    Example(
        note="Rails writes UTC.",
        tables=(table("ar_internal_metadata"), table("event", columns={"at": "timestamp(6) without time zone"})),
    ),
]


@schema_rule(severity=Severity.INFO, since="0.2")
def check(table: Table, facts: Facts) -> Iterator[Finding]:
    found = facts.once(_found)
    if not found or found[0].table is not table or any(each.name == OF_RAILS for each in facts.tables):
        return
    mixed = any(column.type == "timestamp with time zone" for each in facts.tables for column in each.columns)
    first = found[0]
    yield Finding(
        where=Where(table=table.qualified, column=first.column.name),
        message=f"{counted(len(found), 'column')} without a time zone: {listed(each.label for each in found)}",
        evidence=(
            Evidence(
                rung=Rung.INFERRED,
                text=f"the type is {BARE}" + (", while other columns have a time zone" if mixed else ""),
            ),
        ),
        remedy=Remedy(
            text="Take timestamp with time zone for new columns. Where it is known that a column holds UTC, turn it "
            f"into one as shown for {first.label}; the table is rewritten unless the session's TimeZone is UTC.",
            sql=f"SET TimeZone = 'UTC';\nALTER TABLE {quoted_table(table)} ALTER COLUMN {quoted(first.column.name)} "
            "TYPE timestamp with time zone;",
            lock=f"ACCESS EXCLUSIVE on {table.label} for the change: set lock_timeout",
        ),
        wrong_if="every session writes UTC, or the values are meant to be readings of a wall clock",
        severity=Severity.INFO,
        cause="timestamps without time zone",
    )


def _found(facts: Facts) -> tuple[Place, ...]:
    return places(facts, lambda _, column: column.type.endswith(BARE) or _is_short(column.type))


def _is_short(type_name: str) -> bool:
    """`timestamp(3) without time zone`."""
    return type_name.startswith("timestamp(") and type_name.endswith("without time zone")
