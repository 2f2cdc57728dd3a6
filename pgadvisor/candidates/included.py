"""What an index may INCLUDE, so that a statement reads nothing but the index."""

from pgadvisor.candidates.candidate import Candidate
from pgadvisor.candidates.expressions import TEXTS
from pgadvisor.indexes.sizes import width
from pgadvisor.model.catalog import Column, Table
from pgadvisor.sql.nodes import base_type

MOST_INCLUDED_BYTES = 120
"""Average width of all included columns: wider ones make the index as big as the table."""
SHORT_BYTES = 32
"""Texts shorter than this on average are names and codes."""
MIDDLE_BYTES, LONGEST = 100, 400
"""Texts up to this average are taken when no value of the statistics is longer than that: an entry of more than 2,704
bytes makes INSERT fail."""
UNBOUNDED = ("json", "xml", "bytea", "tsvector", "hstore", "geometry", "geography", "vector")


def included(table: Table, candidate: Candidate, read: frozenset[str]) -> tuple[str, ...]:
    """The columns that the index lacks to hold all that is read, in the table's order; none: it lacks none, or they do
    not fit."""
    keys = {key.key for key in candidate.keys if key.is_column}
    columns = [column for column in table.columns if column.name in read - keys]
    if len(columns) < len(read - keys) or not all(is_short(column) for column in columns):
        return ()
    if sum(width(column) for column in columns) > MOST_INCLUDED_BYTES:
        return ()
    return tuple(column.name for column in columns)


def is_short(column: Column) -> bool:
    """Whether no value of the column is too long for an index entry, as far as its type and statistics tell."""
    if column.is_virtual or column.type.startswith(UNBOUNDED) or column.type.endswith("[]"):
        return False
    is_text = base_type(column.type) in TEXTS or base_type(column.type) in ("citext", "bit varying")
    if not is_text or "(" in column.type:
        return True
    seen = column.statistics
    if seen is None:
        return False
    average = seen.average_width_bytes
    values = (*(seen.most_common_values or ()), *(seen.histogram_bounds or ()))
    return average <= SHORT_BYTES or (average <= MIDDLE_BYTES and max(map(len, values), default=0) <= LONGEST)
