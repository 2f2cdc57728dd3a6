"""What of a snapshot is checked before a twin is made of it: a file may be odd, or tampered with."""

import math

import msgspec

from pgadvisor.errors import SnapshotError
from pgadvisor.model.catalog import Index, Table
from pgadvisor.model.snapshot import Snapshot

LARGEST_BYTES = 32 << 40
"""PostgreSQL's own limit for a relation."""
_LARGEST_TOTAL = 1 << 50
"""A file of the twin's is cut into pieces of 1 GiB, and so many pieces fit no directory."""
_LARGEST_PAGES = (1 << 31) - 1
"""What fits the column of pg_class."""
_BLOCK_SIZES = frozenset(str(1 << power) for power in range(10, 16))
_CURE = "collect the snapshot again"


def checked(snapshot: Snapshot) -> Snapshot:
    """The snapshot, its figures within what PostgreSQL can hold. Raises SnapshotError where they make no sense."""
    for each in snapshot.settings:
        if each.name == "block_size" and each.value not in _BLOCK_SIZES:
            raise SnapshotError(f"the snapshot's block_size is no size of a page: {_CURE}")
    _check_partitions(snapshot)
    tables = tuple(_table(each) for each in snapshot.tables)
    total = sum(each.heap_bytes or 0 for each in tables if each.kind != "partitioned table")
    total += sum(index.size_bytes or 0 for each in tables for index in each.indexes)
    if total > _LARGEST_TOTAL:
        raise SnapshotError(f"the snapshot's tables have more than a petabyte together: {_CURE}")
    return msgspec.structs.replace(snapshot, tables=tables)


def _check_partitions(snapshot: Snapshot) -> None:
    above = {each.qualified: each.partition_of for each in snapshot.tables}
    whole: set[str] = set()
    for name in above:
        seen: set[str] = set()
        at: str | None = name
        while at is not None and at not in whole:
            if at in seen:
                raise SnapshotError(f"the snapshot's table {name} is a partition of itself: {_CURE}")
            seen.add(at)
            at = above.get(at)
        whole |= seen


def _table(table: Table) -> Table:
    return msgspec.structs.replace(
        table,
        rows=_rows(table.rows),
        pages=_pages(table.pages),
        all_visible_pages=_pages(table.all_visible_pages),
        heap_bytes=_bytes(table.heap_bytes, table.qualified),
        indexes=tuple(_index(each) for each in table.indexes),
    )


def _index(index: Index) -> Index:
    return msgspec.structs.replace(
        index,
        rows=_rows(index.rows),
        pages=None if index.pages is None else _pages(index.pages),
        size_bytes=_bytes(index.size_bytes, f"{index.schema}.{index.name}"),
    )


def _rows(rows: float | None) -> float | None:
    """Negative is how PostgreSQL says that it does not know."""
    return rows if rows is not None and math.isfinite(rows) and 0 <= rows < 1e30 else None


def _pages(pages: int) -> int:
    return min(max(pages, 0), _LARGEST_PAGES)


def _bytes(size: int | None, name: str) -> int | None:
    if size is not None and not 0 <= size <= LARGEST_BYTES:
        raise SnapshotError(f"the snapshot gives {name} a size that no relation has: {_CURE}")
    return size
