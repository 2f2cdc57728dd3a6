"""Texts with their literals cut out: many runs of one statement give one shape, so that few need the parser.

A shape is a key of a cache and no more: two statements must never share one, one statement may have several.
"""

import re
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

_Places: TypeAlias = NDArray[np.intp]
_Octets: TypeAlias = NDArray[np.uint8]

_IN_WORDS = bytes(1 if at >= 128 or chr(at).isalnum() or at in b"_.$" else 0 for at in range(256))
_NUL, _QUOTE, _NAME_QUOTE, _ZERO, _NINE = 0, ord("'"), ord('"'), ord("0"), ord("9")
_HARD = re.compile(rb"\\|--|/\*|\$[^0-9]")
"""What may hide a quote, or hold one that ends nothing: such a text is read token by token."""
_DOLLAR = re.compile(rb"\$[^0-9]")
_TOKEN = re.compile(
    rb"(?P<string>[eE]'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*'|\$(?P<tag>\w*)\$.*?\$(?P=tag)\$)"
    rb"|(?P<remark>/\*.*?\*/|--[^\n]*)"
    rb"|(?P<name>\"(?:[^\"]|\"\")*\"|[A-Za-z_\x80-\xff][\w$.\x80-\xff]*|\$\d+)"
    rb"|(?P<number>\d[\w.]*)",
    re.DOTALL,
)
_MASKS = {"string": b"''", "remark": b" ", "number": b"0"}
_CONSTANT = rb"(?:-?0|(?:'')+|\$\d+)"
_LIST = re.compile(rb"\b((?:IN|VALUES)\s*\(\s*" + _CONSTANT + rb")(?:\s*,\s*" + _CONSTANT + rb")+\s*\)", re.IGNORECASE)


def shapes_of(texts: Sequence[bytes]) -> list[bytes]:
    """The shape of each text; no text may hold a zero byte.

    All at once on one array of bytes: masking text by text took longer than all the rest of reading.
    """
    joined = b"\0".join(texts)
    shapes = _masked(joined).split(b"\0")
    if b"\\" in joined or b"--" in joined or b"/*" in joined or _DOLLAR.search(joined):
        for at, text in enumerate(texts):
            if _HARD.search(text):
                shapes[at] = _TOKEN.sub(_mask, text)
    return shapes


def without_lists(shape: bytes) -> bytes:
    """The shape with one constant for each list of constants: `IN (1, 2, 3)` is `IN (1)`."""
    return _LIST.sub(rb"\1, ...)", shape)


def _mask(found: re.Match[bytes]) -> bytes:
    return _MASKS.get(found.lastgroup or "", found[0])


def _masked(joined: bytes) -> bytes:
    """Texts divided by zero bytes, with nothing between quotes and `0` for each number."""
    framed = b"\0" + joined + b"\0"
    octets = np.frombuffer(framed, dtype=np.uint8)
    opening, closing = _strings(octets)
    starts, ends = _numbers(octets, framed)
    spelled = octets.copy()
    spelled[starts] = _ZERO
    at = np.searchsorted(opening, starts) - 1
    free = starts > closing[at] if len(opening) else np.ones(len(starts), dtype=bool)
    free |= at < 0
    cuts = np.concatenate((opening, starts[free])) + 1
    turns = np.stack((cuts, np.concatenate((closing, ends[free]))))[:, np.argsort(cuts)].T.ravel()
    lengths = np.diff(turns, prepend=0, append=len(octets))
    kept = np.repeat(np.arange(len(lengths)) % 2 == 0, lengths)
    return bytes(spelled[kept][1:-1].tobytes())


def _strings(octets: _Octets) -> tuple[_Places, _Places]:
    """Where quotes open, and where each closes: at the latest where its text ends."""
    quotes = np.flatnonzero(octets == _QUOTE)
    frames = np.flatnonzero(octets == _NUL)
    text = np.searchsorted(frames, quotes) - 1
    rank = np.arange(len(quotes)) - np.searchsorted(quotes, frames)[text]
    opens = np.flatnonzero(rank % 2 == 0)
    follow = np.append(quotes, len(octets))[opens + 1]
    return quotes[opens], np.minimum(follow, frames[text[opens] + 1])


def _numbers(octets: _Octets, framed: bytes) -> tuple[_Places, _Places]:
    """Where numbers start and end: words that start with a digit, but those of quoted names."""
    words = np.frombuffer(framed.translate(_IN_WORDS), dtype=np.int8)
    edges = np.diff(words)
    starts, ends = np.flatnonzero(edges == 1) + 1, np.flatnonzero(edges == -1) + 1
    first = octets[starts]
    chosen = (first >= _ZERO) & (first <= _NINE) & (octets[starts - 1] != _NAME_QUOTE)
    return starts[chosen], ends[chosen]
