"""Rewrites that query rules propose: they return the same rows in small worlds full of NULLs, and cure the fault."""

import random
from collections.abc import Iterator

import psycopg
import pytest

from pgadvisor.advise.examples import findings_in
from pgadvisor.advise.registry import all_rules, find_rule
from pgadvisor.rule import Example, Rule, table

WORLDS = 60
SCHEMA = """
CREATE TABLE users (id bigint PRIMARY KEY, code varchar(20), tags text[], name text, team_id bigint);
CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint, placed_at timestamptz, paid_at timestamp, total numeric);
CREATE TABLE blocked (user_id bigint, reason text);
CREATE INDEX ON users (code);
CREATE INDEX ON orders (user_id);
CREATE INDEX ON orders (placed_at);
CREATE INDEX ON orders (paid_at);
"""
TABLES = (
    table("users", columns={"id": "bigint", "name": "text", "code": "character varying(20)", "team_id": "bigint",
                            "tags": "text[]"}, indexes={"users_code": "code", "users_tags": "gin: tags"}),
    table("orders", columns={"id": "bigint", "user_id": "bigint", "total": "numeric",
                             "placed_at": "timestamp with time zone", "paid_at": "timestamp without time zone"},
          indexes={"orders_user": "user_id", "orders_placed_at": "placed_at", "orders_paid_at": "paid_at"}),
    table("blocked", columns={"user_id": "bigint", "reason": "text"}, primary_key=None),
)  # fmt: skip
SAME = [
    (
        "count-for-existence",
        "SELECT u.id FROM users u WHERE (SELECT count(*) FROM orders o WHERE o.user_id = u.id) > 0",
    ),
    (
        "count-for-existence",
        "SELECT u.id FROM users u WHERE 1 > (SELECT count(*) FROM orders o WHERE o.user_id = u.id)",
    ),
    ("count-for-existence", "SELECT u.id, (SELECT count(1) FROM orders o WHERE o.user_id = u.id) = 0 FROM users u"),
    ("count-for-existence", "SELECT count(*) <> 0 AS some FROM orders WHERE user_id = 2"),
    ("count-for-existence", "SELECT count(*) = 0 FROM orders WHERE user_id = 2 AND total > 5"),
    ("function-on-indexed-column", "SELECT id FROM orders o WHERE date(o.placed_at) = '2024-03-31'"),
    ("function-on-indexed-column", "SELECT id FROM orders WHERE paid_at::date BETWEEN '2024-03-30' AND '2024-03-31'"),
    ("function-on-indexed-column", "SELECT id FROM orders WHERE extract(year FROM placed_at) = 2024 AND total IS NULL"),
    ("function-on-indexed-column", "SELECT id FROM orders WHERE date_trunc('month', paid_at) <= '2024-03-01'"),
    ("function-on-indexed-column", "SELECT id FROM orders WHERE user_id + 1 = 3"),
    ("function-on-indexed-column", "SELECT id FROM orders WHERE user_id - 2 < 1 AND total > 0"),
    ("function-on-indexed-column", "SELECT id FROM orders WHERE user_id::text = '2'"),
    ("function-on-indexed-column", "SELECT id FROM users WHERE coalesce(code, 'x') = 'x' AND id > 1"),
    ("function-on-indexed-column", "SELECT id FROM users u WHERE coalesce(u.code, 'x') = 'y'"),
    ("function-on-indexed-column", "SELECT id FROM orders WHERE coalesce(user_id, 0) = 0 AND total > 1"),
    ("keyset-as-or", "SELECT id FROM orders WHERE user_id > 1 OR (user_id = 1 AND total > 0)"),
    ("keyset-as-or", "SELECT id FROM orders o WHERE id > 0 AND ((o.user_id < 2) OR o.total < 9 AND o.user_id = 2)"),
    ("array-any-column", "SELECT id FROM users u WHERE 'b' = ANY (u.tags)"),
    ("array-any-column", "SELECT id FROM users WHERE lower('A') = ANY (tags) AND id > 0"),
    ("implicit-cast", "SELECT id FROM orders WHERE user_id = 2.0"),
    ("implicit-cast", "SELECT id FROM orders WHERE user_id < 3::numeric"),
    ("select-star", "SELECT * FROM users"),
    ("select-star", "SELECT o.total, u.* FROM users u LEFT JOIN orders o ON o.user_id = u.id"),
    ("not-in-subquery", "SELECT id FROM users WHERE id NOT IN (SELECT user_id FROM blocked WHERE reason = 'a')"),
    ("not-in-subquery", "SELECT id FROM users u WHERE u.id <> ALL (SELECT b.user_id FROM blocked b)"),
    ("not-in-subquery", "SELECT id FROM users WHERE id NOT IN (SELECT DISTINCT user_id FROM blocked)"),
]
NO_NULLS = {"not-in-subquery"}
"""There NULLs are the fault: only without them is the rewrite to say the same."""


def fill(connection: psycopg.Connection[object], seed: int, *, nulls: float) -> None:
    """Up to seven rows a table, small domains, times around a change of clocks."""
    pick = random.Random(seed)

    def maybe(*values: object) -> object:
        return None if pick.random() < nulls else pick.choice(values)

    connection.execute("TRUNCATE users, orders, blocked")
    times = (
        "2023-12-31 23:59:59.999999",
        "2024-01-01",
        "2024-03-31 01:59",
        "2024-03-31 03:00",
        "2024-04-01",
        "2025-01-01",
    )
    for number in range(pick.randrange(8)):
        connection.execute(
            "INSERT INTO users VALUES (%s, %s, %s, %s, %s)",
            (number, maybe("x", "y"), maybe([], ["a"], [None, "b"], [None]), maybe("a", "b"), maybe(1, 2)),
        )
    for number in range(pick.randrange(8)):
        values = (number, maybe(0, 1, 2, 3), maybe(*times), maybe(*times), maybe(0, 5, 9))
        connection.execute("INSERT INTO orders VALUES (%s, %s, %s, %s, %s)", values)
    for _ in range(pick.randrange(5)):
        connection.execute("INSERT INTO blocked VALUES (%s, %s)", (maybe(0, 1, 2, 9), maybe("a", "b")))


def rewritten(rule: str, sql: str) -> str:
    findings = findings_in(find_rule(rule), Example(sql=sql, tables=TABLES))
    assert len(findings) == 1, sql
    assert findings[0].remedy.sql, sql
    return findings[0].remedy.sql


@pytest.mark.server
def test_rewrites_return_the_same_rows(database: str) -> None:
    pairs = [(rule, sql, rewritten(rule, sql)) for rule, sql in SAME]
    with psycopg.connect(database) as connection:
        connection.execute(SCHEMA.encode())
        connection.execute("SET timezone = 'Europe/Berlin'")
        for seed in range(WORLDS):
            for nulls in (0.0, 0.3):
                fill(connection, seed, nulls=nulls)
                for rule, sql, new in pairs:
                    if nulls and rule in NO_NULLS:
                        continue
                    both = f"(({sql}) EXCEPT ALL ({new})) UNION ALL (({new}) EXCEPT ALL ({sql}))"
                    assert connection.execute(both.encode()).fetchall() == [], f"world {seed}: {sql}"


def rewriting_examples() -> Iterator[object]:
    """BAD examples whose remedy is a query: each with its rule."""
    for rule in all_rules():
        for number, example in enumerate(rule.bad):
            if rule.kind == "query" and (example.remedy or "").lower().startswith(("select", "where", "not exists")):
                yield pytest.param(rule, example, id=f"{rule.name}-{number}")


@pytest.mark.parametrize(("rule", "example"), list(rewriting_examples()))
def test_rewritten_query_is_left_alone(rule: Rule, example: Example) -> None:
    new = findings_in(rule, example)[0].remedy.sql
    assert new is not None
    if rule.name != "select-star":
        assert findings_in(rule, Example(sql=new, tables=example.tables, extensions=example.extensions)) == ()
    else:
        assert "*" not in new
