"""One migration run for real, statement by statement, in the transactions that its tool would use."""

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec
import psycopg
from psycopg.pq import TransactionStatus

from pgadvisor.gate.excuses import Excuses
from pgadvisor.gate.locks_seen import Locks, Observer, Watch, strongest
from pgadvisor.gate.relations_seen import Relation, Seen, change_between, seen_inside, seen_outside
from pgadvisor.gate.scratch import Extensions
from pgadvisor.gate.statement_kind import StatementKind, kind_of
from pgadvisor.model.migration import Migration, MigrationStatement
from pgadvisor.model.trace import Direction, Traced, TraceError

_SAVEPOINT = b"SAVEPOINT pgadvisor_step"
_BACK = b"ROLLBACK TO SAVEPOINT pgadvisor_step; RELEASE SAVEPOINT pgadvisor_step"
_RELEASE = b"RELEASE SAVEPOINT pgadvisor_step"

_ONLY_ALONE = ("25001", "2D000")
"""active_sql_transaction, invalid_transaction_termination: what cannot be done within a transaction."""

MOST_ROW_CHANGES = 1_000
"""A dump of rows is a statement a row, of which the first ones show what there is to see."""

change = msgspec.structs.replace


class MigrationRun:
    """Runs the statements of one migration in one direction."""

    def __init__(
        self,
        connection: psycopg.Connection[Any],
        observer: Observer,
        at_start: Mapping[int, Relation] | None,
        extensions: Extensions,
        excuses: Excuses,
    ) -> None:
        """`connection` is in autocommit; `at_start`: what to tell of, None where nothing is measured."""
        self._connection, self._observer, self._at_start = connection, observer, at_start
        self._extensions, self._excuses = extensions, excuses
        self._pid = connection.info.backend_pid
        self._seen: Seen | None = None
        self._locks: Locks = frozenset()
        self._is_ours = False
        """The transaction was begun for the tool, not by a BEGIN of the migration's."""
        self._row_changes = 0
        self.has_failed = False

    def run(self, migration: Migration, direction: Direction) -> Iterator[Traced]:
        """What each statement did, in order; the last transaction is committed. Raises psycopg.OperationalError when
        the session is lost."""
        statements = migration.up if direction == "up" else migration.down or ()
        file = migration.down_file if direction == "down" and migration.down_file else migration.file
        blank = Traced(file=file, migration=migration.name, place=0, line=0, direction=direction)
        last = blank
        for place, statement in enumerate(statements):
            is_late = self.has_failed
            last = self._one(statement, change(blank, place=place, line=statement.line))
            last = change(last, after_error=is_late)
            if place == len(statements) - 1:
                last = self._ended(last)
            self.has_failed |= last.error is not None
            yield last

    @property
    def _is_inside(self) -> bool:
        return self._connection.info.transaction_status in (TransactionStatus.INTRANS, TransactionStatus.INERROR)

    def _one(self, statement: MigrationStatement, blank: Traced) -> Traced:
        kind = kind_of(statement.text, self._extensions)
        if kind.refusal is not None:
            return change(blank, passed_over=kind.refusal)
        self._row_changes += kind.changes_rows
        if kind.changes_rows and self._row_changes > MOST_ROW_CHANGES:
            return change(blank, passed_over=f"of its changes of rows only the first {MOST_ROW_CHANGES:,} are tried")
        if kind.lacks is not None:
            self._excuses.add(kind.lacks)
            return change(blank, not_run=kind.lacks)
        if self._connection.info.transaction_status == TransactionStatus.INERROR:
            self._connection.execute(b"ROLLBACK")
        if kind.part in ("begin", "commit", "rollback", "savepoint"):
            return self._bounded(statement, kind, blank)
        if statement.is_in_transaction:
            if not self._is_inside:
                self._begin()
            return self._inside(statement, kind, blank)
        if self._is_inside and self._is_ours:
            self._connection.execute(b"COMMIT")
        if self._is_inside:
            return self._inside(statement, kind, blank)
        return self._outside(statement, kind, blank)

    def _begin(self) -> None:
        self._connection.execute(b"BEGIN")
        self._is_ours, self._seen, self._locks = True, None, frozenset()

    def _bounded(self, statement: MigrationStatement, kind: StatementKind, blank: Traced) -> Traced:
        """BEGIN, COMMIT and the like."""
        if kind.part == "begin":
            if not self._is_inside:
                self._begin()
            self._is_ours = False
            return blank
        if kind.part == "savepoint" and statement.is_in_transaction and not self._is_inside:
            self._begin()
        if kind.part in ("commit", "rollback") and not self._is_inside:
            return blank
        error = self._attempt(lambda: self._connection.execute(statement.text.encode()))
        return blank if error is None else self._failed(error, statement, blank)

    def _inside(self, statement: MigrationStatement, kind: StatementKind, blank: Traced) -> Traced:
        """Within a transaction, which goes on when the statement fails."""
        if kind.part == "setting":
            error = self._attempt(lambda: self._connection.execute(statement.text.encode()))
            if error is not None and self._is_inside:
                self._connection.execute(b"ROLLBACK")
            return blank if error is None else self._failed(error, statement, blank)
        before = self._look() if self._seen is None else self._seen
        locks = self._locks
        self._connection.execute(_SAVEPOINT)
        error, duration_ms = self._timed(statement, kind)
        if error is not None:
            if self._is_inside:
                self._connection.execute(_BACK)
            else:
                self._seen = None
            return self._failed(error, statement, change(blank, duration_ms=duration_ms))
        if self._is_inside:
            self._connection.execute(_RELEASE)
        return self._measured(before, locks, change(blank, duration_ms=duration_ms))

    def _look(self) -> Seen | None:
        self._seen = None if self._at_start is None else seen_inside(self._connection)
        return self._seen

    def _measured(self, before: Seen | None, locks: Locks, blank: Traced) -> Traced:
        """What it did, told by the session itself and by the one that looks on."""
        if before is None or self._at_start is None:
            return blank
        self._locks = self._observer.held_by(self._pid)
        after = self._look() or before
        found = change_between(before, after, self._at_start)
        held = strongest(self._locks, locks, {**self._at_start, **before.relations}, self._at_start)
        return change(
            blank,
            locks=held,
            rewritten=found.rewritten,
            rebuilt=found.rebuilt,
            scanned=found.scanned,
        )

    def _outside(self, statement: MigrationStatement, kind: StatementKind, blank: Traced) -> Traced:
        """A statement that its tool runs in no transaction. Locks are gone with its end: it is run in one of its own
        first, where they stay to be seen, and only what cannot be run so is watched while it runs."""
        if kind.part == "setting":
            error = self._attempt(lambda: self._connection.execute(statement.text.encode()))
            return blank if error is None else self._failed(error, statement, change(blank, in_transaction=False))
        self._begin()
        traced = self._inside(statement, kind, blank)
        is_alone = traced.error is not None and traced.error.sqlstate in _ONLY_ALONE
        if is_alone:
            self._connection.execute(b"ROLLBACK")
            traced = self._polled(statement, blank)
        else:
            traced = self._ended(traced)
        return change(traced, in_transaction=False)

    def _polled(self, statement: MigrationStatement, blank: Traced) -> Traced:
        before = None if self._at_start is None else seen_outside(self._connection)
        begin = time.perf_counter()
        with self._observer.polling(self._pid, self._at_start or ()) as watch:
            error = self._attempt(lambda: self._connection.execute(statement.text.encode()))
        traced = change(blank, duration_ms=(time.perf_counter() - begin) * 1000.0)
        if error is not None:
            return self._failed(error, statement, traced, watch)
        if before is None or self._at_start is None:
            return traced
        found = change_between(before, seen_outside(self._connection), self._at_start)
        # An index that is replaced concurrently is locked when nobody reads it any more.
        tables = [oid for oid, each in self._at_start.items() if each.kind != "index"]
        held = strongest(watch.locks, frozenset(), {**self._at_start, **before.relations}, tables)
        return change(
            traced,
            locks=held,
            rewritten=found.rewritten,
            rebuilt=found.rebuilt,
            scanned=found.scanned,
        )

    def _timed(self, statement: MigrationStatement, kind: StatementKind) -> tuple[psycopg.Error | None, float]:
        begin = time.perf_counter()
        with self._observer.watching(self._pid) as watch:
            error = self._attempt(lambda: self._execute(statement.text, kind))
        if error is not None and watch.reason is not None:
            error.add_note(watch.reason)
        return error, (time.perf_counter() - begin) * 1000.0

    def _execute(self, text: str, kind: StatementKind) -> None:
        if kind.part != "rows":
            self._connection.execute(text.encode())
            return
        # One row at a time: a query may give any number.
        for _ in self._connection.cursor().stream(text.encode()):
            pass

    def _attempt(self, act: Callable[[], object]) -> psycopg.Error | None:
        """The server's refusal; a lost session is raised."""
        try:
            act()
        except psycopg.Error as error:
            if self._connection.closed or self._connection.broken:
                raise
            return error
        return None

    def _failed(
        self, error: psycopg.Error, statement: MigrationStatement, blank: Traced, watch: Watch | None = None
    ) -> Traced:
        message = error.diag.message_primary or str(error).strip().partition("\n")[0]
        notes = [*getattr(error, "__notes__", ()), *([watch.reason] if watch is not None and watch.reason else [])]
        if notes:
            return change(blank, not_run=notes[0])
        excuse = self._excuses.excuse(error, statement.text)
        if excuse is not None:
            if kind_of(statement.text, self._extensions).makes_something:
                self._excuses.add(f"{blank.file}:{blank.line} could not be run ({message})")
            return change(blank, not_run=excuse)
        line = _line(error, statement)
        return change(blank, error=TraceError(message=message, sqlstate=error.sqlstate, line=line))

    def _ended(self, last: Traced) -> Traced:
        """Commits; constraints that were put off are checked here."""
        if not self._is_inside:
            return last
        error = self._attempt(lambda: self._connection.execute(b"COMMIT"))
        if error is None or last.error is not None:
            return last
        message = error.diag.message_primary or str(error)
        return change(last, error=TraceError(message=message, sqlstate=error.sqlstate, line=last.line))

    def give_up(self) -> None:
        """Ends what is still open."""
        with contextlib.suppress(psycopg.Error):
            self._connection.rollback()


def _line(error: psycopg.Error, statement: MigrationStatement) -> int:
    """Of the file, where the server points to."""
    position = error.diag.statement_position
    if position is None or statement.span is None:
        return statement.line
    return statement.line + statement.text.count("\n", 0, max(0, int(position) - 1))
