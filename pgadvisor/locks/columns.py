"""What adding a column and changing a column's type do, which depends on types, defaults and indexes."""

import re

from msgspec.structs import replace

from pgadvisor.locks.effect import Answer, LockEffect
from pgadvisor.locks.schema import Schema
from pgadvisor.locks.type_change import BUILT_IN, TypeChange, change_of
from pgadvisor.model.catalog import Column, Table
from pgadvisor.sql.canonical import canonical
from pgadvisor.sql.ddl_column import SERIAL
from pgadvisor.sql.ddl_step import DdlColumn, DdlConstraint, DdlStep
from pgadvisor.sql.nodes import base_type


def added_column(step: DdlStep, schema: Schema, version: int, effect: LockEffect) -> LockEffect:
    """ADD COLUMN: written anew only for values that differ by row; constraints with it are checked."""
    column = step.column
    if column is None:
        return effect
    rewrites, reason = _needs_values(column, schema)
    kinds = {each.kind for each in step.constraints}
    builds = bool(kinds & {"unique", "primary key", "exclusion"})
    scans: Answer = "no"
    if builds or _is_checked(column, step.constraints):
        scans, reason = "yes", reason or _why_scanned(step.constraints, builds)
    index: Answer = "yes" if builds else rewrites
    return replace(effect, rewrites=rewrites, scans="yes" if rewrites == "yes" else scans, builds_index=index,
                   reason=reason)  # fmt: skip


def _is_checked(column: DdlColumn, constraints: tuple[DdlConstraint, ...]) -> bool:
    """Whether old rows are read for a constraint; a foreign key of a column that starts as NULL needs none."""
    return any(
        each.kind == "check" or (each.kind == "foreign key" and column.default is not None)
        for each in constraints
        if each.is_enforced and not each.is_not_valid
    )


def _why_scanned(constraints: tuple[DdlConstraint, ...], builds: bool) -> str:
    kinds = " and ".join(dict.fromkeys(each.kind for each in constraints))
    return f"its {kinds} constraint {'builds an index' if builds else 'is checked for every row'}"


def _needs_values(column: DdlColumn, schema: Schema) -> tuple[Answer, str]:
    """Whether each row gets a value of its own, and why."""
    if column.is_identity or column.type in SERIAL:
        return "yes", "each row gets its number"
    if column.generated == "stored":
        return "yes", "the value of each row is computed and stored"
    if column.generated == "virtual":
        return "no", "a virtual column is computed when it is read"
    if column.default is not None and column.is_volatile_default:
        return "yes", f"its default {column.default} has another value for each row"
    volatile = {name: schema.volatility(name) for name in column.default_calls}
    if "volatile" in volatile.values():
        return "yes", f"its default {column.default} has another value for each row"
    if None in volatile.values():
        unknown = next(name for name, found in volatile.items() if found is None)
        return "unknown", f"whether {unknown}() is volatile is not known"
    return _domain_values(column, schema)


def _domain_values(column: DdlColumn, schema: Schema) -> tuple[Answer, str]:
    """A domain with constraints is checked for each row, and written."""
    kind = base_type(column.type or "")
    found = schema.user_type(kind)
    if kind in BUILT_IN or kind.endswith("[]") or (found is not None and found.kind != "domain"):
        return "no", ""
    constrained = schema.has_constraints(kind)
    if found is not None and constrained is None:
        return "unknown", f"whether the domain {kind} has constraints is not known"
    if constrained:
        return "yes", f"the constraints of the domain {kind} are checked for each row"
    return "no", ""


def changed_type(step: DdlStep, schema: Schema, version: int, effect: LockEffect) -> LockEffect:
    """ALTER COLUMN TYPE."""
    new, name = step.column, step.column_name
    table = schema.table((step.schema, step.name or ""))
    old = table.column(name) if table is not None and name else None
    if new is None or new.type is None or name is None:
        return effect
    if step.using is not None and not _is_plain_using(step.using, name, new.type):
        return replace(effect, rewrites="yes", scans="yes", builds_index="yes",
                       reason=f"USING {step.using} is computed for each row")  # fmt: skip
    if old is None or table is None:
        return replace(effect, rewrites="unknown", scans="unknown", builds_index="unknown",
                       reason=f"the present type of {name} is not known")  # fmt: skip
    change = change_of(old.type, new.type, schema)
    if change.rewrites == "no" and _collation(old) != (new.collation or _type_collation(old, new)):
        change = TypeChange("no", "yes", "its collation changes")
    return _with_change(effect, change, table, old, schema)


def _collation(column: Column) -> str | None:
    return column.collation


def _type_collation(old: Column, new: DdlColumn) -> str | None:
    """A change of type without COLLATE gives the column the type's own collation."""
    return None


def _with_change(effect: LockEffect, change: TypeChange, table: Table, column: Column, schema: Schema) -> LockEffect:
    if change.rewrites != "no":
        return replace(effect, rewrites=change.rewrites, scans=change.rewrites, builds_index=change.rewrites,
                       reason=change.reason)  # fmt: skip
    rebuilt = _rebuilt_indexes(table, column, change)
    if rebuilt:
        reason = f"{change.reason}, but index {rebuilt[0]} is built anew"
        return replace(effect, rewrites="no", scans="yes", builds_index="yes", reason=reason)
    index: Answer = "no" if schema.is_whole(table.qualified) or change.rebuilds_index == "no" else "unknown"
    if check := _check_on(table, column):
        reason = f"{change.reason}, but {check} is checked for every row again"
        return replace(effect, rewrites="no", scans="yes", builds_index=index, reason=reason)
    scans: Answer = "unknown" if index == "unknown" else "no"
    return replace(effect, rewrites="no", scans=scans, builds_index=index, reason=change.reason)


def _check_on(table: Table, column: Column) -> str | None:
    """A CHECK on the column, which is made anew; one that is not valid stays so, and is not checked."""
    found = (each for each in table.constraints if each.kind == "check" and column.name in each.columns)
    return next((f"CHECK {each.name}" for each in found if each.is_validated), None)


def _rebuilt_indexes(table: Table, column: Column, change: TypeChange) -> list[str]:
    """Indexes built anew: of another operator class or collation, and all with an expression or predicate on it."""
    word = re.compile(rf'(?<![\w"]){re.escape(column.name)}(?![\w"])')
    found = []
    for index in table.indexes:
        is_key = column.name in index.columns or column.name in index.included
        computed = [key.text for key in index.keys if key.column is None] + [index.predicate or ""]
        is_computed = bool(index.predicate) or any(key.column is None for key in index.keys)
        mentions = any(word.search(text) for text in computed)
        if (is_key and (change.rebuilds_index != "no" or is_computed)) or mentions:
            found.append(index.name)
    return found


def _is_plain_using(using: str, column: str, target: str) -> bool:
    """USING column, or column::the new type: what PostgreSQL would do without it."""
    spelled = canonical(using).lower().replace(" ", "").strip("()")
    plain = column.lower()
    casts = {f"{plain}::{target}".replace(" ", "").lower(), f"({plain})::{target}".replace(" ", "").lower()}
    return spelled in {plain, *casts} or spelled.rstrip(")") in casts


def changed_expression(step: DdlStep, schema: Schema, version: int, effect: LockEffect) -> LockEffect:
    """SET EXPRESSION: a stored column is computed anew for each row, a virtual one when it is read."""
    table = schema.table((step.schema, step.name or ""))
    column = table.column(step.column_name or "") if table else None
    if column is None:
        return replace(effect, rewrites="unknown", scans="unknown", builds_index="unknown",
                       reason="whether the column is stored is not known")  # fmt: skip
    if column.is_virtual:
        return replace(effect, rewrites="no", scans="no", builds_index="no", reason="a virtual column is not stored")
    return replace(effect, reason="the value of each row is computed and stored")
