"""What ran since a previous run: counters only grow, so the difference of two readings is the time between them."""

from collections.abc import Mapping
from typing import Literal

import msgspec

from pgadvisor.model.record import Record
from pgadvisor.model.report import Report
from pgadvisor.model.snapshot import Snapshot
from pgadvisor.model.workload import Statement, WorkloadTotals

ENOUGH_CALLS = 1_000
"""Calls since the previous run from which on they are a workload of their own; of fewer the mix is chance."""

_SUMS = (
    "calls", "total_ms", "planning_ms", "rows", "shared_hit_blocks", "shared_read_blocks", "shared_dirtied_blocks",
    "temp_read_blocks", "temp_written_blocks", "io_ms", "wal_bytes", "jit_ms",
)  # fmt: skip
_TOTALS = ("calls", "total_ms", "own_ms", "utility_ms", "evicted")
"""Counters that can be subtracted; the least, the greatest and the spread of an interval cannot be had that way."""


class Recent(Record):
    """The workload since the previous run, as far as the counters tell it."""

    snapshot: Snapshot
    counters: Literal["difference", "reset", "whole"]
    """`difference`: the previous ones are taken off; `reset`: they began anew since; `whole`: whether they did is not
    known, or the two readings do not begin at the same time: there may be time from before the previous run in them."""
    window_s: float | None = None
    """How long that workload ran; None: not known."""

    @property
    def is_enough(self) -> bool:
        """Whether the difference is a workload that can be judged alone."""
        calls = sum(statement.calls or 0 for statement in self.snapshot.statements)
        return self.counters == "difference" and calls >= ENOUGH_CALLS


def recent(now: Snapshot, before: Report) -> Recent:
    """The snapshot with its workload less what the previous run had counted already."""
    start = now.totals.since if now.totals else None
    start_before = before.totals.since if before.totals else None
    known = {statement.key: statement for statement in before.statements if statement.calls}
    since_s = (now.collected_at - before.collected_at).total_seconds()
    if (start is not None and start >= before.collected_at) or _most_fell(now, known):
        window_s = (now.collected_at - start).total_seconds() if start else None
        return Recent(snapshot=now, counters="reset", window_s=window_s)
    if now.totals is None or start is None or start != start_before:
        window_s = (now.collected_at - start).total_seconds() if start else None
        return Recent(snapshot=now, counters="whole", window_s=window_s)
    statements = (_since(statement, known.get(statement.key), before) for statement in now.statements)
    difference = msgspec.structs.replace(
        now,
        statements=tuple(sorted(statements, key=lambda statement: -(statement.total_ms or 0.0))),
        totals=_totals_since(now.totals, before),
    )
    return Recent(snapshot=difference, counters="difference", window_s=since_s)


def _most_fell(now: Snapshot, known: Mapping[str, Statement]) -> bool:
    """Whether most statements have fewer calls than before: one may have been thrown out and come back, most not."""
    both = [(each.calls or 0, known[each.key].calls or 0) for each in now.statements if each.key in known]
    return sum(calls < calls_before for calls, calls_before in both) > len(both) / 2


def _since(statement: Statement, before: Statement | None, report: Report) -> Statement:
    """The statement with the counters of the time since; of one whose counters began since, all of them."""
    began_since = statement.since is not None and statement.since > report.collected_at
    if before is None or began_since or (statement.calls or 0) < (before.calls or 0):
        return statement
    sums = {name: _less(getattr(statement, name), getattr(before, name)) for name in _SUMS}
    calls, total_ms = sums["calls"], sums["total_ms"]
    mean_ms = total_ms / calls if calls and total_ms is not None else None
    unknown = dict.fromkeys(("min_ms", "max_ms", "stddev_ms"))
    return msgspec.structs.replace(statement, **sums, **unknown, mean_ms=mean_ms, since=report.collected_at)


def _totals_since(totals: WorkloadTotals, report: Report) -> WorkloadTotals:
    before = report.totals or WorkloadTotals()
    sums = {name: _less(getattr(totals, name), getattr(before, name)) for name in _TOTALS}
    return msgspec.structs.replace(totals, **sums, since=report.collected_at)


def _less(value: float | None, before: float | None) -> float | None:
    """The growth; never below 0, where what was thrown out is missing from the later sum."""
    return None if value is None or before is None else max(value - before, 0)
