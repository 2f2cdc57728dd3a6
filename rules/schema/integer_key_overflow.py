"""A column of numbers that count up comes near the end of its type, and then every INSERT fails.

## What it finds
Columns of type `smallint` or `integer` that are filled by a sequence or as identity, or are a primary key without one,
and have used half of their range or more; columns of any type whose sequence ends before; and `integer` foreign keys
to a `bigint` key that has passed half of what an `integer` holds. How far it is: the sequence's last value, or the
column's greatest value as far as an index or the statistics tell.

An error from 90 % on, or where at the present rate of inserts less than 90 days are left; a warning from 70 % on, or
with less than a year left.

## Why it matters
At 2,147,483,647 the next INSERT fails with "integer out of range", and so does every one after it. The change to
`bigint` rewrites the table under a lock: with time it can be prepared, on the day itself it is an outage.

## What to do
Change the column to `bigint`, and the columns that reference it. On a big table add a `bigint` column beside it, keep
it up by a trigger, fill it in batches, and exchange the two.

## When to leave it
The sequence is meant to start over (CYCLE), or the table gets no new rows.

## Source
https://www.postgresql.org/docs/current/datatype-numeric.html#DATATYPE-INT
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from pgadvisor.rule import (
    Column,
    ColumnStatistics,
    Evidence,
    Example,
    Facts,
    Finding,
    Remedy,
    Rung,
    Sequence,
    Severity,
    Table,
    TableCounters,
    Where,
    foreign_key,
    is_own,
    quoted,
    quoted_table,
    replace,
    schema_rule,
    table,
)

LIMITS = {"smallint": 2**15 - 1, "integer": 2**31 - 1, "bigint": 2**63 - 1}
LEAST, MUCH, NEAR = 0.5, 0.7, 0.9
SOON_DAYS, YEAR_DAYS, FAR_DAYS = 90.0, 365.0, 3_650.0
LEAST_DAYS = 1.0
"""A rate from less than a day of counters says nothing."""
_NEXTVAL = re.compile(r"nextval\('(?:(?P<schema>\"[^\"]+\"|\w+)\.)?(?P<name>\"[^\"]+\"|\w+)'::regclass\)")

FULL = Sequence(schema="public", name="orders_id_seq", type="integer", last_value=2_060_000_000, max_value=2**31 - 1,
                owned_by="public.orders.id")  # fmt: skip
ORDERS = table("orders", columns={"id": "integer"})
_AT = ColumnStatistics(null_fraction=0, average_width_bytes=4, n_distinct=-1, largest="2000000000")
BAD = [
    Example(
        tables=(
            ORDERS,
            table("item", columns={"order_id": "integer"}, constraints=(foreign_key("order_id", "orders"),)),
        ),
        more={"sequences": (FULL,)},
        remedy="ALTER TABLE public.item ALTER COLUMN order_id TYPE bigint;",
    ),
    Example(
        note="The program makes the numbers itself.",
        tables=(table("ticket", columns={"id": "integer"}, statistics={"id": _AT}),),
    ),
    Example(
        note="The key is bigint, and what references it is not.",
        tables=(
            table("users", columns={"id": "bigint"}),
            table("visit", columns={"user_id": "integer"}, constraints=(foreign_key("user_id", "users"),)),
        ),
        more={"sequences": (replace(FULL, name="s", type="bigint", max_value=2**63 - 1, owned_by="public.users.id"),)},
    ),
    Example(
        note="The column is bigint, its sequence is not.",
        tables=(table("users", columns={"id": "bigint"}),),
        more={"sequences": (replace(FULL, name="users_id_seq", owned_by="public.users.id"),)},
        remedy="ALTER SEQUENCE public.users_id_seq AS bigint;",
    ),
]
GOOD = [
    Example(note="A third is used.", tables=(ORDERS,), more={"sequences": (replace(FULL, last_value=700_000_000),)}),
    Example(note="It starts over.", tables=(ORDERS,), more={"sequences": (replace(FULL, is_cycled=True),)}),
    Example(
        note="The column is bigint.",
        tables=(table("orders", columns={"id": "bigint"}),),
        more={"sequences": (replace(FULL, type="bigint", max_value=2**63 - 1),)},
    ),
    Example(
        note="At the present rate it takes another fifty years.",
        tables=(replace(ORDERS, counters=TableCounters(rows_inserted=2_000_000)),),
        more={"sequences": (replace(FULL, last_value=1_200_000_000),)},
        days=40,
    ),
    Example(
        note="The greatest value of a column that is no key says nothing.",
        tables=(table("reading", columns={"value": "integer"}, statistics={"value": _AT}),),
    ),
]  # fmt: skip


class _Filling(NamedTuple):
    """How far a column has come."""

    value: int
    limit: int
    source: str
    rung: Rung
    sequence: Sequence | None = None

    @property
    def share(self) -> float:
        return self.value / self.limit


@schema_rule(severity=Severity.ERROR, since="0.2")
def check(table: Table, facts: Facts) -> Iterator[Finding]:
    if not is_own(table):
        return
    for column in table.columns:
        filling = _filling(table, column, facts)
        if filling is None or filling.share < LEAST:
            continue
        days = _days_left(table, filling, facts)
        if filling.share < MUCH and days is not None and days > FAR_DAYS:
            continue
        yield _finding(table, column, filling, days, facts)


def _filling(table: Table, column: Column, facts: Facts) -> _Filling | None:
    limit = LIMITS.get(column.type)
    if limit is None:
        return None
    sequence = _sequence(table, column, facts)
    if sequence is not None and (sequence.is_cycled or sequence.increment < 1):
        return None
    if sequence is not None and sequence.last_value is not None:
        limit = min(limit, sequence.max_value or limit)
        return _Filling(sequence.last_value, limit, f"sequence {sequence.name}", Rung.MEASURED, sequence)
    if column.type == "bigint":
        return None
    if table.primary_key and table.primary_key.columns == (column.name,) and not _references(table, column.name):
        return _greatest(column, limit)
    return _of_parent(table, column, limit, facts)


def _sequence(table: Table, column: Column, facts: Facts) -> Sequence | None:
    """The sequence that fills the column: the one that it owns, or that its default names."""
    by_owner = facts.once(_by_owner)
    if (owned := by_owner.get(f"{table.qualified}.{column.name}")) is not None:
        return owned
    named = _NEXTVAL.search(column.default or "")
    if named is None:
        return None
    schema = (named["schema"] or table.schema).strip('"')
    return facts.once(_by_name).get((schema, named["name"].strip('"')))


def _by_owner(facts: Facts) -> dict[str, Sequence]:
    return {each.owned_by: each for each in facts.snapshot.sequences if each.owned_by}


def _by_name(facts: Facts) -> dict[tuple[str, str], Sequence]:
    return {(each.schema, each.name): each for each in facts.snapshot.sequences}


def _references(table: Table, column: str) -> bool:
    return any(column in each.columns for each in table.constraints if each.kind == "foreign key")


def _greatest(column: Column, limit: int) -> _Filling | None:
    """The greatest value that an index or the statistics tell of."""
    statistics = column.statistics
    if statistics is None:
        return None
    texts = (statistics.largest, *(statistics.histogram_bounds or ())[-1:])
    values = [int(each) for each in texts if each and re.fullmatch(r"-?\d+", each)]
    return _Filling(max(values), limit, "greatest value", Rung.ESTIMATED) if values else None


def _of_parent(table: Table, column: Column, limit: int, facts: Facts) -> _Filling | None:
    """How far the key that the column references has come, where its type reaches further."""
    for key in table.constraints:
        if key.kind != "foreign key" or key.columns != (column.name,) or len(key.referenced_columns) != 1:
            continue
        parent = facts.table(key.references)
        theirs = parent.column(key.referenced_columns[0]) if parent else None
        if parent is None or theirs is None or LIMITS.get(theirs.type, 0) <= limit:
            continue
        found = _sequence(parent, theirs, facts)
        if found is not None and found.last_value is not None and not found.is_cycled:
            return _Filling(
                found.last_value, limit, f"{parent.label}.{theirs.name}, which it references,", Rung.MEASURED
            )
    return None


def _days_left(table: Table, filling: _Filling, facts: Facts) -> float | None:
    """At the rate of inserts since the counters began; None: not known, or no rows came."""
    days = facts.counted_days
    tables = facts.partitions(table.qualified) or (table,)
    inserted = sum(each.counters.rows_inserted for each in tables if each.counters)
    if days is None or days < LEAST_DAYS or not inserted:
        return None
    step = filling.sequence.increment if filling.sequence else 1
    return max(filling.limit - filling.value, 0) / (inserted * step / days)


def _severity(filling: _Filling, days: float | None) -> Severity:
    if filling.share >= NEAR or (days is not None and days < SOON_DAYS):
        return Severity.ERROR
    return Severity.WARNING if filling.share >= MUCH or (days is not None and days < YEAR_DAYS) else Severity.INFO


def _finding(table: Table, column: Column, filling: _Filling, days: float | None, facts: Facts) -> Finding:
    name = f"{table.label}.{column.name}"
    is_sequence_alone = filling.sequence is not None and filling.limit < LIMITS[column.type]
    what = f"the sequence of {name}" if is_sequence_alone else f"{name}, of type {column.type},"
    pieces = [Evidence(rung=filling.rung, text=f"{filling.source} is at {filling.value:,} of {filling.limit:,}")]
    if days is not None:
        text = f"at the present rate of inserts the rest lasts about {days:,.0f} days"
        pieces.append(Evidence(rung=Rung.ESTIMATED, text=text))
    return Finding(
        where=Where(table=table.qualified, column=column.name),
        message=f"{what} has used {filling.share:.0%} of its range"
        + (f", and the rest lasts about {days:,.0f} days" if days is not None and days < YEAR_DAYS else ""),
        evidence=tuple(pieces),
        remedy=_remedy(table, column, filling, facts),
        wrong_if="the table gets no new rows, or numbers are meant to be used again",
        severity=_severity(filling, days),
        cause=f"range of {table.qualified} {column.name}",
    )


def _remedy(table: Table, column: Column, filling: _Filling, facts: Facts) -> Remedy:
    steps, sequence = [], filling.sequence
    if sequence is not None and sequence.type != "bigint":
        steps.append(f"ALTER SEQUENCE {quoted(sequence.schema)}.{quoted(sequence.name)} AS bigint;")
    elif sequence is not None and (sequence.max_value or 0) <= LIMITS["integer"]:
        steps.append(f"ALTER SEQUENCE {quoted(sequence.schema)}.{quoted(sequence.name)} NO MAXVALUE;")
    if column.type == "bigint":
        return Remedy(text="Give the sequence the range of the column.", sql="\n".join(steps),
                      lock="SHARE ROW EXCLUSIVE on the sequence for an instant")  # fmt: skip
    followers = [
        (other, key.columns[key.referenced_columns.index(column.name)])
        for other, key in facts.foreign_keys_to(table.qualified)
        if column.name in key.referenced_columns and not other.partition_of
    ]
    places = [(table, column.name), *followers]
    narrow = [(each, name) for each, name in places if (found := each.column(name)) and found.type != "bigint"]
    steps += [f"ALTER TABLE {quoted_table(each)} ALTER COLUMN {quoted(name)} TYPE bigint;" for each, name in narrow]
    return Remedy(
        text="Change it to bigint, and with it the columns that reference it. Each statement writes its table anew: on "
        "a big table add a bigint column instead, keep it up by a trigger, fill it in batches and exchange the two.",
        sql="\n".join(steps),
        lock="ACCESS EXCLUSIVE on each table while it is rewritten: nobody reads or writes; set lock_timeout",
        cost="writes each table and its indexes again",
    )
