"""What all parts of the JSON report have in common."""

from pgadvisor.model.record import Record

Key = str | int
"""Of a statement: the queryid as text, since it does not fit a JavaScript number, or the 1-based position in a file."""


class JsonRecord(Record, omit_defaults=False):
    """A part of the output: every key is always there, null where it is not known."""
