"""The report: what of a snapshot is in it, and what is not."""

from pgadvisor.advise.advise import advise
from pgadvisor.advise.examples import snapshot_of
from pgadvisor.model.catalog import ColumnStatistics
from pgadvisor.rule import Example, replace, table

SECRETS = ColumnStatistics(null_fraction=0, average_width_bytes=8, n_distinct=2, most_common_values=("secret",))


def test_no_value_of_a_statistic_is_in_the_report() -> None:
    made = table("t", columns={"a": "text"}, statistics={"a": SECRETS}, indexes={"i": "lower(a)"})
    indexes = tuple(
        replace(index, keys=tuple(replace(key, statistics=SECRETS) for key in index.keys)) for index in made.indexes
    )
    report = advise(snapshot_of(Example(sql="SELECT a FROM t", tables=(replace(made, indexes=indexes),))))
    assert "secret" not in repr(report.tables)
