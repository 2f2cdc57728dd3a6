"""A source with rows of every kind, and what is asked of it and of its twin."""

from pathlib import Path
from typing import Any

import psycopg

from pgadvisor.collect.collector import collect
from pgadvisor.collect.session import open_session
from pgadvisor.model.explain import read_explain
from pgadvisor.model.plan import Plan
from pgadvisor.model.snapshot import Snapshot

RICH = Path(__file__).with_name("rich.sql")

STATEMENTS = (
    'SELECT * FROM "Kunden-Liste" WHERE id = 77',
    "SELECT * FROM \"Kunden-Liste\" WHERE lower(mail) = 'user77@example.org'",
    "SELECT * FROM \"Kunden-Liste\" WHERE lower(mail) < 'user2'",
    "SELECT * FROM \"Kunden-Liste\" WHERE feeling = 'sad' ORDER BY seen LIMIT 5",
    "SELECT * FROM \"Kunden-Liste\" WHERE feeling > 'glad'",
    "SELECT count(*) FROM \"Kunden-Liste\" WHERE seen > '2024-03-25' AND gone IS NULL",
    "SELECT * FROM \"Kunden-Liste\" WHERE gone BETWEEN '2024-05-10' AND '2024-05-20'",
    "SELECT * FROM \"Kunden-Liste\" WHERE name = 'n12' AND due > 500",
    "SELECT * FROM \"Kunden-Liste\" WHERE name LIKE 'n12%'",
    'SELECT * FROM "Kunden-Liste" WHERE due BETWEEN 10 AND 20',
    "SELECT * FROM \"Kunden-Liste\" WHERE tags @> ARRAY['t3']",
    "SELECT * FROM \"Kunden-Liste\" WHERE tags @> ARRAY[E'q\"\\\\''{,}1', 't5']",
    'SELECT * FROM "Kunden-Liste" WHERE 7 = ANY (spots)',
    'SELECT * FROM "Kunden-Liste" WHERE prefs @> \'{"size": 12}\'',
    "SELECT * FROM \"Kunden-Liste\" WHERE words @@ to_tsquery('simple', 'word3 & common')",
    "SELECT * FROM \"Kunden-Liste\" WHERE to_tsvector('simple', \"Straße\") @@ to_tsquery('simple', '17')",
    "SELECT * FROM \"Kunden-Liste\" WHERE stay && daterange('2024-02-01', '2024-02-03')",
    "SELECT * FROM \"Kunden-Liste\" WHERE stay @> '2024-06-01'::date",
    "SELECT * FROM \"Kunden-Liste\" WHERE home = ROW('DE', 'c3')::place",
    "SELECT * FROM \"Kunden-Liste\" WHERE code = 'CHF' AND net > '10.0.150.0'",
    "SELECT * FROM \"Kunden-Liste\" WHERE secret = '0a5a6bda-0000-0000-0000-000000000000'",
    'SELECT * FROM "Kunden-Liste" WHERE lazy',
    'SELECT "Straße", count(*) FROM "Kunden-Liste" GROUP BY 1',
    'SELECT name, code, count(*) FROM "Kunden-Liste" GROUP BY 1, 2',
    "SELECT * FROM reading WHERE at BETWEEN '2024-01-20' AND '2024-02-10' AND sensor = 5",
    "SELECT sensor, avg(value) FROM reading GROUP BY sensor",
    "SELECT * FROM reading_2 WHERE value > 990",
    "SELECT * FROM event WHERE kind = 'k2'",
    "SELECT kind, count(*) FROM event GROUP BY kind",
    "SELECT * FROM ONLY event WHERE kind = 'k2'",
    "SELECT * FROM visit JOIN \"Kunden-Liste\" k ON k.id = customer WHERE k.feeling = 'sad'",
    'SELECT k.name, v.id FROM visit v JOIN "Kunden-Liste" k ON k.id = v.customer WHERE v.id < 30',
    "SELECT * FROM visit WHERE id = 5",
    "UPDATE visit SET customer = 3 WHERE customer = 44",
    "SELECT * FROM by_code WHERE many > 10",
    "SELECT * FROM never WHERE state = 's1'",
    "SELECT * FROM never WHERE id = 4",
    "SELECT * FROM nothing WHERE id = 4",
    "SELECT * FROM later WHERE at > '2024-01-17'",
    "SELECT * FROM later WHERE at > '2024-01-14 12:00' AND id > 20000",
    "SELECT * FROM later WHERE id BETWEEN 19900 AND 25000",
)

GUESSED = frozenset(statement for statement in STATEMENTS if "tags @>" in statement or "prefs @>" in statement)
"""What a GIN index counts of its pages stands in itself, and the twin's is empty: the planner guesses."""


def make_rich(dsn: str) -> None:
    """Fills an empty database with it."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        # Each by itself: VACUUM refuses to run beside others.
        for statement in RICH.read_text("utf-8").split(";\n"):
            if statement.strip():
                connection.execute(statement.encode())


def collected(dsn: str) -> Snapshot:
    """What collecting finds, with values."""
    with open_session(dsn) as session:
        return collect(session)


def planned(connection: psycopg.Connection[Any], text: str) -> Plan:
    """The statement's plan."""
    row = connection.execute(f"EXPLAIN (FORMAT JSON) {text}".encode(), prepare=False).fetchone()
    assert row is not None
    return read_explain(row[0])


def outline(plan: Plan) -> list[tuple[object, ...]]:
    """What is done in which order, node by node, without rows, costs and conditions."""
    return [
        (node.node_type, node.join_type, node.strategy, node.operation, node.table, node.alias, node.index,
         node.scan_direction, node.is_parallel_aware, node.parent_relationship, len(node.children))
        for node in plan.root.walk()
    ]  # fmt: skip
