"""Tables of one form are kept for each year or month, and are no partitions of one table.

## What it finds
Three or more tables with the same columns whose names differ by a year, or a year and a month, at the end:
`sales_2024`, `sales_2025`, `sales_2026`; not partitions, not children of another table. All in one finding.

## Why it matters
A question over the turn of the year needs a UNION that grows with each table. Keys, indexes and rights are kept by
hand for each, and a change of a column has to be made in all of them.

## What to do
A table partitioned by time: the tables become its partitions without a row being moved (ATTACH PARTITION).

## When to leave it
They are archives or snapshots that nobody reads together.

## Source
https://www.postgresql.org/docs/current/ddl-partitioning.html
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
_PERIOD = re.compile(r"(.*[^\d_])_?((?:19|20)\d\d(?:_?(?:0[1-9]|1[0-2]))?)\Z")
_COLUMNS = {"at": "date", "total": "numeric"}
BAD = [
    Example(tables=tuple(table(f"sales_{year}", columns=_COLUMNS) for year in (2024, 2025, 2026))),
]
GOOD = [
    Example(
        note="They are partitions.",
        tables=(
            table("sales", primary_key=None, columns=_COLUMNS, partition_key="RANGE (at)"),
            *(table(f"sales_{year}", columns=_COLUMNS, partition_of="sales") for year in (2024, 2025, 2026)),
        ),
    ),
    Example(
        note="Each has another form.",
        tables=tuple(table(f"survey_{year}", columns={f"answer_of_{year}": "text"}) for year in (2024, 2025, 2026)),
    ),
]


@schema_rule(severity=Severity.INFO, since="0.2")
def check(table: Table, facts: Facts) -> Iterator[Finding]:
    found = facts.once(_found)
    if not found or found[0][0] is not table:
        return
    told = [f"{group[0].label} to {group[-1].name}" for group in found]
    count = sum(len(group) for group in found)
    yield Finding(
        where=Where(table=table.qualified),
        message=f"{counted(count, 'table')} kept for a period each, and not partitions: {listed(told)}",
        evidence=(Evidence(rung=Rung.INFERRED, text="the same columns in each, and names that differ by the period"),),
        remedy=Remedy(
            text="Make a partitioned table of the same columns, and attach each as a partition: with a CHECK on the "
            "time that is validated before, ATTACH PARTITION reads no row."
        ),
        wrong_if="they are archives that nobody reads together",
        severity=Severity.INFO,
        cause="a table for each period",
    )


def _found(facts: Facts) -> tuple[tuple[Table, ...], ...]:
    groups: dict[tuple[str, str, tuple[tuple[str, str], ...]], list[Table]] = {}
    for each in own_tables(facts):
        match = _PERIOD.match(each.name)
        if match and not each.inherits:
            form = tuple((column.name, column.type) for column in each.columns)
            groups.setdefault((each.schema, match[1], form), []).append(each)
    return tuple(tuple(sorted(group, key=_name)) for group in groups.values() if len(group) >= LEAST)


def _name(table: Table) -> str:
    return table.name
