"""Two indexes of a table hold the same entries in the same order.

## What it finds
Indexes with equal method, keys, operator classes, collations, directions, INCLUDE columns and predicate, of which one
could go: no constraint, replica identity or parent index depends on it. A unique one goes only when an equal unique one
stays.

## Why it matters
Every INSERT and many an UPDATE writes both, both fill memory, and no query gains anything.

## What to do
Drop the one that nothing depends on.

## When to leave it
You are about to exchange one for the other, for example to turn a unique index into a constraint.

## Source
https://www.postgresql.org/docs/current/sql-dropindex.html
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
    is_free_to_go,
    is_same,
    schema_rule,
    size_text,
    table,
)

BIG_BYTES = 10 * 1024 * 1024
"""A smaller index is written and cached at next to no cost."""

BAD = [
    Example(
        tables=(table("orders", indexes={"orders_a_idx": "customer_id", "orders_b_idx": "customer_id"}),),
        remedy="DROP INDEX CONCURRENTLY public.orders_b_idx;",
    ),
    Example(
        note="A primary key has its index already.",
        tables=(table("orders", indexes={"orders_id_idx": "id"}),),
        remedy="DROP INDEX CONCURRENTLY public.orders_id_idx;",
    ),
]  # fmt: skip
GOOD = [
    Example(
        note="One is partial.",
        tables=(table("orders", indexes={"a_idx": "status", "b_idx": "status WHERE (closed_at IS NULL)"}),),
    ),
    Example(
        note="Another operator class serves another kind of query.",
        tables=(
            table("orders", columns={"code": "text"}, indexes={"a_idx": "code", "b_idx": "code text_pattern_ops"}),
        ),
    ),
    Example(
        note="Both are unique constraints of their own kind: a plain index and an expression.",
        tables=(
            table("account", columns={"email": "text"}, indexes={"a": "UNIQUE email", "b": "UNIQUE lower(email)"}),
        ),
    ),
]


@schema_rule(severity=Severity.WARNING, since="0.1")
def check(table: Table, facts: Facts) -> Iterator[Finding]:
    kept: list[Index] = []
    for index in sorted((each for each in table.indexes if each.is_valid), key=_worth):
        equal = next((other for other in kept if is_same(facts, index, other) and _may_go(index, other)), None)
        if equal is None:
            kept.append(index)
            continue
        yield Finding(
            where=Where(table=table.qualified, index=index.name),
            message=f"index {index.name} of {table.label} is a copy of {equal.name}"
            + (f" and takes {size_text(index.size_bytes)}" if index.size_bytes else ""),
            evidence=_evidence(index, equal),
            remedy=drop_index(table, index, why=f"{equal.name} does all that it does."),
            wrong_if="one of the two is about to replace the other",
            severity=Severity.WARNING if (index.size_bytes or 0) >= BIG_BYTES else Severity.INFO,
            cause=f"index {index.schema}.{index.name}",
        )


def _worth(index: Index) -> tuple[bool, bool, int, str]:
    """What is to stay comes first: what something depends on, what is unique, what is used, what is older by name."""
    return is_free_to_go(index), not index.is_unique, -(index.scans or 0), index.name


def _may_go(index: Index, other: Index) -> bool:
    if not is_free_to_go(index):
        return False
    nulls = "NULLS NOT DISTINCT"
    return not index.is_unique or (other.is_unique and (nulls in index.definition) == (nulls in other.definition))


def _evidence(index: Index, equal: Index) -> tuple[Evidence, ...]:
    pieces = [Evidence(rung=Rung.INFERRED, text=f"same definition: {index.definition}")]
    if index.scans is not None and equal.scans is not None:
        text = f"{index.scans:,} scans of {index.name}, {equal.scans:,} of {equal.name}"
        pieces.append(Evidence(rung=Rung.MEASURED, text=text))
    return tuple(pieces)
