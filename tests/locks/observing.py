"""A statement run on a real server, and what it did: locks seen from a second connection, new files, scans."""

import threading
import time
from typing import Any, NamedTuple

import psycopg

from pgadvisor.locks.modes import LockMode, mode_of, stronger

Connection = psycopg.Connection[tuple[Any, ...]]
_FILES = """
SELECT c.oid, c.relkind::text, pg_catalog.pg_relation_filenode(c.oid), coalesce(i.indrelid, c.oid)::bigint
FROM pg_catalog.pg_class AS c LEFT JOIN pg_catalog.pg_index AS i ON i.indexrelid = c.oid
WHERE c.relnamespace::regnamespace::text NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
    AND c.relkind IN ('r', 'm', 'i', 'p', 'I')
"""
_LOCKS = """
SELECT n.nspname || '.' || c.relname, l.mode
FROM pg_catalog.pg_locks AS l JOIN pg_catalog.pg_class AS c ON c.oid = l.relation
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE l.pid = %s AND l.locktype = 'relation' AND c.relkind IN ('r', 'm', 'p', 'v', 'f')
    AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
    AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
"""
_SCANS = "SELECT schemaname || '.' || relname, seq_scan FROM pg_catalog.pg_stat_xact_user_tables"


HELD_S = 0.3


class Observed(NamedTuple):
    """What a statement did."""

    locks: dict[str, LockMode]
    """The strongest mode on each table and view."""
    new_files: set[str]
    """Tables with a new file."""
    built: set[str]
    """Tables with an index whose file is new."""
    scanned: set[str]


class _State(NamedTuple):
    names: dict[int, str]
    tables: dict[int, int]
    indexes: dict[int, set[int]]
    scans: dict[str, int]


def _state(connection: Connection) -> _State:
    rows = connection.execute(_FILES).fetchall()
    named = connection.execute("SELECT c.oid, c.relnamespace::regnamespace::text || '.' || c.relname "
                               "FROM pg_catalog.pg_class AS c").fetchall()  # fmt: skip
    indexes: dict[int, set[int]] = {}
    for _, kind, file, table in rows:
        if kind in ("i", "I") and file:
            indexes.setdefault(table, set()).add(file)
    scans = dict(connection.execute(_SCANS).fetchall())
    tables = {oid: file for oid, kind, file, _ in rows if kind not in ("i", "I")}
    return _State(dict(named), tables, indexes, scans)


def observed_inside(worker: Connection, watcher: Connection, sql: str) -> Observed:
    """A statement run in a transaction that is open, and what it did."""
    before = _state(worker)
    worker.execute(sql.encode())
    locks = _locks(watcher, worker.info.backend_pid)
    return _difference(before, _state(worker), locks)


def observed_outside(worker: Connection, watcher: Connection, holders: list[Connection], sql: str) -> Observed:
    """A statement that runs in no transaction, watched while others hold it up, each for a moment after the other.

    Its scans are not told: their counters are kept apart only within a transaction.
    """
    before = _state(worker)
    locks: dict[str, LockMode] = {}
    running = threading.Thread(target=worker.execute, args=(sql.encode(),))
    running.start()
    waiting = list(holders)
    end = time.monotonic() + HELD_S
    while running.is_alive():
        for name, mode in _locks(watcher, worker.info.backend_pid).items():
            locks[name] = stronger(locks.get(name), mode) or mode
        if waiting and time.monotonic() > end:
            waiting.pop(0).rollback()
            end = time.monotonic() + HELD_S
    running.join()
    for holder in waiting:
        holder.rollback()
    return _difference(before, _state(worker), locks)


def _locks(watcher: Connection, pid: int) -> dict[str, LockMode]:
    found: dict[str, LockMode] = {}
    for name, mode in watcher.execute(_LOCKS, (pid,)).fetchall():
        found[name] = stronger(found.get(name), mode_of(mode)) or mode_of(mode)
    return found


def _difference(before: _State, after: _State, locks: dict[str, LockMode]) -> Observed:
    known = set(before.names.values())
    kept = before.tables.keys() & after.tables.keys()
    return Observed(
        locks=locks,
        new_files={before.names[oid] for oid in kept if before.tables[oid] != after.tables[oid]},
        built={before.names[oid] for oid in kept if after.indexes.get(oid, set()) - before.indexes.get(oid, set())},
        scanned={name for name, count in after.scans.items() if name in known and count > before.scans.get(name, 0)},
    )
