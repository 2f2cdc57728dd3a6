"""How often values occur: groups of values that are equally frequent, of one column or of several together."""

import math
from typing import NamedTuple

from pgadvisor.model.catalog import ColumnStatistics

LEAST = 1e-6
"""Expected rows of a value of a unique column: of so many possible ones none comes twice."""
MOST_GROUPS = 120
"""More than the statistics of one column have (100 common values), and products stay small."""


class Group(NamedTuple):
    """Values that are equally frequent. Chance decides how many rows each gets, and whether any."""

    values: float
    """How many values could occur."""
    share: float
    """Of the rows, what each of them is expected to have."""
    has_null: bool = False


def spectrum(statistics: ColumnStatistics | None, rows: float) -> list[Group]:
    """The groups of one column; NULL counts as a value. Without statistics every value is its own."""
    if statistics is None:
        return [Group(max(rows, 1.0) / LEAST, LEAST / max(rows, 1.0))]
    count = statistics.n_distinct if statistics.n_distinct > 0 else -statistics.n_distinct * rows
    found = [Group(1.0, share) for share in statistics.most_common_frequencies if share > 0]
    common = len(found)
    if statistics.null_fraction > 0:
        found.append(Group(1.0, statistics.null_fraction, has_null=True))
    rest = 1.0 - sum(group.share for group in found)
    others = max(min(count, rows) - common, 1.0)
    if rest > 1e-9 or not found:
        of_each = _expected(max(rest * rows, 1.0) / others)
        possible = max(rest, 1e-12) * rows / of_each
        found.append(Group(possible, max(rest, 1e-12) / possible))
    return _folded(found)


def together(left: list[Group], right: list[Group]) -> list[Group]:
    """The groups of two columns that have nothing to do with each other."""
    return _folded(
        [Group(a.values * b.values, a.share * b.share, a.has_null or b.has_null) for a in left for b in right]
    )


def _folded(groups: list[Group]) -> list[Group]:
    """Groups of like frequency made one, which keeps both their values and their rows."""
    if len(groups) <= MOST_GROUPS:
        return groups
    bins: dict[tuple[int, bool], tuple[float, float]] = {}
    for count, share, has_null in groups:
        if count * share > 0:
            place = round(3 * math.log2(share)), has_null
            values, rows = bins.get(place, (0.0, 0.0))
            bins[place] = values + count, rows + count * share
    return [Group(values, rows / values, has_null) for (_, has_null), (values, rows) in bins.items()]


def _expected(seen: float) -> float:
    """The rows that a value is expected to have when those that do occur have `seen` on average.

    Solves x / (1 - exp(-x)) = seen: the mean of a Poisson distribution without its zeros.
    """
    if seen <= 1 + LEAST:
        return LEAST
    found = max(2 * (seen - 1), LEAST) if seen < 1.5 else seen
    for _ in range(50):
        found = seen * -math.expm1(-found)
        if found < LEAST:
            return LEAST
    return found
