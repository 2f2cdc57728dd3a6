"""What the pictures of the page are drawn from: gains, guesses of the planner, sizes of tables and indexes."""

import math
from collections.abc import Iterable
from typing import NamedTuple

from pgadvisor.model.report import Report
from pgadvisor.reports.fix_first import Gain, changes_by_gain
from pgadvisor.reports.html_statements import StatementView
from pgadvisor.reports.lookup import Lookup
from pgadvisor.reports.plan_rows import PlanRow

MOST_BARS = 8
"""As many as are taken in at a glance; the rest is in the lists below."""
MOST_DOTS = 1_000
"""A dot costs 40 bytes, and more than these lie on each other."""
DECADES = 7
"""The picture of guesses runs from one row to ten million on both sides; what is more stands on its edge."""


class GainBar(NamedTuple):
    """What a change frees."""

    number: int
    """Of its finding, from 1 in the report's order."""
    gain: Gain
    length: float
    """0 to 1, of the longest bar."""


class SizeBar(NamedTuple):
    """A table with the space it takes."""

    table: str
    """`schema.table`."""
    rows_bytes: int
    index_bytes: int
    other_bytes: int
    """TOAST and maps."""

    @property
    def total_bytes(self) -> int:
        """All of it."""
        return self.rows_bytes + self.index_bytes + self.other_bytes


class IndexBar(NamedTuple):
    """An index with its size."""

    table: str
    """`schema.table`."""
    name: str
    size_bytes: int
    scans: int | None


class Guess(NamedTuple):
    """How many rows the planner expected of a node, and how many came."""

    statement: StatementView
    row: PlanRow

    @property
    def x(self) -> float:
        """Rows planned on a scale of powers of ten, 0 to 1."""
        return _on_scale(self.row.estimated_rows)

    @property
    def y(self) -> float:
        """Rows that came, on the same scale."""
        return _on_scale(self.row.rows or 0.0)


class Guesses(NamedTuple):
    """The guesses of all nodes that were run."""

    dots: tuple[Guess, ...]
    """One for each place in the picture."""
    worst: tuple[Guess, ...]
    """The worst of each statement: the nodes above it inherit it."""
    nodes: int
    far_off: int


def gain_bars(lookup: Lookup) -> tuple[GainBar, ...]:
    """The changes that free most, the most first."""
    known = [(fix.number, fix.gain) for fix in changes_by_gain(lookup) if fix.gain is not None][:MOST_BARS]
    return tuple(GainBar(number, gain, gain.freed_ms_per_day / known[0][1].freed_ms_per_day) for number, gain in known)


def size_bars(report: Report) -> tuple[SizeBar, ...]:
    """The biggest tables; a partitioned table stands for its partitions."""
    bars = []
    for table in report.tables:
        if table.partition_of is None and table.total_bytes:
            rows, indexes = table.heap_bytes or 0, table.index_bytes or 0
            bars.append(SizeBar(table.qualified, rows, indexes, max(table.total_bytes - rows - indexes, 0)))
    return tuple(sorted(bars, key=lambda bar: -bar.total_bytes)[:MOST_BARS])


def index_bars(report: Report) -> tuple[IndexBar, ...]:
    """The biggest indexes."""
    bars = [
        IndexBar(table.qualified, index.name, index.size_bytes, index.scans)
        for table in report.tables
        for index in table.indexes
        if index.size_bytes
    ]
    return tuple(sorted(bars, key=lambda bar: -bar.size_bytes)[:MOST_BARS])


def guesses(statements: Iterable[StatementView]) -> Guesses:
    """Rows planned against rows that came, of every node that was run."""
    every = [
        Guess(view, row)
        for view in statements
        if view.plan is not None
        for row in view.plan.rows
        if row.q_error is not None and row.rows is not None
    ]
    far = sorted((guess for guess in every if guess.row.is_far_off), key=lambda guess: -(guess.row.q_error or 0.0))
    places = {(round(guess.x, 2), round(guess.y, 2)): guess for guess in reversed(every)}
    worst = {guess.statement.anchor: guess for guess in reversed(far)}
    return Guesses(
        dots=tuple(places.values())[:MOST_DOTS],
        worst=tuple(sorted(worst.values(), key=lambda guess: -(guess.row.q_error or 0.0))[:MOST_BARS]),
        nodes=len(every),
        far_off=len(far),
    )


def _on_scale(rows: float) -> float:
    return min(math.log10(max(rows, 1.0)) / DECADES, 1.0)
