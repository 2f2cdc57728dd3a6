"""Plans of statements under configurations, asked on one connection to the twin: many in one go."""

import contextlib
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import msgspec
import psycopg

from pgadvisor.model.explain import read_explain
from pgadvisor.model.plan import Plan, PlanNode
from pgadvisor.model.record import Record
from pgadvisor.model.whatif import Answer
from pgadvisor.planner.explaining import read_bare, reason_of
from pgadvisor.planner.look_ups import look_ups
from pgadvisor.planner.whatif_supposing import Supposed

BATCH = 200
"""Statements sent in one go: enough to forget the way there and back, few enough to hold their plans in memory."""
_OURS = frozenset({"search_path"})
_SHOW = "SELECT pg_twin.show_indexes(%s::pg_catalog.int8[], %s::pg_catalog.int8[])"


class Task(Record):
    """Texts to plan under one configuration, each once."""

    supposed: Supposed
    texts: tuple[str, ...]


class Asking:
    """Asks on `connection`, which is in autocommit. `refused` holds the texts that are known to fail: they are asked
    alone, so that they fail no others."""

    def __init__(self, connection: psycopg.Connection[Any], refused: set[str], *, is_whole: bool) -> None:
        self._connection = connection
        self._refused = refused
        self._is_whole = is_whole
        self._explain = f"EXPLAIN (FORMAT JSON, VERBOSE{', SETTINGS' if is_whole else ''}) "

    def answers(self, tasks: Sequence[Task]) -> list[dict[str, Answer]]:
        """The answers by text, of each task. Every configuration holds within a transaction that is rolled back."""
        found = self._together(tasks)
        if found is None and len(tasks) == 1:
            found = [{}]
        if found is None:
            return [answers for task in tasks for answers in self.answers((task,))]
        for task, answers in zip(tasks, found, strict=True):
            for text in task.texts:
                if text not in answers:
                    answers[text] = self._alone(task.supposed, text)
        return found

    def _together(self, tasks: Sequence[Task]) -> list[dict[str, Answer]] | None:
        """The answers for the likely texts in one go; None where the server refuses one of them."""
        likely = [[text for text in task.texts if text not in self._refused] for task in tasks]
        sent: list[list[psycopg.Cursor[Any]]] = []
        try:
            # An error is raised again on the way out of the pipeline; one that came through would be logged beside.
            with self._connection.pipeline(), contextlib.suppress(psycopg.Error):
                self._connection.execute("BEGIN")
                for task, texts in zip(tasks, likely, strict=True):
                    self._suppose(task.supposed)
                    sent.append([self._send(text) for text in texts])
                    self._connection.execute("ROLLBACK AND CHAIN")
                self._connection.execute("ROLLBACK")
            rows = [[cursor.fetchone() for cursor in cursors] for cursors in sent]
        except psycopg.Error:
            rows = []
        if len(rows) < len(tasks):
            self._connection.execute("ROLLBACK")
            return None
        return [
            {text: self._answer(task.supposed, row) for text, row in zip(texts, found, strict=True)}
            for task, texts, found in zip(tasks, likely, rows, strict=True)
        ]

    def _alone(self, supposed: Supposed, text: str) -> Answer:
        """The answer for one text, which may be the server's refusal."""
        cursors: list[psycopg.Cursor[Any]] = []
        try:
            self._connection.execute("BEGIN")
            self._suppose(supposed)
            with self._connection.pipeline(), contextlib.suppress(psycopg.Error):
                cursors.append(self._send(text))
            return self._answer(supposed, cursors[0].fetchone())
        except psycopg.Error as error:
            if supposed.is_harmless:
                self._refused.add(text)
            return Answer(error=reason_of(error))
        finally:
            self._connection.execute("ROLLBACK")

    def _send(self, text: str) -> psycopg.Cursor[Any]:
        """In a pipeline each message is one statement: no text smuggles a second."""
        return self._connection.execute((self._explain + text).encode())

    def _suppose(self, supposed: Supposed) -> None:
        """Makes the configuration hold in the open transaction."""
        if supposed.shown or supposed.hidden:
            self._connection.execute(_SHOW, (list(supposed.shown), list(supposed.hidden)))
        for name, value in supposed.settings:
            self._connection.execute("SELECT pg_catalog.set_config(%s, %s, true)", (name, value))
        for statement in supposed.ddl:
            self._connection.execute(statement.encode())

    def _answer(self, supposed: Supposed, row: Any) -> Answer:
        root = read_bare(row[0])
        used = {_called(supposed, schema, name) for schema, name in root.indexes()}
        many = () if self._is_whole else look_ups(root, partial(_called, supposed))
        plan = _shown(supposed, read_explain(msgspec.json.decode(row[0]))) if self._is_whole else None
        return Answer(
            plan=plan, cost=root.cost, indexes_used=tuple(sorted(used)), look_ups=many, doubts=supposed.doubts
        )


def batches(tasks: Sequence[Task]) -> Iterator[list[int]]:
    """The positions of tasks to be asked in one go."""
    batch: list[int] = []
    size = 0
    for at, task in enumerate(tasks):
        if batch and size + len(task.texts) > BATCH:
            yield batch
            batch, size = [], 0
        batch.append(at)
        size += len(task.texts)
    if batch:
        yield batch


def _called(supposed: Supposed, schema: str | None, name: str) -> str:
    """`schema.name` of an index that a plan names."""
    return supposed.made.get((schema or "", name)) or (name if schema is None else f"{schema}.{name}")


def _shown(supposed: Supposed, plan: Plan) -> Plan:
    """The plan with the names that were asked for, and the settings of others than us."""
    settings = tuple(each for each in plan.settings if each[0] not in _OURS)
    root = _renamed(plan.root, supposed.names) if supposed.names else plan.root
    return msgspec.structs.replace(plan, root=root, settings=settings)


def _renamed(node: PlanNode, names: dict[str, str]) -> PlanNode:
    index = names.get(node.index, node.index) if node.index else None
    return msgspec.structs.replace(node, index=index, children=tuple(_renamed(each, names) for each in node.children))
