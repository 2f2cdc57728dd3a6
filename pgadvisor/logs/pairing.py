"""Records of one session that are one run, brought together: a plan and its duration, a statement and its own."""

import re

import msgspec

from pgadvisor.logs.entry import Entry
from pgadvisor.logs.part import Place
from pgadvisor.logs.plans import plan_rows
from pgadvisor.logs.rows import LONE, NESTED, TIMED, Row
from pgadvisor.logs.sessions import MOST_SESSIONS

REACH = 1_000_000
"""Bytes within which records of one session are brought together. What waits longer waits in vain."""
NEVER: Place = 1 << 100
_INSIDE = re.compile(rb"function|SQL (?:statement|expression) \"|PL/")


class _Waiting(msgspec.Struct):
    """What a later record of its session may belong to."""

    text: bytes
    rows: list[Row]
    """The runs that these are, where nothing comes."""
    is_plan: bool
    detail: bytes = b""


class Pairing:
    """The runs of a stretch, as its records come; once all of a block are in, whoever counts them takes them out."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.details: dict[int, bytes] = {}
        """Parameters of rows, by their number."""
        self.waiting: dict[bytes, _Waiting] = {}
        """By session."""
        self.last: dict[bytes, Row | tuple[Place, bytes]] = {}
        """The last run of a session, while no plan was brought together with it: its place and text."""
        self.patience: Place = NEVER
        """From here on, something has waited too long."""

    def plan_of(self, session: bytes, text: bytes) -> int | None:
        """A run comes in a session where something waits; gives the rows of its plan, -1 where the plan has none, and
        None where what waits is no plan of it."""
        waiting = self.waiting.pop(session)
        if not (waiting.is_plan and waiting.text == text):
            self._give_up(waiting)
            return None
        self.last.pop(session, None)
        rows = [row[4] for row in waiting.rows if row[4] is not None]
        return sum(rows) if rows else -1

    def take_plan(self, place: Place, entry: Entry, query: bytes, context: bytes) -> None:
        """A plan belongs to the run before or after it with the same text; nested ones are runs of their own."""
        session = entry[3]
        row: Row = (place, query, entry[6], entry, plan_rows(entry[8]), LONE)
        if _INSIDE.search(context):
            self.rows.append((*row[:5], NESTED))
            return
        last, before = self.last.pop(session, None), self.waiting.get(session)
        if before is not None and not before.is_plan:
            if before.text == query:
                before.rows[0] = _planned(before.rows[0], row)
            else:
                self.rows.append(row)  # of a cursor that the statement closes
            return
        if last is not None and last[1] == query and place - last[0] <= REACH:
            return
        if before is not None and before.is_plan and before.text == query and b";" in query.rstrip(b"; \n"):
            before.rows.append(row)  # one of several statements that were sent as one
            return
        self._wait(session, _Waiting(query, [row], True))

    def take_logged(self, place: Place, entry: Entry, text: bytes, detail: bytes) -> None:
        """A statement that log_statement wrote before it ran: its duration may follow, without the text."""
        self._wait(entry[3], _Waiting(text, [(place, text, b"", entry, None, TIMED)], False, detail))

    def take_duration(self, place: Place, entry: Entry) -> bool:
        """A duration alone: that of the statement logged last, where log_statement did. Gives whether it is one's."""
        session = entry[3]
        waiting = self.waiting.get(session)
        if waiting is None or waiting.is_plan:
            return False
        del self.waiting[session]
        began, text, _, logged, rows, _ = waiting.rows[0]
        if waiting.detail:
            self.details[len(self.rows)] = waiting.detail
        self.rows.append((began, text, entry[6], (*logged[:1], *entry[1:3], *logged[3:]), rows, TIMED))
        self.last[session] = (place, text)
        return True

    def _wait(self, session: bytes, waiting: _Waiting) -> None:
        before = self.waiting.pop(session, None)
        if before is not None:
            self._give_up(before)
        self.waiting[session] = waiting
        self.patience = min(self.patience, waiting.rows[0][0] + REACH)

    def _give_up(self, waiting: _Waiting) -> None:
        """Nothing came: what waited is a run of its own."""
        if waiting.detail:
            self.details[len(self.rows)] = waiting.detail
        self.rows.extend(waiting.rows)

    def expire(self, here: Place) -> None:
        """What waits for longer than REACH waits in vain: it is a run of its own."""
        for session, waiting in [*self.waiting.items()]:
            since = waiting.rows[0][0]
            if here - since <= REACH:
                self.patience = since + REACH
                return
            self._give_up(waiting)
            del self.waiting[session]
        self.patience = NEVER

    def clear(self) -> None:
        """The runs that are there are counted."""
        self.rows.clear()
        self.details.clear()

    def forget(self, here: Place) -> None:
        """Runs out of reach of a plan."""
        if len(self.last) > MOST_SESSIONS:
            self.last = {name: last for name, last in self.last.items() if here - last[0] <= REACH}


def _planned(logged: Row, plan: Row) -> Row:
    """A statement that was logged before it ran, and its plan, or one of several: it took as long as they did, where no
    duration follows."""
    place, text, ms, entry, rows, how = logged
    us = int(ms.replace(b".", b"") or 0) + int(plan[2].replace(b".", b""))
    rows = rows if plan[4] is None else (rows or 0) + plan[4]
    return place, text, b"%d.%03d" % divmod(us, 1000), (*entry[:1], *plan[3][1:3], *entry[3:]), rows, how
