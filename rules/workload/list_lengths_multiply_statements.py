"""The same query with lists of many lengths fills pg_stat_statements.

## What it finds
A query that stands twenty times or more among the statements, differing only in how many values its lists hold, and
takes a twentieth of the places of pg_stat_statements or more. Since PostgreSQL 18 lists of constants count as one.

## Why it matters
Each length is a statement of its own: its time is scattered over many rows that each look harmless, prepared statements
are planned anew for each, and other statements are evicted from pg_stat_statements to make room.

## What to do
Send the values as one array: `WHERE id = ANY ($1)` instead of `WHERE id IN ($1, $2, …)`. It means the same, has one
shape whatever the number of values, and uses the same index.

## When to leave it
The statements come from a program that runs once.

## Source
https://www.postgresql.org/docs/current/functions-comparisons.html
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
    Statement,
    Where,
    workload_rule,
)

LEAST_FORMS, LEAST_PART = 20, 0.05
LIST = re.compile(r"\(\s*\$\d+(?:\s*,\s*\$\d+)*\s*\)")
NUMBER = re.compile(r"\$\d+")


def listed(count: int) -> str:
    """A query for so many rows, for an example."""
    return f"SELECT total FROM orders WHERE id IN ({', '.join(f'${at}' for at in range(1, count + 1))})"


BAD = [Example(sql=listed(1), other=tuple((listed(count), 100, 1.0) for count in range(2, 40)))]
GOOD = [
    Example(
        note="One array, whatever its length.", sql="SELECT total FROM orders WHERE id = ANY ($1)",
        other=tuple((f"SELECT a{at} FROM orders WHERE id = $1", 100, 1.0) for at in range(30)),
    ),
    Example(note="A few lengths.", sql=listed(1), other=tuple((listed(count), 100, 1.0) for count in range(2, 8))),
    Example(
        note="Rows of values to insert: each length is a batch of its own.",
        sql="INSERT INTO orders (total) VALUES ($1)",
        other=tuple((f"INSERT INTO orders (total) VALUES {', '.join(f'(${at})' for at in range(1, count))}", 100, 1.0)
                    for count in range(3, 40)),
    ),
]  # fmt: skip


@workload_rule(severity=Severity.WARNING, since="0.2")
def check(facts: Facts) -> Iterator[Finding]:
    statements = facts.snapshot.statements
    groups: dict[str, list[Statement]] = {}
    for each in statements:
        query = facts.queries.get(each.key)
        if query is not None and query.kind != "insert" and LIST.search(each.text):
            groups.setdefault(NUMBER.sub("$", LIST.sub("($)", each.text)), []).append(each)
    for shape, group in groups.items():
        if len(group) >= LEAST_FORMS and len(group) >= LEAST_PART * len(statements):
            yield _finding(shape, group, len(statements), facts)


def _finding(shape: str, group: list[Statement], of_all: int, facts: Facts) -> Finding:
    leading = max(group, key=lambda each: (each.total_ms or 0.0, each.key))
    share = sum(facts.share(each.key) or 0.0 for each in group)
    query = facts.queries[leading.key]
    table = next((use.table for use in query.tables() if use.table), None)
    return Finding(
        where=Where(statement=leading.key, table=table),
        message=f"one query stands {len(group):,} times among {of_all:,} statements, with lists of other lengths",
        evidence=(
            Evidence(rung=Rung.MEASURED, text=f"together they take {share:.1%} of all database time"),
        ),
        remedy=Remedy(text="Send the values as one array: `= ANY ($1)` instead of `IN ($1, $2, …)`."),
        wrong_if="the statements come from a program that runs once",
        severity=Severity.WARNING if facts.share(leading.key) is not None and share >= LEAST_PART else Severity.INFO,
        cause=f"list lengths {shape}",
        statements=tuple(each.key for each in sorted(group, key=lambda each: -(each.total_ms or 0.0))),
    )  # fmt: skip
