"""Shapes of indexes, read from a server's catalog and statistics: what the size model needs."""

import re
from collections.abc import Sequence
from typing import Any, LiteralString

import msgspec
import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from pgadvisor.model.catalog import ColumnStatistics
from pgadvisor.model.record import Record
from pgadvisor.sizes.predicate import restricted
from pgadvisor.sizes.shape import IndexShape, KeyShape

_ALIGNMENTS = {"c": 1, "s": 2, "i": 4, "d": 8}
SAMPLES = 200

_INDEX: LiteralString = """
SELECT i.indexrelid::pg_catalog.int8 AS index, i.indrelid::pg_catalog.int8 AS table, am.amname AS method,
    t.relpages AS heap_pages, x.reloptions AS options,
    i.indisunique AS is_unique, pg_catalog.pg_get_expr(i.indpred, i.indrelid) AS predicate,
    n.nspname AS schema, t.relname AS table_name
FROM pg_catalog.pg_index AS i
JOIN pg_catalog.pg_class AS x ON x.oid = i.indexrelid
JOIN pg_catalog.pg_am AS am ON am.oid = x.relam
JOIN pg_catalog.pg_class AS t ON t.oid = i.indrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = t.relnamespace
WHERE i.indexrelid = ANY(%s)
"""
_COLUMNS: LiteralString = """
SELECT i.indexrelid::pg_catalog.int8 AS index, a.attlen AS length,
    a.attalign::pg_catalog.text AS alignment, k.place > i.indnkeyatts AS is_included,
    opc.opcname AS operator_class, b.attname AS column,
    opc.opcname IS NOT NULL AND coalesce(c.collisdeterministic, true) AND EXISTS (
        SELECT FROM pg_catalog.pg_amproc AS p
        WHERE p.amprocfamily = opc.opcfamily AND p.amprocnum = 4
            AND p.amproclefttype = opc.opcintype AND p.amprocrighttype = opc.opcintype
    ) AS has_equal_images,
    CASE WHEN k.attnum = 0 THEN i.indexrelid ELSE i.indrelid END::pg_catalog.int8 AS relation,
    CASE WHEN k.attnum = 0 THEN a.attnum ELSE k.attnum END AS number
FROM pg_catalog.pg_index AS i
CROSS JOIN LATERAL pg_catalog.unnest(i.indkey::pg_catalog.int2[]) WITH ORDINALITY AS k(attnum, place)
JOIN pg_catalog.pg_attribute AS a ON a.attrelid = i.indexrelid AND a.attnum = k.place
LEFT JOIN pg_catalog.pg_attribute AS b ON b.attrelid = i.indrelid AND b.attnum = k.attnum AND k.attnum > 0
LEFT JOIN pg_catalog.pg_opclass AS opc ON k.place <= i.indnkeyatts AND opc.oid = i.indclass[k.place - 1]
LEFT JOIN pg_catalog.pg_collation AS c ON k.place <= i.indnkeyatts AND c.oid = i.indcollation[k.place - 1]
WHERE i.indexrelid = ANY(%s)
ORDER BY i.indexrelid, k.place
"""
_RELATION: LiteralString = """
SELECT n.nspname, t.relname, a.attname, a.attnum, pg_catalog.format_type(a.atttypid, a.atttypmod) AS type,
    a.attlen AS length, y.typcategory::pg_catalog.text AS category
FROM pg_catalog.pg_attribute AS a
JOIN pg_catalog.pg_type AS y ON y.oid = a.atttypid
JOIN pg_catalog.pg_class AS t ON t.oid = a.attrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = t.relnamespace
WHERE a.attrelid = %s AND a.attnum > 0
"""
# With the names as constants the view is read by its indexes, ten times faster than joined.
_STATISTICS: LiteralString = """
SELECT attname, null_frac, avg_width, n_distinct, correlation, most_common_freqs,
    most_common_vals::pg_catalog.text AS common, histogram_bounds::pg_catalog.text AS bounds,
    most_common_elems::pg_catalog.text::pg_catalog.text[] AS elements, most_common_elem_freqs, elem_count_histogram
FROM pg_catalog.pg_stats
WHERE schemaname = %(nspname)s AND tablename = %(relname)s AND NOT inherited
"""
_DISTINCT: LiteralString = """
SELECT d.stxdndistinct::pg_catalog.text AS counts
FROM pg_catalog.pg_statistic_ext AS s
JOIN pg_catalog.pg_statistic_ext_data AS d ON d.stxoid = s.oid
WHERE s.stxrelid = %s AND d.stxdndistinct IS NOT NULL
"""
_GIN = "gin"
_EVEN = frozenset({"I", "R"})
"""Categories of types whose values are about equally long: addresses and ranges."""

Row = dict[str, Any]


class Definition(Record):
    """An index, as the catalog has it."""

    shape: IndexShape
    """Without its rows: those the planner says."""
    schema: str
    """Of its table."""
    table: str
    predicate: str | None = None


class _Known(Record):
    """What the statistics hold of one column."""

    statistics: ColumnStatistics | None = None
    widths: tuple[int, ...] = ()
    values: tuple[str, ...] = ()


class ShapeReader:
    """Reads shapes; the statistics of a relation are read once, and the values of a column."""

    def __init__(self, connection: psycopg.Connection[Any], superuser: psycopg.Connection[Any] | None = None) -> None:
        """`superuser` reads extended statistics, where the other connection may not."""
        self._connection = connection
        self._superuser = superuser or connection
        self._relations: dict[int, dict[int, Row]] = {}
        self._columns: dict[tuple[int, int], _Known] = {}
        self._distinct: dict[int, dict[frozenset[int], float]] = {}

    def read(self, indexes: Sequence[int]) -> dict[int, Definition]:
        """The definitions of the indexes with those oids."""
        columns: dict[int, list[Row]] = {}
        for each in self._rows(_COLUMNS, (list(indexes),)):
            columns.setdefault(each["index"], []).append(each)
        rows = self._rows(_INDEX, (list(indexes),))
        return {row["index"]: self._definition(row, columns[row["index"]]) for row in rows}

    def _definition(self, row: Row, columns: list[Row]) -> Definition:
        settings = dict(option.split("=", 1) for option in row["options"] or ())
        included = tuple(self._key(each, row) for each in columns if each["is_included"])
        may_share = row["method"] == "btree" and not row["is_unique"] and not included
        shape = IndexShape(
            rows=0.0,
            keys=tuple(self._key(each, row) for each in columns if not each["is_included"]),
            method=row["method"],
            operator_class=columns[0]["operator_class"] or "",
            included=included,
            is_deduplicated=may_share
            and settings.get("deduplicate_items", "on") not in ("off", "false", "0")
            and all(each["has_equal_images"] for each in columns),
            fillfactor=int(settings["fillfactor"]) if "fillfactor" in settings else None,
            distinct=self._together(row["table"], columns) if row["predicate"] is None else None,
            heap_pages=row["heap_pages"],
            pages_per_range=int(settings.get("pages_per_range", "128")),
        )
        return Definition(shape=shape, schema=row["schema"], table=row["table_name"], predicate=row["predicate"])

    def _key(self, column: Row, index: Row) -> KeyShape:
        known = self._known(column["relation"], column["number"])
        return KeyShape(
            length=column["length"],
            alignment=_ALIGNMENTS[column["alignment"]],
            statistics=restricted(known.statistics, index["predicate"], column["column"]),
            widths=known.widths if column["length"] == -1 else (),
            values=known.values if index["method"] == _GIN else (),
        )

    def _together(self, table: int, columns: list[Row]) -> float | None:
        """How many different keys extended statistics count; None: there are none for these columns."""
        numbers = frozenset(each["number"] for each in columns if each["column"] is not None)
        if len(columns) < 2 or len(numbers) < len(columns):
            return None
        if table not in self._distinct:
            found: dict[frozenset[int], float] = {}
            for row in self._rows(_DISTINCT, (table,), self._superuser):
                for listed, count in re.findall(r'"([-\d, ]+)": (\d+)', row["counts"]):
                    found[frozenset(int(each) for each in listed.split(","))] = float(count)
            self._distinct[table] = found
        return self._distinct[table].get(numbers)

    def _known(self, relation: int, number: int) -> _Known:
        if (relation, number) not in self._columns:
            found = self._relation(relation).get(number)
            self._columns[relation, number] = self._read_known(found) if found else _Known()
        return self._columns[relation, number]

    def _relation(self, relation: int) -> dict[int, Row]:
        """By their numbers, the columns that have statistics."""
        if relation not in self._relations:
            columns = self._rows(_RELATION, (relation,))
            rows = self._rows(_STATISTICS, columns[0]) if columns else []
            found = {row["attname"]: row for row in rows}
            self._relations[relation] = {
                each["attnum"]: {**each, **found[each["attname"]]} for each in columns if each["attname"] in found
            }
        return self._relations[relation]

    def _read_known(self, row: Row) -> _Known:
        statistics = ColumnStatistics(
            null_fraction=row["null_frac"],
            average_width_bytes=row["avg_width"],
            n_distinct=row["n_distinct"],
            correlation=row["correlation"],
            most_common_frequencies=tuple(row["most_common_freqs"] or ()),
            common_elements=tuple(row["elements"] or ()) or None,
            common_element_frequencies=tuple(row["most_common_elem_freqs"] or ()),
            element_count_histogram=tuple(row["elem_count_histogram"] or ()),
        )
        if row["length"] != -1 or row["type"].endswith("[]"):
            return _Known(statistics=statistics)
        widths, values = self._sampled(statistics, row)
        if not widths and row["category"] in _EVEN:
            widths = (statistics.average_width_bytes,)
        return _Known(statistics=statistics, widths=widths, values=values)

    def _sampled(self, statistics: ColumnStatistics, row: Row) -> tuple[tuple[int, ...], tuple[str, ...]]:
        """Stored bytes and texts of values, each as often as its share of the rows asks."""
        sizes: list[int] = []
        texts: list[str] = []
        frequencies = statistics.most_common_frequencies
        rest = 1.0 - statistics.null_fraction - sum(frequencies)
        # A function in FROM hands its rows on as tuples, in which values have the short headers of the disk.
        query = sql.SQL(
            "SELECT pg_catalog.pg_column_size(v) AS size, v::pg_catalog.text AS text"
            " FROM pg_catalog.unnest(CAST({} AS {}[])) WITH ORDINALITY AS u(v, place) ORDER BY place"
        )
        for source, is_common in ((row["common"], True), (row["bounds"], False)):
            found = [] if source is None else self._rows(query.format(sql.Literal(source), _trusted(row["type"])))
            for place, each in enumerate(found):
                share = frequencies[place] if is_common else rest / len(found)
                times = max(round(share * SAMPLES), 0 if is_common else 1)
                sizes += [each["size"]] * times
                texts += [each["text"]] * times
        return tuple(sizes), tuple(texts)

    def _rows(
        self,
        query: LiteralString | sql.Composed,
        parameters: tuple[object, ...] | Row | None = None,
        connection: psycopg.Connection[Any] | None = None,
    ) -> list[Row]:
        with (connection or self._connection).cursor(row_factory=dict_row) as cursor:
            return cursor.execute(query, parameters).fetchall()


def shape_with(definition: Definition, rows: float, heap_rows: float) -> IndexShape:
    """The shape over so many rows, of so many in the table."""
    return msgspec.structs.replace(definition.shape, rows=max(rows, 0.0), heap_rows=max(heap_rows, 1.0))


def _trusted(kind: str) -> sql.Composable:
    """A type's name as PostgreSQL itself prints it."""
    text: Any = kind  # which psycopg types as a literal
    return sql.SQL(text)
