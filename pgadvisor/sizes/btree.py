"""The size of a B-tree as CREATE INDEX builds it: tuples, posting lists, pages and levels."""

import math
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from pgadvisor.sizes.shape import PAGE, IndexShape, KeyShape
from pgadvisor.sizes.spectrum import Group, spectrum, together

HEADER = 8
"""IndexTupleData: the row's place and the tuple's length (itup.h)."""
HEADER_WITH_NULLS = 16
"""With a bitmap of 32 bits, aligned."""
LINE_POINTER = 4
POSTING = 6
"""A row's place in a posting list."""
LARGEST_POSTING = 812
"""A tenth of a page (nbtsort.c, `_bt_load`: maxpostingsize)."""
ROOM = PAGE - 24 - 16 - LINE_POINTER
"""Of a page, after its header, the special space and the line pointer of the high key."""
INNER_FILLFACTOR = 70
"""BTREE_NONLEAF_FILLFACTOR (nbtree.h)."""
ROW_POINTER = 8
"""What a pivot tuple adds when equal keys lie on both sides of it."""
SHORT = 127
"""A value of variable length up to here needs no alignment."""
DRAWS = 128
FEW = 40.0
"""Up to so many rows per value the chance of each count is summed; above, the average is near enough."""
GUESSED_WIDTH = 16


class BtreeSize:
    """A B-tree's pages and height; height 0 is a root that is a leaf, as the planner counts it."""

    def __init__(self, shape: IndexShape) -> None:
        leaf = _leaf_tuples(shape)
        each, extra = leaf.total / leaf.tuples, leaf.lists / leaf.tuples
        pages = _per_page(each, extra, shape.fillfactor or 90, is_even=leaf.is_even)
        level = leaves = math.ceil(leaf.tuples / pages)
        self.height, self.pages = 0, 1 + max(leaves, 1)
        keys = [width for width, _ in (tuple_widths(shape.keys) if shape.included else leaf.widths)]
        pivot = sum(keys) / len(keys) + LINE_POINTER + (ROW_POINTER if extra > 64 else 0)
        fanout = max(_per_page(pivot, 0.0, INNER_FILLFACTOR, is_even=False), 2.0)
        while level > 1:
            level = math.ceil(level / fanout)
            self.pages += level
            self.height += 1


class _Leaf(NamedTuple):
    """What stands on the leaf pages."""

    tuples: float
    total: float
    """Bytes, with line pointers."""
    lists: float
    """Bytes of posting lists in them."""
    is_even: bool
    """All tuples are of one size."""
    widths: list[tuple[int, bool]]
    """As `tuple_widths` gives them."""


def _per_page(each: float, extra: float, fillfactor: int, *, is_even: bool) -> float:
    """Tuples on a page. `_bt_buildadd` closes a page when less than the fill factor's rest is free (not counting the
    posting list of the last tuple), or when the next does not fit; the last tuple then moves to the next page."""
    reserve = PAGE * (100 - fillfactor) // 100
    limit = min(ROOM - LINE_POINTER - reserve + extra, ROOM - LINE_POINTER - each)
    return max(math.floor(limit / each) if is_even else limit / each - 0.5, 1.0)


def _leaf_tuples(shape: IndexShape) -> _Leaf:
    widths = list(tuple_widths((*shape.keys, *shape.included)))
    rows = max(shape.rows, 1.0)
    if not shape.is_deduplicated:
        each = sum(width for width, _ in widths) / len(widths) + LINE_POINTER
        return _Leaf(rows, rows * each, 0.0, len({width for width, _ in widths}) == 1, widths)
    tuples = total = lists = 0.0
    for group in key_spectrum(shape, rows):
        fitting = [width for width, has_null in widths if has_null == group.has_null] or [width for width, _ in widths]
        key_bytes = sum(fitting) / len(fitting)
        most = max((LARGEST_POSTING - LARGEST_POSTING % 8 - int(key_bytes)) // POSTING, 2)
        for chance, copies in _copies(rows * group.share):
            full, left = divmod(copies, most)
            times, rest = group.values * chance, 1.0 if left else 0.0
            bytes_full, bytes_left = _posting(key_bytes, most), _posting(key_bytes, left)
            tuples += times * (full + rest)
            total += times * (full * (bytes_full + LINE_POINTER) + rest * (bytes_left + LINE_POINTER))
            lists += times * (full * (bytes_full - key_bytes) + rest * (bytes_left - key_bytes))
    is_even = len({width for width, _ in widths}) == 1 and lists < tuples / 2
    return _Leaf(max(tuples, 1.0), max(total, 1.0), lists, is_even, widths)


def _posting(key_bytes: float, copies: float) -> float:
    """Bytes of one tuple for that many equal rows."""
    return key_bytes if copies <= 1 else key_bytes + 8 * math.ceil(POSTING * copies / 8)


def _copies(mean: float) -> Iterator[tuple[float, float]]:
    """How often a value with that many rows on average really occurs: (chance, rows); by chance it has none."""
    if mean >= FEW or mean <= 0:
        yield 1.0, max(round(mean), 1.0)
        return
    chance = math.exp(-mean)
    for copies in range(1, int(mean + 8 * math.sqrt(mean) + 10)):
        chance *= mean / copies
        yield chance, float(copies)


def key_spectrum(shape: IndexShape, rows: float) -> list[Group]:
    """How often keys occur, all columns of the key together."""
    if shape.distinct is not None:
        count = max(min(shape.distinct, rows), 1.0)
        return [Group(count, 1.0 / count)]
    whole = shape.heap_rows or rows
    found = [Group(1.0, 1.0)]
    for key in shape.keys:
        found = together(found, spectrum(key.statistics, whole))
    return found


def tuple_widths(keys: tuple[KeyShape, ...]) -> Iterator[tuple[int, bool]]:
    """Aligned sizes of the index tuples of rows drawn evenly, each with whether it holds a NULL."""
    if all(key.length > 0 and not (key.statistics and key.statistics.null_fraction) for key in keys):
        yield from [_tuple_bytes([_drawn(key, 0.0) for key in keys])] * DRAWS
        return
    for places in _draws(len(keys)):
        yield _tuple_bytes([_drawn(key, place) for key, place in zip(keys, places, strict=True)])


@lru_cache
def _draws(columns: int) -> tuple[tuple[float, ...], ...]:
    """Steps of different irrational numbers: the columns' draws have nothing to do with each other."""
    roots = [math.sqrt(prime) for prime in _primes(columns)]
    return tuple(tuple((draw + 0.5) * root % 1.0 for root in roots) for draw in range(DRAWS))


def _tuple_bytes(columns: list[tuple[KeyShape, float | None]]) -> tuple[int, bool]:
    has_null = any(width is None for _, width in columns)
    at: float = HEADER_WITH_NULLS if has_null else HEADER
    for key, width in columns:
        if width is not None:
            at = (at if key.length == -1 and width <= SHORT else _aligned(at, key.alignment)) + width
    return int(_aligned(at, 8)), has_null


def _drawn(key: KeyShape, place: float) -> tuple[KeyShape, float | None]:
    """The stored bytes of the row at that place among all; None: it is NULL."""
    nulls = key.statistics.null_fraction if key.statistics else 0.0
    if place < nulls:
        return key, None
    if key.length > 0:
        return key, float(key.length)
    inside = (place - nulls) / (1.0 - nulls)
    if key.widths:
        return key, float(key.widths[min(int(inside * len(key.widths)), len(key.widths) - 1)])
    average = key.statistics.average_width_bytes if key.statistics else GUESSED_WIDTH
    # Values of different lengths end anywhere between two steps of alignment.
    return key, average + (inside * 8 % 8) - 3.5


def _aligned(at: float, step: int) -> float:
    return math.ceil(at / step) * step


def _primes(count: int) -> list[int]:
    found: list[int] = []
    candidate = 2
    while len(found) < count:
        if all(candidate % each for each in found):
            found.append(candidate)
        candidate += 1
    return found
