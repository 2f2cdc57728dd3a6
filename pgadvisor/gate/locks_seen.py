"""Locks of a session as a second one sees them, and the watch over a statement that must not run for ever."""

import contextlib
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from types import TracebackType
from typing import Any, Self

import psycopg
from psycopg import sql

from pgadvisor.gate.relations_seen import Relation
from pgadvisor.locks.modes import MODES, LockMode, mode_of
from pgadvisor.model.trace import HeldLock

Locks = frozenset[tuple[int, LockMode]]
"""Relation and mode."""

LIMIT_S = 35.0
"""A statement is cancelled after that, should it have lifted its own timeout."""
PATIENCE_S = 5.0
"""A session that takes no notice is then ended."""
LIMIT_BYTES = 2 << 30
"""So much may a database of next to no rows grow."""
_LOOK_S = 0.25
_POLL_S = 0.0002
_WEAKEST, _STRONGEST = MODES[0], MODES[-1]

_HELD = b"""/* pgadvisor */
SELECT l.relation::bigint, l.mode, l.granted FROM pg_catalog.pg_locks AS l
WHERE l.pid = %s AND l.locktype = 'relation' AND l.mode <> 'SIReadLock'
  AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
"""
_SIZE = b"/* pgadvisor */ SELECT pg_catalog.pg_database_size(pg_catalog.current_database())"
_TABLES = b"""/* pgadvisor */
SELECT n.nspname, c.relname FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.oid = ANY (%s) AND c.relkind IN ('r', 'p')
"""


class Observer:
    """A second session, which looks on."""

    def __init__(self, connection: psycopg.Connection[Any], *brakes: psycopg.Connection[Any]) -> None:
        """Connections in autocommit; the two `brakes` hold locks for a moment."""
        self._connection, self._brakes = connection, brakes

    def held_by(self, pid: int) -> Locks:
        """The locks that the session holds."""
        return frozenset((oid, mode) for oid, mode, is_granted in _rows(self._connection, pid) if is_granted)

    def watching(self, pid: int) -> "Watch":
        """While `with` lasts, the session's statement is ended when it takes too long or writes too much."""
        return Watch(self._connection, pid)

    @contextlib.contextmanager
    def polling(self, pid: int, tables: Iterable[int]) -> Iterator["Poll"]:
        """The same, and the locks that come and go meanwhile are collected.

        A statement over a table of few rows is done before anyone has looked. So all tables are locked first, until it
        is seen to wait: its first lock is never missed. Where that is a mere look at the table's name, as of VACUUM, so
        is the next one.
        """
        first = self._brakes[0]
        names = [sql.Identifier(*row) for row in first.execute(_TABLES, (list(tables),)).fetchall()]
        try:
            if names:
                # Nothing is read in there: a snapshot that is still held keeps CREATE INDEX CONCURRENTLY waiting.
                first.execute(b"BEGIN")
                first.execute(sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(sql.SQL(", ").join(names)))
            with Poll(self._connection, pid, self._brakes) as poll:
                yield poll
        finally:
            for each in self._brakes:
                each.rollback()


class Watch:
    """Looks after one statement from a thread of its own."""

    def __init__(self, connection: psycopg.Connection[Any], pid: int) -> None:
        self._connection, self._pid = connection, pid
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._started = time.monotonic()
        self._looked = self._started
        self._cancelled: float | None = None
        self.reason: str | None = None
        """Why the statement was ended, as a clause; None: it was not."""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._is_over.set()
        self._thread.join()

    def _run(self) -> None:
        # A lost observer is told by the next question that it is asked.
        with contextlib.suppress(psycopg.Error):
            while not self._is_over.wait(_LOOK_S):
                self._check()

    def _check(self) -> None:
        now = time.monotonic()
        self._looked = now
        if self._cancelled is not None:
            if now - self._cancelled > PATIENCE_S:
                self._connection.execute(b"SELECT pg_catalog.pg_terminate_backend(%s)", (self._pid,))
            return
        if now - self._started > LIMIT_S:
            self.reason = f"it ran longer than {LIMIT_S:.0f} s on a scratch server"
        elif self._size() > LIMIT_BYTES:
            self.reason = f"it wrote more than {LIMIT_BYTES >> 30} GB on a scratch server"
        if self.reason is not None:
            self._connection.execute(b"SELECT pg_catalog.pg_cancel_backend(%s)", (self._pid,))
            self._cancelled = now

    def _size(self) -> int:
        row = self._connection.execute(_SIZE).fetchone()
        return int(row[0]) if row else 0


class Poll(Watch):
    """Collects the locks too."""

    def __init__(
        self, connection: psycopg.Connection[Any], pid: int, brakes: tuple[psycopg.Connection[Any], ...]
    ) -> None:
        super().__init__(connection, pid)
        self._brakes = list(brakes)
        self._seen: set[tuple[int, LockMode]] = set()

    @property
    def locks(self) -> Locks:
        """Held or waited for at some moment."""
        return frozenset(self._seen)

    def _run(self) -> None:
        with contextlib.suppress(psycopg.Error):
            while not self._is_over.wait(_POLL_S):
                rows = _rows(self._connection, self._pid)
                self._seen |= {(oid, mode) for oid, mode, _ in rows}
                waiting = next(((oid, mode) for oid, mode, is_granted in rows if not is_granted), None)
                if waiting is not None and self._brakes:
                    self._release(*waiting)
                if time.monotonic() - self._looked > _LOOK_S:
                    self._check()

    def _release(self, table: int, mode: LockMode) -> None:
        """Lets the statement go on: to its next lock on the table where this one keeps nobody out."""
        first, *others = self._brakes
        self._brakes = others if mode == _WEAKEST else []
        if not self._brakes:
            first.rollback()
            return
        second = self._brakes[0]
        row = second.execute(_TABLES, ([table],)).fetchone()
        if row is not None:
            second.execute(b"BEGIN")
            lock = sql.SQL("LOCK TABLE {} IN EXCLUSIVE MODE").format(sql.Identifier(*row))
            # It stands in the queue behind the statement before the way is free.
            queued = threading.Thread(target=second.execute, args=(lock,), daemon=True)
            queued.start()
            while queued.is_alive() and not self._is_queued(second.info.backend_pid):
                time.sleep(_POLL_S)
            first.rollback()
            queued.join()
        first.rollback()

    def _is_queued(self, pid: int) -> bool:
        return any(not is_granted for _, _, is_granted in _rows(self._connection, pid))


def strongest(
    locks: Locks, before: Locks, relations: Mapping[int, Relation], at_start: Iterable[int]
) -> tuple[HeldLock, ...]:
    """Of each relation that stood at the start the strongest mode, by name.

    Locks on an index are told where it is closed to readers and its table is not: nobody can plan a query on the table
    meanwhile. `before`: what was held before the statement.
    """
    known = frozenset(at_start)
    held = _strongest_modes(each for each in locks if each[0] in known)
    taken = _strongest_modes(locks - before)
    told = (
        HeldLock(
            relation=relations[oid].name,
            mode=mode,
            kind=relations[oid].kind,
            taken=taken.get(oid),
            table=relations[table].name if (table := relations[oid].table) in relations and table else None,
        )
        for oid, mode in held.items()
        if relations[oid].kind != "index" or (mode == _STRONGEST and held.get(relations[oid].table or 0) != _STRONGEST)
    )
    return tuple(sorted(told, key=lambda each: each.relation))


def _strongest_modes(locks: Iterable[tuple[int, LockMode]]) -> dict[int, LockMode]:
    found: dict[int, LockMode] = {}
    for oid, mode in locks:
        if oid not in found or MODES.index(mode) > MODES.index(found[oid]):
            found[oid] = mode
    return found


def _rows(connection: psycopg.Connection[Any], pid: int) -> list[tuple[int, LockMode, bool]]:
    """Relation, mode and whether it is granted."""
    return [(oid, mode_of(mode), granted) for oid, mode, granted in connection.execute(_HELD, (pid,)).fetchall()]
