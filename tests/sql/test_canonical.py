"""Tests of canonical expressions."""

import pytest

from pgadvisor.sql.canonical import canonical


@pytest.mark.parametrize(
    "spellings",
    [
        ("lower(email)", "lower((email)::text)", "LOWER( u.Email )", "pg_catalog.lower(email)"),
        ("email", "(email)", "u.email", "EMAIL", '"email"'),
        ("data ->> 'k'", "(data ->> 'k'::text)", "t.data->>'k'"),
        (
            "status IN ('a', 'b')",
            "((status)::text = ANY ((ARRAY['a'::character varying, 'b'::character varying])::text[]))",
        ),
        ("status NOT IN ('a')", "status <> ALL (ARRAY['a'::text])"),
        ("status = 'a'", "((status)::text = 'a'::text)", "(status = 'a'::order_status)"),
        ("deleted_at IS NULL", "(deleted_at IS NULL)", "deleted_at ISNULL"),
        ("a BETWEEN 1 AND 2", "((a >= 1) AND (a <= 2))"),
        ("created_at::date", "CAST(created_at AS date)", "date(created_at)", "(t.created_at)::date"),
        ("timezone('UTC', created_at)", "(created_at AT TIME ZONE 'UTC'::text)"),
        ("extract(year FROM x)", "EXTRACT(year FROM x)", "EXTRACT('year' FROM x)"),
        ("now()", "CURRENT_TIMESTAMP", "NOW()"),
        ("active", "(active = true)", "active"),
        ("NOT active", "(active = false)", "(NOT active)"),
        ("price > 5", "(price > (5)::numeric)", "(price > '5'::numeric)"),
        ("a <> 1", "a != 1", "(a <> 1)"),
        ("name ~~ 'x%'", "name LIKE 'x%'", "((name)::text ~~ 'x%'::text)"),
        ("x::int4", "(x)::integer", "CAST(x AS int)"),
        ("x::timestamptz", "(x)::timestamp with time zone"),
        ("to_tsvector('english', body)", "to_tsvector('english'::regconfig, body)"),
        ("coalesce(a, b)", "COALESCE(a, b)"),
        ("(a + b) * c", "((a + b) * c)", "(t.a+t.b)*t.c"),
    ],
)
def test_one_spelling_for_one_expression(spellings: tuple[str, ...]) -> None:
    assert {canonical(each) for each in spellings} == {canonical(spellings[0])}
    assert canonical(canonical(spellings[0])) == canonical(spellings[0])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("lower(email)", "upper(email)"),
        ("id::text", "id"),
        ("(a + b) * c", "a + b * c"),
        ("a - (b - c)", "(a - b) - c"),
        ("a = 1 AND b = 2 OR c = 3", "a = 1 AND (b = 2 OR c = 3)"),
        ("data -> 'k'", "data ->> 'k'"),
        ("date_trunc('day', a)", "date_trunc('hour', a)"),
        ("x::numeric(10,2)", "x::numeric"),
        ("EXISTS (SELECT 1 FROM a)", "EXISTS (SELECT 1 FROM b)"),
        ("a::date", "a::timestamp"),
    ],
)
def test_different_expressions_stay_different(one: str, other: str) -> None:
    assert canonical(one) != canonical(other)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('"createdAt"', "createdAt"),
        ('lower("createdAt")', 'lower("createdAt")'),
        ('lower("order")', 'lower("order")'),
        ("left(name, 3)", "left(name, 3)"),
        ("not  an\n expression (", "not an expression ("),
        ("a, b", "a, b"),
        ("a AS b", "a AS b"),
        ("", ""),
        ("1; SELECT 2", "1; SELECT 2"),
    ],
)
def test_names_and_what_is_no_expression(text: str, expected: str) -> None:
    assert canonical(text) == expected
