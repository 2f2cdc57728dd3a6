"""EXPLAIN on a connection of the planner's own: what is sent, and what is read of the answer."""

import contextlib
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

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


class BareNode(msgspec.Struct, rename={"kind": "Node Type", "cost": "Total Cost", "rows": "Plan Rows",
                                       "index": "Index Name", "table": "Relation Name", "schema": "Schema",
                                       "children": "Plans"}):  # fmt: skip
    """Of a node what costs, the indexes used and look-ups by them need."""

    cost: float
    kind: str = ""
    rows: float = 0.0
    index: str | None = None
    table: str | None = None
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


def bare(answer: object) -> BareNode:
    """The root of the plan in EXPLAIN's JSON, decoded already."""
    return msgspec.convert(answer, list[_Outer])[0].plan


class Kept(NamedTuple):
    """Rows of one table: all, or those that a predicate keeps."""

    schema: str
    table: str
    predicate: str | None = None
    """As the catalog prints it."""


class RowEstimates:
    """How many rows the planner expects, asked once each. `connection` reads JSON as `RawJson`."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection
        self._known: dict[Kept, float] = {}

    def learn(self, wanted: Iterable[Kept]) -> None:
        """Asks for all of them at once; those that the server refuses are refused again by `of`."""
        new = [each for each in dict.fromkeys(wanted) if each not in self._known]
        cursors: list[psycopg.Cursor[Any]] = []
        with contextlib.suppress(psycopg.Error), self._connection.pipeline():
            cursors += [self._connection.execute(_explain_rows(each)) for each in new]
            rows = [cursor.fetchone() for cursor in cursors]
            self._known.update((each, read_bare(row[0]).rows) for each, row in zip(new, rows, strict=True) if row)

    def of(self, kept: Kept) -> float:
        """The rows; raises psycopg.Error when the server refuses the predicate."""
        if kept not in self._known:
            row = self._connection.execute(_explain_rows(kept)).fetchone()
            if row is None:
                raise WhatIfError("the server's EXPLAIN gave no plan")
            self._known[kept] = read_bare(row[0]).rows
        return self._known[kept]


def _explain_rows(kept: Kept) -> bytes:
    query = sql.SQL("EXPLAIN (FORMAT JSON) SELECT FROM ONLY {}").format(sql.Identifier(kept.schema, kept.table))
    if kept.predicate is not None:
        query += sql.SQL(" WHERE {}").format(sql.SQL(_as_printed(kept.predicate)))
    return query.as_string(None).encode()


def _as_printed(text: str) -> Any:
    """An expression of the catalog, for `sql.SQL`; psycopg types it as a literal."""
    return text


def reason_of(error: psycopg.Error) -> str:
    """The server's words, as a clause."""
    return error.diag.message_primary or str(error).strip() or "the connection was lost"
