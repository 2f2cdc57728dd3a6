"""What collects logs and puts lines of its own around the server's: their lines become the server's again.

What Amazon RDS adds is a prefix of PostgreSQL's own, which `prefix.py` finds. The others: lines of Heroku's Logplex,
syslog and `journalctl`, Kubernetes (CRI), `docker compose logs`, CloudWatch; objects of Docker, `journalctl -o json`,
Google Cloud SQL and Azure.
"""

import re
from collections.abc import Callable
from typing import NamedTuple

import msgspec

from pgadvisor.logs.blocks import BLOCK, Readable
from pgadvisor.logs.entry import MAIN

_ISO = rb"(?P<day>\d{4}-\d\d-\d\d)T(?P<second>\d\d:\d\d:\d\d)(?P<fraction>\.\d{3})?\d*(?P<zone>Z|[+-]\d\d:?\d\d)?"
_PIECE = rb"(?:\[\d+-(?P<piece>\d+)\] ?)?"
"""`[5-2]`: how the server numbers the lines of one message for syslog."""
_LINES = {
    "heroku": rb"^(?:\d+ )?(?:<\d+>\d+ )?" + _ISO + rb" (?:\S+ )?app(?:\[| )postgres(?:\.(?P<process>\d+))?(?:\]:| -)"
    rb"(?: -)? *(?:\[[A-Z][A-Z_]*\] *)?" + _PIECE + rb" *(?:sql_error_code = \w+ )?",
    "systemd": rb"^(?:<\d+>\d* ?)?(?:\w{3} [ \d]\d \d\d:\d\d:\d\d|" + _ISO + rb") \S+ "
    rb"[\w@/.-]*?post(?:gres|master)[\w@/.-]*\[(?P<process>\d+)\]: ?" + _PIECE + rb"(?:#011)?",
    "kubernetes": rb"^\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d) (?:stdout|stderr) (?P<part>[FP]) ",
    "docker": rb"^[\w.-]+ +\| ",
    "cloudwatch": rb"^\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)?(?:[ \t][\w./@-]+)?[ \t](?=\d{4}-\d\d-\d\d \d|\t)",
}
_TEXT = rb'"(?:[^"\\]|\\.)*+"'
_OBJECTS = {
    "docker": rb'^\{(?=.*"(?:stream|time)":).*?"log":\s*(' + _TEXT + rb").*$",
    "cloudsql": rb'^.*?"textPayload":\s*(' + _TEXT + rb").*$",
    "systemd": rb'^\{(?=.*"(?:__CURSOR|_PID|SYSLOG_IDENTIFIER)").*?"MESSAGE"\s*:\s*(' + _TEXT + rb").*$",
    "azure": rb'^\{(?=.*"(?:properties|LogicalServerName|resourceId)").*?"message"\s*:\s*(' + _TEXT + rb").*$",
}
_HAS_TIME = re.compile(rb"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
_SEVERITY = re.compile(rb"(?:^|[^\n]*?[^A-Z\n])(?:" + MAIN + rb"|DETAIL|HINT|QUERY|CONTEXT|LOCATION|STATEMENT): ")
_AZURE = [re.compile(rb'"' + name + rb'"\s*:\s*"?([^",}]+)') for name in (b"time", b"processId", b"errorLevel")]
ENOUGH = 0.6
"""Share of lines that must look so; the others are what a collector says of itself."""


class Wrapping(NamedTuple):
    """One way to wrap lines."""

    key: str
    """Names it among all: some collectors have two forms."""
    name: str
    pattern: re.Pattern[bytes]
    unwrap: Callable[[bytes], bytes]
    """From whole lines to whole lines."""


def wrapping_of(sample: bytes) -> Wrapping | None:
    """How the lines are wrapped; None: they are the server's own."""
    lines = [line for line in sample.splitlines()[:400] if line.strip()]
    if not lines:
        return None
    for wrapping in _WRAPPINGS:
        found = sum(1 for line in lines if wrapping.pattern.match(line))
        is_pretty = wrapping.name == "cloudsql" and found and lines[0].lstrip().startswith((b"[", b"-"))
        if found >= ENOUGH * len(lines) or is_pretty:
            return wrapping
    return None


def wrapping_named(key: str) -> Wrapping:
    """The one with that key."""
    return next(wrapping for wrapping in _WRAPPINGS if wrapping.key == key)


class Unwrapped:
    """A stream of the server's own lines."""

    def __init__(self, stream: Readable, wrapping: Wrapping) -> None:
        self._stream, self._wrapping, self._left = stream, wrapping, b""

    def read(self, size: int, /) -> bytes:
        """Some bytes, about so many; none at the end."""
        while new := self._stream.read(min(size, BLOCK)):
            data = self._left + new
            cut = data.rfind(b"\n") + 1
            self._left = data[cut:]
            if cut and (lines := self._wrapping.unwrap(data[:cut])):
                return lines
            if len(self._left) > 2 * BLOCK:
                break
        left, self._left = self._left, b""
        return self._wrapping.unwrap(left)


def _of_lines(name: str, spelled: bytes) -> Wrapping:
    pattern = re.compile(spelled, re.MULTILINE)
    if not pattern.groupindex:
        return Wrapping(f"{name}-lines", name, pattern, lambda lines: pattern.sub(b"", lines))
    if "part" in pattern.groupindex:
        return Wrapping(f"{name}-lines", name, pattern, lambda lines: _joined(lines, pattern))
    return Wrapping(f"{name}-lines", name, pattern, lambda lines: pattern.sub(_head, lines))


def _joined(lines: bytes, pattern: re.Pattern[bytes]) -> bytes:
    """Lines whole again that were cut: all parts but the last are marked `P`."""
    joined: list[bytes] = []
    for line in lines.splitlines(keepends=True):
        found = pattern.match(line)
        rest = line[found.end() :] if found else line
        joined.append(rest.rstrip(b"\n") if found and found["part"] == b"P" else rest)
    return b"".join(joined)


def _head(found: re.Match[bytes]) -> bytes:
    """What the server's prefix lacks of time and process; a tab before a further line of a message."""
    told = found.groupdict()
    rest = found.string[found.end() : found.end() + 300]
    if told.get("piece") not in (None, b"1"):
        is_own = bool(_SEVERITY.match(rest.split(b"\n", 1)[0])) and not rest.startswith((b"\t", b"#011"))
        if not is_own:
            return b"" if rest.startswith(b"\t") else b"\t"
    if rest.startswith((b"\t", b" ")) or _HAS_TIME.match(rest):
        return b""
    process = b"[" + told["process"] + b"]: " if told.get("process") else b""
    if not told.get("day"):
        return process
    zone = b" UTC" if told["zone"] in (None, b"Z") else b" " + told["zone"]
    return told["day"] + b" " + told["second"] + (told["fraction"] or b".000") + zone + b" " + process


def _of_objects(name: str, spelled: bytes) -> Wrapping:
    pattern = re.compile(spelled, re.MULTILINE)
    rebuild = _azure_line if name == "azure" else _plain_line

    def unwrapped(lines: bytes) -> bytes:
        return b"".join(rebuild(found) for found in pattern.finditer(lines))

    return Wrapping(f"{name}-objects", name, pattern, unwrapped)


def _plain_line(found: re.Match[bytes]) -> bytes:
    try:
        text = msgspec.json.decode(found[1], type=str)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return found[1] + b"\n"
    return text.rstrip("\n").replace("\n\t", "\n").replace("\n", "\n\t").encode("utf-8", "replace") + b"\n"


def _azure_line(found: re.Match[bytes]) -> bytes:
    line = _plain_line(found)
    if _SEVERITY.match(line):
        return line
    time, process, level = (told[1] if (told := pattern.search(found[0])) else b"" for pattern in _AZURE)
    written = time[:23].replace(b"T", b" ").rstrip(b"Z")
    return written + b" UTC [" + (process or b"0") + b"] " + (level or b"LOG") + b":  " + line


_WRAPPINGS = (
    *(_of_objects(name, spelled) for name, spelled in _OBJECTS.items()),
    *(_of_lines(name, spelled) for name, spelled in _LINES.items()),
)
