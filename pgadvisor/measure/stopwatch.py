"""How long a text takes: warm, the median of several runs, each in a transaction that is rolled back."""

import math
import statistics
import time
from typing import Any

import psycopg

from pgadvisor.collect.explain import quoted_path
from pgadvisor.collect.session import marked
from pgadvisor.measure.permits import Permit

RUNS = (3, 11)
"""At least, and at most."""
ENOUGH_MS = 500.0
"""Of runs that were counted: then the least number of them will do."""
LONG_MS = 5_000.0
"""A first run that takes longer is counted, and is the only one: a cold cache is a small part of it."""


class Stopwatch:
    """Times texts on one connection; within an open transaction each run is a part of it that is rolled back."""

    def __init__(self, connection: psycopg.Connection[Any], search_path: tuple[str, ...]) -> None:
        self._connection = connection
        self._search_path = quoted_path(search_path)

    def median_ms(self, text: str, permit: Permit, limit_ms: float) -> float | None:
        """The median of the runs; None: one was stopped at the limit. Raises psycopg.Error when the text fails."""
        try:
            first = self._once(text, permit, limit_ms)
            if first >= LONG_MS:
                return first
            runs: list[float] = []
            least, most = RUNS
            while len(runs) < least or (sum(runs) < ENOUGH_MS and len(runs) < most):
                runs.append(self._once(text, permit, limit_ms))
        except psycopg.errors.QueryCanceled:
            return None
        return statistics.median(runs)

    def _once(self, text: str, permit: Permit, limit_ms: float) -> float:
        settings = {
            "search_path": self._search_path,
            "statement_timeout": f"{math.ceil(limit_ms)}ms",
            "lock_timeout": "5s",
            **({} if permit.writes else {"transaction_read_only": "on"}),
        }
        with self._connection.transaction(force_rollback=True):
            for name, value in settings.items():
                setting = marked("SELECT pg_catalog.set_config(%s, %s, true)")
                self._connection.execute(setting.encode(), (name, value))
            began = time.perf_counter()
            self._connection.execute(text.encode())
            return (time.perf_counter() - began) * 1000.0
