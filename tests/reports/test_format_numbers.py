"""Numbers as people read them."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from pgadvisor.reports import format_numbers as numbers


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (None, "–"), (0, "0 ms"), (0.0004, "<0.001 ms"), (0.021, "0.021 ms"), (0.1, "0.1 ms"), (1.234, "1.23 ms"),
        (34.06, "34.1 ms"), (341.4, "341 ms"), (999.4, "999 ms"), (999.6, "1 s"), (1_240, "1.24 s"), (59_940, "59.9 s"),
        (60_000, "1 min"), (203_000, "3.38 min"), (3_600_000, "1 h"), (360_000_000, "100 h"), (3.6e10, "10,000 h"),
    ],
)  # fmt: skip
def test_time(ms: float | None, text: str) -> None:
    assert numbers.time(ms) == text


@pytest.mark.parametrize(
    ("size_bytes", "text"),
    [
        (None, "–"), (0, "0 B"), (1023, "1023 B"), (1024, "1 kB"), (8192, "8 kB"), (1_258_291, "1.2 MB"),
        (1024**3, "1 GB"), (1024**2 * 1023.9, "1 GB"), (5.5 * 1024**4, "5.5 TB"), (3e18, "2,665 PB"),
    ],
)  # fmt: skip
def test_size(size_bytes: float | None, text: str) -> None:
    assert numbers.size(size_bytes) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [(None, "–"), (0, "0"), (0.01, "<0.1"), (0.4, "0.4"), (2.0, "2"), (9.94, "9.9"), (12.5, "12"), (12_345, "12,345")],
)
def test_count(number: float | None, text: str) -> None:
    assert numbers.count(number) == text


@pytest.mark.parametrize(
    ("part", "text"),
    [(None, "–"), (0, "0%"), (0.0001, "<0.1%"), (0.532, "53.2%"), (0.99951, ">99.9%"), (1, "100%")],
)
def test_share(part: float | None, text: str) -> None:
    assert numbers.share(part) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, "–"), (0, "0 s"), (45, "45 s"), (3_600, "1 h"), (11_520, "3 h 12 min"), (604_800, "7 d"), (86_401, "1 d")],
)
def test_duration(seconds: float | None, text: str) -> None:
    assert numbers.duration(seconds) == text


def test_moment_is_in_utc() -> None:
    east = datetime(2026, 11, 21, 16, 5, tzinfo=timezone(timedelta(hours=2)))
    assert numbers.moment(east) == numbers.moment(datetime(2026, 11, 21, 14, 5, tzinfo=UTC)) == "2026-11-21 14:05 UTC"
    assert numbers.moment(None) == "–"


def test_factor_and_plural() -> None:
    assert [numbers.factor(each) for each in (None, 1.44, 1_046.2)] == ["–", "1.4×", "1,046×"]
    assert [numbers.plural(each, "index", "indexes") for each in (0, 1, 1_200)] == [
        "0 indexes", "1 index", "1,200 indexes",
    ]  # fmt: skip
