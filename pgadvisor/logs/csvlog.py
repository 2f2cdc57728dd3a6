"""The form of log_destination = csvlog: a row of 23 columns, since PostgreSQL 13 of 24, since 14 of 26."""

import re

from pgadvisor.logs.entry import DURATION, MAIN, SECOND, Entry, Session, text_of
from pgadvisor.logs.happenings import RAISED
from pgadvisor.logs.zones import ahead_us

_TEXT = rb'(?:"[^"]*+(?:""[^"]*+)*+"|)'
_WORD = rb'"?[^",\n]*"?'
_HEAD = (
    rb"(" + SECOND + rb")(\.\d{3})( [^,\n]*,(?:" + _TEXT + rb",){2}\d*," + _TEXT + rb",[0-9a-f]+\.[0-9a-f]+),\d+,"
    + _TEXT + rb"," + SECOND + rb"[^,\n]*,(\d+/-?\d+|),\d*,"
)  # fmt: skip
"""Up to the severity: time, session, transaction."""
_ROW = (
    rb"(" + _HEAD + rb"([A-Z]+[1-5]?),(?:(" + RAISED + rb")|[0-9A-Z]{5}),"
    + rb'(?:"' + DURATION + rb'([^"]*+(?:""[^"]*+)*+)"|),('
    + _TEXT + rb")(,,,,,,,|(?:," + _TEXT + rb"|,\d*){7}),(" + _TEXT + rb")[^\n]*(?:\n|\Z)|[^\n]+\n?|\n)"
)  # fmt: skip
_SESSION = re.compile(
    rb" (?P<zone>[^,]*),(?P<user>" + _TEXT + rb"),(?P<database>" + _TEXT + rb"),\d*," + _TEXT
    + rb",(?P<session>[0-9a-f.]+)(?P<application>" + _TEXT + rb")"
)  # fmt: skip
_FIELD = re.compile(rb",(" + _TEXT + rb"|\d*)")
_DETAILS = ((0, b"HINT"), (1, b"QUERY"), (3, b"CONTEXT"), (4, b"STATEMENT"))
"""Which of the fields behind the message are entries of their own in the other form."""


class Csvlog:
    """One log of this form."""

    start = re.compile(_HEAD + MAIN + b",")

    def __init__(self) -> None:
        self._row = re.compile(_ROW)

    def entries(self, block: bytes) -> list[Entry]:
        """The entries of whole rows."""
        entries: list[Entry] = []
        add = entries.append
        for (
            spelled, second, fraction, session, transaction, severity, code, ms, step, text, detail, details,
            application,
        ) in self._row.findall(block):  # fmt: skip
            if b'""' in text:
                text = text.replace(b'""', b'"')
            if detail:
                detail = _plain(detail)
            session += application
            add((spelled, second, fraction, session, transaction, severity, ms, step, text, code, detail))
            if details != b",,,,,,," and details:
                entries.extend(_entries_of(details, session))
        return entries

    def session(self, spelled: bytes) -> Session:
        """The session that a row names."""
        found = _SESSION.fullmatch(spelled)
        if found is None:
            return Session(name=text_of(spelled))
        told = {name: text_of(_plain(value)) for name, value in found.groupdict().items()}
        return Session(
            name=told["session"],
            application=told["application"] or None,
            database=told["database"] or None,
            user=told["user"] or None,
            ahead_us=ahead_us(told["zone"]),
        )


def _entries_of(details: bytes, session: bytes) -> list[Entry]:
    fields = _FIELD.findall(details)
    return [
        (b"", b"", b"", session, b"", severity, b"", b"", _plain(fields[at]), b"", b"")
        for at, severity in _DETAILS
        if fields[at]
    ]


def _plain(field: bytes) -> bytes:
    return field[1:-1].replace(b'""', b'"') if field.startswith(b'"') else field
