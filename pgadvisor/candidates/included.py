"""What an index may INCLUDE, so that a statement reads nothing but the index."""

from pgadvisor.candidates.candidate import Candidate
from pgadvisor.candidates.lengths import is_short, toasted
from pgadvisor.indexes.sizes import width
from pgadvisor.model.catalog import Table

MOST_INCLUDED_BYTES = 120
"""Average width of all included columns: wider ones make the index as big as the table."""


def included(table: Table, candidate: Candidate, read: frozenset[str]) -> tuple[str, ...]:
    """The columns that the index lacks to hold all that is read, in the table's order; none: it lacks none, or they do
    not fit."""
    wanted = read - {key.held for key in candidate.keys}
    columns = [column for column in table.columns if column.name in wanted]
    if len(columns) < len(wanted) or not all(is_short(column) for column in columns):
        return ()
    if not toasted(table).isdisjoint(wanted):
        return ()
    if sum(width(column) for column in columns) > MOST_INCLUDED_BYTES:
        return ()
    return tuple(column.name for column in columns)
