"""Which index a scan asks for: keys, their order, their kind, and when none would serve."""

import pytest

from pgadvisor.advise.examples import facts_of
from pgadvisor.indexes.needs import need_of, order_need
from pgadvisor.model.catalog import ColumnStatistics, Table
from pgadvisor.rule import Example, node, table

COLUMNS = {
    "a": "bigint", "b": "bigint", "id": "bigint", "kind": "text", "email": "character varying(80)", "uid": "uuid",
    "at": "timestamp with time zone", "plain_at": "timestamp without time zone", "gone_at": "timestamp with time zone",
    "done_at": "timestamp with time zone", "done": "boolean", "rare": "boolean", "data": "jsonb", "tags": "text[]",
    "words": "tsvector", "span": "tstzrange", "user": "text", "Wide Name": "text", "one": "text",
}  # fmt: skip


def seen(n_distinct: float, *, nulls: float = 0.0, common: dict[str, float] | None = None) -> ColumnStatistics:
    """Statistics of a column."""
    return ColumnStatistics(
        null_fraction=nulls, average_width_bytes=8, n_distinct=n_distinct,
        most_common_values=tuple(common or {}), most_common_frequencies=tuple((common or {}).values()),
    )  # fmt: skip


STATISTICS = {
    **{name: seen(5_000) for name in COLUMNS},
    "b": seen(200), "id": seen(-1), "kind": seen(3, common={"x": 0.9, "y": 0.09, "z": 0.01}), "uid": seen(-1),
    "gone_at": seen(-0.01, nulls=0.99), "done_at": seen(-0.9, nulls=0.01), "one": seen(1),
    "done": seen(2, common={"t": 0.95, "f": 0.05}), "rare": seen(2, common={"f": 0.98, "t": 0.02}),
}  # fmt: skip


def plain(indexes: dict[str, str] | None = None) -> Table:
    """The table t of all examples."""
    return table("t", columns=COLUMNS, statistics=STATISTICS, indexes=indexes)


def wanted(
    where: str, *, rest: str = "", indexes: dict[str, str] | None = None, condition: str | None = None
) -> str | None:
    """The keys of the index for a scan of t that filters by that condition."""
    scan = node("Seq Scan", table="t", schema="public", alias="t", filter=f"({condition or where})", rows=10, actual=10,
                rows_removed_by_filter=999_990, ms=50)  # fmt: skip
    facts = facts_of(Example(sql=f"SELECT * FROM t WHERE {where} {rest}", tables=(plain(indexes),), plan=scan))
    need = need_of(facts, facts.plans[0], 0)
    return need.index.spelled if need else None


@pytest.mark.parametrize(
    ("where", "rest", "keys"),
    [
        ("a = $1", "", "(a)"),
        ("b > $1 AND a = $2", "", "(a, b)"),
        ("at >= $1 AND at < $2 AND a IN ($3, $4)", "", "(a, at)"),
        ("a = ANY($1) AND at BETWEEN $2 AND $3", "", "(a, at)"),
        ("b = $1 AND a = $2", "", "(a, b)"),
        ("b = $1", "ORDER BY at DESC LIMIT 5", "(b, at)"),
        ("b = $1", "ORDER BY at DESC, id DESC LIMIT 5", "(b, at, id)"),
        ("b = $1", "ORDER BY at DESC, id LIMIT 5", "(b, at DESC, id)"),
        ("b = $1", "ORDER BY at DESC NULLS LAST LIMIT 5", "(b, at DESC NULLS LAST)"),
        ("b = $1", "ORDER BY at DESC", "(b)"),
        ("b IN ($1, $2)", "ORDER BY at DESC LIMIT 5", "(b)"),
        ("b = $1 AND at > $2", "ORDER BY id LIMIT 5", "(b, at)"),
        ("b = $1 AND at > $2", "ORDER BY at, id LIMIT 5", "(b, at, id)"),
        ("b = $1", "ORDER BY lower(kind) LIMIT 5", "(b)"),
        ("uid = $1 AND a = $2 AND at > $3", "", "(uid)"),
        ("lower(email) = lower($1)", "", "(lower(email))"),
        ("data ->> 'ref' = $1", "", "((data ->> 'ref'))"),
        ("a = $1 AND gone_at IS NULL", "", "(a)"),
        ("a = $1 AND done_at IS NULL", "", "(a) WHERE done_at IS NULL"),
        ("done_at IS NULL", "ORDER BY at LIMIT 10", "(at) WHERE done_at IS NULL"),
        ("done_at IS NULL", "", "(id) WHERE done_at IS NULL"),
        ("gone_at IS NOT NULL AND b = $1", "", "(b) WHERE gone_at IS NOT NULL"),
        ("b = $1 AND done", "", "(b)"),
        ("b = $1 AND rare", "", "(b) WHERE rare"),
        ("b = $1 AND NOT done", "", "(b) WHERE NOT done"),
        ("kind LIKE 'abc%'", "", "(kind text_pattern_ops)"),
        ("kind LIKE '%abc%'", "", "USING gin (kind gin_trgm_ops)"),
        ("kind ILIKE $1", "", "USING gin (kind gin_trgm_ops)"),
        ("kind ~ 'abc.*x'", "", "USING gin (kind gin_trgm_ops)"),
        ("lower(email) LIKE '%smith%'", "", "USING gin (lower(email) gin_trgm_ops)"),
        ("data @> $1", "", "USING gin (data jsonb_path_ops)"),
        ("data ? $1", "", "USING gin (data)"),
        ("tags && $1", "", "USING gin (tags)"),
        ("words @@ to_tsquery($1)", "", "USING gin (words)"),
        ("to_tsvector('english', kind) @@ to_tsquery($1)", "", "USING gin (to_tsvector('english', kind))"),
        ("span && $1", "", "USING gist (span)"),
        ("\"user\" = $1 AND \"Wide Name\" > $2", "", "(\"user\", \"Wide Name\")"),
    ],
)  # fmt: skip
def test_the_index_that_serves(where: str, rest: str, keys: str) -> None:
    found = wanted(where, rest=rest)
    assert found is not None
    assert found.replace("->>", " ->> ").replace("  ", " ") == keys


@pytest.mark.parametrize(
    "where",
    [
        "a <> $1",
        "NOT (a = $1)",
        "a = $1 OR b = $2",
        "a = b",
        "a + 1 = $1",
        "at::date = $1",
        "date_trunc('day', at) = $1",
        "my_function(kind) = $1",
        "a = 42.5::numeric",
        "a = floor(random() * 10)::bigint",
        "data ->> $1 = $2",
        "to_tsvector($1, kind) @@ to_tsquery($2)",
        "to_tsvector(kind) @@ to_tsquery($1)",
        "kind LIKE '%a%'",
        "kind NOT LIKE '%abc%'",
        "a > $1 AND at > $2",
        "done_at IS NOT NULL",
        "gone_at IS NULL",
        "one = 'missing'",
        "done IS DISTINCT FROM $1",
        "data = $1",
    ],
)
def test_no_index_serves_it(where: str) -> None:
    assert wanted(where) is None


@pytest.mark.parametrize(
    ("where", "rest", "index"),
    [
        ("a = $1", "", "a"),
        ("a = $1", "", "a, b"),
        ("a = $1 AND b = $2", "", "b, a"),
        ("b = $1 AND at > $2", "", "b, at, id"),
        ("b = $1", "ORDER BY at DESC LIMIT 5", "b, at"),
        ("b = $1", "ORDER BY at DESC LIMIT 5", "b, at DESC"),
        ("a = $1", "", "hash: a"),
        ("a = $1 AND b > 5", "", "UNIQUE a"),
        ("lower(email) = $1", "", "lower((email)::text)"),
        ("data @> $1", "", "gin: data"),
        ("kind LIKE '%abc%'", "", "gin: kind gin_trgm_ops"),
        ("kind LIKE 'abc%'", "", "kind text_pattern_ops"),
        ("a = $1 AND gone_at IS NULL", "", "a, gone_at WHERE (gone_at IS NULL)"),
        ("b = $1 AND kind = 'y'", "", "b, kind WHERE (kind = 'y'::text)"),
        ("b = $1 AND done", "", "b WHERE done"),
        ("b = $1 AND NOT done", "", "b WHERE (NOT done)"),
        ("done_at IS NULL", "", "id WHERE (done_at IS NULL)"),
    ],
)
def test_an_index_that_is_there_is_enough(where: str, rest: str, index: str) -> None:
    assert wanted(where, rest=rest) is not None
    assert wanted(where, rest=rest, indexes={"there": index}) is None


@pytest.mark.parametrize(
    ("where", "rest", "index"),
    [
        ("done_at IS NULL", "ORDER BY at LIMIT 10", "at"),
        ("a = $1", "", "b, a"),
        ("a = $1 AND b > $2", "", "a"),
        ("a = $1", "", "a WHERE (gone_at IS NULL)"),
        ("b = $1", "ORDER BY at DESC, id LIMIT 5", "b, at, id"),
        ("kind LIKE 'abc%'", "", "kind"),
        ("lower(email) = $1", "", "email"),
        ("data ? $1", "", "gin: data jsonb_path_ops"),
    ],
)
def test_an_index_that_is_there_is_not_enough(where: str, rest: str, index: str) -> None:
    assert wanted(where, rest=rest, indexes={"there": index}) is not None


def test_a_condition_that_the_scan_does_not_apply_is_not_its_own() -> None:
    assert wanted("a = $1 AND b = $2", condition="t.b = 5") == "(b)"


def test_a_text_in_a_literal_is_no_column() -> None:
    assert wanted("a = $1 AND email = $2", condition="(t.email)::text = 'a'::text") == "(email)"


@pytest.mark.parametrize(
    ("where", "order", "keys"),
    [
        ("true", "at DESC", "(at)"),
        ("gone_at IS NULL", "at DESC", "(at)"),
        ("b = $1", "at", "(b, at)"),
        ("done", "at", "(at)"),
        ("a > $1", "at", None),
        ("kind <> 'x'", "at", None),
    ],
)
def test_the_order_of_a_page(where: str, order: str, keys: str | None) -> None:
    scan = node("Seq Scan", table="t", schema="public", alias="t", filter=None if where == "true" else f"({where})",
                rows=1e6, actual=1e6, ms=50)  # fmt: skip
    sql = f"SELECT * FROM t WHERE {where} ORDER BY {order} LIMIT 10"
    facts = facts_of(Example(sql=sql, tables=(plain(),), plan=scan))
    need = order_need(facts, facts.plans[0], 0)
    assert (need.index.spelled if need else None) == keys
