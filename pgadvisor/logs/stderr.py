"""The form of log_destination = stderr: a prefix, the severity, the message; further lines begin with a tab."""

import re
from collections.abc import Callable
from itertools import compress, count
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
        rest = rb"([A-Z]++[1-5]?+): ++(?:[0-9A-Z]{5}: ++)?+" + DURATION  # the code: log_error_verbosity = verbose
        rest += rb"([^\n]*+)((?:\n\t[^\n]*+)*+)\n?+"
        detail = rb"(?:" + prefix.again + rb"DETAIL:  ([^\n]*+)(?:\n(?!\t)|\Z))?+"
        self._entry = re.compile(rb"(" + head + rest + detail + rb"|[^\n]+\n?|\n)")
        self._arrange = _arrangement([*prefix.order, *missing])

    def entries(self, block: bytes) -> list[Entry]:
        """The entries of whole records."""
        found = self._entry.findall(block)
        entries: list[Entry] = list(map(self._arrange, found)) if self._arrange else found
        for at in compress(count(), map(itemgetter(9), entries)):
            entry = entries[at]
            entries[at] = (*entry[:8], (entry[8] + entry[9]).replace(b"\n\t", b"\n"), b"", entry[10])
        return entries

    def session(self, spelled: bytes) -> Session:
        """The session that an entry names."""
        return self._prefix.session(spelled)


def _arrangement(order: list[str]) -> Callable[[Any], Entry] | None:
    """What brings the groups of the pattern into the order of an entry; None where they are in it."""
    places: dict[str, list[int]] = {name: [] for name in _WIDTHS}
    at = 1
    for name in order:
        places[name].append(at)
        at += _WIDTHS[name]
    time, sessions, transaction = places["time"][0], places["session"], places["transaction"][0]
    wanted = (0, time, time + 1, sessions[0], transaction, *range(at, at + 6))
    if len(sessions) == 1:
        return None if wanted == tuple(range(11)) else itemgetter(*wanted)
    parts = itemgetter(*sessions)
    others = itemgetter(*wanted)

    def joined(found: tuple[bytes, ...]) -> Entry:
        entry = others(found)
        return (*entry[:3], b"\0".join(parts(found)), *entry[4:])

    return joined
