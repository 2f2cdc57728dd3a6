"""The statement of a plan, where it was pasted before it: after a prompt, in EXPLAIN, or in a server's log."""

import re
from collections.abc import Sequence

from pgadvisor.pasted.pasted import Line
from pgadvisor.sql.parse import is_valid
from pgadvisor.sql.splitter import split_statements

FARTHEST = 1_000
"""Lines before a plan in which its statement is looked for."""
MOST_STARTS = 20
"""Lines that begin like a statement and are tried: a statement has subqueries, prose has words."""
_PROMPT = re.compile(r"^\s*[\w.@:/-]*(?:=[#>]|[-('\"*$!][#>])\s?")
"""`shop=> `, `shop-# `: psql's."""
_EXPLAIN = re.compile(
    r"\bEXPLAIN\b\s*(?:\([^)]*\)|(?:(?:ANALY[ZS]E|VERBOSE)\b\s*)*)\s*(?=\(*\s*(?:SELECT|WITH|INSERT|UPDATE|DELETE|MERGE|"
    r"VALUES|TABLE|CREATE|DECLARE|EXECUTE|REFRESH)\b)",
    re.IGNORECASE,
)
_VERB = re.compile(r"^\s*\(*\s*(?:SELECT|WITH|INSERT|UPDATE|DELETE|MERGE)\b", re.IGNORECASE)
_LOGGED = re.compile(r"duration: ([\d.]+) ms  plan:")
_QUERY_TEXT = re.compile(r"\s*Query Text: ?(.*)$", re.IGNORECASE)
_AFTER_TEXT = re.compile(r"\s*(?:Query Parameters|Query Identifier): ")


def query_before(lines: Sequence[Line]) -> tuple[str | None, float | None]:
    """The statement in the lines before a plan, and the milliseconds that a log says it took; None: not there."""
    texts = [each.text for each in lines[-FARTHEST:]]
    durations = [float(match[1]) for each in texts if (match := _LOGGED.search(each))]
    return _logged(texts) or _explained(texts), durations[-1] if durations else None


def _logged(texts: Sequence[str]) -> str | None:
    """After `Query Text:`, as auto_explain writes it."""
    start = next((at for at in reversed(range(len(texts))) if _QUERY_TEXT.match(texts[at])), None)
    if start is None:
        return None
    match = _QUERY_TEXT.match(texts[start])
    assert match is not None
    rest = [each for each in texts[start + 1 :] if not _AFTER_TEXT.match(each)]
    return _checked("\n".join([match[1], *rest]))


def _explained(texts: Sequence[str]) -> str | None:
    """After the last EXPLAIN; else from the last line that begins like a statement."""
    text = "\n".join(_PROMPT.sub("", each) for each in texts)
    found = [match.end() for match in _EXPLAIN.finditer(text)]
    if found:
        return _checked(text[found[-1] :])
    lines = text.split("\n")
    starts = [at for at, each in enumerate(lines) if _VERB.match(each)][-MOST_STARTS:]
    return next((query for at in starts if (query := _checked("\n".join(lines[at:])))), None)


def _checked(text: str) -> str | None:
    """The first statement of the text, if PostgreSQL's parser understands it."""
    statements = split_statements(text.strip())
    if not statements:
        return None
    first = statements[0].text.strip()
    return first if is_valid(first) else None
