"""Rules of a query's shape on a real server: their rewrites return the same rows, what they call unused is unused."""

from collections.abc import Callable

import psycopg
import pytest
from msgspec.structs import replace

from pgadvisor.advise.examples import facts_of
from pgadvisor.advise.registry import find_rule
from pgadvisor.advise.run import findings_of
from pgadvisor.facts import Facts
from pgadvisor.rule import Example, node
from pgadvisor.sql.reader import read_query
from pgadvisor.sql.schema import Schema
from tests.rules.fix_audited import execute, findings, snapshot_of
from tests.rules.test_query_rewrites import SCHEMA, TABLES, fill, rewritten

WORLDS = 25
SAME = [
    ("union-without-duplicates", "SELECT id, 'u' AS k FROM users WHERE id < 5 UNION SELECT id, 'o' FROM orders"),
    (
        "union-without-duplicates",
        "SELECT id, total FROM orders WHERE user_id = 1 UNION SELECT id, total FROM orders WHERE user_id = 2 UNION "
        "SELECT id, total FROM orders WHERE user_id = 3",
    ),
    (
        "union-without-duplicates",
        "SELECT id FROM orders o WHERE paid_at IS NULL UNION SELECT id FROM orders WHERE paid_at IS NOT NULL",
    ),
    (
        "union-without-duplicates",
        "SELECT 1 AS n, user_id FROM orders GROUP BY user_id UNION SELECT 2, user_id FROM blocked GROUP BY user_id",
    ),
    (
        "union-without-duplicates",
        "SELECT id FROM orders WHERE placed_at < '2024-04-01' UNION "
        "SELECT id FROM orders WHERE placed_at >= '2024-04-01'",
    ),
    ("union-without-duplicates", "SELECT 'a', count(*) FROM users UNION SELECT 'b', sum(total) FROM orders"),
    ("left-join-made-inner", "SELECT u.id, o.id FROM users u LEFT JOIN orders o ON o.user_id = u.id WHERE o.total > 1"),
    (
        "left-join-made-inner",
        "SELECT u.id, o.id FROM users u LEFT OUTER JOIN orders AS o ON o.user_id = u.id WHERE NOT (o.total = 5)",
    ),
    (
        "left-join-made-inner",
        "SELECT u.id FROM users u LEFT JOIN blocked b ON b.user_id = u.id WHERE b.reason = 'a' OR b.reason > 'a'",
    ),
    (
        "left-join-made-inner",
        "SELECT u.id, b.reason FROM users u LEFT JOIN blocked b ON b.user_id = u.id "
        "WHERE upper(b.reason) NOT IN ('A') AND u.name IS NULL",
    ),
    (
        "left-join-made-inner",
        "SELECT u.id, o.id FROM users u LEFT JOIN orders o ON o.user_id = u.id JOIN blocked b ON b.user_id = o.user_id",
    ),
    ("left-join-made-inner", "SELECT u.id FROM users u LEFT JOIN orders o ON o.user_id = u.id WHERE o.id IS NOT NULL"),
    ("cte-barrier", "WITH o AS MATERIALIZED (SELECT id, user_id FROM orders) SELECT id FROM o WHERE user_id = 1"),
    (
        "cte-barrier",
        "WITH t AS MATERIALIZED (SELECT user_id, sum(total) AS s FROM orders GROUP BY user_id) "
        "SELECT s FROM t WHERE user_id = 2",
    ),
    ("cte-barrier", "SELECT id FROM (SELECT id, user_id FROM orders WHERE total > 1 OFFSET 0) t WHERE t.user_id = 2"),
    (
        "cte-barrier",
        "WITH o AS (SELECT id, user_id FROM orders) SELECT a.id, b.id FROM o a, o b "
        "WHERE a.user_id = 1 AND b.user_id = 2 AND a.id < b.id",
    ),
    (
        "redundant-group-key",
        "SELECT u.id, u.name, u.code, count(o.id) FROM users u LEFT JOIN orders o ON o.user_id = u.id "
        "GROUP BY u.id, u.name, u.code",
    ),
    ("redundant-group-key", "SELECT name, id, count(*) FROM users JOIN blocked ON user_id = id GROUP BY name, id"),
    ("distinct-on-unique", "SELECT DISTINCT id, total FROM orders WHERE total > 1"),
    ("distinct-on-unique", "SELECT DISTINCT o.id, u.name FROM orders o LEFT JOIN users u ON u.id = o.user_id"),
    ("distinct-on-unique", "SELECT count(*) FROM (SELECT DISTINCT u.id, o.id AS o FROM users u, orders o) t"),
]
UNUSED = [
    "SELECT o.id, o.total FROM orders o {LEFT JOIN users u ON u.id = o.user_id} WHERE o.total > 1",
    "SELECT count(*) FROM orders o {LEFT JOIN users u ON o.user_id = u.id AND u.name = 'a'}",
    "SELECT u.id FROM users u {LEFT JOIN (SELECT user_id, count(*) AS n FROM orders GROUP BY user_id) c "
    "ON c.user_id = u.id} WHERE u.name = 'a'",
    "SELECT u.id FROM users u {LEFT JOIN LATERAL (SELECT id FROM orders o WHERE o.user_id = u.id LIMIT 1) l ON true}",
    "SELECT b.user_id FROM blocked b {LEFT JOIN (SELECT DISTINCT user_id FROM orders) d ON d.user_id = b.user_id}",
]
"""A join that is not used stands in braces."""


def found_in(rule: str, sql: str) -> int:
    return len(list(findings_of(find_rule(rule), facts_of(Example(sql=sql, tables=TABLES)))))


@pytest.mark.server
def test_rewrites_return_the_same_rows(database: str) -> None:
    pairs = [(sql, rewritten(rule, sql)) for rule, sql in SAME]
    for sql in UNUSED:
        whole, without = sql.replace("{", "").replace("}", ""), sql[: sql.index("{")] + sql[sql.index("}") + 1 :]
        assert found_in("unused-left-join", whole) == 1, whole
        pairs.append((whole, without))
    with psycopg.connect(database) as connection:
        connection.execute(SCHEMA.encode())
        for seed in range(WORLDS):
            fill(connection, seed, nulls=0.3 if seed % 2 else 0.0)
            for sql, new in pairs:
                both = f"(({sql}) EXCEPT ALL ({new})) UNION ALL (({new}) EXCEPT ALL ({sql}))"
                assert connection.execute(both.encode()).fetchall() == [], f"world {seed}: {sql}"


@pytest.mark.parametrize(
    ("rule", "sql", "count"),
    [
        ("limit-without-order", "SELECT id FROM orders WHERE user_id = $1 LIMIT 5", 1),
        ("limit-without-order", "SELECT name FROM users WHERE code = $1 LIMIT 1", 0),  # code may be unique
        ("unused-left-join", "SELECT o.id FROM orders o LEFT JOIN users u ON u.id = o.user_id", 1),
        ("unused-left-join", "SELECT o.id FROM orders o LEFT JOIN users u ON u.code = o.code", 0),
        ("unused-left-join", "SELECT o.id, name FROM orders o LEFT JOIN users u ON u.id = o.user_id", 0),
        ("distinct-masks-join", "SELECT DISTINCT u.id FROM users u JOIN orders o ON o.user_id = u.id", 1),
        ("distinct-masks-join", "SELECT DISTINCT u.name FROM users u JOIN orders o ON o.user_id = u.id", 0),
        ("redundant-group-key", "SELECT u.id, u.name FROM users u GROUP BY u.id, u.name", 0),
        ("distinct-on-unique", "SELECT DISTINCT id FROM users", 0),
        ("page-order-repeats", "SELECT id FROM users ORDER BY name LIMIT 5 OFFSET 5", 0),
        ("union-without-duplicates", "SELECT id, 'a' FROM users UNION SELECT id, 'b' FROM orders", 1),
    ],
)
def test_text_alone(rule: str, sql: str, count: int) -> None:
    facts = facts_of(Example(sql=sql))
    offline = Facts(replace(facts.snapshot, server=None), facts.queries)
    assert len(list(findings_of(find_rule(rule), offline))) == count


def test_a_plan_that_ran_tells_what_a_cte_costs() -> None:
    sql = "WITH o AS MATERIALIZED (SELECT id, user_id FROM orders) SELECT id FROM o WHERE user_id = 1"
    ran = node("CTE Scan", node("Seq Scan", table="orders", actual=9.0), actual=1.0)
    assert list(findings_of(find_rule("cte-barrier"), facts_of(Example(sql=sql, tables=TABLES, plan=ran)))) == []


@pytest.mark.parametrize(
    ("sql", "used"),
    [
        ("SELECT a.id FROM a LEFT JOIN b ON b.id = a.b_id", False),
        ("SELECT a.id FROM a LEFT JOIN b ON b.id = a.b_id AND EXISTS (SELECT 1 FROM c WHERE c.b = b.id)", False),
        ("SELECT a.id FROM a LEFT JOIN b USING (b_id)", False),
        ("SELECT a.id FROM a LEFT JOIN b ON b.id = a.b_id LEFT JOIN c ON c.id = b.c_id", True),
        ("SELECT a.id, b FROM a LEFT JOIN b ON b.id = a.b_id", True),
        ("SELECT * FROM a LEFT JOIN b ON b.id = a.b_id", True),
        ("SELECT a.id FROM a LEFT JOIN b ON b.id = a.b_id WHERE EXISTS (SELECT 1 FROM c WHERE c.x = b.x)", True),
        ("SELECT a.id FROM a LEFT JOIN b ON b.id = a.b_id WINDOW w AS (ORDER BY b.x)", True),
        ("SELECT name FROM a LEFT JOIN b ON b.id = a.b_id", True),
        ("UPDATE t SET x = b.x FROM a LEFT JOIN b ON b.id = a.b_id WHERE t.id = a.id", True),
    ],
)
def test_what_is_used_beside_its_own_condition(sql: str, used: bool) -> None:
    query = read_query(sql, Schema())
    relation = query.top.relation("b")  # type: ignore[union-attr]
    assert relation is not None
    assert relation.is_used is used


DEVICES = """
CREATE TABLE device (id int PRIMARY KEY, kind int NOT NULL, seen int NOT NULL, note int) WITH (fillfactor = 45);
CREATE TABLE reading (id int PRIMARY KEY, device_id int NOT NULL, kind int NOT NULL);
CREATE INDEX device_seen ON device (seen);
INSERT INTO device SELECT i, i % 5, i, i FROM generate_series(1, 26000) i;
INSERT INTO reading SELECT i, i % 9000, i % 4 FROM generate_series(1, 20000) i;
"""
FLUSH = "SELECT pg_stat_force_next_flush()"
"""So that the counters are there before the connection is gone."""


@pytest.mark.server
def test_what_the_catalog_and_the_counters_tell(new_database: Callable[..., str]) -> None:
    dsn = new_database("devices")
    execute(dsn, DEVICES)
    execute(dsn, f"UPDATE device SET note = 1; VACUUM ANALYZE; UPDATE device SET note = 2; VACUUM; {FLUSH}")
    texts = {
        "updates-not-hot": "UPDATE device SET seen = seen + 1 WHERE id = 7",
        "distinct-on-unique": "SELECT DISTINCT d.id, d.kind FROM device d WHERE d.kind = 2",
        "distinct-masks-join": "SELECT DISTINCT d.id FROM device d JOIN reading r ON r.device_id = d.id",
        "page-order-repeats": "SELECT id FROM reading ORDER BY kind LIMIT 20 OFFSET 40",
        "redundant-group-key": "SELECT d.id, d.kind, count(*) FROM device d JOIN reading r ON r.device_id = d.id "
        "GROUP BY d.id, d.kind",
        "limit-without-order": "SELECT id FROM reading WHERE kind = 3 LIMIT 5",
    }
    before = snapshot_of(dsn, texts.values(), analyze=False)
    assert findings(before, "updates-not-hot") == [], "all updates so far were HOT"
    execute(dsn, "DROP INDEX device_seen; CREATE INDEX device_note ON device (note)")
    execute(
        dsn,
        f"UPDATE device SET note = 3; VACUUM; UPDATE device SET note = 4; VACUUM; UPDATE device SET note = 5; {FLUSH}",
    )
    texts["updates-not-hot"] = "UPDATE device SET note = note + 1 WHERE id = 7"
    after = snapshot_of(dsn, texts.values(), analyze=False)
    for number, rule in enumerate(texts, start=1):
        found = findings(after, rule)
        assert [each.statements for each in found] == [(str(number),)], rule
    hot = findings(after, "updates-not-hot")[0]
    assert hot.where.index == "device_note"
    execute(dsn, hot.remedy.sql or "")
