"""An index is the beginning of another one, which serves all its queries as well.

## What it finds
A B-tree index whose keys are the first keys of another B-tree on the table, in the same (or wholly reversed) order,
with the same operator classes, collations and predicate, and nothing in INCLUDE that the other lacks. Unique indexes
and those of constraints are left alone.

## Why it matters
Every INSERT and many an UPDATE writes both, and both compete for memory.

## What to do
Drop the narrow one, after a look at its size: it is read a little faster than the wide one.

## When to leave it
The narrow one is much smaller, is scanned over wide ranges all the time, and the table is hardly written.

## Source
https://www.postgresql.org/docs/current/indexes-multicolumn.html
"""

from collections.abc import Iterator

from pgadvisor.rule import (
    Evidence,
    Example,
    Facts,
    Finding,
    Index,
    Rung,
    Severity,
    Table,
    Where,
    drop_index,
    is_covered,
    is_free_to_go,
    is_same,
    replace,
    schema_rule,
    size_text,
    table,
)

BIG_BYTES = 10 * 1024 * 1024
"""A smaller index is written and cached at next to no cost."""
SMALL_BYTES = 128 * 1024
"""Sixteen pages: nobody drops an index for that, and frameworks make many such on tables that stay empty."""
MUCH_WIDER = 5
"""A narrow index this many times smaller than the wide one earns its keep in range scans."""

PAIR = table("orders", indexes={"orders_customer_id_idx": "customer_id",
                                "orders_customer_id_created_at_idx": "customer_id, created_at"})  # fmt: skip
BAD = [
    Example(
        tables=(PAIR,),
        remedy="DROP INDEX CONCURRENTLY public.orders_customer_id_idx;",
    ),
    Example(
        note="The other way round it is the same index, read backwards.",
        tables=(table("orders", indexes={"a_idx": "created_at", "b_idx": "created_at DESC"}),),
    ),
]  # fmt: skip
GOOD = [
    Example(
        note="The wide one does not begin with it.",
        tables=(table("orders", indexes={"a_idx": "created_at", "b_idx": "customer_id, created_at"}),),
    ),
    Example(
        note="It is unique: it keeps a promise as well.",
        tables=(table("orders", indexes={"a_idx": "UNIQUE number", "b_idx": "number, created_at"}),),
    ),
    Example(
        note="It takes two pages.",
        tables=(replace(PAIR, indexes=tuple(replace(each, size_bytes=16_384) for each in PAIR.indexes)),),
    ),
    Example(
        note="The wide one is partial.",
        tables=(table("orders", indexes={"a_idx": "status", "b_idx": "status, id WHERE (closed_at IS NULL)"}),),
    ),
    Example(
        note="Its INCLUDE column allows an index-only scan that the other does not.",
        tables=(table("orders", indexes={"a_idx": "status INCLUDE (total)", "b_idx": "status, created_at"}),),
    ),
    Example(
        note="The second key runs the other way.",
        tables=(table("orders", indexes={"a_idx": "status, created_at DESC", "b_idx": "status, created_at, total"}),),
    ),
]


@schema_rule(severity=Severity.WARNING, since="0.1")
def check(table: Table, facts: Facts) -> Iterator[Finding]:
    valid = [index for index in table.indexes if index.is_valid]
    for index in valid:
        wide = next((each for each in valid if each is not index and _replaces(facts, each, index)), None)
        if wide is None:
            continue
        yield Finding(
            where=Where(table=table.qualified, index=index.name),
            message=f"index {index.name} of {table.label} is a prefix of {wide.name}"
            + (f" and takes {size_text(index.size_bytes)}" if index.size_bytes else ""),
            evidence=_evidence(index, wide),
            remedy=drop_index(table, index, why=f"{wide.name} serves the same look-ups and the same order."),
            wrong_if=f"range scans that read {index.name} alone would be much slower in the wider {wide.name}",
            severity=Severity.WARNING if (index.size_bytes or 0) >= BIG_BYTES else Severity.INFO,
            cause=f"index {index.schema}.{index.name}",
        )


def _replaces(facts: Facts, wide: Index, index: Index) -> bool:
    if not is_free_to_go(index) or index.is_unique or is_same(facts, index, wide):
        return False
    if index.size_bytes is not None and index.size_bytes < SMALL_BYTES:
        return False
    if (wide.size_bytes or 0) > MUCH_WIDER * (index.size_bytes or 1) and index.scans:
        return False
    if not is_covered(facts, index, wide):
        return False
    both = is_free_to_go(wide) and not wide.is_unique and is_covered(facts, wide, index)
    return not both or (index.scans or 0, wide.name) <= (wide.scans or 0, index.name)


def _evidence(index: Index, wide: Index) -> tuple[Evidence, ...]:
    pieces = [Evidence(rung=Rung.INFERRED, text=f"{index.definition} is a prefix of {wide.definition}")]
    if index.scans is not None and wide.scans is not None:
        text = f"{index.scans:,} scans of {index.name}, {wide.scans:,} of {wide.name}"
        pieces.append(Evidence(rung=Rung.MEASURED, text=text))
    return tuple(pieces)
