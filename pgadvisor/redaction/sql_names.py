"""Which names in an SQL text are a user's, and what each is of. The others are PostgreSQL's own and stay."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from pgadvisor.redaction import postgres_names
from pgadvisor.redaction.pseudonyms import Kind
from pgadvisor.redaction.sql_reading import SqlReading, name_of

TABLE_LEADS = frozenset(("from", "join", "into", "update", "table", "only", "references", "truncate", "analyze"))
_NOT_CALLED = frozenset(("into", "references", "table", "only", "recursive", "with"))
"""Before a name with a list of columns: `INSERT INTO orders (id)`, `WITH recent (id) AS`."""
_PLAN_WORDS = re.compile(
    r"subplan|initplan|hashed|rescan|col\d+|alternatives|randomness|intermediate|returns|any|exists"
)
_MADE = re.compile(r'"\*[A-Z]+\*(?: \d+)?"')
"""Names that PostgreSQL makes up: `"*VALUES*"`, `"*SELECT* 1"`."""
_ICU = re.compile(
    r"[a-z]{2,3}(?:[-_][\w-]+)?-x-icu|und-x-icu|c|posix|default|ucs_basic|unicode|pg_c_utf8|pg_unicode_fast"
)
_BOUNDS = frozenset(("modulus", "remainder"))
_ENDS = frozenset(("minvalue", "maxvalue"))


class UserName(NamedTuple):
    """A name of the user's in a text."""

    start: int
    end: int
    name: str
    kind: Kind


def user_names(reading: SqlReading, known: frozenset[str] = frozenset()) -> Iterator[UserName]:
    """The user's names in order. `known`: those that are surely a user's, though PostgreSQL has the same word."""
    reads_catalog = any(word.startswith("pg_") or word == "information_schema" for word in reading.words)
    for at, token in enumerate(reading.tokens):
        if not reading.is_word(at):
            continue
        name = name_of(token.text)
        if not reading.may_be_name(at) and not (name in known and _stands_alone(reading, at)):
            continue
        if _is_own(reading, at, name, known) or (
            reads_catalog and name not in known and name in postgres_names.names("columns")
        ):
            continue
        yield UserName(token.start, token.end, name, _kind(reading, at))


def _stands_alone(reading: SqlReading, at: int) -> bool:
    """Whether a keyword in a text that nobody understands is where a value could be: `(name = $1)`."""
    if reading.names_in_tree is not None:
        return False
    return (
        reading.kind(at - 1) in ("", "symbol")
        and reading.kind(at + 1) in ("", "symbol")
        and (reading.word(at + 1) != "(")
    )


def _is_own(reading: SqlReading, at: int, name: str, known: frozenset[str]) -> bool:
    """Whether the name is PostgreSQL's own where it stands."""
    if name in postgres_names.SCHEMAS or _MADE.fullmatch(reading.tokens[at].text):
        return True
    start = reading.chain_start(at)
    if start < at and reading.word(start) in ("pg_catalog", "information_schema"):
        return True
    if _is_type(reading, at, start):
        return name in postgres_names.names("types")
    if reading.word(at - 1) == "using" and name in postgres_names.names("access methods"):
        return True
    if reading.word(at + 1) == "(" and reading.word(start - 1) not in _NOT_CALLED and not _is_indexed(reading, start):
        return name in postgres_names.names("functions") or name in postgres_names.names("types")
    if _is_option(reading, at, name):
        return True
    return name not in known and _is_system_word(reading, at, name)


def _is_type(reading: SqlReading, at: int, start: int) -> bool:
    """Whether the name stands where a type does: `x::date`, `CAST(x AS date)`, `date '…'`, `ADD COLUMN x date`."""
    before = reading.word(start - 1)
    if before == "::":
        return True
    is_type = name_of(reading.tokens[at].text) in postgres_names.names("types")
    if not is_type or reading.word(at + 1) == ".":
        return False
    if reading.kind(at + 1) == "string":
        return True
    if before == "as":
        return reading.before_opening(at) == "cast" or reading.first(at) == "create"
    defines = reading.first(at) in ("create", "alter") or reading.openings[at] >= 0
    return before == "type" or (defines and reading.may_be_name(start - 1) and reading.word(at - 1) != ".")


def _is_indexed(reading: SqlReading, at: int) -> bool:
    """Whether the name is the table of a CREATE INDEX: `ON orders (id)`."""
    return reading.word(at - 1) == "on" and "index" in reading.words[reading.firsts[at] : at][1:3]


def _is_option(reading: SqlReading, at: int, name: str) -> bool:
    """Whether the name is one of a setting, an operator class and the like, which say nothing of anyone's data."""
    before, first = reading.word(at - 1), reading.first(at)
    if is_setting(reading, at, name):
        return True
    if before == "collate" or reading.word(reading.chain_start(at) - 1) == "collate":
        return is_collation(name)
    if (
        first == "create"
        and "statistics" in reading.words[reading.firsts[at] : at]
        and name in (postgres_names.STATISTICS_KINDS)
    ):
        return True
    if first == "create" and "extension" in reading.words[reading.firsts[at] : at]:
        return name in postgres_names.names("extensions")
    return (
        before == "tablesample"
        or (before == "language" and name in postgres_names.names("languages"))
        or (reading.word(at + 1) in ("=>", ":=") and name in postgres_names.names("arguments"))
        or (before == "(" and reading.word(at - 2) == "extract")
        or (name in _BOUNDS and reading.kind(at + 1) == "number")
        or (name in _ENDS and "values" in reading.words[:at])
    )


def is_setting(reading: SqlReading, at: int, name: str) -> bool:
    """Whether the name is a setting's where one is set: `SET work_mem`, `ALTER TABLE … SET (fillfactor = 90)`."""
    if name not in postgres_names.names("settings"):
        return False
    first = reading.first(at)
    if first in ("set", "reset", "show"):
        return True
    if first == "alter" and reading.word(at - 1) in ("set", "reset") and reading.word(reading.firsts[at] + 1) in (
        "system", "role", "database",
    ):  # fmt: skip
        return True
    return first in ("alter", "create") and reading.before_opening(at) in ("set", "reset", "with")


def is_collation(name: str) -> bool:
    """Whether it is a collation that PostgreSQL makes itself: `C`, `de-x-icu`."""
    return _ICU.fullmatch(name.lower()) is not None


def _is_system_word(reading: SqlReading, at: int, name: str) -> bool:
    """Whether the name is one that PostgreSQL has everywhere, unless the user took the same."""
    if name in postgres_names.SYSTEM_COLUMNS or (name in ("excluded", "old", "new") and reading.word(at + 1) == "."):
        return True
    if name.startswith("pg_") and name in postgres_names.all_names():
        return True
    if name.endswith("_ops") and name in postgres_names.names("operator classes"):
        return True
    return reading.names_in_tree is None and _PLAN_WORDS.fullmatch(name) is not None


def _kind(reading: SqlReading, at: int) -> Kind:
    """What an unknown name is likely of, by its place; this decides no more than how its pseudonym begins."""
    start = reading.chain_start(at)
    before, after = reading.word(start - 1), reading.word(at + 1)
    if before == "::":
        return "type"
    if after == ".":
        return "schema" if before in TABLE_LEADS else "name"
    if before == "from" and reading.before_opening(at) in ("extract", "trim", "substring", "overlay"):
        return "column"
    if before in TABLE_LEADS or _is_indexed(reading, start):
        return "table"
    if before in ("index", "concurrently"):
        return "index"
    if before in ("constraint", "statistics"):
        return "constraint" if before == "constraint" else "statistics"
    if before in ("role", "user", "owner") or (before == "to" and reading.first(at) == "grant"):
        return "role"
    if after == "(":
        return "name" if before in ("as", *_NOT_CALLED) else "function"
    if before in ("as", ")") or (reading.is_word(start - 1) and reading.may_be_name(start - 1)):
        return "name"
    return "column"
