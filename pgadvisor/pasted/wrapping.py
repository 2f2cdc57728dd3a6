"""What stands around a plan when it was copied, taken off: borders, quotes, prompts, marks of mail and Markdown."""

import html
import re
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby

from pgadvisor.pasted.pasted import Line
from pgadvisor.pasted.tabs import untabbed

MOST = 0.5
"""A mark is taken for one when this share of the lines has it."""
_HTML = re.compile(r"-&gt;|&nbsp;|&quot;Plan&quot;|&lt;explain|<br ?/?>|<td\b")
_TAGS = re.compile(
    r"[ \t]*<(?:pre|code|p|div|span|td|tr|th|tbody|table|caption)\b[^>]*>|</\w+>|<br ?/?>", re.IGNORECASE
)
_NOTE = re.compile(r"(?<!\s)\s+(?:←|◀|◄|⬅|<-{1,3}(?=\s)).*$")
_COMMENT = re.compile(r"^\s*(?:/\*+|\*(?!/)|--(?![->])(?=\s))(.*)$|^(.*)\*/\s*$")
_MAIL = re.compile(r"^(?:> ?)+")
_BORDERS = frozenset(" |+─═┌┐└┘├┤┬┴┼╔╗╚╝╠╣╟╢╤╧╪║│-")
_HEADER = re.compile(r"^[\s|│║\"']*QUERY PLAN[\s|│║\"':;]*$", re.IGNORECASE)
_COUNT = re.compile(r"^\s*\(\d+ (?:rows?|Zeilen?|lignes?|filas?|linhas?|righe?|строк\w*)\)\s*$", re.IGNORECASE)
_FENCE = re.compile(r"^\s*(?:```|~~~).*$")
_RECORD = re.compile(r"^[-─+┌├╔| ]*(?:\*|\[) ?RECORD \d+.*$", re.IGNORECASE)
_CELL = re.compile(r"^\s*[|│║]")
_BARS = "|│║"
_CONTINUING = "+¶↵"
_EXPANDED = re.compile(r"^(?:QUERY PLAN *[|│║,] ?|QUERY PLAN )(.*\S.*)$")
_EXPANDED_REST = re.compile(r"^ {10,}[|│║:] ?(.*)$")
_OLD_ASCII = re.compile(r"^ ?:")
_QUOTED = re.compile(r"""^\s*(["'])(.*)\1\s*[,;]?\s*$""")
_ONE_QUOTED = re.compile(r'^"((?:[^"]|"")*)"$')
_LOG = re.compile(r"^(.*\b(?:LOG|INFO|NOTICE|DEBUG\d?|WARNING):\s+(?:\w{5}:\s+)?)(.*)$")


def unwrapped(text: str) -> tuple[Line, ...]:
    """The lines of what was pasted, without what copying put around them; each keeps its number."""
    if _HTML.search(text):
        text = html.unescape(_TAGS.sub("", text))
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u00a0", " ").replace("\u2192", "->")
    lines = [Line(at, each.rstrip()) for at, each in enumerate(untabbed(text.split("\n")), start=1)]
    lines = [each for each in lines if not _RECORD.match(each.text)]
    lines = [_without_comment(Line(at, _NOTE.sub("", each))) for at, each in lines]
    lines = _stripped(lines, _MAIL.match, lambda text: _MAIL.sub("", text))
    lines = [_emptied(each) for each in lines]
    pieces = [list(piece) for _, piece in groupby(lines, key=lambda line: bool(line.text.strip()))]
    for taken_off in (_without_box, _without_line_marks, _without_quotes):
        pieces = [taken_off(piece) for piece in pieces]
    return tuple(_emptied(line) for piece in pieces for line in _unfolded(piece))


def without_log_prefix(lines: Sequence[Line]) -> tuple[Line, ...]:
    """The lines of a server's log, without what stands before the message."""
    return tuple(Line(at, match[2] if (match := _LOG.match(text)) else text) for at, text in lines)


def _emptied(line: Line) -> Line:
    """An empty line in place of one that is no part of a plan or a statement."""
    is_rule = any(each in line.text for each in ("--", "──", "══")) and _BORDERS.issuperset(line.text)
    is_around = is_rule or any(each.match(line.text) for each in (_HEADER, _COUNT, _FENCE))
    return Line(line.number, "") if is_around else line


def _without_comment(line: Line) -> Line:
    """The line without the marks of a comment in SQL, in which notes keep plans."""
    match = _COMMENT.match(line.text)
    return Line(line.number, (match[1] or match[2] or "").replace("*/", "").rstrip()) if match else line


def _without_box(lines: list[Line]) -> list[Line]:
    """`| Seq Scan on a |`, also without the first bar; or the column's name before it, in psql's expanded display."""
    if _share(lines, _CELL.match) >= MOST:
        lines = [Line(at, _cell(text)) for at, text in lines]
    else:
        lines = _stripped(lines, lambda text: text[-1:] in _BARS, lambda text: text[:-1].rstrip())
    if any(_EXPANDED.match(text) for _, text in lines):
        lines = [_of_record(each) for each in lines]
    return lines


def _cell(text: str) -> str:
    inside = text.strip()
    if inside[:1] not in _BARS:
        return text
    inside = inside[1:-1] if len(inside) > 1 and inside[-1] in _BARS else inside[1:]
    return inside.removeprefix(" ").rstrip()


def _of_record(line: Line) -> Line:
    match = _EXPANDED.match(line.text) or _EXPANDED_REST.match(line.text)
    return Line(line.number, match[1].rstrip()) if match else line


def _without_line_marks(lines: list[Line]) -> list[Line]:
    """psql ends a line of a value of several lines with `+`, and long ago began the next with `:`."""
    lines = _stripped(lines, _OLD_ASCII.match, lambda text: f" {_OLD_ASCII.sub('', text)}")
    return _stripped(lines, lambda text: text[-1:] in _CONTINUING, lambda text: text[:-1].rstrip())


def _without_quotes(lines: list[Line]) -> list[Line]:
    """Quotes around each line, as pgAdmin copies; or around all, as CSV has it. A quote inside is written twice."""
    if _share(lines, _QUOTED.match) >= MOST:
        return _stripped(lines, _QUOTED.match, _unquoted)
    if len(lines) > 1 and (first := lines[0].text.lstrip())[:1] in ("'", '"'):
        mark, last = first[0], lines[-1].text.rstrip(" ,;")
        if last.endswith(mark) and not _ONE_QUOTED.match(first):
            bare = [Line(lines[0].number, lines[0].text.replace(mark, " ", 1)), *lines[1:-1]]
            bare.append(Line(lines[-1].number, last[:-1]))
            return [Line(at, text.replace(mark * 2, mark)) for at, text in bare]
    return [Line(at, m[1].replace('""', '"') if (m := _ONE_QUOTED.match(text)) else text) for at, text in lines]


def _unfolded(lines: Sequence[Line]) -> Iterator[Line]:
    """Lines that psql's wrapped format folded, made whole: the one ends with a dot, and the next begins with one."""
    kept: Line | None = None
    for line in lines:
        if kept is not None and kept.text.endswith(".") and line.text.startswith("."):
            kept = Line(kept.number, kept.text[:-1] + line.text[1:])
            continue
        if kept is not None:
            yield kept
        kept = line
    if kept is not None:
        yield kept


def _unquoted(text: str) -> str:
    return _QUOTED.sub(lambda match: str(match[2]).replace(match[1] * 2, match[1]), text)


def _stripped(lines: list[Line], is_marked: Callable[[str], object], strip: Callable[[str], str]) -> list[Line]:
    """The lines without a mark, where most of them have it."""
    if _share(lines, is_marked) < MOST:
        return lines
    return [Line(at, strip(text) if text and is_marked(text) else text) for at, text in lines]


def _share(lines: Sequence[Line], is_marked: Callable[[str], object]) -> float:
    full = [text for _, text in lines if text.strip()]
    return sum(bool(is_marked(text)) for text in full) / len(full) if full else 0.0
