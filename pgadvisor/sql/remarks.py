"""Remarks: comments that are no tags. What they silence, and a text without them."""

import re
from datetime import date

from pgadvisor.model.migration import Waiver
from pgadvisor.sql.parse import tokens_of

_NAME = r"(?!until\b)[a-z][a-z0-9-]*"
_IGNORE = re.compile(
    rf"pgadvisor:\s*ignore\b(?:[ \t]+(?P<rules>{_NAME}(?:[ \t]*,[ \t]*{_NAME})*))?"
    r"(?:[ \t]+until[ \t]+(?P<until>\d{4}-\d{2}-\d{2}))?"
    r"(?:[ \t]*\((?P<reason>[^()\n]*(?:\([^()\n]*\)[^()\n]*)*)\))?",
    re.IGNORECASE,
)
_SQUASHED = "/*, ... */"
"""How PostgreSQL 18 writes what it left out of a list: `IN ($1 /*, ... */)`."""


def waivers_in(text: str, line: int = 1) -> tuple[Waiver, ...]:
    """What comments silence: `-- pgadvisor: ignore deep-offset, select-star until 2027-01-31 (why)`.

    `line`: where the text begins. Raises ValueError when a date is none.
    """
    found, at = [], 0
    for each in _IGNORE.finditer(text):
        line += text.count("\n", at, each.start())
        at = each.start()
        rules = tuple(re.findall(_NAME, (each["rules"] or "").lower()))
        until = date.fromisoformat(each["until"]) if each["until"] else None
        found.append(Waiver(rules=rules, reason=(each["reason"] or "").strip() or None, until=until, line=line))
    return tuple(found)


def ignored_in(text: str) -> set[str]:
    """The rules that the comments in a text silence by name, as long as their statement is in use: no date ends it."""
    try:
        return {name for each in waivers_in(text) for name in each.rules}
    except ValueError:
        return set()


def without_remarks(text: str) -> str:
    """The text with a space for each comment: a comment may hold what is nobody's business."""
    pieces, at = [], 0
    for token in tokens_of(text):
        if token.kind == "comment" and token.text != _SQUASHED:
            pieces += [text[at : token.start], " "]
            at = token.end
    return "".join([*pieces, text[at:]])
