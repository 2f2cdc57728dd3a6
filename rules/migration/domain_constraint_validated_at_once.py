"""A constraint of a domain is checked in every table that uses it, while writes to them wait.

## What it finds
ALTER DOMAIN … ADD CONSTRAINT without NOT VALID, and SET NOT NULL, where a table with a column of the domain was there
before the pull request.

## Why it matters
PostgreSQL takes SHARE on every table with a column of the domain and reads all of its rows: every INSERT, UPDATE and
DELETE on them waits until the last one is done.

## What to do
Add the constraint NOT VALID, then VALIDATE CONSTRAINT in a migration of its own. SET NOT NULL has no such way: a CHECK
(VALUE IS NOT NULL) says the same.

## When to leave it
The tables are small, or nothing writes to them.

## Source
https://www.postgresql.org/docs/current/sql-alterdomain.html
"""

from collections.abc import Iterator

from pgadvisor.rule import (
    Example,
    Finding,
    GateFacts,
    MigrationStep,
    Remedy,
    Severity,
    Where,
    lock_evidence,
    migration_rule,
    quoted,
    script,
    timeout,
)

BAD = [
    Example(
        earlier="CREATE DOMAIN email AS text; CREATE TABLE users (address email);",
        migration="ALTER DOMAIN email ADD CONSTRAINT at CHECK (VALUE LIKE '%@%');",
        remedy="ALTER DOMAIN email ADD CONSTRAINT at CHECK (VALUE LIKE '%@%') NOT VALID;",
    ),
    Example(
        earlier="CREATE DOMAIN email AS text; CREATE TABLE users (address email);",
        migration="ALTER DOMAIN email SET NOT NULL;",
        remedy="CHECK (VALUE IS NOT NULL) NOT VALID;",
    ),
]
GOOD = [
    Example(
        note="Old rows are not read.",
        earlier="CREATE DOMAIN email AS text; CREATE TABLE users (address email);",
        migration="ALTER DOMAIN email ADD CONSTRAINT at CHECK (VALUE LIKE '%@%') NOT VALID;",
    ),
    Example(
        note="No table is known to use it.",
        earlier="CREATE DOMAIN email AS text;",
        migration="ALTER DOMAIN email ADD CONSTRAINT at CHECK (VALUE LIKE '%@%');",
    ),
    Example(
        note="The only table that uses it is new.",
        earlier="CREATE DOMAIN email AS text;",
        migration="CREATE TABLE users (address email); ALTER DOMAIN email ADD CHECK (VALUE LIKE '%@%');",
    ),
]

_COMMANDS = ("add domain constraint", "set domain not null")


@migration_rule(severity=Severity.WARNING, since="0.2")
def check(step: MigrationStep, gate: GateFacts) -> Iterator[Finding]:
    if step.command not in _COMMANDS:
        return
    used = (each.table for each in step.effect.others)
    tables = [name for name in used if not step.schema.is_new(name)]
    if not tables:
        return
    domain = f"{quoted(step.step.schema)}." if step.step.schema else ""
    domain += quoted(step.step.name or "")
    names = " and ".join(name.removeprefix("public.") for name in tables)
    yield Finding(
        where=Where(table=tables[0]),
        message=f"the constraint of domain {domain} reads every row of {names} while writes to them wait",
        evidence=lock_evidence(step, gate),
        remedy=Remedy(
            text="Add the constraint NOT VALID, and put VALIDATE CONSTRAINT into a migration of its own.",
            sql=_validated(step, domain),
        ),
        wrong_if="the tables are small, or nothing writes to them",
        severity=Severity.INFO if all(map(gate.is_small, tables)) else Severity.WARNING,
        cause=f"constraint of domain {domain}",
    )


def _validated(step: MigrationStep, domain: str) -> str:
    """In two steps."""
    made = step.step.constraint or next(iter(step.step.constraints), None)
    is_check = made is not None and made.kind == "check" and made.definition
    name = quoted((made.name if made else None) or f"{step.step.name}_{'check' if is_check else 'not_null'}")
    definition = made.definition if made is not None and is_check else "CHECK (VALUE IS NOT NULL)"
    return script(
        *timeout(step),
        f"ALTER DOMAIN {domain} ADD CONSTRAINT {name} {definition} NOT VALID",
        f"ALTER DOMAIN {domain} VALIDATE CONSTRAINT {name}",
    )
