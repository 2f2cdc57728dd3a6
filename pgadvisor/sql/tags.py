"""Tags that applications put into comments: sqlcommenter and marginalia."""

import re
from urllib.parse import unquote_plus

from pgadvisor.sql.parse import tokens_of

Tags = tuple[tuple[str, str], ...]

_KEY = r"[A-Za-z_][\w.%-]*"
_SQLCOMMENTER = re.compile(rf"({_KEY})\s*=\s*'((?:[^'\\]|\\.)*)'\s*(?:,\s*|\Z)")
_MARGINALIA = re.compile(rf"({_KEY}):([^,]*)(?:,\s*|\Z)")
_MARGINALIA_KEYS_WORDS = """
    app application controller controller_with_namespace namespaced_controller action line hostname host pid socket
    db_host database job job_tag sidekiq_job request_id route framework component source_location
    current_graphql_operation current_graphql_field current_dataloader_source
"""
_MARGINALIA_KEYS = frozenset(_MARGINALIA_KEYS_WORDS.split())
"""Components of marginalia and of Rails' query log tags: one must be there, for `key: text` may be any remark."""


def read_tags(text: str) -> tuple[Tags, str]:
    """The tags of the comments before and after the statement, and the text without those comments.

    sqlcommenter: `/*action='show',route='%2Forders'*/`, values URL-encoded. Marginalia: `/*app:shop,action:show*/`.
    A comment that is neither stays in the text.
    """
    tokens = tokens_of(text)
    tags: list[tuple[str, str]] = []
    start, end = 0, len(text)
    for token in tokens:
        found = _tags_in(token.text) if token.kind == "comment" else ()
        if not found:
            break
        tags.extend(found)
        start = token.end
    for token in reversed(tokens):
        if token.text == ";" or token.start < start:
            continue
        found = _tags_in(token.text) if token.kind == "comment" else ()
        if not found:
            break
        tags.extend(found)
        end = token.start
    if not tags:
        return (), text
    closing = ";" if end < len(text) and text.rstrip().endswith(";") else ""
    return tuple(dict.fromkeys(tags)), text[start:end].strip() + closing


def _tags_in(comment: str) -> Tags:
    """The tags of one comment; empty when it is an ordinary one."""
    if not comment.startswith("/*"):
        return ()
    inside = comment.removeprefix("/*").removesuffix("*/").strip()
    pairs = _all_pairs(_SQLCOMMENTER, inside)
    if pairs:
        return tuple((unquote_plus(key), unquote_plus(value.replace("\\'", "'"))) for key, value in pairs)
    pairs = _all_pairs(_MARGINALIA, inside)
    return tuple(pairs) if any(key in _MARGINALIA_KEYS for key, _ in pairs) else ()


def _all_pairs(pattern: re.Pattern[str], text: str) -> list[tuple[str, str]]:
    """The pairs when nothing but pairs is in the text."""
    pairs, at = [], 0
    while at < len(text):
        found = pattern.match(text, at)
        if not found:
            return []
        pairs.append((found.group(1), found.group(2)))
        at = found.end()
    return pairs
