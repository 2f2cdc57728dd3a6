"""From a file of SQL to its statements, with what comments before them say."""

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from pgadvisor.model.finding import Span
from pgadvisor.model.record import Record
from pgadvisor.sql.lexer import Token
from pgadvisor.sql.parse import pieces_of, tokens_of

_MARK = re.compile(r"\b(name|freq|calls|mean_ms)\s*:\s*(\S+)", re.IGNORECASE)
_COMMAND = re.compile(r"^[ \t]*\\(?!\.)[^\n]*$", re.MULTILINE)
_SENDING = re.compile(r"\\(?:g|gx|gset|gexec|gdesc|crosstabview|watch)\b|\\;")
"""psql's commands that end a statement as a semicolon does."""
_COPY_DATA = re.compile(r"^(copy\b[^;]*\bfrom\s+stdin\b[^;]*;[^\n]*\n)(.*?^\\\.\r?$|.*\Z)", re.I | re.M | re.S)
_COMMENTS = re.compile(r"(?:\s+|--[^\n]*)+")
_ATOMIC = re.compile(r"\batomic\b", re.IGNORECASE)
"""`BEGIN ATOMIC … END` is a body with semicolons, which libpg_query's splitter does not know."""


class SourceStatement(Record):
    """One statement of a file."""

    text: str
    """Without the comments before it and the semicolon."""
    position: int
    """1-based, among the statements."""
    line: int
    """1-based line that it begins on."""
    column: int
    """1-based place in that line that it begins at, in characters."""
    name: str | None = None
    calls: int | None = None
    mean_ms: float | None = None
    comments: str = ""
    """The comments before it, and on its last line after it."""


class PassedOver(Record):
    """A part of a file that is for psql, not for the server."""

    span: Span
    line: int
    what: str
    """A command as it is written, or `COPY data`."""
    is_end: bool = False
    """It ends a statement as a semicolon does."""


def split_statements(text: str) -> tuple[SourceStatement, ...]:
    """The statements of a file, in order.

    A comment before a statement may say `-- name: order_list freq: 900` or `-- calls: 900 mean_ms: 1.5`. psql's
    commands (`\\set`) and the data of COPY … FROM stdin are passed over; line numbers stay those of the file.
    """
    text = _server_part(text)
    found: list[SourceStatement] = []
    line, at = 1, 0
    tokens = _without_commands(text, tokens_of(text))
    remarks = [each for each in tokens if each.kind == "comment"]
    starts = [each.start for each in remarks]
    behind, last = "", 0
    for before, start, end in _pieces(tokens):
        # What stands behind a statement on its last line is about that one, and not about the next line's.
        comments = before.removeprefix(behind).lstrip() if "\n" in text[last:start] else before
        line += text.count("\n", at, start)
        at, last = start, end
        behind = _comment_behind(text, remarks, starts, end)
        column = start - text.rfind("\n", 0, start)
        found.append(_statement(text[start:end], len(found) + 1, (line, column), comments, behind))
    return tuple(found)


def passed_over(text: str) -> tuple[PassedOver, ...]:
    """The commands of psql and the data of COPY … FROM stdin in a file, in order: no server reads them."""
    found = [
        PassedOver(span=Span(start=each.start(2), end=each.end(2)), line=0, what="COPY data")
        for each in _COPY_DATA.finditer(text)
        if each[2]
    ]
    rest = blanked(text, found)
    for each in _COMMAND.finditer(rest):
        found.append(PassedOver(span=Span(start=each.start(), end=each.end()), line=0, what=each[0].strip()))
    if _SENDING.search(rest):
        rest = blanked(text, found)
        for token in _commands(rest, tokens_of(rest)):
            span = Span(start=token.start, end=token.end)
            found.append(PassedOver(span=span, line=0, what=token.text, is_end=_is_sending(token)))
    found.sort(key=lambda each: each.span.start)
    return tuple(_with_lines(text, found))


def blanked(text: str, parts: Iterable[PassedOver]) -> str:
    """The text with spaces for the parts: every offset and line stays."""
    pieces, at = [], 0
    for part in sorted(parts, key=lambda each: each.span.start):
        start, end = part.span.start, part.span.end
        pieces += [text[at:start], ";" if part.is_end else "", _blank(text[start + part.is_end : end])]
        at = end
    return "".join([*pieces, text[at:]])


def statement_spans(text: str) -> tuple[Span, ...]:
    """Where the statements of a file stand, without semicolons and the comments before them.

    By libpg_query's scanner alone, which takes a second for 5 MB. What is for psql must have been blanked before.
    """
    pieces = None if _ATOMIC.search(text) else pieces_of(text)
    if pieces is None or _goes_on(text, pieces[-1][1] if pieces else 0):
        return tuple(Span(start=start, end=end) for _, start, end in _pieces(tokens_of(text)))
    return tuple(_bare(text, start, end) for start, end in pieces)


def _goes_on(text: str, end: int) -> bool:
    """Whether more than blanks and comments stands behind the last statement: libpg_query drops what has a parenthesis
    that is never closed."""
    return any(each.kind != "comment" and each.text != ";" for each in tokens_of(text[end:]))


def _bare(text: str, start: int, end: int) -> Span:
    """The span without blanks and comments around what is in it."""
    blank = _COMMENTS.match(text, start, end)
    start = blank.end() if blank else start
    if "--" in text[start:end] or "/*" in text[start:end]:
        tokens = [each for each in tokens_of(text[start:end]) if each.kind != "comment"]
        return Span(start=start + tokens[0].start, end=start + tokens[-1].end) if tokens else Span(start=end, end=end)
    return Span(start=start, end=start + len(text[start:end].rstrip()))


def _with_lines(text: str, parts: Iterable[PassedOver]) -> Iterator[PassedOver]:
    line, at = 1, 0
    for part in parts:
        begin = (
            part.span.start
            + len(text[part.span.start : part.span.end])
            - len(text[part.span.start : part.span.end].lstrip())
        )
        line += text.count("\n", at, begin)
        at = begin
        yield replace(part, line=line)


def _server_part(text: str) -> str:
    """The text with spaces for psql's commands on lines of their own, and for COPY data."""
    text = _COPY_DATA.sub(lambda found: found.group(1) + _blank(found.group(2)), text)
    return _COMMAND.sub(lambda found: _blank(found.group()), text)


def _comment_behind(text: str, remarks: list[Token], starts: list[int], end: int) -> str:
    """The comments that follow a statement on its last line."""
    line_end = text.find("\n", end)
    line_end = len(text) if line_end < 0 else line_end
    return "\n".join(each.text for each in remarks[bisect_left(starts, end) : bisect_left(starts, line_end)])


def _without_commands(text: str, tokens: tuple[Token, ...]) -> tuple[Token, ...]:
    """The tokens without psql's commands within a line; those that send a statement become a semicolon."""
    commands = _commands(text, tokens)
    if not commands:
        return tokens
    kept: list[Token] = []
    waiting = iter(commands)
    command = next(waiting, None)
    for token in tokens:
        while command is not None and token.start >= command.end:
            command = next(waiting, None)
        if command is None or token.start < command.start:
            kept.append(token)
        elif token.start == command.start and _is_sending(command):
            kept.append(token._replace(text=";"))
    return tuple(kept)


def _commands(text: str, tokens: tuple[Token, ...]) -> list[Token]:
    """psql's commands within a line, each as one token."""
    found: list[Token] = []
    for token, after in zip(tokens, (*tokens[1:], None), strict=False):
        if token.text != "\\" or (found and token.start < found[-1].end):
            continue
        end = text.find("\n", token.end)
        end = len(text) if end < 0 else end
        if after is not None and after.text == ";":
            end = after.end
        found.append(token._replace(end=end, text=text[token.start : end].rstrip()))
    return found


def _is_sending(command: Token) -> bool:
    """Whether it ends a statement as a semicolon does."""
    return _SENDING.match(command.text) is not None


def _blank(text: str) -> str:
    return re.sub(r"[^\n]", " ", text)


def _statement(text: str, position: int, place: tuple[int, int], before: str, behind: str) -> SourceStatement:
    marks = {key.lower(): value for key, value in _MARK.findall(before)}
    return SourceStatement(
        text=text,
        position=position,
        line=place[0],
        column=place[1],
        name=marks.get("name"),
        calls=_integer(marks.get("calls") or marks.get("freq")),
        mean_ms=_number(marks.get("mean_ms")),
        comments=f"{before}\n{behind}".strip(),
    )


def _number(text: str | None) -> float | None:
    try:
        found = None if text is None else float(text.rstrip(",;"))
    except ValueError:
        return None
    return found if found is not None and 0 <= found < float("inf") else None


def _integer(text: str | None) -> int | None:
    found = _number(text)
    return None if found is None else int(found)


def _pieces(tokens: tuple[Token, ...]) -> Iterator[tuple[str, int, int]]:
    """Of each statement the comments before it, its start and its end."""
    comments: list[str] = []
    start = end = -1
    depth = 0
    for number, token in enumerate(tokens):
        if token.kind == "comment":
            if start < 0:
                comments.append(token.text)
            continue
        depth = max(0, depth + _opens(tokens, number, depth))
        if token.text != ";" or depth:
            start, end = (token.start if start < 0 else start), token.end
        elif start >= 0:
            yield "\n".join(comments), start, end
            comments, start = [], -1
        else:
            comments = []
    if start >= 0:
        yield "\n".join(comments), start, end


def _opens(tokens: tuple[Token, ...], number: int, depth: int) -> int:
    """1 where a body opens that may hold semicolons (BEGIN ATOMIC … END), -1 where it closes."""
    word = tokens[number].text.lower()
    if word == "atomic" and number and tokens[number - 1].text.lower() == "begin":
        return 1
    if depth and word == "case":
        return 1
    return -1 if depth and word == "end" else 0
