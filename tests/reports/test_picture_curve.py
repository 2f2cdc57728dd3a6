"""The picture of what more room gives: its scales, its marks, and when there is none."""

import msgspec
import pytest

from pgadvisor.reports.picture_curve import curve_of
from tests.reports.make_advice import MB, make_advice, measured_advice


def test_dots_stand_where_their_sizes_and_savings_are() -> None:
    curve = curve_of(make_advice())
    assert curve is not None
    assert [dot.x for dot in curve.dots] == sorted(dot.x for dot in curve.dots)
    assert curve.dots[-1].x == 1.0
    assert all(dot.y == pytest.approx(1 - dot.point.cost_ratio) for dot in curve.dots)
    assert curve.chosen == curve.dots[-1]
    assert curve.knee is not None and curve.knee.point.size_bytes == 96 * MB
    assert curve.budget is None
    assert [text for _, text in curve.sizes] == ["0 B", "50 MB", "100 MB", "150 MB", "200 MB"]
    assert [text for _, text in curve.shares] == ["0%", "25%", "50%", "75%", "100%"]


def test_a_budget_is_marked_and_what_fits_it_is_chosen() -> None:
    curve = curve_of(measured_advice())
    assert curve is not None and curve.chosen is not None
    assert curve.chosen.point.budget_bytes == 100 * MB
    assert curve.budget == pytest.approx(100 / 227)


def test_small_savings_have_a_scale_of_their_own() -> None:
    points = tuple(
        msgspec.structs.replace(point, cost_ratio=1 - 0.015 * at) for at, point in enumerate(make_advice().curve)
    )
    curve = curve_of(make_advice(curve=points))
    assert curve is not None
    assert curve.shares[-1] == (1.0, "5%")
    assert curve.dots[-1].y == pytest.approx(0.9)


@pytest.mark.parametrize("points", [(), make_advice().curve[:1], make_advice().curve[:1] * 2])
def test_one_size_is_no_curve(points: tuple[object, ...]) -> None:
    assert curve_of(make_advice(curve=points)) is None


def test_ticks_are_few_for_every_size() -> None:
    for widest in (9_000, 70_000, 3 * MB, 900 * MB, 70_000 * MB, 4_000_000 * MB):
        points = tuple(
            msgspec.structs.replace(point, size_bytes=widest // part)
            for point, part in zip(make_advice().curve[:2], (3, 1), strict=True)
        )
        curve = curve_of(make_advice(curve=points))
        assert curve is not None
        assert 2 <= len(curve.sizes) <= 6, widest
        assert all(0 <= at <= 1 for at, _ in curve.sizes)
