"""What-if on the twin: plans under configurations, many a second."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from types import TracebackType
from typing import Any, Protocol, Self

import psycopg

from pgadvisor.errors import EmbeddedServerError, WhatIfError
from pgadvisor.model.whatif import NOTHING, Answer, Configuration, HypotheticalIndex, IndexSize, Question
from pgadvisor.planner.explaining import RawJson, reason_of
from pgadvisor.planner.whatif_asking import BATCH, Asking, Task, batches
from pgadvisor.planner.whatif_indexes import IndexMaker
from pgadvisor.planner.whatif_supposing import Supposing

PLANNING_TIMEOUT = "10s"


class Connect(Protocol):
    """Gives connections in autocommit to the twin's database: the owner's, who plans, or the superuser's."""

    def __call__(self, *, as_superuser: bool = False) -> psycopg.Connection[Any]: ...


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
        self._supposing = Supposing(self._connection, self._maker)
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
        return self._answers([Question(configuration, tuple(texts))], is_whole=True)[0]

    def costs(self, questions: Sequence[Question]) -> list[list[Answer]]:
        """For each question the answers for its texts, without plans."""
        return self._answers(questions, is_whole=False)

    def sizes(self, indexes: Sequence[HypotheticalIndex]) -> list[IndexSize]:
        """How big each index would be."""
        try:
            made = self._maker.make(indexes)
        except psycopg.Error as error:
            raise _lost(error) from error
        found = (made[index] for index in indexes)
        return [IndexSize(error=str(each)) if isinstance(each, WhatIfError) else each.size for each in found]

    def size(self, index: HypotheticalIndex) -> IndexSize:
        """How big the index would be."""
        return self.sizes((index,))[0]

    def _answers(self, questions: Sequence[Question], *, is_whole: bool) -> list[list[Answer]]:
        """In the order of the questions and their texts."""
        try:
            return self._asked(questions, is_whole=is_whole)
        except psycopg.Error as error:
            raise _lost(error) from error

    def _asked(self, questions: Sequence[Question], *, is_whole: bool) -> list[list[Answer]]:
        found: list[dict[str, Answer]] = [{} for _ in questions]
        tasks, owners = list[Task](), list[int]()
        for at, supposed in enumerate(self._supposing.suppose([each.configuration for each in questions])):
            texts = tuple(dict.fromkeys(questions[at].texts))
            if isinstance(supposed, WhatIfError):
                found[at] = dict.fromkeys(texts, Answer(error=str(supposed)))
                continue
            for start in range(0, len(texts), BATCH):
                tasks.append(Task(supposed=supposed, texts=texts[start : start + BATCH]))
                owners.append(at)
        for at, answers in zip(owners, self._done(tasks, is_whole=is_whole), strict=True):
            found[at].update(answers)
        return [[answers[text] for text in question.texts] for question, answers in zip(questions, found, strict=True)]

    def _done(self, tasks: Sequence[Task], *, is_whole: bool) -> list[dict[str, Answer]]:
        """The answers to each task. DDL locks its tables: tasks with it come last, one after the other."""
        found: list[dict[str, Answer]] = [{} for _ in tasks]
        at_once = [at for at, task in enumerate(tasks) if not task.supposed.ddl]
        parts = [[at_once[each] for each in batch] for batch in batches([tasks[at] for at in at_once])]
        while len(self._connections) < min(self._count, len(parts)):
            self._connections.append(self._opened())
        free: SimpleQueue[psycopg.Connection[Any]] = SimpleQueue()
        for each in self._connections:
            free.put(each)

        def ask(part: Sequence[int]) -> None:
            connection = free.get()
            try:
                answers = Asking(connection, self._refused, is_whole=is_whole).answers([tasks[at] for at in part])
            finally:
                free.put(connection)
            for at, each in zip(part, answers, strict=True):
                found[at] = each

        with ThreadPoolExecutor(len(self._connections)) as pool:
            list(pool.map(ask, parts))
        for at, task in enumerate(tasks):
            if task.supposed.ddl:
                ask((at,))
        return found


def _lost(error: psycopg.Error) -> EmbeddedServerError:
    return EmbeddedServerError(f"the planner twin was lost while it planned ({reason_of(error)}): run pgadvisor again")
