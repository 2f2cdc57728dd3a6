"""UUIDs are kept as text, which takes more than twice the room of the type `uuid`.

## What it finds
Columns of type text, varchar or char on tables of 10,000 rows or more, where every value that the statistics hold is a
UUID, or whose name ends in uuid or guid and whose values are 36 letters long. All of the database in one finding.

## Why it matters
37 bytes instead of 16 in the table and in each index on it; comparisons go letter by letter, by the rules of a
language. Two spellings of the same UUID are two values.

## What to do
Turn the column into `uuid`, and those that reference it with it.

## When to leave it
The column also holds other names, and the statistics did not see one.

## Source
https://www.postgresql.org/docs/current/datatype-uuid.html
"""

import re
from collections.abc import Iterator

from pgadvisor.rule import (
    Column,
    ColumnStatistics,
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
    replace,
    retyped,
    schema_rule,
    table,
)

LEAST_ROWS = 10_000
LEAST_VALUES = 20
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\Z")
_NAMED = re.compile(r"(^|_)(uuid|guid)\Z", re.IGNORECASE)
WIDTHS = (37, 40)
"""36 letters with a header of one or four bytes."""
_SEEN = ColumnStatistics(null_fraction=0, average_width_bytes=37, n_distinct=-1, correlation=0)
_IDS = tuple(f"{number:08x}-0000-4000-8000-000000000000" for number in range(30))
BAD = [
    Example(
        tables=(table("visit", columns={"session_uuid": "text"}, statistics={"session_uuid": _SEEN}),),
        remedy="ALTER TABLE public.visit ALTER COLUMN session_uuid TYPE uuid USING session_uuid::uuid;",
    ),
    Example(
        note="The values tell, whatever the name.",
        tables=(
            table("visit", columns={"ref": "text"}, statistics={"ref": replace(_SEEN, histogram_bounds=_IDS)}),
        ),
    ),
]  # fmt: skip
GOOD = [
    Example(
        note="Other things are among the values.",
        tables=(
            table("visit", columns={"ref": "text"},
                  statistics={"ref": replace(_SEEN, histogram_bounds=(*_IDS, "unknown"))}),
        ),
    ),
    Example(
        note="Named so, but of another length.",
        tables=(
            table("visit", columns={"device_guid": "text"},
                  statistics={"device_guid": replace(_SEEN, average_width_bytes=23)}),
        ),
    ),
]  # fmt: skip


@schema_rule(severity=Severity.INFO, since="0.2", needs=("catalog", "statistics"))
def check(table: Table, facts: Facts) -> Iterator[Finding]:
    found = facts.once(_found)
    if not found or found[0].table is not table:
        return
    free = [each for each in found if not is_in_key(each, facts)]
    why = "Turn them into uuid; columns that reference them or are referenced have to change together."
    yield Finding(
        where=Where(table=table.qualified, column=found[0].column.name),
        message=f"{counted(len(found), 'text column')} holding UUIDs: {listed(each.label for each in found)}",
        evidence=(Evidence(rung=Rung.ESTIMATED, text="all values that ANALYZE saw have the form of a UUID"),),
        remedy=retyped(free, "uuid", using="{}::uuid", why=why),
        wrong_if="other values than UUIDs are among them",
        severity=Severity.INFO,
        cause="UUIDs as text",
    )


def _found(facts: Facts) -> tuple[Place, ...]:
    return places(facts, _is_uuid)


def _is_uuid(table: Table, column: Column) -> bool:
    statistics = column.statistics
    if statistics is None or not column.type.startswith(("text", "character")) or column.type.endswith("]"):
        return False
    if (table.rows or 0) < LEAST_ROWS or not WIDTHS[0] <= statistics.average_width_bytes <= WIDTHS[1]:
        return False
    values = (*(statistics.most_common_values or ()), *(statistics.histogram_bounds or ()))
    if values:
        return len(values) >= LEAST_VALUES and all(_UUID.match(each) for each in values)
    return bool(_NAMED.search(column.name))
