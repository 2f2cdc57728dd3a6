"""Fills a twin whose schema stands: statistics, file sizes and settings, so that it plans as the audited server."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import psycopg

from pgadvisor.model.catalog import Index, Table
from pgadvisor.model.snapshot import Gap, Snapshot
from pgadvisor.planner.twin_column_statistics import statistics_rows, write_statistics
from pgadvisor.planner.twin_extended_statistics import write_extended
from pgadvisor.planner.twin_relations import Relations, read_relations
from pgadvisor.planner.twin_settings import apply_settings
from pgadvisor.planner.twin_sizes import PAGE_BYTES, btree_height, copy_first_page, plant_tree, resize
from pgadvisor.planner.twin_statistics_gaps import misfits, never_analyzed, without_extended, without_values

_OTHER_FILES = 1_000_000_000
"""Added to the number of a file for that of another: no new server comes so far in numbering its own."""

# What CREATE INDEX and VACUUM would have left in pg_class; one statement locks nothing and is the same in all versions.
_UPDATE = """/* pgadvisor */
UPDATE pg_catalog.pg_class AS c
SET relpages = s.pages, reltuples = s.rows, relallvisible = s.visible, relfilenode = COALESCE(s.file, c.relfilenode)
FROM pg_catalog.json_to_recordset(%s) AS s(oid oid, pages integer, rows real, visible integer, file oid)
WHERE c.oid = s.oid
"""


def fill(
    connection: psycopg.Connection, owner: psycopg.Connection, snapshot: Snapshot, data_directory: Path
) -> tuple[Gap, ...]:
    """Gives the twin's database what the planner asks for beside the schema; what could not be given are Gaps.

    `connection` is the superuser's and `owner` the owner's, in autocommit. Connections made afterwards have the
    settings. To be called once, before anything is planned there.
    """
    relations = read_relations(connection)
    settings = apply_settings(connection, snapshot)
    left = write_statistics(connection, owner, list(statistics_rows(snapshot.tables, relations)))
    rows = list(_grown(data_directory, snapshot, relations, connection.info.server_version))
    connection.execute(_UPDATE, (msgspec.json.encode(rows).decode(),))
    extended = write_extended(connection, snapshot.tables, relations)
    return (
        *settings,
        *misfits(left),
        *without_extended(extended),
        *never_analyzed(snapshot),
        *without_values(snapshot),
    )


def _grown(directory: Path, snapshot: Snapshot, relations: Relations, version_num: int) -> Iterator[dict[str, Any]]:
    """Makes every file as long as the audited one, in pages: a page of the twin stands for one of the source. Gives the
    row of pg_class that goes with it."""
    block = next((int(each.value) for each in snapshot.settings if each.name == "block_size"), PAGE_BYTES)
    unknown = -1 if version_num >= 140_000 else 0
    for table in snapshot.tables:
        found = relations.get((table.schema, table.name))
        if found and table.kind != "partitioned table":
            if found.file:
                # A foreign table has no file of its own, and stands as a plain one of as many pages.
                pages = table.pages if table.heap_bytes is None else table.heap_bytes // block
                resize(directory / found.file, pages * PAGE_BYTES)
            count = unknown if table.rows is None else table.rows
            yield {"oid": found.oid, "pages": table.pages, "rows": count, "visible": table.all_visible_pages}
        for index in table.indexes:
            if made := relations.get((index.schema, index.name)):
                pages = (index.size_bytes or 0) // block
                file = _grow_index(directory / made.file, made.method, index, table, pages) if made.file else None
                seen = pages if index.pages is None else index.pages
                yield {"oid": made.oid, "pages": seen, "rows": index.rows or 0, "visible": 0, "file": file}


def _grow_index(file: Path, method: str | None, index: Index, table: Table, pages: int) -> int | None:
    """Makes the index that long. A tree goes into another file, whose number this gives: of the present one the server
    may hold the first page in memory."""
    if pages * PAGE_BYTES <= file.stat().st_size:
        return None
    height = btree_height(pages, _key_bytes(index, table)) if method == "btree" else 0
    if not height:
        resize(file, pages * PAGE_BYTES)
        return None
    number = int(file.name) + _OTHER_FILES
    other = file.with_name(str(number))
    copy_first_page(file, other)
    resize(other, pages * PAGE_BYTES)
    plant_tree(other, height)
    return number


def _key_bytes(index: Index, table: Table) -> float:
    """The average width of a key above the leaves: of the columns that tell neighbours apart, in multiples of 8 bytes;
    where all of them are equal, the row's place follows."""
    rows = max(index.rows or table.rows or 1.0, 1.0)
    width, seen, distinct, equal, expected = 0.0, 0.0, 1.0, 1.0, 0.0
    for key in index.keys:
        column = table.column(key.column) if key.column is not None else None
        statistics = column.statistics if column is not None else key.statistics
        seen += 8 if statistics is None else statistics.average_width_bytes
        expected += equal * (_aligned(seen) - width)
        width = _aligned(seen)
        count = -1.0 if statistics is None else statistics.n_distinct
        distinct *= count if count > 0 else max(1.0, -count * rows)
        equal = 1 - min(1.0, distinct / rows)
    return expected if index.is_unique else expected + equal * _aligned(1)


def _aligned(width: float) -> float:
    return 8.0 * math.ceil(width / 8)
