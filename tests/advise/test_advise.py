"""The report: what of a snapshot is in it, and what is not."""

from pgadvisor.advise.advise import advise
from pgadvisor.advise.examples import snapshot_of
from pgadvisor.model.catalog import ColumnStatistics, ExtendedStatistics, ExtendedStatisticsData
from pgadvisor.rule import Example, replace, table

SECRETS = ColumnStatistics(null_fraction=0, average_width_bytes=8, n_distinct=2, most_common_values=("secret",))


def test_no_value_of_a_statistic_is_in_the_report() -> None:
    made = table("t", columns={"a": "text"}, statistics={"a": SECRETS}, indexes={"i": "lower(a)"})
    indexes = tuple(
        replace(index, keys=tuple(replace(key, statistics=SECRETS) for key in index.keys)) for index in made.indexes
    )
    several = ExtendedStatistics(
        name="s", definition="CREATE STATISTICS s ON a, b FROM t", data=(ExtendedStatisticsData(most_common=b"secret"),)
    )
    columns = tuple(replace(each, statistics_with_children=SECRETS) for each in made.columns)
    made = replace(made, indexes=indexes, columns=columns, extended_statistics=(several,))
    report = advise(snapshot_of(Example(sql="SELECT a FROM t", tables=(made,))))
    assert report.tables[0].extended_statistics[0].name == "s"
    assert "secret" not in repr(report.tables)
