"""The snapshot as it will be when the migrations are done: tables, columns and indexes as the twin has them then."""

from collections.abc import Mapping

from msgspec.structs import replace

from pgadvisor.gate.schema_change import SchemaChange
from pgadvisor.model.catalog import Column, Index, Table
from pgadvisor.model.snapshot import Snapshot
from pgadvisor.planner.twin_changes import Standing, followed
from pgadvisor.sql.ddl import read_ddl
from pgadvisor.sql.parse import Unread


def snapshot_after(snapshot: Snapshot, change: SchemaChange) -> Snapshot:
    """The snapshot with what the migrations made of it; nothing is known of what is new but how it is declared."""
    renamed = followed(snapshot, change.initial, change.final)
    by_table: dict[int, list[Index]] = {}
    for oid, definition in change.definitions.items():
        if (index := index_of(change.final[oid], definition)) is not None:
            by_table.setdefault(change.final[oid].table, []).append(index)
    known = {table.qualified: table for table in renamed.tables}
    found = dict(known)
    for oid, standing in change.final.items():
        if not standing.is_index and (standing.qualified in known or oid not in change.initial):
            found[standing.qualified] = _table(standing, known, tuple(by_table.get(oid, ())))
    return replace(renamed, tables=tuple(found.values()))


def index_of(standing: Standing, definition: str) -> Index | None:
    """The record of an index from its definition; None: the definition is not understood."""
    steps = read_ddl(definition)
    index = None if isinstance(steps, Unread) else next((each.index for each in steps if each.index), None)
    return None if index is None else replace(index, schema=standing.schema, name=standing.name, definition=definition)


def _table(standing: Standing, known: Mapping[str, Table], indexes: tuple[Index, ...]) -> Table:
    table = known.get(standing.qualified) or Table(schema=standing.schema, name=standing.name)
    there = {column.name for column in table.columns}
    added = tuple(
        Column(name=each.name, type=each.type, not_null=each.not_null)
        for each in standing.columns
        if each.name not in there
    )
    return replace(table, columns=(*table.columns, *added), indexes=(*table.indexes, *indexes))
