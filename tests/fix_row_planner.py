"""A Planner on a database that has its rows: what is supposed is really made, and taken back."""

from collections.abc import Sequence
from typing import Any

import psycopg

from pgadvisor.model.explain import read_explain
from pgadvisor.model.plan import Plan
from pgadvisor.model.whatif import NOTHING, Answer, Configuration, HypotheticalIndex, IndexSize, Question


class RowPlanner:
    """Plans on a database of a test; indexes are built on its rows within a transaction that is rolled back."""

    label = "database of a test"

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        """`connection`: in autocommit."""
        self.connection = connection

    def plan(self, text: str, configuration: Configuration = NOTHING) -> Answer:
        return self.plan_all([text], configuration)[0]

    def plan_all(self, texts: Sequence[str], configuration: Configuration = NOTHING) -> list[Answer]:
        with self.connection.transaction(force_rollback=True):
            try:
                for each in (*(index.definition for index in configuration.create), *configuration.ddl):
                    self.connection.execute(each.encode())
            except psycopg.Error as error:
                return [Answer(error=error.diag.message_primary)] * len(texts)
            for name, value in configuration.settings:
                self.connection.execute("SELECT set_config(%s, %s, true)", (name, value))
            return [self._answer(text) for text in texts]

    def costs(self, questions: Sequence[Question]) -> list[list[Answer]]:
        return [self.plan_all(texts, configuration) for configuration, texts in questions]

    def sizes(self, indexes: Sequence[HypotheticalIndex]) -> list[IndexSize]:
        return [self.size(index) for index in indexes]

    def size(self, index: HypotheticalIndex) -> IndexSize:
        raise NotImplementedError

    def _answer(self, text: str) -> Answer:
        try:
            with self.connection.transaction(), self.connection.cursor() as cursor:
                found = cursor.execute(f"EXPLAIN (FORMAT JSON, VERBOSE) {text}".encode()).fetchone()
        except psycopg.Error as error:
            return Answer(error=f"the server refused it (SQLSTATE {error.sqlstate})")
        assert found is not None
        plan = read_explain(found[0])
        return Answer(plan=plan, cost=plan.root.total_cost, indexes_used=used_in(plan))


def used_in(plan: Plan) -> tuple[str, ...]:
    """The indexes of a plan, as a planner names them."""
    return tuple(sorted({f"public.{node.index}" for node in plan.root.walk() if node.index}))
