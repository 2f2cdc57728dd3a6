"""What comments of a workload file say of its statements: refused where it would be ignored or guessed at."""

import re
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path

from msgspec.structs import replace

from pgadvisor.errors import UsageError
from pgadvisor.model.record import Record
from pgadvisor.sql.parse import tokens_of
from pgadvisor.sql.splitter import blanked, passed_over

KEYS = ("name", "freq", "calls", "mean_ms")
OTHER_WORDS = frozenset({"frequency", "mean", "mean_time", "mean_exec_time", "avg_ms", "time_ms", "total_ms", "ms"})
"""What people write for them."""
NEAR = 0.85
"""How alike a misspelt key is: `frq` and `cals` are, `cells` is not."""
MOST = 1e15
"""Calls, or milliseconds, beyond which nothing real is."""
ALLOWED = "a comment before a statement may say `name: NAME`, `freq: CALLS` or `calls: N`, and `mean_ms: X`"
_PAIR = re.compile(r"([^\W\d]\w*)[ \t]*([:=])[ \t]*(\S*)")
_NUMBER = re.compile(r"\d[\d_]*(\.\d+)?(e\+?\d+)?", re.IGNORECASE)
_BARE = re.compile(r"(freq|calls|mean_ms)[ \t]+[\d.]+", re.IGNORECASE)
"""A key and its number without the colon between."""
_EDGE = " \t\r*/-"


class _Remark(Record):
    """A line of a comment, and where it stands."""

    text: str
    """Without dashes and stars."""
    line: int
    is_before: bool
    """Before a statement, on a line of its own: there its marks are read."""


def refuse_unclear_marks(text: str, file: Path) -> None:
    """Raises UsageError, with the place and what is allowed, for a mark that is misspelt, has no number, is given twice
    or stands where it is not read: a statement weighed wrongly is worse than none."""
    for remarks in _by_statement(blanked(text, passed_over(text))):
        seen: dict[str, str] = {}
        for remark in remarks:
            for key, value in _marks(remark, file):
                if not remark.is_before:
                    raise _error(file, remark.line, f'"{key}: {value}" is not on a line of its own before a statement')
                meaning = "calls" if key == "freq" else key
                if seen.get(meaning, value) != value:
                    raise _error(file, remark.line, f'"{key}: {value}" contradicts {seen[meaning]} before it')
                seen[meaning] = value


def _by_statement(text: str) -> Iterator[list[_Remark]]:
    """The comments of each statement, those before it, within it and behind it."""
    remarks: list[_Remark] = []
    line, at, ended_on, is_within = 1, 0, 0, False
    for token in tokens_of(text):
        line += text.count("\n", at, token.start)
        at = token.start
        if token.kind == "comment":
            is_before = not is_within and line != ended_on
            remarks += [
                _Remark(text=each.strip(_EDGE), line=line + below, is_before=is_before)
                for below, each in enumerate(token.text.split("\n"))
            ]
        elif token.text == ";":
            yield from [] if is_within else [_dangling(remarks)]
            remarks, ended_on, is_within = (remarks if is_within else []), line, False
        elif not is_within:
            # What is behind a statement on its last line is not before the next one.
            yield remarks
            remarks, is_within = [], True
    yield remarks if is_within else _dangling(remarks)


def _dangling(remarks: list[_Remark]) -> list[_Remark]:
    """Those that no statement follows."""
    return [replace(each, is_before=False) for each in remarks]


def _marks(remark: _Remark, file: Path) -> Iterator[tuple[str, str]]:
    """The keys with a number in a line, in small letters, with their values."""
    if found := _BARE.match(remark.text):
        raise _error(file, remark.line, f'"{found[0]}" lacks a colon: write {found[1].lower()}: N')
    pairs = [(each[1].lower(), each[2], each[3].rstrip(",;")) for each in _PAIR.finditer(remark.text)]
    begins = bool(pairs) and remark.text.lower().startswith(pairs[0][0])
    is_of_marks = begins and pairs[0][0] in KEYS
    for key, between, value in pairs:
        if key not in KEYS:
            if _is_meant(key) and (is_of_marks or (begins and _NUMBER.fullmatch(value))):
                raise _error(file, remark.line, f'"{key}" is no key')
        elif between == "=":
            if is_of_marks:
                raise _error(file, remark.line, f'"{key}={value}" lacks a colon: write {key}: {value}')
        elif key != "name":
            _refuse_unless_number(key, value, remark.line, file)
            yield key, value


def _is_meant(key: str) -> bool:
    return key in OTHER_WORDS or bool(get_close_matches(key, KEYS, n=1, cutoff=NEAR))


def _refuse_unless_number(key: str, value: str, line: int, file: Path) -> None:
    number = float(value) if _NUMBER.fullmatch(value) else -1.0
    if key == "mean_ms" and not 0 <= number <= MOST:
        raise _error(file, line, f'mean_ms takes milliseconds, as in 3.5, not "{value}"')
    if key != "mean_ms" and (not 0 <= number <= MOST or number != int(number)):
        raise _error(file, line, f'{key} takes a whole number, as in 900, not "{value}"')


def _error(file: Path, line: int, what: str) -> UsageError:
    return UsageError(f"{file}:{line}: {what}; {ALLOWED}")
