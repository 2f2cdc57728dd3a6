"""Indexes on the twin, made over no rows, get the length that they would have over the audited ones."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, LiteralString

import psycopg

from pgadvisor.errors import WhatIfError
from pgadvisor.model.record import Record
from pgadvisor.planner.explaining import Kept, RowEstimates, reason_of
from pgadvisor.planner.twin_sizes import plant_tree, resize
from pgadvisor.planner.whatif_expressions import ExpressionStatistics
from pgadvisor.planner.whatif_shapes import Definition, ShapeReader, shape_with
from pgadvisor.sizes.model import IndexPages, index_pages

SIZE_GUESSED = "the size of the index is a guess: no values of its column are known"

_PATHS: LiteralString = """
SELECT oid, pg_catalog.pg_relation_filepath(oid::pg_catalog.oid) FROM pg_catalog.unnest(%s::pg_catalog.int8[]) AS o(oid)
"""
_COUNTS: LiteralString = """
UPDATE pg_catalog.pg_class AS c SET relpages = n.pages, reltuples = n.rows
FROM ROWS FROM (pg_catalog.unnest(%s::pg_catalog.int8[]), pg_catalog.unnest(%s::pg_catalog.int8[]),
    pg_catalog.unnest(%s::pg_catalog.float8[])) AS n(oid, pages, rows)
WHERE c.oid = n.oid::pg_catalog.oid
"""


class Filled(Record):
    """An index, as long as it would be."""

    pages: IndexPages
    doubts: tuple[str, ...] = ()
    """What had to be guessed."""


class IndexFiller:
    """`connection` is the owner's and reads JSON as `RawJson`; `superuser` runs fixed statements alone. Both are in
    autocommit."""

    def __init__(self, connection: psycopg.Connection[Any], superuser: psycopg.Connection[Any]) -> None:
        self._superuser = superuser
        self._shapes = ShapeReader(connection, superuser)
        self._rows = RowEstimates(connection)
        self._expressions = ExpressionStatistics(connection, superuser)
        row = superuser.execute("SELECT pg_catalog.current_setting('data_directory')").fetchone()
        assert row is not None
        self._directory = Path(row[0])

    def fill(self, indexes: Sequence[int]) -> dict[int, Filled | WhatIfError]:
        """By the index what it became, or why its size cannot be had."""
        doubts = self._expressions.give(indexes)
        return self._filled(indexes, doubts)

    def _filled(self, indexes: Sequence[int], doubts: dict[int, tuple[str, ...]]) -> dict[int, Filled | WhatIfError]:
        """All at once; where the server refuses one of them, each alone."""
        try:
            definitions = self._shapes.read(indexes)
            self._rows.learn(each for definition in definitions.values() for each in _kept(definition))
            pages = {oid: self._pages(definition) for oid, definition in definitions.items()}
            self._grow(definitions, pages)
        except psycopg.Error as error:
            if self._superuser.closed:
                raise
            if len(indexes) == 1:
                return {indexes[0]: WhatIfError(reason_of(error))}
            return {oid: one for each in indexes for oid, one in self._filled((each,), doubts).items()}
        return {
            oid: Filled(pages=each, doubts=(*doubts.get(oid, ()), *((SIZE_GUESSED,) if each.is_guess else ())))
            for oid, each in pages.items()
        }

    def _pages(self, definition: Definition) -> IndexPages:
        whole, kept = _kept(definition)
        return index_pages(shape_with(definition, self._rows.of(kept), self._rows.of(whole)))

    def _grow(self, definitions: dict[int, Definition], pages: dict[int, IndexPages]) -> None:
        for oid, path in self._superuser.execute(_PATHS, (list(pages),)).fetchall():
            file, size = self._directory / path, pages[oid]
            resize(file, size.size_bytes)
            if definitions[oid].shape.method == "btree" and size.pages >= size.height + 2:
                plant_tree(file, size.height)
        counts = [(oid, size.pages, size.rows) for oid, size in pages.items()]
        self._superuser.execute(_COUNTS, tuple(map(list, zip(*counts, strict=True))))


def _kept(definition: Definition) -> tuple[Kept, Kept]:
    """The rows of the table, and those that stand in the index."""
    whole = Kept(definition.schema, definition.table)
    return whole, whole._replace(predicate=definition.predicate)
