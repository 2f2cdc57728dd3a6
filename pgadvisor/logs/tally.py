"""Entries, one after another, to what they tell: runs, plans, events; what belongs together is brought together."""

import re
import zlib
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import accumulate, islice
from math import isnan

import msgspec

from pgadvisor.logs.clock import Fractions, Seconds
from pgadvisor.logs.entry import CONTINUATIONS, Entry, Form, Session, text_of
from pgadvisor.logs.executed import Executed, endpoint_of_application
from pgadvisor.logs.figures import Figures, bin_of
from pgadvisor.logs.happenings import event_of, is_cancel
from pgadvisor.logs.part import FILE, VALUES, Group, Happening, Line, Part, Place, Values, least, most
from pgadvisor.logs.plans import add_plan, plan_query, plan_rows
from pgadvisor.logs.statements import LONGEST_TEXT, Statements
from pgadvisor.logs.sums import count_times
from pgadvisor.logs.tagging import UNTAGGED, Tagged, Tagging

REACH = 1_000_000
"""Bytes within which records of one session are brought together: a plan with its duration, a statement with its own.
What waits longer waits in vain."""
WARM_UP = 2 * REACH
"""Bytes before a stretch that are read for what waits where it begins: it does not matter then where a log is cut."""
MOST_SESSIONS = 20_000
UNKNOWN = 1 << 100
OWN = "pgadvisor"
"""Our own sessions call themselves so; they are no requests."""
_RUN = frozenset((b"statement", b"execute"))
_STEPS = _RUN | {b"parse", b"bind", b"execute fetch from"}
"""Durations with a text; those that are no run are steps of one."""
_LOGGED = re.compile(rb"(?:statement|execute (?!fetch from)[^:\n]*): ?(.*)", re.DOTALL)
"""A message of log_statement."""
_INSIDE = re.compile(rb"function|SQL (?:statement|expression) \"|PL/")
_PARAMETER = re.compile(r"\$\d+ = (?:'((?:[^']|'')*)'|(NULL))")

_TIMED, _NESTED, _LONE = range(3)
"""How a run is known: by its duration (or a text alone), by a plan from inside a function, by a plan alone."""
_Row = tuple[Place, bytes, bytes, Entry, int | None, int]
"""A run before its statement is known: place, text, milliseconds (none: not known), entry, rows, how it is known."""


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What to keep of a log."""

    keep_values: bool = False
    database: str | None = None
    """Only what ran in this one; None: in any."""


class _Open(msgspec.Struct):
    """A record that is not a run's, and what follows it."""

    place: Place
    offset: int
    """In its block."""
    entry: Entry
    details: dict[bytes, bytes]


class _Waiting(msgspec.Struct):
    """What a later record of its session may belong to."""

    text: bytes
    rows: list[_Row]
    """The runs that these are, where nothing comes."""
    is_plan: bool
    detail: bytes = b""


class _Sessions(dict[bytes, Session]):
    """Sessions by how entries name them."""

    def __init__(self, form: Form) -> None:
        super().__init__()
        self._form = form

    def __missing__(self, spelled: bytes) -> Session:
        if len(self) >= MOST_SESSIONS:
            self.clear()
        found = self._form.session(spelled)
        application = found.application or ""
        self[spelled] = found = found._replace(
            endpoint=endpoint_of_application(application), is_own=application.startswith(OWN)
        )
        return found


class Tally:
    """What one stretch of one file tells."""

    def __init__(self, form: Form, part: Part, options: Options, *, file: int, stretch: int) -> None:
        self._part, self._file, self._stretch, self._options = part, file, stretch, options
        self._statements = Statements(part)
        self._sessions = _Sessions(form)
        self._tagging = Tagging()
        self._seconds, self._fractions = Seconds(), Fractions()
        self._block, self._lines, self._records = b"", 0, 0
        self._counts = True
        self._least = UNKNOWN
        self._waiting: dict[bytes, _Waiting] = {}
        self._last: dict[bytes, tuple[Place, bytes]] = {}
        """The last run of a session, while no plan was brought together with it."""
        self._patience: Place = UNKNOWN
        """From here on, something has waited too long."""
        self._open: _Open | None = None
        self._rows: list[_Row] = []
        self._details: dict[int, bytes] = {}
        """Parameters of rows, by their number."""
        self._plans: list[tuple[Place, bytes, Entry]] = []
        self._waits: dict[int, list[tuple[Entry, int]]] = {}
        """Waits for locks, by the number of the row that they came before."""

    def read(self, block: bytes, entries: Sequence[Entry], start: int, *, counts: bool) -> None:
        """Take whole records in, which begin at that byte of the file. `counts`: whether they are of this stretch; else
        they come before it, and are read for what waits where it begins."""
        self._block, self._counts = block, counts
        places = accumulate((len(entry[0]) or len(entry[9]) for entry in entries), initial=self._file * FILE + start)
        self._follow(entries, places)
        self._close()
        if counts:
            self._count_rows()
            self._lines += block.count(b"\n")
            self._part.lines[self._file, self._stretch] = self._lines
            self._part.sizes[self._file] = self._part.sizes.get(self._file, 0) + len(block)
            self._part.records[self._file] = self._part.records.get(self._file, 0) + self._records
        self._rows, self._details, self._waits, self._plans, self._records = [], {}, {}, [], 0
        self._forget(self._file * FILE + start + len(block))

    def end(self) -> None:
        """Nothing comes any more: what waits is a run of its own."""
        self._expire(FILE * FILE)
        self._count_rows()
        self._rows = []

    def pass_over(self, reason: str, size: int, lines: int) -> None:
        """Count a record that is too long to be read."""
        self._block = b""
        self.unread(reason, self._lines + 1)
        self._lines += lines
        self._part.lines[self._file, self._stretch] = self._lines
        self._part.sizes[self._file] = self._part.sizes.get(self._file, 0) + size

    def note_damage(self) -> None:
        """Packed data ended before their end."""
        self.unread("packed data that are damaged from here on", self._lines + 1)

    def unread(self, reason: str, line: int) -> None:
        """Count what was not understood; `line` counts from the stretch's beginning."""
        happening = self._part.unread.setdefault((self._file, reason), Happening())
        happening.count += 1
        place = Line(self._file, self._stretch, line)
        happening.first = place if happening.first is None else min(happening.first, place)

    def _follow(self, entries: Sequence[Entry], places: "accumulate[int]") -> None:
        """Each entry to the runs, to the record that it is part of, or as one that is open until the next."""
        rows, details, waiting, last = self._rows, self._details, self._waiting, self._last
        begin = next(places, 0)
        place, records, at = begin, 0, -1
        for entry, follow in zip(entries, places, strict=False):
            _, _, _, session, _, severity, ms, step, text, junk = entry
            if place > self._patience:
                self._expire(place)
            if step in _STEPS:
                if self._open is not None:
                    self._close()
                at = -1
                records += 1
                if step in _RUN:
                    found = self._taken(session, place, text) if session in waiting else None
                    if found is None:
                        last[session] = (place, text)
                    at = len(rows)
                    rows.append((place, text, ms, entry, found, _TIMED))
            elif severity in CONTINUATIONS:
                if self._open is not None:
                    self._continue(entry)
                elif at >= 0 and severity == b"DETAIL" and rows[at][3][3] == session:
                    details[at] = text
            elif severity:
                self._close()
                self._open = _Open(place, place - begin, entry, {})
                records += 1
                at = -1
            else:
                self._note_junk(junk, place - begin)
            place = follow
        self._records += records

    def _continue(self, entry: Entry) -> None:
        """DETAIL and the like belong to the record before."""
        if self._open is not None and entry[3] == self._open.entry[3]:
            self._open.details[entry[5]] = entry[8]

    def _taken(self, session: bytes, place: Place, text: bytes) -> int | None:
        """A run comes in a session where something waits; gives the rows of its plan, -1 where the plan has none."""
        waiting = self._waiting.pop(session)
        is_its_plan = waiting.is_plan and waiting.text == text
        if not is_its_plan:
            self._rows.extend(waiting.rows)
            return None
        self._last.pop(session, None)
        rows = [row[4] for row in waiting.rows if row[4] is not None]
        return sum(rows) if rows else -1

    def _close(self) -> None:
        """The open record is whole."""
        if self._open is None:
            return
        record, self._open = self._open, None
        entry = record.entry
        _, _, _, session, _, severity, ms, step, text, _ = entry
        if ms and step == b"plan":
            self._take_plan(record)
        elif ms and not step:
            self._take_bare(session, record)
        elif not ms:
            found = _LOGGED.match(text) if severity == b"LOG" else None
            if found:
                self._take_logged(session, record, found[1])
            else:
                self._take_event(record)

    def _wait(self, session: bytes, waiting: _Waiting) -> None:
        before = self._waiting.pop(session, None)
        if before is not None:
            self._rows.extend(before.rows)
        self._waiting[session] = waiting
        self._patience = min(self._patience, waiting.rows[0][0] + REACH)

    def _expire(self, here: Place) -> None:
        """What waits for longer than REACH waits in vain: it is a run of its own."""
        for session, waiting in [*self._waiting.items()]:
            since = waiting.rows[0][0]
            if here - since <= REACH:
                self._patience = since + REACH
                return
            self._rows.extend(waiting.rows)
            del self._waiting[session]
        self._patience = UNKNOWN

    def _take_plan(self, record: _Open) -> None:
        """A plan belongs to the run before or after it with the same text; nested ones are runs of their own."""
        place, entry = record.place, record.entry
        session, text = entry[3], entry[8]
        query = plan_query(text)
        if query is None:
            self._note("plan in a form that is not read", record.offset)
            return
        if self._counts and self._is_wanted(session):
            self._plans.append((place, query, entry))
        row = (place, query, entry[6], entry, plan_rows(text), _LONE)
        if _INSIDE.search(record.details.get(b"CONTEXT", b"")):
            self._rows.append((*row[:5], _NESTED))
            return
        last = self._last.pop(session, None)
        if last is not None and last[1] == query and place - last[0] <= REACH:
            return
        before = self._waiting.get(session)
        if before is not None and before.is_plan and before.text == query and b";" in query.rstrip(b"; \n"):
            before.rows.append(row)  # one of several statements that were sent as one
            return
        self._wait(session, _Waiting(query, [row], True))

    def _take_logged(self, session: bytes, record: _Open, text: bytes) -> None:
        """A statement that log_statement wrote before it ran: its duration may follow, without the text."""
        row = (record.place, text, b"", record.entry, None, _TIMED)
        self._wait(session, _Waiting(text, [row], False, record.details.get(b"DETAIL", b"")))

    def _take_bare(self, session: bytes, record: _Open) -> None:
        """A duration alone: that of the statement logged last, where log_statement did."""
        waiting = self._waiting.get(session)
        if waiting is None or waiting.is_plan:
            self._note("duration without a text (parsing or binding, or log_statement is off)", record.offset)
            return
        del self._waiting[session]
        place, text, _, entry, rows, _ = waiting.rows[0]
        entry = (*entry[:1], *record.entry[1:3], *entry[3:])
        self._rows.append((place, text, record.entry[6], entry, rows, _TIMED))
        self._last[session] = (record.place, text)
        if waiting.detail:
            self._details[len(self._rows) - 1] = waiting.detail

    def _take_event(self, record: _Open) -> None:
        entry, details = record.entry, record.details
        session, severity, message = entry[3], entry[5], entry[8]
        if not self._counts:
            return
        event = event_of(severity, message, details.get(b"CONTEXT", b""))
        if event is None:
            return
        line = self._line(record.offset)
        self._part.event(event.kind, event.what).add(line, self._at(entry), event.us, event.size)
        self._note_time(self._at(entry))
        if event.kind == "lock wait" and event.us is not None:
            self._waits.setdefault(len(self._rows), []).append((entry, event.us))
        text = details.get(b"STATEMENT")
        if not text or not self._is_wanted(session):
            return
        stripped, _ = self._tagging.read(text)
        group = self._statements.group_of(stripped)
        group.note(record.place, stripped[:LONGEST_TEXT])
        group.errors += severity != b"LOG" and not is_cancel(message)
        group.cancelled += severity != b"LOG" and is_cancel(message)
        group.temp_files += event.size is not None
        group.temp_bytes += event.size or 0
        group.lock_waits += event.kind == "lock wait"
        group.lock_us += (event.us or 0) if event.kind == "lock wait" else 0

    def _is_wanted(self, session: bytes) -> bool:
        wanted = self._options.database
        return wanted is None or self._sessions[session].database in (None, wanted)

    def _at(self, entry: Entry) -> float:
        return self._seconds[entry[1]] + self._fractions[entry[2]] - self._sessions[entry[3]].ahead_us

    def _note_time(self, at: float) -> None:
        if not isnan(at):
            file, part = self._file, self._part
            part.first_at[file] = least(part.first_at.get(file), at) or 0.0
            part.last_at[file] = most(part.last_at.get(file), at) or 0.0

    def _line(self, offset: int) -> Line:
        return Line(self._file, self._stretch, self._lines + self._block.count(b"\n", 0, offset) + 1)

    def _note(self, reason: str, offset: int) -> None:
        if self._counts:
            self.unread(reason, self._line(offset).line)

    def _note_junk(self, line: bytes, offset: int) -> None:
        if line.strip():
            self._note(_fault(line), offset)

    def _forget(self, here: Place) -> None:
        """What waits for longer than REACH waits in vain."""
        if len(self._last) > MOST_SESSIONS:
            self._last = {name: last for name, last in self._last.items() if here - last[0] <= REACH}

    def _count_rows(self) -> None:
        """Runs of this stretch, to the sums of their statements and to requests."""
        if self._options.database is not None:
            self._keep_wanted()
        self._count_plans()
        if self._rows:
            texts, tagged = self._texts()
            groups = self._statements.groups_of(texts)
            times = _times([row[2] for row in self._rows])
            self._add(groups, texts, times, tagged)
            if self._options.keep_values:
                self._keep_values(groups)
            self._tell(groups, texts, times, tagged)
        elif self._waits:
            self._tell_waits(0)

    def _count_plans(self) -> None:
        """Plans, to the few of each statement that are kept."""
        groups = self._statements.groups_of([self._tagging.read(query)[0] for _, query, _ in self._plans])
        for (place, _, entry), group in zip(self._plans, groups, strict=True):
            add_plan(group, place, _us(entry[6]), self._at(entry), entry[8])

    def _ends_of(self, entries: list[Entry], sessions: list[Session]) -> list[float]:
        """When each was logged, in microseconds; nan where that is not known."""
        seconds, fractions = self._seconds, self._fractions
        ends = [
            seconds[entry[1]] + fractions[entry[2]] - session.ahead_us
            for entry, session in zip(entries, sessions, strict=True)
        ]
        known = [at for at in ends if at == at]
        if known:
            self._note_time(min(known))
            self._note_time(max(known))
        return ends

    def _tell(self, groups: list[Group], texts: list[bytes], times: list[int], tagged: list[Tagged]) -> None:
        """Each run to the requests, and the waits for locks in between."""
        entries = [row[3] for row in self._rows]
        sessions = [self._sessions[entry[3]] for entry in entries]
        ends = self._ends_of(entries, sessions)
        values = list(map(zlib.crc32, texts))
        for at, detail in self._details.items():
            values[at] = zlib.crc32(detail, values[at])
        told = zip(self._rows, sessions, ends, groups, times, tagged, values, strict=True)
        begin = 0
        for at in sorted(self._waits):
            self._part.requests.add(_executed(islice(told, at - begin)))
            self._tell_waits(at)
            begin = at
        self._part.requests.add(_executed(told))

    def _keep_wanted(self) -> None:
        """Only rows of the database that is asked for."""
        if all(self._is_wanted(row[3][3]) for row in self._rows):
            return
        kept = [at for at, row in enumerate(self._rows) if self._is_wanted(row[3][3])]
        self._details = {new: self._details[old] for new, old in enumerate(kept) if old in self._details}
        waits, self._waits = self._waits, {}
        for old, found in waits.items():
            self._waits.setdefault(bisect_left(kept, old), []).extend(found)
        self._rows = [self._rows[at] for at in kept]

    def _texts(self) -> tuple[list[bytes], list[Tagged]]:
        """The texts of the rows without tags, and what the tags tell."""
        texts = [row[1] for row in self._rows]
        tagged = [UNTAGGED] * len(texts)
        read = self._tagging.read
        for at, text in enumerate(texts):
            if b"/*" in text:
                texts[at], tagged[at] = read(text)
        return texts, tagged

    def _add(self, groups: list[Group], texts: list[bytes], times: list[int], tagged: list[Tagged]) -> None:
        """The runs, counted by statement."""
        numbers = [group.number for group in groups]
        fresh = dict(zip(reversed(numbers), range(len(numbers) - 1, -1, -1), strict=True))
        special = [at for at, row in enumerate(self._rows) if row[5] or times[at] < 0]
        if special:
            self._add_special(special, groups, times)
            chosen = set(range(len(numbers))).difference(special)
            numbers, times = [numbers[at] for at in sorted(chosen)], [times[at] for at in sorted(chosen)]
        if times:
            self._least = min(self._least, min(times))
        count_times(self._statements.numbered, numbers, times)
        for number, at in fresh.items():
            self._statements.numbered[number].note(self._rows[at][0], texts[at][:LONGEST_TEXT])
        sets = {(group.number, id(each.lasting)): each.lasting for group, each in zip(groups, tagged, strict=True)}
        for (number, _), tags in sets.items():
            self._statements.numbered[number].note_tags(tags)
        self._part.databases.update(
            session.database
            for name in {row[3][3] for row in self._rows}
            if (session := self._sessions[name]).database is not None
        )
        if self._least < UNKNOWN:
            self._part.least_us = self._least if self._part.least_us is None else min(self._part.least_us, self._least)

    def _add_special(self, rows: list[int], groups: list[Group], times: list[int]) -> None:
        """Runs without a duration, or known by a plan."""
        for at in rows:
            group, us, how = groups[at], times[at], self._rows[at][5]
            if how == _LONE:
                group.lone.setdefault(bin_of(us), Figures()).add_sums(1, us, us, us)
                continue
            group.runs += 1
            if how == _NESTED:
                group.nested += 1
                group.times.add(us)

    def _keep_values(self, groups: list[Group]) -> None:
        """The parameters of runs taken by chance: those of the slowest are not what most calls ask for."""
        for at, detail in self._details.items():
            place, group = self._rows[at][0], groups[at]
            rank = zlib.crc32(place.to_bytes(8, "big"))
            if len(group.values) == VALUES and (rank, place) >= group.values[-1][:2]:
                continue
            if told := _parameters(detail):
                group.values = sorted([*group.values, Values(rank, place, told)])[:VALUES]

    def _tell_waits(self, at: int) -> None:
        """The waits for locks that were logged before the row of that number."""
        for entry, us in self._waits.get(at, ()):
            if not isnan(end := self._at(entry)):
                self._part.requests.add_lock_wait(self._sessions[entry[3]].name, int(end), us)


_Told = tuple[_Row, Session, float, Group, int, Tagged, int]


def _executed(told: Iterable[_Told]) -> list[Executed]:
    """The runs that requests are made of."""
    new = tuple.__new__
    return [
        new(
            Executed,
            (
                session.name, end, us if us >= 0 else None, group.key, group.kind,
                sender.request, sender.endpoint or session.endpoint, sender.line,
                row[3][4] or None, session.application, values, row[4] if row[4] != -1 else None, row[0],
            ),
        )
        for row, session, end, group, us, (_, sender, _), values in told
        if row[5] != _NESTED and end == end and not session.is_own
    ]  # fmt: skip


def _times(ms: list[bytes]) -> list[int]:
    """In microseconds; -1 for none."""
    return list(map(int, b" ".join([each or b"-1" for each in ms]).replace(b".", b"").split()))


def _us(ms: bytes) -> int:
    return int(ms.replace(b".", b""))


def _parameters(detail: bytes) -> tuple[str | None, ...]:
    """`parameters: $1 = '42', $2 = NULL` to values."""
    return tuple(
        None if null else value.replace("''", "'") for value, null in _PARAMETER.findall(text_of(detail))
    )  # fmt: skip


def _fault(line: bytes) -> str:
    """What is wrong with lines that are no record."""
    if b"\0" in line or any(sign < 9 for sign in line[:200]):
        return "binary data"
    if line[:1] in b"\t ":
        return "continuation of a record that is not there"
    return "line that begins no record"
