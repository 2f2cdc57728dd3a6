"""Column statistics of a twin: from the snapshot's records to rows, and into `pg_statistic`."""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import psycopg

from pgadvisor.model.catalog import ColumnStatistics, Index, Table
from pgadvisor.planner.twin_access import has_domain_checks
from pgadvisor.planner.twin_relations import Relations, TwinColumn, TwinRelation

Row = dict[str, Any]
"""What one row of `pg_statistic` is made from, by the names of `_FIELDS`."""

BATCH_ROWS = 500
"""In one statement: it locks each of its tables."""

_FIELDS = """
    schema text, relation text, number smallint, oid oid, type oid, collation_oid oid, with_children boolean,
    null_fraction real, width integer, n_distinct real, correlation real,
    common_values text[], common_frequencies real[], bounds text[],
    elements text[], element_frequencies real[], element_counts real[],
    range_bounds text[], range_lengths text[], range_empty_fraction real
"""

# PostgreSQL 18 and later. It answers false, with a warning, where it left something out.
_RESTORE = f"""/* pgadvisor */
SELECT pg_catalog.pg_restore_attribute_stats(
    'schemaname', s.schema, 'relname', s.relation, 'attnum', s.number, 'inherited', s.with_children,
    'null_frac', s.null_fraction, 'avg_width', s.width, 'n_distinct', s.n_distinct, 'correlation', s.correlation,
    'most_common_vals', s.common_values::text, 'most_common_freqs', s.common_frequencies,
    'histogram_bounds', s.bounds::text,
    'most_common_elems', s.elements::text, 'most_common_elem_freqs', s.element_frequencies,
    'elem_count_histogram', s.element_counts,
    'range_bounds_histogram', s.range_bounds::text, 'range_length_histogram', s.range_lengths::text,
    'range_empty_frac', s.range_empty_fraction)
FROM pg_catalog.json_to_recordset(%s) AS s({_FIELDS})
"""

# Below 18, into the catalog itself, as ANALYZE writes it (src/include/catalog/pg_statistic.h): a slot a kind, each with
# its operator, which the planner compares with that of the index or clause at hand. A type's operators are those of its
# own default B-tree class, else of the class for all types of its kind, else of a type with the same bytes. Words of a
# tsvector are compared as text.
_INSERT = f"""/* pgadvisor */
WITH RECURSIVE s AS MATERIALIZED (
    SELECT * FROM pg_catalog.json_to_recordset(%s) AS s({_FIELDS})
),
base(type, base) AS (
    SELECT DISTINCT type, type FROM s
    UNION ALL
    SELECT b.type, t.typbasetype FROM base AS b JOIN pg_catalog.pg_type AS t ON t.oid = b.base WHERE t.typtype = 'd'
),
wanted AS (
    SELECT b.type, t.oid AS base, t.typtype,
           CASE WHEN t.oid = 'pg_catalog.tsvector'::pg_catalog.regtype THEN 'pg_catalog.text'::pg_catalog.regtype::oid
                WHEN t.typlen = -1 THEN t.typelem ELSE 0::oid END AS element
    FROM base AS b JOIN pg_catalog.pg_type AS t ON t.oid = b.base
    WHERE t.typtype <> 'd'
),
operators AS (
    SELECT u.type, p.equal, p.less
    FROM (SELECT base AS type FROM wanted UNION SELECT element FROM wanted WHERE element <> 0) AS u
    JOIN pg_catalog.pg_type AS t ON t.oid = u.type
    CROSS JOIN LATERAL (
        SELECT e.amopopr AS equal, l.amopopr AS less
        FROM pg_catalog.pg_opclass AS c
        JOIN pg_catalog.pg_am AS m ON m.oid = c.opcmethod AND m.amname = 'btree'
        JOIN pg_catalog.pg_amop AS e ON e.amopfamily = c.opcfamily AND e.amopstrategy = 3
                                    AND e.amoplefttype = c.opcintype AND e.amoprighttype = c.opcintype
        JOIN pg_catalog.pg_amop AS l ON l.amopfamily = c.opcfamily AND l.amopstrategy = 1
                                    AND l.amoplefttype = c.opcintype AND l.amoprighttype = c.opcintype
        LEFT JOIN pg_catalog.pg_cast AS k ON k.castsource = u.type AND k.casttarget = c.opcintype
                                         AND k.castmethod = 'b' AND k.castcontext = 'i'
        WHERE c.opcdefault
          AND (c.opcintype = u.type
               OR c.opcintype = CASE WHEN t.typtype = 'e' THEN 'pg_catalog.anyenum'::pg_catalog.regtype
                                     WHEN t.typtype = 'r' THEN 'pg_catalog.anyrange'::pg_catalog.regtype
                                     WHEN t.typtype = 'c' THEN 'pg_catalog.record'::pg_catalog.regtype
                                     WHEN t.typcategory = 'A' THEN 'pg_catalog.anyarray'::pg_catalog.regtype END
               OR k.oid IS NOT NULL)
        ORDER BY c.opcintype = u.type DESC, k.oid IS NULL DESC, c.opcintype = 'pg_catalog.text'::pg_catalog.regtype DESC
        LIMIT 1
    ) AS p
)
INSERT INTO pg_catalog.pg_statistic (
    starelid, staattnum, stainherit, stanullfrac, stawidth, stadistinct,
    stakind1, staop1, stacoll1, stanumbers1, stavalues1,
    stakind2, staop2, stacoll2, stanumbers2, stavalues2,
    stakind3, staop3, stacoll3, stanumbers3, stavalues3,
    stakind4, staop4, stacoll4, stanumbers4, stavalues4,
    stakind5, staop5, stacoll5, stanumbers5, stavalues5)
SELECT s.oid, s.number, s.with_children, s.null_fraction, s.width, s.n_distinct,
       CASE WHEN s.common_values IS NULL OR o.equal IS NULL THEN 0 ELSE 1 END,
       CASE WHEN s.common_values IS NULL OR o.equal IS NULL THEN 0 ELSE o.equal END,
       CASE WHEN s.common_values IS NULL OR o.equal IS NULL THEN 0 ELSE s.collation_oid END,
       CASE WHEN o.equal IS NOT NULL THEN s.common_frequencies END,
       CASE WHEN o.equal IS NOT NULL THEN pg_catalog.array_in(s.common_values::text::cstring, w.base, -1) END,
       CASE WHEN s.bounds IS NULL OR o.less IS NULL THEN 0 ELSE 2 END,
       CASE WHEN s.bounds IS NULL OR o.less IS NULL THEN 0 ELSE o.less END,
       CASE WHEN s.bounds IS NULL OR o.less IS NULL THEN 0 ELSE s.collation_oid END,
       NULL::real[],
       CASE WHEN o.less IS NOT NULL THEN pg_catalog.array_in(s.bounds::text::cstring, w.base, -1) END,
       CASE WHEN s.correlation IS NULL OR o.less IS NULL THEN 0 ELSE 3 END,
       CASE WHEN s.correlation IS NULL OR o.less IS NULL THEN 0 ELSE o.less END,
       CASE WHEN s.correlation IS NULL OR o.less IS NULL THEN 0 ELSE s.collation_oid END,
       CASE WHEN s.correlation IS NOT NULL AND o.less IS NOT NULL THEN ARRAY[s.correlation] END,
       NULL,
       CASE WHEN s.elements IS NOT NULL AND e.equal IS NOT NULL THEN 4
            WHEN s.range_bounds IS NOT NULL THEN 7 ELSE 0 END,
       CASE WHEN s.elements IS NOT NULL AND e.equal IS NOT NULL THEN e.equal ELSE 0 END,
       CASE WHEN s.elements IS NULL OR e.equal IS NULL THEN 0
            WHEN w.base = 'pg_catalog.tsvector'::pg_catalog.regtype
            THEN 'pg_catalog.default'::pg_catalog.regcollation ELSE s.collation_oid END,
       CASE WHEN e.equal IS NOT NULL THEN s.element_frequencies END,
       CASE WHEN s.elements IS NOT NULL AND e.equal IS NOT NULL
            THEN pg_catalog.array_in(s.elements::text::cstring, w.element, -1)
            WHEN s.range_bounds IS NOT NULL THEN pg_catalog.array_in(s.range_bounds::text::cstring, w.base, -1) END,
       CASE WHEN s.element_counts IS NOT NULL AND e.equal IS NOT NULL THEN 5
            WHEN s.range_lengths IS NOT NULL THEN 6 ELSE 0 END,
       CASE WHEN s.element_counts IS NOT NULL AND e.equal IS NOT NULL THEN e.equal
            WHEN s.range_lengths IS NOT NULL THEN 'pg_catalog.<(float8,float8)'::pg_catalog.regoperator::oid ELSE 0 END,
       CASE WHEN s.element_counts IS NOT NULL AND e.equal IS NOT NULL THEN s.collation_oid ELSE 0 END,
       COALESCE(CASE WHEN e.equal IS NOT NULL THEN s.element_counts END,
                CASE WHEN s.range_lengths IS NOT NULL THEN ARRAY[s.range_empty_fraction] END),
       CASE WHEN s.range_lengths IS NOT NULL
            THEN pg_catalog.array_in(s.range_lengths::text::cstring,
                                     'pg_catalog.float8'::pg_catalog.regtype, -1) END
FROM s
JOIN wanted AS w ON w.type = s.type
LEFT JOIN operators AS o ON o.type = w.base
LEFT JOIN operators AS e ON e.type = w.element AND w.element <> 0
RETURNING true
"""


def statistics_rows(tables: Sequence[Table], relations: Relations) -> Iterator[Row]:
    """The statistics of all columns and index expressions of tables that the twin has."""
    for table in tables:
        relation = relations.get((table.schema, table.name))
        if relation is not None:
            yield from _table_rows(table, relation)
        for index in table.indexes:
            made = relations.get((index.schema, index.name))
            if made is not None:
                yield from _index_rows(index, made)


def _table_rows(table: Table, relation: TwinRelation) -> Iterator[Row]:
    for column in table.columns:
        there = relation.columns.get(column.name)
        for statistics in (column.statistics, column.statistics_with_children):
            if there is not None and statistics is not None:
                # A partitioned table has no rows of its own, and snapshots of old did not say it.
                covers = statistics.with_children or table.kind == "partitioned table"
                yield _row(table.schema, table.name, relation, there, statistics, with_children=covers)


def _index_rows(index: Index, relation: TwinRelation) -> Iterator[Row]:
    by_number = {column.number: column for column in relation.columns.values()}
    for place, key in enumerate(index.keys, 1):
        if key.statistics is not None and place in by_number:
            there = by_number[place]
            covers = key.statistics.with_children
            yield _row(index.schema, index.name, relation, there, key.statistics, with_children=covers)


def _row(
    schema: str, name: str, relation: TwinRelation, column: TwinColumn, found: ColumnStatistics, *, with_children: bool
) -> Row:
    has_common = bool(found.most_common_values) and bool(found.most_common_frequencies)
    has_elements = bool(found.common_elements) and bool(found.common_element_frequencies)
    return {
        "schema": schema,
        "relation": name,
        "number": column.number,
        "oid": relation.oid,
        "type": column.type,
        "collation_oid": column.collation,
        "with_children": with_children,
        "null_fraction": found.null_fraction,
        "width": found.average_width_bytes,
        "n_distinct": found.n_distinct,
        "correlation": found.correlation,
        "common_values": found.most_common_values if has_common else None,
        "common_frequencies": found.most_common_frequencies if has_common else None,
        "bounds": _bounds(found),
        "elements": found.common_elements if has_elements else None,
        "element_frequencies": found.common_element_frequencies if has_elements else None,
        "element_counts": found.element_count_histogram or None,
        "range_bounds": found.range_bounds or None,
        "range_lengths": tuple(map(repr, found.range_lengths)) if found.range_bounds else None,
        "range_empty_fraction": found.range_empty_fraction if found.range_bounds else None,
    }


def _bounds(found: ColumnStatistics) -> tuple[str, ...] | None:
    """The histogram's bounds, the outer ones the column's present ends where those are known: so the planner reads
    them from an index there, and finds nothing here."""
    bounds = found.histogram_bounds
    if bounds is None or len(bounds) < 2:
        return None
    first = bounds[0] if found.smallest is None else found.smallest
    last = bounds[-1] if found.largest is None else found.largest
    return (first, *bounds[1:-1], last)


def write_statistics(connection: psycopg.Connection, owner: psycopg.Connection, rows: Sequence[Row]) -> list[Row]:
    """Writes them in batches; gives back those that the twin did not take, or not wholly.

    To read a value of a domain runs its checks: so the owner writes them where it may, and before PostgreSQL 18, where
    only the superuser, `connection`, may, there must be no check.
    """
    if connection.info.server_version >= 180_000:
        connection, statement = owner, _RESTORE
    elif has_domain_checks(connection):
        return list(rows)
    else:
        statement = _INSERT
    left: list[Row] = []
    for start in range(0, len(rows), BATCH_ROWS):
        left += _written(connection, statement, rows[start : start + BATCH_ROWS])
    return left


def _written(connection: psycopg.Connection, statement: str, rows: Sequence[Row]) -> list[Row]:
    """One batch; one that is refused is halved until the row at fault is alone."""
    try:
        taken = connection.execute(statement.encode(), (msgspec.json.encode(rows).decode(),)).fetchall()
    except psycopg.Error:
        if len(rows) == 1:
            return list(rows)
        middle = len(rows) // 2
        return [
            *_written(connection, statement, rows[:middle]),
            *_written(connection, statement, rows[middle:]),
        ]
    return [row for row, (is_whole,) in zip(rows, taken, strict=True) if not is_whole]
