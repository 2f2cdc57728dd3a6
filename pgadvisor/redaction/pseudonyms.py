"""Pseudonyms: the same for the same name under the same secret, and the key that tells what each stands for."""

import hmac
from typing import Literal

import msgspec

from pgadvisor.model.record import Record

Kind = Literal[
    "table", "column", "index", "schema", "constraint", "trigger", "statistics", "function", "type", "role",
    "database", "host", "file", "endpoint", "name",
]  # fmt: skip
"""What a name is of; `name`: an alias, or what is not known."""

PREFIXES: dict[Kind, str] = {
    "table": "t", "column": "c", "index": "ix", "schema": "sch", "constraint": "k", "trigger": "tr",
    "statistics": "st", "function": "f", "type": "ty", "role": "r", "database": "db", "host": "h",
    "file": "file", "endpoint": "e", "name": "n",
}  # fmt: skip
_LITERAL = "s"
_DIGITS = 6
"""Hexadecimal digits of a pseudonym: 20,000 names share one a dozen times, and the later one then gets two more."""
_NUMBERS = 1_000_000_000
"""Numbers become one between this and its double: an `integer` that nobody takes for a real one."""
_BIG_NUMBERS = 9_000_000_000
"""Those beyond `integer` start here, so that they stay beyond."""
_INTEGER = 2**31


class Key(Record):
    """What gives a person the names back; to be kept where the report does not go."""

    secret: str
    """Hexadecimal. Without it pseudonyms cannot be guessed by trying names."""
    names: dict[str, str] = msgspec.field(default_factory=dict)
    """Pseudonym: what it stands for. Over all the runs that used this key."""


class Pseudonyms:
    """Gives pseudonyms, and remembers each that it gave."""

    def __init__(self, key: Key) -> None:
        self._key = key
        self._secret = bytes.fromhex(key.secret)
        self._names = dict(key.names)
        self._known = {(_sort(pseudonym), name): pseudonym for pseudonym, name in key.names.items()}

    @property
    def key(self) -> Key:
        """The key with every pseudonym given so far."""
        return Key(secret=self._key.secret, names=dict(sorted(self._names.items())))

    def name(self, name: str, kind: Kind = "name") -> str:
        """The name's: `t_3f9a12`. What a name is of decides only when it is first seen: a word has one pseudonym."""
        return self._of("name", name, f"{PREFIXES[kind]}_")

    def literal(self, text: str) -> str:
        """That of a string's content: `s_3f9a12`."""
        return self._of("literal", text, f"{_LITERAL}_")

    def number(self, text: str) -> str:
        """That of a number: another one of ten digits, with a fraction where it has one."""
        is_whole = text.isdecimal()
        known = self._known.get(("number", text))
        if known is None:
            base = _BIG_NUMBERS if is_whole and int(text) >= _INTEGER else _NUMBERS
            drawn = int(self.digest("number", text), 16) % _NUMBERS
            while str(base + drawn) in self._names:
                drawn = (drawn + 1) % _NUMBERS
            known = self._remember("number", text, str(base + drawn))
        return known if is_whole else f"{known}.0"

    def digest(self, sort: str, text: str) -> str:
        """64 hexadecimal digits that only the secret's holder could have made."""
        return hmac.digest(self._secret, f"{sort}\0{text}".encode("utf-8", "surrogatepass"), "sha256").hex()

    def _of(self, sort: str, text: str, prefix: str) -> str:
        if (known := self._known.get((sort, text))) is not None:
            return known
        digits = self.digest(sort, text)
        size = _DIGITS
        while prefix + digits[:size] in self._names:
            size += 2
        return self._remember(sort, text, prefix + digits[:size])

    def _remember(self, sort: str, text: str, pseudonym: str) -> str:
        self._names[pseudonym] = text
        self._known[sort, text] = pseudonym
        return pseudonym


def _sort(pseudonym: str) -> str:
    if pseudonym.isdecimal():
        return "number"
    return "literal" if pseudonym.startswith(f"{_LITERAL}_") else "name"
