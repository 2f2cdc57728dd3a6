"""Extended statistics of a twin: the source's data under the twin's column numbers, into `pg_statistic_ext_data`.

PostgreSQL reads no text of these types (before 19). What it stores is written here as src/backend/statistics does:
mvdistinct.c, dependencies.c and mcv.c, the same in PostgreSQL 13 to 18.
"""

import json
import struct
from collections.abc import Iterator, Mapping
from typing import Any

import psycopg

from pgadvisor.model.catalog import ExtendedStatistics, ExtendedStatisticsData, Table
from pgadvisor.planner.twin_relations import Relations, TwinColumn

_HEAD = struct.Struct("=III")
_DISTINCT, _DEPENDENCIES, _COMMON = 0xA352BFA4, 0xB4549A2C, 0xE1A651C2
_ITEM = struct.Struct("=di")
_DEPENDENCY = struct.Struct("=dh")
_DIMENSION = struct.Struct("=iiii?3x")
"""How many values, their bytes, those aligned, and the type's length and whether it is passed by value."""
_FIRST_UNPINNED = 10_000
"""Types below have the same oid on every server (src/include/access/transam.h, FirstGenbkiObjectId)."""

_KINDS = ("pg_ndistinct", "pg_dependencies", "pg_mcv_list")

_DELETE = """/* pgadvisor */
DELETE FROM pg_catalog.pg_statistic_ext_data WHERE stxoid = %s
"""
_FIND = """/* pgadvisor */
SELECT s.oid::bigint FROM pg_catalog.pg_statistic_ext AS s JOIN pg_catalog.pg_namespace AS n ON n.oid = s.stxnamespace
WHERE s.stxname = %s AND (n.nspname = %s OR %s::text IS NULL) AND s.stxrelid = %s
"""
_INSERT = """/* pgadvisor */
INSERT INTO pg_catalog.pg_statistic_ext_data (stxoid, stxdndistinct, stxddependencies, stxdmcv)
VALUES (%s, %s::bytea::pg_catalog.pg_ndistinct, %s::bytea::pg_catalog.pg_dependencies,
        %s::bytea::pg_catalog.pg_mcv_list)
"""
_INSERT_15 = """/* pgadvisor */
INSERT INTO pg_catalog.pg_statistic_ext_data (stxoid, stxdndistinct, stxddependencies, stxdmcv, stxdinherit)
VALUES (%s, %s::bytea::pg_catalog.pg_ndistinct, %s::bytea::pg_catalog.pg_dependencies,
        %s::bytea::pg_catalog.pg_mcv_list, %s)
"""


def write_extended(connection: psycopg.Connection[Any], tables: tuple[Table, ...], relations: Relations) -> list[str]:
    """Writes them; gives the names of tables whose objects have no data here, or not all.

    The connection is a superuser's: the casts that it needs are made for it and dropped again.
    """
    wanted = [(table, each) for table in tables for each in table.extended_statistics if each.data]
    left = [table.qualified for table in tables for each in table.extended_statistics if not each.data]
    if wanted:
        for kind in _KINDS:
            connection.execute(f"CREATE CAST (bytea AS pg_catalog.{kind}) WITHOUT FUNCTION".encode())
        try:
            left += [table.qualified for table, each in wanted if not _is_written(connection, table, each, relations)]
        finally:
            for kind in _KINDS:
                connection.execute(f"DROP CAST (bytea AS pg_catalog.{kind})".encode())
    return list(dict.fromkeys(left))


def _is_written(
    connection: psycopg.Connection[Any], table: Table, found: ExtendedStatistics, relations: Relations
) -> bool:
    relation = relations.get((table.schema, table.name))
    if relation is None:
        return False
    row = connection.execute(_FIND, (found.name, found.schema, found.schema, relation.oid)).fetchone()
    numbers = _numbers(found, relation.columns)
    if row is None or numbers is None:
        return False
    connection.execute(_DELETE, row)
    whole = [_is_inserted(connection, row[0], data, found, numbers) for data in found.data]
    return all(whole)


def _is_inserted(
    connection: psycopg.Connection[Any],
    oid: int,
    data: ExtendedStatisticsData,
    found: ExtendedStatistics,
    numbers: Mapping[int, int],
) -> bool:
    """Whether all that the object is for is there. The statistics of its expressions are not carried over."""
    has_inherit = connection.info.server_version >= 150_000
    if data.with_children and not has_inherit:
        return False
    common = data.most_common if data.most_common and _is_portable(data.most_common) else None
    try:
        distinct, dependencies = (
            _distinct_bytes(data.n_distinct, numbers),
            _dependency_bytes(data.dependencies, numbers),
        )
    except (ValueError, LookupError, AttributeError, struct.error):
        return False  # no such text comes from PostgreSQL
    values = (oid, distinct, dependencies, common)
    try:
        if has_inherit:
            connection.execute(_INSERT_15, (*values, data.with_children))
        else:
            connection.execute(_INSERT, values)
    except psycopg.Error:
        return False
    return "expressions" not in found.kinds and (common is not None or "mcv" not in found.kinds)


def _numbers(found: ExtendedStatistics, columns: Mapping[str, TwinColumn]) -> dict[int, int] | None:
    """The twin's number of each column by the source's: they differ where the source has dropped columns. Expressions
    count down from -1 on both. None: a column is missing, or its number."""
    if len(found.columns) != len(found.numbers) or not all(name in columns for name in found.columns):
        return None
    there = (columns[name].number for name in found.columns)
    return dict(zip(found.numbers, there, strict=True)) | {-number: -number for number in range(1, 9)}


def _is_portable(most_common: bytes) -> bool:
    """Whether it is such a list, whole, and of values of types that every server knows by the same number."""
    try:
        magic, _, items, count = struct.unpack_from("=IIIh", most_common)
        at = struct.calcsize("=IIIh")
        types: tuple[int, ...] = struct.unpack_from(f"={count}I", most_common, at)
        at += 4 * count
        values = 0
        for _ in types:
            number, size, *_ = _DIMENSION.unpack_from(most_common, at)
            if number < 0 or size < 0:
                return False
            values += size
            at += _DIMENSION.size
    except struct.error:
        return False
    length = at + values + items * (count * 3 + 16)
    return bool(magic == _COMMON and types and max(types) < _FIRST_UNPINNED and length == len(most_common))


def _distinct_bytes(text: str | None, numbers: Mapping[int, int]) -> bytes | None:
    if text is None:
        return None
    items = list(_pairs(text))
    return _HEAD.pack(_DISTINCT, 1, len(items)) + b"".join(
        _ITEM.pack(count, len(columns)) + _packed(columns, numbers) for columns, count in items
    )


def _dependency_bytes(text: str | None, numbers: Mapping[int, int]) -> bytes | None:
    if text is None:
        return None
    items = list(_pairs(text.replace(" => ", ", ")))
    return _HEAD.pack(_DEPENDENCIES, 1, len(items)) + b"".join(
        _DEPENDENCY.pack(degree, len(columns)) + _packed(columns, numbers) for columns, degree in items
    )


def _pairs(text: str) -> Iterator[tuple[list[int], float]]:
    """`{"2, 3": 4000}` as columns and a figure."""
    for columns, figure in json.loads(text).items():
        yield [int(number) for number in columns.split(", ")], float(figure)


def _packed(columns: list[int], numbers: Mapping[int, int]) -> bytes:
    return struct.pack(f"={len(columns)}h", *(numbers[number] for number in columns))
