"""What an index may INCLUDE, so that a statement reads nothing but the index."""

import re

from pgadvisor.candidates.candidate import Candidate
from pgadvisor.indexes.sizes import width
from pgadvisor.model.catalog import Column, Table

MOST_INCLUDED_BYTES = 120
"""Average width of all included columns: wider ones make the index as big as the table."""
MIDDLE_BYTES, LONGEST = 100, 400
"""Values of any length are taken up to this average, when none in the statistics is longer than that and the type
allows none: an entry of more than 2,704 bytes makes INSERT fail."""
POINTER_BYTES = 18
"""Of a value that lies in TOAST (`TOAST_POINTER_SIZE` in detoast.h)."""
SMALL = (
    "smallint", "integer", "bigint", "boolean", "real", "double precision", "numeric", "date", "time", "interval",
    "uuid", "oid", "money", "inet", "cidr", "macaddr",
)  # fmt: skip
"""How types begin whose values are short whatever they are; a domain or an enum has to show its own."""
UNBOUNDED = ("json", "xml", "bytea", "tsvector", "hstore", "geometry", "geography", "vector")
_LIMIT = re.compile(r"(?:character|bit)(?: varying)?\((\d+)\)")


def included(table: Table, candidate: Candidate, read: frozenset[str]) -> tuple[str, ...]:
    """The columns that the index lacks to hold all that is read, in the table's order; none: it lacks none, or they do
    not fit."""
    wanted = read - {key.key for key in candidate.keys if key.is_column}
    columns = [column for column in table.columns if column.name in wanted]
    if len(columns) < len(wanted) or not all(is_short(column) for column in columns):
        return ()
    if sum(width(column) for column in columns) > MOST_INCLUDED_BYTES:
        return ()
    return tuple(column.name for column in columns)


def is_short(column: Column) -> bool:
    """Whether no value of the column is too long for an index entry, as far as its type and statistics tell."""
    if column.is_virtual or column.type.startswith(UNBOUNDED) or column.type.endswith("[]"):
        return False
    limit = _LIMIT.fullmatch(column.type)
    if column.type.startswith(SMALL) or (limit and int(limit[1]) <= LONGEST):
        return True
    seen = column.statistics
    if seen is None:
        return False
    values = (*(seen.most_common_values or ()), *(seen.histogram_bounds or ()))
    # ANALYZE keeps no value of more than a kilobyte, and counts its pointer where it lies in TOAST.
    is_toasted = not values and seen.average_width_bytes == POINTER_BYTES
    return not is_toasted and seen.average_width_bytes <= MIDDLE_BYTES and max(map(len, values), default=0) <= LONGEST
