"""The only door to an audited server: a read-only session with time limits, which marks every statement of ours."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

import psycopg
from psycopg import capabilities, sql

from pgadvisor.collect.connecting import connect, holds_any_bytes
from pgadvisor.errors import ServerError

MARK = "/* pgadvisor */"
"""Stands after the first word: PostgreSQL 18 cuts a comment before it off what pg_stat_statements and logs keep."""

SETTINGS: Mapping[str, str] = {
    "default_transaction_read_only": "on",
    "idle_in_transaction_session_timeout": "60s",
    "search_path": "pg_catalog",
    "DateStyle": "ISO, MDY",
    "IntervalStyle": "postgres",
    "extra_float_digits": "1",
    "bytea_output": "hex",
    "standard_conforming_strings": "on",
    "quote_all_identifiers": "off",
}
"""Set in every transaction beside the timeouts. `search_path` of `pg_catalog` alone: no object of a user can stand in
for one of PostgreSQL's (CVE-2018-1058), and definitions come out with their schemas."""

LOST = frozenset({"57P01", "57P02", "57P03", "57P05", "25P03", "25P04", "08000", "08003", "08006"})
"""SQLSTATEs after which the connection is gone (PostgreSQL documentation, appendix A)."""

CHUNK_ROWS = 500

_NO_RESULT = "didn't produce a result"
"""How psycopg's stream() reports that a statement without result has succeeded."""

_FIRST_WORD = re.compile(r"(?:\s+|--[^\n]*(?:\n|$)|/\*.*?\*/)*(\(*\s*[A-Za-z]+)", re.DOTALL)

Row = dict[str, Any]


class StatementError(ServerError):
    """The server refused one statement; the session goes on."""

    def __init__(self, error: psycopg.Error, sent: str) -> None:
        diagnosis = error.diag
        self.sqlstate: str = error.sqlstate or ""
        self.message: str = diagnosis.message_primary or str(error).strip()
        """The server's words: may quote names, and literals of the statement."""
        self.hint: str | None = diagnosis.message_hint
        self.position: int | None = int(diagnosis.statement_position) if diagnosis.statement_position else None
        """1-based place in `sent`, in characters."""
        self.sent = sent
        """The statement as it was sent: with our mark."""
        super().__init__(f"the server refused a statement: {self.message} (SQLSTATE {self.sqlstate})")

    @property
    def is_timeout(self) -> bool:
        """Stopped by statement_timeout or lock_timeout."""
        return self.sqlstate in ("57014", "55P03")

    @property
    def is_denied(self) -> bool:
        """For lack of a privilege."""
        return self.sqlstate == "42501"

    @property
    def reason(self) -> str:
        """Why, as a clause that quotes nothing."""
        return {
            "57014": "it took longer than statement_timeout",
            "55P03": "another session holds a lock on it",
            "42501": "the role lacks the privilege",
            "42P01": "a table does not exist",
            "42703": "a column does not exist",
            "42883": "a function or operator does not exist",
            "55006": "the object is in use",
        }.get(self.sqlstate, f"the server refused it (SQLSTATE {self.sqlstate})")


class Session:
    """An open session. Leave it by `with` or `close()`. Every statement runs in a short read-only transaction, whose
    settings are set with it: so they also hold behind PgBouncer in transaction mode, and stay in no one's session."""

    def __init__(
        self,
        connection: psycopg.Connection[Row],
        *,
        statement_timeout_ms: int,
        lock_timeout_ms: int,
        on_sql: Callable[[str], None] | None,
    ) -> None:
        self._connection = connection
        self._on_sql = on_sql
        self._settings = {
            **SETTINGS,
            "statement_timeout": f"{statement_timeout_ms}ms",
            "lock_timeout": f"{lock_timeout_ms}ms",
        }
        if holds_any_bytes(connection):
            self._settings["client_encoding"] = "SQL_ASCII"
        self._is_open = False
        self._look_around()

    def _look_around(self) -> None:
        found = self.rows(
            "SELECT pg_catalog.current_setting('server_version_num')::int AS version_num,"
            " pg_catalog.current_setting('server_version') AS version,"
            " pg_catalog.pg_backend_pid() AS pid, pg_catalog.current_database() AS database,"
            " current_user AS role, pg_catalog.pg_is_in_recovery() AS is_standby"
        )[0]
        self.version_num: int = found["version_num"]
        self.version: str = found["version"]
        self.database: str = found["database"]
        self.role: str = found["role"]
        self.is_standby: bool = found["is_standby"]
        self.is_pooled: bool = found["pid"] != self._connection.info.backend_pid
        """Something stands between: poolers make up the process number that they give a client."""

    @property
    def host(self) -> str | None:
        """Host name or socket directory."""
        return self._connection.info.host or None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends the session; an open transaction ends with it."""
        self._connection.close()

    def rows(self, query: str | sql.Composable, params: tuple[object, ...] | None = None) -> list[Row]:
        """All rows of one statement, as dicts; in the open transaction, or in one of its own.

        Parameters are PostgreSQL's `$1`, `$2`. Raises StatementError when the server refuses the statement (an open
        transaction is then over), ServerError when the connection is gone.
        """
        return list(self.stream(query, params))

    def stream(self, query: str | sql.Composable, params: tuple[object, ...] | None = None) -> Iterator[Row]:
        """The same, row by row, for results that are large."""
        if not self._is_open:
            with self.transaction():
                yield from self.stream(query, params)
            return
        text = self._sent(query)
        size = CHUNK_ROWS if capabilities.has_stream_chunked() else 1
        with self._translated(text), psycopg.RawCursor(self._connection) as cursor:
            # stream() always uses the extended protocol, which takes one statement only: no text smuggles a second.
            for row in cursor.stream(text.encode(), params, size=size):
                yield dict(row)

    def simple_rows(self, query: str | sql.Composable) -> list[Row]:
        """All rows of one statement by the simple protocol, in the open transaction.

        It alone takes a `$1` without a value, as EXPLAIN (GENERIC_PLAN) needs, but it would run several statements:
        only for a text that this server has taken as one before, as PREPARE does.
        """
        text = self._sent(query)
        with self._translated(text):
            return [dict(row) for row in self._connection.execute(text.encode()).fetchall()]

    @contextmanager
    def transaction(self, settings: Mapping[str, str] | None = None, *, roll_back: bool = False) -> Iterator[Self]:
        """A read-only transaction; `settings` hold in it alone and go over ours (`search_path`, `statement_timeout`).

        It is committed, or rolled back after an error and when `roll_back` says so. Not to be nested.
        """
        if self._is_open:
            raise RuntimeError("transactions cannot be nested")
        pairs = {**self._settings, **(settings or {})}.items()
        calls = sql.SQL(", ").join(
            sql.SQL("pg_catalog.set_config({}, {}, true)").format(sql.Literal(name), sql.Literal(value))
            for name, value in pairs
        )
        begin = "BEGIN ISOLATION LEVEL READ COMMITTED, READ ONLY"
        self._command(f"{self._marked(begin)}; {self._marked(sql.SQL('SELECT {}').format(calls))}")
        self._is_open = True
        try:
            yield self
        except BaseException:
            self._end("ROLLBACK", is_failed=True)
            raise
        self._end("ROLLBACK" if roll_back else "COMMIT")

    def _end(self, verb: str, *, is_failed: bool = False) -> None:
        self._is_open = False
        if self._connection.closed or self._connection.broken:
            return
        try:
            self._command(self._marked(verb))
        except ServerError:
            if not is_failed:
                raise
            # The error on its way up says more than that the connection went with it.
            self._connection.close()

    def _command(self, text: str) -> None:
        """Statements of ours without result, in one message."""
        self._tell(text)
        with self._translated(text):
            self._connection.execute(text.encode())

    def _sent(self, query: str | sql.Composable) -> str:
        text = self._marked(query)
        self._tell(text)
        return text

    def _tell(self, text: str) -> None:
        if self._on_sql:
            self._on_sql(text)

    def _marked(self, query: str | sql.Composable) -> str:
        text = query if isinstance(query, str) else query.as_string(self._connection)
        return marked(text)

    @contextmanager
    def _translated(self, sent: str) -> Iterator[None]:
        try:
            yield
        except psycopg.Error as error:
            if error.sqlstate is None and _NO_RESULT in str(error):
                return  # PREPARE, DEALLOCATE and the like: done, and nothing to give
            if self._connection.broken or self._connection.closed or error.sqlstate in LOST:
                raise self._lost(error) from error
            raise StatementError(error, sent) from error

    def _lost(self, error: psycopg.Error) -> ServerError:
        words = (error.diag.message_primary or "").strip()
        return ServerError(
            f"the connection to the server was lost midway{f' ({words})' if words else ''}: "
            "see the server's log, then run pgadvisor again"
        )


def marked(text: str) -> str:
    """The statement with our mark after its first word, and without the comments before it."""
    if MARK in text:
        return text
    found = _FIRST_WORD.match(text)
    if found is None:
        return f"{MARK} {text}"
    return f"{found[1].strip()} {MARK}{text[found.end() :]}"


def open_session(
    dsn: str | None,
    *,
    statement_timeout_ms: int = 30_000,
    lock_timeout_ms: int = 100,
    on_sql: Callable[[str], None] | None = None,
) -> Session:
    """A session with the server that the DSN or URI names (None: libpq's environment, service file, .pgpass decide).

    `on_sql` is called with each statement before it is sent. Raises ServerError with the next step.
    """
    connection = connect(dsn)
    try:
        return Session(
            connection, statement_timeout_ms=statement_timeout_ms, lock_timeout_ms=lock_timeout_ms, on_sql=on_sql
        )
    except BaseException:
        connection.close()
        raise
