"""CREATE INDEX on the twin over no rows, many at a time; each is hidden before another session can see it."""

from collections.abc import Iterator, Sequence
from itertools import count
from typing import Any, LiteralString, NamedTuple

import psycopg

from pgadvisor.errors import WhatIfError
from pgadvisor.model.record import Record
from pgadvisor.model.whatif import HypotheticalIndex
from pgadvisor.planner.explaining import reason_of
from pgadvisor.sql.index_ddl import IndexDdl, read_create_index
from pgadvisor.sql.parse import Unread

CHUNK = 200
"""Indexes of one transaction, those on partitions with them: it locks each, and one that fails at the end of its time
fails them all."""
_TAKEN = "42P07"

_TABLES: LiteralString = """
WITH RECURSIVE below (place, oid) AS (
    SELECT a.place, c.oid
    FROM ROWS FROM (pg_catalog.unnest(%s::pg_catalog.text[]), pg_catalog.unnest(%s::pg_catalog.text[]))
        WITH ORDINALITY AS a(schema, name, place)
    JOIN pg_catalog.pg_namespace AS n ON n.nspname = a.schema
    JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid AND c.relname = a.name
    UNION
    SELECT b.place, i.inhrelid FROM below AS b
    JOIN pg_catalog.pg_class AS p ON p.oid = b.oid AND p.relkind = 'p'
    JOIN pg_catalog.pg_inherits AS i ON i.inhparent = b.oid
)
SELECT place, pg_catalog.array_agg(oid::pg_catalog.int8) FROM below GROUP BY place
"""
_MADE: LiteralString = """
WITH RECURSIVE made (place, depth, oid) AS (
    SELECT a.place, 0, c.oid
    FROM ROWS FROM (pg_catalog.unnest(%s::pg_catalog.int4[]), pg_catalog.unnest(%s::pg_catalog.text[]),
        pg_catalog.unnest(%s::pg_catalog.text[])) AS a(place, schema, name)
    JOIN pg_catalog.pg_namespace AS n ON n.nspname = a.schema
    JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid AND c.relname = a.name::pg_catalog.name
    UNION ALL
    SELECT m.place, m.depth + 1, i.inhrelid FROM made AS m JOIN pg_catalog.pg_inherits AS i ON i.inhparent = m.oid
)
SELECT m.place, c.oid::pg_catalog.int8, c.relkind = 'i', n.nspname, c.relname
FROM made AS m
JOIN pg_catalog.pg_class AS c ON c.oid = m.oid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
ORDER BY m.place, m.depth, c.oid
"""
_THERE: LiteralString = "SELECT indexrelid::pg_catalog.int8 FROM pg_catalog.pg_index WHERE indrelid = ANY(%s)"


class NewIndex(NamedTuple):
    """An index of the twin."""

    oid: int
    has_file: bool
    """That on a partitioned table has none."""
    schema: str
    name: str


Made = tuple[NewIndex, ...]
"""The index, and after it those on partitions."""


class _Order(Record):
    """An index to make."""

    index: HypotheticalIndex
    ddl: IndexDdl
    tables: tuple[int, ...]
    """The table, and its partitions."""
    name: str
    """On the twin."""

    @property
    def statement(self) -> str:
        return self.ddl.definition(self.index.schema, self.name)


class IndexCreator:
    """Makes hidden indexes. `connection` is the owner's, in autocommit."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection
        self._numbers = count(1)
        self._created: set[int] = set()

    def create(self, indexes: Sequence[HypotheticalIndex]) -> Iterator[dict[HypotheticalIndex, Made | WhatIfError]]:
        """What became of the indexes, in parts: each a transaction."""
        orders, refused = self._orders(indexes)
        yield dict(refused)
        for chunk in _chunks(orders):
            yield self._chunk(chunk)

    def _orders(
        self, indexes: Sequence[HypotheticalIndex]
    ) -> tuple[list[_Order], dict[HypotheticalIndex, Made | WhatIfError]]:
        """What can be tried, by table, and what not."""
        tables = self._tables(sorted({(each.schema, each.table_name) for each in indexes}))
        orders, refused = [], dict[HypotheticalIndex, Made | WhatIfError]()
        for index in indexes:
            ddl = read_create_index(index.definition)
            oids = tables.get((index.schema, index.table_name))
            if isinstance(ddl, Unread):
                refused[index] = WhatIfError(ddl.reason)
            elif oids is None:
                refused[index] = WhatIfError(f'there is no table "{index.table_name}" in schema "{index.schema}"')
            else:
                orders.append(_Order(index=index, ddl=ddl, tables=oids, name=index.name))
        return sorted(orders, key=lambda order: order.tables), refused

    def _tables(self, names: Sequence[tuple[str, str]]) -> dict[tuple[str, str], tuple[int, ...]]:
        """The oids of tables and their partitions."""
        rows = self._connection.execute(_TABLES, ([each[0] for each in names], [each[1] for each in names])).fetchall()
        return {names[place - 1]: tuple(sorted(oids)) for place, oids in rows}

    def _chunk(self, orders: Sequence[_Order]) -> dict[HypotheticalIndex, Made | WhatIfError]:
        """One chunk. Where a name is taken the index gets another, which plans do not show."""
        found: dict[HypotheticalIndex, Made | WhatIfError] = {}
        again = []
        for order, (code, result) in zip(orders, self._tried(orders), strict=True):
            found[order.index] = result
            if code == _TAKEN:
                again.append(
                    _Order(index=order.index, ddl=order.ddl, tables=order.tables,
                           name=f"pgadvisor what-if {self._connection.info.backend_pid}-{next(self._numbers)}")
                )  # fmt: skip
        if again:
            found.update(zip((each.index for each in again), (made for _, made in self._tried(again)), strict=True))
        return found

    def _tried(self, orders: Sequence[_Order]) -> list[tuple[str | None, Made | WhatIfError]]:
        """Of each what was made, or the error and its SQLSTATE."""
        try:
            return self._transaction(orders)
        except psycopg.Error as error:
            if self._connection.closed:
                raise
            if len(orders) == 1:
                return [(error.sqlstate, WhatIfError(reason_of(error)))]
        return [each for order in orders for each in self._tried((order,))]

    def _transaction(self, orders: Sequence[_Order]) -> list[tuple[str | None, Made | WhatIfError]]:
        """For the moment of CREATE INDEX each table has an empty file in place of its own, and no page to read."""
        tables = sorted({oid for order in orders for oid in order.tables})
        run = self._connection.execute
        with self._connection.transaction():
            # Thousands of partitions take their time; what waits for nothing else may have it.
            run("SET LOCAL statement_timeout = '60s'")
            there = {row[0] for row in run(_THERE, (tables,)).fetchall()}
            run("SELECT pg_twin.lend_files(%s::pg_catalog.int8[])", (tables,))
            refused = {
                place - 1: (code, WhatIfError(reason))
                for place, code, reason in run(
                    "SELECT place, code, reason FROM pg_twin.try_each(%s::pg_catalog.text[])",
                    ([order.statement for order in orders],),
                ).fetchall()
            }
            run("SELECT pg_twin.give_back_files()")
            places = [place for place in range(len(orders)) if place not in refused]
            rows = run(
                _MADE, (places, [orders[each].index.schema for each in places], [orders[each].name for each in places])
            ).fetchall()
            # CREATE INDEX on a partitioned table takes in an index of a partition that is alike.
            taken_in = [row[1] for row in rows if row[1] in there]
            if taken_in:
                run("SELECT pg_twin.set_free(%s::pg_catalog.int8[])", (taken_in,))
                rows = [row for row in rows if row[1] not in there or row[1] in self._created]
            run("SELECT pg_twin.show_indexes('{}', %s::pg_catalog.int8[])", ([row[1] for row in rows],))
        made: dict[int, Made] = {}
        for place, *index in rows:
            made[place] = (*made.get(place, ()), NewIndex(*index))
            self._created.add(index[0])
        return [refused.get(place) or (None, made[place]) for place in range(len(orders))]


def _chunks(orders: Sequence[_Order]) -> Iterator[list[_Order]]:
    chunk: list[_Order] = []
    size = 0
    for order in orders:
        if chunk and size + len(order.tables) > CHUNK:
            yield chunk
            chunk, size = [], 0
        chunk.append(order)
        size += len(order.tables)
    if chunk:
        yield chunk
