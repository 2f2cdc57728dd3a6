"""Which rows of a query can repeat: relations of which one row goes with each row of its result."""

from collections.abc import Iterable

from pgadvisor.facts import Facts
from pgadvisor.sql.query import ColumnUse, Output, Predicate, Query, Scope, TableUse, Value

NEARLY = 0.95
"""Share of distinct values among the rows from which a column is all but unique."""


def told_relations(
    query: Query, scope: Scope, facts: Facts, *, nearly: bool = False, shown: tuple[ColumnUse, ...] | None = None
) -> frozenset[str]:
    """Aliases of the scope's relations of which the row is told by a row of its result: their key is in it, or a
    condition equates it with something told. `nearly`: a column that is unique in fact, not by law, is a key too.
    `shown`: the columns that tell, where they are others than those of the result."""
    if any(use.join in ("right", "full", "natural") for use in scope.tables):
        return frozenset()
    found: frozenset[str] = frozenset()
    while True:
        more = frozenset(use.alias for use in scope.tables if _is_told(query, scope, facts, use, found, nearly, shown))
        if more <= found:
            return found
        found |= more


def single_relations(query: Query, scope: Scope, facts: Facts, told: Iterable[str] = ()) -> frozenset[str]:
    """Aliases of the relations of which at most one row goes with each row of those told."""
    found = frozenset(told)
    while True:
        more = frozenset(use.alias for use in scope.tables if _is_key(query, facts, use, _equated(scope, use, found)))
        if more <= found:
            return found
        found |= more


def has_distinct_rows(query: Query, scope: Scope, facts: Facts) -> bool:
    """Whether no two rows of the scope's result are alike, for a reason that the text and the keys give."""
    if scope.set_operation:
        return not scope.set_operation.endswith(" all")
    if scope.is_distinct or (scope.has_aggregate and not scope.group_keys and not scope.has_grouping_sets):
        return True
    if scope.limit and scope.limit.text == "1":
        return True
    if scope.has_grouping_sets or not scope.tables:
        return not scope.tables
    if scope.group_keys:
        shown = {output.text.strip() for output in scope.outputs} | {_column_key(each) for each in scope.outputs}
        return all(key.text in shown or (key.column and _use_key(key.column) in shown) for key in scope.group_keys)
    return {use.alias for use in scope.tables} <= told_relations(query, scope, facts)


def _is_told(
    query: Query,
    scope: Scope,
    facts: Facts,
    use: TableUse,
    told: frozenset[str],
    nearly: bool,
    shown: tuple[ColumnUse, ...] | None,
) -> bool:
    names = frozenset[str]()
    if use.join != "left":
        # A row that an outer join fills up has no key.
        listed = [each for output in scope.outputs for each in _shown_columns(scope, facts, output, use)]
        columns = listed if shown is None else shown
        names = frozenset(each.column for each in columns if (each.alias, each.scope) == (use.alias, scope.number))
        if nearly and any(_is_all_but_unique(facts, use, column) for column in names):
            return True
        names = frozenset(column for column in names if not _may_be_null(facts, use, column))
    return _is_key(query, facts, use, names | _equated(scope, use, told))


def _shown_columns(scope: Scope, facts: Facts, output: Output, use: TableUse) -> tuple[ColumnUse, ...]:
    """Columns that the output hands out as they are."""
    if not output.is_star or output.star_of not in (None, use.alias):
        return (output.column,) if output.column else ()
    found = facts.table(use.table)
    names = [column.name for column in found.columns] if found else []
    return tuple(ColumnUse(column=name, table=use.table, alias=use.alias, scope=scope.number) for name in names)


def _may_be_null(facts: Facts, use: TableUse, column: str) -> bool:
    """Whether a unique key over the column lets rows repeat: any number of NULLs are allowed."""
    found = facts.column(use.table, column)
    return found is not None and not found.not_null


def _is_all_but_unique(facts: Facts, use: TableUse, column: str) -> bool:
    found, rows = facts.column(use.table, column), facts.rows(use.table)
    if found is None or found.statistics is None or facts.is_tiny(use.table):
        return False
    distinct = found.statistics.n_distinct
    return distinct <= -NEARLY or (bool(rows) and distinct >= NEARLY * (rows or 0.0))


def _equated(scope: Scope, use: TableUse, told: frozenset[str]) -> frozenset[str]:
    """Keys of the relation, columns and expressions, that a condition equates with one value for all that is told."""
    return frozenset(
        key
        for predicate in scope.predicates
        if predicate.operator == "=" and predicate.is_conjunct and not predicate.is_negated
        if predicate.place in ("where", "on")
        for key, columns, value in _sides(predicate)
        if columns and {(each.alias, each.scope) for each in columns} == {(use.alias, scope.number)}
        if _is_one_value(value, scope, told) and _holds_for(scope, use, predicate, value)
    )


def _sides(predicate: Predicate) -> list[tuple[str, tuple[ColumnUse, ...], Value]]:
    """The equality read from the left, and from the right where a bare column stands there."""
    columns = (predicate.column,) if predicate.column else predicate.columns
    sides = []
    if columns:
        key = predicate.key if predicate.is_wrapped or not predicate.column else predicate.column.column
        sides.append((key, columns, predicate.value))
    if predicate.value.column is not None:
        kind = "expression" if predicate.is_wrapped else "column"
        other = Value(kind=kind, column=predicate.column, columns=predicate.columns)  # type: ignore[arg-type]
        sides.append((predicate.value.column.column, (predicate.value.column,), other))
    return sides


def _holds_for(scope: Scope, use: TableUse, predicate: Predicate, value: Value) -> bool:
    """Whether the condition binds that relation's rows: one in the ON of a LEFT JOIN binds those of its right side."""
    if predicate.place == "where" or use.join == "left":
        return True
    order = [each.alias for each in scope.tables]
    others = {column.alias for column in (*value.columns, *((value.column,) if value.column else ()))}
    later = [each for each in scope.tables if each.alias in others and order.index(each.alias) > order.index(use.alias)]
    return all(each.join != "left" for each in later) and (bool(others) or not _has_left(scope))


def _has_left(scope: Scope) -> bool:
    return any(each.join == "left" for each in scope.tables)


def _is_one_value(value: Value, scope: Scope, told: frozenset[str]) -> bool:
    if value.kind in ("constant", "parameter"):
        return True
    columns = (value.column,) if value.column else value.columns
    if value.kind == "subquery":
        return not columns
    return value.kind in ("column", "expression") and all(
        column.alias in told if column.scope == scope.number else column.alias is not None for column in columns
    )


def _is_key(query: Query, facts: Facts, use: TableUse, keys: frozenset[str]) -> bool:
    """Whether those columns and expressions hold a unique key of the relation."""
    if use.inner is not None:
        inner = next((each for each in query.scopes if each.number == use.inner), None)
        return inner is not None and _is_key_of(query, facts, inner, keys)
    if use.kind != "table":
        return False
    found = facts.table(use.table)
    if found is None:
        return not facts.has_catalog and "id" in keys
    return any(
        index.is_unique and index.is_valid and not index.predicate and keys.issuperset(facts.index_keys(index))
        for index in found.indexes
    )


def _is_key_of(query: Query, facts: Facts, inner: Scope, keys: frozenset[str]) -> bool:
    """The same of a derived table or CTE: its groups, its single row, its distinct rows."""
    if inner.set_operation or inner.has_grouping_sets or inner.write:
        return False
    if inner.has_aggregate and not inner.group_keys:
        return True
    if inner.limit and inner.limit.text == "1":
        return True
    names = {output.name: output for output in inner.outputs}
    if inner.is_distinct:
        return keys.issuperset(each or "" for each in names)
    held = {_column_key(output) for name, output in names.items() if name in keys}
    texts = {output.text.strip() for name, output in names.items() if name in keys}
    if inner.group_keys:
        return all(key.text in texts or (key.column and _use_key(key.column) in held) for key in inner.group_keys)
    return False


def _column_key(output: Output) -> str:
    return _use_key(output.column) if output.column else ""


def _use_key(column: ColumnUse) -> str:
    return f"{column.scope}.{column.alias}.{column.column}"
