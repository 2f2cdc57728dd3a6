"""A predicate as an index sees it: which key could serve it and how, and whether it could stand in an index's WHERE."""

import re
from typing import Literal

from msgspec.structs import replace

from pgadvisor.candidates.candidate import CandidateKey
from pgadvisor.candidates.expressions import INTEGERS, TEXTS, has_order, key_of, key_type
from pgadvisor.candidates.shares import share_of
from pgadvisor.facts import Facts
from pgadvisor.indexes.offers import is_cast_away, is_steady, truth_of
from pgadvisor.indexes.sizes import distinct_values
from pgadvisor.model.catalog import Column, Table
from pgadvisor.model.record import Record
from pgadvisor.sql.canonical import canonical
from pgadvisor.sql.identifiers import quoted
from pgadvisor.sql.query import Predicate, Value

Role = Literal["equal", "several", "null", "range", "not null", "pattern", "contains", "other"]
"""What an index could do: `equal`: one value, and an order goes on behind it; `several`: a list of values, behind which
no order is left; `null`: IS NULL, likewise; `pattern`: text that only trigrams find; `other`: nothing, but a partial
index may speak of it."""

FEW_VALUES = 30
"""A column with no more different values than this may hold a state."""
RESTING, PASSING = 0.5, 0.2
"""Shares of the rows: of a state in which they come to rest, at least; of one that they pass through, at most."""
C_LOCALES = ("C", "POSIX", "ucs_basic")
_ID = re.compile(r"(^|_)(id|uuid|guid|key|ref|hash|token)$", re.I)


class Condition(Record):
    """One predicate on a relation."""

    predicate: Predicate
    role: Role
    columns: tuple[str, ...]
    """Of the relation, in it."""
    share: float
    """Of the rows, that it keeps."""
    key: CandidateKey | None = None
    """What could serve it in a B-tree; None: nothing."""
    is_join: bool = False
    """Compared with another relation's column: what it keeps is known row by row only."""
    fixed: str | None = None
    """As a conjunct of a partial index's WHERE; None: it cannot be one."""
    is_flag: bool = False
    """A null test or a boolean, whose values are few by nature."""


def condition_of(facts: Facts, table: Table, predicate: Predicate) -> Condition | None:
    """The predicate as a condition; None: it is no comparison of this relation's columns with something steady."""
    columns = tuple(dict.fromkeys(use.column for use in predicate.columns))
    if not columns or any(table.column(name) is None for name in columns):
        return None
    column = table.column(columns[0])
    if column is None or not is_steady(predicate):
        return Condition(predicate=predicate, role="other", columns=columns, share=1 / 3)
    share = share_of(predicate, column, facts.rows(table.qualified) or 1e6)
    found = Condition(
        predicate=predicate,
        role="other",
        columns=columns,
        share=share,
        is_join=_is_join(predicate),
        fixed=None if predicate.is_wrapped or column.is_virtual else _fixed(predicate, column, share, facts),
        is_flag=predicate.operator.startswith("IS ") or truth_of(predicate) is not None,
    )
    key = _fitting_key(facts, table, predicate, column)
    role = _role(predicate, column)
    if key is None or role == "other":
        return found
    if role == "pattern" and (prefix := _prefix_key(facts, table, predicate, key, column)):
        return replace(found, role="range", key=prefix)
    is_ordered = role in ("pattern", "contains") or has_order(facts, key_type(facts, table, key))
    return replace(found, role=role, key=key) if is_ordered else found


def _role(predicate: Predicate, column: Column) -> Role:
    if truth_of(predicate) is not None and column.type == "boolean" and not predicate.is_wrapped:
        return "equal"
    if predicate.is_negated:
        return "other"
    match predicate.operator:
        case "=" | "IS NOT DISTINCT FROM":
            return "equal"
        case "IN" | "= ANY":
            return "equal" if predicate.value.kind == "subquery" else "several"
        case "IS NULL":
            return "null"
        case "IS NOT NULL":
            return "not null"
        case "<" | "<=" | ">" | ">=" | "BETWEEN":
            return "range"
        case "LIKE" | "ILIKE" | "~" | "~*" | "%" | "<%" | "%>":
            return "pattern"
        case "@>" | "<@" | "&&" | "@@" | "?" | "?|" | "?&" | "@?" | "-|-" | "<<" | ">>":
            return "contains"
    return "other"


def _fitting_key(facts: Facts, table: Table, predicate: Predicate, column: Column) -> CandidateKey | None:
    """The left side as a key, where the other side leaves it as it is."""
    key = key_of(facts, table, predicate.key if predicate.is_wrapped else column.name)
    if key is None or (not predicate.is_wrapped and is_cast_away(column, predicate.value)):
        return None
    other = predicate.value.column
    joined = facts.column(other.table, other.column) if other else None
    if joined and column.type in INTEGERS and joined.type not in INTEGERS:
        return None
    return key


def _prefix_key(
    facts: Facts, table: Table, predicate: Predicate, key: CandidateKey, column: Column
) -> CandidateKey | None:
    """The key for LIKE 'x%': with the pattern class of its type, unless texts are compared byte by byte anyway."""
    value, kind = predicate.value, key_type(facts, table, key)
    if predicate.operator != "LIKE" or value.kind != "constant" or not re.match(r"[^%_\\]+", value.text):
        return None
    if kind not in TEXTS:
        return None
    if key.collation in C_LOCALES or (key.collation is None and compares_bytes(facts, column)):
        return key
    classes = {
        "text": "text_pattern_ops",
        "character varying": "varchar_pattern_ops",
        "character": "bpchar_pattern_ops",
    }
    return replace(key, operator_class=classes[kind])


def compares_bytes(facts: Facts, column: Column) -> bool:
    """Whether the column's texts are compared byte by byte, so that LIKE 'x%' is a range of a plain B-tree."""
    if column.collation is not None:
        return column.collation in C_LOCALES
    if facts.setting("locale_provider") == "builtin":
        return facts.setting("locale") in ("C", "C.UTF-8")
    return facts.setting("locale_provider") != "icu" and facts.setting("lc_collate") in C_LOCALES


def _is_join(predicate: Predicate) -> bool:
    value = predicate.value
    return value.kind == "column" or bool(value.columns) or (value.kind == "subquery" and predicate.operator == "IN")


def _fixed(predicate: Predicate, column: Column, share: float, facts: Facts) -> str | None:
    """The predicate as an index's WHERE may say it.

    A constant of the text may be one value of many that the application sends. Only a state that rows pass through
    (`queued`, while nearly all are `done`) is one that it always asks for, and one that makes a small index.
    """
    name, sign = quoted(column.name), predicate.operator
    if sign in ("IS NULL", "IS NOT NULL"):
        return f"{name} {sign}"
    if column.type == "boolean" and truth_of(predicate) is not None:
        return name if truth_of(predicate) else f"NOT {name}"
    if sign in ("IS NOT TRUE", "IS NOT FALSE", "IS UNKNOWN", "IS NOT UNKNOWN") and not predicate.is_negated:
        return f"{name} {sign}"
    spelled = _spelled(predicate.value)
    is_passing = sign == "=" and not predicate.is_negated and share <= PASSING and _is_state(column, facts)
    if spelled is None or not is_passing or _ID.search(column.name):
        return None
    return canonical(f"{name} = {spelled}")


def _spelled(value: Value) -> str | None:
    if value.kind != "constant" or value.type not in ("string", "integer", "number"):
        return None
    return "'" + value.text.replace("'", "''") + "'" if value.type == "string" else value.text


def _is_state(column: Column, facts: Facts) -> bool:
    """Whether the column has few values, one of which most rows come to rest in."""
    is_enum = any(each.kind == "enum" and each.name == column.type for each in facts.snapshot.types)
    fits = is_enum or column.type.startswith(("text", "character", "smallint", "integer"))
    if not fits or column.statistics is None:
        return False
    seen = column.statistics
    has_few = seen.n_distinct > 0 and distinct_values(column, 1e9) <= FEW_VALUES
    return has_few and max(seen.most_common_frequencies, default=0.0) >= RESTING
