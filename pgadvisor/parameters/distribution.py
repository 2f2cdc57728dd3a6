"""Where the values of a column lie, as ANALYZE saw them: typical ones, ones as frequent as asked, and quantiles."""

import math
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation

from pgadvisor.model.catalog import ColumnStatistics

INTEGERS = frozenset({"smallint", "integer", "bigint", "oid"})
NUMBERS = frozenset({"numeric", "real", "double precision", "money"})
MOMENTS = frozenset({"date", "timestamp with time zone", "timestamp without time zone"})

SELECTIVE = 0.02
"""Share of rows that a pattern keeps when nothing tells: a search that someone would write."""

MOST_APART = 3
"""Of the most common values, how many are looked at each for itself."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Distribution:
    """The values of one column: most common ones with their frequencies, and bounds of equally filled buckets."""

    def __init__(self, statistics: ColumnStatistics, type_name: str, rows: float | None) -> None:
        """`type_name`: as `format_type` prints it, without modifiers; `rows` of the table, None when not known."""
        self._common = list(
            zip(statistics.most_common_values or (), statistics.most_common_frequencies, strict=False),
        )
        self._bounds = list(statistics.histogram_bounds or ())
        self._type = type_name
        self._rows = rows
        self._statistics = statistics
        self._rest = max(1.0 - statistics.null_fraction - sum(frequency for _, frequency in self._common), 0.0)

    @property
    def null_fraction(self) -> float:
        """The share of the rows that have no value."""
        return self._statistics.null_fraction

    @property
    def is_known(self) -> bool:
        """Whether there are any values."""
        return bool(self._common or self._bounds)

    def drawn(self, share: float) -> str:
        """The value of the row at that share of all rows, most common values first: 0.5 is a typical row's."""
        mass = sum(frequency for _, frequency in self._common) + (self._rest if self._bounds else 0.0)
        left = share * mass
        for value, frequency in self._common:
            if left < frequency:
                return value
            left -= frequency
        if not self._bounds:
            return self._common[-1][0]
        inside = min(max(left / self._rest, 0.0), 1.0) if self._rest else 0.5
        return self._bounds[round(inside * (len(self._bounds) - 1))]

    @property
    def groups(self) -> tuple[tuple[str, float], ...]:
        """A value of each kind with the share of the rows (those that have a value) whose values are of that kind, the
        most frequent first: each of the most common ones, the other common ones, and those that are not common."""
        found = list(self._common[:MOST_APART])
        if others := self._common[MOST_APART:]:
            found.append((others[len(others) // 2][0], sum(frequency for _, frequency in others)))
        if self._bounds and self._rest:
            found.append((self._bounds[round(0.5 * (len(self._bounds) - 1))], self._rest))
        whole = sum(share for _, share in found)
        return tuple((value, share / whole) for value, share in found) if whole else ()

    def of_rank(self, rank: int) -> str:
        """The value of the group of that rank, or of the last that there is; -1: of the last."""
        groups = self.groups
        return groups[min(rank, len(groups) - 1)][0] if groups else self.drawn(0.5)

    def several(self, count: int, rank: int | None = None) -> list[str]:
        """Different values, spread over the rows (`rank`: see `of_rank`; the like of that one); fewer when there are
        fewer."""
        others = [*(value for value, _ in self._common), *self._bounds]
        if rank is None:
            drawn = [self.drawn((at + 0.5) / count) for at in range(count)]
        else:
            drawn = others[rank:] if rank >= 0 else [*self._bounds[len(self._bounds) // 2 :], *reversed(others)]
        return list(dict.fromkeys([*drawn, *others]))[:count]

    def matching(self, rows: float) -> str:
        """The value of which there are about so many rows; a typical one when the table's rows are not known."""
        if not self._rows:
            return self.drawn(0.5)
        candidates = [(frequency, value) for value, frequency in self._common]
        if self._bounds:
            candidates.append((self.rare_frequency, self._bounds[len(self._bounds) // 2]))
        wanted = math.log(max(rows, 1.0))
        table_rows = self._rows
        return min(candidates, key=lambda each: abs(math.log(max(each[0] * table_rows, 1.0)) - wanted))[1]

    def rare(self) -> str:
        """A value of few rows: what an application leaves out by `<>`."""
        return self._common[-1][0] if self._common else self._bounds[len(self._bounds) // 2]

    def prefix(self, value: str, rows: float | None) -> str:
        """The beginning of a value that about so many rows share; None: so few that it is worth looking for."""
        starts = [value[:length] for length in range(1, len(value) + 1)] or [value]
        if rows is None or not self._rows:
            return next((start for start in starts if self._share_of(start) <= SELECTIVE), starts[-1])
        wanted, table_rows = math.log(max(rows, 1.0)), self._rows
        if rows * len(self._bounds) < self._rows:
            starts.reverse()  # of those that look alike to the histogram the longest fits fewest
        return min(starts, key=lambda start: abs(math.log(max(self._share_of(start) * table_rows, 1.0)) - wanted))

    def _share_of(self, start: str) -> float:
        """The share of rows whose value begins so; the histogram knows no smaller share than one bound's."""
        common = sum(frequency for value, frequency in self._common if value.startswith(start))
        if not self._bounds:
            return common
        fitting = sum(bound.startswith(start) for bound in self._bounds)
        return common + self._rest * fitting / len(self._bounds)

    @property
    def rare_frequency(self) -> float:
        """The frequency of a value that is not among the most common."""
        distinct = self._statistics.n_distinct
        total = distinct if distinct > 0 else -distinct * (self._rows or 1.0)
        return self._rest / max(total - len(self._common), 1.0)

    @property
    def typical_rows(self) -> float:
        """Rows that a typical row's value has."""
        value = self.drawn(0.5)
        frequency = dict(self._common).get(value, self.rare_frequency)
        return max(frequency * (self._rows or 1.0), 1.0)

    @property
    def element(self) -> str | None:
        """A common element of an array, neither the most nor the least frequent."""
        elements = self._statistics.common_elements
        return elements[len(elements) // 2] if elements else None

    def quantile(self, share: float) -> str:
        """The value below which that share of the rows lies, found between two bounds where the type allows it."""
        ordered = self._bounds or self._ordered_common()
        place = min(max(share, 0.0), 1.0) * (len(ordered) - 1)
        low, high = math.floor(place), math.ceil(place)
        to_number, to_text = _scale(self._type)
        if low == high or to_number is None or to_text is None:
            return ordered[round(place)]
        first, last = to_number(ordered[low]), to_number(ordered[high])
        if first is None or last is None:
            return ordered[round(place)]
        return to_text(first + (last - first) * (place - low))

    def moment(self, share: float) -> datetime | None:
        """The quantile of a date or timestamp as a point in time."""
        found = _read_moment(self.quantile(share)) if self._type in MOMENTS else None
        return None if found is None else _EPOCH + timedelta(seconds=found)

    def _ordered_common(self) -> list[str]:
        """The most common values in the type's order, as far as it is known here: a column of few values."""
        to_number, _ = _scale(self._type)
        values = [value for value, _ in self._common]
        numbers = [to_number(value) for value in values] if to_number else []
        if numbers and all(number is not None for number in numbers):
            return [value for _, value in sorted(zip(numbers, values, strict=True), key=lambda pair: pair[0] or 0.0)]
        return sorted(values)


def _scale(type_name: str) -> tuple[Callable[[str], float | None] | None, Callable[[float], str] | None]:
    """How values of the type become numbers and numbers become values; None: they do not."""
    if type_name in INTEGERS:
        return _read_number, lambda number: str(round(number))
    if type_name in NUMBERS:
        return _read_number, lambda number: format(Decimal(repr(number)), "f")
    if type_name == "date":
        return _read_moment, lambda seconds: _moment(seconds).date().isoformat()
    if type_name == "timestamp with time zone":
        return _read_moment, lambda seconds: _moment(seconds).isoformat(" ")
    if type_name == "timestamp without time zone":
        return _read_moment, lambda seconds: _moment(seconds).replace(tzinfo=None).isoformat(" ")
    return None, None


def _read_number(text: str) -> float | None:
    try:
        number = float(Decimal(text))
    except InvalidOperation:
        return None
    return number if math.isfinite(number) else None


def _read_moment(text: str) -> float | None:
    """Seconds since 1970; None for `infinity`, years before Christ and after 9999."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - _EPOCH).total_seconds()


def _moment(seconds: float) -> datetime:
    return _EPOCH + timedelta(seconds=round(seconds, 6))


def array_literal(values: Sequence[str]) -> str:
    """An array's text: `{"a","b"}`."""
    quoted = ('"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"' for value in values)
    return "{" + ",".join(quoted) + "}"


def first_day(text: str) -> str | None:
    """The day of a date or timestamp's text."""
    try:
        return date.fromisoformat(text[:10]).isoformat()
    except ValueError:
        return None
