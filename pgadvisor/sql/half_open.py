"""A test of a date or time column by year, month or day, written as a half-open range of the bare column."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta

from pgadvisor.sql.query import Predicate, Value

_COLUMN = r'(?P<column>(?:\w+|"[^"]+")(?:\.(?:\w+|"[^"]+")){0,2})'
_TIMED = rf"(?:{_COLUMN}|\(?\s*{_COLUMN.replace('column', 'zoned')}\s+AT\s+TIME\s+ZONE\s+'(?P<zone>[^']+)'\s*\)?)"
_SHAPES = tuple(
    re.compile(shape, re.IGNORECASE)
    for shape in (
        rf"\(*{_TIMED}\)*\s*::\s*(?P<day>date)",
        rf"(?P<day>date)\s*\(\s*{_TIMED}\s*\)",
        rf"cast\s*\(\s*{_TIMED}\s+AS\s+(?P<day>date)\s*\)",
        rf"date_trunc\s*\(\s*'(?P<trunc>\w+)'\s*,\s*{_TIMED}\s*\)",
        rf"extract\s*\(\s*(?P<year>year)\s+FROM\s+{_TIMED}\s*\)",
        rf"date_part\s*\(\s*'(?P<year>year)'\s*,\s*{_TIMED}\s*\)",
        rf"to_char\s*\(\s*{_TIMED}\s*,\s*'(?P<format>[YMD-]+)'\s*\)",
    )
)
_FORMATS = {"YYYY": ("%Y", "year"), "YYYY-MM": ("%Y-%m", "month"), "YYYYMM": ("%Y%m", "month"),
            "YYYY-MM-DD": ("%Y-%m-%d", "day"), "YYYYMMDD": ("%Y%m%d", "day")}  # fmt: skip
_MONTHS = {"month": 1, "quarter": 3, "year": 12}
_LENGTHS = {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(weeks=1)}
_PARAMETER = re.compile(r"\$\d+")

Start = Callable[[Value], datetime | None]


def half_open_range(predicate: Predicate, column_type: str) -> str | None:
    """What keeps the same rows and lets an index on the column serve: `at >= '2024-01-01' AND at < '2025-01-01'`.

    None: no such range is known. `column_type` as `format_type` prints it. Dates are read in the session's time zone
    before and after, so that `timestamptz` columns keep their meaning.
    """
    if not column_type.startswith(("date", "timestamp")):
        return None
    found = next((match for shape in _SHAPES if (match := shape.fullmatch(predicate.source.strip()))), None)
    if found is None:
        return None
    groups = found.groupdict()
    column, zone = groups["column"] or groups["zoned"], groups["zone"]
    if zone is not None and column_type != "timestamp with time zone":
        return None
    if groups.get("day"):
        if zone is None and (ranged := _parameter_day(column, predicate)):
            return ranged
        return _range(column, zone, "day", predicate, _date)
    if groups.get("year"):
        return _range(column, zone, "year", predicate, _year)
    if groups.get("trunc"):
        unit = groups["trunc"].lower()
        return _range(column, zone, unit, predicate, lambda value: _aligned(_date(value), unit))
    spelled, unit = _FORMATS.get(groups["format"].upper(), ("", ""))
    return _range(column, zone, unit, predicate, lambda value: _formatted(value, spelled))


def _range(column: str, zone: str | None, unit: str, predicate: Predicate, start: Start) -> str | None:
    if unit not in _MONTHS and unit not in _LENGTHS:
        return None
    first = start(predicate.value)
    last = start(predicate.upper) if predicate.upper else first
    if first is None or last is None or predicate.is_negated:
        return None
    after = _after(last, unit)
    low, high = (f"{column} {sign} {_literal(at, zone)}" for sign, at in ((">=", first), ("<", after)))
    match predicate.operator:
        case "=" | "BETWEEN":
            return f"{low} AND {high}"
        case ">=":
            return low
        case "<=":
            return high
        case ">":
            return f"{column} >= {_literal(after, zone)}"
        case "<":
            return f"{column} < {_literal(first, zone)}"
    return None


def _parameter_day(column: str, predicate: Predicate) -> str | None:
    """The range of a day given by a parameter."""
    lower, upper = predicate.value, predicate.upper or predicate.value
    if not (_PARAMETER.fullmatch(lower.text) and _PARAMETER.fullmatch(upper.text)) or predicate.is_negated:
        return None
    if predicate.operator not in ("=", "BETWEEN"):
        return None
    return f"{column} >= {lower.text}::date AND {column} < {upper.text}::date + 1"


def _date(value: Value) -> datetime | None:
    if value.kind != "constant":
        return None
    for shape in ("%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S"):
        found = _parsed(value.text, shape)
        if found:
            return found
    return None


def _year(value: Value) -> datetime | None:
    return _parsed(value.text, "%Y") if value.kind == "constant" and re.fullmatch(r"\d{4}", value.text) else None


def _formatted(value: Value, shape: str) -> datetime | None:
    """The start of the period, when the text is just what to_char would give."""
    found = _parsed(value.text, shape) if value.kind == "constant" and shape else None
    return found if found and found.strftime(shape) == value.text else None


def _parsed(text: str, shape: str) -> datetime | None:
    try:
        return datetime.strptime(text, shape)
    except ValueError:
        return None


def _aligned(at: datetime | None, unit: str) -> datetime | None:
    """The time, when a period begins with it: `date_trunc('month', …) = '2024-03-05'` is never true."""
    if at is None or at.minute or at.second or (unit != "hour" and at.hour):
        return None
    if unit in _MONTHS and (at.day != 1 or (at.month - 1) % _MONTHS[unit]):
        return None
    return None if unit == "week" and at.weekday() else at


def _after(at: datetime, unit: str) -> datetime:
    """The start of the next period."""
    if unit in _LENGTHS:
        return at + _LENGTHS[unit]
    months = at.year * 12 + at.month - 1 + _MONTHS[unit]
    return at.replace(year=months // 12, month=months % 12 + 1)


def _literal(at: datetime, zone: str | None) -> str:
    # strftime does not pad years below 1000 everywhere; PostgreSQL reads both.
    text = at.strftime("%Y-%m-%d" if (at.hour, at.minute, at.second) == (0, 0, 0) else "%Y-%m-%d %H:%M:%S")
    return f"'{text}'" if zone is None else f"timestamp '{text}' AT TIME ZONE '{zone}'"
