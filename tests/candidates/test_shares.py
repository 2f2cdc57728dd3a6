"""Which share of the rows a predicate keeps."""

import pytest

from pgadvisor.candidates.shares import share_of
from pgadvisor.model.catalog import Column, ColumnStatistics
from pgadvisor.sql.query import Query
from pgadvisor.sql.reader import Schema, read_query
from tests.candidates.make_workload import table_t

STATISTICS = ColumnStatistics(
    null_fraction=0.2, average_width_bytes=8, n_distinct=102, most_common_values=("5", "7"),
    most_common_frequencies=(0.2, 0.1), histogram_bounds=("0", "10", "20", "30", "40"),
)  # fmt: skip
DATES = ColumnStatistics(
    null_fraction=0.0, average_width_bytes=8, n_distinct=-1.0,
    histogram_bounds=("2026-01-01 00:00:00+00", "2026-02-01 00:00:00+00", "2026-03-01 00:00:00+00"),
)  # fmt: skip


@pytest.mark.parametrize(
    ("where", "share"),
    [
        ("x = 5", 0.2),
        ("x = 6", 0.005),
        ("x = $1", 0.8 / 102),
        ("x IN (5, 7)", 0.3),
        ("x NOT IN (5, 7)", 0.7),
        ("x <> 5", 0.8),
        ("x IS NULL", 0.2),
        ("x IS NOT NULL", 0.8),
        ("x < 20", 0.5 * 2 / 5 + 0.3),
        ("x >= 20", 0.3),
        ("x > $1", 1 / 3),
        ("x BETWEEN 6 AND 20", 0.1 + 0.5 / 5),
        ("x BETWEEN $1 AND $2", 0.05),
    ],
)
def test_numbers(where: str, share: float) -> None:
    assert _share(where, Column(name="x", type="integer", statistics=STATISTICS)) == pytest.approx(share)


@pytest.mark.parametrize(("where", "share"), [("x >= '2026-02-01'", 2 / 3), ("x < '2027-01-01'", 1.0)])
def test_dates(where: str, share: float) -> None:
    column = Column(name="x", type="timestamp with time zone", statistics=DATES)
    assert _share(where, column) == pytest.approx(share, abs=0.01)


@pytest.mark.parametrize("where", ["x = 5", "x < 5", "x IS NULL", "x IN (1, 2)", "x BETWEEN 1 AND 2"])
def test_without_statistics_it_is_a_guess(where: str) -> None:
    assert 0.0 < _share(where, Column(name="x", type="integer")) < 0.5


def _share(where: str, column: Column) -> float:
    read = read_query(f"SELECT 1 FROM t WHERE {where}", Schema((table_t(),)))
    assert isinstance(read, Query)
    return share_of(next(read.predicates()), column, 1e6)
