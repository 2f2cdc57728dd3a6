"""The present ends of columns that lead a B-tree: where rows came since ANALYZE, the planner looks them up there too.

See get_actual_variable_range in src/backend/utils/adt/selfuncs.c: a time just past is beyond every histogram.
"""

import time
from collections.abc import Mapping, Sequence

import msgspec
from psycopg import sql

from pgadvisor.collect.reading import SETTINGS, Reading, refused
from pgadvisor.collect.session import Row, StatementError
from pgadvisor.model.catalog import Column, Table

BUDGET_S = 5.0
"""For all tables together, those with the most changes first. One look-up takes a fraction of a millisecond."""
BATCH = 100
"""Columns in one statement."""

_BY_INDEX: Mapping[str, str] = {
    **SETTINGS,
    "enable_seqscan": "off",
    "enable_bitmapscan": "off",
    "enable_sort": "off",
    # Many dead rows at an end may make it long.
    "statement_timeout": "2s",
}
_GROWING = ("smallint", "integer", "bigint", "numeric", "date", "timestamp")
"""Types whose values grow with time."""


def with_ends(reading: Reading, tables: Sequence[Table]) -> tuple[Table, ...]:
    """The tables with the ends of such columns; those that could not be read keep the ends of their histograms."""
    deadline = time.monotonic() + BUDGET_S
    locked = {gap.subject for gap in reading.gaps if gap.area == "catalog"}
    changed = [each for each in tables if _changes(each) and each.qualified not in locked]
    wanted = [(each, name) for each in sorted(changed, key=lambda each: -_changes(each)) for name in _leading(each)]
    found: dict[tuple[str, str], Row] = {}
    for start in range(0, len(wanted), BATCH):
        if time.monotonic() < deadline:
            found |= _ends(reading, wanted[start : start + BATCH])
    return tuple(_with_values(table, found) for table in tables) if found else tuple(tables)


def _changes(table: Table) -> int:
    """Rows changed since ANALYZE, where their values may be asked for."""
    is_open = table.kind == "table" and not table.hidden_statistics and not table.has_row_security
    return table.counters.modified_since_analyze if is_open and table.counters else 0


def _leading(table: Table) -> list[str]:
    """The columns that have a histogram and lead an index that holds all rows in the type's own order."""
    names = []
    for index in table.indexes:
        key = index.keys[0] if index.keys else None
        if key is None or key.column is None or key.operator_class or key.collation:
            continue
        column = table.column(key.column)
        is_whole = index.method == "btree" and index.is_valid and index.predicate is None
        if is_whole and column and _has_bounds(column) and column.type.startswith(_GROWING):
            names.append(column.name)
    return [name for name in dict.fromkeys(names) if not _leads_unused(table, name)]


def _leads_unused(table: Table, name: str) -> bool:
    """Whether an index that it leads was never scanned: asking would count as a scan, and hide that nobody uses it."""
    return any(
        index.scans == 0 and not index.is_unique and index.keys and index.keys[0].column == name
        for index in table.indexes
    )


def _has_bounds(column: Column) -> bool:
    return column.statistics is not None and bool(column.statistics.histogram_bounds)


def _ends(reading: Reading, columns: Sequence[tuple[Table, str]]) -> dict[tuple[str, str], Row]:
    """The smallest and the largest value of each, as texts, by table and column; nothing and a Gap when refused."""
    questions = [
        sql.SQL(
            "SELECT {2} AS place, (SELECT pg_catalog.min({0}) FROM ONLY {1})::pg_catalog.text AS smallest,"
            " (SELECT pg_catalog.max({0}) FROM ONLY {1})::pg_catalog.text AS largest"
        ).format(sql.Identifier(name), sql.Identifier(table.schema, table.name), sql.Literal(place))
        for place, (table, name) in enumerate(columns)
    ]
    try:
        with reading.session.transaction(_BY_INDEX):
            rows = list(reading.session.stream(sql.SQL(" UNION ALL ").join(questions).as_string(None)))
    except StatementError as error:
        what = "the present ends of columns"
        reading.gaps.append(refused(error, reading.session, "statistics", what, f"{len(columns)} columns"))
        return {}
    return {(columns[place][0].qualified, columns[place][1]): row for row in rows for place in [row.pop("place")]}


def _with_values(table: Table, found: Mapping[tuple[str, str], Row]) -> Table:
    return msgspec.structs.replace(table, columns=tuple(_with_end(column, table, found) for column in table.columns))


def _with_end(column: Column, table: Table, found: Mapping[tuple[str, str], Row]) -> Column:
    ends = found.get((table.qualified, column.name))
    if ends is None or column.statistics is None:
        return column
    return msgspec.structs.replace(column, statistics=msgspec.structs.replace(column.statistics, **ends))
