"""Statistics of a column among the rows of a partial index, where its predicate speaks of the column."""

import msgspec

from pgadvisor.model.catalog import ColumnStatistics
from pgadvisor.sql.nodes import constant, operator, parts, unwrap
from pgadvisor.sql.parse import Node, Unread, parse_tree


def restricted(
    statistics: ColumnStatistics | None, predicate: str | None, column: str | None
) -> ColumnStatistics | None:
    """The statistics that remain; those of other columns are taken to be as they are."""
    if statistics is None or predicate is None or column is None:
        return statistics
    for conjunct in _conjuncts(predicate):
        kind, body = unwrap(conjunct)
        if kind == "NullTest" and _is(body["arg"], column):
            return _all_null(statistics) if body.get("nulltesttype") == "IS_NULL" else _without_nulls(statistics)
        is_flag = kind == "BoolExpr" and body.get("boolop") == "NOT_EXPR" and _is(body["args"][0], column)
        if is_flag or _is(conjunct, column) or (kind == "A_Expr" and _is_equality(body, column)):
            return msgspec.structs.replace(
                statistics, null_fraction=0.0, n_distinct=1.0, most_common_frequencies=(1.0,)
            )
        if kind == "A_Expr" and any(_is(body[side], column) for side in ("lexpr", "rexpr") if side in body):
            return _without_nulls(statistics)
    return statistics


def _conjuncts(predicate: str) -> list[Node]:
    statements = parse_tree(f"SELECT WHERE {predicate}")
    if isinstance(statements, Unread) or len(statements) != 1:
        return []
    where = statements[0]["stmt"].get("SelectStmt", {}).get("whereClause", {})
    kind, body = unwrap(where) if where else ("", {})
    if kind == "BoolExpr" and body.get("boolop") == "AND_EXPR":
        return list(body["args"])
    return [where] if where else []


def _is(node: Node, column: str) -> bool:
    """Whether the node is the column, casts apart."""
    kind, body = unwrap(node)
    if kind == "TypeCast":
        return _is(body["arg"], column)
    return kind == "ColumnRef" and parts(body)[-1] == column


def _is_equality(body: Node, column: str) -> bool:
    if body.get("kind", "AEXPR_OP") != "AEXPR_OP" or operator(body) != "=" or "lexpr" not in body:
        return False
    right = body["rexpr"]
    kind, inner = unwrap(right)
    return _is(body["lexpr"], column) and constant(inner["arg"] if kind == "TypeCast" else right) is not None


def _all_null(statistics: ColumnStatistics) -> ColumnStatistics:
    return msgspec.structs.replace(statistics, null_fraction=1.0, most_common_frequencies=(), n_distinct=0.0)


def _without_nulls(statistics: ColumnStatistics) -> ColumnStatistics:
    filled = 1.0 - statistics.null_fraction
    if filled <= 0.0 or filled == 1.0:
        return statistics
    count = statistics.n_distinct / filled if statistics.n_distinct < 0 else statistics.n_distinct
    return msgspec.structs.replace(
        statistics,
        null_fraction=0.0,
        n_distinct=max(count, -1.0),
        most_common_frequencies=tuple(share / filled for share in statistics.most_common_frequencies),
    )
