"""Entries, one after another, to what they tell: runs, plans, events."""

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import accumulate
from math import isnan
from operator import itemgetter

import msgspec

from pgadvisor.logs.counting import count_runs, keep_values, note_databases, note_tags
from pgadvisor.logs.cures import BINARY, CONTINUATION, DAMAGED, JUNK, PLAN, WITHOUT_TEXT
from pgadvisor.logs.entry import CONTINUATIONS, Entry, Form
from pgadvisor.logs.executions import Waits, hashes_of, tell_requests
from pgadvisor.logs.happenings import event_of, is_cancel
from pgadvisor.logs.pairing import Pairing
from pgadvisor.logs.part import FILE, Happening, Line, Part, Place, least, most
from pgadvisor.logs.plans import add_plan, plan_form, plan_query
from pgadvisor.logs.rows import TIMED, times_of
from pgadvisor.logs.sessions import Sessions
from pgadvisor.logs.statements import LONGEST_TEXT, Statements
from pgadvisor.logs.tagging import Tagging

_RUN = frozenset((b"statement", b"execute"))
_STEPS = _RUN | {b"parse", b"bind", b"execute fetch from"}
"""Durations with a text; those that are no run are steps of one."""
_LOGGED = re.compile(rb"(?:statement|execute (?!fetch from)[^:\n]*): ?(.*)", re.DOTALL)
"""A message of log_statement."""


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


class Tally:
    """What one stretch of one file tells."""

    def __init__(self, form: Form, part: Part, options: Options, *, file: int, stretch: int) -> None:
        self._part, self._file, self._stretch, self._options = part, file, stretch, options
        self._statements, self._sessions, self._tagging = Statements(part), Sessions(form), Tagging()
        self._pairing = Pairing()
        self._block, self._lines, self._records = b"", 0, 0
        self._counts = True
        self._open: _Open | None = None
        self._plans: list[tuple[Place, bytes, Entry]] = []
        self._waits: Waits = {}

    def read(self, block: bytes, entries: Sequence[Entry], start: int, *, counts: bool) -> None:
        """Take whole records in, which begin at that byte of the file. `counts`: whether they are of this stretch; else
        they come before it, and are read for what waits where it begins."""
        self._block, self._counts = block, counts
        begin = self._file * FILE + start
        self._follow(entries, begin)
        self._close()
        if counts:
            self._count_rows()
            self._lines += block.count(b"\n")
            self._part.lines[self._file, self._stretch] = self._lines
            self._part.sizes[self._file] = self._part.sizes.get(self._file, 0) + len(block)
            self._part.records[self._file] = self._part.records.get(self._file, 0) + self._records
        self._pairing.clear()
        self._waits, self._plans, self._records = {}, [], 0
        self._pairing.forget(begin + len(block))

    def end(self) -> None:
        """Nothing comes any more: what waits is a run of its own."""
        self._pairing.expire(FILE * FILE)
        self._count_rows()
        self._pairing.clear()

    def pass_over(self, reason: str, size: int, lines: int) -> None:
        """Count a record that is too long to be read."""
        self._block = b""
        self.unread(reason, self._lines + 1)
        self._lines += lines
        self._part.lines[self._file, self._stretch] = self._lines
        self._part.sizes[self._file] = self._part.sizes.get(self._file, 0) + size

    def note_damage(self) -> None:
        """Packed data ended before their end."""
        self.unread(DAMAGED, self._lines + 1)

    def unread(self, reason: str, line: int) -> None:
        """Count what was not understood; `line` counts from the stretch's beginning."""
        happening = self._part.unread.setdefault((self._file, reason), Happening())
        happening.count += 1
        place = Line(self._file, self._stretch, line)
        happening.first = place if happening.first is None else min(happening.first, place)

    def _follow(self, entries: Sequence[Entry], begin: Place) -> None:
        """Each entry to the runs, to the record that it is part of, or as one that is open until the next."""
        runs, at, records, place = self._pairing, -1, 0, begin
        rows, details, waiting, last = runs.rows, runs.details, runs.waiting, runs.last
        follows = accumulate(map(len, map(itemgetter(0), entries)), initial=begin)
        next(follows)
        for entry, follow in zip(entries, follows, strict=True):
            if place > runs.patience:
                runs.expire(place)
            step, severity = entry[7], entry[5]
            if step in _STEPS:
                if self._open is not None:
                    self._close()
                at = -1
                records += 1
                if step in _RUN:
                    session, text = entry[3], entry[8]
                    found = runs.plan_of(session, text) if session in waiting else None
                    row = (place, text, entry[6], entry, found, TIMED)
                    if found is None:
                        last[session] = row
                    at = len(rows)
                    rows.append(row)
                    if entry[10]:
                        details[at] = entry[10]
            elif severity in CONTINUATIONS:
                if self._open is not None:
                    self._continue(entry)
                elif at >= 0 and severity == b"DETAIL" and rows[at][3][3] == entry[3]:
                    details[at] = entry[8]
            elif severity:
                self._close()
                self._open = _Open(place, place - begin, entry, {b"DETAIL": entry[10]} if entry[10] else {})
                records += 1
                at = -1
            else:
                self._note_junk(entry[0], place - begin)
            place = follow
        self._records += records

    def _continue(self, entry: Entry) -> None:
        """DETAIL and the like belong to the record before."""
        if self._open is not None and entry[3] == self._open.entry[3]:
            self._open.details[entry[5]] = entry[8]

    def _close(self) -> None:
        """The open record is whole."""
        if self._open is None:
            return
        record, self._open = self._open, None
        entry = record.entry
        if entry[6] and entry[7] == b"plan":
            self._take_plan(record)
        elif entry[6]:
            if not entry[7] and not self._pairing.take_duration(record.place, entry):
                self._note(WITHOUT_TEXT, record.offset)
        elif entry[5] == b"LOG" and (found := _LOGGED.match(entry[8])):
            self._pairing.take_logged(record.place, entry, found[1], record.details.get(b"DETAIL", b""))
        elif self._counts:
            self._take_event(record)

    def _take_plan(self, record: _Open) -> None:
        query = plan_query(record.entry[8])
        if query is None:
            self._note(PLAN.format(plan_form(record.entry[8])), record.offset)
            return
        if self._counts and self._is_wanted(record.entry):
            self._plans.append((record.place, query, record.entry))
        self._pairing.take_plan(record.place, record.entry, query, record.details.get(b"CONTEXT", b""))

    def _take_event(self, record: _Open) -> None:
        entry, details = record.entry, record.details
        severity, message = entry[5], entry[8]
        event = event_of(severity, message, details.get(b"CONTEXT", b""), entry[9])
        if event is None or not self._is_wanted(entry) or not self._is_own_table(event.table):
            return
        at = self._sessions.at(entry)
        happening = self._part.event(event.kind, event.what)
        happening.add(self._line(record.offset), None if isnan(at) else at, event.us, event.size)
        self._note_times((at,))
        if event.kind == "lock wait" and event.us is not None:
            self._waits.setdefault(len(self._pairing.rows), []).append((entry, event.us))
        text = details.get(b"STATEMENT")
        if not text:
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

    def _is_wanted(self, entry: Entry) -> bool:
        return self._sessions.is_in(entry[3], self._options.database)

    def _is_own_table(self, table: str | None) -> bool:
        """Whether a table that an autovacuum names is none of another database."""
        database = self._options.database
        return table is None or database is None or table.startswith(f"{database}.")

    def _note_times(self, times: Iterable[float]) -> None:
        """Between which times the file was written; nan is none."""
        known = [at for at in times if not isnan(at)]
        if known:
            file, part = self._file, self._part
            part.first_at[file] = least(part.first_at.get(file), min(known)) or 0.0
            part.last_at[file] = most(part.last_at.get(file), max(known)) or 0.0

    def _line(self, offset: int) -> Line:
        return Line(self._file, self._stretch, self._lines + self._block.count(b"\n", 0, offset) + 1)

    def _note(self, reason: str, offset: int) -> None:
        if self._counts:
            self.unread(reason, self._line(offset).line)

    def _note_junk(self, line: bytes, offset: int) -> None:
        if line.strip():
            self._note(_fault(line), offset)

    def _count_rows(self) -> None:
        """Runs of this stretch, to the sums of their statements and to requests."""
        if self._options.database is not None:
            self._keep_wanted(self._options.database)
        self._count_plans()
        rows, details, sessions = self._pairing.rows, self._pairing.details, self._sessions
        texts, tagged = self._tagging.read_all([row[1] for row in rows])
        groups, times = self._statements.groups_of(texts), times_of(rows)
        of, ends = sessions.ends_of([row[3] for row in rows])
        if rows:
            count_runs(self._part, self._statements.numbered, rows, groups, texts, times)
            note_tags(groups, tagged)
            note_databases(self._part, rows, sessions)
            self._note_times(ends)
        if self._options.keep_values:
            keep_values(rows, groups, details)
        told = zip(rows, of, ends, groups, times, tagged, hashes_of(texts, details), strict=True)
        tell_requests(self._part.requests, sessions, told, self._waits)

    def _count_plans(self) -> None:
        """Plans, to the few of each statement that are kept."""
        groups = self._statements.groups_of([self._tagging.read(query)[0] for _, query, _ in self._plans])
        for (place, _, entry), group in zip(self._plans, groups, strict=True):
            add_plan(group, place, int(entry[6].replace(b".", b"")), self._sessions.at(entry), entry[8])

    def _keep_wanted(self, database: str) -> None:
        """Only rows of the database that is asked for."""
        rows, details = self._pairing.rows, self._pairing.details
        kept = [at for at, row in enumerate(rows) if self._sessions.is_in(row[3][3], database)]
        if len(kept) == len(rows):
            return
        self._pairing.details = {new: details[old] for new, old in enumerate(kept) if old in details}
        waits, self._waits = self._waits, {}
        for old, found in waits.items():
            self._waits.setdefault(bisect_left(kept, old), []).extend(found)
        self._pairing.rows = [rows[at] for at in kept]


def _fault(line: bytes) -> str:
    """What is wrong with lines that are no record."""
    if b"\0" in line or any(sign < 9 for sign in line[:200]):
        return BINARY
    if line[:1] in b"\t ":
        return CONTINUATION
    return JUNK
