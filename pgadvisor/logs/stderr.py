"""The form of log_destination = stderr: a prefix, the severity, the message; further lines begin with a tab."""

import re
from collections.abc import Callable
from operator import itemgetter
from typing import Any

from pgadvisor.logs.entry import DURATION, MAIN, Entry, Session
from pgadvisor.logs.prefix import Prefix

_WIDTHS = {"time": 2, "session": 1, "transaction": 1}


class Stderr:
    """One log of this form."""

    def __init__(self, prefix: Prefix) -> None:
        self._prefix = prefix
        missing = [name for name in _WIDTHS if name not in prefix.order]
        head = prefix.pattern + b"".join(b"()" * _WIDTHS[name] for name in missing)
        self.start = re.compile(prefix.pattern + MAIN + b": ")
        rest = rb"([A-Z]++[1-5]?+): ++" + DURATION + rb"([^\n]*+(?:\n\t[^\n]*+)*+)(?:\n|\Z)"
        self._entry = re.compile(rb"(" + head + rest + rb")|([^\n]+\n?|\n)")
        self._arrange = _arrangement([*prefix.order, *missing])

    def entries(self, block: bytes) -> list[Entry]:
        """The entries of whole records."""
        found = self._entry.findall(block)
        entries: list[Entry] = list(map(self._arrange, found)) if self._arrange else found
        return [_without_tabs(entry) if b"\n" in entry[8] else entry for entry in entries]

    def session(self, spelled: bytes) -> Session:
        """The session that an entry names."""
        return self._prefix.session(spelled)


def _without_tabs(entry: Entry) -> Entry:
    return (*entry[:8], entry[8].replace(b"\n\t", b"\n"), entry[9])


def _arrangement(order: list[str]) -> Callable[[Any], Entry] | None:
    """What brings the groups of the pattern into the order of an entry; None where they are in it."""
    places: dict[str, list[int]] = {name: [] for name in _WIDTHS}
    at = 1
    for name in order:
        places[name].append(at)
        at += _WIDTHS[name]
    time, sessions, transaction = places["time"][0], places["session"], places["transaction"][0]
    wanted = (0, time, time + 1, sessions[0], transaction, *range(at, at + 5))
    if len(sessions) == 1:
        return None if wanted == tuple(range(10)) else itemgetter(*wanted)
    parts = itemgetter(*sessions)
    others = itemgetter(*wanted)

    def joined(found: tuple[bytes, ...]) -> Entry:
        entry = others(found)
        return (*entry[:3], b"\0".join(parts(found)), *entry[4:])

    return joined
