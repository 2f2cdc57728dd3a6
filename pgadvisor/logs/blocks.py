"""A stream of bytes to blocks of whole records, in bounded memory."""

import re
from collections.abc import Iterator
from typing import NamedTuple, Protocol

BLOCK = 1_000_000
"""Bytes read at a time: enough that the cost of a call does not matter, few enough for the caches of the processor."""
LONGEST = 8_000_000
"""Bytes of one record, up to the next that begins; longer ones are passed over."""
LONGEST_START = 1_000_000
"""What stands in a line before its message is shorter."""


class Readable(Protocol):
    """A file, or what unpacks or unwraps one."""

    def read(self, size: int, /) -> bytes:
        """At most so many bytes; none at the end."""


class Block(NamedTuple):
    """Whole records, or one that is too long to be kept."""

    start: int
    """Where it stands in the stream."""
    data: bytes
    """Nothing of a record that is too long."""
    size: int
    lines: int = 0
    """Of a record that is too long; else 0."""


class Blocks:
    """Cuts a stream, which stands at byte `at`, up to `end`, where a record begins, or all of it.

    The first block begins where the stream stands, each other where `start` matches.
    """

    def __init__(self, stream: Readable, start: re.Pattern[bytes], at: int, end: int | None = None) -> None:
        self._stream, self._start, self._end = stream, start, end
        self._search = re.compile(rb"\n(?=" + start.pattern + rb")")
        self._at = self._read_to = at
        self._left = b""

    def __iter__(self) -> Iterator[Block]:
        """The blocks in their order."""
        while new := self._read():
            data = self._left + new
            cut = self._last_start(data)
            self._left = data[cut:]
            if cut:
                yield from self._cut(data[:cut])
            elif len(data) > LONGEST:
                yield self._passed_over()
        if self._left:
            yield from self._cut(self._left)

    def _read(self) -> bytes:
        wanted = BLOCK if self._end is None else min(BLOCK, self._end - self._read_to)
        new = self._stream.read(wanted) if wanted > 0 else b""
        self._read_to += len(new)
        return new.replace(b"\0", b" ") if b"\0" in new else new

    def _last_start(self, data: bytes) -> int:
        """Where the last record begins, behind the first; 0: there is none."""
        line = len(data)
        while (line := data.rfind(b"\n", 0, line)) >= 0:
            if self._start.match(data, line + 1):
                return line + 1
        return 0

    def _cut(self, data: bytes) -> Iterator[Block]:
        """The records as one block, but for those that are too long: whatever was read at once, the same are."""
        begin = 0
        if len(data) > LONGEST:
            starts = [found.end() for found in self._search.finditer(data)]
            for here, follow in zip([0, *starts], [*starts, len(data)], strict=True):
                if follow - here > LONGEST:
                    if here > begin:
                        yield self._block(data[begin:here])
                    yield self._block(b"", data[here:follow])
                    begin = follow
        if begin < len(data):
            yield self._block(data[begin:] if begin else data)

    def _block(self, data: bytes, passed: bytes = b"") -> Block:
        block = Block(self._at, data, len(data or passed), _lines(passed))
        self._at += block.size
        return block

    def _passed_over(self) -> Block:
        """The record that is open, read to its end and not kept."""
        size, lines, tail = 0, 0, self._left
        while True:
            found = self._search.search(tail)
            keep = found.end() if found else tail.rfind(b"\n")
            if not found and (keep < 0 or len(tail) - keep > LONGEST_START):
                keep = len(tail)  # in the middle of a line: no record begins there
            size, lines, tail = size + keep, lines + tail.count(b"\n", 0, keep), tail[keep:]
            new = b"" if found else self._read()
            if found or not new:
                break
            tail += new
        if not found:
            size, lines, tail = size + len(tail), lines + _lines(tail), b""
        self._left = tail
        block = Block(self._at, b"", size, max(lines, 1))
        self._at += size
        return block


def _lines(data: bytes) -> int:
    return data.count(b"\n") + (not data.endswith(b"\n")) if data else 0
