"""Many durations at once, to the sums of their statements."""

from collections.abc import Sequence

import numpy as np

from pgadvisor.logs.figures import BINS, EDGES
from pgadvisor.logs.part import Group


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
        groups[number].times.add_sums(count, total, least, most)
    pairs, counts = np.unique(group * BINS + np.searchsorted(EDGES, times), return_counts=True)
    for pair, count in zip(pairs.tolist(), counts.tolist(), strict=True):
        bins = groups[pair // BINS].times.bins
        bins[pair % BINS] = bins.get(pair % BINS, 0) + count
