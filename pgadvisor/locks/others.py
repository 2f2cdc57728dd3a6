"""The tables that a step locks beside its own: referenced ones, parents, partitions, sources."""

from collections.abc import Iterator

from pgadvisor.locks.effect import TableLock
from pgadvisor.locks.modes import MODES
from pgadvisor.locks.rows import LockRow, Other
from pgadvisor.locks.schema import Schema
from pgadvisor.model.catalog import Constraint, Table
from pgadvisor.sql.ddl_step import DdlConstraint, DdlStep


def other_tables(step: DdlStep, row: LockRow, schema: Schema, own: str | None) -> tuple[TableLock, ...]:
    """The locks on other tables, as far as the text and the schema tell, each table once with its strongest."""
    found: dict[str, TableLock] = {}
    asked = [TableLock(table=name, mode=row.lock) for name in _further(step, schema) if row.lock]
    for lock in row.others:
        asked += [TableLock(table=name, mode=lock.mode) for name in _tables(lock.of, step, schema, own)]
    for each in asked:
        held = found.get(each.table)
        if each.table != own and (held is None or MODES.index(each.mode) > MODES.index(held.mode)):
            found[each.table] = each
    return tuple(found.values())


_OF_SEVERAL = frozenset(("drop", "truncate", "vacuum", "analyze", "lock"))


def _further(step: DdlStep, schema: Schema) -> Iterator[str]:
    """The other tables of a statement on several: DROP TABLE a, b."""
    if step.command.split()[0] in _OF_SEVERAL:
        for name in step.names[1:]:
            found = schema.table_of_index(name) if step.kind == "index" else schema.qualified(name)
            if found is not None and step.kind in ("table", "index", "view", "materialized view"):
                yield found


def _tables(of: Other, step: DdlStep, schema: Schema, own: str | None) -> list[str]:
    match of:
        case "referenced table":
            return [*_referenced(step, schema), *_known_references(step, schema, own)]
        case "partition":
            return [schema.qualified(name) for name in step.names]
        case "parent":
            return _parents(step, schema, own)
        case "default partition":
            parents = _parents(step, schema, own) or [own or ""]
            return [found for each in parents if (found := default_partition(schema, each)) is not None]
        case "source":
            return [schema.qualified(name) for name in (*step.reads, *step.likes)]
        case "referencing":
            return _referencing(step, schema, own)
        case "checking":
            return [each.qualified for each in schema.tables() if _references(each, {own})]
        case "users":
            return _users(step, schema)


def _referenced(step: DdlStep, schema: Schema) -> list[str]:
    """The tables that foreign keys of the step itself reference."""
    added: tuple[DdlConstraint, ...] = (*step.constraints, *((step.constraint,) if step.constraint else ()))
    return [schema.qualified(each.references) for each in added if each.references]


def _known_references(step: DdlStep, schema: Schema, own: str | None) -> list[str]:
    """The tables that a known constraint, or every foreign key of a table that is dropped, references."""
    table = schema.table(own)
    if table is None or step.command.startswith(("add", "create")):
        return []
    keys: Iterator[Constraint] = (each for each in table.constraints if each.kind == "foreign key" and each.references)
    if step.constraint_name is not None:
        return [each.references or "" for each in keys if each.name == step.constraint_name]
    return [each.references or "" for each in keys] if step.command == "drop table" else []


def default_partition(schema: Schema, parent: str) -> str | None:
    """The default partition of a table given as `schema.table`, where it is known."""
    bounds = ((each.qualified, each.partition_of, each.partition_bound) for each in schema.tables())
    return next((name for name, above, bound in bounds if above == parent and bound == "DEFAULT"), None)


def _parents(step: DdlStep, schema: Schema, own: str | None) -> list[str]:
    if step.partition_of:
        return [schema.qualified(step.partition_of)]
    if step.command in ("inherit", "no inherit"):
        return [schema.qualified(name) for name in step.names]
    table = schema.table(own)
    return [table.partition_of] if table is not None and table.partition_of else []


def _referencing(step: DdlStep, schema: Schema, own: str | None) -> list[str]:
    """Tables with a foreign key to the one that goes: CASCADE takes the key, or the rows, with it."""
    if not step.is_cascade:
        return []
    gone = {own, *(schema.qualified(name) for name in step.names)}
    return [each.qualified for each in schema.tables() if _references(each, gone)]


def _references(table: Table, gone: set[str | None]) -> bool:
    return any(each.kind == "foreign key" and each.references in gone for each in table.constraints)


def _users(step: DdlStep, schema: Schema) -> list[str]:
    """The tables with a column of the domain."""
    names = {step.name, f"{step.schema}.{step.name}"}
    return [each.qualified for each in schema.tables() if any(column.type in names for column in each.columns)]
