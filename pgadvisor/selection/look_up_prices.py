"""What many look-ups by an index cost beyond what the planner takes them for.

The planner spreads the pages of a nested loop's inner index scan over as many loops as the outer *table* has rows,
however few of them are left, and takes look-ups in any order for equally dear. Timed on TPC-H (1.1 GB, all in memory):
look-ups in random order took half as long again as priced, and a row fetched from the heap at random 0.4 of the time
in which a page is read in sequence. Without this, indexes were advised that made two queries 1.5 times slower.
"""

from pgadvisor.facts import Facts
from pgadvisor.indexes.sizes import distinct_values
from pgadvisor.model.catalog import Column
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
        self._keys: dict[str, tuple[str | None, ...]] = {
            f"{index.schema}.{index.name}": tuple(key.column for key in index.keys)
            for table in facts.tables
            for index in table.indexes
        }
        self._page = float(facts.setting("random_page_cost") or RANDOM_PAGE_COST)

    def add(self, index: str, *columns: str | None) -> None:
        """An index that is supposed, `schema.name`, with the columns that are its keys; None: an expression."""
        self._keys[index] = columns

    def beyond(self, many: LookUps) -> float:
        """What is to be added to the planner's cost."""
        is_ordered = self._is_ordered(many)
        whole = many.cost
        if not (many.is_index_only or is_ordered):
            whole = max(whole, self._fetched(many))
        return whole - many.cost + (0.0 if is_ordered and many.is_ordered else DISORDER * whole)

    def _is_ordered(self, many: LookUps) -> bool:
        column = self._column(many.table, next(iter(self._keys.get(many.index, ())), None))
        found = column.statistics if column else None
        return found is not None and abs(found.correlation or 0.0) >= ORDERED

    def _fetched(self, many: LookUps) -> float:
        """What rows from all over the heap cost: pages by Mackert and Lohman (1989), as the planner counts them for
        so many loops, at its price of a random page; in memory less."""
        rows = many.loops * max(self._found(many), many.rows, 1.0)
        pages = float(self._facts.pages(many.table) or 0)
        read = min(2.0 * pages * rows / (2.0 * pages + rows), pages) if pages else 0.0
        return min(read * self._page, rows * FETCH)

    def _found(self, many: LookUps) -> float:
        """How many rows one look-up finds before a filter takes most of them: known where the index has one key."""
        keys = self._keys.get(many.index, ())
        column = self._column(many.table, keys[0]) if len(keys) == 1 else None
        rows = self._facts.rows(many.table)
        if column is None or not rows:
            return 0.0
        return rows / max(distinct_values(column, rows), 1.0)

    def _column(self, table: str, name: str | None) -> Column | None:
        return self._facts.column(table, name) if name is not None else None
