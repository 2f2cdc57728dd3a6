"""Which statements are planned before and after: all that a migration may concern, and no others."""

from functools import cache

import pytest
from msgspec.structs import replace

from pgadvisor.advise.examples import facts_of
from pgadvisor.facts import Facts
from pgadvisor.gate.concerned import concerned
from pgadvisor.gate.examples import migration_of
from pgadvisor.model.catalog import Function, View
from pgadvisor.rule import Example, foreign_key, table

USERS = "SELECT * FROM users WHERE id = $1"
ORDERS = "SELECT * FROM orders WHERE id = $1"
JOINED = "SELECT * FROM orders o JOIN users u ON u.id = o.user_id WHERE o.id = $1"
EVENTS = "SELECT * FROM events WHERE id = $1"
VIEWED = "SELECT * FROM names WHERE id = $1"
CALLING = "SELECT own_total(id) FROM tags WHERE id = $1"
BUILT_IN = "SELECT lower(name) FROM tags WHERE id = $1"
ALWAYS = {VIEWED, CALLING}
ALL = {USERS, ORDERS, JOINED, EVENTS, VIEWED, CALLING, BUILT_IN}


@cache
def shop() -> Facts:
    tables = (
        table("users", columns={"email": "text"}, indexes={"users_email_idx": "email"}),
        table("orders", columns={"user_id": "bigint"}, constraints=(foreign_key("user_id", "users"),)),
        table("events", columns={"at": "date"}),
        replace(table("events_2026", columns={"at": "date"}), partition_of="public.events"),
        table("tags", columns={"name": "text"}),
    )
    first, *others = sorted(ALL)
    known = facts_of(Example(sql=first, other=tuple((each, 1_000, 10.0) for each in others), tables=tables))
    view = View(schema="public", name="names", definition="SELECT id, email FROM users")
    snapshot = replace(known.snapshot, views=(view,), functions=(Function(schema="public", name="own_total"),))
    return Facts(snapshot, known.queries)


def chosen(sql: str) -> set[str]:
    return {each.text for each in concerned(shop(), [migration_of("1.sql", sql)])}


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("ALTER TABLE users ADD COLUMN nick text;", {USERS, JOINED}),
        ("CREATE INDEX CONCURRENTLY ON public.orders (user_id);", {ORDERS, JOINED}),
        ("DROP INDEX users_email_idx;", {USERS, JOINED}),
        ("ALTER INDEX users_email_idx RENAME TO by_email;", {USERS, JOINED}),
        ("DROP TABLE orders;", {ORDERS, JOINED}),
        ("ALTER TABLE events_2026 ADD CHECK (at > '2026-01-01');", {EVENTS}),
        ("ALTER TABLE events ALTER at TYPE timestamp;", {EVENTS}),
        ("CREATE TABLE fresh (user_id bigint REFERENCES users); CREATE INDEX ON fresh (user_id);", {USERS, JOINED}),
        ("SET lock_timeout = '1s'; COMMENT ON TABLE tags IS 'x'; ALTER TABLE tags ADD n int;", {BUILT_IN}),
    ],
)
def test_what_names_a_table_concerns_its_statements(sql: str, expected: set[str]) -> None:
    assert chosen(sql) == expected | ALWAYS


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE OR REPLACE FUNCTION own_total(bigint) RETURNS bigint LANGUAGE sql AS 'SELECT 1';",
        "ALTER TABLE users DROP COLUMN email CASCADE;",
        "ALTER TYPE mood ADD VALUE 'x';",
        "SET search_path = other;",
        "ALTER VIEW names RENAME TO called;",
        "ALTER TABLE names RENAME TO called;",
        "DROP INDEX nobody_knows_idx;",
        "CREATE TABLE other.users (id bigint);",
        "DO $$ BEGIN EXECUTE format('ALTER TABLE %I ADD n int', 'users'); END $$;",
        "this is no sql;",
    ],
)
def test_what_cannot_be_told_from_names_concerns_all(sql: str) -> None:
    assert chosen(sql) == ALL
