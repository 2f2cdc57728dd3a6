"""What many look-ups by an index cost beyond what the planner takes them for.

The planner spreads the pages of a nested loop's inner index scan over as many loops as the outer *table* has rows,
however few of them are left, and takes look-ups in any order for equally dear. Timed on TPC-H (1.1 GB, all in memory):
look-ups in random order took half as long again as priced, and a row fetched from the heap at random 0.4 of the time
in which a page is read in sequence. Without this, indexes were advised that made two queries 1.5 times slower.
"""

from pgadvisor.facts import Facts
from pgadvisor.model.catalog import Index
from pgadvisor.model.whatif import LookUps

DISORDER = 0.5
"""Of the price of look-ups, what is added where neighbours of one are far from its own place."""
FETCH = 0.4
"""What a row fetched at random costs at least, in the time of a page read in sequence."""
ORDERED = 0.9
"""Correlation of a column with its table's order from which neighbours lie together."""
RANDOM_PAGE_COST = 4.0
"""PostgreSQL's default."""


class LookUpPrices:
    """Prices look-ups by the statistics of the columns that the indexes begin with."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._first = {
            f"{index.schema}.{index.name}": _first(index) for table in facts.tables for index in table.indexes
        }
        self._page = float(facts.setting("random_page_cost") or RANDOM_PAGE_COST)

    def add(self, index: str, column: str | None) -> None:
        """An index that is supposed, `schema.name`, with the column that it begins with; None: an expression."""
        self._first[index] = column

    def beyond(self, many: LookUps) -> float:
        """What is to be added to the planner's cost."""
        is_ordered = self._is_ordered(many)
        whole = many.cost
        if not (many.is_index_only or is_ordered):
            whole = max(whole, self._fetched(many))
        return whole - many.cost + (0.0 if is_ordered and many.is_ordered else DISORDER * whole)

    def _is_ordered(self, many: LookUps) -> bool:
        first = self._first.get(many.index)
        column = self._facts.column(many.table, first) if first is not None else None
        found = column.statistics if column else None
        return found is not None and abs(found.correlation or 0.0) >= ORDERED

    def _fetched(self, many: LookUps) -> float:
        """What rows from all over the heap cost: pages by Mackert and Lohman (1989), as the planner counts them for
        so many loops, at its price of a random page; in memory less."""
        rows = many.loops * max(many.rows, 1.0)
        pages = float(self._facts.pages(many.table) or 0)
        read = min(2.0 * pages * rows / (2.0 * pages + rows), pages) if pages else 0.0
        return min(read * self._page, rows * FETCH)


def _first(index: Index) -> str | None:
    return index.keys[0].column if index.keys else None
