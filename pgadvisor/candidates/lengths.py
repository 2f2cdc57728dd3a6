"""Which columns may hold values too long for an index entry, as far as types, statistics and the TOAST table tell.

A B-tree entry of more than 2,704 bytes makes CREATE INDEX fail, and after it the INSERT that brings such a value.
"""

import re

from pgadvisor.indexes.sizes import width
from pgadvisor.model.catalog import Column, Table

MIDDLE_BYTES, LONGEST = 100, 400
"""Values of any length are taken up to this average, when none in the statistics is longer than that and the type
allows none."""
TOAST_SHARE, TOAST_BYTES = 0.01, 128 * 1024
"""Beside heap and indexes a table has its maps of free space and visibility: what is more than that is TOAST."""
UNSEEN_SHARE = 0.005
"""Of the rows, beside the most common values, that no histogram tells of."""
SMALL = (
    "smallint", "integer", "bigint", "boolean", "real", "double precision", "numeric", "date", "time", "interval",
    "uuid", "oid", "money", "inet", "cidr", "macaddr",
)  # fmt: skip
"""How types begin whose values are short whatever they are; a domain or an enum has to show its own."""
UNBOUNDED = ("json", "xml", "bytea", "tsvector", "hstore", "geometry", "geography", "vector")
UNLIMITED = ("text", "character varying", "citext")
_LIMIT = re.compile(r"(?:character|bit)(?: varying)?\((\d+)\)")


def is_short(column: Column) -> bool:
    """Whether no value of the column is too long for an index entry, as far as its type and statistics tell."""
    if column.is_virtual or _is_unbounded(column):
        return False
    if _is_limited(column):
        return True
    seen = column.statistics
    if seen is None or _is_unseen(column):
        return False
    values = (*(seen.most_common_values or ()), *(seen.histogram_bounds or ()))
    return seen.average_width_bytes <= MIDDLE_BYTES and max(map(len, values), default=0) <= LONGEST


def may_be_key(table: Table, column: Column) -> bool:
    """Whether a B-tree may lead by the column: not where values are sure to lie in TOAST."""
    is_text = column.type.startswith(UNLIMITED) and not _is_limited(column)
    return not (is_text and (_is_unseen(column) or toasted(table) == {column.name}))


def toasted(table: Table) -> frozenset[str]:
    """The columns whose values may lie in the table's TOAST; none: nothing lies there, or it is not known."""
    sizes = (table.total_bytes, table.heap_bytes, table.index_bytes)
    if None in sizes:
        return frozenset()
    total, heap, indexes = (each or 0 for each in sizes)
    if total - heap - indexes <= TOAST_BYTES + TOAST_SHARE * heap:
        return frozenset()
    indexed = {name for index in table.indexes if index.method == "btree" for name in (*index.columns, *index.included)}
    able = [each for each in table.columns if not _is_limited(each) and each.name not in indexed]
    wide = [each for each in able if _is_unbounded(each) or _is_unseen(each) or width(each) > MIDDLE_BYTES]
    return frozenset(each.name for each in wide or able)


def _is_unbounded(column: Column) -> bool:
    return column.type.startswith(UNBOUNDED) or column.type.endswith("[]")


def _is_limited(column: Column) -> bool:
    limit = _LIMIT.fullmatch(column.type)
    is_scalar = not column.type.endswith("[]")
    return is_scalar and (column.type.startswith(SMALL) or (limit is not None and int(limit[1]) <= LONGEST))


def _is_unseen(column: Column) -> bool:
    """Whether ANALYZE left out the column's values, or all but the most common ones: it keeps none of more than a
    kilobyte (`WIDTH_THRESHOLD` in analyze.c). A snapshot without values still shows how often the most common ones are,
    and their correlation."""
    seen = column.statistics
    if seen is None or seen.null_fraction >= 1.0:
        return False
    if seen.most_common_values and not seen.histogram_bounds:
        left = 1.0 - seen.null_fraction - sum(seen.most_common_frequencies)
        return left > UNSEEN_SHARE and not 0 < seen.n_distinct <= len(seen.most_common_values)
    is_shown = seen.histogram_bounds or seen.most_common_frequencies
    return not is_shown and seen.correlation is None
