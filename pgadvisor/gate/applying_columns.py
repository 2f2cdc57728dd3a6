"""What a step makes of a table's columns."""

from collections.abc import Iterable
from typing import Any

from msgspec.structs import replace

from pgadvisor.gate.applying_constraints import with_constraint
from pgadvisor.gate.known import Known
from pgadvisor.model.catalog import Column, Table
from pgadvisor.sql.ddl_column import SERIAL
from pgadvisor.sql.ddl_step import DdlColumn, DdlStep

_SERIAL_TYPES = {"serial": "integer", "serial4": "integer", "bigserial": "bigint", "serial8": "bigint",
                 "smallserial": "smallint", "serial2": "smallint"}  # fmt: skip


def column_of(made: DdlColumn) -> Column:
    """A column as the catalog will hold it."""
    return Column(
        name=made.name,
        type=_SERIAL_TYPES.get(made.type or "", made.type or ""),
        not_null=made.not_null,
        default=f"nextval('{made.name}_seq')" if made.type in SERIAL else made.default,
        is_generated=made.generated is not None,
        is_virtual=made.generated == "virtual",
        is_identity=made.is_identity,
        collation=made.collation,
    )


def with_columns(table: Table, step: DdlStep, parents: Iterable[Table], known: Known) -> Table:
    """The columns and constraints of CREATE TABLE, those of LIKE, INHERITS and a partition's parent first."""
    for parent in parents:
        taken = tuple(replace(each, statistics=None, statistics_with_children=None) for each in parent.columns)
        table = replace(table, columns=(*table.columns, *taken))
        if step.partition_of:
            table = replace(table, constraints=parent.constraints)
    table = replace(table, columns=(*table.columns, *map(column_of, step.columns)))
    for constraint in step.constraints:
        table = with_constraint(table, constraint, known)
    return table


def with_column(table: Table, step: DdlStep, known: Known) -> Table:
    """ADD COLUMN."""
    if step.column is None or table.column(step.column.name) is not None:
        return table
    table = replace(table, columns=(*table.columns, column_of(step.column)))
    for constraint in step.constraints:
        table = with_constraint(table, constraint, known)
    return table


def dropped_column(table: Table, step: DdlStep, known: Known) -> Table:
    """DROP COLUMN takes the indexes and constraints that name it along."""
    gone = step.column_name or ""
    return replace(
        table,
        columns=tuple(each for each in table.columns if each.name != gone),
        indexes=tuple(each for each in table.indexes if gone not in (*each.columns, *each.included)),
        constraints=tuple(each for each in table.constraints if gone not in each.columns),
    )


def renamed_column(table: Table, step: DdlStep, known: Known) -> Table:
    """RENAME COLUMN: indexes and constraints follow."""
    old, new = step.column_name or "", step.new_name or ""

    def renamed(names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(new if name == old else name for name in names)

    columns = tuple(replace(each, name=new) if each.name == old else each for each in table.columns)
    constraints = tuple(replace(each, columns=renamed(each.columns)) for each in table.constraints)
    indexes = tuple(
        replace(
            index,
            included=renamed(index.included),
            keys=tuple(replace(key, column=new, text=new) if key.column == old else key for key in index.keys),
        )
        for index in table.indexes
    )
    return replace(table, columns=columns, constraints=constraints, indexes=indexes)


def altered_type(table: Table, step: DdlStep, known: Known) -> Table:
    """ALTER COLUMN TYPE."""
    made = step.column
    if made is None or made.type is None:
        return table
    return _with_changes(table, step, type=made.type, collation=made.collation, statistics=None)


def altered_column(table: Table, step: DdlStep, known: Known) -> Table:
    """SET and DROP of NOT NULL, DEFAULT, IDENTITY, EXPRESSION."""
    default = step.column.default if step.column else None
    changes: dict[str, dict[str, Any]] = {
        "set not null": {"not_null": True},
        "drop not null": {"not_null": False},
        "set default": {"default": default},
        "drop default": {"default": None},
        "add identity": {"is_identity": True},
        "drop identity": {"is_identity": False},
        "drop expression": {"is_generated": False},
    }
    return _with_changes(table, step, **changes[step.command])


def _with_changes(table: Table, step: DdlStep, **changes: Any) -> Table:
    """The table with one column changed; a column that was not known is so in part: its type is not."""
    name = step.column_name or ""
    if table.column(name) is None:
        return table if "type" not in changes else replace(
            table, columns=(*table.columns, replace(Column(name=name, type=""), **changes))
        )  # fmt: skip
    columns = tuple(replace(each, **changes) if each.name == name else each for each in table.columns)
    return replace(table, columns=columns)
