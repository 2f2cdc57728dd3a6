"""The planner twin: a throw-away server with the audited database's schema, statistics and file sizes, and no rows."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any, Self

import psycopg

from pgadvisor.errors import EmbeddedServerError, SnapshotError
from pgadvisor.model.catalog import Server
from pgadvisor.model.progress import Progress, no_progress
from pgadvisor.model.snapshot import Gap, Snapshot
from pgadvisor.planner.embedded import EmbeddedServer
from pgadvisor.planner.twin_access import OWNER, SUPERUSER_OPTIONS
from pgadvisor.planner.twin_changes import Change, followed, made_indexes, read_state, size_indexes
from pgadvisor.planner.twin_input import checked
from pgadvisor.planner.twin_schema import STAGE, as_owner, create_schema
from pgadvisor.planner.twin_schema_locale import create_database, database_name
from pgadvisor.planner.twin_statistics import fill

# Nothing may touch the grown files of its own accord; CREATE INDEX on thousands of tables takes many locks at once.
_STATEMENT_TIMEOUT = "10s"
_SETTINGS: Mapping[str, str] = MappingProxyType(
    {
        "autovacuum": "off",
        "track_counts": "off",
        "max_parallel_maintenance_workers": "0",
        "max_locks_per_transaction": "1024",
        "shared_buffers": "64MB",
        "checkpoint_timeout": "1d",
        "log_min_messages": "fatal",
        "password_encryption": "scram-sha-256",
        "temp_file_limit": "1GB",
        "max_logical_replication_workers": "0",
    }
)

_PLACES = (
    "/usr/lib/postgresql/{}/bin",  # Debian, Ubuntu, and PostgreSQL's own packages for them
    "/usr/pgsql-{}/bin",  # PostgreSQL's own packages for Red Hat and its kin
    "/opt/homebrew/opt/postgresql@{}/bin",
    "/usr/local/opt/postgresql@{}/bin",
    "/home/linuxbrew/.linuxbrew/opt/postgresql@{}/bin",
    "/Applications/Postgres.app/Contents/Versions/{}/bin",
    "/Library/PostgreSQL/{}/bin",
    "/opt/local/lib/postgresql{}/bin",
)


def find_binaries(major: int) -> Path | None:
    """The programs of PostgreSQL `major` that are installed here; None: there are none, and the wheel's have to do."""
    places = (Path(place.format(major)) for place in _PLACES)
    return next((each for each in places if (each / "postgres").exists() and (each / "initdb").exists()), None)


class Twin:
    """A twin that is up, and filled, as soon as it is made; `stop()`, or leaving `with`, ends and removes it.

    `binaries` names the directory of PostgreSQL's programs; without it those of the audited server's major version,
    where this machine has them, else those of the wheel. `change` changes its schema before it is filled: what is left
    of the audited tables is filled as they are. Raises SnapshotError for a snapshot without a database or with
    impossible figures, and EmbeddedServerError when the server does not come up. What cannot be built is in `gaps`.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        *,
        binaries: Path | None = None,
        change: Change | None = None,
        progress: Progress = no_progress,
    ) -> None:
        if snapshot.server is None:
            raise SnapshotError("the snapshot holds no database, so there is nothing to plan with: collect from a DSN")
        self._source: Server = snapshot.server
        snapshot = checked(snapshot)
        self._database = database_name(snapshot)
        progress(STAGE, 0, 0)
        self._server, gaps = _start(binaries, self._source.major)
        try:
            self.gaps: tuple[Gap, ...] = (*gaps, *self._build(snapshot, change, progress))
            """What could not be built, or is otherwise than on the audited server; area `planner`."""
        except (psycopg.Error, OSError) as error:
            self.stop()
            words = str(error).strip().partition("\n")[0]
            raise EmbeddedServerError(f"the planner twin could not be built ({words}): see it with --debug") from error
        except BaseException:
            self.stop()
            raise

    def _build(self, snapshot: Snapshot, change: Change | None, progress: Progress) -> tuple[Gap, ...]:
        with psycopg.connect(self._server.dsn("template1"), autocommit=True, client_encoding="UTF8") as connection:
            gaps = create_database(connection, snapshot)
        with self.connect(as_superuser=True) as connection:
            self.version: str = connection.info.parameter_status("server_version") or ""
            """As PostgreSQL prints it: `18.6`."""
            self.version = self.version.split(" ")[0]
            gaps += create_schema(connection, snapshot, progress)
        if change is None:
            return gaps + self._fill(snapshot)
        with self.connect(as_superuser=True) as connection, as_owner(connection, snapshot) as owner:
            before = read_state(owner)
            change(owner)
            after = read_state(owner)
        gaps += self._fill(followed(snapshot, before, after))
        with self.connect(as_superuser=True) as connection, self.connect() as owner:
            size_indexes(connection, owner, made_indexes(before, after))
        return gaps

    def _fill(self, snapshot: Snapshot) -> tuple[Gap, ...]:
        with self.connect(as_superuser=True) as connection, self.connect() as owner:
            return fill(connection, owner, snapshot, self._server.data_directory)

    @property
    def version_num(self) -> int:
        """As `server_version_num`: 180006."""
        return self._server.version_num

    @property
    def dsn(self) -> str:
        """The connection string of the role that owns all there, to the database that is named as the audited one. It
        asks for no password, and the role has no rights but its own."""
        return self._server.dsn(self._database, OWNER)

    @property
    def label(self) -> str:
        """`planner twin, PostgreSQL 18.6`; where the audited server has another version, both."""
        other = "" if self._source.version_num == self.version_num else f" for a server of {self._source.version}"
        return f"planner twin, PostgreSQL {self.version}{other}"

    def connect(self, *, as_superuser: bool = False) -> psycopg.Connection[tuple[Any, ...]]:
        """A new connection of the owner, in autocommit, which waits for no statement for long. `as_superuser`: for
        fixed statements alone, never for a word that a snapshot says."""
        if as_superuser:
            dsn, settings = self._server.dsn(self._database), SUPERUSER_OPTIONS
        else:
            dsn, settings = self.dsn, f"-c statement_timeout={_STATEMENT_TIMEOUT}"
        return psycopg.connect(dsn, autocommit=True, client_encoding="UTF8", options=settings)

    def stop(self) -> None:
        """Ends the server and removes its directory. Does nothing the second time."""
        self._server.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()


def _start(binaries: Path | None, major: int) -> tuple[EmbeddedServer, tuple[Gap, ...]]:
    """The server; with the wheel's programs, and a Gap, where those found by ourselves do not run."""
    found = binaries or find_binaries(major)
    try:
        return EmbeddedServer(found, settings=_SETTINGS, open_to=OWNER), ()
    except EmbeddedServerError as error:
        if binaries is not None or found is None:
            raise
        reason = f"PostgreSQL {major} in {found} could not be started ({error})"
    gap = Gap(area="planner", subject="version", reason=reason, cure="name other programs with --twin-bin DIR")
    return EmbeddedServer(settings=_SETTINGS, open_to=OWNER), (gap,)
