"""A forgiving lexer for texts that PostgreSQL's scanner refuses: cut texts, open quotes."""

import re
from typing import Literal, NamedTuple

Kind = Literal["string", "number", "parameter", "name", "keyword", "symbol", "comment"]


class Token(NamedTuple):
    """A token and where it stands: offsets in characters, end exclusive."""

    kind: Kind
    start: int
    end: int
    text: str


_OPEN_TAG = re.compile(r"\$([A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$")
_NUMBER = re.compile(
    r"(?:0[xX][0-9a-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+|(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][+-]?\d+)?)"
)
_WORD = re.compile(r"[A-Za-z_\u0080-\U0010ffff][\w$\u0080-\U0010ffff]*")
_PARAMETER = re.compile(r"\$\d+")
_PREFIXED = re.compile(r"(?:[eE]|[bB]|[xX]|[nN]|[uU]&)(?=')")
_BLANK = re.compile(r"\s+")
_SYMBOL = re.compile(r"::|\.\.|:=|=>|<=|>=|<>|!=|[-+*/<>=~!@#%^&|`?]+?(?=--|/\*|[^-+*/<>=~!@#%^&|`?]|$)|.", re.DOTALL)


def lex(text: str) -> tuple[Token, ...]:
    """The tokens of any text, comments included. An open string or comment reaches to the end of the text."""
    tokens: list[Token] = []
    at = 0
    while at < len(text):
        blank = _BLANK.match(text, at)
        if blank:
            at = blank.end()
            continue
        kind, end = _next(text, at)
        tokens.append(Token(kind, at, end, text[at:end]))
        at = end
    return tuple(tokens)


def _next(text: str, at: int) -> tuple[Kind, int]:
    """Kind and end of the token that starts there."""
    if text.startswith("--", at):
        line_end = text.find("\n", at)
        return "comment", len(text) if line_end < 0 else line_end
    if text.startswith("/*", at):
        return "comment", _comment_end(text, at)
    if text[at] == '"':
        return "name", _quoted_end(text, at + 1, '"', escapes=False)
    string = _string_end(text, at)
    if string is not None:
        return "string", string
    patterns: tuple[tuple[Kind, re.Pattern[str]], ...] = (
        ("parameter", _PARAMETER),
        ("number", _NUMBER),
        ("name", _WORD),
        ("symbol", _SYMBOL),
    )
    for kind, pattern in patterns:
        found = pattern.match(text, at)
        if found and found.end() > at:
            return kind, found.end()
    return "symbol", at + 1


def _string_end(text: str, at: int) -> int | None:
    """The end of the string constant that starts there; None: none does."""
    if text[at] == "'":
        return _quoted_end(text, at + 1, "'", escapes=False)
    prefix = _PREFIXED.match(text, at)
    if prefix:
        return _quoted_end(text, prefix.end() + 1, "'", escapes=text[at] in "eE")
    tag = _OPEN_TAG.match(text, at)
    if tag:
        close = text.find(tag.group(), tag.end())
        return len(text) if close < 0 else close + len(tag.group())
    return None


def _quoted_end(text: str, at: int, quote: str, *, escapes: bool) -> int:
    """The offset after the closing quote; a doubled quote does not close."""
    while at < len(text):
        if escapes and text[at] == "\\":
            at += 2
        elif text[at] != quote:
            at += 1
        elif text.startswith(quote, at + 1):
            at += 2
        else:
            return at + 1
    return len(text)


def _comment_end(text: str, at: int) -> int:
    """The offset after a block comment, nested ones included."""
    depth = 0
    for mark in re.finditer(r"/\*|\*/", text[at:]):
        depth += 1 if mark.group() == "/*" else -1
        if depth == 0:
            return at + mark.end()
    return len(text)
