"""Servers and databases that the tests of `collect` need beside those of every test."""

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import psycopg
import pytest

from pgadvisor.collect.collector import collect
from pgadvisor.collect.session import open_session
from pgadvisor.model.catalog import Table
from pgadvisor.model.snapshot import Gap, Snapshot
from pgadvisor.planner.binaries import server_user, switched_to
from pgadvisor.planner.embedded import EmbeddedServer
from tests.fix_servers import Server, create_database, drop_database

WAIT_S = 120.0


@pytest.fixture(scope="session", params=["server", "debian15"])
def either(request: pytest.FixtureRequest) -> Server:
    """The usual server, then Debian's 15: an old and a new form of what collecting reads."""
    found: Server = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def empty(either: Server, request: pytest.FixtureRequest) -> Iterator[str]:
    """The superuser's DSN of an empty database on either server, for one test."""
    dsn = create_database(either, "collect")
    yield dsn
    drop_database(either, dsn)


@pytest.fixture(scope="session")
def without_library() -> Iterator[EmbeddedServer]:
    """A server that does not load pg_stat_statements."""
    with EmbeddedServer() as running:
        yield running


def execute(dsn: str, *statements: str) -> None:
    """Runs statements as the DSN's role, each in a transaction of its own."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def collected(dsn: str, *, lock_timeout_ms: int = 100, on_sql: Callable[[str], None] | None = None) -> Snapshot:
    """What collecting finds."""
    with open_session(dsn, lock_timeout_ms=lock_timeout_ms, on_sql=on_sql) as session:
        return collect(session)


def timeless(tables: tuple[Table, ...]) -> list[Table]:
    """The tables without their counters, which go on and reach the server's views late, and what is read by them."""
    change = msgspec.structs.replace
    return [
        change(
            table,
            counters=None,
            columns=tuple(
                change(column, statistics=change(column.statistics, smallest=None, largest=None))
                if column.statistics
                else column
                for column in table.columns
            ),
            indexes=tuple(change(index, scans=None, last_scan_at=None) for index in table.indexes),
        )
        for table in tables
    ]


def only_gap(snapshot: Snapshot, area: str) -> Gap:
    """The one gap of that area."""
    (gap,) = [gap for gap in snapshot.gaps if gap.area == area]
    return gap


@pytest.fixture
def standby(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """A primary with a hot standby that replays from it: the DSN of each."""
    settings = {"wal_level": "replica", "max_wal_senders": "4", "hot_standby": "on"}
    with EmbeddedServer(settings=settings, preload=("pg_stat_statements",)) as primary:
        with psycopg.connect(primary.dsn(), autocommit=True) as connection:
            connection.execute("CREATE EXTENSION pg_stat_statements")
            connection.execute("CREATE TABLE orders (id bigint PRIMARY KEY)")
        with _replica_of(primary) as dsn:
            yield primary.dsn(), dsn


@contextlib.contextmanager
def _replica_of(primary: EmbeddedServer) -> Iterator[str]:
    """A copy of the primary's files, started as its standby in a directory beside them."""
    user = server_user()
    program = Path(f"/proc/{_postmaster(primary)}/exe").readlink()
    place = primary.directory / "standby"
    with psycopg.connect(primary.dsn(), autocommit=True) as connection:
        connection.execute("SELECT pg_backup_start('test', true)")
        shutil.copytree(primary.data_directory, place, ignore=shutil.ignore_patterns("postmaster.*", "pg_wal"))
        (label,) = connection.execute("SELECT labelfile FROM pg_backup_stop(false)").fetchone() or ("",)
    (place / "pg_wal").mkdir()
    (place / "standby.signal").touch()
    (place / "backup_label").write_text(label)
    for path in (place, *place.rglob("*")):
        os.chown(path, user.uid, user.gid)
    place.chmod(0o700)
    options = {
        "port": "5433",
        "listen_addresses": "",
        "unix_socket_directories": str(primary.directory),
        "primary_conninfo": f"host={primary.directory} port=5432 user=postgres application_name=second",
        "shared_preload_libraries": "pg_stat_statements",
        "wal_level": "replica",
        "max_connections": "40",
        "max_wal_senders": "4",
    }
    command = [str(program), "-D", str(place), *(part for pair in options.items() for part in ("-c", "=".join(pair)))]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, cwd="/", **switched_to(user))
    try:
        dsn = f"{primary.dsn()} ".replace("port=5432", "port=5433")
        _wait_for(dsn, process)
        yield dsn
    finally:
        process.send_signal(2)
        process.wait(WAIT_S)


def _postmaster(server: EmbeddedServer) -> int:
    return int((server.data_directory / "postmaster.pid").read_text().splitlines()[0])


def _wait_for(dsn: str, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + WAIT_S
    while True:
        try:
            psycopg.connect(dsn).close()
            return
        except psycopg.OperationalError:
            if time.monotonic() > deadline or process.poll() is not None:
                raise
            time.sleep(0.1)


@pytest.fixture
def pooler(server: Server, tmp_path: Path) -> Iterator[Callable[[str], str]]:
    """Gives, for a database's name, a DSN that reaches it through PgBouncer in transaction mode."""
    program = shutil.which("pgbouncer") or "/usr/sbin/pgbouncer"
    if not Path(program).exists():
        pytest.skip("needs PgBouncer: apt-get install pgbouncer")
    user = server_user()
    socket = next(part for part in server.dsn().split() if part.startswith("host=/"))[len("host=") :]
    room = Path(socket) / "pooler"
    room.mkdir()
    (room / "pgbouncer.ini").write_text(
        f"[databases]\n* = host={socket} port=5432\n[pgbouncer]\nlisten_addr=\nlisten_port=6432\nauth_type=trust\n"
        f"auth_file={room}/users\nunix_socket_dir={room}\npool_mode=transaction\nadmin_users=postgres\nlogfile=/dev/null\n"
    )
    (room / "users").write_text('"postgres" ""\n')
    os.chown(room, user.uid, user.gid)
    process = subprocess.Popen([program, str(room / "pgbouncer.ini")], stderr=subprocess.DEVNULL, **switched_to(user))
    try:
        _wait_for(f"host={room} port=6432 user=postgres dbname=postgres", process)
        yield lambda database: f"host={room} port=6432 user=postgres dbname={database}"
    finally:
        process.terminate()
        process.wait(WAIT_S)
        shutil.rmtree(room)
