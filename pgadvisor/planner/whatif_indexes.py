"""Indexes on the twin that exist for a what-if alone: really made, over no rows, as long as they would be, and hidden.

A hidden index is one that the catalog calls invalid: the planner passes it by until a transaction says otherwise.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, LiteralString

import psycopg

from pgadvisor.errors import WhatIfError
from pgadvisor.model.record import Record
from pgadvisor.model.whatif import HypotheticalIndex, IndexSize
from pgadvisor.planner.explaining import estimated_rows, reason_of
from pgadvisor.planner.twin_sizes import plant_tree, resize
from pgadvisor.planner.whatif_expressions import guess_statistics
from pgadvisor.planner.whatif_shapes import Definition, ShapeReader, shape_with
from pgadvisor.sizes.model import IndexPages, index_pages
from pgadvisor.sql.identifiers import object_name
from pgadvisor.sql.index_ddl import read_create_index
from pgadvisor.sql.parse import Unread

SIZE_GUESSED = "the size of the index is a guess: no values of its column are known"

_TABLES: LiteralString = """
WITH RECURSIVE below (oid) AS (
    SELECT pg_catalog.to_regclass(pg_catalog.format('%%I.%%I', %(schema)s::text, %(table)s::text))::pg_catalog.oid
    UNION
    SELECT i.inhrelid FROM below AS b
    JOIN pg_catalog.pg_class AS p ON p.oid = b.oid AND p.relkind = 'p'
    JOIN pg_catalog.pg_inherits AS i ON i.inhparent = b.oid
)
SELECT c.oid::pg_catalog.int8, c.relkind::pg_catalog.text
FROM below AS b JOIN pg_catalog.pg_class AS c ON c.oid = b.oid
ORDER BY c.oid
"""
_INDEXES: LiteralString = """
SELECT i.indexrelid::pg_catalog.int8, c.relkind::pg_catalog.text, c.relname
FROM pg_catalog.pg_index AS i JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid
WHERE i.indrelid = ANY(%s) ORDER BY i.indexrelid
"""
_SAME: LiteralString = """
SELECT c.relname
FROM pg_catalog.pg_index AS m
JOIN pg_catalog.pg_class AS d ON d.oid = m.indexrelid
JOIN pg_catalog.pg_index AS i ON i.indrelid = m.indrelid AND i.indexrelid <> m.indexrelid AND i.indisvalid
JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid AND c.relam = d.relam
WHERE m.indexrelid = %s
    AND (i.indnatts, i.indnkeyatts, i.indkey::text, i.indclass::text, i.indcollation::text, i.indoption::text)
        = (m.indnatts, m.indnkeyatts, m.indkey::text, m.indclass::text, m.indcollation::text, m.indoption::text)
    AND pg_catalog.pg_get_expr(i.indexprs, i.indrelid)
        IS NOT DISTINCT FROM pg_catalog.pg_get_expr(m.indexprs, m.indrelid)
    AND pg_catalog.pg_get_expr(i.indpred, i.indrelid)
        IS NOT DISTINCT FROM pg_catalog.pg_get_expr(m.indpred, m.indrelid)
ORDER BY c.relname
"""
_NAMES: LiteralString = """
SELECT c.relname FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = %s
"""


class Table(Record):
    """A table, as the catalog has it."""

    oid: int
    kind: str

    @property
    def has_file(self) -> bool:
        """A partitioned table has none."""
        return self.kind != "p"


class MadeIndex(Record):
    """A hidden index on the twin, with those on the partitions."""

    oids: tuple[int, ...]
    names: tuple[tuple[str, str], ...]
    """(name on the twin, name that plans show): they differ where the name was taken."""
    size: IndexSize


class IndexMaker:
    """Makes hidden indexes, each once. `connection` is the owner's, who makes them; `superuser` runs fixed statements
    alone. Both are in autocommit."""

    def __init__(self, connection: psycopg.Connection[Any], superuser: psycopg.Connection[Any]) -> None:
        self._connection = connection
        self._superuser = superuser
        self._shapes = ShapeReader(connection, superuser)
        row = superuser.execute("SELECT pg_catalog.current_setting('data_directory')").fetchone()
        assert row is not None
        self._directory = Path(row[0])
        self._made: dict[HypotheticalIndex, MadeIndex | WhatIfError] = {}

    @property
    def oids(self) -> tuple[int, ...]:
        """All that was made."""
        return tuple(oid for made in self._made.values() if isinstance(made, MadeIndex) for oid in made.oids)

    def make(self, index: HypotheticalIndex) -> MadeIndex:
        """The hidden index. Raises WhatIfError when the server does not make it, also the second time."""
        if index not in self._made:
            try:
                self._made[index] = self._new(index)
            except psycopg.Error as error:
                self._made[index] = WhatIfError(reason_of(error))
            except WhatIfError as error:
                self._made[index] = error
        made = self._made[index]
        if isinstance(made, WhatIfError):
            raise made
        return made

    def close(self) -> None:
        """Drops what was made."""
        tops = [made.oids[0] for made in self._made.values() if isinstance(made, MadeIndex)]
        for oid in tops:
            row = self._connection.execute("SELECT %s::pg_catalog.oid::pg_catalog.regclass::text", (oid,)).fetchone()
            if row is not None and not row[0].isdigit():
                self._connection.execute(f"DROP INDEX {row[0]}".encode())
        self._made = {}

    def _new(self, index: HypotheticalIndex) -> MadeIndex:
        ddl = read_create_index(index.definition)
        if isinstance(ddl, Unread):
            raise WhatIfError(ddl.reason)
        schema, name = index.schema, index.table_name
        tables = self._tables(schema, name)
        if ddl.is_only:
            tables = [each for each in tables if each.has_file][:1]
        taken = frozenset(row[0] for row in self._connection.execute(_NAMES, (schema,)).fetchall())
        own_name = index.name if index.name not in taken else object_name(index.name, (), "try", taken)
        made = self._create(tables, ddl.definition(schema, own_name))
        sizes = [self._fill(oid) for oid, kind, _ in made if kind == "i"]
        same = [f"{row[0]} is the same index, and is there" for row in self._connection.execute(_SAME, (made[0][0],))]
        doubts = tuple(dict.fromkeys([*same, *(doubt for _, doubts in sizes for doubt in doubts)]))
        total, rows = sum(each.size_bytes for each, _ in sizes), sum(each.rows for each, _ in sizes)
        names = tuple((real, index.name if real == own_name else real) for _, _, real in made)
        size = IndexSize(size_bytes=total, rows=rows, doubts=doubts)
        return MadeIndex(oids=tuple(oid for oid, _, _ in made), names=names, size=size)

    def _tables(self, schema: str, name: str) -> list[Table]:
        """The table and, of a partitioned one, its partitions."""
        rows = self._connection.execute(_TABLES, {"schema": schema, "table": name}).fetchall()
        if not rows:
            raise WhatIfError(f'there is no table "{name}" in schema "{schema}"')
        return [Table(oid=oid, kind=kind) for oid, kind in rows]

    def _create(self, tables: Sequence[Table], definition: str) -> list[tuple[int, str, str]]:
        """Makes the index over no rows, and hides it; gives oid, kind and name of each, the uppermost first.

        For the moment of CREATE INDEX each table has an empty file in place of its own, and no page to read.
        """
        oids = [table.oid for table in tables]
        with self._connection.transaction():
            # Thousands of partitions take their time; what waits for nothing else may have it.
            self._connection.execute("SET LOCAL statement_timeout = '60s'")
            before = {row[0] for row in self._connection.execute(_INDEXES, (oids,)).fetchall()}
            self._connection.execute("SELECT pg_twin.lend_files(%s::pg_catalog.int8[])", (oids,))
            self._connection.execute(definition.encode())
            self._connection.execute("SELECT pg_twin.give_back_files()")
            made = [row for row in self._connection.execute(_INDEXES, (oids,)).fetchall() if row[0] not in before]
            self._connection.execute(
                "SELECT pg_twin.show_indexes('{}', %s::pg_catalog.int8[])", ([oid for oid, _, _ in made],)
            )
        return sorted(made, key=lambda row: row[1] != "I")

    def _fill(self, oid: int) -> tuple[IndexPages, tuple[str, ...]]:
        """Makes the index as long as it would be; gives its pages, and what had to be guessed."""
        doubts = guess_statistics(self._connection, self._superuser, oid)
        definition = self._shapes.read(oid)
        size = index_pages(shape_with(definition, *self._rows(definition)))
        path = self._superuser.execute("SELECT pg_catalog.pg_relation_filepath(%s::pg_catalog.oid)", (oid,)).fetchone()
        assert path is not None
        file = self._directory / path[0]
        resize(file, size.size_bytes)
        if definition.shape.method == "btree" and size.pages >= size.height + 2:
            plant_tree(file, size.height)
        self._superuser.execute(
            "UPDATE pg_catalog.pg_class SET relpages = %s, reltuples = %s WHERE oid = %s", (size.pages, size.rows, oid)
        )
        return size, (*doubts, SIZE_GUESSED) if size.is_guess else doubts

    def _rows(self, definition: Definition) -> tuple[float, float]:
        """Rows that the index would hold, and rows of the table, as the planner expects them."""
        of = (definition.schema, definition.table)
        rows = estimated_rows(self._connection, *of)
        return (
            rows if definition.predicate is None else estimated_rows(self._connection, *of, definition.predicate),
            rows,
        )
