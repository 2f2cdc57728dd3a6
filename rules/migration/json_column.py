"""A column of type json is added, which has no equality: queries with DISTINCT, UNION or GROUP BY over it fail.

## What it finds
ADD COLUMN of type `json`, and a change of a column's type to it, on a table that was there before the pull request.

## Why it matters
`SELECT DISTINCT * FROM` the table, which ran so far, fails from then on: there is no operator that compares two json
values. Nor is there an index that looks into it.

## What to do
Use `jsonb`.

## When to leave it
The text has to be kept as it came, with its spaces, order and repeated keys.

## Source
https://www.postgresql.org/docs/current/datatype-json.html
"""

from collections.abc import Iterator

from pgadvisor.rule import (
    DdlColumn,
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
    timeout,
)

BAD = [
    Example(
        migration="ALTER TABLE orders ADD COLUMN props json;",
        remedy="ALTER TABLE orders ADD COLUMN props jsonb;",
    ),
    Example(
        migration="ALTER TABLE shop.orders ADD props json NOT NULL DEFAULT '{}';",
        remedy="ALTER TABLE shop.orders ADD COLUMN props jsonb NOT NULL DEFAULT '{}';",
    ),
]
GOOD = [
    Example(note="jsonb can be compared.", migration="ALTER TABLE orders ADD COLUMN props jsonb;"),
    Example(
        note="No query on a new table can break.",
        migration="CREATE TABLE orders (id bigint, props json); ALTER TABLE orders ADD COLUMN more json;",
    ),
]


@migration_rule(severity=Severity.WARNING, since="0.2")
def check(step: MigrationStep, gate: GateFacts) -> Iterator[Finding]:
    column = step.step.column
    if step.command not in ("add column", "alter column type") or column is None or step.is_new:
        return
    if column.type != "json":
        return
    name = step.step.column_name or column.name
    yield Finding(
        where=Where(table=step.target, column=name),
        message=f"{step.label}.{name} becomes json, which has no equality: DISTINCT, UNION and GROUP BY over it fail",
        evidence=(Evidence(rung=Rung.INFERRED, text="type json has no equality operator"),),
        remedy=Remedy(text="Use jsonb.", sql=_as_jsonb(step, column) if step.command == "add column" else None),
        wrong_if="the text has to be kept as it came",
        severity=Severity.WARNING,
        cause=f"json {step.target} {name}",
    )


def _as_jsonb(step: MigrationStep, column: DdlColumn) -> str | None:
    """The column as jsonb; None where it is more than a column."""
    if step.step.constraints or column.generated:
        return None
    ends = (" NOT NULL" if column.not_null else "") + (f" DEFAULT {column.default}" if column.default else "")
    return script(*timeout(step), alter(step, f"ADD COLUMN {quoted(column.name)} jsonb{ends}"))
