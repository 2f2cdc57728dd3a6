"""A row for each table of a scratch database, so that what fails on rows fails there too."""

from typing import Any

import psycopg
from psycopg import sql

_EMPTY = b"""/* pgadvisor */
SELECT n.nspname, c.relname
FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)'
  AND c.relkind IN ('r', 'p') AND NOT c.relispartition
ORDER BY c.oid
"""
# What must be given: columns without a default that take no NULL.
_NEEDED = b"""/* pgadvisor */
SELECT a.attname,
       CASE WHEN t.typtype = 'e' THEN (SELECT e.enumlabel::text FROM pg_catalog.pg_enum AS e
                                       WHERE e.enumtypid = t.oid ORDER BY e.enumsortorder LIMIT 1)
            WHEN t.typcategory = 'A' THEN '{}'
            WHEN t.typtype = 'r' THEN 'empty'
            ELSE b.typname::text END,
       t.typtype = 'e' OR t.typcategory = 'A' OR t.typtype = 'r',
       (SELECT pg_catalog.format('SELECT %%I FROM %%I.%%I LIMIT 1', f.attname, fn.nspname, fc.relname)
        FROM pg_catalog.pg_constraint AS k
        JOIN pg_catalog.pg_class AS fc ON fc.oid = k.confrelid
        JOIN pg_catalog.pg_namespace AS fn ON fn.oid = fc.relnamespace
        JOIN pg_catalog.pg_attribute AS f ON f.attrelid = k.confrelid AND f.attnum = k.confkey[1]
        WHERE k.conrelid = a.attrelid AND k.contype = 'f' AND k.conkey = ARRAY[a.attnum] LIMIT 1)
FROM pg_catalog.pg_attribute AS a
JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid
JOIN pg_catalog.pg_type AS b ON b.oid = CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.oid END
WHERE a.attrelid = pg_catalog.to_regclass(%s) AND a.attnum > 0 AND NOT a.attisdropped AND a.attnotnull
  AND NOT a.atthasdef AND a.attidentity = ''
ORDER BY a.attnum
"""
_VALUES = {
    "bool": "false", "int2": "1", "int4": "1", "int8": "1", "numeric": "1", "float4": "1", "float8": "1", "text": "a",
    "varchar": "a", "bpchar": "a", "name": "a", "citext": "a", "date": "2024-01-01", "timestamp": "2024-01-01",
    "timestamptz": "2024-01-01", "time": "00:00", "timetz": "00:00+00", "interval": "1 day", "json": "{}",
    "jsonb": "{}", "bytea": "", "inet": "192.0.2.1", "cidr": "192.0.2.0/24", "tsvector": "", "hstore": "",
    "uuid": "00000000-0000-4000-8000-000000000001", "ltree": "a", "xml": "<a/>", "money": "1", "bit": "1",
}  # fmt: skip
_TRIES = 3
"""A table whose parent comes after it gets its row in a later round."""


def fill_tables(connection: psycopg.Connection[Any]) -> tuple[str, ...]:
    """Puts a row into each table without one; gives the names of those that stay empty. `connection` is the owner's."""
    pending = [(schema, name) for schema, name in connection.execute(_EMPTY).fetchall()]
    for _ in range(_TRIES):
        pending = [each for each in pending if not _has_row(connection, each)]
    return tuple(f"{schema}.{name}" for schema, name in pending)


def _has_row(connection: psycopg.Connection[Any], table: tuple[str, str]) -> bool:
    """Whether it has one, or has been given one: the server may refuse what a check or a trigger does not like."""
    name = sql.Identifier(*table)
    try:
        found = connection.execute(sql.SQL("SELECT FROM {} LIMIT 1").format(name)).fetchone()
        if found is None:
            connection.execute(*_insert(connection, table))
    except psycopg.Error as error:
        if error.sqlstate is None:
            raise
        return False
    return True


def _insert(connection: psycopg.Connection[Any], table: tuple[str, str]) -> tuple[sql.Composed, list[str]]:
    name = sql.Identifier(*table)
    columns: list[sql.Composable] = []
    values: list[sql.Composable] = []
    arguments: list[str] = []
    for column, kind, is_value, parent in connection.execute(_NEEDED, (name.as_string(None),)).fetchall():
        columns.append(sql.Identifier(column))
        if parent is not None:
            values.append(sql.SQL("({})").format(sql.SQL(parent)))
        else:
            values.append(sql.SQL("%s"))
            arguments.append(kind if is_value else _VALUES.get(kind, "1"))
    if not columns:
        return sql.SQL("INSERT INTO {} DEFAULT VALUES").format(name), []
    text = sql.SQL("INSERT INTO {} ({}) VALUES ({})")
    return text.format(name, sql.SQL(", ").join(columns), sql.SQL(", ").join(values)), arguments
