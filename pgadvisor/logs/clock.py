"""Times of log entries, to microseconds since 1970."""

from datetime import UTC, datetime

MOST_KNOWN = 100_000


class Seconds(dict[bytes, float]):
    """From `2026-01-31 12:00:00`, or digits, to microseconds since 1970, the clock taken for UTC's; nan for no time."""

    def __missing__(self, spelled: bytes) -> float:
        """Read it, and remember."""
        if len(self) >= MOST_KNOWN:
            self.clear()
        self[spelled] = found = _seconds(spelled)
        return found


class Fractions(dict[bytes, int]):
    """From `.123` to microseconds."""

    def __missing__(self, spelled: bytes) -> float:
        """Read it, and remember."""
        if len(self) >= MOST_KNOWN:
            self.clear()
        self[spelled] = found = round(float(spelled or 0) * 1_000_000)
        return found


def _seconds(spelled: bytes) -> float:
    if spelled.isdigit():
        return int(spelled) * 1_000_000
    try:
        return round(datetime.fromisoformat(spelled.decode()).replace(tzinfo=UTC).timestamp()) * 1_000_000
    except ValueError:
        return float("nan")
