"""From a connection string to an open connection, and from libpq's words to one clear sentence."""

import json
import os
import re
from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg.adapt import Loader
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.types.json import set_json_loads

from pgadvisor.errors import ServerError

CONNECT_TIMEOUT_S = 10
"""Used where neither the connection string nor PGCONNECT_TIMEOUT says: a wrong address must not look like a hang."""
OLDEST_VERSION_NUM = 130_000

BAD_DSN = (
    "the connection string cannot be read: write postgresql://USER@HOST:5432/DATABASE or "
    "'host=HOST port=5432 dbname=DATABASE user=USER', with @ : / % in a URI's password written as %40 %3A %2F %25"
)
"""Never quotes what was given: a mistyped password may be anywhere in it."""

TEXT_OIDS = (18, 19, 25, 705, 1042, 1043)
"""char, name, text, unknown, bpchar, varchar."""

FAILURES: tuple[tuple[str, str, str], ...] = (
    (
        "could not translate host name|name or service not known|nodename nor servname|name resolution",
        "the host {host} is not known",
        "check the host's name, or give its address",
    ),
    ("connection refused", "nothing listens at {host}, port {port}", "check host and port, and that the server runs"),
    (
        "no such file or directory|server running locally",
        "there is no server socket at {host}, port {port}",
        "give the host, as in postgresql://USER@HOST/DATABASE, or set PGHOST, or start the server",
    ),
    (
        "no password supplied",
        "the server at {host} asks {user} for a password",
        "put it into ~/.pgpass (mode 0600) or set PGPASSWORD",
    ),
    (
        "(password|ldap|pam|radius) authentication failed",
        "the server at {host} does not accept the password of {user}",
        "correct it in ~/.pgpass, PGPASSWORD or the connection string",
    ),
    (
        "no pg_hba.conf entry.*(ssl encryption|ssl on|gss encryption)",
        "the server at {host} has no pg_hba.conf entry for {user}, {database} and this machine",
        "add one to pg_hba.conf and run SELECT pg_reload_conf()",
    ),
    (
        "no pg_hba.conf entry.*(no encryption|ssl off)",
        "the server at {host} takes {user} for {database} only over TLS, or not from this machine",
        "add sslmode=require to the connection string, or a line for this machine to pg_hba.conf",
    ),
    (
        "no pg_hba.conf entry|pg_hba.conf rejects connection",
        "pg_hba.conf of the server at {host} does not let {user} into {database} from this machine",
        "change it and run SELECT pg_reload_conf()",
    ),
    (
        "(peer|ident) authentication failed",
        "the server lets {user} in only as the operating-system user of the same name",
        "run pgadvisor as that user, or connect over TCP: postgresql://USER@localhost/DATABASE",
    ),
    (
        "does not support (ssl|tls)",
        "the server at {host} does not offer TLS, which sslmode asks for",
        "set sslmode=prefer, or turn ssl on at the server",
    ),
    (
        "certificate|ssl error|sslrootcert",
        "TLS with the server at {host} failed: its certificate was not accepted, or the protocols do not fit",
        "check sslmode and sslrootcert in the connection string",
    ),
    (
        "no such database|database .* does not exist",
        "there is no database {database} at {host}",
        "check the name; psql -l lists those there are",
    ),
    (
        "role .* does not exist|no such user",
        "there is no role {user} at {host}",
        "give the right user, or create the role and GRANT pg_monitor, pg_read_all_data TO it",
    ),
    (
        "is not permitted to log in",
        "the role {user} may not log in at {host}",
        "run ALTER ROLE … LOGIN, or give another user",
    ),
    (
        "permission denied for database",
        "{user} may not connect to {database}",
        "run GRANT CONNECT ON DATABASE … TO the role",
    ),
    (
        "not currently accepting connections",
        "the database {database} does not accept connections",
        "give another database; templates cannot be audited",
    ),
    (
        "too many connections|too many clients|remaining connection slots|no more connections allowed",
        "the server at {host} has no connection left",
        "try again later, or raise max_connections or the role's limit",
    ),
    (
        "starting up|not yet accepting|recovery mode",
        "the server at {host} is starting up or recovering",
        "try again in a moment",
    ),
    ("shutting down", "the server at {host} is shutting down", "start it again, or give another host"),
    (
        "unsupported startup parameter",
        "the pooler at {host} refuses a setting given at the start",
        "remove options=… and PGOPTIONS, or connect to PostgreSQL itself",
    ),
    (
        "session is (not )?read-only|server is (not )?in hot standby mode",
        "no server at {host} is of the kind that target_session_attrs asks for",
        "set target_session_attrs=any",
    ),
    (
        "definition of service|service file",
        "the service that was named is not in the service file",
        "check PGSERVICE, PGSERVICEFILE and ~/.pg_service.conf",
    ),
    (
        "network is unreachable|no route to host|host is (unreachable|down)",
        "{host} cannot be reached from here",
        "check the address, the VPN and the firewall",
    ),
    (
        "closed the connection unexpectedly|connection reset|invalid response to|expected authentication",
        "what answers at {host}, port {port} broke off, or is no PostgreSQL server",
        "check host and port",
    ),
    (
        "timeout|timed out",
        "{host}, port {port} did not answer in time",
        "check host, port and firewall, or raise connect_timeout in the connection string",
    ),
)
"""What libpq or the server says (a pattern, case ignored), the fact, the next step. The first that fits wins."""


class TextLoader(Loader):
    """Text as it comes; bytes that are no UTF-8 (SQL_ASCII databases hold anything) become the replacement mark."""

    def load(self, data: Any) -> str:
        """The decoded text."""
        return bytes(data).decode("utf-8", "replace")


def read_dsn(dsn: str | None) -> dict[str, Any]:
    """The keywords of a connection string (empty: libpq's environment decides); raises ServerError, quoting nothing."""
    text = (dsn or "").strip()
    if text and "=" not in text and "://" not in text:
        # As psql does: a bare word is a database's name.
        if re.search(r"[\s@:/]", text):
            raise ServerError(BAD_DSN)
        text = make_conninfo(dbname=text)
    try:
        found = dict(conninfo_to_dict(text))
    except psycopg.Error:
        raise ServerError(BAD_DSN) from None
    ports = str(found.get("port") or "").split(",")
    if any("@" in str(found.get(each) or "") for each in ("host", "port", "dbname", "hostaddr")):
        raise ServerError(BAD_DSN)
    if not all(port.strip().isdigit() or not port.strip() for port in ports):
        raise ServerError(BAD_DSN)
    if "connect_timeout" not in found and "PGCONNECT_TIMEOUT" not in os.environ:
        found["connect_timeout"] = CONNECT_TIMEOUT_S
    return found


def _json(data: str | bytes) -> Any:
    return json.loads(data if isinstance(data, str) else data.decode("utf-8", "replace"))


def holds_any_bytes(connection: psycopg.Connection[Any]) -> bool:
    """Whether the database's text may be no text: SQL_ASCII refuses to hand out as UTF-8 what is none."""
    return connection.pgconn.parameter_status(b"server_encoding") in (b"SQL_ASCII", b"MULE_INTERNAL")


def connect(dsn: str | None) -> psycopg.Connection[dict[str, Any]]:
    """An open connection in autocommit mode to a PostgreSQL that we can read; raises ServerError."""
    keywords = {**read_dsn(dsn), "application_name": "pgadvisor"}
    connection = _connect(keywords)
    try:
        _check_server(connection)
        if holds_any_bytes(connection):
            # Not for all: it is written in Python, and a large database has millions of texts.
            for oid in TEXT_OIDS:
                connection.adapters.register_loader(oid, TextLoader)
            set_json_loads(_json, context=connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _connect(keywords: Mapping[str, Any], encoding: str = "UTF8") -> psycopg.Connection[dict[str, Any]]:
    try:
        return psycopg.Connection.connect(
            **{**keywords, "client_encoding": encoding},
            autocommit=True,
            prepare_threshold=None,
            row_factory=psycopg.rows.dict_row,
        )
    except psycopg.Error as error:
        if encoding == "UTF8" and "conversion between" in str(error):
            # A database in MULE_INTERNAL has no way to UTF-8: take its bytes as they are.
            return _connect(keywords, "SQL_ASCII")
        raise ServerError(_sentence(error, keywords)) from error


def _sentence(error: psycopg.Error, keywords: Mapping[str, Any]) -> str:
    """What happened and the next step: told by libpq's English words; in another language the server's are shown."""
    said = str(error)
    names = {
        "host": _shown(keywords.get("host") or keywords.get("hostaddr") or os.environ.get("PGHOST"), "this machine"),
        "port": keywords.get("port") or os.environ.get("PGPORT") or 5432,
        "user": _shown(keywords.get("user") or os.environ.get("PGUSER"), "the user"),
        "database": _shown(keywords.get("dbname") or os.environ.get("PGDATABASE"), "of the user's name"),
    }
    for pattern, fact, step in FAILURES:
        if re.search(pattern, said, re.IGNORECASE | re.DOTALL):
            return f"cannot connect: {fact.format(**names)}: {step}"
    reason = _server_words(said)
    return f"cannot connect to the server at {names['host']}{reason}: try the same connection with psql"


def _shown(value: object, otherwise: str) -> str:
    return f'"{value}"' if value else otherwise


def _server_words(said: str) -> str:
    """What the server itself said, after libpq's prefix; nothing where libpq says it, which may quote its input."""
    _, mark, words = said.partition("FATAL:")
    return f", which says: {words.strip().splitlines()[0]}" if mark and words.strip() else ""


def _check_server(connection: psycopg.Connection[Any]) -> None:
    said = connection.pgconn.parameter_status(b"server_version") or b""
    if b"bouncer" in said:
        raise ServerError(
            "this is PgBouncer's own console, not a database: give the name of a database that it serves as dbname"
        )
    if connection.pgconn.parameter_status(b"crdb_version"):
        raise ServerError("this is CockroachDB, not PostgreSQL: pgadvisor audits PostgreSQL 13 and later")
    if connection.pgconn.server_version < OLDEST_VERSION_NUM:
        raise ServerError(
            f"the server is PostgreSQL {said.decode('ascii', 'replace')}: pgadvisor reads 13 and later; "
            "upgrade the server, which its makers no longer mend"
        )
