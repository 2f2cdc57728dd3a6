"""SQL in a terminal: whole lines to copy, or a text with its guilty parts underlined by carets."""

from collections.abc import Iterator

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from pgadvisor.model.finding import Span
from pgadvisor.reports.sql_pieces import sql_pieces
from pgadvisor.reports.visible_text import visible

SHOWN = 2_000
"""Characters of a statement shown in a terminal; the HTML report shows more."""
INDENT = 6
"""Deeper than the names of a finding's facts, and no deeper: room for long lines."""
LONGEST_WORD = 40
"""Letters of a word given up at a cut, so that none is cut in its middle; what is longer is no word."""

Letter = tuple[str, bool]
"""A character as it is shown, and whether it is guilty."""
GAP: Letter = ("…", False)


class WholeLines:
    """SQL to copy: no line is broken or cut, however narrow the terminal, since both would spoil it."""

    def __init__(self, sql: str, *, most: int | None = None) -> None:
        lines = visible(sql).splitlines()
        self.lines = lines if most is None or len(lines) <= most else lines[:most]
        self.left_out = len(lines) - len(self.lines)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for line in self.lines:
            yield Text(" " * INDENT + line.rstrip(), style="bold", no_wrap=True, overflow="ignore", end="\n")
        if self.left_out:
            more = f"{self.left_out:,} more line{'' if self.left_out == 1 else 's'}"
            yield Text(f"{' ' * INDENT}… {more}: see the finding in the report", style="dim")


class MarkedSql:
    """A statement's text, with carets under its guilty parts: marks that need no colour."""

    def __init__(self, text: str, spans: tuple[Span, ...] = (), *, indent: int = INDENT) -> None:
        self.letters = list(_letters(text, spans))
        self.indent = indent

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        margin = " " * self.indent
        for row in _rows(self.letters, max(20, options.max_width - self.indent)):
            yield Text(margin + "".join(letter for letter, _ in row), no_wrap=True, end="\n")
            marks = "".join(("^" if is_guilty else " ") * cell_len(letter) for letter, is_guilty in row).rstrip()
            if marks:
                yield Text(margin + marks, style="yellow", no_wrap=True, end="\n")


def excerpt(text: str, spans: tuple[Span, ...], *, beginning: int, around: int) -> MarkedSql:
    """The text on one line: its beginning, and what stands around its guilty parts. Both are counts of characters."""
    marked = MarkedSql(text, spans, indent=0)
    letters = _folded(marked.letters)
    marked.letters = list(_kept(letters, _wanted(letters, beginning, around)))
    return marked


def _letters(text: str, spans: tuple[Span, ...]) -> Iterator[Letter]:
    for piece in sql_pieces(text, spans, SHOWN):
        for letter in piece.text:
            yield ("    " if letter == "\t" else letter if letter == "\n" else visible(letter)), piece.is_guilty


def _folded(letters: list[Letter]) -> list[Letter]:
    """Each run of white space as one space, guilty as its first letter is; none at the beginning."""
    told: list[Letter] = []
    for letter, is_guilty in letters:
        if not letter.isspace():
            told.append((letter, is_guilty))
        elif told and told[-1][0] != " ":
            told.append((" ", is_guilty))
    return told


def _wanted(letters: list[Letter], beginning: int, around: int) -> list[tuple[int, int]]:
    """The parts of the text to show, in order, none touching another; cut between words."""
    parts = [(0, beginning)] if beginning else []
    parts += [(max(0, at - around), at + 1 + around) for at, (_, is_guilty) in enumerate(letters) if is_guilty]
    joined: list[tuple[int, int]] = []
    for start, stop in parts:
        if joined and start <= joined[-1][1] + LONGEST_WORD:
            joined[-1] = (joined[-1][0], max(stop, joined[-1][1]))
        else:
            joined.append((start, stop))
    return [(_next_word(letters, start), _word_end(letters, stop)) for start, stop in joined]


def _next_word(letters: list[Letter], at: int) -> int:
    """Where the next word begins, unless a guilty letter would be lost on the way."""
    for ahead in range(at, min(len(letters), at + LONGEST_WORD)):
        if letters[ahead][1] or ahead == 0:
            return at
        if letters[ahead - 1][0] == " ":
            return ahead
    return at


def _word_end(letters: list[Letter], at: int) -> int:
    """Where the last whole word ends, unless a guilty letter would be lost on the way."""
    if at >= len(letters):
        return len(letters)
    for back in range(at, max(0, at - LONGEST_WORD), -1):
        if letters[back][0] == " ":
            return back
        if letters[back - 1][1]:
            return at
    return at


def _kept(letters: list[Letter], wanted: list[tuple[int, int]]) -> Iterator[Letter]:
    """The wanted parts, with an ellipsis where something is left out."""
    end = 0
    for start, stop in wanted:
        if start > end:
            yield from (GAP, (" ", False)) if end == 0 else ((" ", False), GAP, (" ", False))
        yield from letters[start:stop]
        end = stop
    if end < len(letters):
        yield from ((" ", False), GAP)


def _rows(letters: list[Letter], width: int) -> Iterator[list[Letter]]:
    """The letters in rows no wider than that, broken at a space where there is one."""
    row: list[Letter] = []
    used = 0
    for letter, is_guilty in letters:
        if letter == "\n":
            yield row
            row, used = [], 0
            continue
        if used + cell_len(letter) > width:
            if letter == " ":
                yield row
                row, used = [], 0
                continue
            row, rest = _broken(row)
            yield row
            row, used = rest, sum(cell_len(each) for each, _ in rest)
        row.append((letter, is_guilty))
        used += cell_len(letter)
    if row:
        yield row


def _broken(row: list[Letter]) -> tuple[list[Letter], list[Letter]]:
    """A full row at its last space, when that leaves at least half of it; else where it ends."""
    for at in range(len(row) - 1, len(row) // 2, -1):
        if row[at][0] == " ":
            return row[:at], row[at + 1 :]
    return row, []
