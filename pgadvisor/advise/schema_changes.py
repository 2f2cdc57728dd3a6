"""What changed between two runs beside the statements: server, settings, extensions, tables, columns, indexes."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from pgadvisor.model.catalog import Extension, Index, Server, Setting, Table
from pgadvisor.model.changes import SchemaChange
from pgadvisor.model.snapshot import Snapshot

GROWN = 1.5
"""A table of half as many rows again has other plans and other times; of less growth nobody asks."""
MANY_ROWS = 10_000
"""Below so many rows growth is not felt."""
_TOLD_ELSEWHERE = frozenset(("server_version_num",))


def tables_changed(now: Sequence[Table], before: Sequence[Table]) -> tuple[SchemaChange, ...]:
    """What is different in the tables; of partitions only the partitioned table tells. None known: no difference."""
    if not now or not before:
        return ()
    tables, known = ({each.qualified: each for each in run if not each.partition_of} for run in (now, before))
    found = [SchemaChange(what="table", change="new", table=name, rows_after=tables[name].rows)
             for name in sorted(tables.keys() - known.keys())]  # fmt: skip
    found += [SchemaChange(what="table", change="gone", table=name, rows_before=known[name].rows)
              for name in sorted(known.keys() - tables.keys())]  # fmt: skip
    for name in sorted(tables.keys() & known.keys()):
        found += [*_rows(tables[name], known[name]), *_columns(tables[name], known[name])]
        found += _indexes(tables[name], known[name])
    return tuple(found)


def server_changed(now: Server | None, before: Server | None) -> tuple[SchemaChange, ...]:
    """The version, where it is another."""
    if now is None or before is None or not before.version or now.version == before.version:
        return ()
    return (SchemaChange(what="server", change="changed", value_before=before.version, value_after=now.version),)


def surroundings_changed(now: Snapshot, before: Snapshot | None) -> tuple[SchemaChange, ...]:
    """Settings and extensions that are others; only snapshots hold them."""
    if before is None:
        return ()
    return (*_settings(now.settings, before.settings), *_extensions(now.extensions, before.extensions))


def own_indexes(table: Table) -> dict[str, Index]:
    """Its indexes by name, without those of a partitioned table's parts."""
    return {index.name: index for index in table.indexes if not index.partition_of}


def shape(index: Index) -> str:
    """Its definition without its name: two of the same shape are one index under two names."""
    return index.definition.partition(" ON ")[2] + ("" if index.is_valid else " INVALID")


def _rows(table: Table, before: Table) -> Iterator[SchemaChange]:
    more, less = max(table.rows or 0.0, before.rows or 0.0), min(table.rows or 0.0, before.rows or 0.0)
    if table.rows is not None and before.rows is not None and more >= max(MANY_ROWS, GROWN * less):
        yield SchemaChange(
            what="rows", change="changed", table=table.qualified, rows_before=before.rows, rows_after=table.rows
        )


def _columns(table: Table, before: Table) -> Iterator[SchemaChange]:
    columns, known = ({each.name: each for each in run.columns} for run in (table, before))
    for name, column in columns.items():
        if name not in known:
            yield SchemaChange(what="column", change="new", table=table.qualified, column=name, type_after=column.type)
        elif column.type != known[name].type:
            yield SchemaChange(
                what="column", change="changed", table=table.qualified, column=name, type_before=known[name].type,
                type_after=column.type,
            )  # fmt: skip
        elif column.not_null != known[name].not_null:
            old, new = ("NOT NULL" if each.not_null else "NULL" for each in (known[name], column))
            yield SchemaChange(what="column", change="changed", table=table.qualified, column=name, value_before=old,
                               value_after=new)  # fmt: skip
    for name in known.keys() - columns.keys():
        yield SchemaChange(
            what="column", change="gone", table=table.qualified, column=name, type_before=known[name].type
        )


def _indexes(table: Table, before: Table) -> Iterator[SchemaChange]:
    """Made, dropped, made anew in another shape, or no more valid."""
    indexes, known = own_indexes(table), own_indexes(before)
    for name in sorted(indexes.keys() | known.keys()):
        index, was = indexes.get(name), known.get(name)
        if index is not None and was is not None and shape(index) == shape(was):
            continue
        shown = index or was
        yield SchemaChange(
            what="index",
            change=_change(name in known, name in indexes),
            table=table.qualified,
            index=f"{shown.schema}.{shown.name}" if shown else None,
            value_before=_validity(was, index),
            value_after=_validity(index, was),
        )


def _change(was_there: bool, is_there: bool) -> Literal["new", "gone", "changed"]:
    return "new" if not was_there else "changed" if is_there else "gone"


def _validity(index: Index | None, other: Index | None) -> str | None:
    if index is None or (other is not None and index.is_valid == other.is_valid):
        return None
    return "valid" if index.is_valid and other is not None else None if index.is_valid else "invalid"


def _settings(now: Sequence[Setting], before: Sequence[Setting]) -> Iterator[SchemaChange]:
    known: Mapping[str, Setting] = {each.name: each for each in before}
    for each in sorted(now, key=lambda each: each.name):
        was = known.get(each.name)
        if was is not None and was.value != each.value and each.name not in _TOLD_ELSEWHERE:
            yield SchemaChange(
                what="setting", change="changed", setting=each.name, value_before=_value(was), value_after=_value(each)
            )


def _value(setting: Setting) -> str:
    """As one would write it; PostgreSQL counts in its own units: 16384 of 8kB."""
    if not setting.unit:
        return setting.value or "''"
    return f"{setting.value} × {setting.unit}" if setting.unit[0].isdigit() else f"{setting.value} {setting.unit}"


def _extensions(now: Sequence[Extension], before: Sequence[Extension]) -> Iterator[SchemaChange]:
    versions, known = ({each.name: each.version for each in run} for run in (now, before))
    for name in sorted(versions.keys() | known.keys()):
        if versions.get(name) != known.get(name):
            yield SchemaChange(
                what="extension",
                change=_change(name in known, name in versions),
                setting=name,
                value_before=known.get(name),
                value_after=versions.get(name),
            )
