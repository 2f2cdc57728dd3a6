"""The index that a scan's own conditions ask for where no catalog is known: read from the plan's text alone."""

import re
from collections.abc import Iterable

from pgadvisor.facts import Facts
from pgadvisor.indexes.wanted import WantedIndex, WantedKey
from pgadvisor.model.finding import Remedy
from pgadvisor.model.plan import PlanNode
from pgadvisor.sql.identifiers import object_name, quoted
from pgadvisor.sql.parse import Unread
from pgadvisor.sql.query import Predicate, Scope, SortKey
from pgadvisor.sql.reader import read_query
from pgadvisor.sql.schema import Schema

EQUAL = ("=", "IN", "= ANY")
RANGE = ("<", "<=", ">", ">=", "BETWEEN")
TEXTS = ("text", "character varying", "bpchar")
"""A cast to these changes nothing for a column of the other: EXPLAIN prints it around each varchar column."""
MOST_KEYS = 3
_QUALIFIER = re.compile(r"(?<![\w.\"'])([a-z_]\w*)(?=\.[a-z_\"])")
"""What stands before a column's name: EXPLAIN names the relation of each as soon as there are two."""


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
    equal = _columns(node, (each for each in scope.predicates if each.operator in EQUAL))
    ranged = _columns(node, (each for each in scope.predicates if each.operator in RANGE))
    order = [_sort_key(each) for each in scope.sort_keys if each.column and each.column.column == each.key]
    if len(order) < len(scope.sort_keys) or any(each.operator in EQUAL[1:] for each in scope.predicates):
        order = []
    if order and {key.is_descending for key in order} == {True}:
        order = [_key(key.column) for key in order]
    tail = order if order and not set(ranged) - {key.column for key in order} else [_key(each) for each in ranged[:1]]
    keys = [_key(each) for each in equal]
    keys += [key for key in tail if key.column not in equal]
    if not keys:
        return None
    table = f"{node.schema}.{node.table}" if node.schema else node.table
    return WantedIndex(table=table, keys=tuple(keys[:MOST_KEYS]), equalities=min(len(equal), MOST_KEYS))


def create_by_plan(wanted: WantedIndex) -> Remedy:
    """What makes that index, with what to look at first."""
    parts = wanted.table.split(".")
    name = quoted(object_name(parts[-1], tuple(key.label for key in wanted.keys), "idx"))
    table, schema = ".".join(quoted(part) for part in parts), "".join(f"{quoted(part)}." for part in parts[:-1])
    return Remedy(
        text=f"Look whether {wanted.table} has an index {wanted.spelled}; if it has none, create it.",
        sql=f"CREATE INDEX CONCURRENTLY {name} ON {table} {wanted.spelled};",
        undo=f"DROP INDEX CONCURRENTLY {schema}{name};",
        lock=f"SHARE UPDATE EXCLUSIVE on {wanted.table}: reads and writes go on",
        cost="each INSERT, and each UPDATE that is not HOT, writes one more index entry",
    )


def _scope(node: PlanNode, sort_keys: Iterable[str], joined_by: str | None) -> Scope | None:
    """The scan as the query it is, read like any other."""
    conditions = " AND ".join(f"({each})" for each in (node.index_condition, node.filter, joined_by) if each)
    where = f" WHERE {conditions}" if conditions else ""
    order = f" ORDER BY {', '.join(keys)}" if (keys := tuple(sort_keys)) else ""
    alias = quoted(node.alias or node.table or "")
    others = sorted(set(_QUALIFIER.findall(conditions)) - {alias})
    tables = ", ".join((f"{quoted(node.table or '')} AS {alias}", *others))
    query = read_query(f"SELECT FROM {tables}{where}{order}", Schema())
    return None if isinstance(query, Unread) else query.top


def _columns(node: PlanNode, predicates: Iterable[Predicate]) -> list[str]:
    """The columns of the scanned table that those conjuncts compare bare."""
    found: dict[str, None] = {}
    for each in predicates:
        is_bare = not each.is_wrapped or (each.wrap == "cast" and each.cast_to in TEXTS)
        if each.column is None or not each.is_conjunct or each.is_negated or not is_bare or len(each.columns) != 1:
            continue
        if each.column.alias == (node.alias or node.table):
            found[each.column.column] = None
        elif each.value.column and each.value.column.alias == node.alias and each.operator == "=":
            found[each.value.column.column] = None
    return list(found)


def _key(column: str) -> WantedKey:
    return WantedKey(text=quoted(column), key=column, label=column, column=column)


def _sort_key(key: SortKey) -> WantedKey:
    assert key.column is not None
    is_first = key.is_descending if key.is_nulls_first is None else key.is_nulls_first
    return WantedKey(text=quoted(key.column.column), key=key.column.column, label=key.column.column,
                     column=key.column.column, is_descending=key.is_descending, is_nulls_first=is_first)  # fmt: skip
