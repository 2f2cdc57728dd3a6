"""Why a connection could not be made, in one sentence with the next step, and without any secret."""

import re
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from pgadvisor.collect.connecting import CONNECT_TIMEOUT_S, _sentence, read_dsn
from pgadvisor.collect.session import open_session
from pgadvisor.errors import ServerError
from pgadvisor.planner.embedded import EmbeddedServer
from tests.fix_servers import Server

SECRET = "hun:t/er2"


@pytest.fixture(scope="module")
def strict() -> Iterator[EmbeddedServer]:
    """A server that asks for passwords over its socket, and refuses one role altogether."""
    with EmbeddedServer() as running:
        with psycopg.connect(running.dsn(), autocommit=True) as connection:
            connection.execute("CREATE ROLE alice LOGIN PASSWORD 'right'")
            connection.execute("CREATE ROLE nologin NOLOGIN PASSWORD 'right'")
            connection.execute("CREATE ROLE crowded LOGIN CONNECTION LIMIT 0")
            connection.execute("CREATE DATABASE closed")
            connection.execute("REVOKE CONNECT ON DATABASE closed FROM PUBLIC")
            rules = (
                "local all postgres trust\nlocal all alice scram-sha-256\nlocal all peer peer\nlocal all bob reject\n"
            )
            rules += "local all nologin trust\nlocal closed crowded trust\nlocal postgres crowded trust\n"
            (running.data_directory / "pg_hba.conf").write_text(rules)
            connection.execute("SELECT pg_reload_conf()")
            _wait_for_reload(connection)
        yield running


def _wait_for_reload(connection: psycopg.Connection[tuple[int]]) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if connection.execute("SELECT count(*) FROM pg_hba_file_rules").fetchone() == (7,):
            return
        time.sleep(0.05)


def refused(dsn: str | None) -> str:
    """The sentence with which opening a session fails."""
    with pytest.raises(ServerError) as caught:
        open_session(dsn)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def with_password(dsn: str, password: str) -> str:
    return psycopg.conninfo.make_conninfo(dsn, password=password)


def test_the_server_refuses(strict: EmbeddedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPASSFILE", str(tmp_path / "none"))
    monkeypatch.delenv("PGPASSWORD", raising=False)
    assert 'asks "alice" for a password: put it into ~/.pgpass' in refused(strict.dsn(user="alice"))
    wrong = refused(with_password(strict.dsn(user="alice"), SECRET))
    assert 'does not accept the password of "alice"' in wrong and SECRET not in wrong
    assert 'there is no database "nope"' in refused(strict.dsn("nope"))
    assert "pg_hba.conf" in refused(strict.dsn(user="carol"))
    assert "pg_hba.conf" in refused(strict.dsn(user="bob"))
    assert "may not log in" in refused(strict.dsn(user="nologin"))
    assert "no connection left" in refused(strict.dsn(user="crowded"))
    assert "GRANT CONNECT" in refused(with_password(strict.dsn("closed", user="alice"), "right"))
    assert "operating-system user" in refused(strict.dsn(user="peer"))


def test_an_unknown_role_is_told(server: Server) -> None:
    assert 'there is no role "nope"' in refused(server.dsn(user="nope"))


@pytest.mark.parametrize(
    ("dsn", "expected"),
    [
        ("host=127.0.0.1 port=1 user=u", 'nothing listens at "127.0.0.1", port 1'),
        ("host=/nowhere user=u", 'there is no server socket at "/nowhere"'),
        ("postgresql://u@no-such-host.invalid/x", 'the host "no-such-host.invalid" is not known'),
        ("service=no-such-service", "not in the service file"),
    ],
)
def test_nothing_answers(dsn: str, expected: str) -> None:
    assert expected in refused(dsn)


@pytest.mark.parametrize(
    "dsn",
    [
        "postgresql://alice:hun@ter2@127.0.0.1/shop",
        "postgresql://alice:hun/ter2@127.0.0.1/shop",
        "host=127.0.0.1 password=hun ter2 dbname=shop",
        "host=127.0.0.1 passwort=hunter2",
        "postgresql://alice:99/hunter2@127.0.0.1/shop",
        "alice:hunter2@127.0.0.1",
        "host='127.0.0.1 password=hunter2",
    ],
)
def test_a_bad_connection_string_is_never_repeated(dsn: str) -> None:
    said = refused(dsn)
    assert said.startswith("the connection string cannot be read: write postgresql://")
    assert "hun" not in said and "ter2" not in said


def test_a_bare_word_is_a_database() -> None:
    assert read_dsn("shop")["dbname"] == "shop"


def test_connecting_is_limited_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PGCONNECT_TIMEOUT", raising=False)
    assert read_dsn(None)["connect_timeout"] == CONNECT_TIMEOUT_S
    assert read_dsn("connect_timeout=3")["connect_timeout"] == "3"
    monkeypatch.setenv("PGCONNECT_TIMEOUT", "4")
    assert "connect_timeout" not in read_dsn(None)


def test_a_server_that_never_answers_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        assert "did not answer in time" in refused(f"host=127.0.0.1 port={port} user=u connect_timeout=2")


def test_what_is_no_postgresql_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        port = stranger.getsockname()[1]

        def answer() -> None:
            for _ in range(3):
                try:
                    connection, _ = stranger.accept()
                except OSError:
                    return
                connection.recv(100)
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                connection.close()

        threading.Thread(target=answer, daemon=True).start()
        assert "is no PostgreSQL server" in refused(f"host=127.0.0.1 port={port} user=u connect_timeout=5")


def test_tls_that_the_server_does_not_offer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as plain:
        port = plain.getsockname()[1]

        def answer() -> None:
            connection, _ = plain.accept()
            connection.recv(8)
            connection.sendall(b"N")
            connection.close()

        threading.Thread(target=answer, daemon=True).start()
        assert "does not offer TLS" in refused(f"host=127.0.0.1 port={port} user=u sslmode=require")


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ('FATAL:  no pg_hba.conf entry for host "1.2.3.4", user "u", database "d", no encryption', "only over TLS"),
        ("FATAL:  the database system is starting up", "is starting up or recovering"),
        ("FATAL:  the database system is shutting down", "is shutting down"),
        ("FATAL:  sorry, too many clients already", "has no connection left"),
        ("FATAL:  remaining connection slots are reserved for roles with SUPERUSER", "has no connection left"),
        ("SSL error: certificate verify failed", "TLS with the server"),
        ("FATAL:  unsupported startup parameter: options", "the pooler at"),
        (
            "FATAL:  Rolle »u« existiert nicht",
            "which says: Rolle »u« existiert nicht: try the same connection with psql",
        ),
        ("something that libpq alone says about hunter2", 'cannot connect to the server at "h": try the same'),
    ],
)
def test_what_cannot_be_made_to_happen_here(said: str, expected: str) -> None:
    sentence = _sentence(psycopg.OperationalError(said), {"host": "h", "user": "u", "dbname": "d"})
    assert expected in sentence and "hunter2" not in sentence and re.match("cannot connect", sentence)
