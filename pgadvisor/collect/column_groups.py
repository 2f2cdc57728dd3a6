"""How columns go together: distinct values of each, and their combinations, counted in a sample of a table's pages."""

import time
from collections.abc import Iterable, Mapping

import msgspec
from psycopg import sql

from pgadvisor.collect.load_guard import busy
from pgadvisor.collect.reading import SETTINGS, refused
from pgadvisor.collect.session import Row, Session, StatementError
from pgadvisor.model.catalog import Column, ColumnGroup, Table
from pgadvisor.model.snapshot import Gap, Snapshot

SAMPLE_PAGES = 2_000
"""16 MB: about as many rows as ANALYZE samples, or more."""
MOST_GROUPS = 20
BUDGET_S = 5.0
"""For all groups together; one takes some tens of milliseconds."""
WIDEST = 200
"""Average bytes of a value: sorting longer ones is work."""
_COUNTED: Mapping[str, str] = {**SETTINGS, "statement_timeout": "1s"}
_PLAIN = frozenset({
    "smallint", "integer", "bigint", "numeric", "real", "double precision", "boolean", "date", "uuid", "text",
    "character varying", "character", "timestamp with time zone", "timestamp without time zone", "inet"
})  # fmt: skip
"""Types that PostgreSQL compares by functions of its own."""

Wanted = Iterable[tuple[str, tuple[str, ...]]]
"""Tables as `schema.table`, each with columns that go together, those that matter most first."""


def with_groups(session: Session, snapshot: Snapshot, wanted: Wanted) -> Snapshot:
    """The snapshot with what was counted; a busy server, or one that refuses, is left in peace and a Gap says so.

    Raises ServerError only when the connection is lost.
    """
    tables = {each.qualified: each for each in snapshot.tables}
    enums = frozenset(f"{each.schema}.{each.name}" for each in snapshot.types if each.kind == "enum")
    fitting = [(tables[name], columns) for name, columns in wanted if _may_count(tables.get(name), columns, enums)]
    if not fitting:
        return snapshot
    found: dict[str, tuple[ColumnGroup, ...]] = {}
    gaps: list[Gap] = []
    deadline = time.monotonic() + BUDGET_S
    for table, columns in fitting[:MOST_GROUPS]:
        reason = busy(session) if time.monotonic() < deadline else f"the {BUDGET_S:.0f} s for it were spent"
        if reason is not None:
            gaps.append(_left_out(table, columns, reason))
            break
        try:
            group = _counted(session, table, columns)
        except StatementError as error:
            gaps.append(refused(error, session, "statistics", _what(columns), table.qualified))
        else:
            found[table.qualified] = (*found.get(table.qualified, ()), group)
    counted = tuple(
        msgspec.structs.replace(each, column_groups=found.get(each.qualified, ())) for each in snapshot.tables
    )
    return msgspec.structs.replace(snapshot, tables=counted, gaps=(*snapshot.gaps, *gaps))


def _may_count(table: Table | None, columns: tuple[str, ...], enums: frozenset[str]) -> bool:
    """Whether counting runs nothing but PostgreSQL's own functions, on values that are short and all to be seen."""
    if table is None or table.kind not in ("table", "materialized view"):
        return False
    if table.has_row_security or table.hidden_statistics or table.access_method is not None:
        return False
    return all((column := table.column(name)) is not None and _is_plain(column, enums) for name in columns)


def _is_plain(column: Column, enums: frozenset[str]) -> bool:
    is_short = column.statistics is None or column.statistics.average_width_bytes <= WIDEST
    is_known = column.type.partition("(")[0] in _PLAIN or f"{column.type_schema}.{column.type}" in enums
    return is_known and is_short and not column.is_virtual


def _counted(session: Session, table: Table, columns: tuple[str, ...]) -> ColumnGroup:
    pages = table.pages if table.heap_bytes is None else table.heap_bytes // 8192
    percent = min(100.0, 100.0 * SAMPLE_PAGES / max(pages, 1))
    keys = [sql.Identifier(f"c{at}") for at in range(len(columns))]
    query = sql.SQL(
        "SELECT pg_catalog.count(*) AS combinations, COALESCE(pg_catalog.sum(n), 0)::int8 AS rows, {distinct}"
        " FROM (SELECT {columns}, pg_catalog.count(*) AS n FROM ONLY {table} TABLESAMPLE pg_catalog.system ({percent})"
        " GROUP BY {keys}) AS g"
    ).format(
        distinct=sql.SQL(", ").join(
            sql.SQL("pg_catalog.count(DISTINCT {0}) AS {1}").format(key, sql.Identifier(f"d{at}"))
            for at, key in enumerate(keys)
        ),
        columns=sql.SQL(", ").join(
            sql.SQL("{} AS {}").format(sql.Identifier(name), key) for name, key in zip(columns, keys, strict=True)
        ),
        table=sql.Identifier(table.schema, table.name),
        percent=sql.Literal(round(percent, 6)),
        keys=sql.SQL(", ").join(sql.SQL(str(at)) for at in range(1, len(columns) + 1)),
    )
    with session.transaction(_COUNTED, roll_back=True):
        row: Row = session.rows(query)[0]
    return ColumnGroup(
        columns=columns,
        distinct=tuple(row[f"d{at}"] for at in range(len(columns))),
        combinations=row["combinations"],
        rows=row["rows"],
        is_whole=percent >= 100.0,
    )


def _what(columns: tuple[str, ...]) -> str:
    return f"how the values of {', '.join(columns)} go together"


def _left_out(table: Table, columns: tuple[str, ...], reason: str) -> Gap:
    return Gap(
        area="statistics",
        subject=table.qualified,
        reason=f"{_what(columns)} was not counted: {reason}",
        cure="audit again when the server is less busy",
    )
