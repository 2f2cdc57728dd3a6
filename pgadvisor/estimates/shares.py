"""Which share of a table's rows one condition may keep, as far as the column's statistics say."""

from pgadvisor.estimates.conditions import PATTERN, RANGE, is_bare_equal
from pgadvisor.indexes.sizes import distinct_values
from pgadvisor.model.catalog import Column, ColumnStatistics, Table
from pgadvisor.model.record import Record
from pgadvisor.sql.query import Predicate

UNKNOWN_EQUAL = 0.005
"""DEFAULT_EQ_SEL, and one of DEFAULT_NUM_DISTINCT values (src/include/utils/selfuncs.h)."""
UNKNOWN_RANGE = 1 / 3
"""DEFAULT_INEQ_SEL."""
UNKNOWN_BOTH_ENDS = 0.005
"""DEFAULT_RANGE_INEQ_SEL."""
UNKNOWN_PATTERN = 0.005
"""DEFAULT_MATCH_SEL."""


class Share(Record):
    """The least and the most that a condition keeps, over the values that may be asked for."""

    least: float
    most: float


def share_of(predicate: Predicate, table: Table) -> Share | None:
    """Of an equality on a bare column; None: the statistics do not say."""
    column = table.column(predicate.column.column) if predicate.column else None
    if column is None or column.statistics is None or not is_bare_equal(predicate):
        return None
    seen, rows = column.statistics, max(table.rows or 1.0, 1.0)
    if predicate.operator == "IS NULL":
        return Share(least=seen.null_fraction, most=seen.null_fraction)
    known = _of_constant(predicate, seen)
    if known is not None:
        return Share(least=known, most=known)
    rest = rest_share(column, rows)
    several = predicate.operator in ("IN", "= ANY")
    least = min([rest, *seen.most_common_frequencies[-1:]]) if rest else min(seen.most_common_frequencies, default=0.0)
    most = max([rest, *seen.most_common_frequencies[:1]])
    return Share(least=least, most=1.0 if several else most)


def _of_constant(predicate: Predicate, seen: ColumnStatistics) -> float | None:
    """The frequency of a value that the text names and the statistics hold."""
    if predicate.operator != "=" or predicate.value.kind != "constant" or not seen.most_common_values:
        return None
    return dict(zip(seen.most_common_values, seen.most_common_frequencies, strict=False)).get(predicate.value.text)


def rest_share(column: Column, rows: float) -> float:
    """What the planner takes for each value that is not among the most common ones (var_eq_const in selfuncs.c)."""
    seen = column.statistics
    if seen is None:
        return UNKNOWN_EQUAL
    others = distinct_values(column, rows) - len(seen.most_common_frequencies)
    left = 1.0 - seen.null_fraction - sum(seen.most_common_frequencies)
    return max(left, 0.0) / others if others >= 1.0 else 0.0


def default_share(predicate: Predicate) -> float | None:
    """What the planner takes where there are no statistics of what is compared; None: it has other ways."""
    if predicate.operator == "=":
        share = UNKNOWN_EQUAL
    elif predicate.operator in RANGE:
        share = UNKNOWN_BOTH_ENDS if predicate.operator == "BETWEEN" else UNKNOWN_RANGE
    elif predicate.operator in PATTERN:
        share = UNKNOWN_PATTERN
    else:
        return None
    return 1.0 - share if predicate.is_negated else share
