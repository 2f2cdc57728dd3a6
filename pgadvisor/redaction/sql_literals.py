"""Which literals of an SQL text are data, and what stands for them."""

import re

from pgadvisor.redaction import postgres_names
from pgadvisor.redaction.pseudonyms import Pseudonyms
from pgadvisor.redaction.sql_reading import SqlReading, is_keyword, name_of

_OPENING = re.compile(r"(?:[eEbBxXnN]|[uU]&)?'|\$[^$]*\$")
_COUNTS = frozenset(
    ("limit", "offset", "first", "next", "statistics", "by", "subplan", "initplan", "cte", "modulus", "remainder")
)
"""Before a number that says how many or which, not what: `LIMIT 20`, `ORDER BY 1`, `SubPlan 1`."""
_TYPE_ENDS = frozenset(("varying", "precision", "to", "month", "hour", "minute", "second", "day"))
_TYPE_KEYWORDS = frozenset(
    ("character", "char", "varchar", "numeric", "decimal", "dec", "bit", "float", "time", "timestamp", "interval")
)
_ENDS_LIST = frozenset(
    ("order", "having", "limit", "offset", "fetch", "for", "union", "except", "intersect", "window", ";")
)
_AMOUNT = re.compile(r"[-+]?[\d.]+ ?(?:B|kB|MB|GB|TB|us|ms|s|min|h|d)?")
_NAMED = frozenset(("nextval", "currval", "setval", "to_regclass", "pg_get_serial_sequence"))
"""Functions that take a name as a string."""


def redacted_string(reading: SqlReading, at: int, pseudonyms: Pseudonyms) -> str | None:
    """What stands for the string token; None: it is none of the user's. Wildcards at its ends stay: they are shape."""
    written = reading.tokens[at].text
    content = content_of(written)
    if content.lower() in postgres_names.LITERALS or content in postgres_names.names("text search configurations"):
        return None
    if (_is_set(reading, at) and is_setting_value(content)) or reading.word(at - 1) == "uescape":
        return None
    core = content.strip("%_")
    if not core:
        return None
    at_start = content.index(core)
    return f"'{content[:at_start]}{pseudonyms.literal(core)}{content[at_start + len(core) :]}'"


def is_name(reading: SqlReading, at: int) -> bool:
    """Whether the string holds a name: `nextval('orders_id_seq'::regclass)`."""
    if reading.word(at + 1) == "::" and reading.word(at + 2).startswith("reg"):
        return True
    return reading.word(at - 1) == "(" and reading.before_opening(at) in _NAMED


def redacted_number(reading: SqlReading, at: int, pseudonyms: Pseudonyms) -> str | None:
    """What stands for the number token; None: it is no datum of the user's."""
    written = reading.tokens[at].text
    if written in ("0", "1", "?") or reading.word(at - 1) in _COUNTS or _is_set(reading, at):
        return None
    if _is_subscript(reading, at):
        return None
    if _is_length(reading, at) or _is_ordinal(reading, at):
        return None
    return pseudonyms.number(written)


def is_setting_value(content: str) -> bool:
    """Whether it is a number, an amount or words that settings choose from: `64MB`, `read committed`; else it is text
    of the user's, as of `application_name`."""
    words = content.lower().split()
    known = postgres_names.LITERALS | postgres_names.names("words of settings")
    return _AMOUNT.fullmatch(content.strip()) is not None or all(word in known for word in words)


def content_of(written: str) -> str:
    """The content of a string as it is written: without quotes and prefix, doubled quotes as one."""
    opening = _OPENING.match(written)
    if opening is None:
        return written
    mark = "'" if opening[0].endswith("'") else opening[0]
    inside = written[opening.end() :]
    inside = inside[: -len(mark)] if inside.endswith(mark) else inside
    return inside.replace("''", "'") if mark == "'" else inside


def _is_set(reading: SqlReading, at: int) -> bool:
    """Whether the literal is the value of a setting that a statement sets: `SET LOCAL work_mem = '64MB'`."""
    before = at - 1
    while reading.word(before) in ("-", "+"):
        before -= 1
    if reading.word(before) not in ("=", "to") or not reading.is_word(before - 1):
        return False
    name = name_of(reading.tokens[before - 1].text)
    if name not in postgres_names.names("settings"):
        return False
    return reading.first(at) == "set" or (
        reading.first(at) in ("alter", "create") and reading.before_opening(at) in ("set", "with")
    )


def _is_subscript(reading: SqlReading, at: int) -> bool:
    """Whether the number is one of `names[2]`, and no element of `ARRAY[4711]` or `[[4711]]`."""
    if reading.word(at - 1) != "[" or reading.word(at - 2) == "array":
        return False
    return reading.is_word(at - 2) or reading.word(at - 2) in (")", "]")


def _is_length(reading: SqlReading, at: int) -> bool:
    """Whether the number belongs to a type: `numeric(10, 2)`, `character varying(80)`."""
    if reading.openings[at] < 0:
        return False
    of = reading.openings[at] - 1
    while reading.word(of) in _TYPE_ENDS:
        of -= 1
    if reading.word(of) in ("with", "without", "zone"):
        return False
    word = reading.word(of)
    if word in _TYPE_KEYWORDS:
        return True
    return not is_keyword(word) and word in postgres_names.names("types") and reading.word(of - 1) == "::"


def _is_ordinal(reading: SqlReading, at: int) -> bool:
    """Whether the number is the place of a result column: `ORDER BY 1, 2`."""
    back = at - 1
    while back > reading.openings[at]:
        if reading.openings[back] == reading.openings[at]:
            word = reading.word(back)
            if word == "by" and reading.word(back - 1) in ("order", "group"):
                return reading.word(at - 1) in ("by", ",") and (
                    reading.word(at + 1) in ("", ",", ")", "asc", "desc", "nulls", *_ENDS_LIST)
                )
            if word in _ENDS_LIST or word in ("select", "where", "from", "values", "set", "in"):
                return False
        back -= 1
    return False
