"""Queries read once for several schemas: two snapshots of one database hold mostly the same statements and tables."""

from msgspec.structs import replace

from pgadvisor.sql.query import Query
from pgadvisor.sql.reader import Unread, read_query
from pgadvisor.sql.schema import Schema

_Name = tuple[str | None, str]
_Meaning = tuple[object, ...]


class Readings:
    """What was read, and what the names in it meant then: where they mean the same, it is not read again."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, bool], tuple[Query | Unread, frozenset[_Name], _Meaning]] = {}

    def read(
        self, text: str, schema: Schema, *, statement: str | None = None, is_truncated: bool = False
    ) -> Query | Unread:
        """As `read_query`."""
        known = self._known.get((text, is_truncated))
        if known is not None and known[2] == schema.meaning(known[1]):
            found = known[0]
            return (
                found
                if isinstance(found, Unread) or found.statement == statement
                else replace(found, statement=statement)
            )
        noting = _Noting(schema)
        found = read_query(text, noting, statement=statement, is_truncated=is_truncated)
        names = frozenset(noting.names)
        self._known[text, is_truncated] = found, names, schema.meaning(names)
        return found


class _Noting(Schema):
    """A schema that remembers which names it was asked for: nothing else of it is looked at but what they mean."""

    def __init__(self, schema: Schema) -> None:
        self.__dict__.update(schema.__dict__)
        self.names: set[_Name] = set()

    def find(self, schema: str | None, name: str) -> str | None:
        """The same, and the name is remembered."""
        self.names.add((schema, name))
        return super().find(schema, name)
