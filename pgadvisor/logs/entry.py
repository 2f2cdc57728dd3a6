"""What the three forms of a log have in common: entries, in the order of the file, and the sessions that wrote them."""

import re
from collections.abc import Sequence
from typing import NamedTuple, Protocol, TypeAlias

Entry: TypeAlias = tuple[bytes, bytes, bytes, bytes, bytes, bytes, bytes, bytes, bytes, bytes, bytes]
"""(spelled, second, fraction, session, transaction, severity, milliseconds, step, text, further, detail).

A plain tuple, for there are millions. `spelled`: all of it, as in the file. `second`: `2026-01-31 12:00:00`, or digits:
seconds since 1970. `fraction`: `.123` or nothing. `session`: what the form's `session` understands. `milliseconds` and
`step` (`statement`, `execute`, `plan`, …): of a message `duration: 1.234 ms  step: text`; else the text is the whole
message. `further`: SQLSTATE, where it is told. `detail`: DETAIL, where it stands in one with the message. A line that
is no record is spelled, and all else is empty. STATEMENT and the like, and another DETAIL, are entries of their own,
right behind the one that they belong to."""

CONTINUATIONS = frozenset((b"DETAIL", b"HINT", b"QUERY", b"CONTEXT", b"LOCATION", b"BACKTRACE", b"STATEMENT"))
MAIN = rb"(?:LOG|ERROR|FATAL|PANIC|WARNING|NOTICE|INFO|DEBUG[1-5]?)"

DURATION = rb"(?:duration: (\d++\.\d++) ms(?:  ([a-z]++(?: fetch from)?+)[^:\n]*+: ?+)?+)?+"
"""The beginning of a message about a duration: milliseconds, and the step where its text follows."""
SECOND = rb"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"
_MESSAGE = re.compile(DURATION + rb"(.*)\Z", re.DOTALL)


class Session(NamedTuple):
    """One connection, as far as the log tells."""

    name: str
    application: str | None = None
    database: str | None = None
    user: str | None = None
    ahead_us: int = 0
    """How far its clock is ahead of UTC."""
    endpoint: str | None = None
    """The application's name, where it is one of a request."""
    is_own: bool = False
    """It is one of ours."""
    is_told_apart: bool = True
    """False: what other connections write looks the same, for the prefix names neither process nor session."""


class Form(Protocol):
    """How one log is written: finds its records. Holds no state of the reading."""

    start: re.Pattern[bytes]
    """Matches at the beginning of a record's first line."""

    def entries(self, block: bytes) -> Sequence[Entry]:
        """The entries of whole records; nothing of the block is left out."""

    def session(self, spelled: bytes) -> Session:
        """The session that an entry names."""


def split_message(message: bytes) -> tuple[bytes, bytes, bytes]:
    """Milliseconds, step and text."""
    found = _MESSAGE.match(message)
    return (found[1] or b"", found[2] or b"", found[3]) if found else (b"", b"", message)


def text_of(spelled: bytes) -> str:
    """As text: UTF-8, and where it is not, sign by sign, so that nothing is lost."""
    try:
        return spelled.decode()
    except UnicodeDecodeError:
        return spelled.decode("latin-1")
