"""Indexes on the twin that exist for a what-if alone: really made, over no rows, as long as they would be, and hidden.

A hidden index is one that the catalog calls invalid: the planner passes it by until a transaction says otherwise.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, LiteralString

import psycopg
from psycopg import sql

from pgadvisor.errors import WhatIfError
from pgadvisor.model.record import Record
from pgadvisor.model.whatif import HypotheticalIndex, IndexSize
from pgadvisor.planner.whatif_creation import IndexCreator, Made
from pgadvisor.planner.whatif_filling import Filled, IndexFiller

DROPPED_TOGETHER = 100

_SAME: LiteralString = """
SELECT m.indexrelid::pg_catalog.int8, c.relname
FROM pg_catalog.pg_index AS m
JOIN pg_catalog.pg_class AS d ON d.oid = m.indexrelid
JOIN pg_catalog.pg_index AS i ON i.indrelid = m.indrelid AND i.indexrelid <> m.indexrelid AND i.indisvalid
JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid AND c.relam = d.relam
WHERE m.indexrelid = ANY(%s)
    AND (i.indnatts, i.indnkeyatts, i.indkey::text, i.indclass::text, i.indcollation::text, i.indoption::text)
        = (m.indnatts, m.indnkeyatts, m.indkey::text, m.indclass::text, m.indcollation::text, m.indoption::text)
    AND pg_catalog.pg_get_expr(i.indexprs, i.indrelid)
        IS NOT DISTINCT FROM pg_catalog.pg_get_expr(m.indexprs, m.indrelid)
    AND pg_catalog.pg_get_expr(i.indpred, i.indrelid)
        IS NOT DISTINCT FROM pg_catalog.pg_get_expr(m.indpred, m.indrelid)
ORDER BY m.indexrelid, c.relname
"""
_NAMES: LiteralString = """
SELECT n.nspname, c.relname FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.oid = ANY(%s) ORDER BY c.oid
"""


class MadeIndex(Record):
    """A hidden index on the twin, with those on the partitions."""

    index: HypotheticalIndex
    parts: Made
    size: IndexSize

    @property
    def oids(self) -> tuple[int, ...]:
        """The uppermost first."""
        return tuple(each.oid for each in self.parts)


class IndexMaker:
    """Makes hidden indexes, each once. `connection` is the owner's, who makes them, and reads JSON as `RawJson`;
    `superuser` runs fixed statements alone. Both are in autocommit."""

    def __init__(self, connection: psycopg.Connection[Any], superuser: psycopg.Connection[Any]) -> None:
        self._connection = connection
        self._creator = IndexCreator(connection)
        self._filler = IndexFiller(connection, superuser)
        self._made: dict[HypotheticalIndex, MadeIndex | WhatIfError] = {}
        self.oids: set[int] = set()
        """Of all that was made."""

    def make(self, indexes: Iterable[HypotheticalIndex]) -> dict[HypotheticalIndex, MadeIndex | WhatIfError]:
        """The hidden indexes; where the server does not make one, why, also the second time."""
        wanted = dict.fromkeys(indexes)
        new = [each for each in wanted if each not in self._made]
        for created in self._creator.create(new) if new else ():
            filled = self._filled(created)
            self._made.update(filled)
            self.oids.update(oid for made in filled.values() if isinstance(made, MadeIndex) for oid in made.oids)
        return {each: self._made[each] for each in wanted}

    def close(self) -> None:
        """Drops what was made."""
        self._drop([each.oids[0] for each in self._made.values() if isinstance(each, MadeIndex)])
        self._made = {}
        self.oids = set()

    def _filled(
        self, created: Mapping[HypotheticalIndex, Made | WhatIfError]
    ) -> dict[HypotheticalIndex, MadeIndex | WhatIfError]:
        found: dict[HypotheticalIndex, MadeIndex | WhatIfError] = {}
        parts: dict[HypotheticalIndex, Made] = {}
        for index, each in created.items():
            if isinstance(each, WhatIfError):
                found[index] = each
            else:
                parts[index] = each
        if parts:
            same = self._same([each[0].oid for each in parts.values()])
            filled = self._filler.fill([part.oid for each in parts.values() for part in each if part.has_file])
            for index, each in parts.items():
                found[index] = _made(index, each, filled, same.get(each[0].oid, ()))
            self._drop([each[0].oid for index, each in parts.items() if isinstance(found[index], WhatIfError)])
        return found

    def _same(self, oids: Sequence[int]) -> dict[int, tuple[str, ...]]:
        """Of an index those that are there and do not differ from it."""
        found: dict[int, tuple[str, ...]] = {}
        for oid, name in self._connection.execute(_SAME, (list(oids),)).fetchall():
            found[oid] = (*found.get(oid, ()), name)
        return found

    def _drop(self, oids: Sequence[int]) -> None:
        """Those that somebody has dropped with their table are gone already."""
        for start in range(0, len(oids), DROPPED_TOGETHER):
            names = self._connection.execute(_NAMES, (list(oids[start : start + DROPPED_TOGETHER]),)).fetchall()
            if names:
                listed = sql.SQL(", ").join(sql.Identifier(*each) for each in names)
                self._connection.execute(sql.SQL("DROP INDEX {}").format(listed))


def _made(
    index: HypotheticalIndex, parts: Made, filled: Mapping[int, Filled | WhatIfError], same: Sequence[str]
) -> MadeIndex | WhatIfError:
    sizes = []
    for each in (filled[part.oid] for part in parts if part.has_file):
        if isinstance(each, WhatIfError):
            return each
        sizes.append(each)
    told = [f"{name} is the same index, and is there" for name in same]
    size = IndexSize(
        size_bytes=sum(each.pages.size_bytes for each in sizes),
        rows=sum(each.pages.rows for each in sizes),
        doubts=tuple(dict.fromkeys([*told, *(doubt for each in sizes for doubt in each.doubts)])),
    )
    return MadeIndex(index=index, parts=parts, size=size)
