"""What tests of the twin's schema need: a source that is hard to make again, and what to compare of it and its twin."""

# ruff: noqa: E501 - queries are read as tables

from pathlib import Path

import psycopg

from pgadvisor.collect.collector import collect
from pgadvisor.collect.session import open_session
from pgadvisor.model.snapshot import Snapshot

NASTY = (Path(__file__).parent / "nasty.sql").read_text("utf-8")

_OF_USERS = "n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'"
_OF_EXTENSIONS = "SELECT FROM pg_depend AS x WHERE x.deptype = 'e'"

COMPARED = {
    # A materialized view and a foreign table stand as plain tables; of statistics and sizes others test.
    "relations": f"""
        SELECT n.nspname, c.relname, replace(replace(c.relkind::text, 'm', 'r'), 'f', 'r'), c.relpersistence,
               c.reloptions::text, c.relispartition, pg_get_partkeydef(c.oid), pg_get_expr(c.relpartbound, c.oid),
               ARRAY(SELECT i.inhparent::regclass::text FROM pg_inherits AS i WHERE i.inhrelid = c.oid ORDER BY inhseqno)
        FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE {_OF_USERS} AND NOT EXISTS ({_OF_EXTENSIONS} AND x.objid = c.oid)""",
    "columns": f"""
        SELECT n.nspname, c.relname, row_number() OVER (PARTITION BY c.oid ORDER BY a.attnum), a.attname,
               format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attgenerated, a.attidentity <> '',
               a.attcollation::regcollation::text, pg_get_expr(d.adbin, d.adrelid)
        FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace
        LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
        WHERE {_OF_USERS} AND a.attnum > 0 AND NOT a.attisdropped""",
    "indexes": f"""
        SELECT pg_get_indexdef(i.indexrelid), i.indisvalid, i.indisready, i.indisprimary, i.indimmediate
        FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE {_OF_USERS}""",
    "constraints": f"""
        SELECT k.conrelid::regclass::text, k.conname, k.contype, pg_get_constraintdef(k.oid), k.convalidated,
               k.confrelid::regclass::text, p.conname
        FROM pg_constraint AS k JOIN pg_class AS c ON c.oid = k.conrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace
        LEFT JOIN pg_constraint AS p ON p.oid = k.conparentid
        WHERE {_OF_USERS} AND k.contype <> 'n'""",
    "types": f"""
        SELECT n.nspname, t.typname, t.typtype, format_type(t.typbasetype, t.typtypmod), t.typcollation::regcollation::text,
               ARRAY(SELECT e.enumlabel FROM pg_enum AS e WHERE e.enumtypid = t.oid ORDER BY e.enumsortorder)
        FROM pg_type AS t JOIN pg_namespace AS n ON n.oid = t.typnamespace
        WHERE {_OF_USERS} AND t.typtype IN ('e', 'd', 'r', 'm', 'c') AND NOT EXISTS ({_OF_EXTENSIONS} AND x.objid = t.oid)""",
    "functions": f"""
        SELECT n.nspname, p.proname, pg_get_function_arguments(p.oid), pg_get_function_result(p.oid), p.provolatile,
               p.proisstrict, p.procost, p.prorows, p.proparallel, p.prokind
        FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace
        WHERE {_OF_USERS} AND NOT EXISTS ({_OF_EXTENSIONS} AND x.objid = p.oid)""",
    "views": f"""
        SELECT n.nspname, c.relname, pg_get_viewdef(c.oid), c.reloptions::text
        FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE {_OF_USERS} AND c.relkind = 'v' AND NOT EXISTS ({_OF_EXTENSIONS} AND x.objid = c.oid)""",
    "extended statistics": "SELECT pg_get_statisticsobjdef(oid) FROM pg_statistic_ext",
    "extensions": "SELECT extname, extnamespace::regnamespace::text FROM pg_extension WHERE extname NOT LIKE 'pg_stat%'",
}


def catalog_of(connection: psycopg.Connection, what: str) -> list[tuple[object, ...]]:
    """One kind of what a database holds, every name with its schema, in an order of its own."""
    connection.execute("SET search_path = pg_catalog; SET TimeZone = 'UTC'")
    return sorted(connection.execute(COMPARED[what].encode()).fetchall(), key=repr)


def execute(dsn: str, *statements: str) -> None:
    """Runs statements, each message as one transaction."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("SET client_min_messages = error")
        for statement in statements:
            connection.execute(statement.encode())


def collected(dsn: str) -> Snapshot:
    """What collecting finds there."""
    with open_session(dsn) as session:
        return collect(session)
