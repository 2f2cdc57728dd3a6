"""The demo's server: gone with its `with`, or kept by a process that can be ended by its number."""

import os
import signal
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from pgadvisor.demo.server import kept_server, passing_server, short_dsn

pytestmark = pytest.mark.server


def test_passing_server_ends_with_its_block() -> None:
    with passing_server() as server:
        directory = server.directory
        assert directory.is_dir()
    assert not directory.exists()


def test_kept_server_stays_up_until_its_process_is_ended() -> None:
    with kept_server() as server:
        pass
    try:
        with psycopg.connect(short_dsn(server, "postgres", "postgres")) as connection:
            assert connection.execute("SHOW shared_preload_libraries").fetchone() == ("pg_stat_statements",)
        directory = Path(str(conninfo_to_dict(server.dsn())["host"]))
        os.kill(server.pid, signal.SIGTERM)
        server.stop()
        assert not directory.exists()
    finally:
        server.stop()


def test_kept_server_ends_when_the_demo_fails() -> None:
    with pytest.raises(ZeroDivisionError), kept_server() as server:
        directory = Path(str(conninfo_to_dict(server.dsn())["host"]))
        raise ZeroDivisionError
    assert not directory.exists()


def test_address_is_short_and_complete() -> None:
    with passing_server() as server:
        address = short_dsn(server, "postgres", "postgres")
    assert address == f"host={server.directory} port=5432 dbname=postgres user=postgres"
