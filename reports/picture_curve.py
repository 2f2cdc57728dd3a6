"""The picture of what more room for indexes gives: places of its points, its scales and its marks, from 0 to 1."""

from typing import NamedTuple

from pgadvisor.model.advice import CurvePoint, IndexAdvice
from pgadvisor.reports import format_numbers as numbers
from pgadvisor.reports.index_words import is_choice, saved

HEIGHTS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
"""Where the scale of what is saved may end."""
MOST_TICKS = 5
"""Sizes below the picture: more than these run into each other on a phone."""
KILOBYTE = 1024


class CurveDot(NamedTuple):
    """A choice: its point with its place."""

    point: CurvePoint
    x: float
    """Of the size that it takes."""
    y: float
    """Of the share that it saves."""
    is_chosen: bool
    """It is what is advised."""


class Curve(NamedTuple):
    """What the picture shows."""

    dots: tuple[CurveDot, ...]
    """From the smallest to the biggest."""
    chosen: CurveDot | None
    knee: CurveDot | None
    budget: float | None
    """The place of the budget; None: there is none, or it is beyond the picture."""
    sizes: tuple[tuple[float, str], ...]
    """Ticks with their labels."""
    shares: tuple[tuple[float, str], ...]


def curve_of(advice: IndexAdvice) -> Curve | None:
    """The picture; None where there is no choice between sizes, so that a line would say nothing."""
    points = sorted(advice.curve, key=lambda point: (point.size_bytes, -point.cost_ratio))
    if not is_choice(points):
        return None
    widest = max(point.size_bytes for point in points)
    if advice.budget_bytes is not None and advice.budget_bytes <= 2 * widest:
        widest = max(widest, advice.budget_bytes)
    highest = max(map(saved, points))
    top = next(height for height in HEIGHTS if highest <= height)
    dots = tuple(
        CurveDot(point, point.size_bytes / widest, saved(point) / top, point.budget_bytes == advice.budget_bytes)
        for point in points
    )
    step = _step(widest)
    return Curve(
        dots=dots,
        chosen=next((dot for dot in dots if dot.is_chosen), None),
        knee=next((dot for dot in dots if dot.point.is_knee), None),
        budget=_place(advice.budget_bytes, widest),
        sizes=tuple((tick * step / widest, numbers.size(tick * step)) for tick in range(int(widest / step) + 1)),
        shares=tuple((part / 4, f"{part / 4 * top * 100:g}%") for part in range(5)),
    )


def _place(size_bytes: int | None, widest: int) -> float | None:
    return size_bytes / widest if size_bytes is not None and size_bytes <= widest else None


def _step(widest: int) -> int:
    """A round size, in steps of which the picture has few ticks."""
    unit = KILOBYTE
    while True:
        for factor in (1, 2, 5, 10, 20, 50, 100, 200, 500):
            if widest <= factor * unit * MOST_TICKS:
                return factor * unit
        unit *= KILOBYTE
