"""Whether a query's output column can be NULL."""

import re
from collections.abc import Callable

from pgadvisor.sql.query import ColumnUse, Output, Predicate, Query, Scope, TableUse

STRICT = frozenset({"=", "<>", "<", "<=", ">", ">=", "IN", "= ANY", "BETWEEN", "LIKE", "ILIKE", "@>", "~"})
"""Operators that are never true for a NULL."""
_NEVER_NULL = re.compile(
    r"(?:count|row_number|rank|dense_rank)\s*\(|coalesce\s*\(.*,\s*(?:'[^']*'|-?[\d.]+|\$\d+)\s*\)\Z", re.I | re.S
)
_MADE_NULL = re.compile(r"nullif\s*\(|case\b(?!.*\belse\b)", re.I | re.S)
"""NULLIF, and a CASE that has no ELSE."""
_KEEPS_NULL = re.compile(r"(?:max|min|sum|avg)\s*\(\s*(?:[\w\"]+\.)?[\w\"]+\s*\)\Z", re.I)
"""Aggregates that are NULL for a group without any value."""
_DEEPEST = 10
"""A recursive CTE names itself."""

Knowledge = Callable[[ColumnUse], bool | None]
"""Whether a table's column may hold NULL; None: not known."""


def is_output_nullable(query: Query, scope: Scope, knowledge: Knowledge, at: int = 0, depth: int = 0) -> bool | None:
    """Whether the scope's output number `at` can be NULL; None: not known."""
    if depth > _DEEPEST:
        return None
    if scope.set_operation:
        arms = [each for each in query.children(scope.number) if each.place == "arm"]
        if scope.set_operation in ("except", "intersect"):
            arms = arms[:1]
        answers = {is_output_nullable(query, arm, knowledge, at, depth + 1) for arm in arms}
        return True if True in answers else None if None in answers or not answers else False
    if len(scope.outputs) <= at or any(output.is_star for output in scope.outputs):
        return None
    output = scope.outputs[at]
    if output.is_constant:
        return output.text.strip().lower().startswith("null")
    if output.column is None:
        return _is_expression_nullable(query, scope, knowledge, output, depth)
    return _is_column_nullable(query, scope, knowledge, output.column, depth)


def _is_expression_nullable(
    query: Query, scope: Scope, knowledge: Knowledge, output: Output, depth: int
) -> bool | None:
    text = output.text.strip()
    if _NEVER_NULL.match(text) or _MADE_NULL.match(text):
        return _MADE_NULL.match(text) is not None
    if _KEEPS_NULL.match(text) and scope.group_keys and len(output.columns) == 1:
        return _is_column_nullable(query, scope, knowledge, output.columns[0], depth)
    return None


def _is_column_nullable(query: Query, scope: Scope, knowledge: Knowledge, column: ColumnUse, depth: int) -> bool | None:
    relation = scope.relation(column.alias)
    if relation is None:
        return None
    if _is_filtered(query, scope, column):
        return False
    if _may_be_missing(scope, relation):
        return True
    if relation.inner is None:
        return knowledge(column)
    inner = next((each for each in query.scopes if each.number == relation.inner), None)
    names = [_name(each) for each in inner.outputs] if inner else []
    if inner is None or column.column not in names:
        return None
    return is_output_nullable(query, inner, knowledge, names.index(column.column), depth + 1)


def _name(output: Output) -> str | None:
    return output.alias or (output.column.column if output.column else None)


def _may_be_missing(scope: Scope, relation: TableUse) -> bool:
    """Whether an outer join fills the relation's columns with NULLs."""
    at = scope.tables.index(relation)
    return relation.join in ("left", "full") or any(later.join in ("right", "full") for later in scope.tables[at + 1 :])


def _is_filtered(query: Query, scope: Scope, column: ColumnUse) -> bool:
    """Whether a condition that every row must meet is never true for a NULL in the column."""
    has_outer = any(use.join in ("left", "right", "full") for use in scope.tables)
    return any(
        (predicate.is_conjunct or is_denied(query, predicate))
        and (predicate.place == "where" or (predicate.place == "on" and not has_outer))
        and not predicate.is_wrapped
        and _rejects_null(predicate)
        and any(side and _is_same(side, column) for side in (predicate.column, predicate.value.column))
        for predicate in scope.predicates
    )


def is_denied(query: Query, predicate: Predicate) -> bool:
    """Whether it stands as `NOT (a = 1)`, which is not true for NULL either; `(a = 1) IS NOT TRUE` is."""
    if not predicate.is_negated or predicate.disjunction is not None or predicate.span is None:
        return False
    before, after = query.text[: predicate.span.start], query.text[predicate.span.end :]
    return bool(re.search(r"\bnot\s*\(?\s*\Z", before, re.I) and not re.match(r"\s*\)?\s*is\b", after, re.I))


def _rejects_null(predicate: Predicate) -> bool:
    if predicate.operator in ("IS NULL", "IS NOT NULL"):
        return (predicate.operator == "IS NOT NULL") != predicate.is_negated
    return predicate.operator in STRICT


def _is_same(one: ColumnUse, other: ColumnUse) -> bool:
    return (one.alias, one.column, one.scope) == (other.alias, other.column, other.scope)
