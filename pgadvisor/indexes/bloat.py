"""How big an existing B-tree would be if it were built anew: what it takes beyond that is bloat."""

from pgadvisor.indexes.sizes import UNEQUAL_IMAGES, key_shape
from pgadvisor.model.catalog import Index, Table
from pgadvisor.sizes.model import index_pages
from pgadvisor.sizes.shape import IndexShape


def rebuilt_bytes(table: Table, index: Index) -> int | None:
    """The size of the index after REINDEX; None: it is not a B-tree of bare columns, or no statistics tell."""
    rows = index.rows if index.rows is not None else table.rows
    columns = [table.column(name) for name in (*index.columns, *index.included)]
    if index.method != "btree" or rows is None or len(index.columns) < len(index.keys) or None in columns:
        return None
    known = [column for column in columns if column is not None and column.statistics is not None]
    if len(known) < len(columns):
        return None
    count = len(index.keys)
    is_deduplicated = (
        not index.is_unique
        and not index.included
        and not any(each.type.startswith(UNEQUAL_IMAGES) for each in known)
        and "deduplicate_items" not in index.definition
    )
    shape = IndexShape(
        rows=max(rows, 1.0),
        keys=tuple(key_shape(column, index.predicate) for column in known[:count]),
        included=tuple(key_shape(column, None) for column in known[count:]),
        is_deduplicated=is_deduplicated,
        fillfactor=_fillfactor(index),
        heap_pages=table.pages,
        heap_rows=max(table.rows or rows, 1.0),
    )
    return index_pages(shape).size_bytes


def _fillfactor(index: Index) -> int | None:
    _, found, rest = index.definition.partition("fillfactor='")
    value = rest.partition("'")[0]
    return int(value) if found and value.isdigit() else None
