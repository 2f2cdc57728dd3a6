"""From a statement's text to a Query."""

import re

from pgadvisor.sql.extents import Extents
from pgadvisor.sql.parse import Unread, parse
from pgadvisor.sql.query import Query
from pgadvisor.sql.reading import Reading
from pgadvisor.sql.schema import Schema
from pgadvisor.sql.statements import KINDS, read_statement

__all__ = ["Schema", "Unread", "read_query"]


UTILITY = "a utility statement"
"""How the reason of a statement begins that is no query: nothing is wrong with it."""


def read_query(
    text: str, schema: Schema, *, statement: str | None = None, is_truncated: bool = False
) -> Query | Unread:
    """What the statement means. Never raises: what is not understood comes back as Unread with its reason."""
    parsed = parse(text)
    if isinstance(parsed, Unread):
        return Unread(reason=f"the text is truncated: {parsed.reason}") if is_truncated else parsed
    kind = KINDS.get(parsed.kind)
    if kind is None:
        return Unread(reason=f"{UTILITY}: {_words(parsed.kind)}")
    extents = Extents(parsed)
    reading = Reading(extents, schema, read_statement)
    draft = reading.add("top", None, None)
    draft.facts["span"] = extents.whole()
    try:
        reading.read_into(parsed.kind, parsed.body, draft)
    except RecursionError:
        return Unread(reason="nested too deeply")
    for draft in reading.drafts:
        for relation in draft.relations:
            relation.is_used = reading.uses(draft, relation) > relation.uses_in_own_condition
    return Query(
        text=text,
        kind=kind,
        scopes=tuple(each.scope() for each in reading.drafts),
        statement=statement,
        is_truncated=is_truncated,
    )


def _words(kind: str) -> str:
    """A node kind as SQL words: `CreateTableAsStmt` is `CREATE TABLE AS`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", kind.removesuffix("Stmt")).upper()
