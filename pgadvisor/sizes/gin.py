"""The size of a GIN index: an entry for each element that occurs, with the places of its rows."""

import math

from pgadvisor.sizes.elements import Element, elements_of
from pgadvisor.sizes.shape import PAGE, IndexShape

HEADER = 8
LIST_HEADER = 8
"""GinPostingList: its first row whole, and its length."""
LARGEST_ENTRY = 2712
"""GinMaxItemSize: longer lists get pages of their own."""
TREE_PAGE = 8100
"""Of such a page, in segments of 256 bytes."""
ENTRY_FILL = 0.5
"""Entries come in order and each split halves a page (ginentrypage.c, `entrySplitPage`)."""
BLOCK_STEP = 2048
"""A row's place is kept as block * 2048 + offset, the difference to the one before in bytes of 7 bits."""
GUESSED_SHARE = 0.3
"""Bytes of the index by bytes of the column, where no value is known: 0.2 to 0.45 on jsonb and arrays."""


def gin_pages(shape: IndexShape) -> int:
    """Pages of the index."""
    rows = max(shape.rows, 1.0)
    entries = trees = 0.0
    for key in shape.keys:
        found = elements_of(key, shape.operator_class, rows)
        if found is None:
            width = key.statistics.average_width_bytes if key.statistics else 32
            entries += rows * width * GUESSED_SHARE * ENTRY_FILL
            continue
        nulls = key.statistics.null_fraction if key.statistics else 0.0
        for element in (*found, Element(1.0, nulls, 0.0)):
            inline, pages = _stored(element, rows, max(shape.heap_pages, 1))
            entries += element.different * inline
            trees += element.different * pages
    leaves = math.ceil(entries / ENTRY_FILL / (PAGE - 40)) if entries > PAGE - 40 else 1
    return math.ceil(1 + leaves * (1.01 if leaves > 1 else 1) + trees)


def is_guess(shape: IndexShape) -> bool:
    """Whether nothing tells the elements of one of the columns."""
    return any(elements_of(key, shape.operator_class, max(shape.rows, 1.0)) is None for key in shape.keys)


def _stored(element: Element, rows: float, pages: int) -> tuple[float, float]:
    """(bytes in the tree of entries, pages of its own) of one element."""
    places = rows * element.share
    if places < 1e-9:
        return 0.0, 0.0
    # By chance an element that is expected less than once does not occur at all.
    occurs = -math.expm1(-places)
    places = places / occurs
    size = places * _place_bytes(places, rows, pages) * (1 + LIST_HEADER / 256)
    entry = 8 * math.ceil((HEADER + element.width + LIST_HEADER + size) / 8) + 4
    if entry <= LARGEST_ENTRY:
        return occurs * entry, 0.0
    leaves = math.ceil(size / TREE_PAGE)
    return occurs * (8 * math.ceil((HEADER + element.width) / 8) + 4), leaves + (leaves > 1)


def _place_bytes(places: float, rows: float, pages: int) -> float:
    """Bytes of one difference, rows being scattered over the table."""
    blocks_apart = pages / max(places, 1.0)
    on_same = 1 - blocks_apart * -math.expm1(-1 / blocks_apart)
    per_page = rows / pages
    inside = 1.0 if per_page / max(places / pages, 1.0) < 128 else 2.0
    between, before = 0.0, 0.0
    for length in range(2, 7):
        reached = -math.expm1(-(2 ** (7 * length) / BLOCK_STEP) / max(blocks_apart, 1.0))
        between += length * (reached - before)
        before = reached
    return on_same * inside + (1 - on_same) * between
