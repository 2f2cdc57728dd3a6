"""What stands on a twin, and the snapshot that fits a schema which was changed before the twin was filled.

Over empty files DDL rewrites and scans nothing. Sizes and statistics come afterwards, each to what became of the table,
column or index that it was of: names change, and numbers stay.
"""

from collections.abc import Callable, Mapping
from typing import Any, LiteralString

import psycopg
from msgspec.structs import replace

from pgadvisor.model.catalog import Column, ExtendedStatistics, Index, IndexKey, Table
from pgadvisor.model.record import Record
from pgadvisor.model.snapshot import Snapshot
from pgadvisor.planner.explaining import RawJson
from pgadvisor.planner.whatif_filling import IndexFiller

Change = Callable[[psycopg.Connection[Any]], None]
"""Changes the schema of a twin without rows; the connection is the owner's, in autocommit."""

_STANDING: LiteralString = """/* pgadvisor */
SELECT c.oid::pg_catalog.int8, n.nspname::pg_catalog.text, c.relname::pg_catalog.text, c.relkind IN ('i', 'I'),
       COALESCE(i.indrelid, 0)::pg_catalog.int8, COALESCE(h.inhparent, 0)::pg_catalog.int8,
       c.relkind IN ('r', 'm', 'i', 'f'),
       ARRAY(SELECT pg_catalog.row_to_json(x) FROM (
           SELECT a.attnum AS number, a.attname AS name,
                  pg_catalog.format_type(a.atttypid, a.atttypmod) AS type, a.attnotnull AS not_null
           FROM pg_catalog.pg_attribute AS a
           WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND i.indrelid IS NULL
           ORDER BY a.attnum) AS x)
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_index AS i ON i.indexrelid = c.oid
LEFT JOIN pg_catalog.pg_inherits AS h ON h.inhrelid = c.oid AND i.indrelid IS NOT NULL
WHERE c.relkind IN ('r', 'p', 'm', 'f', 'v', 'i', 'I') AND c.relpersistence <> 't'
  AND n.nspname NOT IN ('pg_catalog', 'pg_toast', 'information_schema', 'pg_twin')
"""


class StandingColumn(Record):
    """A column on the twin."""

    number: int
    name: str
    type: str
    """As `format_type` prints it."""
    not_null: bool


class Standing(Record):
    """A table, view or index on the twin."""

    oid: int
    schema: str
    name: str
    is_index: bool
    table: int
    """Of an index: its table's oid."""
    parent: int
    """Of an index that belongs to one on a partitioned table: that one's oid, else 0."""
    has_file: bool
    columns: tuple[StandingColumn, ...] = ()

    @property
    def qualified(self) -> str:
        """`schema.name`."""
        return f"{self.schema}.{self.name}"


State = Mapping[int, Standing]
"""By oid."""


def read_state(connection: psycopg.Connection[Any]) -> State:
    """What users' relations stand on the twin now."""
    rows = connection.execute(_STANDING).fetchall()
    return {
        row[0]: Standing(
            oid=row[0], schema=row[1], name=row[2], is_index=row[3], table=row[4], parent=row[5], has_file=row[6],
            columns=tuple(StandingColumn(**each) for each in row[7]),
        )
        for row in rows
    }  # fmt: skip


def successors(before: State, after: State) -> dict[int, Standing]:
    """What became of each relation: the same oid, or, of an index that was made anew, one of its name on its table."""
    found = {oid: after[oid] for oid in before if oid in after}
    anew = {(each.schema, each.name, each.table): each for oid, each in after.items() if oid not in before}
    for oid, each in before.items():
        if oid not in found and each.is_index and (made := anew.get((each.schema, each.name, each.table))):
            found[oid] = made
    return found


def made_indexes(before: State, after: State) -> tuple[Standing, ...]:
    """The indexes that were not there before under any name, those on partitions among them."""
    old = {each.oid for each in successors(before, after).values()}
    return tuple(each for oid, each in after.items() if each.is_index and oid not in old)


def followed(snapshot: Snapshot, before: State, after: State) -> Snapshot:
    """The snapshot with the tables, columns and indexes as they are called afterwards, and without those that are gone.

    What the twin could not make stays as it is.
    """
    tables = []
    by_name = {(each.schema, each.name): each for each in before.values()}
    became = successors(before, after)
    for table in snapshot.tables:
        old = by_name.get((table.schema, table.name))
        if old is None:
            tables.append(table)
        elif (new := became.get(old.oid)) is not None:
            tables.append(_followed(table, old, new, by_name, became))
    return replace(snapshot, tables=tuple(tables))


def _followed(
    table: Table, old: Standing, new: Standing, by_name: Mapping[tuple[str, str], Standing], became: State
) -> Table:
    numbers = {each.name: each.number for each in old.columns}
    columns = {each.number: each for each in new.columns}
    names = {name: columns[number].name for name, number in numbers.items() if number in columns}
    indexes = []
    for index in table.indexes:
        stood = by_name.get((index.schema, index.name))
        if stood is None or (stands := became.get(stood.oid)) is not None:
            indexes.append(_renamed(index, stood and stands, names))
    kept = [each for each in table.columns if each.name not in numbers or numbers[each.name] in columns]
    return replace(
        table,
        schema=new.schema,
        name=new.name,
        columns=tuple(_column(each, columns.get(numbers.get(each.name, 0))) for each in kept),
        indexes=tuple(indexes),
        extended_statistics=tuple(_extended(each, names, _retyped(old, columns)) for each in table.extended_statistics),
    )


def _retyped(old: Standing, columns: Mapping[int, StandingColumn]) -> frozenset[str]:
    """The columns, as they were called, that have another type or are gone."""
    return frozenset(
        each.name for each in old.columns if each.number not in columns or columns[each.number].type != each.type
    )


def _extended(found: ExtendedStatistics, names: Mapping[str, str], retyped: frozenset[str]) -> ExtendedStatistics:
    """What ANALYZE found is stored by the types that it was found for: of others it would be read as what it is not."""
    columns = tuple(names.get(each, each) for each in found.columns)
    return replace(found, columns=columns, data=() if retyped.intersection(found.columns) else found.data)


def _column(column: Column, now: StandingColumn | None) -> Column:
    return column if now is None else replace(column, name=now.name, type=now.type, not_null=now.not_null)


def _renamed(index: Index, now: Standing | None, names: Mapping[str, str]) -> Index:
    keys = tuple(_key(each, names) for each in index.keys)
    return replace(index, keys=keys) if now is None else replace(index, schema=now.schema, name=now.name, keys=keys)


def _key(key: IndexKey, names: Mapping[str, str]) -> IndexKey:
    return key if key.column is None else replace(key, column=names.get(key.column, key.column))


def size_indexes(
    superuser: psycopg.Connection[Any], owner: psycopg.Connection[Any], indexes: tuple[Standing, ...]
) -> None:
    """Gives new indexes the length that they will have. `owner`: a connection made when the twin was filled."""
    if oids := [each.oid for each in indexes if each.has_file]:
        owner.adapters.register_loader("json", RawJson)
        IndexFiller(owner, superuser).fill(oids)
