"""A sketch of how values are spread: quantiles within 1 %, and sketches merge."""

from ddsketch import DDSketch

ACCURACY = 0.01


class Sketch:
    """The library's DDSketch (Masson, Rim, Lee 2019), by the few names that we need."""

    __slots__ = ("_inner",)

    def __init__(self) -> None:
        self._inner = DDSketch(ACCURACY)

    def add(self, value: float) -> None:
        """Count one value."""
        self._inner.add(value)

    def merge(self, other: "Sketch") -> None:
        """Add what the other counted."""
        self._inner.merge(other._inner)

    def quantile(self, share: float) -> float | None:
        """The value below which that share of all lies; None: there are none."""
        found = self._inner.get_quantile_value(share)
        return None if found is None else float(found)
