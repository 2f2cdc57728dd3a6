"""Orders of a relation's rows that a query could make use of: ORDER BY, GROUP BY, DISTINCT, windows, min and max."""

import re
from collections.abc import Iterator

from msgspec.structs import replace

from pgadvisor.candidates.candidate import CandidateKey
from pgadvisor.candidates.conditions import Condition
from pgadvisor.candidates.expressions import has_order, key_of, key_type, parsed
from pgadvisor.facts import Facts
from pgadvisor.indexes.offers import WIDEST_KEY
from pgadvisor.model.catalog import Table
from pgadvisor.sql.nodes import find, parts
from pgadvisor.sql.query import Predicate, Query, Scope, SortKey, TableUse

Order = tuple[CandidateKey, ...]

USUAL_LIMIT = 50.0
"""What a LIMIT with a parameter is taken for: a page."""
_EXTREME = re.compile(r"(min|max)\s*\(\s*(?:\"?\w+\"?\.)*\"?(\w+)\"?\s*\)\Z", re.I)


def orders_of(
    facts: Facts, query: Query, scope: Scope, use: TableUse, table: Table, conditions: list[Condition]
) -> tuple[Order, ...]:
    """The orders, the likeliest first, as far as they speak of the relation alone."""
    found = [_sorted(facts, query, scope, use, table)] if not scope.group_keys else []
    found += [_extreme_order(facts, scope, use, table), _grouped(facts, query, scope, use, table)]
    found += [_distinct_order(facts, scope, use, table), *_windows(facts, scope, table)]
    found += [_row(facts, each.predicate, table) for each in conditions]
    return tuple(dict.fromkeys(order for order in found if order))


def limit_of(query: Query, scope: Scope) -> float | None:
    """After how many rows the scan may stop; None: it reads all."""
    if _extreme(scope):
        return 1.0
    _, deciding = _sorting(query, scope)
    if deciding.limit is None:
        return None
    more = float(deciding.offset.text) if deciding.offset and deciding.offset.text.isdigit() else 0.0
    return (float(deciding.limit.text) if deciding.limit.text.isdigit() else USUAL_LIMIT) + more


def _sorting(query: Query, scope: Scope) -> tuple[tuple[SortKey, ...], Scope]:
    """The sort keys that decide, and the scope that they stand in: its own, or that around a UNION ALL or a plain
    derived table."""
    is_plain = not (scope.sort_keys or scope.limit or scope.group_keys or scope.is_distinct or scope.has_aggregate)
    if not is_plain or scope.has_window or scope.is_materialized or scope.references > 1:
        return scope.sort_keys, scope
    above = next((each for each in query.scopes if _gives_rows_to(scope, each)), None)
    if above is None or above.group_keys or above.is_distinct or above.has_aggregate:
        return (), scope
    own = {output.alias or output.column.column: output.column for output in scope.outputs if output.column}
    mapped = []
    for sort in above.sort_keys:
        inner = own.get(sort.column.column if sort.column else sort.key)
        if inner is None:
            break
        mapped.append(replace(sort, key=inner.column, column=inner))
    return tuple(mapped), above


def _gives_rows_to(scope: Scope, above: Scope) -> bool:
    if scope.place == "arm":
        return above.number == scope.parent and above.set_operation == "union all"
    return len(above.tables) == 1 and above.tables[0].inner == scope.number


def _sorted(facts: Facts, query: Query, scope: Scope, use: TableUse, table: Table) -> Order:
    """The first sort keys that are the relation's own: all, or enough for an incremental sort."""
    found: list[CandidateKey] = []
    for each in _sorting(query, scope)[0]:
        key = _sort_key(facts, scope, each, use, table)
        if key is None:
            break
        found.append(key)
    return plain_direction(tuple(dict.fromkeys(found)))


def _sort_key(facts: Facts, scope: Scope, sort: SortKey, use: TableUse, table: Table) -> CandidateKey | None:
    if sort.column:
        is_own = (sort.column.alias, sort.column.scope) == (use.alias, scope.number)
        key = key_of(facts, table, sort.column.column) if is_own else None
    else:
        key = key_of(facts, table, sort.key) if len(scope.tables) == 1 and not sort.is_random else None
    if key is None or not _is_sortable(facts, table, key):
        return None
    first = sort.is_descending if sort.is_nulls_first is None else sort.is_nulls_first
    return replace(key, is_descending=sort.is_descending, is_nulls_first=first)


def _is_sortable(facts: Facts, table: Table, key: CandidateKey) -> bool:
    column = table.column(key.key)
    is_wide = column is not None and column.statistics and column.statistics.average_width_bytes > WIDEST_KEY
    return not is_wide and has_order(facts, key_type(facts, table, key))


def plain_direction(order: Order) -> Order:
    """The order read backwards where that is the plain one: all ascending, nulls last."""
    turned = tuple(replace(each, is_descending=False, is_nulls_first=False) for each in order)
    is_backwards = all(each.is_descending and each.is_nulls_first for each in order)
    return turned if is_backwards else order


def _extreme(scope: Scope) -> list[str]:
    """The columns of `min(x)` and `max(x)`, where the select list is nothing else."""
    found = [match[2] for output in scope.outputs if (match := _EXTREME.match(output.text.strip()))]
    return found if scope.outputs and len(found) == len(scope.outputs) and not scope.group_keys else []


def _extreme_order(facts: Facts, scope: Scope, use: TableUse, table: Table) -> Order:
    names = _extreme(scope)
    own = [each for output in scope.outputs for each in output.columns if each.alias == use.alias]
    if not names or len(own) != len(scope.outputs) or len({each.column for each in own}) != 1:
        return ()
    key = key_of(facts, table, own[0].column)
    return (key,) if key and _is_sortable(facts, table, key) else ()


def _grouped(facts: Facts, query: Query, scope: Scope, use: TableUse, table: Table) -> Order:
    """GROUP BY in the order of ORDER BY where they agree: rows then come group by group."""
    if scope.has_grouping_sets or not scope.group_keys:
        return ()
    keys = [_sort_key(facts, scope, each, use, table) for each in scope.group_keys]
    wanted = [each.key for each in _sorted(facts, query, scope, use, table)]
    own = [key for key in keys if key is not None]
    first = [key for name in wanted for key in own if key.key == name]
    return tuple(dict.fromkeys([*first, *own])) if len(own) == len(keys) else ()


def _distinct_order(facts: Facts, scope: Scope, use: TableUse, table: Table) -> Order:
    if not scope.is_distinct or scope.distinct_on:
        return ()
    names = [output.column for output in scope.outputs if output.column and output.column.alias == use.alias]
    keys = [key for each in names if (key := key_of(facts, table, each.column)) and _is_sortable(facts, table, key)]
    return tuple(dict.fromkeys(keys)) if len(keys) == len(scope.outputs) else ()


def _windows(facts: Facts, scope: Scope, table: Table) -> Iterator[Order]:
    """PARTITION BY and then ORDER BY of each window, where both are bare columns."""
    for output in scope.outputs if scope.has_window and len(scope.tables) == 1 else ():
        for call in find(parsed(output.text), "FuncCall") if output.has_window else ():
            window = call.get("over", {})
            sorts = [each["SortBy"] for each in window.get("orderClause", ())]
            nodes = [*window.get("partitionClause", ()), *(each["node"] for each in sorts)]
            descending = [False] * (len(nodes) - len(sorts)) + [
                each.get("sortby_dir") == "SORTBY_DESC" for each in sorts
            ]
            keys = [key_of(facts, table, parts(node["ColumnRef"])[-1]) for node in nodes if "ColumnRef" in node]
            if len(keys) == len(nodes) and all(key and _is_sortable(facts, table, key) for key in keys):
                pairs = zip(keys, descending, strict=True)
                yield plain_direction(
                    tuple(replace(key, is_descending=down, is_nulls_first=down) for key, down in pairs if key)
                )


def _row(facts: Facts, predicate: Predicate, table: Table) -> Order:
    """The columns of `(a, b) < ($1, $2)`: a page that begins behind a row."""
    names = [each.column for each in predicate.columns]
    if predicate.operator not in ("<", "<=", ">", ">=") or len(names) < 2 or predicate.key[:1] != "(":
        return ()
    if predicate.key != f"({', '.join(names)})" or predicate.is_negated:
        return ()
    keys = [key_of(facts, table, name) for name in names]
    return tuple(key for key in keys if key) if all(keys) else ()
