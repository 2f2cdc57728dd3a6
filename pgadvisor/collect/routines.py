"""From the catalog's rows to functions, collations and text search: what expressions and statements call on."""

import re

from pgadvisor.collect.reading import Reading
from pgadvisor.collect.session import Row
from pgadvisor.model.catalog import Collation, CollationChange, Function, SecurityDefiner, TextSearch

_SECRET = re.compile(r"passw|secret|dblink|api_?key", re.IGNORECASE)
"""A body that may hold a password is left out: it is told to nobody."""


def read_functions(reading: Reading) -> tuple[Function, ...]:
    """The functions of users and extensions, by schema and name."""
    return tuple(_function(row) for row in reading.rows("functions", "catalog", "the functions", subject="functions"))


def _function(row: Row) -> Function:
    text = row.pop("definition")
    is_kept = text is not None and not _SECRET.search(text)
    types = tuple(row.pop("argument_types"))
    return Function(**row, argument_types=types, definition=text if is_kept else None)


def read_security_definers(reading: Reading) -> tuple[SecurityDefiner, ...]:
    """The functions that run with their owner's rights and the caller's search path, by schema and name."""
    subject = "functions"
    rows = reading.rows("security_definers", "catalog", "the SECURITY DEFINER functions", subject=subject)
    return tuple(SecurityDefiner(**row) for row in rows)


def read_collation_changes(reading: Reading) -> tuple[CollationChange, ...]:
    """The collations in use whose version is another one than their indexes were built with; the database's first."""
    rows = reading.rows("collation_changes", "catalog", "the collations' versions", subject="collations")
    return tuple(CollationChange(**row) for row in rows)


def read_collations(reading: Reading) -> tuple[Collation, ...]:
    """The collations that users made, and those of the system that are in use, by schema and name."""
    rows = reading.rows("collations", "catalog", "the collations", subject="collations")
    return tuple(Collation(**row) for row in rows)


def read_text_searches(reading: Reading) -> tuple[TextSearch, ...]:
    """The text search configurations and dictionaries of users and extensions, by schema and name."""
    rows = reading.rows("text_searches", "catalog", "the text search configurations", subject="text search")
    return tuple(TextSearch(**row) for row in rows)
