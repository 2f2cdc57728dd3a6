"""The relations of a twin: what they are called there, their columns and their files."""

import psycopg
from psycopg.rows import dict_row

from pgadvisor.model.record import Record

_RELATIONS = """/* pgadvisor */
SELECT c.oid::bigint AS oid, n.nspname AS schema, c.relname AS name, m.amname AS method,
       pg_catalog.pg_relation_filepath(c.oid) AS file
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_am AS m ON m.oid = c.relam
WHERE c.relkind IN ('r', 'p', 'm', 'f', 'i', 'I')
  AND n.nspname NOT IN ('pg_catalog', 'pg_toast', 'information_schema')
"""

# An index's column has the type that the index stores, which for GIN and GiST is not that of the expression: the
# operator class knows it, or, where that takes any array, the type of arrays of what is stored.
_COLUMNS = """/* pgadvisor */
SELECT a.attrelid::bigint AS relation, a.attname AS name, a.attnum AS number,
       CASE WHEN COALESCE(o.opckeytype, 0) = 0 THEN a.atttypid
            WHEN o.opcintype = 'pg_catalog.anyarray'::pg_catalog.regtype THEN t.typarray
            ELSE o.opcintype END::bigint AS type,
       a.attcollation::bigint AS collation
FROM pg_catalog.pg_attribute AS a
JOIN pg_catalog.pg_class AS c ON c.oid = a.attrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid
LEFT JOIN pg_catalog.pg_index AS i ON i.indexrelid = a.attrelid
LEFT JOIN pg_catalog.pg_opclass AS o ON o.oid = (i.indclass::pg_catalog.oid[])[a.attnum - 1]
WHERE c.relkind IN ('r', 'p', 'm', 'f', 'i', 'I')
  AND n.nspname NOT IN ('pg_catalog', 'pg_toast', 'information_schema')
  AND a.attnum > 0
  AND NOT a.attisdropped
"""


class TwinColumn(Record):
    """A column of a twin's table or index."""

    number: int
    type: int
    """The oid of its type; for a key of an index that of the indexed expression."""
    collation: int


class TwinRelation(Record):
    """A table or index of a twin."""

    oid: int
    method: str | None
    """`heap`, `btree`, …"""
    file: str | None
    """Its first file, below the data directory; None: it has none, as a partitioned table."""
    columns: dict[str, TwinColumn]


Relations = dict[tuple[str, str], TwinRelation]
"""By schema and name."""


def read_relations(connection: psycopg.Connection) -> Relations:
    """All relations of users on the twin."""
    columns: dict[int, dict[str, TwinColumn]] = {}
    with connection.cursor(row_factory=dict_row) as cursor:
        for row in cursor.execute(_COLUMNS):
            column = TwinColumn(number=row["number"], type=row["type"], collation=row["collation"])
            columns.setdefault(row["relation"], {})[row["name"]] = column
        return {
            (row["schema"], row["name"]): TwinRelation(
                oid=row["oid"], method=row["method"], file=row["file"], columns=columns.get(row["oid"], {})
            )
            for row in cursor.execute(_RELATIONS)
        }
