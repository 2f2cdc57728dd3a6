"""The form of log_destination = jsonlog (PostgreSQL 15 and later): an object a line."""

import re

import msgspec

from pgadvisor.logs.entry import MAIN, Entry, Session, text_of
from pgadvisor.logs.zones import ahead_us

_MESSAGE = re.compile(r"(?s)(?:duration: (\d+\.\d+) ms(?:  ([a-z]+(?: fetch from)?)[^:\n]*: ?)?)?(.*)\Z")
_TIME = re.compile(r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(\.\d+)?")


class _Line(msgspec.Struct, gc=False):
    """What we read of a line; others of its keys are passed over."""

    timestamp: str = ""
    error_severity: str = ""
    message: str = ""
    pid: int = 0
    session_id: str = ""
    user: str = ""
    dbname: str = ""
    application_name: str = ""
    vxid: str = ""
    state_code: str = ""
    detail: str = ""
    hint: str = ""
    internal_query: str = ""
    context: str = ""
    statement: str = ""


_DETAILS = (("hint", b"HINT"), ("internal_query", b"QUERY"), ("context", b"CONTEXT"),
            ("statement", b"STATEMENT"))  # fmt: skip


class Jsonlog:
    """One log of this form."""

    start = re.compile(rb'\{"timestamp":"[^\n]*?"error_severity":"' + MAIN + b'"')

    def __init__(self) -> None:
        self._decoder = msgspec.json.Decoder(_Line)

    def entries(self, block: bytes) -> list[Entry]:
        """The entries of whole lines."""
        lines = block.splitlines(keepends=True)
        try:
            found = self._decoder.decode_lines(block)
        except (msgspec.DecodeError, UnicodeDecodeError):
            found = []
        entries: list[Entry] = []
        match, add = _MESSAGE.match, entries.append
        sessions: dict[tuple[object, ...], bytes] = {}
        for spelled, line in zip(lines, found if len(found) == len(lines) else map(self._decoded, lines), strict=True):
            if line is None or not line.error_severity:
                add((spelled, b"", b"", b"", b"", b"", b"", b"", b"", b"", b""))
                continue
            ms, step, text = match(line.message).groups()  # type: ignore[union-attr]
            time = line.timestamp
            spelling = (line.session_id or line.pid, line.application_name, line.user, line.dbname, time[24:])
            session = sessions.get(spelling) or sessions.setdefault(spelling, _session_of(line))
            add(
                (
                    spelled, time[:19].encode(), time[19:23].encode(), session, line.vxid.encode(),
                    line.error_severity.encode(), (ms or "").encode(), (step or "").encode(), text.encode(),
                    line.state_code.encode(), line.detail.encode(),
                )
            )  # fmt: skip
            if line.context or line.statement or line.hint:
                entries.extend(_entries_of(line, session))
        return entries

    def session(self, spelled: bytes) -> Session:
        """The session that a line names."""
        name, user, database, application, zone = text_of(spelled).split("\0")
        return Session(
            name=name, application=application or None, database=database or None, user=user or None,
            ahead_us=ahead_us(zone),
        )  # fmt: skip

    def _decoded(self, spelled: bytes) -> _Line | None:
        try:
            return self._decoder.decode(spelled)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None


def _session_of(line: _Line) -> bytes:
    name = line.session_id or line.pid
    return f"{name}\0{line.user}\0{line.dbname}\0{line.application_name}\0{line.timestamp[24:]}".encode()


def _entries_of(line: _Line, session: bytes) -> list[Entry]:
    return [
        (b"", b"", b"", session, b"", severity, b"", b"", text.encode(), b"", b"")
        for name, severity in _DETAILS
        if (text := getattr(line, name))
    ]
