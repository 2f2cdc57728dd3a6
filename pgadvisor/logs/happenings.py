"""Messages about other things than durations, to kinds of events; what they quote of a user's data is left out."""

import re
from typing import NamedTuple

from pgadvisor.logs.entry import text_of


class Event(NamedTuple):
    """What one message tells."""

    kind: str
    what: str
    us: int | None = None
    size: int | None = None
    table: str | None = None
    """Of an autovacuum: `database.schema.table`."""


_TEMPORARY = re.compile(rb'temporary file: path "[^"]*", size (\d+)')
_WAITING = re.compile(rb"process \d+ (still waiting for|acquired) (\w+) on (\w+).*? after (\d+\.\d+) ms")
_VACUUM = re.compile(rb'automatic (aggressive )?(vacuum|analyze)[^"\n]* of table "([^"]*)"')
_ELAPSED = re.compile(rb"elapsed: (\d+\.\d+) s")
_CHECKPOINT = re.compile(rb"(checkpoint|restartpoint) complete: .*?total=(\d+\.\d+) s", re.DOTALL)
_CONNECTION = re.compile(rb"(connection (?:received|authorized|authenticated)|disconnection|replication connection)\b")
_RAISED = re.compile(
    rb"PL/pgSQL function .*? line \d+ at (?:RAISE|ASSERT)|PL/(?!pgSQL)\w+ (?:function|anonymous code block)"
    rb"|\) LINE \d+: "
)
"""Where a function says what went wrong, in words of its own; the last is PLV8's."""
RAISED = b"P0001"
"""The code of what RAISE raises, where a function gives no other."""

_CHARACTER = re.compile(rb" at character \d+\Z")
"""What the form stderr appends; the others have a field for it."""
_QUOTE_TO_END = re.compile(r"(: | near |\()[\"'].*", re.DOTALL)
"""Behind a colon, or `at or near`, stands what the user sent, and it may hold quotes itself."""
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'|»[^«]*«|“[^”]*”")
_NUMBER = re.compile(r"(?<![\w])[+-]?\d[\d.,:/-]*\w*")
_GROUPED = re.compile(r"\([^()]*\)=?\([^()]*\)|\{[^}]*\}|\[[^\]]*\]")


def event_of(severity: bytes, message: bytes, context: bytes, code: bytes = b"") -> Event | None:
    """The event that the message tells of; None: none that is counted. `code`: SQLSTATE, where it is told."""
    if severity in (b"ERROR", b"FATAL", b"PANIC"):
        return _error(severity, message, context, code)
    if severity != b"LOG":
        return None
    if found := _TEMPORARY.match(message):
        return Event("temporary file", "temporary file", size=int(found[1]))
    if found := _WAITING.match(message):
        if found[1] != b"acquired":
            return None
        return Event("lock wait", f"{text_of(found[2])} on {text_of(found[3])}", us=_us(found[4], 1_000))
    if found := _VACUUM.match(message):
        elapsed = _ELAPSED.search(message)
        us, table = _us(elapsed[1], 1_000_000) if elapsed else None, text_of(found[3])
        return Event("autovacuum", f"{text_of(found[2])} {table.split('.', 1)[-1]}", us=us, table=table)
    if found := _CHECKPOINT.match(message):
        return Event("checkpoint", text_of(found[1]), us=_us(found[2], 1_000_000))
    if found := _CONNECTION.match(message):
        return Event("connection", text_of(found[1]))
    return None


def _error(severity: bytes, message: bytes, context: bytes, code: bytes) -> Event:
    if message.startswith(b"deadlock detected"):
        return Event("deadlock", "deadlock detected")
    kind = "error" if severity == b"ERROR" else "fatal"
    if is_cancel(message):
        kind = "cancelled"
    if code == RAISED or _RAISED.search(context):
        return Event(kind, "raised by a function")
    return Event(kind, masked(text_of(_CHARACTER.sub(b"", message))))


def is_cancel(message: bytes) -> bool:
    """Whether the statement was ended from outside, or by a timeout."""
    return message.startswith((b"canceling statement", b"terminating connection due to"))


def masked(message: str) -> str:
    """The first line of an error, without names, values and numbers."""
    line = message.split("\n", 1)[0]
    line = _QUOTE_TO_END.sub(r'\1"…"', line)
    line = _QUOTED.sub('"…"', line)
    line = _GROUPED.sub("(…)", line)
    return _NUMBER.sub("N", line)[:200]


def _us(number: bytes, unit: int) -> int:
    return round(float(number) * unit)
