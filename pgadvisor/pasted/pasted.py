"""What was pasted: plans, each with its place and the statement that stands beside it."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from pgadvisor.model.plan import Plan
from pgadvisor.model.record import Record

Json = Mapping[str, Any]


class Line(NamedTuple):
    """A line of what was pasted, without what stands around the plan."""

    number: int
    """From 1 in what was pasted."""
    text: str

    @property
    def column(self) -> int:
        """Where its text begins."""
        return len(self.text) - len(self.text.lstrip())


class FoundPlan(NamedTuple):
    """A plan under the keys of EXPLAIN (FORMAT JSON)."""

    keys: Json
    line: int
    """From 1, where it begins."""
    query: str | None = None
    """What stands before it and may be its statement."""


class PastedPlan(Record):
    """A plan that was read."""

    plan: Plan
    line: int
    """From 1, where it begins in what was pasted."""
    query: str | None = None
    """Its statement, where one was pasted with it."""
