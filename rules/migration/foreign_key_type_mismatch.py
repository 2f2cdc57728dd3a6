"""A new foreign key's column has another type than the column it references.

## What it finds
A foreign key that is added, where the types of both columns are known and differ, lengths left out.

## Why it matters
An `integer` that references a `bigint` cannot hold its later values: inserts fail on the day the numbers have grown.
Each comparison casts, and between some types no index can be used.

## What to do
Give the column the type of the referenced one.

## When to leave it
Never, but for tables that are about to go.

## Source
https://www.postgresql.org/docs/current/ddl-constraints.html#DDL-CONSTRAINTS-FK
"""

import re
from collections.abc import Iterator

from pgadvisor.rule import (
    DdlConstraint,
    Evidence,
    Example,
    Finding,
    GateFacts,
    MigrationStep,
    Remedy,
    Rung,
    Severity,
    Where,
    alter,
    migration_rule,
    quoted,
    script,
    table,
    timeout,
)

BAD = [
    Example(
        tables=(table("users", columns={"id": "bigint"}),),
        migration="ALTER TABLE orders ADD COLUMN user_id int REFERENCES users (id);",
        remedy="ADD COLUMN user_id bigint REFERENCES users (id)",
    ),
    Example(
        note="The referenced column is the primary key where none is named.",
        migration="CREATE TABLE users (id bigserial PRIMARY KEY); CREATE TABLE orders (user_id int REFERENCES users);",
    ),
]
GOOD = [
    Example(
        note="serial is an integer.",
        migration="CREATE TABLE users (id serial PRIMARY KEY); CREATE TABLE orders (user_id int REFERENCES users);",
    ),
    Example(
        note="Lengths do not matter, and text is compared with varchar as it is.",
        tables=(table("users", columns={"code": "character varying(20)"}),),
        migration="CREATE TABLE orders (code text REFERENCES users (code), other varchar(10) REFERENCES users (code));",
    ),
    Example(
        note="The type of the referenced column is not known.",
        migration="ALTER TABLE orders ADD COLUMN user_id int REFERENCES users (id);",
    ),
]

_ALIKE = {"character varying": "text", "serial": "integer", "serial4": "integer", "bigserial": "bigint",
          "serial8": "bigint", "smallserial": "smallint", "serial2": "smallint"}  # fmt: skip
_LENGTH = re.compile(r"\s*\([^)]*\)")


@migration_rule(severity=Severity.WARNING, since="0.2")
def check(step: MigrationStep, gate: GateFacts) -> Iterator[Finding]:
    for constraint in step.added_constraints:
        if constraint.kind != "foreign key" or constraint.references is None:
            continue
        for name, own, target, theirs in _pairs(step, constraint):
            if own and theirs and _plain(own) != _plain(theirs):
                yield _finding(step, constraint, (name, own), (target, theirs))


def _finding(step: MigrationStep, constraint: DdlConstraint, own: tuple[str, str], theirs: tuple[str, str]) -> Finding:
    referenced = step.named(constraint.references or (None, "")).removeprefix("public.")
    return Finding(
        where=Where(table=step.target, column=own[0]),
        message=f"{step.label}.{own[0]} is {own[1]}, and references {referenced}.{theirs[0]}, which is {theirs[1]}",
        evidence=(Evidence(rung=Rung.INFERRED, text="the types of both columns"),),
        remedy=Remedy(text=f"Give the column the type {theirs[1]}.", sql=_with_type(step, theirs[1])),
        wrong_if="the referenced column changes its type as well",
        severity=Severity.WARNING,
        cause=f"type of key {step.target} {own[0]}",
    )


def _pairs(step: MigrationStep, constraint: DdlConstraint) -> Iterator[tuple[str, str | None, str, str | None]]:
    """Each column of the key with its type, and the referenced one with its type, where they are known."""
    own = {each.name: each.type for each in step.table.columns} if step.table else {}
    own |= {each.name: each.type or "" for each in step.step.columns}
    own |= {step.step.column.name: step.step.column.type or ""} if step.step.column else {}
    target = step.named(constraint.references or (None, ""))
    found = step.schema.table(target)
    theirs = {each.name: each.type for each in found.columns} if found else {}
    keys = constraint.referenced_columns
    if not keys and found and found.primary_key:
        keys = found.primary_key.columns
    for name, key in zip(constraint.columns, keys, strict=False):
        yield name, own.get(name), key, theirs.get(key)


def _plain(spelled: str) -> str:
    base = _LENGTH.sub("", spelled)
    return _ALIKE.get(base, base)


def _with_type(step: MigrationStep, wanted: str) -> str | None:
    """The column added with that type, where it comes with the key."""
    column, constraint = step.step.column, next(iter(step.step.constraints), None)
    if step.command != "add column" or column is None or constraint is None or len(step.step.constraints) > 1:
        return None
    definition = (constraint.definition or "").partition("REFERENCES ")[2]
    if column.default or column.not_null or not definition:
        return None
    added = f"ADD COLUMN {quoted(column.name)} {wanted} REFERENCES {definition}"
    return script(*timeout(step), alter(step, added))
