"""A snapshot file gives the advice that the server gives; what a file without values cannot know is said."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
import pytest

from tests.cli.run import pgadvisor
from tests.fix_servers import Server, create_database, drop_database, make_reader

SCHEMA = """
CREATE EXTENSION pg_stat_statements;
CREATE TABLE orders (
    id int PRIMARY KEY, customer_id int NOT NULL, status text NOT NULL, at timestamptz NOT NULL, note text
);
INSERT INTO orders SELECT n, (n * 7919) % 20000, CASE WHEN n % 500 = 0 THEN 'held' ELSE 'done' END,
    timestamptz '2024-01-01Z' + n * interval '1 minute', repeat('x', 80) FROM generate_series(1, 80000) n;
CREATE TABLE lines (id int PRIMARY KEY, order_id int NOT NULL REFERENCES orders, amount numeric(10, 2));
INSERT INTO lines SELECT n, 1 + n % 80000, n % 97 FROM generate_series(1, 120000) n;
ANALYZE;
"""
STATEMENTS = (
    "SELECT id, note FROM orders WHERE customer_id = 4711",
    "SELECT id FROM orders WHERE status = 'held' ORDER BY at LIMIT 5",
    "SELECT * FROM lines WHERE order_id = 77",
    "SELECT sum(l.amount) FROM orders AS o JOIN lines AS l ON l.order_id = o.id WHERE o.customer_id = 42",
)


class Reports(NamedTuple):
    """Of the same database: from the server, and from files with and without values."""

    server: dict[str, Any]
    whole: dict[str, Any]
    bare: dict[str, Any]


@pytest.fixture(scope="module")
def reports(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reports]:
    dsn = create_database(server, "file")
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(SCHEMA)
        connection.execute("SELECT pg_stat_statements_reset()")
        for number, statement in enumerate(STATEMENTS):
            for _ in range(60 if number == 0 else 20):  # of the two that want one index, one clearly leads
                connection.execute(statement.encode(), prepare=False)
    reader, folder = make_reader(dsn), tmp_path_factory.mktemp("file")
    for name, keep in (("whole", ["--keep-values"]), ("bare", [])):
        done = pgadvisor("snapshot", reader, "-o", folder / f"{name}.pgsnap", *keep, "-q")
        assert done.returncode == 0, done.stderr
    yield Reports(*(audited(each) for each in (reader, folder / "whole.pgsnap", folder / "bare.pgsnap")))
    drop_database(server, dsn)


def audited(source: str | Path) -> dict[str, Any]:
    done = pgadvisor("audit", source, "--format", "json", "-q")
    assert done.returncode == 0, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def advice(report: dict[str, Any]) -> dict[str, tuple[Any, list[str]]]:
    """Of each finding what shall be done, and what the planner said of it."""
    return {
        each["key"]: (
            each["remedy"],
            [piece["text"] for piece in each["evidence"] if "planner twin" in piece["text"]],
        )
        for each in report["findings"]
    }


def losses(report: dict[str, Any]) -> list[str]:
    return [gap["cure"] for gap in report["gaps"] if "--keep-values" in str(gap["cure"])]


def test_a_file_with_values_gives_the_servers_advice(reports: Reports) -> None:
    found = advice(reports.server)
    assert sum(bool(tried) for _, tried in found.values()) >= 3
    assert advice(reports.whole) == found
    assert losses(reports.server) == losses(reports.whole) == []


def test_what_a_file_without_values_cannot_know_is_said(reports: Reports) -> None:
    assert losses(reports.bare)
    assert advice(reports.bare).keys() <= advice(reports.server).keys()
