"""Which database a connection leads to: the audited one is never measured on."""

from datetime import datetime
from typing import Any

import psycopg

from pgadvisor.collect.connecting import connect
from pgadvisor.collect.session import StatementError, marked
from pgadvisor.errors import ServerError, UsageError
from pgadvisor.model.record import Record
from pgadvisor.model.snapshot import Snapshot

_QUERY = marked("""
SELECT d.oid::bigint AS database_oid, d.datname AS database,
       pg_catalog.inet_server_addr()::text AS address, pg_catalog.inet_server_port() AS address_port,
       pg_catalog.pg_postmaster_start_time() AS started_at, pg_catalog.pg_is_in_recovery() AS is_standby,
       pg_catalog.pg_stat_get_db_stat_reset_time(d.oid) AS statistics_reset_at
FROM pg_catalog.pg_database AS d WHERE d.datname OPERATOR(pg_catalog.=) pg_catalog.current_database()
""")
_SYSTEM = marked("SELECT system_identifier AS system FROM pg_catalog.pg_control_system()")


class Identity(Record):
    """What tells one database from another; None: not known."""

    database: str
    database_oid: int | None = None
    system: int | None = None
    """The cluster's system identifier: a standby has its primary's, and so has what was restored from its backup."""
    started_at: datetime | None = None
    """When the server was started: no two have the same microsecond."""
    statistics_reset_at: datetime | None = None
    """When its counters were reset, to the microsecond: it outlasts a restart."""
    address: str | None = None
    """Where the server itself says it is reached; a socket has none."""
    address_port: int | None = None
    host: str | None = None
    """As the client calls it: a name, or a socket's directory."""
    port: int | None = None
    is_standby: bool = False

    def is_same(self, other: "Identity") -> bool:
        """Whether both are, or may be, one database, or one the standby of the other."""
        if self.system is not None and other.system is not None:
            return (self.system, self.database_oid) == (other.system, other.database_oid)
        if self.database != other.database:
            return False
        return (
            _are_equal(self.started_at, other.started_at)
            or _are_equal(self.statistics_reset_at, other.statistics_reset_at)
            or (_are_equal(self.address, other.address) and _are_equal(self.address_port, other.address_port))
            or (_are_equal(self.host, other.host) and (None in (self.port, other.port) or self.port == other.port))
        )


def identity_of(dsn: str | None) -> Identity:
    """Of the database that the DSN leads to (None: libpq's own ways). Raises ServerError."""
    with connect(dsn) as connection:
        return identity_behind(connection)


def identity_behind(connection: psycopg.Connection[dict[str, Any]]) -> Identity:
    """Of the database at the other end of a connection in autocommit mode."""
    info = connection.info
    try:
        row = connection.execute(_QUERY.encode()).fetchone() or {}
        system = _system(connection)
    except psycopg.Error as error:
        reason = StatementError(error, _QUERY).reason
        raise ServerError(
            f'"{info.dbname}" at {info.host} does not say which database it is ({reason}): see the settings of the '
            f"role {info.user} there, statement_timeout above all"
        ) from error
    return Identity(**row, **system, host=info.host or None, port=info.port)


def _system(connection: psycopg.Connection[dict[str, Any]]) -> dict[str, Any]:
    """The cluster's system identifier, where the role may see it."""
    try:
        return connection.execute(_SYSTEM.encode()).fetchone() or {}
    except (psycopg.errors.InsufficientPrivilege, psycopg.errors.UndefinedFunction, psycopg.errors.FeatureNotSupported):
        return {}


def identity_in(snapshot: Snapshot) -> Identity | None:
    """Of the database that a snapshot was made of, as far as it says; None: of none."""
    server = snapshot.server
    if server is None:
        return None
    return Identity(
        database=server.database,
        started_at=server.started_at,
        statistics_reset_at=server.statistics_reset_at,
        host=server.host,
    )


def refuse_unless_copy(copy: Identity, audited: Identity | None) -> None:
    """Raises UsageError when the database to measure on is the audited one, or cannot be written to."""
    how = "make a copy, for example with `CREATE DATABASE copy TEMPLATE …` or pg_dump and pg_restore, and name that"
    if audited is not None and copy.is_same(audited):
        raise UsageError(f'"{copy.database}" to measure on is the audited database, or cannot be told from it: {how}')
    if copy.is_standby:
        raise UsageError(f'"{copy.database}" to measure on is on a standby, where nothing can be built: {how}')


def _are_equal(one: object, other: object) -> bool:
    return one is not None and one == other
