"""Whether a change of a column's type writes the table anew, by source and target type (`ATColumnChangeRequiresRewrite`
in tablecmds.c): only what PostgreSQL reads as the same bytes, or proves to fit, is left as it is."""

import re
from typing import NamedTuple

from pgadvisor.locks.effect import Answer
from pgadvisor.locks.schema import Schema
from pgadvisor.model.catalog import UserType
from pgadvisor.sql.nodes import base_type

_ARGUMENTS = re.compile(r"\(([-\d\s,]+)\)")
_TEMPORAL = frozenset(
    ("timestamp without time zone", "timestamp with time zone", "time without time zone", "time with time zone")
)
_SAME_BYTES = frozenset(
    (
        ("character varying", "text"),
        ("text", "character varying"),
        ("citext", "text"),
        ("text", "citext"),
        ("citext", "character varying"),
        ("character varying", "citext"),
        ("character varying", "character"),
        ("text", "character"),
        ("citext", "character"),
        ("cidr", "inet"),
        ("xml", "text"),
        ("xml", "character varying"),
        ("xml", "character"),
        ("bit", "bit varying"),
        ("bit varying", "bit"),
        ("integer", "oid"),
        ("oid", "integer"),
    )
)
"""Casts WITHOUT FUNCTION (`pg_cast`), those that columns are changed by; a length asked for is checked apart."""
BUILT_IN = frozenset(
    (
        "smallint", "integer", "bigint", "real", "double precision", "numeric", "money", "boolean", "text", "character",
        "character varying", "citext", "bytea", "uuid", "json", "jsonb", "xml", "date", "time without time zone",
        "time with time zone", "timestamp without time zone", "timestamp with time zone", "interval", "inet", "cidr",
        "macaddr", "macaddr8", "bit", "bit varying", "tsvector", "tsquery", "int4range", "int8range", "numrange",
        "tsrange", "tstzrange", "daterange", "oid", "hstore", "ltree", "point", "line", "box", "path", "polygon",
        "circle",
    )
)  # fmt: skip
"""Types whose ways of storing are known here."""
_SAME_CLASS = (frozenset(("text", "character varying")), frozenset(("cidr", "inet")), frozenset(("bit varying",)))
"""Types whose default operator classes are one and the same: an index stays."""


class TypeChange(NamedTuple):
    """What a change of type does."""

    rewrites: Answer
    rebuilds_index: Answer
    """Whether an index on the column is built anew where the table is not rewritten."""
    reason: str


def change_of(old: str, new: str, schema: Schema) -> TypeChange:
    """A change from one type to another, both as `format_type` prints them, without USING."""
    if old == new:
        return TypeChange("no", "no", f"it is {new} already")
    if old.endswith("[]") or new.endswith("[]"):
        return _arrays(old, new)
    source, target = schema.user_type(old), schema.user_type(new)
    if source is not None or target is not None:
        return _user_types(old, new, source, target, schema)
    before, after = base_type(old), base_type(new)
    if before == after:
        return _lengths(before, old, new)
    if {before, after} == {"timestamp without time zone", "timestamp with time zone"}:
        return _time_zones(old, new, schema)
    if (before, after) in _SAME_BYTES:
        return _same_bytes(before, after, old, new)
    if not (before in BUILT_IN and after in BUILT_IN):
        return TypeChange("unknown", "unknown", f"whether {old} and {new} are stored alike is not known")
    return TypeChange("yes", "yes", f"{old} and {new} are stored differently")


def _arguments(spelled: str) -> tuple[int, ...]:
    found = _ARGUMENTS.search(spelled)
    return tuple(int(each) for each in found[1].split(",")) if found else ()


def _lengths(base: str, old: str, new: str) -> TypeChange:
    """The same type with another length or precision."""
    before, after = _arguments(old), _arguments(new)
    stays = TypeChange("no", "no", f"every {old} fits {new}")
    rewritten = TypeChange("yes", "yes", f"every {old} is made to fit {new}")
    if base in ("character varying", "bit varying"):
        return stays if not after or (before and before[0] <= after[0]) else rewritten
    if base == "numeric":
        return stays if not after or _numeric_fits(before, after) else rewritten
    if base in _TEMPORAL or base == "interval":
        return stays if (before or (6,))[0] <= (after or (6,))[0] else rewritten
    if base.startswith("interval"):
        return rewritten
    return rewritten if base in ("character", "bit") else TypeChange("unknown", "unknown", f"{old} becomes {new}")


def _numeric_fits(before: tuple[int, ...], after: tuple[int, ...]) -> bool:
    """More digits and the same scale (`numeric_support`)."""
    if not before:
        return False
    return (*before, 0)[1] == (*after, 0)[1] and before[0] <= after[0]


def _time_zones(old: str, new: str, schema: Schema) -> TypeChange:
    """timestamp and timestamptz are the same bytes where the session's time zone is UTC (PostgreSQL 12 and later)."""
    if (_arguments(new) or (6,))[0] < 6:
        return TypeChange("yes", "yes", f"every {old} is made to fit {new}")
    zone = schema.setting("timezone")
    if zone is None:
        return TypeChange("unknown", "yes", "it depends on the session's time zone: only UTC spares the rewrite")
    if zone.upper() in ("UTC", "ETC/UTC", "GMT", "ETC/GMT", "UCT", "ETC/UCT", "ZULU", "ETC/ZULU", "GREENWICH"):
        return TypeChange("no", "yes", f"the session's time zone is {zone}")
    return TypeChange("yes", "yes", f"the session's time zone is {zone}, not UTC")


def _same_bytes(before: str, after: str, old: str, new: str) -> TypeChange:
    if after in ("character", "bit") or (_arguments(new) and not _fits(before, old, new)):
        return TypeChange("yes", "yes", f"every {old} is made to fit {new}")
    alike = any({before, after} <= group for group in _SAME_CLASS)
    return TypeChange("no", "no" if alike else "yes", f"{old} and {new} are stored alike")


def _fits(before: str, old: str, new: str) -> bool:
    return before == "character varying" and bool(_arguments(old)) and _arguments(old)[0] <= _arguments(new)[0]


def _arrays(old: str, new: str) -> TypeChange:
    before, after = old.removesuffix("[]"), new.removesuffix("[]")
    if (before, after) == ("character varying", "text") or (before, after) == ("text", "character varying"):
        return TypeChange("no", "no", f"{old} and {new} are stored alike")
    return TypeChange("yes", "yes", f"every element of the arrays is converted to {after}")


def _user_types(old: str, new: str, source: UserType | None, target: UserType | None, schema: Schema) -> TypeChange:
    """A change from or to an enum, domain or other type of the user's."""
    if target is not None and target.kind == "domain" and target.base:
        below = change_of(old, target.base, schema)
        checked = schema.has_constraints(new)
        if below.rewrites == "no" and checked is not False:
            rewrites: Answer = "yes" if checked else "unknown"
            return TypeChange(rewrites, below.rebuilds_index, f"the domain {new} has constraints to check")
        return below
    if source is not None and source.kind == "domain" and source.base:
        return change_of(source.base, new, schema)
    return TypeChange("yes", "yes", f"{old} and {new} are stored differently")
