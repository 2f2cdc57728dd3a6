"""The door to libpg_query: syntax trees, tokens, fingerprints. The only module that imports its binding.

PostgreSQL's own grammar decides what a text means, so no dialect can misread it: `$1,$2`, `INTERVAL $1`, `VALUES` in a
CTE and `now()` come as the server sees them. Nothing here raises: a result, or an `Unread` with its reason.
"""

from collections.abc import Iterator
from typing import Any

import msgspec
from postgast import PgQueryError, pg_query_pb2
from postgast import fingerprint as _fingerprint
from postgast import normalize as _normalize
from postgast import scan as _scan
from postgast.native import lib

from pgadvisor.model.record import Record
from pgadvisor.sql.lexer import Kind, Token, lex

Node = dict[str, Any]
"""A node of libpg_query's tree: `{"ColumnRef": {"fields": [...], "location": 7}}`, or the inner part alone."""

LIMIT_BYTES = 1_000_000
"""Longer texts are bulk INSERTs whose tree would take hundreds of megabytes and tell no more."""

SHORT_BYTES = 4_000
"""A text shorter than this cannot nest deep enough to hurt."""
DEPTH = 1_000
"""libpg_query recurses on the C stack and dies where that ends: a chain of 100,000 `+` was seen to kill the process."""
CHAIN = 2 * DEPTH
"""Most tokens between two separators: each level of a chain (`a + b + c`, `x::int::text`) takes at least two."""
_SEPARATORS = frozenset((",", ";", "and", "or", "when", "then", "else", "select", "from", "where"))
_LEVELS = frozenset(("union", "except", "intersect", "join"))

_TOKEN = pg_query_pb2.Token
_KINDS: dict[int, Kind] = {
    _TOKEN.SCONST: "string",
    _TOKEN.USCONST: "string",
    _TOKEN.BCONST: "string",
    _TOKEN.XCONST: "string",
    _TOKEN.ICONST: "number",
    _TOKEN.FCONST: "number",
    _TOKEN.PARAM: "parameter",
    _TOKEN.IDENT: "name",
    _TOKEN.UIDENT: "name",
    _TOKEN.SQL_COMMENT: "comment",
    _TOKEN.C_COMMENT: "comment",
}
_UNRESERVED = 1
"""Up to this `keyword_kind` a word is a name everywhere: no keyword, an unreserved one."""
_KEYWORDS_FROM = _TOKEN.ABORT_P


class Unread(Record):
    """Why a text is not understood."""

    reason: str


class Parsed(Record):
    """One statement's tree with the tokens of its text."""

    text: str
    kind: str
    """The statement's node kind: `SelectStmt`."""
    body: Node
    tokens: tuple[Token, ...]
    """Without comments; offsets in characters."""
    positions: dict[int, int]
    """From a `location` of the tree to the number of the token that starts there."""


def parse(text: str) -> Parsed | Unread:
    """The tree of the one statement that the text holds."""
    statements = parse_tree(text)
    if isinstance(statements, Unread):
        return statements
    if len(statements) != 1:
        return Unread(reason="several statements in one text" if statements else "no statement in the text")
    kind, body = next(iter(statements[0]["stmt"].items()))
    scanned = _scan_bytes(text, text.encode())
    if scanned is None:
        return Unread(reason="its tokens cannot be read")
    tokens, locations = scanned
    kept = [(token, at) for token, at in zip(tokens, locations, strict=True) if token.kind != "comment"]
    return Parsed(
        text=text,
        kind=kind,
        body=body,
        tokens=tuple(token for token, _ in kept),
        positions={at: number for number, (_, at) in enumerate(kept)},
    )


def parse_tree(text: str) -> list[Node] | Unread:
    """The statements of a text as libpg_query's JSON tree."""
    source = _encode(text)
    if isinstance(source, Unread):
        return source
    result = lib.pg_query_parse(source)
    try:
        if result.error:
            error = result.error.contents
            return Unread(reason=(error.message or b"syntax error").decode("utf-8", "replace"))
        statements: list[Node] = msgspec.json.decode(result.parse_tree).get("stmts", [])
    except RecursionError:
        return Unread(reason="nested too deeply")
    finally:
        lib.pg_query_free_parse_result(result)
    return statements


def is_valid(text: str) -> bool:
    """Whether PostgreSQL's grammar accepts the text: one statement or several, not none."""
    found = parse_tree(text)
    return not isinstance(found, Unread) and bool(found)


def tokens_of(text: str) -> tuple[Token, ...]:
    """The tokens of any text, comments included: by PostgreSQL's scanner, or by ours where that gives up."""
    if "\0" in text or not _is_unicode(text):
        return lex(text)
    scanned = _scan_bytes(text, text.encode())
    return lex(text) if scanned is None else scanned[0]


def pieces_of(text: str) -> tuple[tuple[int, int], ...] | None:
    """Where the statements of a text stand between their semicolons, comments before them included.

    None: PostgreSQL's scanner gives up (an open quote). Fast: no token becomes an object.
    """
    if "\0" in text or not _is_unicode(text):
        return None
    source = text.encode()
    result = lib.pg_query_split_with_scanner(source)
    try:
        if result.error:
            return None
        found = [result.stmts[number].contents for number in range(result.n_stmts)]
        spans = [(each.stmt_location, each.stmt_location + each.stmt_len) for each in found]
    finally:
        lib.pg_query_free_split_result(result)
    return tuple(spans if text.isascii() else _in_characters(source, spans))


def _in_characters(source: bytes, spans: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Spans of bytes, in order, as spans of characters."""
    at = count = 0
    for start, end in spans:
        first = count + len(source[at:start].decode())
        count, at = first + len(source[start:end].decode()), end
        yield first, count


def is_reserved(word: str) -> bool:
    """Whether the word is a keyword that cannot be a name everywhere: reserved, or one of types and functions."""
    return any(token.keyword_kind > _UNRESERVED for token in _scan(word).tokens)


def fingerprint_of(text: str) -> str | None:
    """libpg_query's fingerprint, 16 hexadecimal digits; None when the text does not parse."""
    if isinstance(_encode(text), Unread):
        return None
    try:
        found: str = _fingerprint(text).hex
    except PgQueryError:
        return None
    return found


def normalized(text: str) -> str | None:
    """libpg_query's normalisation; None when the text does not parse."""
    if isinstance(_encode(text), Unread):
        return None
    try:
        found: str = _normalize(text)
    except (PgQueryError, UnicodeDecodeError):
        return None
    return found


def _encode(text: str) -> bytes | Unread:
    if "\0" in text:
        return Unread(reason="a zero byte in the text")
    if not _is_unicode(text):
        return Unread(reason="the text is not valid Unicode")
    source = text.encode()
    if len(source) > LIMIT_BYTES:
        return Unread(reason="too long to read")
    if len(source) > SHORT_BYTES:
        scanned = _scan_bytes(text, source)
        if scanned is not None and _is_deep(scanned[0]):
            return Unread(reason="nested too deeply")
    return source


def _is_unicode(text: str) -> bool:
    """False for a text with lone surrogates, as a log read with `surrogateescape` may hold."""
    return text.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in text)


def _is_deep(tokens: tuple[Token, ...]) -> bool:
    """Whether parsing the tokens could need more stack than there is."""
    chains, levels = [0], 0
    for token in tokens:
        word = token.text.lower()
        if word in ("(", "[", "case"):
            chains.append(0)
        elif word in (")", "]", "end") and len(chains) > 1:
            chains.pop()
        elif word in _SEPARATORS:
            chains[-1] = 0
        levels += word in _LEVELS
        chains[-1] += 1
        if len(chains) > DEPTH or chains[-1] > CHAIN or levels > DEPTH:
            return True
    return False


def _scan_bytes(text: str, source: bytes) -> tuple[tuple[Token, ...], list[int]] | None:
    """PostgreSQL's tokens and their offsets in bytes; None when its scanner gives up."""
    try:
        found = _scan(text).tokens
    except PgQueryError:
        return None
    spans = [(token.start, token.end) for token in found]
    if not text.isascii():
        offsets = _character_offsets(source)
        spans = [(offsets[start], offsets[end]) for start, end in spans]
    tokens = tuple(
        Token(_kind(token.token), start, end, text[start:end]) for token, (start, end) in zip(found, spans, strict=True)
    )
    return tokens, [token.start for token in found]


def _kind(code: int) -> Kind:
    return _KINDS.get(code) or ("keyword" if code >= _KEYWORDS_FROM else "symbol")


def _character_offsets(source: bytes) -> list[int]:
    """For each byte offset the number of characters that start before it."""
    offsets, count = [], 0
    for byte in source:
        offsets.append(count)
        count += (byte & 0xC0) != 0x80
    return [*offsets, count]
