"""The bounds of RANGE partitions: read from what PostgreSQL prints, laid in order, and continued by the calendar."""

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta

from pgadvisor.model.catalog import Table
from pgadvisor.model.record import Record

_RANGE = re.compile(r"FOR VALUES FROM \((.*)\) TO \((.*)\)\Z", re.DOTALL)
_KEY = re.compile(r"RANGE \((.*)\)\Z", re.DOTALL)
_MONTH_DAYS = (28, 31)
_YEAR_DAYS = (365, 366)
Bound = datetime | int
"""Of a time or a whole number. A time without zone is taken as UTC: what matters is the distance."""


class RangePartition(Record):
    """A partition that holds an interval of one column."""

    table: str
    """`schema.table`."""
    lower: Bound | None
    """None: MINVALUE."""
    upper: Bound | None
    """None: MAXVALUE."""
    upper_text: str
    """As SQL."""
    lower_text: str


def range_column(table: Table) -> str | None:
    """The one bare column that the table is partitioned by RANGE of; None: it is not so."""
    key = _KEY.match(table.partition_key or "")
    return next((each.name for each in table.columns if key and key[1] in (each.name, f'"{each.name}"')), None)


def has_default(partitions: Iterable[Table]) -> bool:
    """Whether one of them takes all that no other does."""
    return any(each.partition_bound == "DEFAULT" for each in partitions)


def range_partitions(partitions: Iterable[Table]) -> tuple[RangePartition, ...] | None:
    """The partitions by RANGE in their order, without the default one; None: a bound is not understood."""
    found = []
    for table in partitions:
        if table.partition_bound == "DEFAULT":
            continue
        bound = _RANGE.match(table.partition_bound or "")
        read = [_read(text) for text in bound.groups()] if bound else []
        if bound is None or any(each is False for each in read):  # 0 is a bound
            return None
        lower, upper = (None if each is None else each for each in read)
        found.append(
            RangePartition(table=table.qualified, lower=_kept(lower), upper=_kept(upper), lower_text=bound[1],
                           upper_text=bound[2])
        )  # fmt: skip
    kinds = {type(bound) for each in found for bound in (each.lower, each.upper) if bound is not None}
    return tuple(sorted(found, key=_place)) if len(kinds) <= 1 else None


def _kept(bound: Bound | bool | None) -> Bound | None:
    return bound if not isinstance(bound, bool) else None


def _place(partition: RangePartition) -> tuple[bool, float]:
    lower = partition.lower
    return lower is not None, lower.timestamp() if isinstance(lower, datetime) else float(lower or 0)


def _read(text: str) -> Bound | bool | None:
    """A bound as PostgreSQL prints it; None: MINVALUE or MAXVALUE; False: not understood."""
    if text in ("MINVALUE", "MAXVALUE"):
        return None
    bare = text[1:-1] if text.startswith("'") and text.endswith("'") else text
    if re.fullmatch(r"-?\d+", bare):
        return int(bare)
    try:
        found = datetime.fromisoformat(bare)
    except ValueError:
        return False
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def usual_width(partitions: Iterable[RangePartition]) -> timedelta | int | None:
    """How wide a partition is, as most of them are; None: too few have both ends."""
    widths = [width for each in partitions if (width := distance(each.lower, each.upper)) is not None]
    return sorted(widths, key=_size)[len(widths) // 2] if len(widths) > 1 else None


def distance(lower: Bound | None, upper: Bound | None) -> timedelta | int | None:
    """From one bound to another of the same kind; None: one of them is open."""
    if isinstance(lower, datetime) and isinstance(upper, datetime):
        return upper - lower
    return upper - lower if isinstance(lower, int) and isinstance(upper, int) else None


def _size(width: timedelta | int) -> float:
    return width.total_seconds() if isinstance(width, timedelta) else width


def interval_days(partitions: Iterable[RangePartition]) -> float | None:
    """How long a partition is, as most of them are; None: they are not of times, or too few."""
    width = usual_width(partitions)
    return width.total_seconds() / 86_400 if isinstance(width, timedelta) else None


def following(bound: datetime, days: float) -> datetime:
    """The next bound after one: months and years by the calendar where the partitions are such."""
    first = bound.day == 1
    if first and _YEAR_DAYS[0] <= days <= _YEAR_DAYS[1]:
        return bound.replace(year=bound.year + 1)
    if first and _MONTH_DAYS[0] <= days <= _MONTH_DAYS[1]:
        return bound.replace(year=bound.year + bound.month // 12, month=bound.month % 12 + 1)
    return bound + timedelta(days=days)


def written(bound: datetime, like: str) -> str:
    """The bound as SQL, in the form of another one: a date, a time, or a time with zone."""
    bare = like.strip("'")
    if len(bare) == len("2026-01-01"):
        return f"'{date(bound.year, bound.month, bound.day)}'"
    return f"'{bound:%Y-%m-%d %H:%M:%S}" + ("+00'" if re.search(r"[+-]\d\d(:\d\d)?\Z", bare[10:]) else "'")


def stamp(bound: Bound) -> str:
    """What names a partition that begins there: `2026_02_01`."""
    return f"{bound:%Y_%m_%d}" if isinstance(bound, datetime) else str(bound).replace("-", "m")
