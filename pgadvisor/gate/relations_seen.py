"""The relations of a scratch database as a session sees them, and what a statement changed of them."""

from collections.abc import Iterable, Mapping
from typing import Any

import psycopg

from pgadvisor.model.record import Record

_KINDS = {
    "r": "table",
    "p": "partitioned table",
    "m": "materialized view",
    "v": "view",
    "f": "foreign table",
    "i": "index",
    "I": "index",
    "S": "sequence",
    "c": "type",
}
_WITH_ROWS = frozenset(("table", "materialized view"))

_RELATIONS = """/* pgadvisor */
SELECT c.oid::bigint, n.nspname || '.' || c.relname, c.relkind::text, c.relfilenode::bigint, i.indrelid::bigint
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_index AS i ON i.indexrelid = c.oid
WHERE n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)'
"""
# Within the transaction and not yet reported: before PostgreSQL 16 also what the session did before it.
_SCANS = b"/* pgadvisor */ SELECT relid::bigint, seq_scan FROM pg_catalog.pg_stat_xact_user_tables WHERE seq_scan > 0"
_REPORT = b"/* pgadvisor */ SELECT pg_catalog.pg_stat_force_next_flush()"
_REPORTED = b"/* pgadvisor */ SELECT relid::bigint, seq_scan FROM pg_catalog.pg_stat_user_tables WHERE seq_scan > 0"
_CAN_REPORT = 150_000
"""The first version that tells its counters at once when asked; older ones may take half a second."""


class Relation(Record):
    """A relation of a user's."""

    name: str
    """`schema.name`."""
    kind: str
    file: int
    """Its relfilenode: another one after it was rewritten; 0: it has no file."""
    table: int | None = None
    """Of an index: the oid of its table."""


class Seen(Record):
    """All relations by oid, and how often each table was scanned."""

    relations: Mapping[int, Relation]
    scans: Mapping[int, int]

    @property
    def names(self) -> Mapping[str, Relation]:
        """The relations by name."""
        return {each.name: each for each in self.relations.values()}


class Change(Record):
    """What became of the relations that stood at the start; names, in order."""

    rewritten: tuple[str, ...] = ()
    rebuilt: tuple[str, ...] = ()
    scanned: tuple[str, ...] = ()


def seen_inside(connection: psycopg.Connection[Any]) -> Seen:
    """As the session sees them within its transaction."""
    return Seen(relations=_relations(connection), scans=_counts(connection, _SCANS))


def seen_outside(connection: psycopg.Connection[Any]) -> Seen:
    """Between transactions; without scans on servers that do not tell them at once."""
    if connection.info.server_version < _CAN_REPORT:
        return Seen(relations=_relations(connection), scans={})
    connection.execute(_REPORT)
    return Seen(relations=_relations(connection), scans=_counts(connection, _REPORTED))


def change_between(before: Seen, after: Seen, at_start: Iterable[int]) -> Change:
    """What was done between the two; `at_start`: the oids of those relations that are told of."""
    known = frozenset(at_start)
    old_names = before.names
    rewritten = [
        each.name
        for oid, each in after.relations.items()
        if oid in known and each.kind in _WITH_ROWS and oid in before.relations
        if before.relations[oid].file != each.file
    ]
    # A type change makes an index anew, under another oid; it keeps its file where nothing had to be built.
    rebuilt = [
        each.name
        for each in after.relations.values()
        if each.kind == "index" and each.table in known
        if (old := old_names.get(each.name)) is not None and old.kind == "index" and old.file != each.file
    ]
    scanned = [
        after.relations[oid].name
        for oid, count in after.scans.items()
        if oid in known and oid in after.relations and count > before.scans.get(oid, 0)
    ]
    return Change(
        rewritten=tuple(sorted(rewritten)),
        rebuilt=tuple(sorted(rebuilt)),
        scanned=tuple(sorted(scanned)),
    )


def _relations(connection: psycopg.Connection[Any]) -> dict[int, Relation]:
    rows = connection.execute(_RELATIONS.encode()).fetchall()
    return {
        oid: Relation(name=name, kind=_KINDS.get(kind, "other"), file=file, table=table)
        for oid, name, kind, file, table in rows
    }


def _counts(connection: psycopg.Connection[Any], query: bytes) -> dict[int, int]:
    return {oid: int(count) for oid, count in connection.execute(query).fetchall()}
