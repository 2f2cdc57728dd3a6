"""A scratch server that the user names: an empty database, never the audited one, and a role without rights in it."""

import contextlib
import secrets
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from pgadvisor.collect.connecting import connect, read_dsn
from pgadvisor.errors import ServerError, UsageError
from pgadvisor.gate.migration_needs import Needs
from pgadvisor.gate.scratch import Extensions, Scratch, make_extensions, make_roles
from pgadvisor.gate.scratch_cleaning import drop_new, owned_by_us
from pgadvisor.measure.identity import Identity, identity_behind
from pgadvisor.planner.twin_access import SUPERUSER_OPTIONS
from pgadvisor.planner.twin_schema_types import HARMLESS

_COUNTING = frozenset(("pg_stat_statements", "pg_stat_kcache", "hypopg"))
"""Extensions that count or suppose, and reach nothing outside their server."""
_HOW = "make an empty one with `CREATE DATABASE scratch` and name that"
_OBSERVER_OPTIONS = "-c search_path=pg_catalog,pg_temp -c client_min_messages=error"
_REACHING = ("pg_read_server_files", "pg_write_server_files", "pg_execute_server_program")

_ROLE = """
SELECT r.rolsuper AS is_superuser, r.rolcreaterole OR r.rolreplication OR r.rolbypassrls AS is_powerful,
       EXISTS (
           SELECT FROM pg_catalog.pg_roles AS other
           WHERE (other.rolsuper OR other.rolname = ANY (%s))
             AND pg_catalog.pg_has_role(r.oid, other.oid, 'MEMBER')
       ) AS reaches_files,
       coalesce(pg_catalog.has_schema_privilege(pg_catalog.current_schema(), 'CREATE'), false) AS may_create
FROM pg_catalog.pg_roles AS r WHERE r.rolname = current_user
"""
_HELD = """
SELECT n.nspname || '.' || c.relname AS name
FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)'
  AND c.relkind IN ('r', 'p', 'm', 'v', 'f')
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend AS d
                  WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid AND d.deptype = 'e')
ORDER BY 1 LIMIT 1
"""
_EXTENSIONS = "SELECT extname FROM pg_catalog.pg_extension"


def named_scratch(dsn: str, needs: Needs, audited: Identity | None = None) -> Scratch:
    """The database of `dsn`. A superuser makes a database and a role of its own beside it, dropped at the end; any
    other role runs the migrations in the database itself, and what they made is dropped at the end.

    Raises UsageError where it is not empty, may be the audited one, or its role could reach the server's files or may
    make nothing, and ServerError where it cannot be reached.
    """
    with connect(dsn) as connection:
        _refuse_unless_scratch(connection, audited)
        row = connection.execute(_ROLE, (list(_REACHING),)).fetchone() or {}
        if row["is_superuser"]:
            return _beside(dsn, connection, needs)
        if row["is_powerful"] or row["reaches_files"]:
            raise UsageError(
                f'"{connection.info.user}", the role of --scratch, has rights beyond its database, which migrations '
                "would run with: name a role without any that owns an empty database, or a superuser, which makes one"
            )
        if not row["may_create"]:
            raise UsageError(
                f'"{connection.info.user}", the role of --scratch, may not create tables in '
                f'"{connection.info.dbname}": name a role that owns its database'
            )
        extensions = _at_hand(connection)
    plain = make_conninfo("", **read_dsn(dsn))
    with psycopg.connect(plain, autocommit=True) as own:
        before = owned_by_us(own)

    def stop() -> None:
        # A server that is gone by now needs no cleaning, and the findings are made.
        with contextlib.suppress(psycopg.OperationalError), psycopg.connect(plain, autocommit=True) as again:
            drop_new(again, before)

    return Scratch(plain, make_conninfo(plain, options=_OBSERVER_OPTIONS), stop, extensions=extensions)


def _refuse_unless_scratch(connection: psycopg.Connection[dict[str, Any]], audited: Identity | None) -> None:
    found = identity_behind(connection)
    if audited is not None and found.is_same(audited):
        raise UsageError(f'"{found.database}" of --scratch is the audited database, or cannot be told from it: {_HOW}')
    if found.is_standby:
        raise UsageError(f'"{found.database}" of --scratch is on a standby, where nothing can be made: {_HOW}')
    held = connection.execute(_HELD).fetchone()
    if held is not None:
        raise UsageError(f'"{found.database}" of --scratch is not empty (it holds {held["name"]}): {_HOW}')
    others = {row["extname"] for row in connection.execute(_EXTENSIONS).fetchall()} - HARMLESS - _COUNTING
    if others:
        raise UsageError(
            f'"{found.database}" of --scratch has an extension that may reach outside it ({min(others)}): {_HOW}'
        )


def _at_hand(connection: psycopg.Connection[dict[str, Any]]) -> Extensions:
    rows = connection.execute(
        "SELECT DISTINCT name FROM pg_catalog.pg_available_extension_versions WHERE trusted"
    ).fetchall()
    made = connection.execute(_EXTENSIONS).fetchall()
    return Extensions(
        made=frozenset(row["extname"] for row in made), trusted=frozenset(row["name"] for row in rows) & HARMLESS
    )


def _beside(dsn: str, connection: psycopg.Connection[dict[str, Any]], needs: Needs) -> Scratch:
    """A database and a role of our own on the superuser's server."""
    name, password = f"pgadvisor_scratch_{secrets.token_hex(4)}", secrets.token_urlsafe(24)
    role = sql.Identifier(name)
    made: list[str] = [name]

    def stop() -> None:
        with connect(dsn) as again:
            again.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(role))
            for each in reversed(made):
                again.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(each)))

    try:
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(role, sql.Literal(password)))
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0 OWNER {}").format(role, role))
        observer = make_conninfo("", **{**read_dsn(dsn), "dbname": name, "options": SUPERUSER_OPTIONS})
        with psycopg.connect(observer, autocommit=True) as inside:
            inside.execute(sql.SQL("ALTER SCHEMA public OWNER TO {}").format(role))
            extensions = make_extensions(inside, needs)
            made += make_roles(inside, needs.roles, name)
        own = make_conninfo("", **{**read_dsn(dsn), "dbname": name, "user": name, "password": password})
        psycopg.connect(own).close()
        return Scratch(own, observer, stop, extensions=extensions)
    except psycopg.Error as error:
        with contextlib.suppress(psycopg.Error, ServerError):
            stop()
        words = str(error).strip().partition("\n")[0]
        raise ServerError(
            f"the server of --scratch does not take a role and a database of our own ({words}): name a role without "
            "rights that owns an empty database"
        ) from error
