"""A label of an enum is renamed, so programs that write or compare the old one fail.

## What it finds
ALTER TYPE … RENAME VALUE of a type that was there before the pull request.

## Why it matters
A label is a value in the text and the parameters of statements: each that holds the old one fails from then on, and a
program that reads the new one may not know it.

## What to do
Add the new label, release programs that know both, change the rows in batches, and stop using the old one: a label
cannot be dropped, but does no harm.

## When to leave it
No column has the type, or the program stops while the migration runs.

## Source
https://www.postgresql.org/docs/current/sql-altertype.html
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
    quoted,
    script,
    table,
)

BAD = [
    Example(
        migration="ALTER TYPE mood RENAME VALUE 'ok' TO 'fine';",
        remedy="ALTER TYPE mood ADD VALUE IF NOT EXISTS 'fine' AFTER 'ok';",
    ),
    Example(
        tables=(table("users", columns={"mood": "mood"}),),
        migration="ALTER TYPE mood RENAME VALUE 'ok' TO 'fine';",
    ),
]
GOOD = [
    Example(
        note="A label is added; nothing that was there changes.",
        migration="ALTER TYPE mood ADD VALUE 'fine' AFTER 'ok';",
    ),
    Example(
        note="The type is made by the same migration.",
        migration="CREATE TYPE mood AS ENUM ('sad', 'ok'); ALTER TYPE mood RENAME VALUE 'ok' TO 'fine';",
    ),
    Example(
        note="No column has the type.",
        tables=(table("users"),),
        migration="ALTER TYPE mood RENAME VALUE 'ok' TO 'fine';",
    ),
]


@migration_rule(severity=Severity.ERROR, since="0.2")
def check(step: MigrationStep, gate: GateFacts) -> Iterator[Finding]:
    name, old, new = step.step.name, step.step.value, step.step.new_name
    if step.command != "rename enum value" or name is None or old is None or new is None:
        return
    if any(each.command == "create type" and each.step.name == name for each in earlier(step)):
        return
    if gate.facts is not None and gate.facts.has_catalog and not _is_used(gate, name):
        return
    spelled = f"{quoted(step.step.schema)}.{quoted(name)}" if step.step.schema else quoted(name)
    yield Finding(
        where=Where(),
        message=f"a label of the enum {name} is renamed: statements that hold the old one fail",
        evidence=(Evidence(rung=Rung.INFERRED, text="labels stand as values in statements and parameters"),),
        remedy=Remedy(
            text="Add the new label beside the old one, release programs that know both, then change the rows.",
            sql=script(f"ALTER TYPE {spelled} ADD VALUE IF NOT EXISTS {_literal(new)} AFTER {_literal(old)}"),
        ),
        wrong_if="no running program writes or compares the old label",
        severity=Severity.ERROR,
        cause=f"rename enum value {name}",
    )


def _is_used(gate: GateFacts, name: str) -> bool:
    """Whether a column, or an array, is of the type."""
    assert gate.facts is not None
    types = {column.type.removesuffix("[]").strip('"') for table in gate.facts.tables for column in table.columns}
    return any(each == name or each.endswith(f".{name}") for each in types)


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
