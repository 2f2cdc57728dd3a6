"""One stretch of one file, read: a task for any process."""

import re

import msgspec

from pgadvisor.logs.blocks import LONGEST, LONGEST_START, Blocks
from pgadvisor.logs.cures import TOO_LONG
from pgadvisor.logs.entry import Form
from pgadvisor.logs.files import LogStream, open_log
from pgadvisor.logs.forms import Shape
from pgadvisor.logs.pairing import REACH
from pgadvisor.logs.part import FILE, Part
from pgadvisor.logs.tally import Options, Tally
from pgadvisor.logs.wrapping import Unwrapped, wrapping_named

PIECE = 1_000_000
WARM_UP = 2 * REACH
"""Bytes before a stretch that are read for what waits where it begins: it does not matter then where a log is cut."""


class Stretch(msgspec.Struct, frozen=True, kw_only=True):
    """The records that begin between two bytes of a file."""

    name: str
    file: int
    number: int = 0
    shape: Shape
    start: int = 0
    end: int | None = None
    """None: up to the file's end."""
    options: Options
    head: bytes = b""
    """What was taken of stdin already."""


def read_stretch(stretch: Stretch) -> Part:
    """What the records of the stretch tell."""
    with open_log(stretch.name, stretch.head) as stream:
        if stretch.start == 0 and stretch.end is None:
            return _read_stream(stretch, stream)
        return _read_between(stretch, stream)


def _read_stream(stretch: Stretch, stream: LogStream) -> Part:
    """The whole of a file, which need not be one that can be read from its middle."""
    form, part = stretch.shape.made(), Part(at_start=stretch.file == 0)
    tally = Tally(form, part, stretch.options, file=stretch.file, stretch=0)
    wrapping = stretch.shape.wrapping
    lines = Unwrapped(stream, wrapping_named(wrapping)) if wrapping else stream
    _take(tally, form, Blocks(lines, form.start, 0), counts=True)
    tally.end()
    if stream.is_damaged:
        tally.note_damage()
    return part


def _read_between(stretch: Stretch, stream: LogStream) -> Part:
    """A stretch, and before it what its records may belong to."""
    form, part = stretch.shape.made(), Part(at_start=stretch.file == 0 and stretch.start == 0)
    begin = _aligned(stream, form, stretch.start)
    end = FILE if stretch.end is None else _aligned(stream, form, stretch.end)
    if begin >= end:
        return part
    tally = Tally(form, part, stretch.options, file=stretch.file, stretch=stretch.number)
    if begin:
        before = _aligned(stream, form, begin - WARM_UP)
        stream.seek(before)
        _take(tally, form, Blocks(stream, form.start, before, begin), counts=False)
    stream.seek(begin)
    _take(tally, form, Blocks(stream, form.start, begin, end), counts=True)
    if stretch.end is None:
        tally.end()
    return part


def _take(tally: Tally, form: Form, blocks: Blocks, *, counts: bool) -> None:
    for block in blocks:
        if block.data:
            tally.read(block.data, form.entries(block.data), block.start, counts=counts)
        elif counts:
            tally.pass_over(TOO_LONG.format(LONGEST // 1_000_000), block.size, block.lines)


def _aligned(stream: LogStream, form: Form, at: int) -> int:
    """Where the first record begins from that byte on; the end, where none does."""
    if at <= 0:
        return 0
    begins = re.compile(rb"\n(?=" + form.start.pattern + rb")")
    at -= 1
    stream.seek(at)
    data = b""
    while new := stream.read(PIECE):
        data += new
        if found := begins.search(data):
            return at + found.end()
        line = data.rfind(b"\n")
        if line < 0 or len(data) - line > LONGEST_START:
            line = len(data)  # in the middle of a line: no record begins there
        at, data = at + line, data[line:]
    return at + len(data)
