"""Statistics for the expressions of an index without rows: those of one with the same expression, or a guess."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, LiteralString

import psycopg
from psycopg import sql

from pgadvisor.model.record import Record
from pgadvisor.planner.twin_column_statistics import Row, write_statistics
from pgadvisor.sql.nodes import find, function_name, parts, unwrap
from pgadvisor.sql.parse import Node, Unread, parse_tree

_KEEPS_VALUES_APART = frozenset({"lower", "upper", "btrim", "ltrim", "rtrim"})
"""Functions that give about as many different values as they get."""
_MOST_COMMON = 100
"""As many as ANALYZE keeps by default."""

_EXPRESSIONS: LiteralString = """
SELECT i.indexrelid::pg_catalog.int8, a.attnum, pg_catalog.pg_get_indexdef(i.indexrelid, a.attnum, false),
    i.indrelid::pg_catalog.int8,
    a.atttypid::pg_catalog.int8, a.attcollation::pg_catalog.int8, n.nspname, x.relname, t.reltuples
FROM pg_catalog.pg_index AS i
JOIN pg_catalog.pg_attribute AS a ON a.attrelid = i.indexrelid AND a.attnum <= i.indnkeyatts
JOIN pg_catalog.pg_class AS x ON x.oid = i.indexrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = x.relnamespace
JOIN pg_catalog.pg_class AS t ON t.oid = i.indrelid
WHERE i.indexrelid = ANY(%s) AND i.indkey[a.attnum - 1] = 0
ORDER BY i.indexrelid, a.attnum
"""
_SAME: LiteralString = """
SELECT s.starelid::pg_catalog.int8, s.staattnum
FROM pg_catalog.pg_index AS i
JOIN pg_catalog.pg_statistic AS s ON s.starelid = i.indexrelid
WHERE i.indrelid = %s AND i.indexrelid <> %s AND i.indkey[s.staattnum - 1] = 0
    AND pg_catalog.pg_get_indexdef(i.indexrelid, s.staattnum, false) = %s
    AND (i.indisvalid OR i.indexrelid = ANY(%s))
LIMIT 1
"""
_COLUMN: LiteralString = """
SELECT s.null_frac, s.avg_width, s.n_distinct, s.most_common_freqs, s.most_common_vals::pg_catalog.text,
    s.histogram_bounds::pg_catalog.text, pg_catalog.format_type(a.atttypid, a.atttypmod)
FROM pg_catalog.pg_attribute AS a
JOIN pg_catalog.pg_class AS t ON t.oid = a.attrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = t.relnamespace
JOIN pg_catalog.pg_stats AS s
    ON s.schemaname = n.nspname AND s.tablename = t.relname AND s.attname = a.attname AND NOT s.inherited
WHERE a.attrelid = %s AND a.attname = %s
"""
# A function in FROM hands its rows on as tuples, in which values are as wide as on disk.
_ARM = sql.SQL(
    "SELECT v AS {column}, {share} AS pgadvisor_share"
    " FROM pg_catalog.unnest(CAST({values} AS {type}[])) WITH ORDINALITY AS u(v, n)"
)
_SAMPLE = sql.SQL(
    "SELECT {expression}::pg_catalog.text, pgadvisor_share, pg_catalog.pg_column_size({expression})"
    " FROM ({arms}) AS s ORDER BY {expression}"
)


class _Expression(Record):
    """One expression of an index."""

    index: int
    place: int
    text: str
    table: int
    type: int
    collation: int
    schema: str
    name: str
    rows: float


class _Source(Record):
    """The statistics of the one column that an expression is made of."""

    column: str
    null_fraction: float
    width: int
    n_distinct: float
    frequencies: tuple[float, ...]
    common: str | None
    bounds: str | None
    type: str


class _Sample(Record):
    """An expression's values for the column's sampled ones, in the order of its type."""

    values: tuple[tuple[str | None, float], ...]
    """(text, share of the rows that it stands for)."""
    width: int


class ExpressionStatistics:
    """Gives the expressions of indexes the statistics that can be had.

    `connection` is the owner's, who runs the expressions; `superuser` writes.
    """

    def __init__(self, connection: psycopg.Connection[Any], superuser: psycopg.Connection[Any]) -> None:
        self._connection = connection
        self._superuser = superuser
        self._guesses: dict[tuple[int, str], str] = {}
        """By table and expression: what was guessed, or is missing."""
        self._given: list[int] = []
        """Hidden indexes that have statistics of ours."""

    def give(self, indexes: Sequence[int]) -> dict[int, tuple[str, ...]]:
        """Says for those of the indexes that have expressions which statistics are a guess, and which missing."""
        doubts: dict[int, tuple[str, ...]] = {}
        for index, place, text, *rest in self._connection.execute(_EXPRESSIONS, (list(indexes),)).fetchall():
            table, kind, collation, schema, name, rows = rest
            found = _Expression(index=index, place=place, text=text, table=table, type=kind, collation=collation,
                                schema=schema, name=name, rows=max(rows, 1.0))  # fmt: skip
            if not _copied(self._superuser, found, self._given) and (table, text) not in self._guesses:
                self._guesses[table, text] = _guessed(self._connection, self._superuser, found)
                self._given.append(index)
            if (table, text) in self._guesses:
                doubts[index] = (*doubts.get(index, ()), self._guesses[table, text])
        return doubts


def _copied(connection: psycopg.Connection[Any], expression: _Expression, ours: list[int]) -> bool:
    """Whether an index with the same expression, which is there or one of ours, has statistics: this one gets them."""
    row = connection.execute(_SAME, (expression.table, expression.index, expression.text, ours)).fetchone()
    if row is None:
        return False
    names = [
        each[0]
        for each in connection.execute(
            "SELECT attname FROM pg_catalog.pg_attribute"
            " WHERE attrelid = 'pg_catalog.pg_statistic'::pg_catalog.regclass AND attnum > 2 ORDER BY attnum"
        ).fetchall()
    ]
    columns = sql.SQL(", ").join(sql.Identifier(name) for name in names)
    connection.execute(
        sql.SQL(
            "INSERT INTO pg_catalog.pg_statistic SELECT {}::oid, {}, {} FROM pg_catalog.pg_statistic"
            " WHERE starelid = {} AND staattnum = {}"
        ).format(expression.index, expression.place, columns, *row)
    )
    return True


def _guessed(connection: psycopg.Connection[Any], superuser: psycopg.Connection[Any], expression: _Expression) -> str:
    """Statistics from the values of the one column in the expression; says what was done."""
    spelled = _bare(expression.text)
    missing = f"no statistics of {spelled}: the planner guesses how many rows a value has"
    target = _tree(expression.text)
    names = {parts(body)[-1] for body in find(target, "ColumnRef")}
    row = connection.execute(_COLUMN, (expression.table, next(iter(names)))).fetchone() if len(names) == 1 else None
    if row is None:
        return missing
    source = _Source(
        column=names.pop(), null_fraction=row[0], width=row[1], n_distinct=row[2], frequencies=tuple(row[3] or ()),
        common=row[4], bounds=row[5], type=row[6],
    )  # fmt: skip
    sample = _sampled(connection, expression, source)
    if sample is not None:
        write_statistics(superuser, connection, [_row(expression, source, sample)])
        return f"statistics of {spelled} are guessed from values of {source.column}"
    kind, body = unwrap(target) if target else ("", {})
    if kind == "FuncCall" and function_name(body) in _KEEPS_VALUES_APART:
        write_statistics(superuser, connection, [{**_empty(expression, source), "n_distinct": source.n_distinct}])
        return f"statistics of {spelled} are taken to be those of {source.column}"
    return missing


def _bare(text: str) -> str:
    """The expression without the parentheses that the catalog puts around it."""
    while text.startswith("((") and text.endswith("))"):
        text = text[1:-1]
    return text


def _tree(text: str) -> Node:
    """The expression's node."""
    statements = parse_tree(f"SELECT {text}")
    if isinstance(statements, Unread) or len(statements) != 1:
        return {}
    targets = statements[0]["stmt"].get("SelectStmt", {}).get("targetList", [])
    found: Node = targets[0]["ResTarget"]["val"] if len(targets) == 1 else {}
    return found


def _sampled(connection: psycopg.Connection[Any], expression: _Expression, source: _Source) -> _Sample | None:
    """The expression's values, where the statistics hold values of the column."""
    rest = max(1.0 - source.null_fraction - sum(source.frequencies), 0.0)
    arms = [
        _ARM.format(
            column=sql.Identifier(source.column),
            share=sql.SQL("({}::float8[])[n]").format(sql.Literal(shares)) if shares else sql.SQL("NULL"),
            values=sql.Literal(texts),
            type=sql.SQL(_as_printed(source.type)),
        )
        for texts, shares in ((source.common, list(source.frequencies)), (source.bounds, None))
        if texts is not None
    ]
    if not arms:
        return None
    query = _SAMPLE.format(
        expression=sql.SQL(f"({_as_printed(expression.text)})"), arms=sql.SQL(" UNION ALL ").join(arms)
    )
    try:
        with connection.transaction():
            rows = connection.execute(query).fetchall()
    except psycopg.Error:
        # An expression may not take every value, or its type may have no order: then there is no sample.
        return None
    unshared = sum(share is None for _, share, _ in rows)
    values = tuple((text, rest / unshared if share is None else share) for text, share, _ in rows)
    widths = [width for _, _, width in rows if width is not None]
    return _Sample(values=values, width=round(sum(widths) / len(widths)) if widths else source.width)


def _row(expression: _Expression, source: _Source, sample: _Sample) -> Row:
    """What ANALYZE might have written, had it seen these values."""
    shares: dict[str, float] = {}
    for value, share in sample.values:
        if value is not None:
            shares[value] = shares.get(value, 0.0) + share
    nulls = source.null_fraction + sum(share for value, share in sample.values if value is None)
    times = Counter(value for value, _ in sample.values if value is not None)
    distinct = _distinct(source, times, expression.rows)
    count = distinct if distinct > 0 else -distinct * expression.rows
    usual = 1.25 * (1 - nulls) / max(count, 1.0)
    common = sorted((value for value in shares if shares[value] > usual and _is_sure(value, times, source)),
                    key=lambda value: -shares[value])[:_MOST_COMMON]  # fmt: skip
    bounds = [value for value in shares if value not in set(common)]
    return {
        **_empty(expression, source),
        "null_fraction": min(nulls, 1.0),
        "width": sample.width,
        "n_distinct": distinct,
        "common_values": common or None,
        "common_frequencies": [shares[value] for value in common] or None,
        "bounds": bounds if len(bounds) > 1 else None,
    }


def _is_sure(value: str, times: Counter[str], source: _Source) -> bool:
    """Whether the value's frequency was really seen: more than once among the sampled, or the column has no others."""
    return times[value] > 1 or source.bounds is None


def _distinct(source: _Source, times: Counter[str], rows: float) -> float:
    """How many different values the expression has, as `n_distinct`.

    By the estimator of ANALYZE (Haas and Stokes 1998: Duj1 in `compute_scalar_stats`). No more than the column has; as
    many where no two of the sampled ones became one.
    """
    seen, drawn = len(times), sum(times.values())
    of_column = source.n_distinct if source.n_distinct > 0 else -source.n_distinct * rows
    if source.bounds is None:
        return float(seen)
    if seen == drawn:
        return source.n_distinct
    once = sum(1 for count in times.values() if count == 1)
    return float(min(max(drawn * seen / (drawn - once + once * drawn / max(of_column, drawn)), seen), of_column))


def _empty(expression: _Expression, source: _Source) -> Row:
    """A row of statistics without values."""
    names: Sequence[str] = (
        "correlation", "common_values", "common_frequencies", "bounds", "elements", "element_frequencies",
        "element_counts", "range_bounds", "range_lengths", "range_empty_fraction",
    )  # fmt: skip
    return {
        **dict.fromkeys(names),
        "schema": expression.schema,
        "relation": expression.name,
        "number": expression.place,
        "oid": expression.index,
        "type": expression.type,
        "collation_oid": expression.collation,
        "with_children": False,
        "null_fraction": source.null_fraction,
        "width": source.width,
    }


def _as_printed(text: str) -> Any:
    """SQL of the catalog, for `sql.SQL`; psycopg types it as a literal."""
    return text
