"""Fixed migrations run, each statement by itself, and do what the short way would have done."""

import psycopg
import pytest

from pgadvisor.advise.registry import gate_rules
from pgadvisor.gate.examples import migration_of
from pgadvisor.gate.fix import fixed
from pgadvisor.migration_facts import GateFacts

RULES = tuple(each for each in gate_rules() if each.kind == "migration")
SCHEMA = """
CREATE TABLE users (id bigint PRIMARY KEY, name varchar(50), age int);
INSERT INTO users SELECT g, 'n' || g, g % 90 FROM generate_series(1, 12000) g;
CREATE TABLE orders (id bigint, user_id bigint, number int, email text);
INSERT INTO orders SELECT g, g, g, 'e' || g FROM generate_series(1, 12000) g;
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE MATERIALIZED VIEW totals AS SELECT id FROM users;
CREATE UNIQUE INDEX totals_id_key ON totals (id);
CREATE TABLE visits (id bigint, at date) PARTITION BY RANGE (at);
CREATE TABLE visits_1 PARTITION OF visits FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE visits_2 PARTITION OF visits DEFAULT;
"""
CASES = [
    (
        "CREATE INDEX orders_email_idx ON orders (email);",
        "SELECT indisvalid FROM pg_index WHERE indexrelid = 'orders_email_idx'::regclass",
        True,
    ),
    ("ALTER TABLE users RENAME name TO full_name;", "SELECT count(*) FROM users WHERE full_name = name", 12_000),
    ("ALTER TABLE users RENAME TO people;", "SELECT count(*) FROM users NATURAL JOIN people WHERE age > 0", 11_867),
    ("ALTER TYPE mood RENAME VALUE 'ok' TO 'fine';", "SELECT enum_range(NULL::mood)::text", "{sad,ok,fine}"),
    ("REFRESH MATERIALIZED VIEW totals;", "SELECT count(*) FROM totals", 12_000),
    (
        "CREATE INDEX CONCURRENTLY visits_at_idx ON visits USING brin (at);",
        "SELECT indisvalid FROM pg_index WHERE indexrelid = 'visits_at_idx'::regclass",
        True,
    ),
    ("VACUUM FULL users;", "SELECT 1", 1),
    ("ALTER TABLE orders ALTER number TYPE bigint;", "SELECT count(*) FROM orders WHERE number_new = number", 12_000),
    (
        "BEGIN; ALTER TABLE orders ALTER email SET NOT NULL, ADD CHECK (number > 0); COMMIT;",
        "SELECT count(*) FROM pg_constraint WHERE conrelid = 'orders'::regclass AND convalidated AND contype = 'c'",
        1,
    ),
    (
        "ALTER TABLE orders ADD PRIMARY KEY (id), ADD FOREIGN KEY (user_id) REFERENCES users;",
        "SELECT string_agg(contype::text, '' ORDER BY contype) FROM pg_constraint WHERE conrelid = 'orders'::regclass "
        "AND contype IN ('p', 'f')",
        "fp",
    ),
    ("UPDATE orders SET number = 0;", "SELECT count(*) FROM orders WHERE number = 0", 12_000),
    (
        "ALTER TABLE orders ADD COLUMN token uuid NOT NULL DEFAULT gen_random_uuid();",
        "SELECT count(DISTINCT token) FROM orders",
        12_000,
    ),
]


def fixed_lines(sql: str) -> list[str]:
    migrations = (migration_of("1.sql", SCHEMA, is_judged=False), migration_of("2.sql", sql))
    (change,) = fixed(migrations, RULES, GateFacts(migrations, version=15))
    return [each.text for each in change.after.up]


@pytest.mark.parametrize(("sql", "question", "answer"), CASES, ids=[each[0][:40] for each in CASES])
def test_a_fixed_migration_runs(database: str, sql: str, question: str, answer: object) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(SCHEMA)
        for line in fixed_lines(sql):
            connection.execute(line)
        found = connection.execute(question).fetchone()
    assert found is not None
    assert found[0] == answer


def test_a_renamed_column_is_the_same_under_both_names(database: str) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(SCHEMA)
        for line in fixed_lines("ALTER TABLE users RENAME COLUMN name TO full_name;"):
            connection.execute(line)
        for write in (
            "INSERT INTO users (id, name) VALUES (-1, 'a')",
            "INSERT INTO users (id, full_name) VALUES (-2, 'b')",
            "UPDATE users SET name = 'c' WHERE id = 1",
            "UPDATE users SET full_name = 'd' WHERE id = 2",
            "UPDATE users SET full_name = NULL WHERE id = 3",
            "UPDATE users SET name = NULL WHERE id = 4",
        ):
            connection.execute(write)
        found = connection.execute(
            "SELECT name, full_name FROM users WHERE id IN (-1, -2, 1, 2, 3, 4) ORDER BY id"
        ).fetchall()
    assert found == [(each, each) for each in ("b", "a", "c", "d", None, None)]
