"""Files are kept in the database, in columns of type `bytea`.

## What it finds
Tables with a `bytea` column of which 1 GB or more lies in TOAST, the place of long values, and more than the rest of
the table takes. All of the database in one finding.

## Why it matters
Such values pass through memory and the write-ahead log as a whole, go into every backup and to every replica, and make
VACUUM, dumps and upgrades longer. Storage made for files does the same for a fraction.

## What to do
Keep the files in object storage and their name, size and hash in the table.

## When to leave it
They must be written in one transaction with the other rows, or there is no other storage.

## Source
https://www.postgresql.org/docs/current/storage-toast.html
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
    listed,
    own_tables,
    replace,
    schema_rule,
    size_text,
    table,
)

LEAST_BYTES = 1024**3
_SMALL = table("document", rows=50_000, columns={"content": "bytea"})
BAD = [
    Example(tables=(replace(_SMALL, heap_bytes=5_000_000, index_bytes=2_000_000, total_bytes=9_000_000_000),)),
]
GOOD = [
    Example(
        note="They are short: hashes, keys.",
        tables=(replace(_SMALL, heap_bytes=5_000_000, index_bytes=2_000_000, total_bytes=7_000_000),),
    ),
    Example(
        note="What is long is text.",
        tables=(
            replace(table("document", columns={"content": "text"}), heap_bytes=5_000_000, index_bytes=2_000_000,
                    total_bytes=9_000_000_000),
        ),
    ),
]  # fmt: skip


@schema_rule(severity=Severity.INFO, since="0.2")
def check(table: Table, facts: Facts) -> Iterator[Finding]:
    found = facts.once(_found)
    if not found or found[0] is not table:
        return
    told = [f"{each.label}.{_binary(each)[0]} ({size_text(_toast_bytes(each))})" for each in found]
    yield Finding(
        where=Where(table=table.qualified, column=_binary(table)[0]),
        message=f"files kept in the database take {size_text(sum(map(_toast_bytes, found)))}: {listed(told)}",
        evidence=(Evidence(rung=Rung.MEASURED, text="what a table takes beside its rows and indexes is TOAST"),),
        remedy=Remedy(text="Keep the files in object storage, and their name and hash in the table."),
        wrong_if="they have to change in one transaction with other rows",
        severity=Severity.INFO,
        cause="files in the database",
    )


def _found(facts: Facts) -> tuple[Table, ...]:
    def is_wanted(table: Table) -> bool:
        toast = _toast_bytes(table)
        return bool(_binary(table)) and toast >= LEAST_BYTES and toast > (table.heap_bytes or 0)

    return tuple(each for each in own_tables(facts) if is_wanted(each))


def _binary(table: Table) -> list[str]:
    long = ("text", "json", "jsonb", "xml")
    if any(column.type in long for column in table.columns):
        return []  # which of them is long, no counter tells
    return [column.name for column in table.columns if column.type == "bytea"]


def _toast_bytes(table: Table) -> int:
    return (table.total_bytes or 0) - (table.heap_bytes or 0) - (table.index_bytes or 0)
