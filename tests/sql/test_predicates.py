"""Tests of predicates: what is compared with what, how it is wrapped, where it stands in its clause."""

from typing import Any

import pytest

from pgadvisor.sql.query import ColumnUse, Predicate, Value
from tests.sql.fix_schema import read


def only(condition: str, source: str = "orders") -> Predicate:
    """The one predicate of a WHERE."""
    query = read(f"SELECT 1 FROM {source} WHERE {condition}")
    found = query.top.predicates
    assert len(found) == 1, [each.source for each in found]
    assert query.cut(found[0].span) == condition
    return found[0]


@pytest.mark.parametrize(
    ("condition", "operator", "key", "value"),
    [
        ("id = 5", "=", "id", Value(kind="constant", text="5", type="integer")),
        ("5 = id", "=", "id", Value(kind="constant", text="5", type="integer")),
        ("5 < id", ">", "id", Value(kind="constant", text="5", type="integer")),
        ("id = $1", "=", "id", Value(kind="parameter", text="$1")),
        ("id = -5", "=", "id", Value(kind="constant", text="-5", type="integer")),
        ("total > 1.5", ">", "total", Value(kind="constant", text="1.5", type="number")),
        ("id = 42::numeric", "=", "id", Value(kind="constant", text="42", type="numeric")),
        ("id = CAST($1 AS int4)", "=", "id", Value(kind="parameter", text="$1", type="integer")),
        ("placed_at >= DATE $1", ">=", "placed_at", Value(kind="parameter", text="$1", type="date")),
        ("placed_at >= date '2024-01-01'", ">=", "placed_at", Value(kind="constant", text="2024-01-01", type="date")),
        ("status = NULL", "=", "status", Value(kind="null", text="NULL")),
        ("status != 'it''s'", "<>", "status", Value(kind="constant", text="it's", type="string")),
        ("status IS NULL", "IS NULL", "status", Value(kind="none")),
        ("status ISNULL", "IS NULL", "status", Value(kind="none")),
        ("status IS NOT NULL", "IS NOT NULL", "status", Value(kind="none")),
        ("status IS DISTINCT FROM $1", "IS DISTINCT FROM", "status", Value(kind="parameter", text="$1")),
        ("status LIKE '%x'", "LIKE", "status", Value(kind="constant", text="%x", type="string")),
        ("status ~~ '%x'", "LIKE", "status", Value(kind="constant", text="%x", type="string")),
        ("status LIKE $1 ESCAPE $2", "LIKE", "status", Value(kind="parameter", text="$1")),
        ("status ILIKE 'x%'", "ILIKE", "status", Value(kind="constant", text="x%", type="string")),
        ("status SIMILAR TO 'x%'", "SIMILAR TO", "status", Value(kind="constant", text="x%", type="string")),
        ("status ~* 'x'", "~*", "status", Value(kind="constant", text="x", type="string")),
        ("id = ANY($1)", "= ANY", "id", Value(kind="parameter", text="$1")),
        ("id = ANY('{1,2}'::bigint[])", "= ANY", "id", Value(kind="constant", text="{1,2}", type="bigint[]")),
    ],
)
def test_operators_and_values(condition: str, operator: str, key: str, value: Value) -> None:
    found = only(condition)
    assert (found.operator, found.key, found.value) == (operator, key, value)
    assert found.is_conjunct
    assert not found.is_negated
    assert not found.is_wrapped
    assert found.column is not None and found.column.table == "public.orders"


@pytest.mark.parametrize(
    ("condition", "operator"),
    [
        ("status NOT LIKE 'a'", "LIKE"),
        ("status !~~ 'a'", "LIKE"),
        ("status !~ 'a'", "~"),
        ("status NOT ILIKE 'a'", "ILIKE"),
        ("status NOT SIMILAR TO 'a'", "SIMILAR TO"),
        ("id NOT IN (1, 2)", "IN"),
        ("id NOT BETWEEN 1 AND 2", "BETWEEN"),
        ("id NOT IN (SELECT order_id FROM items)", "IN"),
    ],
)
def test_not_in_its_many_shapes(condition: str, operator: str) -> None:
    found = only(condition)
    assert (found.operator, found.is_negated, found.is_conjunct) == (operator, True, True)


def test_not_before_other_conditions_is_no_conjunct() -> None:
    found = read("SELECT 1 FROM orders WHERE NOT (id = 1) AND NOT (id = 2 OR number = 3)").top.predicates
    assert [(each.source, each.is_negated, each.is_conjunct, each.disjunction) for each in found] == [
        ("id", True, False, None),
        ("id", True, False, None),
        ("number", True, False, None),
    ]


@pytest.mark.parametrize("written", ["NOT active", "active IS NOT TRUE", "active = false", "active"])
def test_boolean_columns(written: str) -> None:
    found = only(written if not written.startswith("NOT ") else written[4:], "users")
    assert found.column is not None and found.column.column == "active"
    negated = read(f"SELECT 1 FROM users WHERE {written}").top.predicates[0]
    assert negated.is_negated == written.startswith("NOT ")
    assert negated.is_conjunct


def test_negation_of_one_column_stays_a_conjunct() -> None:
    query = read("SELECT 1 FROM users WHERE NOT active AND id = 1")
    assert [(each.key, each.is_negated, each.is_conjunct) for each in query.top.predicates] == [
        ("active", True, True),
        ("id", False, True),
    ]


@pytest.mark.parametrize(
    ("written", "operator"),
    [
        ("NOT (id IN (SELECT order_id FROM items))", "NOT IN"),
        ("(id NOT IN (SELECT order_id FROM items)) IS TRUE", "NOT IN"),
        ("(id IN (SELECT order_id FROM items)) IS FALSE", "NOT IN"),
        ("(id IN (SELECT order_id FROM items)) IS NOT TRUE", "IN"),
    ],
)
def test_a_test_that_is_true_for_null_makes_no_not_in(written: str, operator: str) -> None:
    query = read(f"SELECT 1 FROM orders WHERE {written}")
    assert [scope.comparison.operator for scope in query.scopes if scope.comparison] == [operator]
    assert query.top.predicates[0].is_negated


def test_lists_are_counted_and_kept_to_a_thousand() -> None:
    found = only(f"id IN ({', '.join(str(number) for number in range(1500))})")
    assert (found.value.kind, found.value.count, len(found.value.items)) == ("list", 1500, 1000)
    assert found.value.items[7] == Value(kind="constant", text="7", type="integer")
    array = only("id = ANY(ARRAY[1, $2])")
    assert (array.operator, array.value.count, array.value.items[1].kind) == ("= ANY", 2, "parameter")


def test_between_has_two_values() -> None:
    found = only("placed_at BETWEEN '2024-01-01' AND now()")
    assert found.value.text == "2024-01-01"
    assert found.upper == Value(kind="expression", text="now()")


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("lower(email) = 'x'", {"wrap": "function", "function": "lower", "key": "lower(email)"}),
        ("lower(email::text) = 'x'", {"wrap": "function", "function": "lower", "cast_to": None, "key": "lower(email)"}),
        ("substr(name, 1, 3) = 'x'", {"wrap": "function", "function": "substr"}),
        ("EXTRACT(year FROM created_at) = 2024", {"wrap": "function", "function": "extract"}),
        ("EXTRACT($1 FROM created_at) = $2", {"wrap": "function", "function": "extract"}),
        ("date_trunc('day', created_at) = $1", {"wrap": "function", "function": "date_trunc"}),
        ("date(created_at) = $1", {"wrap": "function", "function": "date", "key": "created_at::date"}),
        ("created_at::date = $1", {"wrap": "cast", "cast_to": "date", "key": "created_at::date"}),
        ("CAST(created_at AS date) = $1", {"wrap": "cast", "cast_to": "date"}),
        ("date_trunc('day', created_at::timestamp) = $1", {"cast_to": "timestamp without time zone"}),
        ("id::text = $1", {"wrap": "cast", "cast_to": "text"}),
        ("id + 1 = 5", {"wrap": "arithmetic", "key": "id + 1"}),
        ("id * 2 = 5", {"wrap": "arithmetic"}),
        ("- id = 5", {"wrap": "arithmetic"}),
        ("mod(id, 2) = 0", {"wrap": "function", "function": "mod"}),
        ("id ^ 2 = 4", {"wrap": "arithmetic"}),
        ("coalesce(name, '') = ''", {"wrap": "coalesce", "function": "coalesce"}),
        ("CASE WHEN id > 3 THEN 1 END = 1", {"wrap": "case"}),
        ("name || 'x' = 'ax'", {"wrap": "concat"}),
        ("data ->> 'k' = 'v'", {"wrap": "json", "key": "data ->> 'k'"}),
        ("(data -> 'a' ->> 'k')::int = 5", {"wrap": "cast", "cast_to": None}),
        ("created_at AT TIME ZONE 'UTC' > $1", {"wrap": "at time zone"}),
        ("nullif(name, '') = 'x'", {"wrap": "function", "function": "nullif"}),
        ("greatest(id, 3) = 5", {"wrap": "function", "function": "greatest"}),
        ("tags[1] = 'x'", {"wrap": "other"}),
        ("name COLLATE \"C\" = 'x'", {"wrap": "other"}),
    ],
)
def test_what_stands_around_a_column(condition: str, expected: dict[str, Any]) -> None:
    found = read(f"SELECT 1 FROM users WHERE {condition}").top.predicates[0]
    assert found.is_wrapped
    assert found.column is not None and found.column.table == "public.users"
    assert {name: getattr(found, name) for name in expected} == expected


@pytest.mark.parametrize(
    "condition",
    [
        "email::text = 'x'",
        "email::varchar = 'x'",
        "name::varchar = 'x'",
        "id::bigint = 5",
        "created_at::timestamptz > $1",
        "(id) = 5",
        "users.id = 5",
        "data @> '{}'",
        "data ? 'k'",
        "tags && $1",
        "'{a}' <@ tags",
    ],
)
def test_what_is_no_wrapping(condition: str) -> None:
    found = read(f"SELECT 1 FROM users WHERE {condition}").top.predicates[0]
    assert not found.is_wrapped
    assert found.wrap is None
    assert found.cast_to is None
    assert found.column is not None and found.key == found.column.column


@pytest.mark.parametrize(
    ("condition", "is_wrapped"),
    [("number::bigint = 5", True), ("total::numeric(12,2) = 5", True), ("total::numeric = 5", False)],
)
def test_casts_that_change_something(condition: str, is_wrapped: bool) -> None:
    assert only(condition).is_wrapped == is_wrapped


def test_a_cast_to_text_of_a_column_of_unknown_type() -> None:
    """Object mappers write `name::text LIKE`; `id::text =` is written because the type is another."""
    matched, compared = read("SELECT 1 FROM t WHERE name::text LIKE $1 AND ref::text = $2").top.predicates
    assert (matched.is_wrapped, compared.is_wrapped, compared.cast_to) == (False, True, "text")


@pytest.mark.parametrize(
    "condition", ["name || email = 'x'", "coalesce(name, email) = 'x'", "(name, email) > ($1, $2)"]
)
def test_several_columns_on_the_left(condition: str) -> None:
    found = only(condition, "users")
    assert found.column is None
    assert sorted(each.column for each in found.columns) == ["email", "name"]


def test_row_equality_is_one_predicate_a_column() -> None:
    found = read("SELECT 1 FROM orders WHERE (id, number) = (1, $1)").top.predicates
    assert [(each.key, each.value.text) for each in found] == [("id", "1"), ("number", "$1")]


def test_keyset_comparison_keeps_its_values() -> None:
    found = only("(placed_at, id) < ($1, $2)")
    assert (found.operator, found.value.kind, found.value.count) == ("<", "list", 2)


def test_a_join_is_one_predicate_with_a_column_on_both_sides() -> None:
    query = read("SELECT 1 FROM orders o JOIN users u ON u.id = o.user_id WHERE o.id = u.id")
    on, where = query.top.predicates
    assert (on.place, where.place) == ("on", "where")
    assert on.column == ColumnUse(column="id", table="public.users", alias="u")
    assert on.value.kind == "column"
    assert on.value.column == ColumnUse(column="user_id", table="public.orders", alias="o")
    assert query.cut(on.span) == "u.id = o.user_id"


def test_using_gives_its_predicate_and_its_place() -> None:
    query = read("SELECT 1 FROM orders JOIN (SELECT order_id AS id FROM items) AS i USING (id)")
    (found,) = query.top.predicates
    assert found.column == ColumnUse(column="id", table="public.orders", alias="orders")
    assert found.value.column == ColumnUse(column="id", alias="i")
    assert query.cut(found.span) == "id"


def test_natural_join_compares_the_common_columns() -> None:
    query = read("SELECT 1 FROM users NATURAL JOIN orders")
    assert [each.key for each in query.top.predicates] == ["id"]
    assert query.top.tables[1].conditions == ("users",)


def test_ors_are_numbered_and_their_arms_too() -> None:
    query = read(
        "SELECT 1 FROM orders WHERE (id = 1 OR (number = 2 AND status = 'a') OR total = 3) AND (id = 4 OR $1 IS NULL)"
    )
    assert [(each.key, each.disjunction, each.arm, each.is_conjunct) for each in query.top.predicates] == [
        ("id", 0, 0, False),
        ("number", 0, 1, False),
        ("status", 0, 1, False),
        ("total", 0, 2, False),
        ("id", 1, 0, False),
        ("$1", 1, 1, False),
    ]


def test_not_of_an_and_is_an_or() -> None:
    found = read("SELECT 1 FROM orders WHERE NOT (id = 1 AND number = 2)").top.predicates
    assert [(each.disjunction, each.arm, each.is_negated) for each in found] == [(0, 0, True), (0, 1, True)]


def test_conditions_without_columns_are_left_out() -> None:
    assert read("SELECT 1 FROM orders WHERE 1 = 1 AND true AND $1 IS NULL").top.predicates == ()


def test_array_columns_on_the_right_of_any() -> None:
    found = only("'x' = ANY (tags)", "users")
    assert (found.operator, found.column, found.value.kind) == ("= ANY", None, "column")
    assert found.value.column == ColumnUse(column="tags", table="public.users", alias="users")


def test_having_keeps_aggregates() -> None:
    query = read("SELECT status FROM orders GROUP BY status HAVING count(*) > 5 AND 10 < sum(total) AND status = 'a'")
    found = query.top.predicates
    assert [(each.key, each.operator, each.has_aggregate, each.place) for each in found] == [
        ("count(*)", ">", True, "having"),
        ("sum(total)", ">", True, "having"),
        ("status", "=", False, "having"),
    ]


def test_conditions_inside_expressions_are_found_but_are_no_conjuncts() -> None:
    query = read("SELECT count(*) FILTER (WHERE status = NULL) FROM orders WHERE coalesce(id > 3, false)")
    assert {(each.place, each.key, each.is_conjunct) for each in query.top.predicates} == {
        ("select", "status", False),
        ("where", "coalesce(id > 3, false)", True),
        ("where", "id", False),
    }


@pytest.mark.parametrize(
    ("condition", "operator", "value", "is_conjunct"),
    [
        ("id IN (SELECT order_id FROM items)", "IN", "id", True),
        ("id NOT IN (SELECT order_id FROM items)", "NOT IN", "id", True),
        ("id = ANY (SELECT order_id FROM items)", "= ANY", "id", True),
        ("id <> ALL (SELECT order_id FROM items)", "<> ALL", "id", True),
        ("EXISTS (SELECT 1 FROM items)", "EXISTS", None, True),
        ("NOT EXISTS (SELECT 1 FROM items)", "NOT EXISTS", None, True),
        ("(SELECT count(*) FROM items) > 0", ">", "0", True),
        ("0 < (SELECT count(*) FROM items)", ">", "0", True),
        ("NOT (SELECT count(*) FROM items) > 0", "<=", "0", False),
        ("id = (SELECT max(order_id) FROM items)", "=", "id", True),
        ("total > (SELECT avg(amount) FROM items)", "<", "total", True),
        ("(number = 1 OR id IN (SELECT order_id FROM items))", "IN", "id", False),
    ],
)
def test_how_a_subquery_is_compared(condition: str, operator: str, value: str | None, is_conjunct: bool) -> None:
    query = read(f"SELECT 1 FROM orders WHERE {condition}")
    comparison = query.scopes[1].comparison
    assert comparison is not None
    assert (comparison.operator, comparison.is_conjunct) == (operator, is_conjunct)
    assert (comparison.value.text if comparison.value else None) == value
    assert query.cut(query.scopes[1].span).startswith("SELECT ")


def test_a_subquery_whose_value_is_used_is_not_compared() -> None:
    query = read("SELECT (SELECT max(amount) FROM items) FROM orders WHERE coalesce((SELECT 1), 2) > 1")
    assert [each.comparison for each in query.scopes[1:]] == [None, None]
    assert [each.place for each in query.scopes[1:]] == ["where", "select"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SELECT 'é', 1 FROM t WHERE naïve = 'ü' AND x=1", ["naïve = 'ü'", "x=1"]),
        ("SELECT 1 FROM t WHERE ((a)) = ((1))", ["((a)) = ((1))"]),
        ("SELECT 1 FROM t WHERE /* c */ a /* d */ = /* e */ 1 -- f", ["a /* d */ = /* e */ 1"]),
        ("SELECT 1 FROM t WHERE a IN (1,2)AND b is not null", ["a IN (1,2)", "b is not null"]),
        ("SELECT 1 FROM t WHERE f(a,(b)) > $1 AND $2=c", ["f(a,(b)) > $1", "$2=c"]),
        ("SELECT 1 FROM t WHERE a::numeric(10,2)[] = $1 ORDER BY 1", ["a::numeric(10,2)[] = $1"]),
        ("SELECT 1 FROM t WHERE $1 = a::timestamp with time zone LIMIT 1", ["$1 = a::timestamp with time zone"]),
        ("SELECT 1 FROM t WHERE a > now() - interval '1' day AND b", ["a > now() - interval '1' day", "b"]),
        ("SELECT 1 FROM t WHERE a = -1.5 AND b = U&'!0041' UESCAPE '!'", ["a = -1.5", "b = U&'!0041' UESCAPE '!'"]),
        ("SELECT 1 FROM t WHERE case when a>0 then 1 end = 1", ["case when a>0 then 1 end = 1", "a>0"]),
        ("SELECT 1 FROM t HAVING sum(x) filter (where a = 1) > 2", ["sum(x) filter (where a = 1) > 2", "a = 1"]),
    ],
)
def test_spans_point_into_the_text(text: str, expected: list[str]) -> None:
    query = read(text)
    assert [query.cut(each.span) for each in query.top.predicates] == expected
