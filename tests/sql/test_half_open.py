"""Tests of half-open ranges: the texts, and on a server that they keep the very same rows in every time zone."""

import psycopg
import pytest

from pgadvisor.sql.half_open import half_open_range
from pgadvisor.sql.query import Predicate, Query
from pgadvisor.sql.reader import Schema, read_query

ZONED, PLAIN, DATE = "timestamp with time zone", "timestamp without time zone", "date"
RANGES = [
    ("at::date = '2024-02-29'", ZONED, "at >= '2024-02-29' AND at < '2024-03-01'"),
    ("date(t.at) = '2024-12-31'", PLAIN, "t.at >= '2024-12-31' AND t.at < '2025-01-01'"),
    ("CAST(at AS date) = '2024-01-05'", ZONED, "at >= '2024-01-05' AND at < '2024-01-06'"),
    ("at::date >= '2024-01-05'", ZONED, "at >= '2024-01-05'"),
    ("at::date > '2024-01-05'", ZONED, "at >= '2024-01-06'"),
    ("at::date <= '2024-01-05'", ZONED, "at < '2024-01-06'"),
    ("at::date < '2024-01-05'", ZONED, "at < '2024-01-05'"),
    ("at::date BETWEEN '2024-03-30' AND '2024-04-01'", ZONED, "at >= '2024-03-30' AND at < '2024-04-02'"),
    ("date_trunc('month', at) = '2024-12-01'", ZONED, "at >= '2024-12-01' AND at < '2025-01-01'"),
    ("date_trunc('quarter', at) = '2024-04-01'", PLAIN, "at >= '2024-04-01' AND at < '2024-07-01'"),
    ("date_trunc('week', at) = '2024-01-01'", ZONED, "at >= '2024-01-01' AND at < '2024-01-08'"),
    ("date_trunc('hour', at) = '2024-01-01 05:00'", PLAIN,
     "at >= '2024-01-01 05:00:00' AND at < '2024-01-01 06:00:00'"),
    ("date_trunc('year', at) < '2024-01-01'", ZONED, "at < '2024-01-01'"),
    ("extract(year FROM at) = 2024", ZONED, "at >= '2024-01-01' AND at < '2025-01-01'"),
    ("extract(year FROM at) > 2023", DATE, "at >= '2024-01-01'"),
    ("date_part('year', at) BETWEEN 2023 AND 2024", PLAIN, "at >= '2023-01-01' AND at < '2025-01-01'"),
    ("to_char(at, 'YYYY-MM') = '2024-02'", ZONED, "at >= '2024-02-01' AND at < '2024-03-01'"),
    ("to_char(at, 'YYYYMMDD') = '20240229'", PLAIN, "at >= '2024-02-29' AND at < '2024-03-01'"),
    ("(at AT TIME ZONE 'Europe/Berlin')::date = '2024-03-31'", ZONED,
     "at >= timestamp '2024-03-31' AT TIME ZONE 'Europe/Berlin' AND at < timestamp '2024-04-01' "
     "AT TIME ZONE 'Europe/Berlin'"),
]  # fmt: skip
NONE = [
    ("at::date = '2024-02-30'", ZONED),  # no such day
    ("at::date = '2024-01-05'", "text"),
    ("date_trunc('month', at) = '2024-12-05'", ZONED),  # never true: not the start of a month
    ("date_trunc('decade', at) = '2020-01-01'", ZONED),
    ("extract(month FROM at) = 5", ZONED),
    ("to_char(at, 'YYYY-MM') = '2024-2'", ZONED),  # never true: to_char pads
    ("to_char(at, 'Mon') = 'Feb'", ZONED),
    ("(at AT TIME ZONE 'Europe/Berlin')::date = '2024-03-31'", PLAIN),  # there it means the other way round
    ("at::date = '2024-01-05 10:00+02'", ZONED),
    ("date_trunc('day', at, 'Asia/Tokyo') = '2024-01-05'", ZONED),
]
ZONES = ("UTC", "Europe/Berlin", "America/St_Johns", "Asia/Kathmandu")


def predicate_of(condition: str) -> Predicate:
    query = read_query(f"SELECT 1 FROM t WHERE {condition}", Schema())
    assert isinstance(query, Query)
    return next(query.predicates())


@pytest.mark.parametrize(("condition", "column_type", "expected"), RANGES)
def test_range_is_spelled(condition: str, column_type: str, expected: str) -> None:
    assert half_open_range(predicate_of(condition), column_type) == expected


@pytest.mark.parametrize(("condition", "column_type"), NONE)
def test_no_range_is_known(condition: str, column_type: str) -> None:
    assert half_open_range(predicate_of(condition), column_type) is None


def test_day_of_a_parameter() -> None:
    assert half_open_range(predicate_of("date(at) = $1"), ZONED) == "at >= $1::date AND at < $1::date + 1"
    assert half_open_range(predicate_of("date_trunc('month', at) = $1"), ZONED) is None


@pytest.mark.server
@pytest.mark.parametrize("zone", ZONES)
def test_range_keeps_the_same_rows(database: str, zone: str) -> None:
    """Every half hour of two years, a microsecond before and after: where clocks change and years begin, too."""
    with psycopg.connect(database) as connection:
        connection.execute("SELECT set_config('timezone', %s, false)", (zone,))
        for column_type in (ZONED, PLAIN, DATE):
            connection.execute("DROP TABLE IF EXISTS t")
            connection.execute(
                f"CREATE TABLE t AS SELECT (base + step)::{column_type} AS at FROM generate_series("
                "timestamptz '2023-06-01 00:00+00', '2025-02-01 00:00+00', '30 min') base, "
                "unnest(ARRAY['-1 us', '0', '1 us']::interval[]) step UNION ALL SELECT NULL".encode()
            )
            for condition, own_type, expected in RANGES:
                if own_type == column_type or (own_type == ZONED and column_type == PLAIN and "ZONE" not in condition):
                    differing = connection.execute(
                        f"SELECT at FROM t WHERE ({condition}) IS DISTINCT FROM ({expected})".encode()
                    ).fetchall()
                    assert differing == [], condition
