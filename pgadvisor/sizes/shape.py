"""What of an index decides how big it gets."""

from pgadvisor.model.catalog import ColumnStatistics
from pgadvisor.model.record import Record

PAGE = 8192


class KeyShape(Record):
    """One column that the index stores."""

    length: int
    """`typlen` of what is stored: -1 where each value has its own."""
    alignment: int = 4
    statistics: ColumnStatistics | None = None
    """None: not known, and then a guess."""
    widths: tuple[int, ...] = ()
    """Stored bytes of values that were sampled evenly from the rows; empty: the average must do."""
    values: tuple[str, ...] = ()
    """The sampled values themselves, where the index stores parts of them (GIN)."""


class IndexShape(Record):
    """An index over some rows."""

    rows: float
    """That it holds: of a partial index those that fulfil its predicate."""
    keys: tuple[KeyShape, ...]
    method: str = "btree"
    operator_class: str = ""
    """Of the first key, as `pg_opclass` names it."""
    included: tuple[KeyShape, ...] = ()
    is_deduplicated: bool = False
    """Equal keys share one tuple: B-trees since 13, not of all types, not with INCLUDE, not when unique."""
    fillfactor: int | None = None
    distinct: float | None = None
    """How many different keys (all columns together), where extended statistics say; None: as if independent."""
    heap_pages: int = 0
    heap_rows: float | None = None
    """Rows of the whole table; None: as many as the index holds."""
    pages_per_range: int = 128
    """Of a BRIN index."""
