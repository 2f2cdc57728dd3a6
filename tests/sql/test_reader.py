"""Tests of scopes: relations, columns, outputs, keys, writes; and of what is not understood."""

import random

import pytest

from pgadvisor.model.catalog import Table
from pgadvisor.sql.query import ColumnUse, Query, Scope
from pgadvisor.sql.reader import Schema, Unread, read_query
from tests.sql.fix_schema import SCHEMA, read


def columns(scope: Scope) -> list[str]:
    """The columns of the outputs as `alias.column@scope`."""
    return [
        f"{output.column.alias}.{output.column.column}@{output.column.scope}" if output.column else "-"
        for output in scope.outputs
    ]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no statement"),
        ("-- nothing", "no statement"),
        ("SELECT 1; SELECT 2", "several statements"),
        ("SELECT FROM WHERE", "syntax error"),
        ("SELECT * FROM t WHERE a = 'x", "unterminated quoted string"),
        ("SELECT * FROM t WHERE id = ?", "syntax error"),
        ("SELECT '\x00'", "zero byte"),
        ("SELECT '\udce9'", "not valid Unicode"),
        ("SELECT " + "(" * 5000 + "1" + ")" * 5000, "nested too deeply"),
        ("SELECT " + "1+" * 200_000 + "1", "nested too deeply"),
        ("SELECT '" + "x" * 1_000_000 + "'", "too long"),
        ("CREATE TABLE t AS SELECT 1", "a utility statement: CREATE TABLE AS"),
        ("START TRANSACTION", "a utility statement: TRANSACTION"),
        ("LISTEN x", "a utility statement: LISTEN"),
        ("EXPLAIN SELECT 1", "a utility statement: EXPLAIN"),
        ("VACUUM t", "a utility statement: VACUUM"),
    ],
)
def test_what_is_not_understood_says_why(text: str, reason: str) -> None:
    found = read_query(text, SCHEMA)
    assert isinstance(found, Unread)
    assert reason in found.reason


def test_a_truncated_text_says_so() -> None:
    cut = read_query("SELECT a FROM t WHERE b = 'x", SCHEMA, is_truncated=True)
    assert isinstance(cut, Unread)
    assert cut.reason.startswith("the text is truncated")
    whole = read_query("SELECT a FROM t", SCHEMA, is_truncated=True, statement="7")
    assert isinstance(whole, Query)
    assert (whole.is_truncated, whole.statement) == (True, "7")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("SELECT 1", "select"),
        ("VALUES (1), (2)", "select"),
        ("TABLE users", "select"),
        ("WITH x AS (DELETE FROM users RETURNING id) SELECT * FROM x", "select"),
        ("INSERT INTO users (id) VALUES ($1,$2)", "insert"),
        ("UPDATE users SET name = $1", "update"),
        ("DELETE FROM users", "delete"),
        ("MERGE INTO users u USING orders o ON u.id = o.id WHEN MATCHED THEN DO NOTHING", "merge"),
    ],
)
def test_kinds(text: str, kind: str) -> None:
    assert read(text).kind == kind


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * FROM t WHERE a IN ($1,$2,$3)",
        "SELECT $1+$2, j->$3->$4, array[$5,$6]",
        "SELECT * FROM t WHERE a > DATE $1 AND b < TIMESTAMP $2 AND c = interval $3",
        "SELECT EXTRACT($1 FROM a),$2 FROM t LIMIT $3 OFFSET $4",
        "SELECT a AT TIME ZONE $1 FROM t WHERE b LIKE $2 ESCAPE $3",
        "SELECT substring(a FROM $1 FOR $2), position($3 IN a), overlay(a placing $4 from $5) FROM t",
    ],
)
def test_texts_of_pg_stat_statements(text: str) -> None:
    assert read(text).text == text


class TestRelations:
    def test_tables_get_their_schema(self) -> None:
        query = read("SELECT 1 FROM users u, ONLY public.orders, open_orders, elsewhere.t, pg_class")
        assert [(each.alias, each.kind, each.table, each.join) for each in query.top.tables] == [
            ("u", "table", "public.users", "from"),
            ("orders", "table", "public.orders", "comma"),
            ("open_orders", "view", "public.open_orders", "comma"),
            ("t", "unknown", "elsewhere.t", "comma"),
            ("pg_class", "unknown", "pg_class", "comma"),
        ]
        assert [query.cut(each.span) for each in query.top.tables] == [
            "users",
            "public.orders",
            "open_orders",
            "elsewhere.t",
            "pg_class",
        ]

    def test_without_a_schema_names_stay_as_written(self) -> None:
        query = read("SELECT a FROM t JOIN s.u ON true", Schema())
        assert [(each.kind, each.table) for each in query.top.tables] == [("table", "t"), ("table", "s.u")]

    def test_the_search_path_decides(self) -> None:
        schema = Schema((Table(schema="a", name="t"), Table(schema="b", name="t")), search_path=('"$user"', "b", "a"))
        assert read("SELECT 1 FROM t", schema).top.tables[0].table == "b.t"

    @pytest.mark.parametrize(
        ("source", "join", "has_condition", "conditions"),
        [
            ("orders o JOIN users u ON u.id = o.user_id", "inner", True, ("o",)),
            ("orders o LEFT JOIN users u ON u.id = 5", "left", True, ()),
            ("orders o LEFT JOIN users u ON true", "left", False, ()),
            ("orders o JOIN users u ON 1 = 1", "inner", False, ()),
            ("orders o CROSS JOIN users u", "cross", False, ()),
            ("orders o, users u", "comma", False, ()),
            ("orders o FULL JOIN users u USING (id)", "full", True, ("o",)),
            ("orders o NATURAL JOIN users u", "natural", True, ("o",)),
            ("orders o RIGHT JOIN users u ON u.id IN (SELECT o.id FROM items)", "right", True, ("o",)),
        ],
    )
    def test_joins(self, source: str, join: str, has_condition: bool, conditions: tuple[str, ...]) -> None:
        use = read(f"SELECT 1 FROM {source}").top.tables[1]
        assert (use.join, use.has_condition, use.conditions) == (join, has_condition, conditions)

    def test_nested_joins_keep_their_own_conditions(self) -> None:
        query = read("SELECT 1 FROM users u LEFT JOIN (orders o JOIN items i ON i.order_id = o.id) ON o.user_id = u.id")
        assert [(each.alias, each.join, each.conditions) for each in query.top.tables] == [
            ("u", "from", ()),
            ("o", "left", ("u",)),
            ("i", "inner", ("o",)),
        ]

    def test_functions_values_and_samples(self) -> None:
        query = read(
            "SELECT g, v.b, e.key FROM generate_series(1, 3) g, (VALUES (1, 2)) v (a, b), users TABLESAMPLE system (1),"
            " LATERAL jsonb_each(users.data) e, json_to_record($1) AS r (x int)"
        )
        assert [(each.kind, each.is_lateral, each.is_sampled) for each in query.top.tables] == [
            ("function", True, False),
            ("values", False, False),
            ("table", False, True),
            ("function", True, False),
            ("function", True, False),
        ]
        assert columns(query.top) == ["g.g@0", "v.b@0", "e.key@0"]

    def test_aliases_of_joins_lead_to_the_tables(self) -> None:
        query = read("SELECT j.email, status FROM (users JOIN orders ON users.id = user_id) AS j")
        assert columns(query.top) == ["users.email@0", "orders.status@0"]
        assert [each.alias for each in query.top.tables] == ["users", "orders"]

    def test_renamed_columns_lead_to_the_tables_own(self) -> None:
        assert columns(read("SELECT x.b FROM users AS x (a, b)").top) == ["x.email@0"]


class TestColumns:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("SELECT email, status FROM users JOIN orders ON user_id = users.id", ["users.email@0", "orders.status@0"]),
            ("SELECT public.users.email FROM users", ["users.email@0"]),
            ("SELECT u.email FROM users u, orders users", ["u.email@0"]),
            ("SELECT ctid FROM users", ["users.ctid@0"]),
            ("SELECT nothing FROM users", ["None.nothing@0"]),
            ("SELECT users FROM users", ["users.*@0"]),
            ("SELECT x.e FROM (SELECT email AS e FROM users) x", ["x.e@0"]),
            ("SELECT e FROM (SELECT * FROM users) x (i, e)", ["x.e@0"]),
            ("WITH x AS (SELECT id, email FROM users) SELECT email FROM x, orders", ["x.email@0"]),
            ("WITH x (a) AS (VALUES (1)) SELECT a FROM x", ["x.a@0"]),
            ("SELECT total FROM open_orders", ["open_orders.total@0"]),
            ("SELECT email FROM users WHERE id IN (SELECT 1 UNION SELECT 2)", ["users.email@0"]),
        ],
    )
    def test_whose_a_column_is(self, text: str, expected: list[str]) -> None:
        assert columns(read(text).top) == expected

    def test_without_a_schema_one_table_owns_all(self) -> None:
        assert columns(read("SELECT a FROM t", Schema()).top) == ["t.a@0"]
        assert columns(read("SELECT a, t.b FROM t, u", Schema()).top) == ["None.a@0", "t.b@0"]

    def test_correlation_names_the_outer_columns(self) -> None:
        query = read(
            "SELECT (SELECT max(amount) FROM items WHERE order_id = o.id AND EXISTS (SELECT 1 FROM users WHERE"
            " users.id = user_id)) FROM orders o"
        )
        outer = ColumnUse(column="id", table="public.orders", alias="o")
        asked = ColumnUse(column="user_id", table="public.orders", alias="o")
        assert query.scopes[1].correlated == (outer, asked)
        assert query.scopes[2].correlated == (asked,)
        assert [each.parent for each in query.scopes] == [None, 0, 1]

    def test_a_star_is_of_its_own_scope(self) -> None:
        query = read("SELECT 1 FROM elsewhere e WHERE EXISTS (SELECT * FROM orders, items)")
        assert query.scopes[1].correlated == ()
        assert [(each.alias, each.column) for each in query.scopes[1].columns] == [("orders", "*"), ("items", "*")]

    def test_a_derived_table_does_not_see_its_siblings_but_a_lateral_one_does(self) -> None:
        plain = read("SELECT 1 FROM orders o, (SELECT amount FROM items WHERE order_id = user_id) x")
        assert plain.scopes[1].correlated == ()
        lateral = read("SELECT 1 FROM orders o, LATERAL (SELECT amount FROM items WHERE order_id = o.id) x")
        assert [each.alias for each in lateral.scopes[1].correlated] == ["o"]
        assert lateral.top.tables[1].is_lateral

    def test_a_cte_does_not_see_the_relations_of_its_statement(self) -> None:
        query = read("WITH x AS (SELECT status) SELECT 1 FROM orders, x")
        assert query.scopes[1].correlated == ()

    def test_all_columns_of_a_scope(self) -> None:
        query = read(
            "UPDATE orders o SET total = o.total + 1, status = row_to_json(u) FROM users u, unnest(u.tags) t"
            " WHERE o.user_id = u.id AND EXISTS (SELECT 1 FROM items WHERE order_id = o.id)"
        )
        assert [(each.alias, each.column) for each in query.top.columns] == [
            ("u", "tags"),
            ("o", "total"),
            ("u", "*"),
            ("o", "user_id"),
            ("u", "id"),
        ]
        assert [(each.alias, each.column) for each in query.scopes[1].columns] == [("items", "order_id"), ("o", "id")]


class TestScopes:
    def test_ctes(self) -> None:
        query = read(
            "WITH a AS MATERIALIZED (SELECT id FROM users), b AS NOT MATERIALIZED (SELECT id FROM a JOIN a AS z"
            " USING (id)), c AS (SELECT 1) SELECT * FROM b"
        )
        found = [(each.name, each.place, each.is_materialized, each.references) for each in query.scopes[1:]]
        assert found == [("a", "cte", True, 2), ("b", "cte", False, 1), ("c", "cte", None, 0)]
        assert query.cut(query.scopes[1].span) == "SELECT id FROM users"
        assert query.top.tables[0].kind == "cte"
        assert query.top.tables[0].inner == 2

    def test_values_in_a_cte_are_no_star(self) -> None:
        query = read("WITH v AS (VALUES (1, 'x')) SELECT column1 FROM v")
        assert not any(output.is_star for scope in query.scopes for output in scope.outputs)
        assert [output.text for output in query.scopes[1].outputs] == ["1", "'x'"]

    def test_recursion(self) -> None:
        query = read(
            "WITH RECURSIVE t (n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM t WHERE n < 9), u AS (SELECT 1)"
            " SELECT n FROM t"
        )
        assert [each.is_recursive for each in query.scopes if each.place == "cte"] == [True, False]
        assert query.scopes[1].set_operation == "union all"
        assert [each.place for each in query.children(1)] == ["arm", "arm"]

    def test_set_operations(self) -> None:
        query = read("SELECT id FROM users UNION SELECT id FROM orders UNION (SELECT 1 LIMIT 1) ORDER BY 1 LIMIT 5")
        assert query.top.set_operation == "union"
        assert query.top.outputs == ()
        assert query.top.limit is not None and query.top.limit.text == "5"
        arms = list(query.children(0))
        assert [query.cut(arm.span) for arm in arms] == [
            "SELECT id FROM users",
            "SELECT id FROM orders",
            "SELECT 1 LIMIT 1",
        ]
        mixed = read("SELECT 1 UNION ALL SELECT 2 EXCEPT SELECT 3")
        assert (mixed.top.set_operation, mixed.scopes[1].set_operation) == ("except", "union all")

    def test_derived_tables(self) -> None:
        query = read("SELECT * FROM (SELECT id FROM users) AS x")
        assert (query.scopes[1].place, query.scopes[1].name) == ("from", "x")
        assert query.cut(query.scopes[1].span) == "SELECT id FROM users"

    @pytest.mark.parametrize(
        ("clause", "limit", "offset"),
        [
            ("LIMIT 10", "10", None),
            ("LIMIT ALL", None, None),
            ("LIMIT NULL", None, None),
            ("FETCH FIRST 3 ROWS ONLY", "3", None),
            ("FETCH FIRST ROW ONLY", "1", None),
            ("OFFSET $1 LIMIT $2", "$2", "$1"),
        ],
    )
    def test_limits(self, clause: str, limit: str | None, offset: str | None) -> None:
        scope = read(f"SELECT 1 FROM users {clause}").top
        assert (scope.limit.text if scope.limit else None) == limit
        assert (scope.offset.text if scope.offset else None) == offset

    def test_flags(self) -> None:
        scope = read("SELECT DISTINCT sum(id), rank() OVER () FROM users GROUP BY name FOR UPDATE").top
        assert scope.is_distinct and scope.has_aggregate and scope.has_window and scope.is_locking
        assert not scope.has_where
        first = read("SELECT DISTINCT ON (u.name) id FROM users u WHERE true").top
        assert (first.is_distinct, first.distinct_on, first.has_where) == (False, ("name",), True)
        windowed = read("SELECT sum(id) OVER (), count(*) FILTER (WHERE true) OVER w FROM users WINDOW w AS ()").top
        assert (windowed.has_aggregate, windowed.has_window) == (False, True)


class TestOutputs:
    def test_stars(self) -> None:
        outputs = read("SELECT *, o.*, count(*), (SELECT 1) FROM orders o").top.outputs
        assert [(each.is_star, each.star_of) for each in outputs[:3]] == [(True, None), (True, "o"), (False, None)]
        assert outputs[2].is_count_star
        assert outputs[3].subqueries == (1,)

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("count(*)", True),
            ("count(1)", True),
            ("COUNT(*) AS n", True),
            ("count(id)", False),
            ("count(NULL)", False),
            ("count(*) + 1", False),
            ("count(*) OVER ()", False),
            ("count(DISTINCT 1)", False),
            ("count(*) FILTER (WHERE id = 1)", False),
        ],
    )
    def test_count_star(self, text: str, expected: bool) -> None:
        assert read(f"SELECT {text} FROM users").top.outputs[0].is_count_star == expected

    def test_text_alias_and_place(self) -> None:
        query = read("SELECT u . email AS \"E\", lower ( name ) l, $1, 'a'::text FROM users u")
        assert [(each.text, each.alias, each.is_constant) for each in query.top.outputs] == [
            ("u . email", "E", False),
            ("lower ( name )", "l", False),
            ("$1", None, True),
            ("'a'::text", None, True),
        ]
        assert [query.cut(each.span) for each in query.top.outputs] == [each.text for each in query.top.outputs]


class TestKeys:
    def test_order_by(self) -> None:
        keys = read(
            "SELECT id, lower(email) AS e FROM users u ORDER BY 2, u.id DESC NULLS LAST, e, name NULLS FIRST, random()"
        ).top.sort_keys
        assert [(each.text, each.key, each.is_descending, each.is_nulls_first) for each in keys] == [
            ("2", "lower(email)", False, None),
            ("u.id", "id", True, False),
            ("e", "lower(email)", False, None),
            ("name", "name", False, True),
            ("random()", "random()", False, None),
        ]
        assert [each.is_random for each in keys] == [False, False, False, False, True]
        assert keys[1].column == ColumnUse(column="id", table="public.users", alias="u")

    def test_a_name_in_order_by_is_an_output_first_and_in_group_by_a_column_first(self) -> None:
        query = read("SELECT lower(name) AS name, count(*) FROM users GROUP BY name ORDER BY name")
        assert [each.key for each in query.top.group_keys] == ["name"]
        assert [each.key for each in query.top.sort_keys] == ["lower(name)"]
        other = read("SELECT date_trunc('day', created_at) AS day FROM users GROUP BY day")
        assert [each.key for each in other.top.group_keys] == ["date_trunc('day', created_at)"]

    def test_grouping_sets(self) -> None:
        scope = read("SELECT 1 FROM orders GROUP BY ROLLUP (status, (number, id))").top
        assert scope.has_grouping_sets
        assert read("SELECT 1 FROM orders GROUP BY status").top.has_grouping_sets is False


class TestWrites:
    def test_update(self) -> None:
        query = read(
            "UPDATE orders o SET status = $1, (total, number) = (SELECT 1, 2) FROM users u WHERE u.id = o.user_id"
            " RETURNING o.id"
        )
        target = query.top.target
        assert target is not None
        assert (target.table, query.top.write, query.top.has_where) == ("public.orders", "update", True)
        assert [each.column for each in query.top.assigned] == ["status", "total", "number"]
        assert [each.join for each in query.top.tables] == ["from", "comma"]
        assert columns(query.top) == ["o.id@0"]
        assert [each.place for each in query.scopes[1:]] == ["set"]

    def test_delete(self) -> None:
        query = read("DELETE FROM orders USING users WHERE user_id = users.id AND active")
        assert [each.key for each in query.top.predicates] == ["user_id", "active"]
        assert read("DELETE FROM orders").top.has_where is False

    def test_insert(self) -> None:
        query = read(
            "INSERT INTO users (id, email) VALUES ($1,(SELECT 1)), (2, DEFAULT) ON CONFLICT (id) DO UPDATE"
            " SET email = excluded.email WHERE users.name <> excluded.name RETURNING id"
        )
        assert [each.column for each in query.top.assigned] == ["id", "email"]
        assert [each.alias for each in query.top.tables] == ["users"]
        assert query.top.has_column_list
        assert query.top.predicates == ()
        assert query.scopes[1].place == "values"
        assert read("INSERT INTO users VALUES (1)").top.has_column_list is False
        assert read("INSERT INTO users DEFAULT VALUES").top.has_column_list is True

    def test_insert_select(self) -> None:
        query = read("INSERT INTO users SELECT * FROM orders RETURNING *")
        assert (query.top.has_column_list, query.scopes[1].place) == (False, "values")
        assert query.cut(query.scopes[1].span) == "SELECT * FROM orders"
        assert [each.alias for each in query.scopes[1].tables] == ["orders"]

    def test_merge(self) -> None:
        query = read(
            "MERGE INTO users u USING orders o ON u.id = o.user_id WHEN MATCHED AND o.total > 5 THEN UPDATE SET name"
            " = $1 WHEN NOT MATCHED THEN INSERT (id) VALUES (o.user_id)"
        )
        assert [(each.alias, each.is_target, each.conditions) for each in query.top.tables] == [
            ("u", True, ()),
            ("o", False, ("u",)),
        ]
        assert [each.column for each in query.top.assigned] == ["name", "id"]
        assert [(each.key, each.place) for each in query.top.predicates] == [("id", "on")]

    def test_writes_in_ctes(self) -> None:
        query = read("WITH gone AS (DELETE FROM orders WHERE id = 1 RETURNING id) SELECT id FROM gone")
        assert (query.kind, query.scopes[1].write, query.scopes[1].place) == ("select", "delete", "cte")
        assert columns(query.top) == ["gone.id@0"]


_WORDS = (
    "SELECT FROM WHERE a b t.x * ( ) [ ] , ; ' \" $1 $$ 1 1.5 -- /* */ AND OR NOT IN = <> ANY EXISTS JOIN ON USING "
    "LEFT GROUP BY ORDER LIMIT WITH AS UNION ALL CASE WHEN THEN END :: int interval UPDATE SET INSERT INTO VALUES "
    "DELETE MERGE count lower é \\ ? @> ->> LATERAL OVER FILTER BETWEEN IS NULL LIKE"
)
PIECES = _WORDS.split()

REAL = (
    "WITH x AS (SELECT u.id, count(*) AS n FROM users u LEFT JOIN orders o ON o.user_id = u.id AND status IN ('a', 'b')"
    " GROUP BY 1 HAVING count(*) > 5) SELECT x.*, (SELECT max(total) FROM orders WHERE user_id = x.id) FROM x"
    " WHERE n BETWEEN $1 AND $2 OR NOT EXISTS (SELECT 1 FROM items i WHERE i.order_id = x.id) ORDER BY 1 DESC LIMIT 10"
)


@pytest.mark.parametrize("seed", range(300))
def test_nothing_raises_on_arbitrary_texts(seed: int) -> None:
    chosen = random.Random(seed)
    text = " ".join(chosen.choices(PIECES, k=chosen.randint(1, 30)))
    assert isinstance(read_query(text, SCHEMA), Query | Unread)


@pytest.mark.parametrize("end", range(0, len(REAL), 3))
def test_nothing_raises_on_cut_texts(end: int) -> None:
    assert isinstance(read_query(REAL[:end], SCHEMA, is_truncated=True), Query | Unread)
