"""A whole database is dropped.

## What it finds
DROP DATABASE in a migration, unless the same pull request creates the database.

## Why it matters
Everything in it is gone at once, and no transaction brings it back. With FORCE the programs that are connected are
thrown out first.

## What to do
Leave it out of migrations: drop a database by hand, after a backup that was tried.

## When to leave it
The migration runs on servers of tests alone.

## Source
https://www.postgresql.org/docs/current/sql-dropdatabase.html
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
    Example(migration="DROP DATABASE shop;"),
    Example(migration="DROP DATABASE IF EXISTS shop WITH (FORCE);"),
]
GOOD = [
    Example(
        note="It is made by the same migration.",
        migration="CREATE DATABASE scratch; DROP DATABASE scratch;",
    ),
    Example(
        note="Its settings change, nothing of what is in it.",
        migration="ALTER DATABASE shop SET work_mem = '16MB';",
    ),
]


@migration_rule(severity=Severity.ERROR, since="0.2")
def check(step: MigrationStep, gate: GateFacts) -> Iterator[Finding]:
    if step.command != "drop database":
        return
    name = step.step.name or ""
    if any(each.command == "create database" and each.step.name == name for each in earlier(step)):
        return
    yield Finding(
        where=Where(),
        message=f"database {name} is dropped with all that is in it".replace("  ", " "),
        evidence=(Evidence(rung=Rung.INFERRED, text="DROP DATABASE cannot be rolled back"),),
        remedy=Remedy(text="Leave it out of migrations: drop a database by hand, after a backup that was tried."),
        wrong_if="the migration runs on servers of tests alone",
        severity=Severity.ERROR,
        cause=f"drop database {name}",
    )
