"""Files of SQL as text: what cannot be read says why."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from pgadvisor.model.record import Record

LIMIT_BYTES = 50_000_000
"""A migration of this size is a dump of rows; splitting it would take minutes."""
_NOT_OURS = frozenset(("node_modules", "__pycache__", "site-packages", "vendor", "target"))
_DIGITS = re.compile(r"(\d+)")


class SqlFile(Record):
    """A file and its text, line ends as they are, without a byte order mark."""

    path: Path
    text: str = ""
    unread: str | None = None
    """Why there is no text, as a clause."""


def read_sql(path: Path) -> SqlFile:
    """The file's text, or why there is none."""
    try:
        if path.stat().st_size > LIMIT_BYTES:
            return SqlFile(path=path, unread=f"it is larger than {LIMIT_BYTES // 1_000_000} MB")
        content = path.read_bytes()
    except OSError as error:
        return SqlFile(path=path, unread=f"it cannot be opened: {error.strerror}")
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return SqlFile(path=path, unread="it is UTF-16: save it as UTF-8")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return SqlFile(path=path, unread=f"it is not UTF-8 (line {line}): save it as UTF-8")
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        return SqlFile(path=path, unread=f"it holds a zero byte (line {line}), so it is not text")
    return SqlFile(path=path, text=text)


def text_of(path: Path) -> str:
    """The text of a file that is looked at for what it is; empty where it cannot be read."""
    try:
        return path.read_text("utf-8", errors="replace")
    except OSError:
        return ""


def walk(directory: Path, leave_out: Path | None = None) -> Iterator[Path]:
    """The files under a directory, sorted; hidden directories, environments and packages of others are left out."""
    for place, directories, names in os.walk(directory):
        here = Path(place)
        directories[:] = sorted(each for each in directories if _is_ours(here / each) and here / each != leave_out)
        yield from (here / name for name in sorted(names))


def _is_ours(directory: Path) -> bool:
    name = directory.name
    return not name.startswith(".") and name not in _NOT_OURS and not (directory / "pyvenv.cfg").exists()


def natural(text: str) -> tuple[tuple[int, int, str], ...]:
    """Sorts `2_b` before `10_a`: numbers as numbers."""
    parts = _DIGITS.split(text)
    return tuple((0, int(part), part) if number % 2 else (1, 0, part) for number, part in enumerate(parts) if part)
