"""DROP … CASCADE drops whatever depends on the object, and the migration does not say what that is.

## What it finds
CASCADE in DROP of a schema, type, domain, sequence, function, extension and the like, and in DROP CONSTRAINT. That of
tables, views and columns is told by the rules about these.

## Why it matters
Columns of a type, defaults that call a function, views and foreign keys go with it without a word: on production there
may be more of them than where the migration was tried.

## What to do
Leave CASCADE out, and drop what depends on it by name.

## When to leave it
You have looked up on production what depends on it.

## Source
https://www.postgresql.org/docs/current/ddl-depend.html
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
    earlier,
    migration_rule,
)

BAD = [
    Example(migration="DROP SCHEMA shop CASCADE;"),
    Example(migration="DROP TYPE IF EXISTS mood CASCADE;"),
    Example(migration="ALTER TABLE users DROP CONSTRAINT users_pkey CASCADE;"),
]
GOOD = [
    Example(
        note="It fails where something depends on it.",
        migration="DROP SCHEMA shop; DROP TYPE mood RESTRICT;",
    ),
    Example(
        note="It is made by the same migration.",
        migration="CREATE TYPE mood AS ENUM ('ok'); DROP TYPE mood CASCADE;",
    ),
    Example(
        note="The rule about dropped tables speaks of this one.",
        migration="DROP TABLE orders CASCADE;",
    ),
]

_TOLD_ELSEWHERE = ("drop table", "drop view", "drop materialized view", "drop column", "drop index", "truncate")


@migration_rule(severity=Severity.ERROR, since="0.2")
def check(step: MigrationStep, gate: GateFacts) -> Iterator[Finding]:
    if not step.step.is_cascade or not step.command.startswith("drop ") or step.command in _TOLD_ELSEWHERE:
        return
    kind, name = step.command.removeprefix("drop "), step.step.constraint_name or step.step.name or ""
    if step.is_new or any(each.command == f"create {kind}" and each.step.name == name for each in earlier(step)):
        return
    yield Finding(
        where=Where(table=step.target),
        message=f"{step.command.upper()} {name} CASCADE drops whatever depends on it",
        evidence=(Evidence(rung=Rung.INFERRED, text="what that is depends on the database, not on the migration"),),
        remedy=Remedy(text="Leave CASCADE out, and drop what depends on it by name."),
        wrong_if="what depends on it on production was looked up",
        severity=Severity.ERROR,
        cause=f"{step.command} {name} of {step.target or ''}",
    )
