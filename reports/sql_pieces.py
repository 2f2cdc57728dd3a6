"""A statement's text in pieces: what to colour, and which parts are guilty."""

import re
from collections.abc import Iterator
from itertools import groupby
from typing import Literal, NamedTuple

from pgadvisor.model.finding import Span

SHOWN_CHARACTERS = 10_000
"""A longer text is shown in part: a list of 100,000 ids tells a reader nothing and would swell the report."""
AROUND = 200
"""Characters kept on both sides of a guilty part that lies beyond."""

PieceKind = Literal["plain", "keyword", "string", "value", "comment", "gap"]


class Piece(NamedTuple):
    """A part of a text of one kind."""

    text: str
    kind: PieceKind
    is_guilty: bool = False


TOKEN = re.compile(
    r"""
      (?P<comment> --[^\n]* | /\*(?:.*?\*/|.*) )
    | (?P<string>  (?:\b[eEbBxXnN]|\b[uU]&)? '(?:[^']|'')*'? | \$(?P<tag>[A-Za-z_]\w*|)\$(?:.*?\$(?P=tag)\$|.*) )
    | (?P<name>    "(?:[^"]|"")*"? )
    | (?P<value>   \$\d+ | \b\d[\d_]*(?:\.\d+)?(?:e[+-]?\d+)?\b )
    | (?P<word>    [^\W\d]\w* )
    """,
    re.VERBOSE | re.DOTALL,
)
"""What is not closed runs to the end, so that no text costs more than one pass."""

_WORDS = """
add all alter analyze and any array as asc attach begin between by cascade case cast check column
commit concurrently conflict constraint create cross default delete desc detach distinct do drop
else end except exists explain extension false fetch filter first following for foreign from full
generated group having if ilike in include index inner insert intersect interval into is join key
last lateral left like limit local lock materialized merge natural not nothing null nulls offset on
only or order outer over partition preceding primary range recursive references reindex returning
right rollback row rows select set share similar skip some statistics table then to true truncate
type union unique update using vacuum validate values view when where window with within
"""
KEYWORDS = frozenset(_WORDS.split())
"""Words set off from names: the usual ones of queries and of remedies, not the whole grammar."""


class Run(NamedTuple):
    """Neighbouring pieces that are guilty, or are not."""

    is_guilty: bool
    pieces: tuple[Piece, ...]


def sql_runs(text: str, spans: tuple[Span, ...] = (), limit: int | None = SHOWN_CHARACTERS) -> tuple[Run, ...]:
    """The pieces of the text, those of one guilty part together."""
    pieces = sql_pieces(text, spans, limit)
    return tuple(Run(guilty, tuple(run)) for guilty, run in groupby(pieces, key=lambda piece: piece.is_guilty))


def sql_pieces(text: str, spans: tuple[Span, ...] = (), limit: int | None = SHOWN_CHARACTERS) -> tuple[Piece, ...]:
    """The text in pieces, in order; joined they are the text, but for gaps where it is longer than the limit."""
    guilty = _merged([(max(0, span.start), min(len(text), span.end)) for span in spans])
    windows = [(0, len(text))] if limit is None or len(text) <= limit else _windows(len(text), guilty, limit)
    shown: list[Piece] = []
    end = 0
    for start, stop in windows:
        if start > end:
            shown.append(_gap(start - end))
        shown.extend(_window_pieces(text, start, stop, guilty))
        end = stop
    if end < len(text):
        shown.append(_gap(len(text) - end))
    return tuple(shown)


def _gap(length: int) -> Piece:
    return Piece(f" … {length:,} characters not shown … ", "gap")


def _merged(ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The ranges in order, those that touch made one, the empty left out."""
    merged: list[tuple[int, int]] = []
    for start, stop in sorted(each for each in ranges if each[0] < each[1]):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(stop, merged[-1][1]))
        else:
            merged.append((start, stop))
    return merged


def _windows(length: int, guilty: list[tuple[int, int]], limit: int) -> list[tuple[int, int]]:
    """Which parts of a long text to show: its beginning, and the start of each guilty part with what is around it."""
    return _merged(
        [
            (0, limit),
            *(
                (max(0, start - AROUND), min(length, min(stop, start + limit) + AROUND))
                for start, stop in guilty[:20]
                if start >= limit - AROUND
            ),
        ]
    )


def _window_pieces(text: str, start: int, stop: int, guilty: list[tuple[int, int]]) -> Iterator[Piece]:
    """The pieces of one part of the text, cut where guilt begins and ends."""
    ahead = [each for each in guilty if each[1] > start and each[0] < stop]
    for begin, end, kind in _tokens(text, start, stop):
        at = begin
        for guilty_start, guilty_stop in ahead:
            if guilty_stop <= at or guilty_start >= end:
                continue
            if guilty_start > at:
                yield Piece(text[at:guilty_start], kind)
                at = guilty_start
            yield Piece(text[at : min(end, guilty_stop)], kind, True)
            at = min(end, guilty_stop)
        if at < end:
            yield Piece(text[at:end], kind)


def _tokens(text: str, start: int, stop: int) -> Iterator[tuple[int, int, PieceKind]]:
    """Where each run of one kind begins and ends; neighbours of one kind are joined, with the space between them."""
    open_from, open_to = start, start
    open_kind: PieceKind = "plain"
    for match in TOKEN.finditer(text, start, stop):
        kind = _kind(match)
        if kind == open_kind and (kind == "plain" or text[open_to : match.start()].isspace()):
            open_to = match.end()
            continue
        yield from _run(open_from, open_to, open_kind)
        yield from _run(open_to, match.start(), "plain")
        open_from, open_to, open_kind = match.start(), match.end(), kind
    yield from _run(open_from, open_to, open_kind)
    yield from _run(open_to, stop, "plain")


def _run(start: int, stop: int, kind: PieceKind) -> Iterator[tuple[int, int, PieceKind]]:
    if start < stop:
        yield start, stop, kind


def _kind(match: re.Match[str]) -> PieceKind:
    if match["comment"]:
        return "comment"
    if match["string"]:
        return "string"
    if match["value"]:
        return "value"
    return "keyword" if match["word"] and match["word"].lower() in KEYWORDS else "plain"
