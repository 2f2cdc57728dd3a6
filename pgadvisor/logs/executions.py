"""The runs of a block, and the waits for locks between them, to requests."""

import zlib
from collections.abc import Iterable, Sequence
from itertools import islice
from math import isnan
from typing import TypeAlias

from pgadvisor.logs.entry import Entry, Session
from pgadvisor.logs.executed import Executed
from pgadvisor.logs.part import Group
from pgadvisor.logs.requests import Requests
from pgadvisor.logs.rows import NESTED, Row
from pgadvisor.logs.sessions import Sessions
from pgadvisor.logs.tagging import Tagged

Waits: TypeAlias = dict[int, list[tuple[Entry, int]]]
"""Entries about waits for locks and their microseconds, by the number of the row that they came before."""
_Told: TypeAlias = tuple[Row, Session, float, Group, int, Tagged, int]


def hashes_of(texts: Sequence[bytes], details: dict[int, bytes]) -> list[int]:
    """A hash of each run's constants and parameters."""
    values = list(map(zlib.crc32, texts))
    for at, detail in details.items():
        values[at] = zlib.crc32(detail, values[at])
    return values


def tell_requests(requests: Requests, sessions: Sessions, told: Iterable[_Told], waits: Waits) -> None:
    """Each run to the requests, and the waits for locks in between."""
    told, begin = iter(told), 0
    for at in sorted(waits):
        requests.add(_executed(islice(told, at - begin)))
        for entry, us in waits[at]:
            if not isnan(end := sessions.at(entry)) and sessions[entry[3]].is_told_apart:
                requests.add_lock_wait(sessions[entry[3]].name, int(end), us)
        begin = at
    requests.add(_executed(told))


def _executed(told: Iterable[_Told]) -> list[Executed]:
    """The runs that requests are made of."""
    new, executed = tuple.__new__, Executed
    return [
        new(
            executed,
            (
                session[0], end, us if us >= 0 else None, group.key, group.kind, request, endpoint or session[5], line,
                entry[4] or None, session[1], value, rows if rows != -1 else None, place,
            ),
        )
        for (place, _, _, entry, rows, how), session, end, group, us, (_, (request, endpoint, line), _), value in told
        if end == end and how != NESTED and not session[6] and (session[7] or request is not None)
    ]  # fmt: skip
