"""What one entry of an index costs whoever writes it: constants, measured by `benchmarks/index_upkeep.py`.

All are planner units, on a scale where an entry at a random place of a small B-tree costs 1.5: its time (0.2 to 0.65
units in memory) with its WAL, the page that is not in memory, and its share of checkpoints.
"""

from typing import Literal

from pgadvisor.selection.workload import Unit

Growth = Literal["right end", "few ends", "anywhere"]
"""Where new keys go: behind all others, behind those of each of a few leading values, or to any page."""

BTREE: dict[Growth, float] = {"anywhere": 1.5, "few ends": 0.6, "right end": 0.4}
"""Measured 1.5 to 1.8, 0.35 to 0.85, 0.3 to 0.4: the last page is in the processor's cache, and logged whole once."""
HASH, BRIN, SPGIST = 1.0, 0.05, 2.0
GIST = 5.0
"""A point 2.1 to 2.6, a range 6.5 to 7.8: each entry looks for the page that it widens least."""
GIN, GIN_ELEMENT = 1.0, 0.25
"""Through the pending list, emptying it included: 1.3 with 3 elements, 2.9 with 6 words, 12.5 with 50 trigrams."""
OTHER_METHOD = 3.0
"""Of an access method that an extension brings: dearer than a B-tree."""
NARROW_BYTES, WIDE_BYTES, BYTE = 16.0, 200.0, 0.04
"""Each byte of a B-tree's key from the 17th to the 200th costs so much: 33 bytes 2.3 to 2.8, 97 bytes 4.5 to 4.9."""
REMOVED = 0.35
"""Taking the entry of a deleted row away, as a share of what it cost: 0.25 to 0.5 measured, VACUUM's work and WAL."""
MOVED = 1.6
"""The entry of a new version of an old row, the old one's removal included, in entries at a random place: 2.1 measured
right after a checkpoint and with VACUUM, and hardly more than 1 long after it."""
LOST_HOT = 0.5
"""A new version of a row that is not HOT, entries apart: line pointers that wait for VACUUM."""
UNIT_MS = 0.0035
"""A unit in milliseconds: an entry at a random place took 5.2 to 5.8 microseconds, WAL included."""
WAL_BYTES_A_S = 100e6
"""What writing WAL (twice: here and on a replica or archive) takes on a plain cloud disk."""


def entry_cost(method: str, growth: Growth, width_bytes: float, elements: float = 1.0) -> float:
    """One more row in an index, in planner units; `elements`: how many a row has in a GIN index."""
    match method:
        case "btree":
            wide = max(min(width_bytes, WIDE_BYTES) - NARROW_BYTES, 0.0)
            return BTREE[growth] + BYTE * wide
        case "gin":
            return GIN + GIN_ELEMENT * elements
        case "hash":
            return HASH
        case "gist":
            return GIST
        case "spgist":
            return SPGIST
        case "brin":
            return BRIN
    return OTHER_METHOD


def in_unit(cost: float, unit: Unit) -> float:
    """Planner units in the unit of the workload."""
    return cost * UNIT_MS if unit == "ms" else cost
