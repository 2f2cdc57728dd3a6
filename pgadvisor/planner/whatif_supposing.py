"""Configurations as the twin can take them: which of its indexes are shown and hidden."""

from collections.abc import Iterable, Sequence
from typing import Any, LiteralString

import psycopg

from pgadvisor.errors import WhatIfError
from pgadvisor.model.record import Record
from pgadvisor.model.whatif import Configuration
from pgadvisor.planner.whatif_indexes import IndexMaker, MadeIndex

IDLE = 50
"""So many made indexes may stay live beyond those that are asked for. Also a hidden one costs every plan over its table
about 0.3 µs, as long as it is live: the planner opens it to see that it is not valid."""

_HIDDEN: LiteralString = """
WITH RECURSIVE there AS MATERIALIZED (
    SELECT c.oid, c.relname::pg_catalog.text AS bare, n.nspname || '.' || c.relname AS qualified
    FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('i', 'I')
), asked (name) AS (
    SELECT pg_catalog.unnest(%s::pg_catalog.text[])
), named AS (
    SELECT a.name, 0 AS rank, t.oid FROM asked AS a JOIN there AS t ON t.qualified = a.name
    UNION ALL
    SELECT a.name, 1, t.oid FROM asked AS a JOIN there AS t ON t.bare = a.name
), below (name, rank, top, oid) AS (
    SELECT name, rank, oid, oid FROM named
    UNION
    SELECT b.name, b.rank, b.top, i.inhrelid
    FROM below AS b JOIN pg_catalog.pg_inherits AS i ON i.inhparent = b.oid
)
SELECT name, rank, top::pg_catalog.int8, oid::pg_catalog.int8 FROM below
"""


class Supposed(Record):
    """A configuration as the twin can take it."""

    shown: tuple[int, ...]
    """Oids of made indexes."""
    hidden: tuple[int, ...]
    """Oids of indexes that are there."""
    made: dict[tuple[str, str], str]
    """By schema and name on the twin of what was made for an index of the configuration, that index: `schema.name`."""
    names: dict[str, str]
    """Of made indexes that could not get the name that was asked for."""
    settings: tuple[tuple[str, str], ...]
    ddl: tuple[str, ...]
    doubts: tuple[str, ...]

    @property
    def is_harmless(self) -> bool:
        """Whether it is the text's own fault when it is refused."""
        return not (self.hidden or self.settings or self.ddl)


class Supposing:
    """Has indexes made, and finds those that shall be hidden. `connection` is the owner's, in autocommit."""

    def __init__(self, connection: psycopg.Connection[Any], maker: IndexMaker) -> None:
        self._connection = connection
        self._maker = maker
        self._found: dict[str, tuple[int, ...]] = {}
        self._asleep: set[int] = set()

    def suppose(self, configurations: Sequence[Configuration]) -> list[Supposed | WhatIfError]:
        """What each comes to, or why it cannot be had."""
        self._maker.make(index for each in configurations for index in each.create)
        refused = self._find({name for each in configurations for name in each.hide} - self._found.keys())
        known = {each: self._one(each, refused) for each in dict.fromkeys(configurations)}
        self._wake({oid for each in known.values() if isinstance(each, Supposed) for oid in each.shown})
        return [known[each] for each in configurations]

    def _wake(self, wanted: set[int]) -> None:
        """Makes these live, and others dormant when they get many."""
        woken, idle = wanted & self._asleep, self._maker.oids - self._asleep - wanted
        if len(idle) <= IDLE:
            idle = set()
        if woken or idle:
            self._connection.execute(
                "SELECT pg_twin.wake_indexes(%s::pg_catalog.int8[], %s::pg_catalog.int8[])", (list(woken), list(idle))
            )
            self._asleep = (self._asleep - woken) | idle

    def _one(self, configuration: Configuration, refused: dict[str, WhatIfError]) -> Supposed | WhatIfError:
        shown: list[MadeIndex] = []
        for made in self._maker.make(configuration.create).values():
            if isinstance(made, WhatIfError):
                return made
            shown.append(made)
        if failed := [refused[name] for name in configuration.hide if name in refused]:
            return failed[0]
        return Supposed(
            shown=tuple(sorted({oid for each in shown for oid in each.oids})),
            hidden=tuple(sorted({oid for name in configuration.hide for oid in self._found[name]})),
            made={(part.schema, part.name): each.index.qualified for each in shown for part in each.parts},
            names={each.parts[0].name: each.index.name for each in shown if each.parts[0].name != each.index.name},
            settings=configuration.settings,
            ddl=configuration.ddl,
            doubts=tuple(dict.fromkeys(doubt for each in shown for doubt in each.size.doubts)),
        )

    def _find(self, names: Iterable[str]) -> dict[str, WhatIfError]:
        """The oids of indexes that are there, with those on partitions; gives those that are not found, and why.

        `schema.name` goes before the same as a bare name: either may hold dots.
        """
        wanted = sorted(names)
        rows = self._connection.execute(_HIDDEN, (wanted,)).fetchall() if wanted else []
        refused = {}
        for name in wanted:
            found = [
                (rank, top, oid) for asked, rank, top, oid in rows if asked == name and top not in self._maker.oids
            ]
            first = min((rank for rank, _, _ in found), default=0)
            if not found:
                refused[name] = WhatIfError(f'there is no index "{name}"')
            elif len({top for rank, top, _ in found if rank == first}) > 1:
                refused[name] = WhatIfError(f'several indexes are called "{name}": write schema.name')
            else:
                self._found[name] = tuple(sorted(oid for rank, _, oid in found if rank == first))
        return refused
