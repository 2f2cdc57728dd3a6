"""One figure over many observations: exact count, sum and ends, quantiles from a sketch; all of it merges."""

from bisect import bisect_left

import numpy as np
from ddsketch import DDSketch
from ddsketch.mapping import LogarithmicMapping

from pgadvisor.model.log import Spread

ACCURACY = 0.01
BINS = 2048
_MAPPING = LogarithmicMapping(ACCURACY)
EDGES = np.power(_MAPPING.gamma, np.arange(BINS - 1))
"""The upper ends of the bins of a DDSketch (Masson, Rim, Lee 2019); what is no more than one is in the first."""
_EDGES: list[float] = EDGES.tolist()


class Figures:
    """Whole numbers, so that their sum does not hang on the order of adding."""

    __slots__ = ("bins", "count", "least", "most", "total")

    def __init__(self) -> None:
        self.count = self.total = self.most = 0
        self.least: int | None = None
        self.bins: dict[int, int] = {}
        """How many lie in each bin of the sketch."""

    def add(self, value: int) -> None:
        """Count one observation."""
        self.count += 1
        self.total += value
        if value > self.most:
            self.most = value
        if self.least is None or value < self.least:
            self.least = value
        number = bisect_left(_EDGES, value)
        self.bins[number] = self.bins.get(number, 0) + 1

    def add_sums(self, count: int, total: int, least: int, most: int) -> None:
        """Count so many at once; their bins are counted apart."""
        self.count += count
        self.total += total
        if most > self.most:
            self.most = most
        if self.least is None or least < self.least:
            self.least = least

    def merge(self, other: "Figures") -> None:
        """Add what the other counted."""
        if other.least is None:
            return
        self.add_sums(other.count, other.total, other.least, other.most)
        for number, count in other.bins.items():
            self.bins[number] = self.bins.get(number, 0) + count

    def spread(self, unit: int = 1) -> Spread:
        """The figure in units of so many: 1000 for milliseconds of microseconds. Quantiles lie within the ends."""
        sketch = DDSketch(ACCURACY)
        for number, count in sorted(self.bins.items()):
            sketch.add(_MAPPING.value(number), count)
        median, p95, p99 = (
            min(max(round(sketch.get_quantile_value(share) or 0), self.least or 0), self.most) / unit
            for share in (0.5, 0.95, 0.99)
        )
        return Spread(count=self.count, total=self.total / unit, least=(self.least or 0) / unit, median=median,
                      p95=p95, p99=p99, most=self.most / unit)  # fmt: skip


def bin_of(value: int) -> int:
    """The bin of the sketch in which it lies."""
    return bisect_left(_EDGES, value)
