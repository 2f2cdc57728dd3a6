"""Two tables and a workload over them, for the tests of candidates."""

from pgadvisor.advise.examples import facts_of
from pgadvisor.candidates.candidate import Candidate
from pgadvisor.candidates.proposed import candidates_of
from pgadvisor.facts import Facts
from pgadvisor.model.catalog import ColumnStatistics, Constraint, Table
from pgadvisor.rule import Example, table

COLUMNS = {
    "id": "bigint", "a": "bigint", "b": "bigint", "kind": "text", "name": "text", "code": "character varying(40)",
    "price": "numeric", "at": "timestamp with time zone", "day": "timestamp without time zone",
    "gone_at": "timestamp with time zone", "done": "boolean", "rare": "boolean", "data": "jsonb", "tags": "text[]",
    "words": "tsvector", "span": "tstzrange", "place": "point", "raw": "json", "note": "text", "token": "text",
    "user": "text", "Wide Name": "text",
}  # fmt: skip
"""Of table t, and of table u."""


def seen(
    n_distinct: float, *, nulls: float = 0.0, width: int = 8, correlation: float = 0.1, **common: float
) -> ColumnStatistics:
    """Statistics of a column; `common`: shares by value."""
    return ColumnStatistics(
        null_fraction=nulls, average_width_bytes=width, n_distinct=n_distinct, correlation=correlation,
        most_common_values=tuple(common), most_common_frequencies=tuple(common.values()),
    )  # fmt: skip


STATISTICS = {
    **{name: seen(5_000) for name in COLUMNS},
    "id": seen(-1, correlation=1.0),
    "b": seen(200),
    "kind": seen(3, x=0.6, y=0.3, z=0.1),
    "at": seen(-1, correlation=0.99),
    "gone_at": seen(-0.1, nulls=0.9),
    "done": seen(2, t=0.6, f=0.4),
    "rare": seen(2, f=0.98, t=0.02),
    "note": seen(-0.9, width=900),
    "token": seen(-1, width=33),
    "data": seen(-0.9, width=200),
}


def table_t(name: str = "t", *, indexes: dict[str, str] | None = None, **more: object) -> Table:
    """A table of a million rows with all the columns."""
    constraints = more.pop("constraints", ())
    assert isinstance(constraints, tuple)
    assert all(isinstance(each, Constraint) for each in constraints)
    return table(
        name,
        columns=COLUMNS,
        statistics=STATISTICS,
        indexes=indexes,
        constraints=constraints,
        **more,  # type: ignore[arg-type]
    )


def facts_for(*texts: str, tables: tuple[Table, ...] = (), **more: object) -> Facts:
    """The facts of a workload over t and u."""
    first, *other = texts
    example = Example(
        sql=first,
        other=tuple((text, 100, 1.0) for text in other),
        tables=tables or (table_t(), table_t("u")),
        **more,  # type: ignore[arg-type]
    )
    return facts_of(example)


def candidates_for(text: str, *, tables: tuple[Table, ...] = (), **more: object) -> list[Candidate]:
    """What is thought of for one statement, the most promising first."""
    facts = facts_for(text, tables=tables, **more)
    return [each for candidates in candidates_of(facts, facts.queries).values() for each in candidates]


def spelled(text: str, *, on: str = "t", tables: tuple[Table, ...] = (), **more: object) -> list[str]:
    """The candidates on one table, as CREATE INDEX spells them."""
    return [each.spelled for each in candidates_for(text, tables=tables, **more) if each.table_name == on]


WORKLOAD = (
    "SELECT * FROM t WHERE a = $1 AND b = $2 AND at > $3 ORDER BY price DESC, id LIMIT 10",
    "SELECT id, name FROM t WHERE kind = 'y' AND rare AND gone_at IS NULL ORDER BY at DESC NULLS LAST LIMIT 5",
    "SELECT t.id, u.name FROM t JOIN u ON u.a = t.b WHERE t.kind IN ('y', 'z') AND u.done",
    "SELECT id FROM t WHERE lower(name) = $1 AND data ->> 'k' = $2 AND (data ->> 'n')::int > 3",
    "SELECT id FROM t WHERE data @> $1 AND data ? 'k'",
    "SELECT id FROM t WHERE tags && $1 OR words @@ to_tsquery('simple', 'x')",
    "SELECT id FROM t WHERE to_tsvector('english', name) @@ plainto_tsquery('x') AND done",
    "SELECT id FROM t WHERE name LIKE 'ab%' AND code LIKE 'ab%' AND name ILIKE '%abc%'",
    "SELECT id FROM t WHERE span && $1 ORDER BY place <-> $2 LIMIT 3",
    "SELECT id FROM t WHERE token = $1",
    "SELECT count(*) FROM t WHERE at >= '2026-01-01' AND price < 3",
    'SELECT "user", "Wide Name" FROM t WHERE "user" = $1 ORDER BY "Wide Name" LIMIT 2',
    "SELECT id FROM t WHERE date_trunc('month', day) = $1 AND extract(year FROM day) = $2 AND day::date = $3",
    "SELECT id FROM t WHERE coalesce(a, 0) = $1 AND a + b = $2 AND substring(name FROM 1 FOR 2) = $3",
    "SELECT id FROM t WHERE at AT TIME ZONE 'UTC' > $1 AND a::text = $2 AND kind || code = $3",
    "SELECT kind, max(at) FROM t GROUP BY kind ORDER BY kind",
    "SELECT DISTINCT a FROM t WHERE (at, id) < ($1, $2)",
    "UPDATE t SET done = true WHERE b = $1 AND NOT done",
    "DELETE FROM u USING t WHERE t.a = u.b AND t.kind = 'z' AND t.price < 3",
    "INSERT INTO u (id) SELECT id FROM t WHERE b = $1 FOR UPDATE",
)
"""Something of every kind."""
