"""Numbers as people read them: times, sizes, counts, shares and dates; a dash for what is not known."""

from datetime import UTC, datetime

UNKNOWN = "–"
"""What stands where a number is not known; never a zero."""
SECOND_MS = 1_000.0
MINUTE_MS = 60 * SECOND_MS
HOUR_MS = 60 * MINUTE_MS
SIZE_UNITS = ("kB", "MB", "GB", "TB", "PB")
"""As `pg_size_pretty` writes them: steps of 1,024."""


def time(ms: float | None) -> str:
    """Milliseconds in the unit that reads best: `0.12 ms`, `341 ms`, `1.24 s`, `3.4 min`, `2.1 h`."""
    if ms is None:
        return UNKNOWN
    if abs(ms) < 999.5:
        return f"{_three_digits(ms)} ms"
    if abs(ms) < MINUTE_MS:
        return f"{_three_digits(ms / SECOND_MS)} s"
    if abs(ms) < HOUR_MS:
        return f"{_three_digits(ms / MINUTE_MS)} min"
    return f"{_three_digits(ms / HOUR_MS)} h"


def time_after(ms: float | None) -> str:
    """A time that is only estimated: nothing finer than a tenth of a millisecond is claimed."""
    return "<0.1 ms" if ms is not None and ms < 0.1 else time(ms)


def at_most(ms: float) -> str:
    """An estimated time that is a bound: `at most 2.4 ms`, `less than 0.1 ms`."""
    told = time_after(ms)
    return f"less than {told[1:]}" if told.startswith("<") else f"at most {told}"


def size(size_bytes: float | None) -> str:
    """Bytes: `512 B`, `8 kB`, `1.2 MB`, `3.45 GB`."""
    if size_bytes is None:
        return UNKNOWN
    if abs(size_bytes) < 1024:
        return f"{size_bytes:.0f} B"
    value = float(size_bytes)
    for unit in SIZE_UNITS:
        value /= 1024
        if abs(value) < 1023.5 or unit == SIZE_UNITS[-1]:
            return f"{_three_digits(value)} {unit}"
    raise AssertionError("the last unit takes every size")


def count(number: float | None) -> str:
    """A number of things: `12,345`; fractions only below ten: `0.4`."""
    if number is None:
        return UNKNOWN
    if 0 < abs(number) < 9.95 and abs(number - round(number)) >= 0.05:
        return f"{number:.1f}"
    if 0 < abs(number) < 0.05:
        return "<0.1"
    return f"{number:,.0f}"


def share(part: float | None) -> str:
    """A share of 0 to 1 in percent: `53.2%`, `<0.1%`, `100%`."""
    if part is None:
        return UNKNOWN
    percent = part * 100
    if 0 < percent < 0.05:
        return "<0.1%"
    if percent in (0.0, 100.0):
        return f"{percent:.0f}%"
    if 99.95 <= percent < 100:
        return ">99.9%"
    return f"{percent:.1f}%"


def factor(ratio: float | None) -> str:
    """How many times: `1.4×`, `1,046×`."""
    if ratio is None:
        return UNKNOWN
    return f"{ratio:.1f}×" if ratio < 9.95 else f"{ratio:,.0f}×"


def duration(seconds: float | None) -> str:
    """A span of time in its two largest units: `6 d 21 h`, `3 h 12 min`, `45 s`."""
    if seconds is None:
        return UNKNOWN
    left = round(seconds)
    parts: list[str] = []
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)):
        if left >= length and len(parts) < 2:
            parts.append(f"{left // length} {unit}")
            left %= length
        elif parts:
            break
    return " ".join(parts) or "0 s"


def moment(when: datetime | None) -> str:
    """A point in time, in UTC, to the minute: `2026-11-21 14:05 UTC`."""
    if when is None:
        return UNKNOWN
    known = when if when.tzinfo else when.replace(tzinfo=UTC)
    return f"{known.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def plural(number: int, one: str, many: str | None = None) -> str:
    """A count with its noun: `1 finding`, `12 findings`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def _three_digits(value: float) -> str:
    """Three significant digits, no more than needed: `0.12`, `1.24`, `34.1`, `341`, `8`."""
    if value == 0:
        return "0"
    if abs(value) >= 99.95:
        return f"{value:,.0f}"
    digits = 1 if abs(value) >= 9.995 else 2 if abs(value) >= 0.0995 else 3
    text = f"{value:.{digits}f}".rstrip("0").rstrip(".")
    return text if text not in ("0", "-0", "") else "<0.001"
