"""A change of a column's type writes the whole table anew under lock.

## What it finds
ALTER COLUMN … TYPE to a type that is stored differently, or that old values are made to fit, on a table that was there
before the pull request. Changes that PostgreSQL reads as the same bytes (`varchar(20)` to `varchar(50)` or `text`, more
digits of a `numeric`, `cidr` to `inet`, `timestamp` to `timestamptz` in UTC) are not found.

## Why it matters
Table and indexes are written anew under ACCESS EXCLUSIVE: every query on the table waits until it is done.

## What to do
Add a new column, keep it filled by a trigger, fill the old rows in batches, then change names in a later migration. A
shorter `varchar` is a CHECK on the length, added NOT VALID and validated.

## When to leave it
The table is small, or nothing uses it yet.

## Source
https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-NOTES
"""

import re
from collections.abc import Iterator

from pgadvisor.rule import (
    DdlColumn,
    DdlConstraint,
    Example,
    Finding,
    GateFacts,
    MigrationStep,
    Remedy,
    Severity,
    is_on_new_table,
    kept_up_script,
    lock_finding,
    migration_rule,
    quoted,
    replace,
    script,
    table,
    timeout,
    validated_steps,
)

BAD = [
    Example(
        tables=(table("orders", columns={"number": "integer"}, rows=50_000_000),),
        migration="ALTER TABLE orders ALTER COLUMN number TYPE bigint;",
        remedy="ALTER TABLE orders ADD COLUMN number_new bigint;",
    ),
    Example(
        note="A shorter one is checked, and written, row by row.",
        tables=(table("orders", columns={"email": "character varying(50)"}, rows=50_000_000),),
        migration="ALTER TABLE orders ALTER email TYPE varchar(30);",
        remedy="CHECK (char_length(email) <= 30) NOT VALID;",
    ),
    Example(
        note="The scale of a numeric is in every value.",
        earlier="CREATE TABLE orders (total numeric(10,2));",
        migration="ALTER TABLE orders ALTER total SET DATA TYPE numeric(12,3);",
    ),
    Example(
        note="The present type is not known, but hardly any is stored as a bigint is.",
        migration="ALTER TABLE orders ALTER COLUMN number TYPE bigint;",
    ),
    Example(
        note="USING computes each value.",
        tables=(table("orders", columns={"at": "text"}, rows=50_000_000),),
        migration="ALTER TABLE orders ALTER COLUMN at TYPE timestamptz USING at::timestamptz + '1 hour';",
    ),
    Example(
        note="The snapshot says that the table is small: a word of information.",
        tables=(table("orders", columns={"number": "integer"}, rows=5_000),),
        migration="ALTER TABLE orders ALTER COLUMN number TYPE bigint;",
    ),
]
GOOD = [
    Example(
        note="Every value fits, and is stored alike.",
        tables=(table("orders", columns={"email": "character varying(50)", "n": "numeric(10,2)"}, rows=50_000_000),),
        migration="ALTER TABLE orders ALTER email TYPE varchar(100), ALTER n TYPE numeric(12,2);"
        "ALTER TABLE orders ALTER email TYPE text;",
    ),
    Example(
        note="The session's time zone is UTC.",
        tables=(table("orders", columns={"at": "timestamp without time zone"}, rows=50_000_000),),
        settings={"TimeZone": "UTC"},
        migration="ALTER TABLE orders ALTER COLUMN at TYPE timestamptz;",
    ),
    Example(
        note="The table is made by the same migration.",
        migration="CREATE TABLE orders (number int); ALTER TABLE orders ALTER COLUMN number TYPE bigint;",
    ),
]

_LENGTH = re.compile(r"character varying\((\d+)\)")
_WIDEST = re.compile(
    r"text|character varying|citext|inet|bit varying|numeric|(timestamp|time|interval)(\(6\))?( with(out)? time zone)?"
)
"""Types that hold all values of their narrower likes: most changes to them leave the rows as they are."""
_NARROWED = re.compile(r"(character varying|numeric|timestamp|time|interval|bit varying)\(.*")
"""Types that may be wider or narrower than before."""


@migration_rule(severity=Severity.ERROR, since="0.2")
def check(step: MigrationStep, gate: GateFacts) -> Iterator[Finding]:
    column, name = step.step.column, step.step.column_name or ""
    if step.command != "alter column type" or column is None or column.type is None or is_on_new_table(step):
        return
    if step.effect.rewrites == "no":
        return
    yield lock_finding(
        step,
        gate,
        _does(step, name, column.type),
        Remedy(
            text=_advice(column.type),
            sql=_other_way(step, column, name),
            lock=f"ACCESS EXCLUSIVE on {step.label} for a moment",
        ),
        cause=f"type of {name} of",
        column=name,
        severity=_severity(step, column.type),
        wrong_if="the table is small, nothing uses it, or the present type is stored alike",
    )


def _severity(step: MigrationStep, new: str) -> Severity | None:
    """Where the present type is not known, the new one says how likely it is; None: as long as the lock is held."""
    if step.effect.rewrites == "yes" or _old_type(step):
        return None if step.effect.rewrites == "yes" else Severity.WARNING
    if _WIDEST.fullmatch(new):
        return Severity.INFO
    return Severity.WARNING if _NARROWED.fullmatch(new) else None


def _old_type(step: MigrationStep) -> str | None:
    column = step.table.column(step.step.column_name or "") if step.table else None
    return column.type or None if column else None


def _does(step: MigrationStep, name: str, new: str) -> str:
    old = _old_type(step)
    change = f"changing {step.label}.{name} from {old} to {new}" if old else f"changing {step.label}.{name} to {new}"
    if step.effect.rewrites == "yes":
        return f"{change} writes the whole table anew"
    unless = step.effect.reason if old else "unless it is stored alike now, which is not known"
    return (
        f"{change} writes the whole table anew ({unless})" if old else f"{change} writes the whole table anew {unless},"
    )


def _advice(new: str) -> str:
    if _LENGTH.fullmatch(new):
        return "Bind the length by a CHECK, added NOT VALID and validated in a migration of its own; the type may stay."
    return (
        "Add a new column, with the indexes and constraints of the old, that a trigger fills; fill the old rows in "
        "batches outside a transaction; change the names in a later migration, when programs know both."
    )


def _other_way(step: MigrationStep, column: DdlColumn, name: str) -> str | None:
    length = _LENGTH.fullmatch(column.type or "")
    if length:
        check = DdlConstraint(
            kind="check", columns=(name, "length"), definition=f"CHECK (char_length({quoted(name)}) <= {length[1]})",
            name=f"{name}_length",
        )  # fmt: skip
        return script(*timeout(step), *validated_steps(step, check))
    made = replace(column, name=f"{name}_new")
    computed = step.step.using or f"{quoted(name)}::{column.type}"
    rows_left = f"{quoted(made.name)} IS NULL AND ({computed}) IS NOT NULL"
    return kept_up_script(step, made, computed, rows_left)
