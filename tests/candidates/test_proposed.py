"""Which indexes are thought of for a statement: of every kind the one that is meant, and the nearest case without."""

import pytest

from pgadvisor.candidates.proposed import MOST, candidates_of
from pgadvisor.model.catalog import Column, Table
from pgadvisor.rule import foreign_key, replace
from pgadvisor.sql.index_ddl import IndexDdl, read_create_index
from tests.candidates.make_workload import STATISTICS, WORKLOAD, candidates_for, facts_for, seen, spelled, table_t


@pytest.mark.parametrize(
    ("where", "index"),
    [
        # Equalities, ranges, orders
        ("a = $1", "(a)"),
        ("a = $1 AND b = $2", "(a, b)"),
        ("b = $1 AND at > $2", "(b, at)"),
        ("b = $1 ORDER BY at DESC LIMIT 5", "(b, at)"),
        ("b = $1 ORDER BY at DESC, id DESC LIMIT 5", "(b, at, id)"),
        ("b = $1 ORDER BY at DESC, id LIMIT 5", "(b, at DESC, id)"),
        ("b = $1 ORDER BY at DESC NULLS LAST LIMIT 5", "(b, at DESC NULLS LAST)"),
        ("b = $1 AND price > $2 ORDER BY at LIMIT 5", "(b, price)"),
        ("b = $1 AND price > $2 ORDER BY at LIMIT 5", "(b, at, price)"),
        ("a > $1 ORDER BY b, a DESC LIMIT 5", "(b, a DESC)"),
        ("b IN ($1, $2) ORDER BY at LIMIT 5", "(at, b)"),
        ("true ORDER BY at DESC LIMIT 5", "(at)"),
        ("b = $1 ORDER BY b, at LIMIT 5", "(b, at)"),
        ("(at, id) < ($1, $2) AND b = $3 ORDER BY at DESC, id DESC LIMIT 5", "(b, at, id)"),
        ("a = $1 OR b = $2 AND at > $3", "(b, at)"),
        # Partial
        ("b = $1 AND gone_at IS NOT NULL", "(b) WHERE gone_at IS NOT NULL"),
        ("b = $1 AND rare", "(b) WHERE rare"),
        ("b = $1 AND NOT done", "(b) WHERE NOT done"),
        ("b = $1 AND kind = 'z'", "(b) WHERE kind = 'z'"),
        ("kind = 'z' AND rare ORDER BY at LIMIT 5", "(at) WHERE kind = 'z' AND rare"),
        ("b = $1 AND gone_at IS NULL ORDER BY at LIMIT 5", "(b, at) WHERE gone_at IS NULL"),
        ("rare", "(id) WHERE rare"),
        # Expressions
        ("lower(name) = $1 AND b = $2", "(b, lower(name))"),
        ("data ->> 'k' = $1", "((data ->> 'k'))"),
        ("(data ->> 'n')::int = $1", "(((data ->> 'n')::integer))"),
        ("day::date = $1", "((day::date))"),
        ("date_trunc('day', day) = $1", "(date_trunc('day', day))"),
        ("extract(year FROM day) = $1", "(extract(year FROM day))"),
        ("b = $1 ORDER BY lower(name) LIMIT 5", "(b, lower(name))"),
        # Collations
        ('name COLLATE "C" > $1', '(name COLLATE "C")'),
        ("b = $1 ORDER BY name COLLATE \"C\" DESC LIMIT 5", '(b, name COLLATE "C")'),
        ("b = $1 ORDER BY lower(name) COLLATE \"C\" LIMIT 5", '(b, lower(name) COLLATE "C")'),
        ("name COLLATE \"C\" LIKE 'abc%'", '(name COLLATE "C")'),
        # Other kinds
        ("data @> $1", "USING gin (data jsonb_path_ops)"),
        ("data @> $1 AND NOT done", "USING gin (data jsonb_path_ops) WHERE NOT done"),
        ("data ? 'k'", "USING gin (data)"),
        ("data -> 'tags' @> $1", "USING gin ((data -> 'tags') jsonb_path_ops)"),
        ("tags @> $1", "USING gin (tags)"),
        ("words @@ to_tsquery('x')", "USING gin (words)"),
        ("to_tsvector('english', name) @@ to_tsquery('x')", "USING gin (to_tsvector('english', name))"),
        ("name ILIKE '%abc%'", "USING gin (name gin_trgm_ops)"),
        ("name ILIKE '%abc%'", "USING gist (name gist_trgm_ops)"),
        ("lower(name) LIKE '%abc%'", "USING gin (lower(name) gin_trgm_ops)"),
        ("name LIKE 'abc%'", "(name text_pattern_ops)"),
        ("code LIKE 'abc%'", "(code varchar_pattern_ops)"),
        ("lower(code) LIKE 'abc%'", "(lower(code) text_pattern_ops)"),
        ("span && $1", "USING gist (span)"),
        ("true ORDER BY place <-> $1 LIMIT 3", "USING gist (place)"),
        ("token = $1", "USING hash (token)"),
        ("note = $1", "USING hash (note)"),
        ("at > $1", "USING brin (at)"),
        ('"user" = $1 AND "Wide Name" > $2', '("user", "Wide Name")'),
    ],
)  # fmt: skip
def test_the_index_is_thought_of(where: str, index: str) -> None:
    assert index in spelled(f"SELECT * FROM t WHERE {where}")


@pytest.mark.parametrize(
    ("where", "part"),
    [
        ("kind = $1 AND b = $2", "WHERE"),  # a parameter
        ("a = 5 AND b = $1", "WHERE"),  # a value among many
        ("b = $1 AND at > '2026-01-01'", "WHERE"),  # a value that moves on
        ("b = $1 AND kind <> 'z'", "WHERE"),  # most of the rows
        ("upper(kind) = 'Z' AND b = $1", "WHERE"),
        ("b = $1 AND kind IN ('y', 'z')", "WHERE"),  # one value or two, and tomorrow others
        ("b = $1 AND kind = 'x'", "WHERE"),  # where most rows are
        ("at::date = $1", "::date"),  # depends on the time zone
        ("date_trunc('day', at) = $1", "date_trunc"),
        ("name = $1", "pattern_ops"),
        ("name LIKE '%ab'", "pattern_ops"),
        ("name LIKE '%ab'", "trgm"),  # no three letters
        ("raw = $1", "raw"),
        ("place = $1", "place"),
        ("a = 1.5", "(a"),  # the column is turned into a numeric
        ("a NOT IN (1, 2)", "(a"),
        ("random() = price", "price"),
        ("ctid = $1", "ctid"),
        ("xmin = $1", "xmin"),
        ("concat(kind, name) = $1", "concat"),  # stable
        ("price > $1", "brin"),  # rows lie in another order
        ("kind = $1", "hash"),  # short
        ("b = $1 ORDER BY random() LIMIT 3", "random"),
        ("id = $1 AND b = $2", "("),  # the primary key finds the row
        ("id > $1", "("),  # the primary key again, or less than it
    ],
)
def test_nothing_of_the_kind_is_thought_of(where: str, part: str) -> None:
    assert not [each for each in spelled(f"SELECT * FROM t WHERE {where}") if part in each]


@pytest.mark.parametrize(
    ("text", "index"),
    [
        ("SELECT id, name FROM t WHERE b = $1", "(b) INCLUDE (id, name)"),
        ("SELECT count(*) FROM t WHERE b = $1 AND gone_at IS NULL", "(b) WHERE gone_at IS NULL"),
        ("SELECT count(*) FROM t WHERE b = $1 AND done", "(b) INCLUDE (done)"),
        ("SELECT id FROM t WHERE b = $1 AND rare", "(b) INCLUDE (id) WHERE rare"),
        ("SELECT id, rare FROM t WHERE b = $1 AND rare", "(b) INCLUDE (id, rare) WHERE rare"),
        ("SELECT id FROM t WHERE lower(name) = $1", "(lower(name)) INCLUDE (id, name)"),
        ("SELECT max(at) FROM t WHERE b = $1", "(b, at)"),
        ("SELECT min(at) FROM t", "(at)"),
        ("SELECT kind, count(*) FROM t GROUP BY kind", "(kind)"),
        ("SELECT kind, sum(price) FROM t GROUP BY kind", "(kind) INCLUDE (price)"),
        ("SELECT DISTINCT kind FROM t", "(kind)"),
        ("SELECT kind, b, count(*) FROM t GROUP BY kind, b ORDER BY b DESC, kind DESC", "(b, kind)"),
        ("SELECT id, row_number() OVER (PARTITION BY b ORDER BY at DESC) FROM t", "(b, at DESC)"),
        ("SELECT * FROM (SELECT id, at AS moment FROM t) s ORDER BY moment DESC LIMIT 3", "(at)"),
        ("SELECT id, at FROM t WHERE b = $1 UNION ALL SELECT id, at FROM u ORDER BY at LIMIT 3", "(b, at)"),
        ("SELECT * FROM t JOIN u ON u.a = t.b ORDER BY t.at DESC LIMIT 3", "(at)"),
        ("SELECT * FROM t ORDER BY at, lower(name) LIMIT 3", "(at, lower(name))"),
        ("SELECT DISTINCT ON (a) a, b FROM t ORDER BY a, at DESC", "(a, at DESC)"),
        ("SELECT * FROM t JOIN u ON u.a = t.b", "(b)"),
        ("SELECT * FROM t JOIN u ON u.a = t.b WHERE t.a = $1", "(b, a)"),
        ("SELECT * FROM t JOIN u ON u.a = t.b WHERE t.a = $1", "(a, b)"),
        ("SELECT * FROM u WHERE EXISTS (SELECT * FROM t WHERE t.b = u.a AND t.at > $1)", "(b, at)"),
        ("SELECT * FROM t WHERE EXISTS (SELECT 1 FROM u WHERE t.b = u.a)", "(b)"),
        ("SELECT * FROM u WHERE a IN (SELECT b FROM t WHERE kind = 'z')", "(b) WHERE kind = 'z'"),
        ("SELECT (SELECT max(at) FROM t WHERE t.b = u.a) FROM u", "(b, at)"),
        ("SELECT * FROM (SELECT a, b FROM t) s WHERE s.b = $1", "(b) INCLUDE (a)"),
        ("WITH s AS (SELECT a, b FROM t) SELECT * FROM s WHERE b = $1", "(b)"),
        ("INSERT INTO u (id) SELECT id FROM t WHERE b = $1", "(b)"),
        ("UPDATE t SET a = 1 WHERE b = $1", "(b)"),
        ("DELETE FROM t WHERE at < $1", "(at)"),
        ("DELETE FROM u USING t WHERE t.b = u.id AND u.a = $1", "(b)"),
    ],
)
def test_the_index_is_thought_of_in_any_statement(text: str, index: str) -> None:
    assert index in spelled(text)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("UPDATE t SET a = 1 WHERE b = $1", "INCLUDE"),
        ("SELECT id FROM t WHERE b = $1 FOR UPDATE", "INCLUDE"),
        ("SELECT id, note FROM t WHERE b = $1", "INCLUDE"),  # may not fit into an index entry
        ("SELECT id, data FROM t WHERE b = $1", "INCLUDE"),
        ("SELECT * FROM t WHERE b = $1", "INCLUDE"),
        ("INSERT INTO t (id, b) VALUES (1, 2) ON CONFLICT (b) DO NOTHING", "("),
        ("WITH s AS MATERIALIZED (SELECT a, b FROM t) SELECT * FROM s WHERE b = $1", "(b"),
        ("SELECT b, id FROM t ORDER BY (SELECT 1)", "("),
        ("SELECT id, at FROM t UNION SELECT id, at FROM u ORDER BY at LIMIT 3", "("),
        ("SELECT at FROM (SELECT at, count(*) FROM t GROUP BY at LIMIT 9) s WHERE at > $1 ORDER BY 1", "brin"),
        ("SELECT count(*) FROM pg_class WHERE relname = $1", "("),
    ],
)
def test_nothing_of_the_kind_in_any_statement(text: str, part: str) -> None:
    assert not [each for each in spelled(text) if part in each]


@pytest.mark.parametrize(
    ("index", "where", "same"),
    [
        ("b", "b = $1", "(b)"),
        ("b, at DESC", "b = $1 ORDER BY at LIMIT 2", "(b)"),
        ("b, at", "b = $1 ORDER BY at DESC LIMIT 2", "(b, at)"),
        ("lower(name)", "lower(name) = $1", "(lower(name))"),
        ("gin: data jsonb_path_ops", "data @> $1", "USING gin (data jsonb_path_ops)"),
        ("b WHERE (rare = true)", "b = $1 AND rare", "(b) WHERE rare"),
        ("name text_pattern_ops", "name LIKE 'abc%'", "(name text_pattern_ops)"),
    ],
)
def test_what_is_there_is_not_thought_of(index: str, where: str, same: str) -> None:
    there = (table_t(indexes={"t_idx": index}),)
    found = spelled(f"SELECT * FROM t WHERE {where}", tables=there)
    if index != "b, at DESC":
        assert same not in found
        assert same in spelled(f"SELECT * FROM t WHERE {where}")
    else:
        assert same in found


@pytest.mark.parametrize(
    ("index", "where", "wanted"),
    [
        ("at, b", "b = $1 AND at > $2", "(b, at)"),  # the wrong column leads
        ("b, at", "b = $1 ORDER BY at, id LIMIT 5", "(b, at, id)"),  # the tie-break is missing
        ("name", "name LIKE 'abc%'", "(name text_pattern_ops)"),
        ("name", "lower(name) = $1", "(lower(name))"),
        ("b, at", "b = $1 ORDER BY at DESC NULLS LAST LIMIT 2", "(b, at DESC NULLS LAST)"),
        ("b WHERE (kind = 'x'::text)", "b = $1 AND kind = 'z'", "(b) WHERE kind = 'z'"),
    ],
)
def test_an_index_that_looks_right_is_not_taken_for_the_right_one(index: str, where: str, wanted: str) -> None:
    assert wanted in spelled(f"SELECT * FROM t WHERE {where}", tables=(table_t(indexes={"t_idx": index}),))


@pytest.mark.parametrize(
    ("settings", "index"),
    [
        ({"lc_collate": "C", "locale_provider": "libc"}, "(name)"),
        ({"lc_collate": "C.UTF-8", "locale_provider": "libc"}, "(name text_pattern_ops)"),
        ({"lc_collate": "C", "locale_provider": "icu"}, "(name text_pattern_ops)"),
        ({"lc_collate": "de_DE", "locale_provider": "builtin", "locale": "C.UTF-8"}, "(name)"),
        ({}, "(name text_pattern_ops)"),
    ],
)
def test_a_prefix_needs_its_class_unless_texts_compare_byte_by_byte(settings: dict[str, str], index: str) -> None:
    found = spelled("SELECT * FROM t WHERE name LIKE 'abc%'", settings=settings)
    assert [each for each in found if not each.startswith("USING")] == [index]


def test_the_collation_of_a_column_decides_before_that_of_the_database() -> None:
    plain = table_t()
    columns = tuple(replace(each, collation="C") if each.name == "name" else each for each in plain.columns)
    found = spelled("SELECT * FROM t WHERE name LIKE 'abc%'", tables=(replace(plain, columns=columns),))
    assert "(name)" in found
    assert "(name text_pattern_ops)" not in found


@pytest.mark.parametrize(
    "table",
    [
        replace(table_t(), kind="foreign table"),
        replace(table_t(), access_method="columnar"),
        replace(table_t(), schema="pg_temp_3"),
        table_t(rows=10),
    ],
)
def test_tables_that_get_no_index(table: Table) -> None:
    assert not spelled(f"SELECT * FROM {table.schema}.t WHERE b = $1", tables=(table,))


def test_keys_together_fit_into_an_entry() -> None:
    wide = replace(STATISTICS["name"], average_width_bytes=400)
    columns = tuple(
        replace(each, statistics=wide) if each.name in ("name", "code") else each for each in table_t().columns
    )
    found = spelled("SELECT * FROM t WHERE name = $1 AND code = $2", tables=(replace(table_t(), columns=columns),))
    assert "(name)" in found
    assert not [each for each in found if "name" in each and "code" in each]


def test_a_partition_means_its_parent() -> None:
    parent = table_t("parent", partition_key="RANGE (at)", primary_key=None)
    found = candidates_for("SELECT * FROM t WHERE b = $1", tables=(table_t(partition_of="parent"), parent))
    assert {each.table for each in found} == {"public.parent"}


def test_a_virtual_column_is_in_no_index() -> None:
    plain = table_t()
    columns = (*plain.columns, Column(name="made", type="bigint", is_virtual=True, statistics=seen(500)))
    found = spelled("SELECT made FROM t WHERE b = $1 AND made = 3", tables=(replace(plain, columns=columns),))
    assert found
    assert not [each for each in found if "made" in each]


def test_a_foreign_key_is_looked_up_when_its_parent_is_deleted() -> None:
    child = table_t("child", constraints=(foreign_key("a", "t", on_delete="cascade"),))
    grandchild = table_t("grandchild", constraints=(foreign_key("b", "child"),))
    tables = (table_t(), child, grandchild)
    assert spelled("DELETE FROM t WHERE id = $1", on="child", tables=tables) == ["(a)"]
    assert spelled("DELETE FROM t WHERE id = $1", on="grandchild", tables=tables) == ["(b)"]
    assert spelled("UPDATE t SET id = 3 WHERE id = $1", on="child", tables=tables) == ["(a)"]
    assert not spelled("UPDATE t SET a = 3 WHERE id = $1", on="child", tables=tables)
    has_index = (table_t(), table_t("child", constraints=child.constraints, indexes={"i": "a, b"}), grandchild)
    assert not spelled("DELETE FROM t WHERE id = $1", on="child", tables=has_index)


def test_equalities_that_others_share_come_first() -> None:
    facts = facts_for("SELECT * FROM t WHERE a = $1 AND b = $2", *["SELECT * FROM t WHERE b = $1 AND kind = $2"] * 3)
    found = candidates_of(facts, facts.queries)
    assert "(b, a)" in [each.spelled for each in next(iter(found.values()))]


def test_every_table_of_a_join_gets_its_turn() -> None:
    found = candidates_for("SELECT * FROM t JOIN u ON u.a = t.b WHERE t.a = $1 AND u.b = $2 AND u.at > $3")
    assert {each.table_name for each in found[:2]} == {"t", "u"}


def test_candidates_are_few_each_once_and_the_same_every_time() -> None:
    facts = facts_for(*WORKLOAD)
    found = candidates_of(facts, facts.queries)
    assert found == candidates_of(facts_for(*WORKLOAD), facts.queries)
    assert len(found) == len(WORKLOAD)
    for candidates in found.values():
        assert len(candidates) == len(set(candidates)) <= MOST


def test_every_candidate_can_be_read() -> None:
    facts = facts_for(*WORKLOAD)
    for candidates in candidates_of(facts, facts.queries).values():
        for each in candidates:
            read = read_create_index(each.named("one").definition)
            assert isinstance(read, IndexDdl), each.spelled
            assert (read.schema, read.table, read.method) == ("public", each.table_name, each.method)
            assert len(read.labels) == len(each.keys) <= 5


def test_a_column_too_wide_for_a_b_tree_gets_a_hash() -> None:
    assert spelled("SELECT id FROM t WHERE note = $1") == ["USING hash (note)"]
    assert not spelled("SELECT id FROM t WHERE note > $1 ORDER BY note LIMIT 3")


def test_no_copy_of_a_primary_key_for_a_few_look_ups() -> None:
    few = "SELECT t.name FROM u JOIN t ON t.id = u.a WHERE u.token = $1"
    many = "SELECT t.name FROM u JOIN t ON t.id = u.a WHERE u.done"
    ranged = "SELECT id, name FROM t WHERE id > $1 ORDER BY id LIMIT 100"
    assert not [each for each in spelled(few) if each.startswith("(id")]
    assert "(id) INCLUDE (name)" in spelled(many)
    assert "(id) INCLUDE (name)" in spelled(ranged)


def test_nothing_for_a_table_that_is_read_whole_for_next_to_nothing() -> None:
    def of(rows: float) -> list[str]:
        return spelled("SELECT name FROM t WHERE b = $1", tables=(table_t(rows=rows), table_t("u")))

    assert not of(200)
    assert "(b)" in of(2000)
