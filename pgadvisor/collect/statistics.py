"""What ANALYZE and the counters know: column statistics, table and index counters."""

from collections.abc import Iterable, Sequence
from typing import TypeVar

import msgspec

from pgadvisor.collect.reading import Reading, grant
from pgadvisor.collect.session import Row
from pgadvisor.model.catalog import Column, ColumnStatistics, ExtendedStatistics, Index, IndexKey, Table, TableCounters
from pgadvisor.model.snapshot import Gap, Snapshot

Holder = TypeVar("Holder", Column, IndexKey)

SINGLE_GAPS = 20
"""So many hidden tables are named one by one; more of them are one Gap with their number."""

VERSION_WITH_RANGES = 170_000
"""From it on pg_stats shows all of range columns."""

_VALUES = ("most_common_values", "histogram_bounds", "common_elements", "range_bounds", "smallest", "largest")


class Statistics:
    """The column statistics of a database, by schema, table (or index) and column."""

    def __init__(self, rows: Iterable[tuple[str, str, str, bool, ColumnStatistics]] = ()) -> None:
        self._found = {(schema, table, column, whole): found for schema, table, column, whole, found in rows}

    def of(self, schema: str, table: str, column: str, *, with_children: bool = False) -> ColumnStatistics | None:
        """Those of one column; `with_children`: of the table with all its partitions, when there are such."""
        preferred = self._found.get((schema, table, column, with_children))
        return preferred or self._found.get((schema, table, column, not with_children))

    def beside(self, schema: str, table: str, column: str) -> ColumnStatistics | None:
        """Those of the table with its children, where it has its own as well."""
        has_both = (schema, table, column, False) in self._found
        return self._found.get((schema, table, column, True)) if has_both else None


def read_statistics(reading: Reading, *, keep_values: bool) -> Statistics:
    """The statistics of all columns and of the expressions of indexes."""
    name = "column_statistics" if keep_values else "column_statistics_without_values"
    shared: dict[str, str] = {}
    made = reading.made(name, "statistics", "column statistics (pg_stats)", lambda row: _statistics(row, shared))
    ranges = _read_ranges(reading) if keep_values and reading.session.version_num < VERSION_WITH_RANGES else {}
    if not ranges:
        return Statistics(made)
    return Statistics((*row[:4], _with_range(row[4], ranges.get(row[:4]))) for row in made)


def _read_ranges(reading: Reading) -> dict[tuple[str, str, str, bool], Row]:
    """What pg_stats does not show of range columns; nothing where the role may not read it or there are none."""
    subject = "columns of range types"
    if not any(row["is_wanted"] for row in reading.rows("range_columns", "statistics", subject, subject=subject)):
        return {}
    rows = reading.rows("range_statistics", "statistics", f"statistics of {subject}", subject=subject)
    return {(row["schema"], row["table"], row["column"], row["is_inherited"]): row for row in rows}


def _with_range(found: ColumnStatistics, row: Row | None) -> ColumnStatistics:
    if row is None:
        return found
    return msgspec.structs.replace(
        found,
        range_bounds=tuple(row["range_bounds"] or ()) or None,
        range_lengths=tuple(row["range_lengths"] or ()),
        range_empty_fraction=row["range_empty_fraction"],
    )


def _statistics(row: Row, shared: dict[str, str]) -> tuple[str, str, str, bool, ColumnStatistics]:
    """A row of pg_stats. `shared` holds each text once: the same dates, states and small numbers come back often."""
    found = ColumnStatistics(
        null_fraction=row["null_fraction"],
        average_width_bytes=row["average_width_bytes"],
        n_distinct=row["n_distinct"],
        correlation=row["correlation"],
        most_common_frequencies=tuple(row["most_common_frequencies"] or ()),
        most_common_values=_shared(row["most_common_values"], shared),
        histogram_bounds=_shared(row["histogram_bounds"], shared),
        common_elements=_shared(row["common_elements"], shared),
        common_element_frequencies=tuple(row["common_element_frequencies"] or ()),
        element_count_histogram=tuple(row["element_count_histogram"] or ()),
        range_bounds=_shared(row["range_bounds"], shared),
        range_lengths=tuple(row["range_lengths"] or ()),
        range_empty_fraction=row["range_empty_fraction"],
        with_children=row["is_inherited"],
    )
    return row["schema"], row["table"], row["column"], row["is_inherited"], found


def _shared(values: Sequence[str] | None, shared: dict[str, str]) -> tuple[str, ...] | None:
    return None if values is None else tuple(map(shared.setdefault, values, values))


def read_table_counters(reading: Reading) -> dict[int, TableCounters]:
    """The counters of each table, by its oid."""
    rows = reading.rows("table_counters", "counters", "the tables' counters (pg_stat_user_tables)")
    return {row.pop("oid"): TableCounters(**row) for row in rows}


def read_index_counters(reading: Reading) -> dict[int, Row]:
    """`scans` and `last_scan_at` of each index, by its oid."""
    rows = reading.rows("index_counters", "counters", "the indexes' counters (pg_stat_user_indexes)")
    return {row["oid"]: row for row in rows}


def note_hidden(reading: Reading, tables: Sequence[Table], filtered: frozenset[str]) -> None:
    """A Gap for the tables whose statistics the role may not see; `filtered`: those hidden by row security."""
    session = reading.session
    unreadable = [table.qualified for table in tables if table.hidden_statistics and table.qualified not in filtered]
    denied = "the role may not SELECT from it, so its column statistics are hidden"
    if unreadable and len(unreadable) == len(tables):
        reason = "the role may not SELECT from any table, so column statistics (pg_stats) are hidden"
        reading.gaps.append(Gap(area="statistics", reason=reason, cure=grant(session)))
    else:
        _note_tables(reading, unreadable, denied, grant(session))
    _note_tables(
        reading,
        [table.qualified for table in tables if table.qualified in filtered],
        "row security filters it for the role, so its column statistics are hidden",
        "ALTER ROLE … BYPASSRLS for the role that pgadvisor connects as, or connect as the table's owner",
    )


def _note_tables(reading: Reading, names: list[str], reason: str, cure: str) -> None:
    if len(names) > SINGLE_GAPS:
        reading.gaps.append(Gap(area="statistics", subject=f"{len(names)} tables", reason=reason, cure=cure))
        return
    reading.gaps += [Gap(area="statistics", subject=name, reason=reason, cure=cure) for name in names]


def strip_values(snapshot: Snapshot) -> Snapshot:
    """The snapshot without the values of users that column statistics hold: what goes into a file unless asked."""
    if not snapshot.keeps_values:
        return snapshot
    tables = tuple(_stripped_table(table) for table in snapshot.tables)
    return msgspec.structs.replace(snapshot, tables=tables, keeps_values=False)


def _stripped_table(table: Table) -> Table:
    return msgspec.structs.replace(
        table,
        columns=tuple(_stripped(column) for column in table.columns),
        extended_statistics=tuple(_stripped_object(each) for each in table.extended_statistics),
        indexes=tuple(_stripped_index(index) for index in table.indexes),
    )


def _stripped_object(found: ExtendedStatistics) -> ExtendedStatistics:
    data = tuple(msgspec.structs.replace(each, most_common=None) for each in found.data)
    return msgspec.structs.replace(found, data=data)


def _stripped_index(index: Index) -> Index:
    if all(key.statistics is None for key in index.keys):
        return index
    return msgspec.structs.replace(index, keys=tuple(_stripped(key) for key in index.keys))


def _stripped(holder: Holder) -> Holder:
    if holder.statistics is None:
        return holder
    stripped = msgspec.structs.replace(holder, statistics=_without_values(holder.statistics))
    if isinstance(stripped, Column) and stripped.statistics_with_children is not None:
        beside = _without_values(stripped.statistics_with_children)
        return msgspec.structs.replace(stripped, statistics_with_children=beside)
    return stripped


def _without_values(statistics: ColumnStatistics) -> ColumnStatistics:
    return msgspec.structs.replace(statistics, **dict.fromkeys(_VALUES))
