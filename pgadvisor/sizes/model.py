"""The size of an index of any kind."""

import math

from pgadvisor.model.record import Record
from pgadvisor.sizes.btree import BtreeSize
from pgadvisor.sizes.gin import gin_pages, is_guess
from pgadvisor.sizes.hashed import hash_pages
from pgadvisor.sizes.shape import PAGE, IndexShape

GIST_FILL = 0.66
"""Of a GiST page built by inserting: splits leave it between half and full."""


class IndexPages(Record):
    """What the planner is told of an index."""

    pages: int
    rows: float
    height: int = 0
    """Of a B-tree, as the planner counts it."""
    is_guess: bool = False
    """Nothing tells what the index keeps of the column: wrong by a factor of three, perhaps."""

    @property
    def size_bytes(self) -> int:
        """Its file's length."""
        return self.pages * PAGE


def index_pages(shape: IndexShape) -> IndexPages:
    """The pages of an index as CREATE INDEX builds it."""
    if shape.method == "btree":
        size = BtreeSize(shape)
        return IndexPages(pages=size.pages, rows=shape.rows, height=size.height)
    pages = {"hash": hash_pages, "brin": _brin, "gin": gin_pages}.get(shape.method, _gist)(shape)
    return IndexPages(pages=max(pages, 1), rows=shape.rows, is_guess=shape.method == "gin" and is_guess(shape))


def _brin(shape: IndexShape) -> int:
    """A summary of each range of pages, and the map that finds it."""
    ranges = max(math.ceil(shape.heap_pages / shape.pages_per_range), 1)
    widths = 0.0
    for key in shape.keys:
        average = key.statistics.average_width_bytes if key.statistics else 16
        widths += 2 * (key.length if key.length > 0 else average)
    tuple_bytes = 8 * math.ceil((8 + widths) / 8) + 4
    return 1 + math.ceil(ranges / 1360) + math.ceil(ranges * tuple_bytes / (PAGE - 40))


def _gist(shape: IndexShape) -> int:
    widths = sum(
        each.length if each.length > 0 else (each.statistics.average_width_bytes if each.statistics else 32)
        for each in (*shape.keys, *shape.included)
    )
    each = 8 * math.ceil((8 + widths) / 8) + 4
    leaves = shape.rows * each / (PAGE * GIST_FILL)
    return math.ceil(leaves * 1.02) + 1
