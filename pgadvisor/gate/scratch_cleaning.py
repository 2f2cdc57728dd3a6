"""What migrations made in a database that the user named, taken away again: it is left as it was found."""

import contextlib
from typing import Any

import psycopg

Owned = frozenset[tuple[int, int]]
"""Class and oid of each object of a role's in one database."""

_ROUNDS = 3
_OWNED = """/* pgadvisor */
SELECT d.classid::bigint, d.objid::bigint, i.type, i.identity
FROM pg_catalog.pg_shdepend AS d, pg_catalog.pg_identify_object(d.classid, d.objid, d.objsubid) AS i
WHERE d.deptype = 'o' AND d.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass
  AND d.refobjid = (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = current_user)
  AND d.dbid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
  AND i.identity IS NOT NULL
ORDER BY i.type <> 'schema', i.type <> 'extension', d.objid
"""
_WORDS = {"statistics object": "STATISTICS", "composite type": "TYPE"}
"""How DROP calls what is called otherwise by pg_identify_object."""


def owned_by_us(connection: psycopg.Connection[Any]) -> Owned:
    """What the session's role owns in its database."""
    return frozenset((kind, oid) for kind, oid, _, _ in connection.execute(_OWNED).fetchall())


def drop_new(connection: psycopg.Connection[Any], before: Owned) -> None:
    """Drops what the role owns beyond `before`, as far as it can; default privileges are no object, and stay.
    `connection` is in autocommit, and the role's own."""
    for _ in range(_ROUNDS):
        for kind, oid, word, identity in connection.execute(_OWNED).fetchall():
            if (kind, oid) not in before:
                # What another DROP took with it is gone; what cannot be dropped yet is tried again.
                with contextlib.suppress(psycopg.Error):
                    connection.execute(_drop(word, identity, oid).encode())


def _drop(word: str, identity: str, oid: int) -> str:
    """Names come quoted from the server."""
    if word == "large object":
        return f"SELECT pg_catalog.lo_unlink({oid})"
    return f"DROP {_WORDS.get(word, word)} IF EXISTS {identity} CASCADE"
