"""Remarks: comments that are no tags. What they silence, and a text without them."""

import re

from pgadvisor.sql.parse import tokens_of

_IGNORE = re.compile(r"pgadvisor:\s*ignore\s+([a-z][a-z0-9, -]*)", re.IGNORECASE)
_SQUASHED = "/*, ... */"
"""How PostgreSQL 18 writes what it left out of a list: `IN ($1 /*, ... */)`."""


def ignored_in(text: str) -> set[str]:
    """The rules that the comments in a text silence: `-- pgadvisor: ignore deep-offset (why)`."""
    return {name.strip().split(" ")[0] for found in _IGNORE.finditer(text) for name in found[1].split(",")}


def without_remarks(text: str) -> str:
    """The text with a space for each comment: a comment may hold what is nobody's business."""
    pieces, at = [], 0
    for token in tokens_of(text):
        if token.kind == "comment" and token.text != _SQUASHED:
            pieces += [text[at : token.start], " "]
            at = token.end
    return "".join([*pieces, text[at:]])
