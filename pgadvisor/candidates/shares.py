"""Which share of a table's rows a predicate keeps, by the statistics, as PostgreSQL's selfuncs.c would guess."""

from bisect import bisect_left

from pgadvisor.indexes.offers import truth_of, value_share
from pgadvisor.model.catalog import Column
from pgadvisor.sql.query import Predicate, Value

UNKNOWN_EQUAL = 0.005
"""DEFAULT_EQ_SEL."""
UNKNOWN_RANGE = 1 / 3
"""DEFAULT_INEQ_SEL."""
UNKNOWN_BETWEEN = 0.05
"""A range with both ends: DEFAULT_RANGE_INEQ_SEL is 0.005, but people ask for wider ones."""
UNKNOWN_PATTERN = 0.01


def share_of(predicate: Predicate, column: Column, rows: float) -> float:
    """The share of the rows that a predicate on that column (or an expression over it) keeps."""
    seen, value = column.statistics, predicate.value
    kept = _flag_share(predicate, column)
    if kept is not None:
        return kept
    match predicate.operator:
        case "=":
            kept = value_share(value, column, rows)
        case "IN" | "= ANY":
            kept = _list_share(value, column, rows)
        case "IS NULL" | "IS NOT NULL" if seen:
            kept = seen.null_fraction if predicate.operator == "IS NULL" else 1.0 - seen.null_fraction
        case "BETWEEN":
            kept = _between(column, predicate)
        case "<" | "<=" | ">" | ">=":
            kept = 0.0 if predicate.is_wrapped else range_share(column, predicate.operator, value)
            kept = kept or UNKNOWN_RANGE
        case "<>" | "NOT IN":
            kept = 1.0 - (value_share(value, column, rows) or 0.0)
        case "LIKE" | "ILIKE" | "~" | "~*" | "@>" | "&&" | "@@" | "?" | "<@" | "?|" | "?&":
            kept = UNKNOWN_PATTERN
        case _:
            return UNKNOWN_RANGE
    kept = UNKNOWN_EQUAL if kept is None else kept
    return min(max(1.0 - kept if predicate.is_negated else kept, 1e-9), 1.0)


def range_share(column: Column, sign: str, value: Value) -> float | None:
    """The share beyond a constant, by the histogram and the most common values; None: they do not say."""
    seen = column.statistics
    bounds = seen.histogram_bounds if seen else None
    if seen is None or value.kind != "constant":
        return None
    at = _place(column, value.text)
    common = list(zip(seen.most_common_values or (), seen.most_common_frequencies, strict=False))
    places = [_place(column, each) for each in bounds or ()]
    if at is None or not (places or common):
        return None
    known = sorted(place for place in places if place is not None and type(place) is type(at))
    rest = max(1.0 - seen.null_fraction - sum(share for _, share in common), 0.0)
    below = rest * bisect_left(known, at) / len(known) if known else 0.0
    for text, share in common:
        place = _place(column, text)
        if place is not None and type(place) is type(at) and place < at:  # type: ignore[operator]
            below += share
    return below if sign.startswith("<") else max(1.0 - seen.null_fraction - below, 0.0)


def _between(column: Column, predicate: Predicate) -> float:
    if predicate.is_wrapped or predicate.upper is None:
        return UNKNOWN_BETWEEN
    above, below = range_share(column, ">=", predicate.value), range_share(column, "<=", predicate.upper)
    if above is None or below is None:
        return UNKNOWN_BETWEEN
    filled = 1.0 - (column.statistics.null_fraction if column.statistics else 0.0)
    return max(above + below - filled, 1e-4)


def _place(column: Column, text: str) -> float | str | None:
    """Where a value stands in the column's order, in a form that compares as the values do; texts of dates do."""
    if column.type.startswith(("timestamp", "date")):
        return text if text[:4].isdigit() else None
    try:
        return float(text)
    except ValueError:
        return text if column.type.startswith(("text", "character")) else None


def _flag_share(predicate: Predicate, column: Column) -> float | None:
    truth = truth_of(predicate)
    if truth is None or column.type != "boolean":
        return None
    seen = column.statistics
    shares = dict(zip(seen.most_common_values or (), seen.most_common_frequencies, strict=False)) if seen else {}
    return shares.get("t" if truth else "f", 0.001) if shares else 0.5


def _list_share(value: Value, column: Column, rows: float) -> float | None:
    if value.items:
        found = [value_share(item, column, rows) for item in value.items]
        return None if None in found else min(sum(each or 0.0 for each in found), 1.0)
    each = value_share(Value(kind="parameter"), column, rows)
    return None if each is None else min(each * (value.count or 10), 1.0)
