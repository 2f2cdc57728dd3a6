"""EXPLAIN ANALYZE: one statement at a time, first without clock readings, then with them where that is cheap."""

import math
import time
from collections.abc import Callable

import msgspec

from pgadvisor.collect.explain import explain_analyze, quoted_path
from pgadvisor.collect.explain_statement import Planned, Run
from pgadvisor.collect.load_guard import PAUSES_S, busy
from pgadvisor.collect.session import Session, StatementError
from pgadvisor.model.plan import Plan
from pgadvisor.parameters.redaction import redacted

LEAST_TIMEOUT_MS = 500.0
"""A statement that never took a millisecond may meet a cold cache."""
PATIENCE = 3.0
"""Times the longest run seen: what takes longer than that has gone wrong."""
READINGS_PER_ROW = 2
"""The clock is read before and after each row that a node gives (`InstrStartNode`, `InstrStopNode`)."""
WORTH_SAYING = 0.1
WORTH_SAYING_MS = 1.0
"""Share of a run, and time, that clock readings add, from which on it is said."""
ALIKE = 10.0
"""Rows of a run are like those of an observed call within this factor."""
_MS_PER_COST = 0.02
"""With the default cost settings a unit was seen to take from 0.002 to 0.02 ms; the slow end is the careful one."""
_PROBE_ROWS = 20_000
_PROBE = f"SELECT pg_catalog.count(*) FROM pg_catalog.generate_series(1, {_PROBE_ROWS})"


class Runner:
    """Runs what may be run, within limits, on a server that is not busy."""

    def __init__(self, session: Session, *, limit_ms: float, budget_s: float, is_parallel: bool) -> None:
        self._session = session
        self._limit_ms = limit_ms
        self._budget_ms = budget_s * 1000.0
        self._budget_s = budget_s
        self._is_parallel = is_parallel
        self._reading_ms: float | None = None
        self._was_busy = False
        self.has_run = False

    def run(self, planned: Planned, expected_ms: float) -> Planned:
        """The statement with its measured plan, or with why it has none."""
        if expected_ms > self._limit_ms:
            return _not_run(planned, f"it takes about {expected_ms:.0f} ms, more than {self._limit_ms:.0f} ms")
        if expected_ms > self._budget_ms:
            return _not_run(planned, f"the {self._budget_s:.0f} s for running statements are spent")
        reason = busy(self._session, () if self._was_busy else PAUSES_S)
        if reason is not None:
            self._was_busy = True
            return _not_run(planned, reason)
        self._was_busy = False
        started = time.monotonic()
        try:
            return self._run(planned, self._timeout_ms(planned, expected_ms))
        except StatementError as error:
            return _not_run(planned, f"it was run, but not to its end: {error.reason}")
        finally:
            self._budget_ms -= (time.monotonic() - started) * 1000.0

    def _run(self, planned: Planned, timeout_ms: float) -> Planned:
        run, plan = self._fitting(planned, timeout_ms)
        if plan is None:
            return _not_run(planned, f"it was run, but with no values that give about {planned.rows_seen:.0f} rows")
        untimed_ms, clock_ms = plan.execution_ms or 0.0, self._clock_ms(plan)
        how = planned.reason.replace("planned", "run", 1)
        if untimed_ms + clock_ms > min(timeout_ms, self._budget_ms):
            how += f", without node times: measuring them would add about {clock_ms:.0f} ms"
        else:
            try:
                plan = self._analyzed(planned, run.text, timeout_ms, timing=True)
            except StatementError:
                how += ", without node times: measuring them took too long"
            else:
                if clock_ms > max(WORTH_SAYING * untimed_ms, WORTH_SAYING_MS):
                    how += f"; reading the clock adds about {clock_ms:.0f} ms to its {untimed_ms:.0f} ms"
        if not self._is_parallel and _is_parallel(planned.plan):
            how += "; run without parallel workers, which it is planned with"
        return msgspec.structs.replace(planned, kind="analyzed", reason=how, plan=redacted(plan, run.names))

    def _fitting(self, planned: Planned, timeout_ms: float) -> tuple[Run, Plan | None]:
        """The first run whose rows are like those of an observed call, with its plan; None: there is none.

        Values of several columns may never stand in one row: what such a run shows is not what the application sees.
        """
        spent_ms = 0.0
        for run in planned.runs:
            plan = self._analyzed(planned, run.text, timeout_ms, timing=False)
            if planned.rows_seen is None or _is_like(plan, planned.rows_seen):
                return run, plan
            spent_ms += plan.execution_ms or 0.0
            if spent_ms * 2 > min(timeout_ms, self._budget_ms):
                break
        return planned.runs[0], None

    def _analyzed(self, planned: Planned, text: str, timeout_ms: float, *, timing: bool) -> Plan:
        settings = {
            "search_path": quoted_path(planned.search_path),
            "statement_timeout": f"{math.ceil(timeout_ms)}ms",
            "lock_timeout": "50ms",
            "idle_in_transaction_session_timeout": "5s",
        }
        if not self._is_parallel:
            settings["max_parallel_workers_per_gather"] = "0"
        with self._session.transaction(settings, roll_back=True):
            self.has_run = True
            return explain_analyze(self._session, text, timing=timing)

    def _timeout_ms(self, planned: Planned, expected_ms: float) -> float:
        longest = max(planned.statement.max_ms or 0.0, expected_ms)
        return min(self._limit_ms, max(PATIENCE * longest, LEAST_TIMEOUT_MS))

    def _clock_ms(self, plan: Plan) -> float:
        """What clock readings would add to a run, by the rows of its nodes."""
        if self._reading_ms is None:
            self._reading_ms = self._measured_reading_ms()
        rows = sum((node.actual_rows or 0.0) * (node.actual_loops or 0.0) for node in plan.root.walk())
        loops = sum(node.actual_loops or 0.0 for node in plan.root.walk())
        return (rows + loops) * READINGS_PER_ROW * self._reading_ms

    def _measured_reading_ms(self) -> float:
        """What one clock reading costs on this server: virtual machines differ a hundredfold."""

        def fastest(*, timing: bool) -> float:
            with self._session.transaction(roll_back=True):
                runs = [explain_analyze(self._session, _PROBE, timing=timing) for _ in range(3)]
            return min(run.execution_ms or 0.0 for run in runs)

        return max(fastest(timing=True) - fastest(timing=False), 0.0) / (_PROBE_ROWS * READINGS_PER_ROW)

    def finish(self) -> None:
        """Lets go of session locks, should a statement have taken one after all.

        Not behind a pooler: there the server's session, and its locks, belong to others as well.
        """
        if self.has_run and not self._session.is_pooled:
            self._session.rows("SELECT pg_catalog.pg_advisory_unlock_all()")


def predicted_ms(planned: list[Planned]) -> Callable[[Planned], float]:
    """How long a statement will take: its longest run seen; where none was seen, by its cost.

    A unit of cost is worth what it is for the statements whose times are known.
    """
    known = sorted(
        each.statement.mean_ms / each.plan.root.total_cost
        for each in planned
        if each.plan and each.statement.mean_ms and each.plan.root.total_cost
    )
    ms_per_cost = max(known[len(known) // 2], _MS_PER_COST) if known else _MS_PER_COST

    def predict(each: Planned) -> float:
        seen = each.statement.max_ms if each.statement.max_ms is not None else each.statement.mean_ms
        if seen is not None:
            return seen
        return each.plan.root.total_cost * ms_per_cost if each.plan else math.inf

    return predict


def _is_like(plan: Plan, rows_seen: float) -> bool:
    rows = (plan.root.actual_rows or 0.0) * (plan.root.actual_loops or 0.0)
    return max((rows + 1) / (rows_seen + 1), (rows_seen + 1) / (rows + 1)) <= ALIKE


def _not_run(planned: Planned, why: str) -> Planned:
    return msgspec.structs.replace(planned, refused=why)


def _is_parallel(plan: Plan | None) -> bool:
    return plan is not None and any(node.workers_planned for node in plan.root.walk())
