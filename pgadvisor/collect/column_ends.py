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

_BY_INDEX: Mapping[str, str] = {
    **SETTINGS,
    "enable_seqscan": "off",
    "enable_bitmapscan": "off",
    "enable_sort": "off",
    # Many dead rows at an end may make it long.
    "statement_timeout": "500ms",
}
_GROWING = ("smallint", "integer", "bigint", "numeric", "date", "timestamp")
"""Types whose values grow with time."""


def with_ends(reading: Reading, tables: Sequence[Table]) -> tuple[Table, ...]:
    """The tables with the ends of such columns; those that could not be read keep the ends of their histograms."""
    deadline = time.monotonic() + BUDGET_S
    locked = {gap.subject for gap in reading.gaps if gap.area == "catalog"}
    found: dict[str, Table] = {}
    for table in sorted(tables, key=lambda each: -_changes(each)):
        names = _leading(table) if _changes(table) and table.qualified not in locked else []
        if not names or time.monotonic() > deadline:
            continue
        try:
            found[table.qualified] = _with_values(table, _ends(reading, table, names))
        except StatementError as error:
            reading.gaps.append(
                refused(error, reading.session, "statistics", "the present ends of its columns", table.qualified)
            )
    return tuple(found.get(table.qualified, table) for table in tables)


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
    return list(dict.fromkeys(names))


def _has_bounds(column: Column) -> bool:
    return column.statistics is not None and bool(column.statistics.histogram_bounds)


def _ends(reading: Reading, table: Table, names: Sequence[str]) -> list[tuple[str, Row]]:
    """Each column with its smallest and largest value, as texts."""
    found = []
    with reading.session.transaction(_BY_INDEX):
        for name in names:
            question = sql.SQL(
                "SELECT (SELECT pg_catalog.min({0}) FROM ONLY {1})::pg_catalog.text AS smallest,"
                " (SELECT pg_catalog.max({0}) FROM ONLY {1})::pg_catalog.text AS largest"
            ).format(sql.Identifier(name), sql.Identifier(table.schema, table.name))
            found += [(name, row) for row in reading.session.stream(question.as_string(None))]
    return found


def _with_values(table: Table, ends: Sequence[tuple[str, Row]]) -> Table:
    known = dict(ends)
    return msgspec.structs.replace(
        table,
        columns=tuple(
            msgspec.structs.replace(column, statistics=msgspec.structs.replace(column.statistics, **known[column.name]))
            if column.name in known and column.statistics
            else column
            for column in table.columns
        ),
    )
