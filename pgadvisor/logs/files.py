"""Log files as they are given: names, patterns, `-`; packed or not; a rotated set in the order of its time."""

import bz2
import gzip
import io
import lzma
import os
import re
import stat
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self

import zstandard

from pgadvisor.errors import UsageError

STDIN = "-"
_STDIN = 0
"""Its file descriptor."""
_MAGIC = (
    (b"\x1f\x8b", "gzip"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\x00", "xz"),
)

_ENDINGS = re.compile(r"(?:\.(?:log|csv|json))?((?:[.-][\d.-]+)?)(?:\.(?:gz|zst|bz2|xz))?\Z")
_DAMAGE = (EOFError, gzip.BadGzipFile, zlib.error, lzma.LZMAError, zstandard.ZstdError)
_UNPACK: dict[str, Callable[[io.BufferedReader], Any]] = {
    "gzip": lambda file: gzip.GzipFile(fileobj=file),
    "zstd": lambda file: zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True),
    "bzip2": bz2.BZ2File,
    "xz": lzma.LZMAFile,
}


class LogStream:
    """The bytes of a log, unpacked; packed data that are damaged end there."""

    def __init__(self, file: io.BufferedReader) -> None:
        self._file = file
        unpack = _UNPACK.get(_packing(file) or "")
        self._unpacked = unpack(file) if unpack else file
        self.is_damaged = False

    def read(self, size: int, /) -> bytes:
        """So many bytes; fewer, then none, at the end."""
        pieces: list[bytes] = []
        while size and not self.is_damaged:
            try:
                new = bytes(self._unpacked.read1(size))  # in small steps: what stands before damage is read
            except _DAMAGE:
                self.is_damaged = True
                break
            if not new:
                break
            pieces.append(new)
            size -= len(new)
        return b"".join(pieces)

    def seek(self, at: int) -> None:
        """Go on at that byte; of files that are not packed."""
        self._file.seek(at)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


def files_of(names: Sequence[str]) -> list[str]:
    """The files that names and patterns stand for, each once. Raises UsageError for one that is none."""
    found: list[str] = []
    for name in names:
        if name == STDIN:
            found.append(name)
            continue
        path = Path(name)
        if path.is_dir():
            raise UsageError(f'"{name}" is a directory: name its files, for example --log "{name.rstrip("/")}/*.log"')
        matches = [name] if path.exists() else _matching(path)
        matches = [each for each in matches if not Path(each).is_dir()]
        if not matches:
            raise UsageError(f'there is no log file "{name}": `SHOW log_directory` on the server tells where they are')
        found.extend(matches)
    known: dict[tuple[int, int], str] = {}
    for each in found:
        known.setdefault(_identity(each), each)
    return list(known.values())


def _identity(name: str) -> tuple[int, int]:
    """What tells one file from another, whatever it is called: `current.log` may be a link. Raises UsageError."""
    if name == STDIN:
        return -1, -1
    told = Path(name).stat()
    if not stat.S_ISREG(told.st_mode):
        raise UsageError(f'"{name}" is a pipe or a device, which cannot be read twice: pipe it into --log -')
    return told.st_dev, told.st_ino


def _matching(pattern: Path) -> list[str]:
    """The files of a pattern in the order of their names."""
    base = Path(pattern.anchor)
    return sorted(str(found) for found in base.glob(str(pattern.relative_to(pattern.anchor))))


def log_name(name: str) -> Path:
    """What the names of one log in several forms, packed or not, have in common: `server.csv.1.gz` is `server.1`."""
    path = Path(name).resolve()
    return path.with_name(_ENDINGS.sub(r"\1", path.name) or path.name)


def is_packed(name: str) -> bool:
    """Whether the file is packed, so that it can only be read from its beginning."""
    with _opened(name) as file:
        return _packing(file) is not None


def open_log(name: str, head: bytes = b"") -> LogStream:
    """The bytes of the file, unpacked; of stdin, behind the `head` that was taken of it. Raises UsageError."""
    if name == STDIN:
        return LogStream(io.BufferedReader(_Stdin(head), 1 << 20))
    return LogStream(_opened(name))


def log_in(data: bytes) -> LogStream:
    """A log's beginning as a stream of its own."""
    return LogStream(io.BufferedReader(io.BytesIO(data)))


def take_head(size: int) -> bytes:
    """The first bytes of stdin as they are, which cannot be read from it again."""
    head = b""
    while len(head) < size and (new := os.read(_STDIN, size - len(head))):
        head += new
    return head


class _Stdin(io.RawIOBase):
    """Stdin, with what was taken of it before."""

    def __init__(self, head: bytes) -> None:
        self._head = head

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        new = self._head[: len(buffer)] or os.read(_STDIN, len(buffer))
        self._head = self._head[len(new) :]
        buffer[: len(new)] = new
        return len(new)


def _opened(name: str) -> io.BufferedReader:
    try:
        return Path(name).open("rb")
    except OSError as error:
        raise UsageError(f"{name} cannot be read: {error.strerror}: run as a user who may, or copy the file") from error


def _packing(file: io.BufferedReader) -> str | None:
    head = file.peek(8)
    return next((packing for magic, packing in _MAGIC if head.startswith(magic)), None)
