"""From a file of SQL to its statements, with what comments before them say."""

import re
from collections.abc import Iterator

from pgadvisor.model.record import Record
from pgadvisor.sql.lexer import Token
from pgadvisor.sql.parse import tokens_of

_MARK = re.compile(r"\b(name|freq|calls|mean_ms)\s*:\s*(\S+)", re.IGNORECASE)
_COMMAND = re.compile(r"^[ \t]*\\(?!\.)[^\n]*$", re.MULTILINE)
_SENDS = frozenset(("g", "gx", "gset", "gexec", "gdesc", "crosstabview", "watch"))
"""psql's commands that end a statement as a semicolon does."""
_COPY_DATA = re.compile(r"^(copy\b[^;]*\bfrom\s+stdin\b[^;]*;[^\n]*\n)(.*?^\\\.$|.*\Z)", re.I | re.M | re.S)


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


def split_statements(text: str) -> tuple[SourceStatement, ...]:
    """The statements of a file, in order.

    A comment before a statement may say `-- name: order_list freq: 900` or `-- calls: 900 mean_ms: 1.5`. psql's
    commands (`\\set`) and the data of COPY … FROM stdin are passed over; line numbers stay those of the file.
    """
    text = _COPY_DATA.sub(lambda found: found.group(1) + _blank(found.group(2)), text)
    text = _COMMAND.sub(lambda found: _blank(found.group()), text)
    found: list[SourceStatement] = []
    line, at = 1, 0
    tokens = _without_commands(text, tokens_of(text))
    for comments, start, end in _pieces(tokens):
        line += text.count("\n", at, start)
        at = start
        behind = _comment_behind(text, tokens, end)
        column = start - text.rfind("\n", 0, start)
        found.append(_statement(text[start:end], len(found) + 1, (line, column), comments, behind))
    return tuple(found)


def _comment_behind(text: str, tokens: tuple[Token, ...], end: int) -> str:
    """The comment that follows a statement on its last line."""
    line_end = text.find("\n", end)
    line_end = len(text) if line_end < 0 else line_end
    return "\n".join(each.text for each in tokens if each.kind == "comment" and end <= each.start < line_end)


def _without_commands(text: str, tokens: tuple[Token, ...]) -> tuple[Token, ...]:
    """The tokens without psql's commands within a line; those that send a statement become a semicolon."""
    kept: list[Token] = []
    skipped_to = 0
    for token, after in zip(tokens, (*tokens[1:], None), strict=False):
        if token.start < skipped_to:
            continue
        if token.text != "\\":
            kept.append(token)
            continue
        line_end = text.find("\n", token.end)
        skipped_to = len(text) if line_end < 0 else line_end
        if after is not None and after.text == ";":
            skipped_to = after.end
        if after is not None and after.start == token.end and (after.text in _SENDS or after.text == ";"):
            kept.append(token._replace(text=";"))
    return tuple(kept)


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
