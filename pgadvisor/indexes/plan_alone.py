"""The index that a scan's own conditions ask for where no catalog is known: read from the plan's text alone."""

import re
from collections.abc import Iterable, Sequence

from pgadvisor.facts import Facts
from pgadvisor.indexes.wanted import WantedIndex, WantedKey
from pgadvisor.model.finding import Remedy
from pgadvisor.model.plan import PlanNode
from pgadvisor.sql.identifiers import object_name, quoted
from pgadvisor.sql.parse import Unread
from pgadvisor.sql.query import ColumnUse, Predicate, Scope, SortKey
from pgadvisor.sql.reader import read_query
from pgadvisor.sql.schema import Schema

EQUAL = ("=", "IN", "= ANY", "IS NULL")
SEVERAL = ("IN", "= ANY")
"""Equal to one of several values: what comes behind in an index is in order for each value only."""
RANGE = ("<", "<=", ">", ">=", "BETWEEN")
TEXTS = ("text", "character varying", "bpchar")
"""A cast to these changes nothing for a column of the other: EXPLAIN prints it around each varchar column."""
MOST_KEYS = 3
TRIGRAMS = "gin_trgm_ops"
_PART = re.compile(r"'?%.*\w{3}")
"""A pattern that may begin anywhere, with enough letters for a trigram."""
_QUALIFIER = re.compile(r"(?<![\w.\"'])([a-z_]\w*)(?=\.[a-z_\"])")
"""What stands before a column's name: EXPLAIN names the relation of each as soon as there are two."""
_VALUE = re.compile(r"(?<=[ (,])\?(?=[:),]|\Z)")
"""What a redacted plan has for a value."""


def is_unknown(facts: Facts, node: PlanNode) -> bool:
    """Whether the node scans a table of which no catalog tells: all that is known of it is the plan."""
    return node.table is not None and not facts.has_catalog


def index_by_plan(node: PlanNode, sort_keys: Iterable[str] = (), *, joined_by: str | None = None) -> WantedIndex | None:
    """The B-tree index for the conditions that the scan tests: columns compared for equality, then a range or an order.

    `sort_keys`: the order asked of it, as EXPLAIN prints it. `joined_by`: the condition of the join it is a side of.
    None: its conditions name nothing that such an index could serve.
    """
    scope = _scope(node, sort_keys, joined_by)
    if scope is None or node.table is None:
        return None
    equal = _columns(node, sorted((each for each in scope.predicates if each.operator in EQUAL), key=_is_null))
    ranged = _ranged(node, scope, equal)
    order = [_sort_key(each) for each in scope.sort_keys if each.column and each.column.column == each.key]
    if len(order) < len(scope.sort_keys) or any(each.operator in SEVERAL for each in scope.predicates):
        order = []
    if order and {key.is_descending for key in order} == {True}:
        order = [_key(key.column) for key in order]
    tail = order if order and not set(ranged) - {key.column for key in order} else [_key(each) for each in ranged]
    keys = [*map(_key, equal), *_folded(node, scope)]
    equalities = min(len(keys), MOST_KEYS)
    keys += [key for key in tail if key.column not in equal]
    table = f"{node.schema}.{node.table}" if node.schema else node.table
    if not keys and not scope.sort_keys and (column := _searched(node, scope)):
        trigrams = WantedKey(text=quoted(column), key=column, label=column, column=column, operator_class=TRIGRAMS)
        return WantedIndex(table=table, keys=(trigrams,), method="gin", extension="pg_trgm")
    if not keys or _is_used(node, keys):
        return None
    return WantedIndex(table=table, keys=tuple(keys[:MOST_KEYS]), equalities=equalities)


def create_by_plan(wanted: WantedIndex) -> Remedy:
    """What makes that index, with what to look at first."""
    parts = wanted.table.split(".")
    name = quoted(object_name(parts[-1], tuple(key.label for key in wanted.keys), "idx"))
    table, schema = ".".join(quoted(part) for part in parts), "".join(f"{quoted(part)}." for part in parts[:-1])
    extension = f"CREATE EXTENSION IF NOT EXISTS {wanted.extension};\n" if wanted.extension else ""
    return Remedy(
        text=f"Look whether {wanted.table} has an index {wanted.spelled}; if it has none, create it.",
        sql=f"{extension}CREATE INDEX CONCURRENTLY {name} ON {table} {wanted.spelled};",
        undo=f"DROP INDEX CONCURRENTLY {schema}{name};",
        lock=f"SHARE UPDATE EXCLUSIVE on {wanted.table}: reads and writes go on",
        cost="each INSERT, and each UPDATE that is not HOT, writes one more index entry",
    )


def _scope(node: PlanNode, sort_keys: Iterable[str], joined_by: str | None) -> Scope | None:
    """The scan as the query it is, read like any other."""
    found = node.index_condition or node.recheck_condition
    tested = (_VALUE.sub("$1", each) for each in (found, node.filter, joined_by) if each)
    conditions = " AND ".join(f"({each})" for each in tested)
    where = f" WHERE {conditions}" if conditions else ""
    order = f" ORDER BY {', '.join(keys)}" if (keys := tuple(sort_keys)) else ""
    alias = quoted(node.alias or node.table or "")
    others = sorted(set(_QUALIFIER.findall(conditions)) - {alias})
    tables = ", ".join((f"{quoted(node.table or '')} AS {alias}", *others))
    query = read_query(f"SELECT FROM {tables}{where}{order}", Schema())
    return None if isinstance(query, Unread) else query.top


def _folded(node: PlanNode, scope: Scope) -> list[WantedKey]:
    """Columns that are compared whatever their case: an index on that expression serves it."""
    alias = node.alias or node.table or ""
    found = {}
    for each in scope.predicates:
        is_folded = each.wrap == "function" and each.function in ("lower", "upper")
        if not (is_folded and each.operator in EQUAL and each.is_conjunct and not each.is_negated and each.column):
            continue
        if _is_own(node, each.column) and len(each.columns) == 1:
            text, column = re.sub(rf"\b{re.escape(alias)}\.", "", each.source), each.column.column
            found[text] = WantedKey(text=text, key=each.key, label=f"{column}_{each.function}", column=column)
    return list(found.values())


def _searched(node: PlanNode, scope: Scope) -> str | None:
    """The column that is searched for a part of its text."""
    parts = (each for each in scope.predicates if each.operator in ("LIKE", "~~", "ILIKE", "~~*"))
    inner = (each for each in parts if each.value.kind == "constant" and _PART.match(each.value.text))
    return next(iter(_columns(node, inner)), None)


def _is_used(node: PlanNode, keys: Sequence[WantedKey]) -> bool:
    """Whether the scan searches an index by all of these columns already."""
    searched = re.sub(r"'[^']*'", " ", node.index_condition or node.recheck_condition or "")
    return {key.column for key in keys} <= set(re.findall(r"\w+", searched))


def _ranged(node: PlanNode, scope: Scope, equal: Sequence[str]) -> list[str]:
    """The columns whose range an index could serve: one behind equalities, else all, those with both ends first.

    A single end may keep nearly all rows: it tells of what is thrown away only where nothing else is tested.
    """
    ends = [each for each in scope.predicates if each.operator in RANGE and each.is_conjunct]
    found = [column for column in _columns(node, ends) if column not in equal]
    bounded = [column for column in found if _ends(ends, column) > 1]
    ordered = [*bounded, *(column for column in found if column not in bounded)]
    if equal:
        return ordered[:1]
    is_all = all(each.column and each.column.column in found for each in scope.predicates)
    return ordered if bounded or (is_all and len(found) == 1) else []


def _is_null(predicate: Predicate) -> bool:
    """What most rows are, as a rule: the last of the keys."""
    return predicate.operator == "IS NULL"


def _ends(ranges: Sequence[Predicate], column: str) -> int:
    own = (each for each in ranges if each.column and each.column.column == column)
    return sum(2 if each.operator == "BETWEEN" else 1 for each in own)


def _columns(node: PlanNode, predicates: Iterable[Predicate]) -> list[str]:
    """The columns of the scanned table that those conjuncts compare bare, with a value or another relation's column."""
    found: dict[str, None] = {}
    for each in predicates:
        is_bare = not each.is_wrapped or (each.wrap == "cast" and each.cast_to in TEXTS)
        if each.column is None or not each.is_conjunct or each.is_negated or not is_bare or len(each.columns) != 1:
            continue
        other = each.value.column
        is_turned = any(_is_own(node, column) for column in (other, *each.value.columns) if column)
        if _is_own(node, each.column) and not is_turned:
            found[each.column.column] = None
        elif other and is_turned and each.operator == "=" and not _is_own(node, each.column):
            found[other.column] = None
    return list(found)


def _is_own(node: PlanNode, column: ColumnUse) -> bool:
    """Whether it is of the scanned table: a scan's own columns stand bare, those of others have their relation."""
    return column.alias in (None, node.alias or node.table)


def _key(column: str) -> WantedKey:
    return WantedKey(text=quoted(column), key=column, label=column, column=column)


def _sort_key(key: SortKey) -> WantedKey:
    assert key.column is not None
    is_first = key.is_descending if key.is_nulls_first is None else key.is_nulls_first
    return WantedKey(text=quoted(key.column.column), key=key.column.column, label=key.column.column,
                     column=key.column.column, is_descending=key.is_descending, is_nulls_first=is_first)  # fmt: skip
