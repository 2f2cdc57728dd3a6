"""EXPLAIN on a connection of the planner's own: what is sent, and what is read of the answer."""

from collections.abc import Iterator
from typing import Any

import msgspec
import psycopg
from psycopg import sql
from psycopg.abc import Buffer
from psycopg.adapt import Loader

from pgadvisor.errors import WhatIfError


class RawJson(Loader):
    """Leaves JSON as the bytes that came: most of it is never looked at."""

    def load(self, data: Buffer) -> bytes:
        """The bytes."""
        return bytes(data)


class BareNode(msgspec.Struct, rename={"cost": "Total Cost", "rows": "Plan Rows", "index": "Index Name",
                                       "schema": "Schema", "children": "Plans"}):  # fmt: skip
    """Of a node what costs and the indexes used need."""

    cost: float
    rows: float = 0.0
    index: str | None = None
    schema: str | None = None
    children: list["BareNode"] = msgspec.field(default_factory=list)

    def indexes(self, schema: str | None = None) -> Iterator[tuple[str | None, str]]:
        """(schema of the table where EXPLAIN said it, index) of this node and all below."""
        # A Bitmap Index Scan does not say the table: the heap scan above it does.
        schema = self.schema or schema
        if self.index is not None:
            yield schema, self.index
        for child in self.children:
            yield from child.indexes(schema)


class _Outer(msgspec.Struct, rename={"plan": "Plan"}):
    plan: BareNode


_DECODER = msgspec.json.Decoder(list[_Outer])


def read_bare(answer: bytes) -> BareNode:
    """The root of the plan in EXPLAIN's JSON."""
    return _DECODER.decode(answer)[0].plan


def estimated_rows(connection: psycopg.Connection[Any], schema: str, table: str, predicate: str | None = None) -> float:
    """Rows of one table that the planner expects; `predicate`: as the catalog prints it."""
    query = sql.SQL("EXPLAIN (FORMAT JSON) SELECT FROM ONLY {}").format(sql.Identifier(schema, table))
    if predicate is not None:
        query += sql.SQL(" WHERE {}").format(sql.SQL(_as_printed(predicate)))
    row = connection.execute(query.as_string(None).encode()).fetchone()
    if row is None:
        raise WhatIfError("the server's EXPLAIN gave no plan")
    return read_bare(row[0]).rows


def _as_printed(text: str) -> Any:
    """An expression of the catalog, for `sql.SQL`; psycopg types it as a literal."""
    return text


def reason_of(error: psycopg.Error) -> str:
    """The server's words, as a clause."""
    return error.diag.message_primary or str(error).strip() or "the connection was lost"
