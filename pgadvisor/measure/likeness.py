"""Whether a database to measure on is a copy of the audited one: its tables, their columns, and about as many rows."""

from collections.abc import Iterator, Sequence

from pgadvisor.collect.session import Row, open_session
from pgadvisor.errors import UsageError
from pgadvisor.model.catalog import Table
from pgadvisor.sql.identifiers import quoted_table

MOST_TIMES = 2.0
"""As many rows as that, or as few: with more or fewer the times say little of the audited database."""
MOST_TIMES_BYTES = 4.0
"""The same of a file's size, where rows were never counted: a restored copy lacks the bloat."""
FEW_BYTES = 2**20
"""Tables below that in both databases may be as they are."""
MOST_TOLD = 3
KINDS = ("table", "materialized view")
"""With rows of their own."""

_TABLES = """
SELECT n.nspname AS schema, c.relname AS name, c.reltuples::float8 AS rows, c.relpages AS pages,
       pg_catalog.pg_relation_size(c.oid) AS heap_bytes, pg_catalog.pg_has_role(c.relowner, 'USAGE') AS is_owned,
       (SELECT pg_catalog.json_object_agg(a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod))
        FROM pg_catalog.pg_attribute AS a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'm', 'f')
  AND (n.nspname, c.relname) IN (SELECT * FROM ROWS FROM (pg_catalog.unnest($1::text[]), pg_catalog.unnest($2::text[])))
"""


def refuse_unless_alike(dsn: str, tables: Sequence[Table]) -> None:
    """Raises UsageError, which names what differs, when the database lacks any of those tables of the audited one or a
    column of them, when it has far more or fewer rows, or when its role may build no index on them."""
    with open_session(dsn) as session:
        rows = session.rows(_TABLES, ([each.schema for each in tables], [each.name for each in tables]))
    found = {f"{row['schema']}.{row['name']}": row for row in rows}
    differences = [text for table in tables for text in _differences(table, found.get(table.qualified))]
    if differences:
        more = f"; and {len(differences) - MOST_TOLD:,} more" if len(differences) > MOST_TOLD else ""
        raise UsageError(
            f'"{session.database}" to measure on is no copy of the audited database as it is: '
            f"{'; '.join(differences[:MOST_TOLD])}{more}: name a full copy of it, as of pg_dump and pg_restore"
        )
    if rows and not any(row["is_owned"] for row in rows):
        raise UsageError(
            f'the role "{session.role}" owns no table of the copy "{session.database}", so it may build no index '
            "there: name the role that owns them, or a superuser, in --measure"
        )


def _differences(table: Table, there: Row | None) -> Iterator[str]:
    """As clauses."""
    label = quoted_table(table)
    if there is None:
        yield f"it has no table {label}"
        return
    columns = there["columns"] or {}
    for column in table.columns:
        kind = columns.get(column.name)
        if kind is None:
            yield f'its {label} has no column "{column.name}"'
        elif _bare(kind) != _bare(column.type):
            yield f'its {label}."{column.name}" is {kind}, not {column.type}'
    if table.kind in KINDS:
        yield from _of_size(label, table, there)


def _bare(kind: str) -> str:
    """Without its schema: an extension may be in another one."""
    return kind.rpartition(".")[2]


def _of_size(label: str, table: Table, there: Row) -> Iterator[str]:
    here_bytes, there_bytes = table.heap_bytes, there["heap_bytes"]
    if here_bytes is None or there_bytes is None or max(here_bytes, there_bytes) < FEW_BYTES:
        return
    here_rows = _rows(table.rows, table.pages, here_bytes)
    there_rows = _rows(there["rows"], there["pages"], there_bytes)
    if here_rows is not None and there_rows is not None:
        if _times(here_rows, there_rows) > MOST_TIMES:
            yield f"its {label} has about {there_rows:,.0f} rows, not {here_rows:,.0f}"
    elif _times(here_bytes, there_bytes) > MOST_TIMES_BYTES:
        yield f"its {label} takes {there_bytes / 2**20:,.1f} MB, not {here_bytes / 2**20:,.1f} MB"


def _rows(rows: float | None, pages: int, size_bytes: int) -> float | None:
    """As the planner takes it: the rows of a page as last counted, by the pages that there are now."""
    if rows is None or rows < 0 or not pages:
        return None
    return rows / pages * size_bytes / 8192


def _times(one: float, other: float) -> float:
    return max(one, other) / max(min(one, other), 1.0)
