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
    masked, mistaken = _masked(joined)
    shapes = masked.split(b"\0")
    for at in mistaken:
        shapes[at] = _TOKEN.sub(_mask, texts[at])
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


def _masked(joined: bytes) -> tuple[bytes, list[int]]:
    """Texts divided by zero bytes, with nothing between quotes and `0` for each number; and the numbers of those texts
    for which that is wrong, because a name has a quote in it."""
    framed = b"\0" + joined + b"\0"
    octets = np.frombuffer(framed, dtype=np.uint8)
    frames = np.flatnonzero(octets == _NUL)
    opening, closing = _strings(octets, frames)
    marks = _marks(octets, opening, closing)
    starts, ends = _numbers(octets, framed)
    free = _is_outside(starts, opening, closing) & ~_is_in_name(starts, marks, frames)
    starts, ends = starts[free], ends[free]
    spelled = octets.copy()
    spelled[starts] = _ZERO
    cuts = np.concatenate((opening, starts)) + 1
    turns = np.stack((cuts, np.concatenate((closing, ends))))[:, np.argsort(cuts)].T.ravel()
    lengths = np.diff(turns, prepend=0, append=len(octets))
    kept = np.repeat(np.arange(len(lengths)) % 2 == 0, lengths)
    mistaken = opening[_is_in_name(opening, marks, frames)]
    texts = sorted(set((np.searchsorted(frames, mistaken) - 1).tolist()))
    return spelled[kept][1:-1].tobytes(), texts


def _strings(octets: _Octets, frames: _Places) -> tuple[_Places, _Places]:
    """Where quotes open, and where each closes: at the latest where its text ends."""
    quotes = np.flatnonzero(octets == _QUOTE)
    text = np.searchsorted(frames, quotes) - 1
    rank = np.arange(len(quotes)) - np.searchsorted(quotes, frames)[text]
    opens = np.flatnonzero(rank % 2 == 0)
    follow = np.append(quotes, len(octets))[opens + 1]
    return quotes[opens], np.minimum(follow, frames[text[opens] + 1])


def _marks(octets: _Octets, opening: _Places, closing: _Places) -> _Places:
    """Where names open and close: the double quotes outside strings."""
    marks = np.flatnonzero(octets == _NAME_QUOTE)
    return marks[_is_outside(marks, opening, closing)]


def _is_outside(places: _Places, opening: _Places, closing: _Places) -> NDArray[np.bool_]:
    """Whether each place is in no string."""
    if not len(opening):
        return np.ones(len(places), dtype=bool)
    at = np.searchsorted(opening, places) - 1
    return (at < 0) | (places > closing[at])


def _is_in_name(places: _Places, marks: _Places, frames: _Places) -> NDArray[np.bool_]:
    """Whether a name is open at each place: an odd number of marks stands before it in its text."""
    if not len(marks):
        return np.zeros(len(places), dtype=bool)
    begins = frames[np.searchsorted(frames, places) - 1]
    before = np.searchsorted(marks, places) - np.searchsorted(marks, begins)
    is_odd: NDArray[np.bool_] = before % 2 == 1
    return is_odd


def _numbers(octets: _Octets, framed: bytes) -> tuple[_Places, _Places]:
    """Where numbers start and end: words that start with a digit."""
    words = np.frombuffer(framed.translate(_IN_WORDS), dtype=np.int8)
    edges = np.diff(words)
    starts, ends = np.flatnonzero(edges == 1) + 1, np.flatnonzero(edges == -1) + 1
    first = octets[starts]
    chosen = (first >= _ZERO) & (first <= _NINE)
    return starts[chosen], ends[chosen]
