"""One run before its statement is known: what reading gives, and what is counted."""

from typing import TypeAlias

from pgadvisor.logs.entry import Entry
from pgadvisor.logs.part import Place

TIMED, NESTED, LONE = range(3)
"""How a run is known: by its duration (or a text alone), by a plan from inside a function, by a plan alone."""
Row: TypeAlias = tuple[Place, bytes, bytes, Entry, int | None, int]
"""Place, text, milliseconds (none: not known), entry, rows, how it is known. A plain tuple, for there are millions."""


def times_of(rows: list[Row]) -> list[int]:
    """The time of each in microseconds; -1 where it is not known."""
    return list(map(int, b" ".join([row[2] or b"-1" for row in rows]).replace(b".", b"").split()))
