"""Who may do what on a twin: a role without rights does all that a snapshot's words decide, and the superuser the rest.

What a snapshot says is SQL that a stranger may have written, and the planner runs functions. So all planning, and all
DDL, is the owner's. The superuser runs fixed statements alone, with parameters. Where one of them has to stand within
the owner's transaction it is a function with the superuser's rights, which touches nothing but what the owner owns.
"""

from typing import LiteralString

import psycopg
from psycopg import sql

OWNER = "pgadvisor"
"""Owns the schema, and has no other right."""

SUPERUSER_OPTIONS = "-c search_path=pg_catalog,pg_temp -c allow_system_table_mods=on -c client_min_messages=error"
"""No name that the superuser says means something that a stranger made."""

_MAKE: LiteralString = """
CREATE SCHEMA pg_twin;
GRANT USAGE ON SCHEMA pg_twin TO pgadvisor;
CREATE TABLE pg_twin.lent (
    oid oid PRIMARY KEY, filenode oid, tablespace oid, pages integer, rows real, visible integer, loan text
);

CREATE FUNCTION pg_twin.show_indexes(shown bigint[], hidden bigint[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off AS $$
BEGIN
    UPDATE pg_index SET indisvalid = indexrelid = ANY (shown::oid[])
    WHERE indexrelid = ANY (shown::oid[] || hidden::oid[])
      AND (SELECT relowner FROM pg_class WHERE oid = indrelid) = 'pgadvisor'::regrole;
END $$;

CREATE FUNCTION pg_twin.set_free(parts bigint[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    one oid;
BEGIN
    FOR one IN
        SELECT oid FROM pg_class
        WHERE oid = ANY (parts::oid[]) AND relkind IN ('i', 'I') AND relowner = 'pgadvisor'::regrole
    LOOP
        DELETE FROM pg_inherits WHERE inhrelid = one;
        DELETE FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = one AND deptype IN ('P', 'S');
        UPDATE pg_class SET relispartition = false WHERE oid = one;
    END LOOP;
END $$;

CREATE FUNCTION pg_twin.try_each(statements text[])
RETURNS TABLE (place integer, code text, reason text)
LANGUAGE plpgsql AS $$
BEGIN
    FOR at IN 1 .. pg_catalog.cardinality(statements) LOOP
        BEGIN
            EXECUTE statements[at];
        EXCEPTION WHEN OTHERS THEN
            place := at;
            code := SQLSTATE;
            reason := SQLERRM;
            RETURN NEXT;
        END;
    END LOOP;
END $$;

CREATE FUNCTION pg_twin.wake_indexes(woken bigint[], asleep bigint[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    tables oid[];
BEGIN
    WITH changed AS (
        UPDATE pg_index SET indislive = indexrelid = ANY (woken::oid[])
        WHERE indexrelid = ANY (woken::oid[] || asleep::oid[])
          AND (SELECT relowner FROM pg_class WHERE oid = indrelid) = 'pgadvisor'::regrole
        RETURNING indrelid
    )
    SELECT array_agg(DISTINCT indrelid) INTO tables FROM changed;
    UPDATE pg_class SET relhasindex = true WHERE oid = ANY (tables);
END $$;

CREATE FUNCTION pg_twin.lend_files(tables bigint[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    one record;
    loan text;
BEGIN
    LOCK TABLE pg_twin.lent IN EXCLUSIVE MODE;
    FOR one IN
        SELECT * FROM pg_class
        WHERE oid = ANY (tables::oid[]) AND relkind = 'r' AND relfilenode <> 0 AND relowner = 'pgadvisor'::regrole
    LOOP
        loan := 'pg_twin.for_' || one.oid;
        INSERT INTO pg_twin.lent VALUES (one.oid, one.relfilenode, one.reltablespace, one.relpages, one.reltuples,
                                         one.relallvisible, loan);
        EXECUTE 'CREATE TABLE ' || loan || ' ()';
        UPDATE pg_class SET relfilenode = pg_relation_filenode(loan::regclass), reltablespace = 0
        WHERE oid = one.oid;
    END LOOP;
END $$;

CREATE FUNCTION pg_twin.give_back_files() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    one record;
BEGIN
    UPDATE pg_class AS c
    SET relfilenode = l.filenode, reltablespace = l.tablespace, relpages = l.pages, reltuples = l.rows,
        relallvisible = l.visible
    FROM pg_twin.lent AS l WHERE c.oid = l.oid;
    FOR one IN DELETE FROM pg_twin.lent RETURNING loan LOOP
        EXECUTE 'DROP TABLE ' || one.loan;
    END LOOP;
END $$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA pg_twin FROM PUBLIC;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA pg_twin TO pgadvisor
"""
"""No user's schema can be called so: the prefix is the system's. A table that is lent has a file of its own, empty and
used once: what were written into it is read by no other. `show_indexes` always updates in the order of oids: of two
sessions one may wait for the other, but never each for the other. `wake_indexes` changes the rows of tables too: that
alone makes sessions read anew which indexes are live. `set_free` takes from an index what made it a part of one on a
partitioned table. `try_each` has the rights of its caller."""

_TRIGRAMS = sql.SQL("""
CREATE FUNCTION pg_twin.add_trigrams() RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS {};
REVOKE ALL ON FUNCTION pg_twin.add_trigrams() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION pg_twin.add_trigrams() TO pgadvisor
""")


def give_access(connection: psycopg.Connection, home: str) -> None:
    """Makes the owner, and what it may call. `connection` is the superuser's; `home`: the schema for pg_trgm."""
    database = sql.Identifier(connection.info.dbname)
    connection.execute(
        sql.SQL(
            "CREATE ROLE pgadvisor LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS;"
            " GRANT CONNECT, TEMPORARY ON DATABASE {} TO pgadvisor"
        ).format(database)
    )
    connection.execute(_MAKE)
    body = sql.SQL("CREATE EXTENSION IF NOT EXISTS pg_trgm SCHEMA {}").format(sql.Identifier(home))
    connection.execute(_TRIGRAMS.format(sql.Literal(body.as_string(None))))


def has_domain_checks(connection: psycopg.Connection) -> bool:
    """Whether a domain of the owner's has a check. A twin makes none; to read a value of the domain would run it."""
    row = connection.execute(
        "SELECT EXISTS (SELECT FROM pg_catalog.pg_constraint AS k JOIN pg_catalog.pg_type AS t ON t.oid = k.contypid"
        " WHERE t.typowner = 'pgadvisor'::pg_catalog.regrole AND k.contype = 'c')"
    ).fetchone()
    return row is None or bool(row[0])
