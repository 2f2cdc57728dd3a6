"""A new index that is not unique has more than three columns: one of the first few mostly serves as well.

## What it finds
CREATE INDEX of a B-tree that is not unique with four or more key columns.

## Why it matters
Each column makes the index bigger and its upkeep dearer, and changes of any of them cost a write more. Queries are
mostly served by the first one to three columns.

## What to do
Keep the columns that narrow the search the most, or put those that are only read into INCLUDE.

## When to leave it
A query that matters compares all of the columns, or sorts by them: `pgadvisor query --try` shows the plan.

## Source
https://www.postgresql.org/docs/current/indexes-multicolumn.html
"""

from collections.abc import Iterator

from pgadvisor.rule import (
    Evidence,
    Example,
    Finding,
    GateFacts,
    MigrationStep,
    Remedy,
    Rung,
    Severity,
    Where,
    migration_rule,
)

BAD = [
    Example(migration="CREATE INDEX CONCURRENTLY wide ON orders (a, b, c, d);"),
]
GOOD = [
    Example(
        note="A unique index needs all of them.", migration="CREATE UNIQUE INDEX CONCURRENTLY ON orders (a, b, c, d);"
    ),
    Example(note="Three are served well.", migration="CREATE INDEX CONCURRENTLY ON orders (a, b, c) INCLUDE (d, e);"),
    Example(
        note="A GIN index keeps each of its columns by itself.",
        migration="CREATE INDEX CONCURRENTLY ON orders USING gin (a, b, c, d);",
    ),
]

MOST = 3
"""Columns that one query usually narrows by: https://github.com/ankane/strong_migrations draws the line there too."""


@migration_rule(severity=Severity.WARNING, since="0.2")
def check(step: MigrationStep, gate: GateFacts) -> Iterator[Finding]:
    index = step.step.index
    if not step.command.startswith("create index") or index is None or index.is_unique or index.method != "btree":
        return
    if len(index.keys) <= MOST:
        return
    yield Finding(
        where=Where(table=step.target, index=index.name),
        message=f"index {index.name} of {step.label} has {len(index.keys)} columns, and is not unique",
        evidence=(Evidence(rung=Rung.INFERRED, text="most queries are narrowed by three columns at most"),),
        remedy=Remedy(
            text="Keep the columns that narrow the search the most; put those that are only read in INCLUDE."
        ),
        wrong_if="a query that matters compares all of its columns, or sorts by them",
        severity=Severity.WARNING,
        cause=f"wide index {index.name} of {step.target}",
    )
