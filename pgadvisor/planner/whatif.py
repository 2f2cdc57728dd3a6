"""What-if on the twin: plans under configurations, many a second."""

import contextlib
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from types import TracebackType
from typing import Any, Protocol, Self

import msgspec
import psycopg

from pgadvisor.errors import EmbeddedServerError, WhatIfError
from pgadvisor.model.explain import read_explain
from pgadvisor.model.plan import Plan, PlanNode
from pgadvisor.model.record import Record
from pgadvisor.model.whatif import NOTHING, Answer, Configuration, HypotheticalIndex, IndexSize
from pgadvisor.planner.explaining import RawJson, read_bare, reason_of
from pgadvisor.planner.whatif_indexes import IndexMaker

BATCH = 200
"""Statements in one transaction: enough to forget the cost of showing and hiding, few enough to hold in memory."""
PLANNING_TIMEOUT = "10s"
_OURS = frozenset({"search_path"})

_HIDDEN = """
WITH RECURSIVE named AS (
    SELECT c.oid FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('i', 'I') AND c.relname = %(name)s AND (n.nspname = %(schema)s OR %(schema)s IS NULL)
        AND NOT c.oid = ANY(%(made)s)
), below AS (
    SELECT oid FROM named
    UNION
    SELECT i.inhrelid FROM below AS b JOIN pg_catalog.pg_inherits AS i ON i.inhparent = b.oid
)
SELECT b.oid::pg_catalog.int8, (SELECT count(*) FROM named) FROM below AS b ORDER BY b.oid
"""


_SHOW = "SELECT pg_twin.show_indexes(%s::pg_catalog.int8[], %s::pg_catalog.int8[])"


class Connect(Protocol):
    """Gives connections in autocommit to the twin's database: the owner's, who plans, or the superuser's."""

    def __call__(self, *, as_superuser: bool = False) -> psycopg.Connection[Any]: ...


class Supposed(Record):
    """A configuration as the twin can take it."""

    shown: list[int]
    """Oids of made indexes."""
    hidden: list[int]
    """Oids of indexes that are there."""
    names: dict[str, str]
    """Of made indexes that could not get the name that was asked for."""
    settings: tuple[tuple[str, str], ...]
    ddl: tuple[str, ...]
    doubts: tuple[str, ...]

    @property
    def is_harmless(self) -> bool:
        """Whether it is the text's own fault when it is refused."""
        return not (self.hidden or self.settings or self.ddl)


class TwinPlanner:
    """The `Planner` of a twin. Leave it by `with` or `close()`; the twin itself stays up. For one thread."""

    def __init__(self, connect: Connect, label: str, *, connections: int = 0) -> None:
        """`connections`: how many plan at the same time for `costs`; 0: as many as there are processors, up to four."""
        self.label = label
        self._count = connections or min(os.cpu_count() or 1, 4)
        self._connect = connect
        self._connections = [self._opened()]
        self._connection = self._connections[0]
        self._superuser = connect(as_superuser=True)
        self._maker = IndexMaker(self._connection, self._superuser)
        self._refused: set[str] = set()

    def _opened(self) -> psycopg.Connection[Any]:
        opened = self._connect()
        # psycopg would prepare a text that comes often, and PostgreSQL keep a plan that knows nothing of the what-if.
        opened.prepare_threshold = None
        opened.adapters.register_loader("json", RawJson)
        opened.execute(f"SET statement_timeout = '{PLANNING_TIMEOUT}'".encode())
        return opened

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Drops what was made on the twin and ends the connections."""
        if not self._connection.closed and not self._connection.broken:
            self._maker.close()
        for each in (*self._connections, self._superuser):
            each.close()

    def plan(self, text: str, configuration: Configuration = NOTHING) -> Answer:
        """The plan of one statement."""
        return self.plan_all((text,), configuration)[0]

    def plan_all(self, texts: Sequence[str], configuration: Configuration = NOTHING) -> list[Answer]:
        """The plans of several statements, in their order."""
        return self._answers(self._connection, texts, self._suppose(configuration), is_whole=True)

    def costs(self, texts: Sequence[str], configurations: Sequence[Configuration]) -> list[list[Answer]]:
        """For each configuration the answers for all texts, without plans."""
        supposed = [self._suppose(each) for each in configurations]
        while len(self._connections) < min(self._count, len(supposed)):
            self._connections.append(self._opened())
        free: SimpleQueue[psycopg.Connection[Any]] = SimpleQueue()
        for each in self._connections:
            free.put(each)

        def answers(one: Supposed | str) -> list[Answer]:
            connection = free.get()
            try:
                return self._answers(connection, texts, one, is_whole=False)
            finally:
                free.put(connection)

        with ThreadPoolExecutor(len(self._connections)) as pool:
            return list(pool.map(answers, supposed))

    def size(self, index: HypotheticalIndex) -> IndexSize:
        """How big the index would be."""
        try:
            return self._maker.make(index).size
        except WhatIfError as error:
            return IndexSize(error=str(error))

    def _answers(
        self, connection: psycopg.Connection[Any], texts: Sequence[str], supposed: Supposed | str, *, is_whole: bool
    ) -> list[Answer]:
        """`supposed`: the configuration, or why it cannot be had."""
        if isinstance(supposed, str):
            return [Answer(error=supposed)] * len(texts)
        try:
            return self._asked(connection, texts, supposed, is_whole=is_whole)
        except psycopg.Error as error:
            raise _lost(error) from error

    def _asked(
        self, connection: psycopg.Connection[Any], texts: Sequence[str], supposed: Supposed, *, is_whole: bool
    ) -> list[Answer]:
        ask = _Question(connection, supposed, is_whole)
        found: dict[str, Answer] = {}
        different = list(dict.fromkeys(texts))
        likely = [text for text in different if text not in self._refused]
        for start in range(0, len(likely), BATCH):
            found.update(ask.together(likely[start : start + BATCH]))
        for text in different:
            if text not in found:
                found[text] = ask.alone(text)
                if found[text].error is not None and supposed.is_harmless:
                    self._refused.add(text)
        return [found[text] for text in texts]

    def _suppose(self, configuration: Configuration) -> Supposed | str:
        """Makes what is still to be made; gives why where it cannot be."""
        try:
            made = [self._maker.make(index) for index in configuration.create]
            hidden = sorted({oid for name in configuration.hide for oid in self._existing(name)})
        except WhatIfError as error:
            return str(error)
        except psycopg.Error as error:
            raise _lost(error) from error
        return Supposed(
            shown=sorted(oid for each in made for oid in each.oids),
            hidden=hidden,
            names={real: shown for each in made for real, shown in each.names if real != shown},
            settings=configuration.settings,
            ddl=configuration.ddl,
            doubts=tuple(dict.fromkeys(doubt for each in made for doubt in each.size.doubts)),
        )

    def _existing(self, name: str) -> list[int]:
        """The oids of an index that is there, and of those below it."""
        schema, _, bare = name.rpartition(".")
        rows = self._connection.execute(
            _HIDDEN, {"name": bare, "schema": schema or None, "made": list(self._maker.oids)}
        ).fetchall()
        if not rows:
            raise WhatIfError(f'there is no index "{name}"')
        if rows[0][1] > 1:
            raise WhatIfError(f'several indexes are called "{name}": write schema.name')
        return [row[0] for row in rows]


def _lost(error: psycopg.Error) -> EmbeddedServerError:
    return EmbeddedServerError(f"the planner twin was lost while it planned ({reason_of(error)}): run pgadvisor again")


class _Question:
    """Asks for the plans of texts under one configuration, each time in a transaction that is rolled back."""

    def __init__(self, connection: psycopg.Connection[Any], supposed: Supposed, is_whole: bool) -> None:
        self._connection = connection
        self._supposed = supposed
        self._is_whole = is_whole
        self._explain = f"EXPLAIN (FORMAT JSON, VERBOSE{', SETTINGS' if is_whole else ''}) "

    def together(self, texts: Sequence[str]) -> dict[str, Answer]:
        """The answers for all texts in one go; none where the server refuses one of them."""
        cursors: list[psycopg.Cursor[Any]] = []
        try:
            # An error is raised again on the way out of the pipeline; one that came through would be logged beside.
            with self._connection.pipeline(), contextlib.suppress(psycopg.Error):
                self._begin()
                cursors += [self._send(text) for text in texts]
                self._connection.execute("ROLLBACK")
            rows = [cursor.fetchone() for cursor in cursors]
        except psycopg.Error:
            rows = []
        if len(rows) < len(texts):
            self._connection.execute("ROLLBACK")
            return {}
        return {text: self._answer(row) for text, row in zip(texts, rows, strict=True)}

    def alone(self, text: str) -> Answer:
        """The answer for one text, which may be the server's refusal."""
        cursors: list[psycopg.Cursor[Any]] = []
        try:
            self._begin()
            with self._connection.pipeline(), contextlib.suppress(psycopg.Error):
                cursors.append(self._send(text))
            return self._answer(cursors[0].fetchone())
        except psycopg.Error as error:
            return Answer(error=reason_of(error))
        finally:
            self._connection.execute("ROLLBACK")

    def _send(self, text: str) -> psycopg.Cursor[Any]:
        """In a pipeline each message is one statement: no text smuggles a second."""
        return self._connection.execute((self._explain + text).encode())

    def _begin(self) -> None:
        """Opens the transaction in which the configuration holds."""
        supposed = self._supposed
        self._connection.execute("BEGIN")
        if supposed.shown or supposed.hidden:
            self._connection.execute(_SHOW, (supposed.shown, supposed.hidden))
        for name, value in supposed.settings:
            self._connection.execute("SELECT pg_catalog.set_config(%s, %s, true)", (name, value))
        for statement in supposed.ddl:
            self._connection.execute(statement.encode())

    def _answer(self, row: Any) -> Answer:
        doubts = self._supposed.doubts
        root = read_bare(row[0])
        used = tuple(sorted({self._qualified(schema, name) for schema, name in root.indexes()}))
        if not self._is_whole:
            return Answer(cost=root.cost, indexes_used=used, doubts=doubts)
        plan = self._renamed(read_explain(msgspec.json.decode(row[0])))
        return Answer(plan=plan, cost=root.cost, indexes_used=used, doubts=doubts)

    def _qualified(self, schema: str | None, name: str) -> str:
        shown = self._supposed.names.get(name, name)
        return shown if schema is None else f"{schema}.{shown}"

    def _renamed(self, plan: Plan) -> Plan:
        """The plan with the names that were asked for, and the settings of others than us."""
        settings = tuple(each for each in plan.settings if each[0] not in _OURS)
        root = self._shown(plan.root) if self._supposed.names else plan.root
        return msgspec.structs.replace(plan, root=root, settings=settings)

    def _shown(self, node: PlanNode) -> PlanNode:
        index = self._supposed.names.get(node.index, node.index) if node.index else None
        return msgspec.structs.replace(node, index=index, children=tuple(self._shown(each) for each in node.children))
