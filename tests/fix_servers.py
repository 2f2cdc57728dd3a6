"""Fixtures that give PostgreSQL servers, and empty databases in them."""

import contextlib
import os
import re
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from pgadvisor.errors import EmbeddedServerError
from pgadvisor.planner.embedded import EmbeddedServer
from tests.fix_containers import container, image_at_hand

PRELOAD = ("pg_stat_statements",)
MAJORS = ("13", "14", "15", "16", "17")
"""Beside the default server's, which is 18 where nothing else is named."""

SERVER_IS_UP = pytest.StashKey[bool]()
"""Set where the default server came up: what is then skipped is not for want of a server."""

_SETTINGS = {"autovacuum_naptime": "1d"}
"""What was never analyzed stays so, however long a test file takes."""
_DEBIAN15 = Path("/usr/lib/postgresql/15/bin")


class Server(Protocol):
    """A running server that tests may fill; the user `postgres` stands for its superuser."""

    version_num: int

    def dsn(self, database: str = "postgres", user: str = "postgres") -> str:
        """The connection string; a role other than the superuser's must be one that needs no other password."""


class NamedServer:
    """A server that someone else runs, reached by its connection string."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        with psycopg.connect(dsn) as connection:
            self.version_num = connection.info.server_version

    def dsn(self, database: str = "postgres", user: str = "postgres") -> str:
        if user == "postgres":
            return make_conninfo(self._dsn, dbname=database)
        return make_conninfo(self._dsn, dbname=database, user=user)


@contextlib.contextmanager
def _default_server() -> Iterator[Server]:
    """PGADVISOR_TEST_DSN, else a container where Docker answers and an image is at hand, else the embedded server."""
    named, image = os.environ.get("PGADVISOR_TEST_DSN"), None
    if named:
        yield NamedServer(named)
    elif image := image_at_hand():
        with container(image) as dsn:
            yield NamedServer(dsn)
    else:
        with _embedded_or_skip(None) as running:
            yield running


@contextlib.contextmanager
def _embedded_or_skip(binaries: Path | None) -> Iterator[EmbeddedServer]:
    try:
        running = EmbeddedServer(binaries, settings=_SETTINGS, preload=PRELOAD)
    except EmbeddedServerError as error:
        pytest.skip(str(error))
    with running:
        yield running


@pytest.fixture(scope="session")
def server(pytestconfig: pytest.Config) -> Iterator[Server]:
    """The server most tests use, with pg_stat_statements preloaded."""
    with _default_server() as running:
        pytestconfig.stash[SERVER_IS_UP] = True
        yield running


@pytest.fixture(scope="session")
def debian15(pytestconfig: pytest.Config) -> Iterator[Server]:
    """Debian's PostgreSQL 15, which has hypopg."""
    if not (_DEBIAN15 / "postgres").exists():
        pytest.skip("needs Debian's PostgreSQL 15: apt-get install postgresql-15 postgresql-15-hypopg")
    with _embedded_or_skip(_DEBIAN15) as running:
        pytestconfig.stash[SERVER_IS_UP] = True
        yield running


@pytest.fixture(scope="session", params=[*MAJORS, "default"])
def every_server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """Every major version at hand, one after the other, and the default server."""
    if request.param == "default":
        yield request.getfixturevalue("server")
        return
    programs = next((path for path in programs_of(request.param) if (path / "postgres").exists()), None)
    if programs is None:
        pytest.skip(f"PostgreSQL {request.param} is not at hand: .ci/fetch-servers fetches it")
    with _embedded_or_skip(programs) as running:
        yield running


def programs_of(major: str) -> tuple[Path, Path]:
    """Where the programs of a major version may lie: fetched by .ci/fetch-servers, or Debian's packages."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    fetched = Path(os.environ.get("PGADVISOR_SERVERS") or cache / "pgadvisor" / "servers")
    return fetched / major / "bin", Path("/usr/lib/postgresql") / major / "bin"


def create_database(server: Server, name_hint: str, template: str = "template0") -> str:
    """The DSN of a new database with a name of its own, a copy of `template`."""
    name = f"{re.sub(r'[^a-z0-9_]', '_', name_hint.lower())[:40]}_{secrets.token_hex(4)}"
    statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))
    if server.version_num >= 150_000:
        statement += sql.SQL(" STRATEGY file_copy")  # in half the time, without a log of every page
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        connection.execute(statement)
    return server.dsn(name)


def drop_database(server: Server, dsn: str) -> None:
    """Drops a database made here, with whoever is still connected to it."""
    name = str(conninfo_to_dict(dsn)["dbname"])
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def database(server: Server, request: pytest.FixtureRequest) -> Iterator[str]:
    """The DSN of an empty database, for one test."""
    dsn = create_database(server, request.node.name)
    yield dsn
    drop_database(server, dsn)


@pytest.fixture(scope="module")
def new_database(server: Server) -> Iterator[Callable[..., str]]:
    """Makes databases for a test file: `new_database("shop")`, or a copy with `new_database("copy", template=name)`."""
    made: list[str] = []

    def make(name_hint: str = "test", template: str = "template0") -> str:
        made.append(create_database(server, name_hint, template))
        return made[-1]

    yield make
    for dsn in made:
        drop_database(server, dsn)


@pytest.fixture
def reader() -> Iterator[Callable[[str], str]]:
    """Makes, in the server and database of a superuser's DSN, a role that may only read; gives the DSN for it."""
    made: list[tuple[str, str]] = []

    def make(dsn: str) -> str:
        made.append((dsn, make_reader(dsn)))
        return made[-1][1]

    yield make
    for dsn, reading in made:
        drop_reader(dsn, reading)


def make_reader(dsn: str) -> str:
    """The role has pg_monitor and pg_read_all_data, and a password, for servers that ask for one.

    PostgreSQL 13 lacks pg_read_all_data: there it may read the tables that `public` holds now.
    """
    name, password = f"pgadvisor_reader_{secrets.token_hex(4)}", secrets.token_hex(16)
    role = sql.Identifier(name)
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(role, sql.Literal(password)))
        connection.execute(sql.SQL("GRANT pg_monitor TO {}").format(role))
        if connection.info.server_version >= 140_000:
            connection.execute(sql.SQL("GRANT pg_read_all_data TO {}").format(role))
        else:
            connection.execute(sql.SQL("GRANT SELECT ON ALL TABLES IN SCHEMA public TO {}").format(role))
    return make_conninfo(dsn, user=name, password=password)


def drop_reader(dsn: str, reading: str) -> None:
    """Takes back what `make_reader` did: the server may be one that lives on. Its database may be gone by now."""
    role = sql.Identifier(str(conninfo_to_dict(reading)["user"]))
    database = conninfo_to_dict(dsn)["dbname"]
    with psycopg.connect(make_conninfo(dsn, dbname="postgres"), autocommit=True) as connection:
        if connection.execute("SELECT FROM pg_database WHERE datname = %s", (database,)).fetchone() is not None:
            with psycopg.connect(dsn, autocommit=True) as inside:
                inside.execute(sql.SQL("DROP OWNED BY {}").format(role))
        connection.execute(sql.SQL("DROP ROLE {}").format(role))
