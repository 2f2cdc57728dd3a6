"""The size of a hash index: its buckets, and the pages that overflow."""

import math
import random

from pgadvisor.sizes.btree import key_spectrum
from pgadvisor.sizes.shape import PAGE, IndexShape

ITEM = 20
"""A tuple with the hash of four bytes, and its line pointer."""
ON_PAGE = (PAGE - 24 - 16) // ITEM
ONE_PHASE = 512
"""Up to so many buckets they double at once, above in four steps (hash.h: HASH_SPLITPOINT_GROUPS_WITH_ONE_PHASE)."""
HEAVY = 20.0
"""Values with more rows are put into buckets one by one, the others spread evenly."""
MOST_DRAWN = 50_000


def hash_pages(shape: IndexShape) -> int:
    """Pages of the index. CREATE INDEX makes buckets for all rows at once, also for NULLs, which it then leaves out."""
    per_bucket = PAGE * (shape.fillfactor or 75) // 100 // ITEM
    buckets = _buckets(max(shape.rows / per_bucket, 2.0))
    groups = [each for each in key_spectrum(shape, shape.rows) if not each.has_null]
    heavy = [(count, shape.rows * share) for count, share, _ in groups if shape.rows * share > HEAVY]
    light = sum(count * share for count, share, _ in groups if shape.rows * share <= HEAVY) * shape.rows
    return math.ceil(2 + buckets + _overflow(buckets, heavy, light))


def _buckets(wanted: float) -> int:
    """How many are made for at least so many (hashutil.c, `_hash_spareindex`)."""
    doubled = 1 << math.ceil(math.log2(wanted))
    if doubled <= ONE_PHASE:
        return doubled
    half, step = doubled // 2, doubled // 8
    return half + step * math.ceil((wanted - half) / step)


def _overflow(buckets: int, heavy: list[tuple[float, float]], light: float) -> float:
    """Pages beyond each bucket's first. Below the next power of two, buckets not yet split have twice the rows."""
    drawn = sum(count for count, _ in heavy)
    scale = max(drawn / MOST_DRAWN, 1.0)
    some = max(round(buckets / scale), 1)
    half = 1 << (some.bit_length() - 1)
    loads = [0.0] * some
    chance = random.Random(0)  # the same each time
    for count, rows in heavy:
        for _ in range(max(round(count / scale), 1)):
            place = int(chance.random() * 2 * half)
            loads[place if place < some else place - half] += rows
    total = 0.0
    for place, load in enumerate(loads):
        is_split = some == half or place < some - half or place >= half
        share = light / scale / (half if some == half or not is_split else 2 * half)
        total += _spill(share) if load == 0 else max(math.ceil((load + share) / ON_PAGE) - 1, 0)
    return total * scale


def _spill(mean: float) -> float:
    """Overflow pages of a bucket whose rows are there by chance."""
    if mean <= 0:
        return 0.0
    deviations = (ON_PAGE - mean) / math.sqrt(mean)
    return 0.5 * math.erfc(deviations / math.sqrt(2)) + max(mean // ON_PAGE - 1, 0)
