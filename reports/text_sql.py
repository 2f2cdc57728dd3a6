"""SQL in a terminal: whole lines to copy, or a text with its guilty parts underlined by carets."""

from collections.abc import Iterator

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.padding import Padding
from rich.text import Text

from pgadvisor.model.finding import Span
from pgadvisor.reports.sql_pieces import sql_pieces
from pgadvisor.reports.visible_text import visible

SHOWN = 2_000
"""Characters of a statement shown in a terminal; the HTML report shows more."""
INDENT = 4


class WholeLines:
    """SQL to copy: no line is broken or cut, however narrow the terminal, since both would spoil it."""

    def __init__(self, sql: str) -> None:
        self.sql = sql

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for line in visible(self.sql).splitlines():
            yield Text(" " * INDENT + line.rstrip(), style="bold", no_wrap=True, overflow="ignore", end="\n")


class MarkedSql:
    """A statement's text, with carets under its guilty parts: marks that need no colour."""

    def __init__(self, text: str, spans: tuple[Span, ...] = ()) -> None:
        self.text = text
        self.spans = spans

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for row in _rows(_letters(self.text, self.spans), max(20, options.max_width - INDENT)):
            yield Text(" " * INDENT + "".join(letter for letter, _ in row), no_wrap=True, end="\n")
            marks = "".join(("^" if is_guilty else " ") * cell_len(letter) for letter, is_guilty in row).rstrip()
            if marks:
                yield Text(" " * INDENT + marks, style="yellow", no_wrap=True, end="\n")


def copyable(sql: str, *, is_whole: bool) -> RenderableType:
    """SQL to copy: in whole lines, or wrapped at spaces where the console would cut what is too long."""
    if is_whole:
        return WholeLines(sql)
    return Padding(Text(visible(sql), style="bold"), (0, 0, 0, INDENT))


def _letters(text: str, spans: tuple[Span, ...]) -> Iterator[tuple[str, bool]]:
    for piece in sql_pieces(text, spans, SHOWN):
        for letter in piece.text:
            yield ("    " if letter == "\t" else letter if letter == "\n" else visible(letter)), piece.is_guilty


def _rows(letters: Iterator[tuple[str, bool]], width: int) -> Iterator[list[tuple[str, bool]]]:
    """The letters in rows no wider than that, broken at a space where there is one."""
    row: list[tuple[str, bool]] = []
    used = 0
    for letter, is_guilty in letters:
        if letter == "\n":
            yield row
            row, used = [], 0
            continue
        if used + cell_len(letter) > width:
            row, rest = _broken(row)
            yield row
            row, used = rest, sum(cell_len(each) for each, _ in rest)
        row.append((letter, is_guilty))
        used += cell_len(letter)
    if row:
        yield row


def _broken(row: list[tuple[str, bool]]) -> tuple[list[tuple[str, bool]], list[tuple[str, bool]]]:
    """A full row at its last space, when that leaves at least half of it; else where it ends."""
    for at in range(len(row) - 1, len(row) // 2, -1):
        if row[at][0] == " ":
            return row[:at], row[at + 1 :]
    return row, []
