"""A column added so that no row is written under the lock: first empty, then filled in batches, then bound."""

from pgadvisor.migration_facts import MigrationStep
from pgadvisor.safe_forms.batches import update_in_batches
from pgadvisor.safe_forms.constraints import not_null_steps, unique_steps, validated_steps
from pgadvisor.safe_forms.spelled import (
    alter,
    counts_up,
    plain_type,
    script,
    table_name,
    table_sql,
    timeout,
)
from pgadvisor.sql.ddl_step import DdlColumn
from pgadvisor.sql.identifiers import object_name, quoted


def column_script(step: MigrationStep) -> str | None:
    """The whole way to a column that ADD COLUMN would write into every row, or check in every row."""
    column = step.step.column
    if column is None:
        return None
    built, bound = _constraints(step)
    if column.not_null and not any(each.kind == "primary key" for each in step.step.constraints):
        bound = (*not_null_steps(step, column.name), *bound)
    filled = (update_in_batches(table_sql(step), _assignment(step, column), f"{quoted(column.name)} IS NULL"),)
    if built:
        built = (*(("RESET lock_timeout",) if timeout(step) else ()), *built, *timeout(step))
    return script(*timeout(step), *_emptied(step, column), *(filled if _value(step, column) else ()), *built, *bound)


def _constraints(step: MigrationStep) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What is built outside a transaction for the constraints that come with the column, and what binds it."""
    built: tuple[str, ...] = ()
    bound: tuple[str, ...] = ()
    for each in step.step.constraints:
        if each.kind in ("unique", "primary key"):
            first, then = unique_steps(step, each)
            built, bound = (*built, *first), (*bound, *then)
        elif each.kind in ("check", "foreign key"):
            bound = (*bound, *validated_steps(step, each))
    return built, bound


def _emptied(step: MigrationStep, column: DdlColumn) -> tuple[str, ...]:
    """The column without values in old rows; new rows get them."""
    name = quoted(column.name)
    exists = "IF NOT EXISTS " if step.step.if_not_exists else ""
    added = alter(step, f"ADD COLUMN {exists}{name} {plain_type(column)}")
    if counts_up(column):
        sequence = _sequence(step, column)
        made = f"CREATE SEQUENCE {sequence} OWNED BY {table_sql(step)}.{name}"
        return added, made, alter(step, f"ALTER COLUMN {name} SET DEFAULT {_value(step, column)}")
    if column.default is None:
        return (added,)
    if not column.is_volatile_default and not column.default_calls:
        return (f"{added} DEFAULT {column.default}",)
    return added, alter(step, f"ALTER COLUMN {name} SET DEFAULT {column.default}")


def _sequence(step: MigrationStep, column: DdlColumn) -> str:
    name = quoted(object_name(table_name(step), (column.name,), "seq"))
    schema = (step.step.table or (step.step.schema, ""))[0]
    return f"{quoted(schema)}.{name}" if schema else name


def _value(step: MigrationStep, column: DdlColumn) -> str | None:
    """What an old row gets in batches; None: nothing, or it has it already."""
    if counts_up(column):
        literal = _sequence(step, column).replace("'", "''")
        return f"nextval('{literal}')"
    return column.default if column.is_volatile_default or column.default_calls else None


def _assignment(step: MigrationStep, column: DdlColumn) -> str:
    return f"{quoted(column.name)} = {_value(step, column)}"


def kept_up_script(step: MigrationStep, column: DdlColumn, computed: str, rows_left: str) -> str:
    """A new column that a trigger computes from the others for new and changed rows, and that old ones get in batches.

    `computed`: SQL over the table's columns; `rows_left`: true of rows that have no value yet and will have one.
    """
    name = quoted(column.name)
    function = quoted(object_name(table_name(step), (column.name,), "fill"))
    body = (
        f"CREATE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS $$\n"
        f"BEGIN\n  NEW.{name} := (SELECT {computed} FROM (SELECT NEW.*) AS changed);\n  RETURN NEW;\nEND $$"
    )
    trigger = (
        f"CREATE TRIGGER {function} BEFORE INSERT OR UPDATE ON {table_sql(step)}\n"
        f"FOR EACH ROW EXECUTE FUNCTION {function}()"
    )
    return script(
        *timeout(step),
        alter(step, f"ADD COLUMN {name} {plain_type(column)}"),
        body,
        trigger,
        update_in_batches(table_sql(step), f"{name} = {computed}", rows_left),
    )
