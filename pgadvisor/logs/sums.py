"""Many durations at once, to the sums of their statements; and sums to a Spread."""

from collections.abc import Sequence

import numpy as np
from ddsketch import DDSketch
from ddsketch.mapping import LogarithmicMapping

from pgadvisor.logs.part import Group, Times
from pgadvisor.logs.sketch import ACCURACY
from pgadvisor.model.log import Spread

_MAPPING = LogarithmicMapping(ACCURACY)
_BINS = 2048
_EDGES = np.power(_MAPPING.gamma, np.arange(_BINS - 1))
"""The upper ends of the sketch's bins, in microseconds; no time at all is in the first, with one microsecond."""


def count_times(groups: Sequence[Group], numbers: Sequence[int], us: Sequence[int]) -> None:
    """Add each run's time to its group, the one with that number, and count the runs."""
    if not numbers:
        return
    group, times = np.array(numbers, dtype=np.int64), np.array(us, dtype=np.int64)
    order = np.argsort(group, kind="stable")
    group, times = group[order], times[order]
    starts = np.flatnonzero(np.diff(group, prepend=-1))
    counts = np.diff(starts, append=len(group))
    sums = (np.add.reduceat(times, starts), np.minimum.reduceat(times, starts), np.maximum.reduceat(times, starts))
    for number, count, total, least, most in zip(
        group[starts].tolist(), counts.tolist(), *(each.tolist() for each in sums), strict=True
    ):
        groups[number].runs += count
        groups[number].times.add(count, total, least, most)
    pairs, counts = np.unique(group * _BINS + np.searchsorted(_EDGES, times), return_counts=True)
    for pair, count in zip(pairs.tolist(), counts.tolist(), strict=True):
        bins = groups[pair // _BINS].times.bins
        bins[pair % _BINS] = bins.get(pair % _BINS, 0) + count


def count_one(times: Times, us: int) -> None:
    """Add one time."""
    times.add(1, us, us, us)
    number = bin_of(us)
    times.bins[number] = times.bins.get(number, 0) + 1


def bin_of(us: int) -> int:
    """The bin of the sketch in which it lies."""
    return int(np.searchsorted(_EDGES, us))


def spread_of(times: Times) -> Spread | None:
    """The spread in milliseconds; quantiles lie within the ends."""
    if times.least is None:
        return None
    sketch = DDSketch(ACCURACY)
    for number, count in sorted(times.bins.items()):
        sketch.add(_MAPPING.value(number), count)
    median, p95, p99 = (
        min(max(round(sketch.get_quantile_value(share) or 0.0, 3), times.least), times.most) / 1000
        for share in (0.5, 0.95, 0.99)
    )
    return Spread(count=times.count, total=times.total / 1000, least=times.least / 1000, median=median, p95=p95,
                  p99=p99, most=times.most / 1000)  # fmt: skip
