"""Advice that was followed is not taken back: advised again, the same workload asks for next to nothing."""

from collections.abc import Iterator

import pytest

from pgadvisor.cli.workload import read_statements, with_workload
from pgadvisor.model.advice import IndexAdvice
from tests.fix_servers import Server, create_database, drop_database
from tests.planner.fix_twin_schema import collected, execute
from tests.selection.test_on_a_server import advised_on

ANALYZE = ("SET default_statistics_target = 400", "VACUUM ANALYZE")
"""It looks at all rows: another sample would be another advice."""
SCHEMA = """
SELECT setseed(0.5);
CREATE TABLE people (id int PRIMARY KEY, mail text, name text, gone_at timestamptz, boss int, log text);
INSERT INTO people SELECT i, 'Person' || i || '@example.org', md5(i::text), CASE WHEN i % 4 = 0 THEN now() END,
    i % 2000, CASE WHEN i % 50 = 0
        THEN (SELECT string_agg(md5((i * k)::text), '') FROM generate_series(1, 150) AS k) ELSE 'ok' END
    FROM generate_series(1, 40000) AS i;
CREATE TABLE orders (id int PRIMARY KEY, person int REFERENCES people, state text, at timestamptz, tags jsonb,
    total numeric, is_open boolean);
INSERT INTO orders SELECT i, 1 + (random() * 39999)::int, CASE WHEN i % 50 = 0 THEN 'new' ELSE 'done' END,
    '2026-01-01'::timestamptz + i * interval '1 minute', jsonb_build_array('t' || (300 * random() ^ 2)::int),
    i % 977, i % 9 = 0 FROM generate_series(1, 100000) AS i;
CREATE INDEX orders_state ON orders (state);
CREATE INDEX orders_state_copy ON orders (state, id);
"""
WORKLOAD = """
-- name: by_mail freq: 900
SELECT id, name FROM people WHERE lower(mail) = 'person17@example.org' AND gone_at IS NULL;
-- name: orders_of freq: 500
SELECT id, state, total FROM orders WHERE person = 4711 ORDER BY at DESC LIMIT 10;
-- name: orders_named freq: 300
SELECT o.id, p.name FROM orders o JOIN people p ON p.id = o.person WHERE o.person = 77 AND o.is_open;
-- name: newest freq: 100
SELECT id, person FROM orders WHERE state = 'new' ORDER BY at LIMIT 20;
-- name: tagged freq: 40
SELECT id FROM orders WHERE tags @> '["t108"]' AND is_open ORDER BY at DESC LIMIT 20;
-- name: team freq: 50
SELECT id, log FROM people WHERE boss = 12 ORDER BY name;
-- name: month freq: 5
SELECT state, sum(total) FROM orders WHERE at >= '2026-02-01' AND at < '2026-02-03' GROUP BY state;
-- name: new_order freq: 800
INSERT INTO orders VALUES (1000001, 2, 'new', '2026-05-01', '[]', 3, true);
-- name: done freq: 700
UPDATE orders SET state = 'done' WHERE id = 4;
"""


@pytest.fixture(scope="module")
def followed(server: Server) -> Iterator[tuple[IndexAdvice, IndexAdvice]]:
    """The advice, and what is advised when it is followed for real."""
    dsn = create_database(server, "followed")
    execute(dsn, SCHEMA, *ANALYZE)
    first = advised_on(with_workload(collected(dsn), read_statements(WORKLOAD)), time_limit_s=600.0).advice
    execute(dsn, *(each.definition for each in first.create), *(f"DROP INDEX {each.name}" for each in first.drop))
    execute(dsn, *ANALYZE)
    yield first, advised_on(with_workload(collected(dsn), read_statements(WORKLOAD)), time_limit_s=600.0).advice
    drop_database(server, dsn)


def test_there_is_something_to_follow(followed: tuple[IndexAdvice, IndexAdvice]) -> None:
    first, _ = followed
    assert len(first.create) >= 4 and first.drop and first.cost_ratio < 0.2


def test_nothing_of_it_is_taken_back_or_swapped(followed: tuple[IndexAdvice, IndexAdvice]) -> None:
    first, second = followed
    assert not {each.name for each in second.drop} & {f"public.{each.name}" for each in first.create}
    assert second.after >= second.before * 0.95
    assert len(second.create) <= 2


def test_no_index_holds_what_may_be_too_long(followed: tuple[IndexAdvice, IndexAdvice]) -> None:
    assert not [each.definition for advice in followed for each in advice.create if "log" in each.definition]
