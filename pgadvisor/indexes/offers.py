"""What an index could do with one predicate: equality, range, pattern or containment, on which key."""

import re
from typing import Literal

from pgadvisor.indexes.sizes import distinct_values
from pgadvisor.indexes.wanted import Method, WantedKey
from pgadvisor.model.catalog import Column, Table
from pgadvisor.model.record import Record
from pgadvisor.sql.identifiers import quoted
from pgadvisor.sql.query import Predicate, Value

Role = Literal["equal", "several", "range", "contains", "null test"]
"""`equal`: one value; `several`: a list of values, after which no order is left; `null test`: IS NOT NULL."""

IMMUTABLE_FUNCTIONS = frozenset(
    ("lower", "upper", "btrim", "trim", "ltrim", "rtrim", "md5", "abs", "length", "char_length", "reverse", "left")
)
"""Functions marked IMMUTABLE in pg_proc for every argument type they take: an index may hold their results."""
SAFE_JSON_CASTS = frozenset({"integer", "int", "int4", "bigint", "int8", "smallint", "numeric", "uuid", "boolean"})
"""Casts from text that are immutable; those to dates depend on settings."""
VOLATILE = re.compile(r"\b(random|clock_timestamp|timeofday|nextval|gen_random_uuid|uuid_generate_v4)\s*\(", re.I)
INTEGERS = ("smallint", "integer", "bigint")
PATTERN_CLASSES = (
    ("text", "text_pattern_ops"),
    ("character varying", "varchar_pattern_ops"),
    ("character", "bpchar_pattern_ops"),
)
"""Operator classes for LIKE 'x%' by what the column's type begins with."""
TRIGRAM_TYPES = ("text", "character varying")
"""pg_trgm's classes take no char(n), and their operators are not those of citext."""
UNORDERED = frozenset(
    ["json", "jsonb", "xml", "tsvector", "geometry", "geography", "point", "box", "circle", "polygon", "path", "line"]
)
"""Types without a B-tree operator class, or with one that nobody asks for equality."""
WIDEST_KEY = 600
"""Average bytes: with values much longer some row exceeds the 2,704 that a B-tree takes, and the build fails."""
CONSTANT_CONFIGURATION = re.compile(r"^to_tsvector\('\w+'(::regconfig)?, ")
UNKNOWN_PATTERN = 0.01
"""PostgreSQL's own guess for a pattern or a containment without statistics is below this."""


class Offer(Record):
    """A predicate as an index sees it."""

    predicate: Predicate
    role: Role
    key: WantedKey
    method: Method = "btree"
    selectivity: float | None = None
    """Share of the rows that it keeps, by the statistics; None: they do not say."""
    is_two_sided: bool = False
    extension: str | None = None


def offer_of(predicate: Predicate, table: Table) -> Offer | None:
    """What an index on the predicate's left side could do; None: nothing, or nothing sure."""
    column = table.column(predicate.column.column) if predicate.column else None
    if column is None or predicate.place == "having":
        return None
    if truth_of(predicate) is not None and column.type == "boolean" and not predicate.is_wrapped:
        return _flag(predicate, column)
    if predicate.is_negated or not is_steady(predicate):
        return None
    key = _key(predicate, column)
    if key is None or is_cast_away(column, predicate.value):
        return None
    return _btree(predicate, key, column, table) or _inverted(predicate, key, column)


def truth_of(predicate: Predicate) -> bool | None:
    """What a flag is asked to be: `done`, `NOT done`, `done = true`; None: it is no test of a flag."""
    if predicate.operator in ("IS TRUE", "IS FALSE"):
        return (predicate.operator == "IS TRUE") != predicate.is_negated
    if predicate.operator == "=" and predicate.value.kind == "constant" and predicate.value.type == "boolean":
        return (predicate.value.text.lower() in ("true", "t")) != predicate.is_negated
    return None


def _flag(predicate: Predicate, column: Column) -> Offer:
    """A test of a boolean column; where the values of the statistics are not kept, nobody knows which one is rare."""
    seen = column.statistics
    shares = dict(zip(seen.most_common_values or (), seen.most_common_frequencies, strict=False)) if seen else {}
    kept = shares.get("t" if truth_of(predicate) else "f", 0.0) if shares else 0.5
    key = WantedKey(text=quoted(column.name), key=column.name, label=column.name, column=column.name)
    return Offer(predicate=predicate, role="equal", key=key, selectivity=kept)


def _btree(predicate: Predicate, key: WantedKey, column: Column, table: Table) -> Offer | None:
    rows = table.rows or 1.0
    each = value_share(predicate.value, column, rows) if key.is_column or predicate.wrap != "json" else None
    match predicate.operator:
        case "=" if _has_btree(column, key):
            return Offer(predicate=predicate, role="equal", key=key, selectivity=each)
        case "IS NULL" if key.is_column and column.statistics:
            return Offer(predicate=predicate, role="equal", key=key, selectivity=column.statistics.null_fraction)
        case "IN" | "= ANY" if _has_btree(column, key) and predicate.value.kind != "subquery":
            count = predicate.value.count
            kept = min(1.0, each * count) if each is not None and count else None
            return Offer(predicate=predicate, role="several", key=key, selectivity=kept)
        case "<" | "<=" | ">" | ">=" | "BETWEEN" if _has_btree(column, key):
            return Offer(predicate=predicate, role="range", key=key, is_two_sided=predicate.operator == "BETWEEN")
        case "IS NOT NULL" if key.is_column and column.statistics:
            kept_rows = 1.0 - column.statistics.null_fraction
            return Offer(predicate=predicate, role="null test", key=key, selectivity=kept_rows)
        case "LIKE" if is_prefix(predicate.value) and (name := _pattern_class(key, column)):
            classed = _with_class(key, name)
            return Offer(predicate=predicate, role="range", key=classed, selectivity=UNKNOWN_PATTERN, is_two_sided=True)
    return None


def _inverted(predicate: Predicate, key: WantedKey, column: Column) -> Offer | None:
    """GIN and GiST, by the operator and the column's type."""
    method: Method = "gin"
    extension = None
    match predicate.operator:
        case "LIKE" | "ILIKE" | "~" | "~*" if column.type.startswith(TRIGRAM_TYPES) and has_letters(predicate):
            key, extension = _with_class(key, "gin_trgm_ops"), "pg_trgm"
        case "@>" if column.type == "jsonb" and key.is_column:
            key = _with_class(key, "jsonb_path_ops")
        case "?" | "?|" | "?&" if column.type == "jsonb" and key.is_column:
            pass
        case "@>" | "&&" if column.type.endswith("[]") and key.is_column:
            pass
        case "@>" | "&&" | "<@" if column.type.endswith("range") and key.is_column:
            method = "gist"
        case "@@" if column.type == "tsvector" or CONSTANT_CONFIGURATION.match(key.key):
            pass
        case _:
            return None
    return Offer(predicate=predicate, role="contains", key=key, method=method, selectivity=UNKNOWN_PATTERN,
                 extension=extension)  # fmt: skip


def _key(predicate: Predicate, column: Column) -> WantedKey | None:
    """The left side as an index key; None when its value may change with settings or time, or is not known."""
    if not predicate.is_wrapped:
        return WantedKey(text=quoted(column.name), key=column.name, label=column.name, column=column.name)
    text = predicate.key
    if "$" in text or len(predicate.columns) != 1:
        return None
    if predicate.wrap == "function" and (
        predicate.function in IMMUTABLE_FUNCTIONS or CONSTANT_CONFIGURATION.match(text)
    ):
        return WantedKey(text=text, key=text, label=f"{column.name}_{predicate.function}", column=column.name)
    if predicate.wrap == "json" and column.type in ("json", "jsonb") and "->>" in text:
        return WantedKey(text=f"({text})", key=text, label=f"{column.name}_{_field(text)}", column=column.name)
    if predicate.wrap == "cast" and predicate.cast_to in SAFE_JSON_CASTS and "->>" in text:
        return WantedKey(text=f"({text})", key=text, label=f"{column.name}_{_field(text)}", column=column.name)
    return None


def _field(text: str) -> str:
    """The last field named in a JSON expression, as a part of a name."""
    fields = re.findall(r"'(\w+)'", text)
    return str(fields[-1]).lower() if fields else "expr"


def _with_class(key: WantedKey, operator_class: str) -> WantedKey:
    return WantedKey(text=key.text, key=key.key, label=key.label, column=key.column, operator_class=operator_class)


def is_steady(predicate: Predicate) -> bool:
    """Whether the other side has one value for the whole scan, and is no column of the same relation."""
    sides = [predicate.value, *([predicate.upper] if predicate.upper else []), *predicate.value.items]
    own = {(use.alias, use.scope) for use in predicate.columns}
    for side in sides:
        others = [*side.columns, *([side.column] if side.column else [])]
        if VOLATILE.search(side.text) or any((use.alias, use.scope) in own or use.alias is None for use in others):
            return False
    return True


def is_cast_away(column: Column, value: Value) -> bool:
    """Whether the comparison turns the column into another type, where no index on it serves."""
    wider = ("numeric", "decimal", "number", "real", "double precision", "float4", "float8")
    return column.type in INTEGERS and any(each.type in wider for each in (value, *value.items))


def _pattern_class(key: WantedKey, column: Column) -> str | None:
    """The operator class for LIKE 'x%' on that key; a function of a text gives a text."""
    kind = column.type if key.is_column else "text"
    return next((name for start, name in PATTERN_CLASSES if kind.startswith(start)), None)


def _has_btree(column: Column, key: WantedKey) -> bool:
    """Whether the key's type has an order that equality and ranges use, and the column more than one value."""
    seen = column.statistics
    if seen and (seen.n_distinct == 1 or (key.is_column and seen.average_width_bytes > WIDEST_KEY)):
        return False
    return not (key.is_column and column.type.split("(")[0] in UNORDERED)


def value_share(value: Value, column: Column, rows: float) -> float | None:
    """Share of the rows that hold one value: of that value where the statistics name it, else of an average one."""
    seen = column.statistics
    if seen is None:
        return None
    common = dict(zip(seen.most_common_values or (), seen.most_common_frequencies, strict=False))
    if value.kind == "constant" and common:
        if value.text in common:
            return common[value.text]
        others = max(distinct_values(column, rows) - len(common), 1.0)
        return max(1.0 - seen.null_fraction - sum(common.values()), 0.0) / others
    return (1.0 - seen.null_fraction) / distinct_values(column, rows)


def is_prefix(value: Value) -> bool:
    """Whether a LIKE pattern is a constant that begins with two letters or more."""
    return value.kind == "constant" and re.match(r"[^%_\\]{2,}%", value.text) is not None


def has_letters(predicate: Predicate) -> bool:
    """Whether the pattern may hold three letters in a row, so that it has a trigram; unknown counts as yes."""
    return predicate.value.kind != "constant" or re.search(r"\w{3}", predicate.value.text) is not None
