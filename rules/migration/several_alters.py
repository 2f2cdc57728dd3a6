"""A table is rewritten, or read whole, by several ALTER TABLE where one would do it once.

## What it finds
Two or more ALTER TABLE of one table in a migration that each write all of it anew, or each read all of it, under lock.

## Why it matters
Each passes over the whole table, and over its indexes where it writes, while every query waits.

## What to do
Put their clauses into one ALTER TABLE: PostgreSQL passes over the table once for all of them.

## When to leave it
The second depends on what the first commits. The table is small, or nothing uses it yet.

## Source
https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-NOTES
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
    is_harmless,
    is_strong,
    migration_rule,
    table,
)

BAD = [
    Example(
        earlier="CREATE TABLE orders (a int, b int);",
        migration="ALTER TABLE orders ALTER a TYPE bigint; ALTER TABLE orders ALTER b TYPE bigint;",
    ),
    Example(
        note="Three are one fault.",
        migration="ALTER TABLE orders ADD CHECK (a > 0); ALTER TABLE orders ADD CHECK (b > 0);"
        "ALTER TABLE orders ADD CHECK (c > 0);",
    ),
]
GOOD = [
    Example(
        note="One ALTER TABLE passes over the table once.",
        earlier="CREATE TABLE orders (a int, b int);",
        migration="ALTER TABLE orders ALTER a TYPE bigint, ALTER b TYPE bigint;",
    ),
    Example(
        note="Neither passes over the table.",
        migration="ALTER TABLE orders ADD COLUMN a int; ALTER TABLE orders ADD COLUMN b int;",
    ),
    Example(
        note="They are about two tables.",
        migration="ALTER TABLE orders ADD CHECK (a > 0); ALTER TABLE visits ADD CHECK (b > 0);",
    ),
    Example(
        note="The snapshot says that the table is small.",
        tables=(table("orders", columns={"a": "int", "b": "int"}, rows=5_000),),
        migration="ALTER TABLE orders ADD CHECK (a > 0); ALTER TABLE orders ADD CHECK (b > 0);",
    ),
]


@migration_rule(severity=Severity.WARNING, since="0.2")
def check(step: MigrationStep, gate: GateFacts) -> Iterator[Finding]:
    own = _pass(step)
    if own is None or not is_strong(step) or is_harmless(step, gate):
        return
    before = {
        id(each.statement): each
        for each in step.siblings.on(step.target)
        if each.comes_before(step) and each.statement is not step.statement and _pass(each) == own
    }
    if len(before) != 1:
        return
    yield Finding(
        where=Where(table=step.target),
        message=f"{step.label} is {own} more than once: one ALTER TABLE would do it in one pass",
        evidence=tuple(
            Evidence(rung=Rung.INFERRED, text=f"{each.spelled} and {step.spelled} each pass over all of it under lock")
            for each in before.values()
        ),
        remedy=Remedy(text="Put the clauses of all of them into one ALTER TABLE."),
        wrong_if="the second depends on what the first commits",
        severity=Severity.WARNING,
        cause=f"several alters {step.migration.file} {step.target}",
    )


def _pass(step: MigrationStep) -> str | None:
    """How an ALTER TABLE passes over the whole table, as far as is sure."""
    if step.statement.text.lstrip()[:5].lower() != "alter":
        return None
    if step.effect.rewrites == "yes":
        return "written anew"
    return "read whole" if step.effect.scans == "yes" and step.effect.builds_index == "no" else None
