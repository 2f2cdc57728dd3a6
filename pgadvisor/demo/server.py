"""The demo's server: gone with the command, or kept up by a process of its own until someone ends it."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from pgadvisor.errors import EmbeddedServerError
from pgadvisor.planner.embedded import EmbeddedServer

SETTINGS = {
    # Room for the whole shop, so that its times do not hang on the disk.
    "shared_buffers": "256MB",
    # Autovacuum would cure two of the problems before the audit sees them.
    "autovacuum_naptime": "1d",
    # One process a statement: the same plans on a laptop and on a server with many cores.
    "max_parallel_workers_per_gather": "0",
    "track_io_timing": "on",
}
PRELOAD = ("pg_stat_statements",)

_TOLD = ("host", "port", "dbname", "user")
_STOP_TIMEOUT_S = 60


class Server(Protocol):
    """A server to make the shop on."""

    def dsn(self, database: str = "postgres", user: str = "postgres") -> str:
        """The connection string of that role to that database."""


class KeptServer:
    """A server in the hands of a process that outlives this one."""

    def __init__(self, process: subprocess.Popen[str], dsn: str) -> None:
        self.pid = process.pid
        """Whose end is the server's end."""
        self._process = process
        self._dsn = dsn

    def dsn(self, database: str = "postgres", user: str = "postgres") -> str:
        """The connection string of that role to that database."""
        return make_conninfo(self._dsn, dbname=database, user=user)

    def stop(self) -> None:
        """Ends the process, and the server with it."""
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(_STOP_TIMEOUT_S)


def short_dsn(server: Server, database: str, user: str) -> str:
    """The connection string as a person would write it."""
    parts = conninfo_to_dict(server.dsn(database, user))
    return " ".join(f"{name}={parts[name]}" for name in _TOLD if parts.get(name))


@contextmanager
def passing_server() -> Iterator[EmbeddedServer]:
    """A server that ends with the `with`."""
    with EmbeddedServer(settings=SETTINGS, preload=PRELOAD) as server:
        yield server


@contextmanager
def kept_server() -> Iterator[KeptServer]:
    """A server that stays up after the `with`, unless that ends in an error. Raises EmbeddedServerError."""
    server = _keep()
    try:
        yield server
    except BaseException:
        server.stop()
        raise


def _keep() -> KeptServer:
    # -P: a folder named pgadvisor where the user stands is not ours to run. A session of its own: Ctrl-C and a closed
    # terminal are not meant for it.
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "pgadvisor.demo.keeper"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd="/",
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    try:
        with process.stdout as pipe:
            answer = json.loads(pipe.readline() or '{"error": "the process that keeps the demo\'s server has ended"}')
    except BaseException:
        process.terminate()
        process.wait(_STOP_TIMEOUT_S)
        raise
    if "error" in answer:
        process.wait(_STOP_TIMEOUT_S)
        raise EmbeddedServerError(answer["error"])
    return KeptServer(process, answer["dsn"])
