"""log_line_prefix: a setting becomes a pattern that finds records and names their sessions; or lines tell the setting.

https://www.postgresql.org/docs/current/runtime-config-logging.html#GUC-LOG-LINE-PREFIX
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from pgadvisor.logs.entry import MAIN, SECOND, Session, text_of
from pgadvisor.logs.zones import ahead_us

_ZONE = rb"(?: (?P<zone>[A-Z][A-Za-z]*+|[+-]\d[\d:]*+))?+"
_SECOND = rb"\d...-..-.. ..:..:.\d"
"""Digit by digit takes a tenth of all the time, and what else looks so?"""
_TIMES = {
    b"t": (b"(" + _SECOND + b")()", _ZONE),
    b"m": (b"(" + _SECOND + rb")(\.\d\d\d)", _ZONE),
    b"n": (rb"(\d{9,10})(\.\d{3})", b""),
}
_STABLE = {
    b"a": rb"(?P<application>%w)",
    b"u": rb"(?P<user>%s)",
    b"d": rb"(?P<database>%s)",
    b"p": rb"(?P<process>\d++)",
    b"c": rb"(?P<session>[0-9a-f]+\.[0-9a-f]+)",
    b"s": SECOND + rb"(?: [A-Za-z0-9:+-]+)?",
    b"r": rb"[^\n]*?",
    b"h": rb"[^\n]*?",
    b"L": rb"[^\n]*?",
    b"b": rb"[^\n]*?",
    b"P": rb"\d*",
}
"""What stays the same as long as a connection lasts; `%s` are signs that do not end it, `%w` signs that may."""
_VARYING = {b"i": rb"[^\n]*?", b"e": rb"[0-9A-Z]{5}", b"l": rb"\d+", b"x": rb"\d+", b"Q": rb"-?\d+"}
_ESCAPE = re.compile(rb"%(?:-?\d+)?([a-zA-Z%])|([^%]+)|%")

_UNKNOWN = "[unknown]"
"""The database of a connection that has said nothing yet."""
KNOWN = (
    "%m [%p] %q%u@%d/%a ",
    "%m [%p] %q%u@%d ",
    "%m [%p] ",
    "%t [%p]: [%l-1] user=%u,db=%d,app=%a,client=%h ",
    "%t [%p]: user=%u,db=%d,app=%a,client=%h ",
    "%t:%r:%u@%d:[%p]:",
    "%m [%p]: [%l-1] db=%d,user=%u ",
    "%t-%c-",
    "%t [%p] ",
    "%t [%p]: ",
    "%m:%r:%u@%d:[%p]:%l:%e:%s:%v:%x:%c:%q%a:",
    "%t ",
    "%m ",
    "",
)
"""Defaults of PostgreSQL, Debian, RDS, Cloud SQL and Azure, and what pgBadger's documentation advises."""


class _Part(NamedTuple):
    """A piece of the prefix: an escape, or text."""

    escape: bytes
    text: bytes
    follow: bytes
    """The sign behind it, where that is text."""


class Prefix:
    """One log_line_prefix as a pattern."""

    def __init__(self, spelled: str) -> None:
        self.spelled = spelled
        self.pattern = b""
        """Its groups stand where `order` says."""
        self.again = b""
        """What matches the same prefix right behind, where the pattern's groups are numbered from 2 on."""
        self.order: list[str] = []
        """`time` (two groups: second and fraction), `session`, `transaction`; in the order of the prefix."""
        self._sessions: list[bytes] = []
        self._segment, self._is_told, self._groups = b"", False, 2
        parts = _parts(spelled.encode())
        ends = b""
        for at, part in enumerate(parts):
            if part.escape != b"q":
                self._add(part)
            elif any(each.escape in _VARYING or each.escape in (*_TIMES, b"v") for each in parts[at:]):
                self._close()
                self.pattern += b"(?:"
                self.again += b"(?:"
                ends += b")?"
            else:
                self._segment += b"(?:" + b"".join(map(_stable, parts[at + 1 :])) + b")?"
                self._is_told = True
                break
        self._close()
        self.pattern += ends
        self.again += ends
        self._session = re.compile(b"\0".join(self._sessions))

    def _add(self, part: _Part) -> None:
        if part.escape in _TIMES and "time" not in self.order:
            pattern, zone = _TIMES[part.escape]
            self._vary(pattern, "time")
            self._segment = zone
        elif part.escape == b"v":
            self._vary(rb"(\d+/\d+|)" if "transaction" not in self.order else rb"(?:\d+/\d+|)", "transaction")
        elif part.escape in _VARYING:
            self._vary(_VARYING[part.escape], "")
        else:
            self._segment += _stable(part)
            self._is_told |= part.escape in _STABLE

    def _vary(self, pattern: bytes, name: str) -> None:
        self._close()
        self.pattern += pattern
        self.again += self._same(pattern)
        if name and name not in self.order:
            self.order.append(name)

    def _close(self) -> None:
        """What was gathered of the session becomes a group; text alone, and a time zone, tells nothing of it."""
        if self._is_told:
            self._sessions.append(self._segment)
            self.order.append("session")
        segment = re.sub(rb"\(\?P<\w+>", b"(?:", self._segment)
        segment = b"(" + segment + b")" if self._is_told else segment
        self.pattern += segment
        self.again += self._same(segment)
        self._segment, self._is_told = b"", False

    def _same(self, pattern: bytes) -> bytes:
        """What the groups of the pattern hold; without groups, the pattern."""
        before, self._groups = self._groups, self._groups + re.compile(pattern).groups
        return b"".join(b"(?:\\%d)" % at for at in range(before, self._groups)) or pattern

    def session(self, spelled: bytes) -> Session:
        """The session of these groups, joined by zero bytes."""
        found = self._session.fullmatch(spelled)
        told = {name: text_of(value) for name, value in found.groupdict().items() if value} if found else {}
        name = told.get("session") or "/".join(told.get(each, "") for each in ("process", "user", "database"))
        return Session(
            name=name if name.strip("/") else text_of(spelled),
            application=told.get("application"),
            database=None if told.get("database") == _UNKNOWN else told.get("database"),
            user=told.get("user"),
            ahead_us=ahead_us(told.get("zone", "")),
            is_told_apart="process" in told or "session" in told,
        )


def _stable(part: _Part) -> bytes:
    """The pattern of text, or of an escape that stays the same."""
    if not part.escape:
        return re.escape(part.text)
    signs, words = rb"[^\n]*", rb"[^\n]*?"
    if part.follow:
        end = re.escape(part.follow)
        signs = b"[^" + end + rb"\n]*+"
        words = signs + b"(?:" + end + signs + b")*?"  # the fewest words, which is faster than the fewest signs
    return _STABLE.get(part.escape, b"").replace(b"%s", signs).replace(b"%w", words)


def _parts(spelled: bytes) -> list[_Part]:
    found = [(each[1] or b"", each[2] or b"") for each in _ESCAPE.finditer(spelled)]
    found = [(b"", b"%") if escape == b"%" else (escape, text) for escape, text in found]
    return [
        _Part(escape, text, found[at + 1][1][:1] if at + 1 < len(found) else b" ")
        for at, (escape, text) in enumerate(found)
    ]


_SPELLINGS = (
    (SECOND + rb"\.\d{3}(?: (?:[A-Z][A-Za-z]+|[+-]\d\d[\d:]*))?", b"%m"),
    (SECOND + rb"(?: (?:[A-Z][A-Za-z]+|[+-]\d\d[\d:]*))?", b"%t"),
    (rb"\b\d{10}\.\d{3}\b", b"%n"),
    (rb"\b[0-9a-f]{8}\.[0-9a-f]+\b", b"%c"),
    (rb"\b\d+/\d+\b", b"%v"),
    (rb"\A\d+\b(?!-)", b"%p"),
    (rb"(?<=\[)\d+(?=-1\])", b"%l"),
    (rb"\b(pid|process|p)([=:] ?)\d+", rb"\1\2%p"),
    (rb"\b(usr|user|u)([=:])[^,;|\s\])]*", rb"\1\2%u"),
    (rb"\b(db|database|d)([=:])[^,;|\s\])]*", rb"\1\2%d"),
    (rb"\b(app|application|application_name|a)([=:])[^,;|\])]*?(?=[,;|\])]|\s+\w+=|\s*\Z)", rb"\1\2%a"),
    (rb"\b(client|host|remote|h|r)([=:])(?:\[local\]|[^,;|\s\]]*)", rb"\1\2%r"),
    (rb"\b(xid|txid|tx|trx|x)([=:])\d+", rb"\1\2%x"),
    (rb"\b(sqlstate|state|err|error_code|e)([=:])[0-9A-Z]{5}\b", rb"\1\2%e"),
    (rb"\b(line|l)([=:])\d+", rb"\1\2%l"),
    (rb"\b(qid|query_id|queryid|Q)([=:])-?\d+", rb"\1\2%Q"),
    (rb"(?<=\[)\d+(?=\])", b"%p"),
    (rb"(?<![\w%])[\w\[][\w.\]-]*@[\w\[][\w.\]-]*", b"%u@%d"),
    (rb"(?<=%u@%d)/[^%\n]*?(?=\s*\Z|[ ,;|]+%)", rb"/%a"),
    (rb"\[unknown\]", b"%a"),
    (rb"\[local\]|\b\d+\.\d+\.\d+\.\d+(?:\(\d+\))?", b"%r"),
    (rb"(?<![\w%.])0(?![\w.])", b"%x"),
)
"""What stands in prefixes, and the escape that writes it; the first that fits."""
HEAD = re.compile(rb"([^\t\n][^\n]*?|)" + MAIN + rb":  ")
"""The beginning of a record, whatever the prefix."""
MOST_HEADS = 1_000
"""Records that tell the prefix: of all the sample, for a log may begin with those of one application alone."""
ENOUGH = 0.4
"""Share of the records that a prefix must fit: of a setting that changed within the sample the one, or the other."""
_COLUMNS = re.compile(r"([|;,:\s<>()\[\]]+)")
_HEADS = re.compile(rb"^" + HEAD.pattern, re.MULTILINE)


def find_prefix(sample: bytes, others: Sequence[str] = ()) -> Prefix | None:
    """The prefix of most records in the sample, `others` tried first; None where nothing there looks like a record."""
    heads = [found[1] for found in _HEADS.finditer(sample)]
    if not heads:
        return None
    heads = heads[:: -(-len(heads) // MOST_HEADS)]
    spelled = Counter(_spelled(head) for head in heads[:: max(1, len(heads) // 100)])
    guessed = [text for text, _ in spelled.most_common(8)]
    guessed = [*_by_columns(spelled), *guessed]
    tried = dict.fromkeys((*others, *map(_with_stop, guessed), *guessed, *KNOWN))
    scores = {text: _score(Prefix(text), heads) for text in tried}
    best = max(scores.values())
    if best < ENOUGH * len(heads):
        return None
    return Prefix(next(text for text in tried if scores[text] >= 0.98 * best))


def _by_columns(spelled: Counter[str]) -> Iterator[str]:
    """The prefix of most records with an escape for each column that is not known: the process for numbers, and for
    names `%h`, which claims nothing of what they are."""
    rows = [(_COLUMNS.split(text), count) for text, count in spelled.items()]
    kinds = Counter[tuple[str, ...]]()
    for row, count in rows:
        kinds[tuple(row[1::2])] += count
    ((between, _),) = kinds.most_common(1)
    alike = [row for row, _ in rows if tuple(row[1::2]) == between]
    if len(between) > 1:
        yield "".join(_escape(at, {row[at] for row in alike}, alike[0]) for at in range(len(alike[0])))


def _escape(at: int, found: set[str], row: Sequence[str]) -> str:
    """What stands for all that was found in a column, and between two."""
    if known := sorted(text for text in found if "%" in text):
        return max(known, key=len)  # processes of the server itself write less
    if at == 0 or at % 2 or found == {""}:
        return row[at]
    is_process = all(text.isdigit() and len(text) > 2 for text in found) and "%p" not in row
    return "%p" if is_process else "%h"


def _spelled(head: bytes) -> str:
    """The prefix that may have written this."""
    for pattern, escape in _SPELLINGS:
        head = re.sub(pattern, escape, head, count=0 if escape == b"%x" else 1)
    return text_of(head)


def _with_stop(spelled: str) -> str:
    """With `%q` behind the process: processes of the server itself write nothing more."""
    found = re.match(r"(.*?%[pc]\S*\s)(.*%[udarh].*)", spelled)
    return f"{found[1]}%q{found[2]}" if found else spelled


def _score(prefix: Prefix, heads: Sequence[bytes]) -> int:
    pattern = re.compile(prefix.pattern)
    return sum(1 for head in heads if pattern.fullmatch(head))
