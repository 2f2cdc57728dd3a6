"""From a step to its effect: the row of the table of locks, and what depends on the schema decided."""

from collections.abc import Callable

from msgspec.structs import replace

from pgadvisor.locks.columns import added_column, changed_expression, changed_type
from pgadvisor.locks.effect import Answer, LockEffect
from pgadvisor.locks.modes import LockMode
from pgadvisor.locks.others import default_partition, other_tables
from pgadvisor.locks.rows import LockRow, row_of
from pgadvisor.locks.schema import Schema
from pgadvisor.locks.validity import attached, not_null_scan, primary_key_scan, validated
from pgadvisor.sql.ddl_step import DdlStep

Decider = Callable[[DdlStep, Schema, int, LockEffect], LockEffect]


def effect_of(step: DdlStep, schema: Schema, version: int) -> LockEffect:
    """What a step locks, rewrites and scans on a server of that major version, with the schema as it is before it.

    A table of which nothing is known counts as one that exists and is big: what depends on it is `yes` where the plain
    case is the long one, `unknown` where either may be.
    """
    row = row_of(step.command, version)
    if row is None:
        reason = step.reason or f"{step.command} is not known on PostgreSQL {version}"
        return LockEffect(is_known=False, rewrites="unknown", scans="unknown", builds_index="unknown", reason=reason)
    table = locked_table(step, schema)
    effect = LockEffect(
        table=table,
        lock=row.lock
        if table is not None or step.name is None or step.kind in ("index", "statistics", "schema")
        else None,
        is_on_index=row.on_index,
        others=other_tables(step, row, schema, table),
        rewrites=_plain(row.rewrite),
        scans=_plain(row.scan),
        builds_index=_plain(row.index),
        in_transaction=row.transaction,
        safe_form=row.safe,
    )
    effect = replace(effect, lock=_asked_lock(step, row, effect.lock))
    decide = _DECIDERS.get(step.command)
    return effect if decide is None else decide(step, schema, version, effect)


def _plain(answer: str) -> Answer:
    return "no" if answer == "no" else "yes"


def _asked_lock(step: DdlStep, row: LockRow, lock: LockMode | None) -> LockMode | None:
    """The lock where the statement itself says more than its command."""
    if step.command == "lock table" and step.lock_mode is not None:
        return step.lock_mode  # type: ignore[return-value]
    strict = {"user_catalog_table"}
    if step.command in ("set options", "reset options") and strict & {name for name, _ in step.options}:
        return "ACCESS EXCLUSIVE"
    return lock


_RELATIONS = frozenset(("table", "view", "materialized view", "rows"))


def locked_table(step: DdlStep, schema: Schema) -> str | None:
    """The table (or view) that a step's own lock is on, as `schema.table`; None: none, or not known."""
    if step.table is not None:
        return schema.qualified(step.table)
    if step.name is None:
        return None
    if step.kind == "index":
        return schema.table_of_index((step.schema, step.name))
    return schema.qualified((step.schema, step.name)) if step.kind in _RELATIONS else None


def _set_not_null(step: DdlStep, schema: Schema, version: int, effect: LockEffect) -> LockEffect:
    scans, reason = not_null_scan(step, schema, version)
    return replace(effect, scans=scans, reason=reason)


def _primary_key(step: DdlStep, schema: Schema, version: int, effect: LockEffect) -> LockEffect:
    scans, reason = primary_key_scan(step, schema)
    return replace(effect, scans=scans, reason=reason)


def _validate(step: DdlStep, schema: Schema, version: int, effect: LockEffect) -> LockEffect:
    scans, reason = validated(step, schema)
    return replace(effect, scans=scans, reason=reason)


def _attach(step: DdlStep, schema: Schema, version: int, effect: LockEffect) -> LockEffect:
    return attached(step, schema, effect)


def _persistence(step: DdlStep, schema: Schema, version: int, effect: LockEffect) -> LockEffect:
    """SET LOGGED and UNLOGGED of a table that is so already do nothing."""
    table = schema.table((step.schema, step.name or ""))
    if table is None or not schema.is_whole(table.qualified):
        return effect
    if table.is_unlogged == (step.command == "set unlogged"):
        return replace(effect, rewrites="no", scans="no", builds_index="no", reason="it is so already")
    return effect


def _changes_rows(step: DdlStep, schema: Schema, version: int, effect: LockEffect) -> LockEffect:
    """An UPDATE or DELETE without WHERE reads all rows; with one, its plan decides."""
    return replace(effect, scans="unknown" if step.has_where else "yes")


def _partition_of(step: DdlStep, schema: Schema, version: int, effect: LockEffect) -> LockEffect:
    """The default partition is read for rows of the new one; the new table itself is empty."""
    if step.partition_bound == "DEFAULT":
        return replace(effect, scans="no")
    default = default_partition(schema, schema.qualified(step.partition_of or (None, "")))
    if default is not None:
        return replace(effect, scans="yes", worked_table=default, reason="the default partition is read for its rows")
    is_whole = schema.is_whole(step.partition_of)
    return replace(effect, scans="no" if is_whole else "unknown",
                   reason="" if is_whole else "whether there is a default partition is not known")  # fmt: skip


def _domain_users(step: DdlStep, schema: Schema, version: int, effect: LockEffect) -> LockEffect:
    """A constraint of a domain is checked in every table that has a column of it."""
    users = [each.table for each in effect.others]
    return replace(effect, scans="yes" if users else "unknown", worked_table=users[0] if users else None)


_DECIDERS: dict[str, Decider] = {
    "add column": added_column,
    "alter column type": changed_type,
    "set expression": changed_expression,
    "set not null": _set_not_null,
    "add not null": _set_not_null,
    "add primary key using index": _primary_key,
    "validate constraint": _validate,
    "attach partition": _attach,
    "create table partition of": _partition_of,
    "add domain constraint": _domain_users,
    "set domain not null": _domain_users,
    "validate domain constraint": _domain_users,
    "set logged": _persistence,
    "set unlogged": _persistence,
    "update": _changes_rows,
    "delete": _changes_rows,
    "merge": _changes_rows,
}
