"""The text of a migration as statements: split, transactions, waivers, what was passed over."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence

from pgadvisor.gate.find.templates import filled, masked
from pgadvisor.gate.find.transactions import Way, in_transactions
from pgadvisor.model.finding import Span
from pgadvisor.model.migration import MigrationStatement, Waiver
from pgadvisor.model.record import Record
from pgadvisor.sql.parse import tokens_of
from pgadvisor.sql.remarks import waivers_in
from pgadvisor.sql.splitter import PassedOver, blanked, passed_over, statement_spans

_SHOWN = 3
"""Remarks of one kind in a file; more are counted."""


class Read(Record):
    """The statements of a text, and what was passed over in it."""

    statements: tuple[MigrationStatement, ...]
    remarks: tuple[str, ...] = ()


def read_statements(text: str, way: Way) -> Read:
    """The statements of a migration's text, in order; spans and lines are those of the text."""
    plain = masked(text)
    skipped = passed_over(plain)
    spans = [each for each in statement_spans(blanked(plain, skipped)) if each.start < each.end]
    lines = _Lines(text)
    source = blanked(text, skipped)
    read = [filled(source[span.start : span.end]) for span in spans]
    marks = [f"line {lines.at(span.start)}: {each}" for span, (_, seen) in zip(spans, read, strict=True)
             for each in seen]  # fmt: skip
    is_in = in_transactions([found for found, _ in read], way)
    waivers, faults = _waivers(text, spans, lines)
    statements = tuple(
        MigrationStatement(
            text=found,
            line=lines.at(span.start),
            span=span,
            is_in_transaction=is_in[number],
            is_template=bool(seen),
            waivers=tuple(waivers[number]),
        )
        for number, (span, (found, seen)) in enumerate(zip(spans, read, strict=True))
    )
    remarks = [*_shown([_passed(each) for each in skipped]), *_shown(marks), *faults]
    return Read(statements=statements, remarks=tuple(remarks))


class _Lines:
    """From offsets to lines, from 1."""

    def __init__(self, text: str) -> None:
        self._ends = [at for at, letter in enumerate(text) if letter == "\n"] if len(text) < 1 << 16 else _ends(text)

    def at(self, offset: int) -> int:
        return bisect_right(self._ends, offset - 1) + 1


def _ends(text: str) -> list[int]:
    found, at = [], text.find("\n")
    while at >= 0:
        found.append(at)
        at = text.find("\n", at + 1)
    return found


def _waivers(text: str, spans: Sequence[Span], lines: _Lines) -> tuple[list[list[Waiver]], list[str]]:
    """Of each statement what the comments before it, in it, or behind it on its last line silence; and bad dates."""
    found: list[list[Waiver]] = [[] for _ in spans]
    faults = []
    starts = [each.start for each in spans]
    for token in tokens_of(text) if "pgadvisor:" in text.lower() else ():
        if token.kind != "comment" or "pgadvisor:" not in token.text.lower():
            continue
        line = lines.at(token.start)
        number = bisect_right(starts, token.start) - 1
        if number < 0 or (token.start > spans[number].end and lines.at(spans[number].end) != line):
            number += 1
        try:
            waivers = waivers_in(token.text, line)
        except ValueError:
            faults.append(f"line {line}: the date of the waiver is no date, so it does not hold")
            continue
        if number < len(spans):
            found[number] += waivers
        elif waivers:
            faults.append(f"line {line}: the waiver has no statement behind it, so it silences nothing")
    return found, faults


def _passed(part: PassedOver) -> str:
    """What was passed over, as a clause."""
    if part.what == "COPY data":
        return f"line {part.line}: the rows of COPY are passed over"
    word = part.what.split()[0]
    if word in ("\\i", "\\ir", "\\include", "\\include_relative"):
        return f"line {part.line}: psql's {word} is not followed: give the file that it names as well"
    return f"line {part.line}: psql's {word} is passed over"


def _shown(remarks: Iterable[str]) -> list[str]:
    """The first remarks, and how many more there are."""
    each = list(dict.fromkeys(remarks))
    more = len(each) - _SHOWN
    return each if more <= 1 else [*each[:_SHOWN], f"and {more} more like it"]
