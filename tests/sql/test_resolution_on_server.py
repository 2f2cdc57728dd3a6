"""Tests that columns are resolved as PostgreSQL resolves them: a view's recorded dependencies are the judge."""

import psycopg
import pytest

from pgadvisor.sql.query import Query
from tests.sql.fix_schema import read

_TABLES = """
CREATE TABLE users (id bigint, email varchar(255), name text, active boolean, created_at timestamptz, tags text[],
                    data jsonb);
CREATE TABLE orders (id bigint, user_id bigint, number integer, status text, total numeric(10,2), placed_at timestamp);
CREATE TABLE items (order_id bigint, sku varchar(40), amount integer);
"""
_USED = """
SELECT k.relname || '.' || a.attname
FROM pg_catalog.pg_rewrite r
JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_rewrite'::regclass AND d.objid = r.oid
JOIN pg_catalog.pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
JOIN pg_catalog.pg_class k ON k.oid = d.refobjid
WHERE r.ev_class = 'judged'::regclass AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjsubid > 0
  AND d.refobjid <> r.ev_class
"""
QUERIES = (
    "SELECT email, status FROM users JOIN orders ON user_id = users.id",
    "SELECT u.id FROM users u WHERE EXISTS (SELECT 1 FROM orders WHERE user_id = u.id AND name = status)",
    "SELECT name FROM users WHERE id IN (SELECT user_id FROM orders WHERE number > (SELECT max(amount) FROM items))",
    "SELECT x.n FROM users u, LATERAL (SELECT count(*) AS n FROM orders WHERE user_id = u.id) x",
    "SELECT x.e FROM (SELECT email AS e, id FROM users) x JOIN orders o ON o.user_id = x.id",
    "WITH users AS (SELECT status AS email FROM orders) SELECT email FROM users",
    "WITH RECURSIVE t (n) AS (SELECT number FROM orders UNION ALL SELECT n + 1 FROM t WHERE n < 9) SELECT n FROM t",
    "SELECT lower(name) AS name FROM users GROUP BY name ORDER BY name",
    "SELECT total AS id FROM orders ORDER BY id",
    "SELECT j.sku FROM (orders JOIN items ON order_id = orders.id) AS j WHERE j.number = 1",
    "SELECT a.z FROM orders AS a (x, y, z) WHERE a.x = 1",
    "SELECT 1 FROM orders FULL JOIN (SELECT order_id AS id FROM items) i USING (id)",
    "SELECT 1 FROM users NATURAL JOIN orders",
    "SELECT 1 FROM users u LEFT JOIN (orders o JOIN items i ON i.order_id = o.id) ON o.user_id = u.id",
    "SELECT e.key FROM users, jsonb_each(data) e WHERE e.value = '1'",
    "SELECT id FROM users UNION SELECT order_id FROM items EXCEPT SELECT user_id FROM orders",
    "SELECT CASE WHEN active THEN (SELECT min(total) FROM orders WHERE user_id = id) END FROM users",
    "SELECT status, count(*) FROM orders GROUP BY 1 HAVING sum(total) > 5 ORDER BY max(placed_at)",
)


def uses(query: Query) -> set[str]:
    """The table columns that a Query names anywhere."""
    found = {column for scope in query.scopes for column in scope.columns}
    return {
        f"{each.table.removeprefix('public.')}.{each.column}" for each in found if each.table and each.column != "*"
    }


@pytest.mark.parametrize("text", QUERIES)
def test_columns_are_those_that_postgresql_sees(database: str, text: str) -> None:
    with psycopg.connect(database) as connection:
        connection.execute(_TABLES)
        connection.execute(f"CREATE VIEW judged AS SELECT FROM ({text}) AS query")
        expected = {name for (name,) in connection.execute(_USED)}
        connection.rollback()
    assert uses(read(text)) == expected
