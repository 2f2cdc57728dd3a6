"""What the body of a DO block or function does: its SQL statements, and whether each is sure to run.

PL/pgSQL is read by its tokens: block words tell the structure, and what is left between them is SQL. A body in SQL is
split at its semicolons.
"""

import re
from collections.abc import Callable

from msgspec.structs import replace

from pgadvisor.model.finding import Span
from pgadvisor.sql.ddl_step import DdlStep
from pgadvisor.sql.lexer import Token
from pgadvisor.sql.nodes import strings
from pgadvisor.sql.parse import Node, Parsed, Unread, tokens_of
from pgadvisor.sql.plpgsql import Piece, pieces_of
from pgadvisor.sql.splitter import split_statements

ReadDdl = Callable[[str], "tuple[DdlStep, ...] | Unread"]
_PLAIN_STRING = re.compile(r"'((?:[^'\\]|'')*)'\Z")


class BodyAt:
    """Where a body stands in its statement's text: offset of its first character, or the whole string's span."""

    def __init__(self, start: int | None, whole: Span | None) -> None:
        self.start = start
        self.whole = whole

    def span(self, start: int, end: int) -> Span | None:
        """The place of a part of the body."""
        return self.whole if self.start is None else Span(start=self.start + start, end=self.start + end)


def string_at(parsed: Parsed, content: str) -> BodyAt:
    """Where the string of that content stands in a statement."""
    for token in parsed.tokens:
        if token.kind != "string":
            continue
        if token.text.startswith("$"):
            tag = token.text[: token.text.index("$", 1) + 1]
            if token.text[len(tag) : -len(tag)] == content:
                return BodyAt(token.start + len(tag), None)
        elif token.text[1:-1] == content:
            return BodyAt(token.start + 1, None)
        elif token.text.strip("eE").strip("'").replace("''", "'") == content:
            return BodyAt(None, Span(start=token.start, end=token.end))
    return BodyAt(None, Span(start=0, end=len(parsed.text)))


def function_body_of(body: Node, parsed: Parsed, read: ReadDdl) -> list[DdlStep]:
    """What the body of a CREATE FUNCTION does; empty for languages other than SQL and PL/pgSQL."""
    options = {each["DefElem"]["defname"]: each["DefElem"].get("arg", {}) for each in body.get("options", ())}
    language = str(options.get("language", {}).get("String", {}).get("sval", "sql")).lower()
    parts = strings(options.get("as", {}).get("List", {}).get("items", []))
    if len(parts) != 1 or language not in ("sql", "plpgsql"):
        return []
    place = string_at(parsed, parts[0])
    return read_body(parts[0], place, read) if language == "plpgsql" else _sql_body(parts[0], place, read)


def _sql_body(source: str, place: BodyAt, read: ReadDdl) -> list[DdlStep]:
    found: list[DdlStep] = []
    at = 0
    for statement in split_statements(source):
        at = source.find(statement.text, at)
        found += _steps(statement.text, at, place, read, is_conditional=False)
        at += len(statement.text)
    return found


def read_body(source: str, place: BodyAt, read: ReadDdl) -> list[DdlStep]:
    """What a PL/pgSQL body does, in the order of its text."""
    found: list[DdlStep] = []
    for piece in pieces_of(source):
        if piece.is_dynamic:
            found += _dynamic(piece, place, read)
        else:
            found += _steps(piece.sql, piece.start, place, read, is_conditional=piece.is_conditional)
    return [each for each in found if not _is_quiet(each)]


def _is_quiet(step: DdlStep) -> bool:
    """A SELECT that calls nothing and locks nothing is how PL/pgSQL thinks, not what it does."""
    return step.command == "select" and not step.calls and not step.lock_mode


def _steps(sql: str, at: int, place: BodyAt, read: ReadDdl, *, is_conditional: bool) -> list[DdlStep]:
    steps = read(sql)
    if isinstance(steps, Unread):
        unknown = DdlStep(command="unknown", kind="other", reason=f"a statement of its body: {steps.reason}")
        steps = (replace(unknown, span=Span(start=0, end=len(sql.rstrip()))),)
    return [
        replace(
            each,
            is_conditional=is_conditional or each.is_conditional,
            span=place.span(at + each.span.start, at + each.span.end) if each.span else None,
        )
        for each in steps
    ]


def _dynamic(piece: Piece, place: BodyAt, read: ReadDdl) -> list[DdlStep]:
    """An EXECUTE: its text where it is a constant, else a step that says that nobody can know."""
    span = place.span(piece.start, piece.end)
    text = _constant_text(tokens_of(piece.sql))
    if text is None:
        reason = "SQL put together at run time by EXECUTE"
        return [DdlStep(command="unknown", kind="other", reason=reason, is_conditional=piece.is_conditional, span=span)]
    whole = BodyAt(None, span)
    found: list[DdlStep] = []
    for statement in split_statements(text):
        found += _steps(statement.text, 0, whole, read, is_conditional=piece.is_conditional)
    return found


def _constant_text(tokens: tuple[Token, ...]) -> str | None:
    """The text of a string constant, or of several joined by `||`; None for anything else."""
    kept = [each for each in tokens if each.kind != "comment"]
    while kept and kept[0].text == "(" and kept[-1].text == ")":
        kept = kept[1:-1]
    if not kept or any(each.text != "||" for each in kept[1::2]) or len(kept) % 2 == 0:
        return None
    parts = [_content(each) for each in kept[::2]]
    return None if None in parts else "".join(each or "" for each in parts)


def _content(token: Token) -> str | None:
    if token.kind != "string":
        return None
    if token.text.startswith("$"):
        tag = token.text[: token.text.index("$", 1) + 1]
        return token.text[len(tag) : -len(tag)]
    plain = _PLAIN_STRING.match(token.text)
    return plain[1].replace("''", "'") if plain else None
