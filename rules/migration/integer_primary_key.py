"""A new table numbers its rows with an integer, which ends at 2,147,483,647.

## What it finds
CREATE TABLE with a primary key of one column that is `serial`, or an `integer` that counts up by itself.

## Why it matters
On the day the numbers are used up every INSERT fails, and to make the column a bigint then writes the whole table anew.
Deleted rows and inserts that failed use up numbers as well.

## What to do
Use `bigint`: four bytes a row, and padding often takes them anyway.

## When to leave it
The table can never have many rows: countries, settings, states.

## Source
https://www.postgresql.org/docs/current/datatype-numeric.html#DATATYPE-SERIAL
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
    migration_rule,
)

BAD = [
    Example(migration="CREATE TABLE visits (id serial PRIMARY KEY, at date);"),
    Example(migration="CREATE TABLE visits (id int GENERATED ALWAYS AS IDENTITY, at date, PRIMARY KEY (id));"),
]
GOOD = [
    Example(note="It lasts.", migration="CREATE TABLE visits (id bigserial PRIMARY KEY, at date);"),
    Example(
        note="smallint was chosen for a table that stays small.",
        migration="CREATE TABLE states (id smallint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text);",
    ),
    Example(
        note="The key is that of another table, and nothing is counted here.",
        migration="CREATE TABLE profiles (user_id int PRIMARY KEY REFERENCES users);",
    ),
]


@migration_rule(severity=Severity.INFO, since="0.2")
def check(step: MigrationStep, gate: GateFacts) -> Iterator[Finding]:
    if step.command != "create table" or step.step.is_temporary:
        return
    key = next((each for each in step.added_constraints if each.kind == "primary key"), None)
    column = next((each for each in step.step.columns if key and key.columns == (each.name,)), None)
    if column is None or not _ends_early(column):
        return
    yield Finding(
        where=Where(table=step.target, column=column.name),
        message=f"{step.label}.{column.name} numbers the rows with an integer, which ends at 2,147,483,647",
        evidence=(Evidence(rung=Rung.INFERRED, text=f"the type of {column.name} is {column.type}"),),
        remedy=Remedy(text="Make it a bigint."),
        wrong_if="the table can never have many rows",
        severity=Severity.INFO,
        cause=f"integer key {step.target}",
    )


def _ends_early(column: DdlColumn) -> bool:
    return column.type in ("serial", "serial4") or (
        column.type == "integer" and (column.is_identity or "nextval" in (column.default or ""))
    )
