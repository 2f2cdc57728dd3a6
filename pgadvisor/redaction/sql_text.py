"""SQL without names and literals: the same structure, other words."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from pgadvisor.model.finding import Span
from pgadvisor.redaction.pseudonyms import Kind, Pseudonyms
from pgadvisor.redaction.sql_literals import content_of, is_name, redacted_number, redacted_string
from pgadvisor.redaction.sql_names import user_names
from pgadvisor.redaction.sql_reading import SqlReading, name_of

_SQUASHED = "/*, ... */"
"""How PostgreSQL 18 writes what it left out of a list."""
_PART = re.compile(r'"(?:[^"]|"")*"|[^.\s"]+')
_NUMBERED_ALIAS = re.compile(r"(.+)_(\d+)")
"""EXPLAIN tells the partitions of a table apart: `orders_1`."""

Known = Mapping[str, Kind]
Comment = Callable[[str], str]


class Edit(NamedTuple):
    """A part of a text and what stands there instead."""

    start: int
    end: int
    text: str


class Redacted(NamedTuple):
    """A text without names and literals, and how it came about."""

    text: str
    edits: tuple[Edit, ...]
    names: frozenset[str]
    """The user's names in it."""

    def moved(self, span: Span) -> Span:
        """Where the part of the old text stands in the new one."""
        return Span(start=self._moved(span.start, at_end=False), end=self._moved(span.end, at_end=True))

    def _moved(self, offset: int, *, at_end: bool) -> int:
        shift = 0
        for edit in self.edits:
            if edit.end <= offset and not (edit.start == edit.end == offset):
                shift += len(edit.text) - (edit.end - edit.start)
            elif edit.start < offset:
                return edit.start + shift + (len(edit.text) if at_end else 0)
            else:
                break
        return offset + shift


def redact_sql(text: str, pseudonyms: Pseudonyms, known: Known, comment: Comment | None = None) -> Redacted:
    """A statement, several, or a part of one. `comment`: what becomes of a comment's content; None: nothing is left."""
    reading = SqlReading(text)
    names: set[str] = set()
    edits = [*_of_names(reading, pseudonyms, known, names), *_of_literals(reading, pseudonyms, known, names)]
    edits += [Edit(each.start, each.end, _comment(each.text, comment)) for each in reading.comments]
    edits.sort()
    return Redacted(_changed(text, edits), tuple(edits), frozenset(names))


def _of_names(reading: SqlReading, pseudonyms: Pseudonyms, known: Known, names: set[str]) -> Iterable[Edit]:
    for each in user_names(reading, frozenset(known)):
        names.add(each.name)
        yield Edit(each.start, each.end, pseudonym_of(each.name, each.kind, pseudonyms, known))


def _of_literals(reading: SqlReading, pseudonyms: Pseudonyms, known: Known, names: set[str]) -> Iterable[Edit]:
    for at, token in enumerate(reading.tokens):
        changed: str | None = None
        if token.kind == "string" and is_name(reading, at):
            parts = [name_of(part) for part in _PART.findall(content_of(token.text))]
            names.update(parts)
            changed = f"'{'.'.join(pseudonym_of(part, 'name', pseudonyms, known) for part in parts)}'"
        elif token.kind == "string":
            changed = redacted_string(reading, at, pseudonyms)
            if changed and reading.word(at + 1) == "uescape":  # belongs to `U&'…'` alone
                yield Edit(reading.tokens[at + 1].start, reading.tokens[min(at + 2, len(reading.tokens) - 1)].end, "")
        elif token.kind == "number":
            changed = redacted_number(reading, at, pseudonyms)
        if changed is not None:
            yield Edit(token.start, token.end, changed)


def pseudonym_of(name: str, kind: Kind, pseudonyms: Pseudonyms, known: Known) -> str:
    """The name's pseudonym; the catalog knows better than its place in a text what it is of."""
    if name == "public" or not name:
        return name
    numbered = _NUMBERED_ALIAS.fullmatch(name)
    if name not in known and numbered and numbered[1] in known:
        return f"{pseudonyms.name(numbered[1], known[numbered[1]])}_{numbered[2]}"
    return pseudonyms.name(name, known.get(name, kind))


def _comment(text: str, change: Comment | None) -> str:
    if text == _SQUASHED:
        return text
    if text.startswith("--"):
        return f"--{change(text[2:]) if change else ' …'}"
    return f"/*{change(text[2:].removesuffix('*/')) if change else ' … '}*/"


def _changed(text: str, edits: list[Edit]) -> str:
    parts, at = [], 0
    for edit in edits:
        parts += [text[at : edit.start], edit.text]
        at = edit.end
    return "".join([*parts, text[at:]])
