"""Why the estimate of a scan is off: each cause tested against what the snapshot holds, the surest first."""

from collections.abc import Callable
from math import ceil

from pgadvisor.estimates.case import ALIKE, TOP_TARGET, Case, Cause, alike
from pgadvisor.estimates.conditions import PATTERN, bare_equal, is_bare_equal, is_unknown
from pgadvisor.estimates.correlation import STEP, correlated
from pgadvisor.estimates.expressions import expression, is_default
from pgadvisor.estimates.misestimate import FAR
from pgadvisor.estimates.remedies import analyze, analyze_more_often, longer_list
from pgadvisor.estimates.shares import default_share, rest_share
from pgadvisor.indexes.sizes import distinct_values
from pgadvisor.model.catalog import Column, Table
from pgadvisor.model.finding import Evidence, Remedy, Rung
from pgadvisor.sql.query import Predicate

STALE = 0.2
"""Twice the share of changed rows at which autovacuum analyzes by default."""
GROWN = 1.5
"""A file that is so many times as long as when ANALYZE, or VACUUM, last saw it has other rows in it."""
GROWN_PAGES = 64
PAST_THE_END = 0.5
"""Rows changed since ANALYZE that are so many of those that were not expected may be all of them."""
GROWING = ("smallint", "integer", "bigint", "numeric", "date", "timestamp")
"""Types whose values grow with time."""
SEEN_BY_HISTOGRAM = 2.0
"""Matches among the bounds of a histogram, from which on their share is worth something."""


def cause_of(case: Case) -> Cause | None:
    """The likeliest cause; None: none of those that can be tested holds."""
    return next((found for test in _TESTS if (found := test(case))), None)


def stale(case: Case) -> Cause | None:
    """The statistics are missing, or older than the rows."""
    evidence = stale_evidence(case.table)
    if evidence is None:
        return None
    remedy = analyze(case.table, f"Analyze {case.table.label}: its statistics are old or missing.")
    return Cause(name="stale statistics", columns=(), evidence=evidence, remedy=remedy)


def stale_evidence(table: Table) -> Evidence | None:
    """What says that the statistics are missing or older than the rows; None: nothing does."""
    counters = table.counters
    has_statistics = table.hidden_statistics or any(column.statistics for column in table.columns)
    if counters is not None and counters.last_analyze_at is None and not has_statistics:
        return Evidence(rung=Rung.MEASURED, text=f"{table.label} was never analyzed")
    if counters is not None and changed_share(table) > STALE:
        text = f"{changed_share(table):.0%} of its rows changed since the last ANALYZE"
        return Evidence(rung=Rung.MEASURED, text=text)
    pages = (table.heap_bytes or 0) // 8192
    if has_statistics and table.kind == "table" and pages > GROWN * table.pages + GROWN_PAGES:
        text = f"{table.label} has {pages:,} pages and had {table.pages:,} when it was last analyzed or vacuumed"
        return Evidence(rung=Rung.MEASURED, text=text)
    return None


def changed_share(table: Table) -> float:
    """Rows changed since the last ANALYZE, as a share of those that there are.

    Changes of the session that analyzes are counted up to a second later, and then seem to have come after it: where
    ANALYZE saw rows, not all changes that ever were can be since. Counters that were reset know of few live rows.
    """
    counters = table.counters
    if counters is None:
        return 0.0
    ever = counters.rows_inserted + counters.rows_updated + counters.rows_deleted
    has_seen = counters.last_analyze_at is not None and any(column.statistics for column in table.columns)
    if has_seen and 0 < ever <= counters.modified_since_analyze:
        return 0.0
    return counters.modified_since_analyze / max(counters.live_rows, table.rows or 0.0, 1.0)


def past_the_end(case: Case) -> Cause | None:
    """A range of values that came after the last ANALYZE: beyond the histogram's end there is nothing."""
    changed = case.table.counters.modified_since_analyze if case.table.counters and changed_share(case.table) else 0
    if not case.is_too_low or case.loops > 1 or changed < PAST_THE_END * (case.actual - case.expected):
        return None
    for each in case.predicates:
        column = case.table.column(each.column.column) if each.column else None
        if each.operator not in (">", ">=", "BETWEEN") or column is None or each.is_wrapped or each.is_negated:
            continue
        if not column.type.startswith(GROWING):
            continue
        text = f"{changed:,} rows came or changed since the last ANALYZE, and {column.name} asks for the newest"
        remedy = analyze_more_often(case.table, f"Analyze {case.table.label} more often: {column.name} grows.")
        evidence = Evidence(rung=Rung.MEASURED, text=text)
        return Cause(name="past the histogram's end", columns=(column.name,), evidence=evidence, remedy=remedy)
    return None


def cross_type(case: Case) -> Cause | None:
    """A comparison that turns the column into another type, of which there are no statistics."""
    found = [each for each in case.predicates if _is_cast(case, each)]
    column = case.table.column(found[0].column.column) if found and found[0].column else None
    if column is None or case.is_joined or not is_default(case, found):
        return None
    text = f"{column.name} is {column.type} and is compared as {found[0].cast_to}, of which there are no statistics"
    remedy = Remedy(
        text=f"Compare {column.name} with a value of its own type, {column.type}: cast the value, not the column."
    )
    evidence = Evidence(rung=Rung.MEASURED, text=f"{text}: the planner took its default")
    return Cause(name="cross-type comparison", columns=(column.name,), evidence=evidence, remedy=remedy)


def _is_cast(case: Case, predicate: Predicate) -> bool:
    """Whether the bare column is cast, and nothing else is done to it."""
    name = predicate.column.column if predicate.column else ""
    is_bare = predicate.wrap == "cast" and predicate.key == f"{name}::{predicate.cast_to}"
    return is_bare and default_share(predicate) is not None


def unknown_value(case: Case) -> Cause | None:
    """A value that a subquery gives when the query runs: the planner takes that of an average row for it."""
    found = [each for each in case.conditions.predicates if is_unknown(each) and is_bare_equal(each)]
    column = case.table.column(found[0].column.column) if len(found) == 1 and found[0].column else None
    if (
        column is None
        or column.statistics is None
        or len(case.conditions.predicates) > 1
        or not case.conditions.is_whole
    ):
        return None
    rows = max(case.table.rows or 1.0, 1.0)
    average = (1.0 - column.statistics.null_fraction) / distinct_values(column, rows)
    most = max(column.statistics.most_common_frequencies, default=0.0)
    if not case.is_too_low or most < average * FAR or not alike(case.expected / case.rows, average):
        return None
    text = f"{column.name} is compared with what a subquery gives: an average value has {average:.2%} of the rows, the "
    evidence = Evidence(rung=Rung.MEASURED, text=f"{text}most common one {most:.1%}")
    remedy = Remedy(text=f"Ask for the value of {column.name} first, and send it with the query as a parameter.")
    return Cause(name="value unknown to the planner", columns=(column.name,), evidence=evidence, remedy=remedy)


def skewed(case: Case) -> Cause | None:
    """A value that is frequent, but not enough for the list of most common values."""
    columns = bare_equal(case.predicates)
    column = case.table.column(columns[0]) if len(columns) == 1 == len(case.predicates) else None
    seen = column.statistics if column else None
    if column is None or seen is None or not case.is_too_low or case.is_joined or not _is_one_value(case.predicates[0]):
        return None
    rest, actual = rest_share(column, case.table.rows or 1.0), case.actual / case.rows
    is_full = len(seen.most_common_frequencies) >= case.target
    if not is_full or actual > ALIKE * seen.most_common_frequencies[-1] or not alike(case.expected / case.rows, rest):
        return None
    target = min(max(ceil(1.0 / actual / STEP) * STEP, 2 * case.target), 10 * TOP_TARGET)
    listed = len(seen.most_common_frequencies)
    text = (
        f"the {listed:,} most common values of {column.name} have {seen.most_common_frequencies[-1]:.2%} of the rows or"
        f" more; this one has {actual:.2%}, and the others were taken for {rest:.3%} each"
    )
    evidence = Evidence(rung=Rung.MEASURED, text=text)
    remedy = longer_list(case.table, columns, target, f"Keep more common values of {column.name} in the statistics.")
    return Cause(name="skew beyond the common values", columns=columns, evidence=evidence, remedy=remedy)


def _is_one_value(predicate: Predicate) -> bool:
    return predicate.operator == "=" and is_bare_equal(predicate)


def pattern(case: Case) -> Cause | None:
    """A pattern that the histogram's few values do not show."""
    found = [each for each in case.predicates if each.operator in PATTERN]
    if len(found) != 1 or len(case.predicates) != 1 or case.is_joined or found[0].is_wrapped or found[0].is_negated:
        return None
    column = case.table.column(found[0].column.column) if found[0].column else None
    actual = case.actual / case.rows
    if column is None or column.statistics is None or not case.is_too_low or actual * TOP_TARGET < SEEN_BY_HISTOGRAM:
        return None
    if actual * case.target > 1.0 / (1.0 - _common(column)):
        return None
    text = f"the pattern is tried on {case.target:,} values of {column.name}, and fits {actual:.2%} of the rows"
    evidence = Evidence(rung=Rung.INFERRED, text=text)
    what = f"Keep more values of {column.name} in the statistics, on which the pattern is tried."
    remedy = longer_list(case.table, (column.name,), TOP_TARGET, what)
    return Cause(name="pattern", columns=(column.name,), evidence=evidence, remedy=remedy)


def _common(column: Column) -> float:
    """The share of the rows that the most common values hold, nearly all at most."""
    return min(sum(column.statistics.most_common_frequencies), 0.99) if column.statistics else 0.0


_TESTS: tuple[Callable[[Case], Cause | None], ...] = (
    stale,
    past_the_end,
    cross_type,
    unknown_value,
    expression,
    correlated,
    skewed,
    pattern,
)
