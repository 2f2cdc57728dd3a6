"""The safe form of each hazard, run on a server: it ends with the schema that the short form makes."""

from typing import Any

import psycopg
import pytest

from pgadvisor.advise.registry import find_rule
from pgadvisor.gate.examples import findings_in
from pgadvisor.rule import Example
from pgadvisor.sql.splitter import split_statements

pytestmark = pytest.mark.server

MADE = """
CREATE TABLE users (id bigint PRIMARY KEY);
CREATE TABLE orders (id bigint NOT NULL, user_id bigint, total numeric, email text, code text);
INSERT INTO users SELECT generate_series(1, 10);
INSERT INTO orders SELECT n, n % 10 + 1, n, 'e' || n, 'c' || n FROM generate_series(1, 12000) n;
"""
SAME = [
    ("unique-not-using-index", "ALTER TABLE orders ADD UNIQUE (email, code) DEFERRABLE INITIALLY DEFERRED"),
    ("unique-not-using-index", "ALTER TABLE orders ADD COLUMN token text UNIQUE"),
    ("primary-key-not-using-index", "ALTER TABLE orders ADD PRIMARY KEY (id, email)"),
    (
        "foreign-key-validated-at-once",
        "ALTER TABLE orders ADD FOREIGN KEY (user_id) REFERENCES users ON DELETE CASCADE",
    ),
    (
        "foreign-key-validated-at-once",
        "ALTER TABLE orders ADD owner bigint DEFAULT 1 REFERENCES users ON UPDATE CASCADE ON DELETE SET NULL",
    ),
    ("check-validated-at-once", "ALTER TABLE orders ADD CHECK (total > 0), ADD COLUMN n int"),
    ("check-validated-at-once", "ALTER TABLE orders ADD CONSTRAINT pair CHECK (total > 0 AND email > code)"),
    ("check-validated-at-once", "ALTER TABLE orders ADD weight int DEFAULT 3 CHECK (weight > 0)"),
    ("set-not-null-scans", "ALTER TABLE orders ALTER email SET NOT NULL"),
    ("volatile-default", "ALTER TABLE orders ADD token uuid NOT NULL UNIQUE DEFAULT gen_random_uuid()"),
    ("volatile-default", "ALTER TABLE orders ADD seen timestamptz DEFAULT clock_timestamp()"),
    ("auto-increment-column", 'ALTER TABLE orders ADD "No" bigserial'),
    ("auto-increment-column", "ALTER TABLE orders ADD no int GENERATED ALWAYS AS IDENTITY PRIMARY KEY"),
]
COLUMNS = """
SELECT attname, format_type(atttypid, atttypmod), attnotnull FROM pg_attribute
WHERE attrelid = 'orders'::regclass AND attnum > 0 AND NOT attisdropped AND attname <> 'n' ORDER BY attname
"""
CONSTRAINTS = """
SELECT conname, contype, pg_get_constraintdef(oid), convalidated FROM pg_constraint
WHERE conrelid = 'orders'::regclass AND contype <> 'n' ORDER BY conname
"""


def rows(connection: psycopg.Connection[Any], query: str) -> list[tuple[Any, ...]]:
    return connection.execute(query.encode()).fetchall()


def made_by(connection: psycopg.Connection[Any], schema: str, sql: str) -> tuple[object, ...]:
    """What the tables of a new schema are after those statements, each run in a transaction of its own."""
    run(connection, f"CREATE SCHEMA {schema}; SET search_path = {schema}; {MADE}{sql}")
    nulls = [
        rows(connection, f'SELECT count(*) FROM orders WHERE "{name}" IS NULL')[0][0]
        for name, *_ in rows(connection, COLUMNS)
    ]
    return rows(connection, COLUMNS), rows(connection, CONSTRAINTS), nulls


def run(connection: psycopg.Connection[Any], sql: str) -> None:
    for statement in split_statements(sql):
        connection.execute(statement.text.encode())


def safe_form(rule: str, sql: str) -> str:
    found = findings_in(find_rule(rule), Example(earlier=MADE, migration=sql, version_num=170_000))
    assert found, f"{rule} finds nothing"
    assert found[0].remedy.sql
    return found[0].remedy.sql


@pytest.mark.parametrize(("rule", "sql"), SAME, ids=[sql[19:70] for _, sql in SAME])
def test_the_safe_form_makes_the_same(database: str, rule: str, sql: str) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        assert made_by(connection, "safe", safe_form(rule, sql)) == made_by(connection, "short", sql)


FILLED = [
    ("stored-generated-column", "ALTER TABLE orders ADD label text GENERATED ALWAYS AS (email || 'x') STORED",
     "SELECT count(*) FROM orders WHERE label IS DISTINCT FROM email || 'x'"),
    ("type-change-rewrites", "ALTER TABLE orders ALTER total TYPE bigint",
     "SELECT count(*) FROM orders WHERE total_new IS DISTINCT FROM total::bigint"),
    ("type-change-rewrites", "ALTER TABLE orders ALTER code TYPE int USING substr(code, 2)::int + 1",
     "SELECT count(*) FROM orders WHERE code_new IS DISTINCT FROM substr(code, 2)::int + 1"),
    ("backfill-in-schema-transaction", "BEGIN; ALTER TABLE orders ADD n int; UPDATE orders SET total = 7; COMMIT",
     "SELECT count(*) FROM orders WHERE total <> 7 AND id <> 0"),
    ("backfill-in-schema-transaction", "BEGIN; ALTER TABLE users ADD n int; DELETE FROM orders WHERE total > 5; COMMIT",
     "SELECT count(*) FROM orders WHERE total > 5 AND id <> 0"),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "sql", "wrong"), FILLED, ids=[sql[12:70] for _, sql, _ in FILLED])
def test_old_and_new_rows_are_filled(database: str, rule: str, sql: str, wrong: str) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        run(connection, MADE + safe_form(rule, sql))
        run(connection, "INSERT INTO orders (id, total, email, code) VALUES (0, 9, 'new', 'c9')")
        run(connection, "UPDATE orders SET email = 'changed' WHERE id = 5")
        assert rows(connection, wrong) == [(0,)]
