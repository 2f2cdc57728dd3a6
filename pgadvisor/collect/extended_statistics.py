"""Objects made by CREATE STATISTICS, and what ANALYZE found for them where the role may read it."""

from collections import defaultdict

from pgadvisor.collect.reading import Reading
from pgadvisor.collect.session import Row
from pgadvisor.model.catalog import ExtendedStatistics, ExtendedStatisticsData

Data = dict[int, list[ExtendedStatisticsData]]


def read_extended(reading: Reading, *, keep_values: bool) -> dict[int, tuple[ExtendedStatistics, ...]]:
    """The objects by their table's oid. What is on a table that another session locks is left out."""
    rows = reading.rows("extended_statistics", "catalog", "the extended statistics", subject="extended statistics")
    may_read = any(row["may_read"] for row in rows)
    data = _read_data(reading, keep_values=keep_values) if may_read else {}
    found: dict[int, list[ExtendedStatistics]] = defaultdict(list)
    for row in rows:
        if row["definition"]:
            found[row["table_oid"]].append(_made(row, data))
    return {oid: tuple(objects) for oid, objects in found.items()}


def _made(row: Row, data: Data) -> ExtendedStatistics:
    return ExtendedStatistics(
        name=row["name"],
        schema=row["schema"],
        definition=row["definition"],
        columns=tuple(row["columns"]),
        numbers=tuple(row["numbers"]),
        kinds=tuple(row["kinds"]),
        data=tuple(data.get(row["oid"], ())),
    )


def _read_data(reading: Reading, *, keep_values: bool) -> Data:
    found: Data = defaultdict(list)
    rows = reading.rows(
        "extended_statistics_data", "statistics", "the data of extended statistics", subject="extended statistics"
    )
    for row in rows:
        found[row["oid"]].append(
            ExtendedStatisticsData(
                n_distinct=row["n_distinct"],
                dependencies=row["dependencies"],
                most_common=row["most_common"] if keep_values else None,
                with_children=row["with_children"],
            )
        )
    return found
