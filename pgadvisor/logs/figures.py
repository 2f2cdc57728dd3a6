"""One figure over many observations: exact count, sum and ends, quantiles from a sketch; all of it merges."""

from pgadvisor.logs.sketch import Sketch
from pgadvisor.model.log import Spread


class Figures:
    """Whole numbers, so that their sum does not hang on the order of adding."""

    __slots__ = ("count", "least", "most", "sketch", "total")

    def __init__(self) -> None:
        self.count = self.total = self.most = 0
        self.least: int | None = None
        self.sketch = Sketch()

    def add(self, value: int) -> None:
        """Count one observation."""
        self.count += 1
        self.total += value
        self.most = max(self.most, value)
        self.least = value if self.least is None else min(self.least, value)
        self.sketch.add(value)

    def merge(self, other: "Figures") -> None:
        """Add what the other counted."""
        if other.least is None:
            return
        self.count += other.count
        self.total += other.total
        self.most = max(self.most, other.most)
        self.least = other.least if self.least is None else min(self.least, other.least)
        self.sketch.merge(other.sketch)

    def spread(self, unit: int = 1) -> Spread:
        """The figure in units of so many: 1000 for milliseconds of microseconds. Quantiles lie within the ends."""
        median, p95, p99 = (self._quantile(share) / unit for share in (0.5, 0.95, 0.99))
        return Spread(count=self.count, total=self.total / unit, least=(self.least or 0) / unit, median=median,
                      p95=p95, p99=p99, most=self.most / unit)  # fmt: skip

    def _quantile(self, share: float) -> float:
        return min(max(self.sketch.quantile(share) or 0.0, self.least or 0), self.most) if self.count else 0.0
