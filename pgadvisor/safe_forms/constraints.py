"""Constraints added so that reads and writes go on: the index built beside them, the rows checked beside them."""

import re

from msgspec.structs import replace

from pgadvisor.locks.validity import is_known_not_null
from pgadvisor.migration_facts import MigrationStep
from pgadvisor.safe_forms.spelled import alter, columns_sql, constraint_name, table_name, table_sql
from pgadvisor.sql.ddl_step import DdlConstraint
from pgadvisor.sql.identifiers import object_name, quoted

_INCLUDED = re.compile(r"\bINCLUDE\s*\([^)]*\)", re.IGNORECASE)
_NULLS = re.compile(r"\bNULLS\s+NOT\s+DISTINCT\b", re.IGNORECASE)
_NOT_VALID = re.compile(r"\s+NOT\s+VALID\s*\Z", re.IGNORECASE)
_PUT_OFF = re.compile(r"\b(?:(?:NOT\s+)?DEFERRABLE|INITIALLY\s+(?:DEFERRED|IMMEDIATE))\b", re.IGNORECASE)


def unique_steps(step: MigrationStep, constraint: DdlConstraint) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """A UNIQUE or PRIMARY KEY: what is built outside a transaction, and what then takes a short lock."""
    name = quoted(constraint_name(step, constraint))
    written = constraint.definition or ""
    tail = [found[0] for found in (_INCLUDED.search(written), _NULLS.search(written)) if found]
    keys = columns_sql(constraint.columns)
    built = " ".join((f"CREATE UNIQUE INDEX CONCURRENTLY {name} ON {table_sql(step)} ({keys})", *tail))
    kind = constraint.kind.upper()
    put_off = " ".join(_PUT_OFF.findall(written))
    added = alter(step, f"ADD CONSTRAINT {name} {kind} USING INDEX {name}" + (f" {put_off}" if put_off else ""))
    before = [line for each in _nullable(step, constraint) for line in not_null_steps(step, each)]
    return (built,), (*before, added)


def _nullable(step: MigrationStep, constraint: DdlConstraint) -> tuple[str, ...]:
    """Columns of a primary key that may hold a null as far as is known."""
    if constraint.kind != "primary key":
        return ()
    table = step.table
    return tuple(each for each in constraint.columns if table is None or not is_known_not_null(table, each))


def not_null_steps(step: MigrationStep, column: str) -> tuple[str, ...]:
    """SET NOT NULL that reads no row under its lock: a CHECK is validated before.

    Its name leaves `…_not_null` free, which PostgreSQL 18 gives the constraint that lasts.
    """
    name = quoted(object_name(table_name(step), (column,), "not_null_check"))
    return (
        alter(step, f"ADD CONSTRAINT {name} CHECK ({quoted(column)} IS NOT NULL) NOT VALID"),
        alter(step, f"VALIDATE CONSTRAINT {name}"),
        alter(step, f"ALTER COLUMN {quoted(column)} SET NOT NULL"),
        alter(step, f"DROP CONSTRAINT {name}"),
    )


def not_null_constraint_steps(step: MigrationStep, constraint: DdlConstraint) -> tuple[str, ...]:
    """ADD NOT NULL in two steps (PostgreSQL 18)."""
    column = constraint.columns[0] if constraint.columns else step.step.column_name or ""
    name = quoted(constraint_name(step, replace(constraint, columns=(column,))))
    return (
        alter(step, f"ADD CONSTRAINT {name} NOT NULL {quoted(column)} NOT VALID"),
        alter(step, f"VALIDATE CONSTRAINT {name}"),
    )


def validated_steps(step: MigrationStep, constraint: DdlConstraint) -> tuple[str, ...]:
    """A CHECK or FOREIGN KEY in two steps: new rows are checked at once, old ones beside reads and writes."""
    name = quoted(constraint_name(step, constraint))
    return (
        alter(step, f"ADD CONSTRAINT {name} {_definition(constraint)} NOT VALID"),
        alter(step, f"VALIDATE CONSTRAINT {name}"),
    )


def _definition(constraint: DdlConstraint) -> str:
    """As written; what happens to referencing rows is put in where the text leaves it out."""
    written = _NOT_VALID.sub("", constraint.definition or "")
    if constraint.kind == "foreign key" and " on " not in f" {written.lower()} ":
        for event, action in (("DELETE", constraint.on_delete), ("UPDATE", constraint.on_update)):
            written += f" ON {event} {action.upper()}" if action != "no action" else ""
    return written
