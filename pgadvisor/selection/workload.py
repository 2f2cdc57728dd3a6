"""The workload as the choice of indexes sees it: statements with their draws, and what each is worth."""

from collections.abc import Mapping
from typing import Literal

from msgspec import field

from pgadvisor.model.record import Record

Unit = Literal["ms", "cost"]
"""Of the objective: milliseconds a day, or planner cost of all calls where no times are known."""


class Write(Record):
    """What a statement writes."""

    kind: Literal["insert", "update", "delete", "merge"]
    table: str
    """`schema.table`; of a partition its topmost parent."""
    columns: frozenset[str] = frozenset()
    """That an UPDATE (or ON CONFLICT, or MERGE) sets."""
    rows: float = 1.0
    """That one call writes."""


class WeighedText(Record):
    """A text of a statement that can be planned, and its share of the calls."""

    text: str
    weight: float
    """Those of a statement sum to 1."""
    names: Mapping[str, str] = field(default_factory=dict)
    """Values in it that stand for parameters, with the parameters' names: what redacts a plan of it."""


class WeighedStatement(Record):
    """A statement of the workload."""

    key: str
    """`Statement.key`."""
    texts: tuple[WeighedText, ...]
    tables: frozenset[str]
    """`schema.table` of those it reads or writes; of a partition its topmost parent."""
    calls: float
    """A day where the time counted is known, else as counted."""
    ms: float | None = None
    """Observed milliseconds, of the same time as `calls`."""
    write: Write | None = None
    is_sure: bool = True
    """Whether values are known for all its parameters."""
