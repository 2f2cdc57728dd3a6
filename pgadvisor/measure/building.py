"""The advice made real: indexes built and dropped in the open transaction, which is never committed."""

import time
from collections.abc import Iterator, Sequence
from typing import Any

import psycopg
from psycopg import sql

from pgadvisor.collect.explain import quoted_path
from pgadvisor.collect.session import StatementError, marked
from pgadvisor.errors import UsageError
from pgadvisor.measure.records import BuiltIndex
from pgadvisor.model.progress import Progress
from pgadvisor.model.record import Record
from pgadvisor.sql.identifiers import quoted
from pgadvisor.sql.index_ddl import read_create_index
from pgadvisor.sql.nodes import strings
from pgadvisor.sql.parse import Unread, parse_tree
from pgadvisor.sql.splitter import split_statements

_SETTINGS = marked(
    "SELECT pg_catalog.set_config('lock_timeout', '5s', true), pg_catalog.set_config('statement_timeout', '0', true),"
    " pg_catalog.set_config('search_path', %s, true)"
)
_BUILT = marked("""
SELECT i.indcheckxmin AS must_wait, i.indexprs IS NOT NULL AS has_expressions,
       coalesce((SELECT pg_catalog.sum(pg_catalog.pg_relation_size(each.relid))
                 FROM pg_catalog.pg_partition_tree(i.indexrelid) AS each WHERE each.isleaf),
                pg_catalog.pg_relation_size(i.indexrelid))::bigint AS size_bytes,
       n.nspname AS schema, c.relname AS table_name
FROM pg_catalog.pg_index AS i
JOIN pg_catalog.pg_class AS c ON c.oid = i.indrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE i.indexrelid = %s::pg_catalog.regclass
""")
TOO_YOUNG = (
    "an index could not be used, as it is younger than rows that someone may still see: end other transactions on the "
    "copy's server, prepared ones too, and measure again"
)

NEXT_STEP = "name a copy of the database as it is now, with a role that owns its tables"
NEXT_STEPS = {
    "25006": "name a copy that can be written to, or a role without default_transaction_read_only",
    "42501": "name the role that owns the table, or a superuser",
    "53": "free room on its disk or raise its limits, or ask for fewer indexes with --budget",
    "55P03": "end what else uses the copy, and measure again",
    "57014": "something cancelled it there: end that, and measure again",
}
"""By SQLSTATE, or by its class."""


class Creation(Record):
    """An index to make."""

    asked: str
    """As it was asked for."""
    text: str
    """CREATE INDEX, with a name."""
    index: str
    """Its name as SQL, with the schema where one is known."""


class Changes(Record):
    """Indexes to make and to drop."""

    create: tuple[Creation, ...] = ()
    drop: tuple[tuple[str, ...], ...] = ()
    """Names: schema and name, or the name alone."""


def read_changes(create: Sequence[str], drop: Sequence[str]) -> Changes:
    """From SQL: `create` a CREATE INDEX each, `drop` texts with a DROP INDEX among other statements.

    Raises UsageError for what is none; nothing else than these is ever run.
    """
    creations = tuple(_creation(text, number) for number, text in enumerate(create, 1))
    return Changes(create=creations, drop=tuple(name for text in drop for name in _dropped(text)))


def _creation(text: str, number: int) -> Creation:
    ddl = read_create_index(text)
    if isinstance(ddl, Unread):
        raise UsageError(f"an index to measure cannot be read ({ddl.reason}): give CREATE INDEX …")
    name = quoted(ddl.name or f"pgadvisor_measured_{number}")
    unique, only = "UNIQUE " if ddl.is_unique else "", "ONLY " if ddl.is_only else ""
    schema = f"{quoted(ddl.schema)}." if ddl.schema else ""
    made = f"CREATE {unique}INDEX {name} ON {only}{schema}{quoted(ddl.table)} {ddl.keys}"
    return Creation(asked=text, text=made, index=f"{schema}{name}")


def _dropped(text: str) -> list[tuple[str, ...]]:
    found = []
    for each in split_statements(text):
        tree = parse_tree(each.text)
        bodies = [] if isinstance(tree, Unread) else [one["stmt"].get("DropStmt", {}) for one in tree]
        for body in bodies:
            if body.get("removeType") == "OBJECT_INDEX":
                found += [strings(name["List"]["items"]) for name in body["objects"]]
    if not found:
        raise UsageError("an index to drop cannot be read: give DROP INDEX …")
    return found


def make(
    connection: psycopg.Connection[dict[str, Any]],
    changes: Changes,
    search_path: tuple[str, ...],
    progress: Progress,
) -> Iterator[tuple[BuiltIndex, str | None]]:
    """Makes the changes in the open transaction; each index built, and a doubt about it.

    Raises UsageError when the copy refuses one.
    """
    connection.execute(_SETTINGS.encode(), (quoted_path(search_path),))
    total = len(changes.create) + len(changes.drop)
    for done, creation in enumerate(changes.create):
        progress("building indexes", done, total)
        yield _built(connection, creation)
    for done, name in enumerate(changes.drop, len(changes.create)):
        progress("dropping indexes", done, total)
        _run(connection, sql.SQL("DROP INDEX {}").format(sql.Identifier(*name)).as_string(connection))


def _built(connection: psycopg.Connection[dict[str, Any]], creation: Creation) -> tuple[BuiltIndex, str | None]:
    began = time.perf_counter()
    _run(connection, creation.text)
    build_s = time.perf_counter() - began
    row = connection.execute(_BUILT.encode(), (creation.index,)).fetchone()
    if row is None:
        raise UsageError(f"{creation.text} made no index on the copy: measure without it")
    if row["has_expressions"]:
        table = sql.Identifier(row["schema"], row["table_name"])
        _run(connection, sql.SQL("ANALYZE {}").format(table).as_string(connection))
    built = BuiltIndex(definition=creation.asked, size_bytes=row["size_bytes"] or 0, build_s=build_s)
    return built, TOO_YOUNG if row["must_wait"] else None


def _run(connection: psycopg.Connection[Any], text: str) -> None:
    sent = marked(text)
    try:
        connection.execute(sent.encode())
    except psycopg.Error as error:
        reason = StatementError(error, sent)
        next_step = NEXT_STEPS.get(reason.sqlstate, NEXT_STEPS.get(reason.sqlstate[:2], NEXT_STEP))
        raise UsageError(f"the copy refuses {text} ({reason.message}): {next_step}") from error
