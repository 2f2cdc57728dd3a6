"""Requests of an endpoint kept as they were: for each magnitude of their database time the first one."""

from math import log
from typing import NamedTuple

from pgadvisor.logs.requests_session import Part
from pgadvisor.model.log import RequestStep, RequestTrace

MOST_STEPS = 200
STEP = log(1.3)
"""Two magnitudes next to each other differ by 30 %."""


class Kept(NamedTuple):
    """One request kept."""

    place: int
    database_us: int
    trace: RequestTrace


class Traces:
    """The first request of each magnitude of database time: the same ones, however the log is cut."""

    def __init__(self) -> None:
        self.kept: dict[int, Kept] = {}

    def add(self, request: Part, count: int, duration_us: int, database_us: int) -> None:
        """Keep the request if it is the first of its magnitude. `count`: of its queries."""
        magnitude, place = int(log(database_us + 1) / STEP), request.kept[0].place
        known = self.kept.get(magnitude)
        if known is None or place < known.place:
            trace = RequestTrace(
                steps=_steps(request),
                statements=count,
                duration_ms=duration_us / 1000,
                database_ms=database_us / 1000,
            )
            self.kept[magnitude] = Kept(place, database_us, trace)

    def merge(self, other: "Traces") -> None:
        """Keep the first ones of both."""
        for magnitude, kept in other.kept.items():
            known = self.kept.get(magnitude)
            if known is None or kept.place < known.place:
                self.kept[magnitude] = kept

    def nearest(self, database_ms: float) -> RequestTrace | None:
        """The request whose database time is nearest to that."""
        near = sorted(self.kept.values(), key=lambda each: (abs(each.database_us - database_ms * 1000), each.place))
        return near[0].trace if near else None

    def at_least(self, database_ms: float) -> RequestTrace | None:
        """The fastest of the requests that took as long as that, else the slowest."""
        ordered = sorted(self.kept.values(), key=lambda each: (each.database_us, each.place))
        slow = [each for each in ordered if each.database_us >= database_ms * 1000]
        return slow[0].trace if slow else (ordered[-1].trace if ordered else None)


def _steps(request: Part) -> tuple[RequestStep, ...]:
    begin = request.kept[0].start_us
    return tuple(
        RequestStep(
            statement=step.key,
            start_ms=(step.start_us - begin) / 1000,
            duration_ms=(step.took_us or 0) / 1000,
            is_in_transaction=inside,
            line=step.line,
        )
        for step, inside in zip(request.kept[:MOST_STEPS], request.inside, strict=False)
    )
