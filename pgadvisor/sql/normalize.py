"""Texts without their literals: statements as pg_stat_statements spells them, plan expressions with `?`."""

import re
from collections.abc import Callable
from itertools import count

from pgadvisor.sql.lexer import Token
from pgadvisor.sql.parse import normalized, tokens_of

NUMBERED = re.compile(r"\$\d+")
_ENDS_STRING = re.compile(r"'\s*\Z")
_ESCAPE = re.compile(r"(\$\d+)\s+UESCAPE\s+'.'", re.IGNORECASE)
"""What libpg_query leaves of `U&'…' UESCAPE '!'`: not valid after a parameter."""
_WILDCARDS = re.compile(r"'[%_]+'")
_COMPARISONS = frozenset((">", ">=", "<", "<=", "=", "<>", "!="))
_PLAN_WORDS = frozenset(("subplan", "initplan", "cte"))
"""`SubPlan 1`: the number is a name."""
_TYPE_ENDS = frozenset(("varying", "to", "month", "hour", "minute", "second", "day"))
"""What may follow the first word of a type before its length: `character varying(80)`, `interval day to second(3)`."""


def normalize(text: str) -> str:
    """The statement with every constant as `$n`; existing `$n` stay. Of any text: no literal survives.

    Where the text parses it is libpg_query's normalisation, so ordinals and type lengths stay as they are. Else
    (cut texts, other dialects) every string and number token is replaced; what an open quote or comment begins is cut.
    """
    found = normalized(text)
    text = text if found is None else found
    tokens = tokens_of(text)
    kinds = ("string",) if found is not None else ("string", "number")
    if found is not None and not any(token.kind == "string" for token in tokens):
        return text
    if found is not None:
        text = _ESCAPE.sub(r"\1", text)
        tokens = tokens_of(text)
    taken = [int(token.text[1:]) for token in tokens if token.kind == "parameter"]
    numbers = count(max(taken, default=0) + 1)
    return _replace(text, tokens, lambda token: f"${next(numbers)}" if token.kind in kinds else None)


def normalize_but_shape(text: str) -> str:
    """`normalize`, but for constants that say what is asked and nothing of anyone's data: a pattern of wildcards alone
    (`'%' || $1`), and 0 or 1 beside the result of a call or a subquery (`count(*) > 0`).

    pg_stat_statements keeps constants in the text of a statement that was prepared before its counters were reset.
    """
    spelled = normalize(text)
    kept = _shape(tokens_of(text), tokens_of(spelled))
    return _replace(spelled, tokens_of(spelled), lambda token: kept.get(token.start))


def _shape(before: tuple[Token, ...], after: tuple[Token, ...]) -> dict[int, str]:
    """Each constant that may stay, by the place of its parameter; none where the texts cannot be laid side by side."""
    kept: dict[int, str] = {}
    at = 0
    for token in after:
        if at < len(before) and before[at].text == "-" and token.kind == "parameter":
            at += 1  # the sign of a constant is part of it
        if at >= len(before):
            return {}
        constant = before[at].kind in ("string", "number") and token.kind == "parameter"
        if not constant and before[at].text != token.text:
            return {}
        if constant and _is_shape(before, at):
            kept[token.start] = before[at].text
        at += 1
    return kept


def _is_shape(tokens: tuple[Token, ...], at: int) -> bool:
    if tokens[at].kind == "string":
        return _WILDCARDS.fullmatch(tokens[at].text) is not None
    if tokens[at].text not in ("0", "1"):
        return False
    left, right = tokens[max(at - 2, 0) : at], tokens[at + 1 : at + 3]
    follows = [token.text for token in left[:1]] == [")"] and left[-1].text in _COMPARISONS
    leads = len(right) == 2 and right[0].text in _COMPARISONS and (right[1].text == "(" or right[1].kind == "name")
    return follows or leads


def redact(expression: str) -> str:
    """A plan's expression with every literal as `?`; `$n`, subplan numbers and type lengths stay. Fragments do."""
    tokens = tokens_of(expression)
    kept = {at for at in range(len(tokens)) if _is_name(tokens, at)}
    places = {token.start: at for at, token in enumerate(tokens)}
    return _replace(
        expression,
        tokens,
        lambda token: "?" if token.kind in ("string", "number") and places[token.start] not in kept else None,
    )


def _is_name(tokens: tuple[Token, ...], at: int) -> bool:
    """Whether a number is part of a name or of a type, not user data."""
    if tokens[at].kind != "number" or at == 0:
        return False
    if tokens[at - 1].text.lower() in _PLAN_WORDS:
        return True
    opening = at - 1
    while opening > 0 and (tokens[opening].kind == "number" or tokens[opening].text == ","):
        opening -= 1
    if tokens[opening].text != "(":
        return False
    before = opening - 1
    while before > 0 and tokens[before].text.lower() in _TYPE_ENDS:
        before -= 1
    return before > 0 and tokens[before - 1].text == "::"


def _replace(text: str, tokens: tuple[Token, ...], change: Callable[[Token], str | None]) -> str:
    """The text with tokens changed, up to where a quote or a comment stays open or cannot be trusted."""
    parts: list[str] = []
    at = 0
    for token in tokens:
        parts.append(text[at : token.start])
        if token.kind == "string" and parts[-2:] in (["N", ""], ["n", ""]):
            parts.pop(-2)  # N'…' is two tokens, and `N$1` would be a name.
        if _is_doubtful(token):
            return "".join(parts).rstrip() + (f" {change(token) or ''}".rstrip() if token.kind == "string" else "")
        changed = change(token)
        parts.append(token.text if changed is None else changed)
        at = token.end
    return "".join(parts) + text[at:]


def _is_doubtful(token: Token) -> bool:
    """Whether literals could hide behind the token: an open quote or comment, or `\\'`, which other dialects escape."""
    text = token.text
    if token.kind == "comment":
        return text.startswith("/*") and not text.endswith("*/")
    if token.kind == "name":
        return text.startswith('"') and (len(text) < 2 or not text.endswith('"'))
    if token.kind != "string":
        return False
    if text.startswith("$"):
        return not text.endswith(text[: text.index("$", 1) + 1]) or text.count("$") < 4
    opening = text.index("'")
    is_open = len(text) < opening + 2 or not _ENDS_STRING.search(text)
    return is_open or (not text.lower().startswith("e") and text.endswith("\\'"))
