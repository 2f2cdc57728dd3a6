"""What a step makes of the schema that is known."""

from collections.abc import Callable

from msgspec.structs import replace

from pgadvisor.gate.applying_columns import (
    altered_column,
    altered_type,
    dropped_column,
    renamed_column,
    with_column,
    with_columns,
)
from pgadvisor.gate.applying_constraints import (
    altered_constraint,
    dropped_constraint,
    renamed_constraint,
    with_constraint,
)
from pgadvisor.gate.known import Known, KnownFunction
from pgadvisor.gate.layered import Layered
from pgadvisor.locks.schema import Name
from pgadvisor.model.catalog import Table, TableKind
from pgadvisor.sql.ddl_step import DdlStep

OnTable = Callable[[Table, DdlStep, Known], Table]
OnSchema = Callable[[Known, DdlStep, bool], Known]


def changed(known: Known, step: DdlStep, *, is_judged: bool) -> Known:
    """What is known after a step. A step that may not run changes what is known only where it creates."""
    if step.is_conditional and step.command.startswith(("drop", "rename")):
        return known
    if step.command in _ON_TABLE:
        return _on_table(known, step, _ON_TABLE[step.command])
    if step.command in _ON_SCHEMA:
        return _ON_SCHEMA[step.command](known, step, is_judged)
    return known


def _on_table(known: Known, step: DdlStep, change: OnTable) -> Known:
    """A change of one table; one that was not known before is known in part after it."""
    name = step.table or (step.schema, step.name or "")
    key = known.qualified(name)
    table = known.tables.get(key) or _unknown(key, step)
    return replace(known, tables=known.tables.having(key, change(table, step, known)))


def _unknown(key: str, step: DdlStep) -> Table:
    schema, _, bare = key.partition(".")
    return Table(schema=schema, name=bare, kind="materialized view" if step.kind == "materialized view" else "table")


def _added_constraint(table: Table, step: DdlStep, known: Known) -> Table:
    return with_constraint(table, step.constraint, known) if step.constraint else table


def _added_index(table: Table, step: DdlStep, known: Known) -> Table:
    if step.index is None or any(each.name == step.index.name for each in table.indexes):
        return table
    return replace(table, indexes=(*table.indexes, replace(step.index, schema=table.schema)))


def _logged(table: Table, step: DdlStep, known: Known) -> Table:
    return replace(table, is_unlogged=step.command == "set unlogged")


def _row_security(table: Table, step: DdlStep, known: Known) -> Table:
    return replace(table, has_row_security=step.command == "enable row level security")


_ON_TABLE: dict[str, OnTable] = {
    "add column": with_column,
    "drop column": dropped_column,
    "rename column": renamed_column,
    "alter column type": altered_type,
    "rename constraint": renamed_constraint,
    "validate constraint": altered_constraint,
    "drop constraint": dropped_constraint,
    "create index": _added_index,
    "create index concurrently": _added_index,
    "set logged": _logged,
    "set unlogged": _logged,
    "enable row level security": _row_security,
    "disable row level security": _row_security,
    **dict.fromkeys(
        ("set not null", "drop not null", "set default", "drop default", "add identity", "drop identity",
         "drop expression"),
        altered_column,
    ),
    **dict.fromkeys(
        (
            f"add {kind}{suffix}"
            for kind in ("check", "foreign key", "not null", "unique", "primary key", "exclusion")
            for suffix in ("", " not valid", " not enforced", " using index")
        ),
        _added_constraint,
    ),
}  # fmt: skip


def _created(known: Known, step: DdlStep, is_judged: bool) -> Known:
    """CREATE TABLE in all its forms, and of views; IF NOT EXISTS leaves alone what is there."""
    key = known.qualified((step.schema, step.name or ""))
    if step.is_temporary and not is_judged:
        return known
    if key in known.tables and (step.is_temporary or step.if_not_exists or step.is_conditional):
        return known
    key = f"{step.schema or next(iter(known.search_path), 'public')}.{step.name}"
    schema, _, name = key.partition(".")
    table = Table(
        schema=schema,
        name=name,
        kind=_kind(step),
        rows=None if step.inserts_query else 0.0,
        partition_of=known.qualified(step.partition_of) if step.partition_of else None,
        partition_key=step.partition_key,
        partition_bound=step.partition_bound,
        is_unlogged=step.is_unlogged,
    )
    parents = [known.tables.get(known.qualified(each)) for each in (*step.likes, *_parent(step))]
    table = with_columns(table, step, [each for each in parents if each is not None], known)
    is_whole = None not in parents and step.command in ("create table", "create table partition of")
    return replace(
        known,
        tables=known.tables.having(key, table),
        whole=known.whole.having(key, True) if is_whole else known.whole.without(key),
        new=known.new.having(key, True) if is_judged else known.new.without(key),
        gone=known.gone.without(key),
    )


def _parent(step: DdlStep) -> tuple[Name, ...]:
    return (step.partition_of,) if step.partition_of else ()


def _kind(step: DdlStep) -> TableKind:
    if step.kind == "materialized view":
        return "materialized view"
    return "partitioned table" if step.partition_key else "table"


def _dropped(known: Known, step: DdlStep, is_judged: bool) -> Known:
    """DROP … CASCADE takes foreign keys to the table with it."""
    names = dict.fromkeys((known.qualified(name) for name in step.names), True)
    tables, gone = known.tables.without(*names), known.gone
    for key, table in tables.items() if step.is_cascade else ():
        if any(each.references in names for each in table.constraints):
            kept = tuple(each for each in table.constraints if each.references not in names)
            tables = tables.having(key, replace(table, constraints=kept))
    for name in names:
        gone = gone.having(name, True)
    return replace(known, tables=tables, whole=known.whole.without(*names), new=known.new.without(*names), gone=gone)


def _dropped_index(known: Known, step: DdlStep, is_judged: bool) -> Known:
    names, tables = {name for _, name in step.names}, known.tables
    for key, table in known.tables.items():
        if any(each.name in names for each in table.indexes):
            kept = tuple(each for each in table.indexes if each.name not in names)
            tables = tables.having(key, replace(table, indexes=kept))
    return replace(known, tables=tables)


def _renamed(known: Known, step: DdlStep, is_judged: bool) -> Known:
    """RENAME TO and SET SCHEMA of a table: the same table, as new as before."""
    key = known.qualified((step.schema, step.name or ""))
    schema, _, name = key.partition(".")
    after = f"{step.new_schema or schema}.{step.new_name or name}"
    table = known.tables.get(key)
    tables = {name: each for name, each in known.tables.items() if name != key}
    if table is not None:
        tables[after] = replace(table, schema=step.new_schema or schema, name=step.new_name or name)
    return replace(
        known,
        tables=Layered({at: _pointing(each, key, after) for at, each in tables.items()}),
        whole=_moved(known.whole, key, after),
        new=_moved(known.new, key, after),
        gone=known.gone.having(key, True).without(after),
    )


def _pointing(table: Table, old: str, new: str) -> Table:
    """References to a renamed table follow it."""
    if table.partition_of == old:
        table = replace(table, partition_of=new)
    if not any(each.references == old for each in table.constraints):
        return table
    keys = (replace(each, references=new) if each.references == old else each for each in table.constraints)
    return replace(table, constraints=tuple(keys))


def _moved(names: Layered[bool], old: str, new: str) -> Layered[bool]:
    return names.without(old).having(new, True) if old in names else names.without(new)


def _renamed_index(known: Known, step: DdlStep, is_judged: bool) -> Known:
    tables = known.tables
    for key, table in known.tables.items():
        if any(each.name == step.name for each in table.indexes):
            indexes = (replace(each, name=step.new_name or each.name) if each.name == step.name else each
                       for each in table.indexes)  # fmt: skip
            tables = tables.having(key, replace(table, indexes=tuple(indexes)))
    return replace(known, tables=tables)


def _partition(known: Known, step: DdlStep, is_judged: bool) -> Known:
    """ATTACH and DETACH PARTITION."""
    key, parent = known.qualified(step.names[0]), known.qualified((step.schema, step.name or ""))
    attached = step.command == "attach partition"
    table = known.tables.get(key) or _unknown(key, step)
    table = replace(table, partition_of=parent if attached else None,
                    partition_bound=step.partition_bound if attached else None)  # fmt: skip
    return replace(known, tables=known.tables.having(key, table))


def _created_type(known: Known, step: DdlStep, is_judged: bool) -> Known:
    if step.user_type is None:
        return known
    schema = step.schema or next(iter(known.search_path), "public")
    key = f"{schema}.{step.name}"
    constrained = {**known.constrained, key: bool(step.constraints)} if step.kind == "domain" else known.constrained
    return replace(known, types={**known.types, key: replace(step.user_type, schema=schema)}, constrained=constrained)


def _changed_enum(known: Known, step: DdlStep, is_judged: bool) -> Known:
    key = known.qualified((step.schema, step.name or ""))
    found = known.types.get(key)
    if found is None or step.value is None:
        return known
    if step.command == "add enum value":
        labels = found.labels if step.value in found.labels else (*found.labels, step.value)
    else:
        labels = tuple(step.new_name or each if each == step.value else each for each in found.labels)
    return replace(known, types={**known.types, key: replace(found, labels=labels)})


def _constrained_domain(known: Known, step: DdlStep, is_judged: bool) -> Known:
    key = known.qualified((step.schema, step.name or ""))
    return replace(known, constrained={**known.constrained, key: True})


def _dropped_type(known: Known, step: DdlStep, is_judged: bool) -> Known:
    gone = {known.qualified(name) for name in step.names}
    return replace(known, types={key: each for key, each in known.types.items() if key not in gone})


def _created_function(known: Known, step: DdlStep, is_judged: bool) -> Known:
    if step.name is None or step.volatility is None:
        return known
    made = KnownFunction(volatility=step.volatility, body=step.body)
    return replace(known, functions={**known.functions, step.name.lower(): made})


def _altered_function(known: Known, step: DdlStep, is_judged: bool) -> Known:
    found = known.functions.get((step.name or "").lower())
    if found is None or step.volatility is None:
        return known
    changed_one = replace(found, volatility=step.volatility)
    return replace(known, functions={**known.functions, (step.name or "").lower(): changed_one})


def _filled(known: Known, step: DdlStep, is_judged: bool) -> Known:
    """Rows come: an empty table is so no longer."""
    key = known.qualified((step.schema, step.name or ""))
    table = known.tables.get(key)
    if table is None or table.rows != 0.0:
        return known
    return replace(known, tables=known.tables.having(key, replace(table, rows=None)))


def _set(known: Known, step: DdlStep, is_judged: bool) -> Known:
    """SET search_path: where bare names belong from there on."""
    if step.setting is None or step.setting[0] != "search_path":
        return known
    path = tuple(each.strip().strip("\"'") for each in step.setting[1].split(","))
    return replace(known, search_path=tuple(each for each in path if each not in ("", "$user", "pg_catalog"))
                   or known.search_path)  # fmt: skip


def _renamed_any(known: Known, step: DdlStep, is_judged: bool) -> Known:
    return _renamed(known, step, is_judged) if step.kind in ("table", "materialized view") else known


_ON_SCHEMA: dict[str, OnSchema] = {
    "create table": _created,
    "create table as": _created,
    "create table partition of": _created,
    "create materialized view": _created,
    "drop table": _dropped,
    "drop materialized view": _dropped,
    "drop index": _dropped_index,
    "drop index concurrently": _dropped_index,
    "rename table": _renamed,
    "rename materialized view": _renamed,
    "set schema": _renamed_any,
    "rename index": _renamed_index,
    "attach partition": _partition,
    "detach partition": _partition,
    "detach partition concurrently": _partition,
    "create type": _created_type,
    "create domain": _created_type,
    "add enum value": _changed_enum,
    "rename enum value": _changed_enum,
    "add domain constraint": _constrained_domain,
    "add domain constraint not valid": _constrained_domain,
    "set domain not null": _constrained_domain,
    "drop type": _dropped_type,
    "drop domain": _dropped_type,
    "create function": _created_function,
    "alter function": _altered_function,
    "insert": _filled,
    "copy from": _filled,
    "merge": _filled,
    "set": _set,
}
