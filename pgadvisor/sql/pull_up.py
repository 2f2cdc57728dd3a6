"""Conditions on a derived table's column, seen as the planner sees them: on the column of the table below."""

import msgspec

from pgadvisor.sql.query import ColumnUse, Predicate, Query, Scope

_DEEPEST = 5


def pulled_up(query: Query, predicate: Predicate) -> Predicate:
    """The predicate on the table's own column, where derived tables or CTEs hand that on unchanged and unfenced."""
    for _ in range(_DEEPEST):
        below = _below(query, predicate.column)
        if below is None:
            return predicate
        # A column of another name has another key: what an index holds could not be compared with it.
        predicate = msgspec.structs.replace(predicate, column=below, columns=(below,))
    return predicate


def _below(query: Query, column: ColumnUse | None) -> ColumnUse | None:
    use = query.scopes[column.scope].relation(column.alias) if column and column.table is None else None
    inner = next((each for each in query.scopes if use and each.number == use.inner), None)
    if column is None or inner is None or not _is_open(inner):
        return None
    found = next((each.column for each in inner.outputs if each.name == column.column), None)
    if found is None and len(inner.tables) == 1 and any(each.is_star for each in inner.outputs):
        source = inner.tables[0]
        return ColumnUse(column=column.column, table=source.table, alias=source.alias, scope=inner.number)
    return found if found and (found.column, found.scope) == (column.column, inner.number) else None


def _is_open(inner: Scope) -> bool:
    """Whether the planner merges the query into the one around it."""
    is_fenced = inner.is_materialized or (inner.is_materialized is None and inner.references > 1)
    does = (
        inner.set_operation, inner.limit, inner.offset, inner.distinct_on, inner.is_distinct, inner.has_window,
        inner.is_locking, inner.write, inner.is_recursive, inner.has_aggregate, inner.group_keys,
        inner.has_grouping_sets,
    )  # fmt: skip
    return not is_fenced and not any(does)
