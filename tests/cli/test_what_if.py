"""`query --try`, `--hide`, `--set`: both plans are shown, nothing is made on the server, and bad input is told."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.cli.run import assert_refused, pgadvisor
from tests.fix_servers import Server, create_database, drop_database, make_reader

SCHEMA = """
CREATE TABLE orders (id int PRIMARY KEY, customer_id int NOT NULL, note text);
INSERT INTO orders SELECT n, (n * 7919) % 20000, repeat('x', 80) FROM generate_series(1, 60000) n;
CREATE SCHEMA other;
CREATE TABLE other.things (id int);
"""
QUERY = "SELECT id, note FROM orders WHERE customer_id = 4711"


@pytest.fixture(scope="module")
def reader(server: Server) -> Iterator[str]:
    """A database as a role sees it that may only read."""
    dsn = create_database(server, "what_if")
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(SCHEMA)
        connection.execute("VACUUM ANALYZE")
    yield make_reader(dsn)
    drop_database(server, dsn)


def tried(*arguments: str | Path) -> dict[str, Any]:
    done = pgadvisor("query", *arguments, "--format", "json", "-q", "--no-analyze")
    assert done.returncode == 0, done.stderr
    (found,) = json.loads(done.stdout)["tried"]
    return dict(found)


def test_an_index_is_tried_and_not_made(reader: str) -> None:
    found = tried(QUERY, "--source", reader, "--try", "CREATE INDEX CONCURRENTLY ON orders (customer_id) INCLUDE (id)")
    (index,) = found["indexes"]
    assert index["name"] == "public.orders_customer_id_idx"
    assert index["definition"] == ("CREATE INDEX orders_customer_id_idx ON public.orders (customer_id) INCLUDE (id)")
    assert index["is_used"]
    assert index["size_bytes"] > 1_000_000
    assert found["cost_after"] < found["cost_before"] / 10
    with psycopg.connect(reader) as connection:
        row = connection.execute("SELECT count(*) FROM pg_indexes WHERE schemaname = 'public'").fetchone()
    assert row == (1,)


def test_a_parameter_gets_a_value_that_is_not_shown(reader: str, tmp_path: Path) -> None:
    path = tmp_path / "shop.pgsnap"
    assert pgadvisor("snapshot", reader, "-o", path, "--keep-values", "-q").returncode == 0
    query = "SELECT id FROM orders WHERE customer_id = $1"
    done = pgadvisor("query", query, "--source", path, "--try", "CREATE INDEX mine ON orders (customer_id)", "-q")
    assert done.returncode == 0, done.stderr
    assert "public.mine is used" in done.stdout
    assert "Before: cost" in done.stdout
    assert "customer_id = $1" in done.stdout
    assert "customer_id = 1" not in done.stdout


def test_an_index_is_hidden_and_a_setting_set(reader: str) -> None:
    query = "SELECT note FROM orders WHERE id = 7"
    hidden = tried(query, "--source", reader, "--hide", "orders_pkey")
    assert hidden["change"] == "without public.orders_pkey"
    assert hidden["cost_after"] > hidden["cost_before"] * 10
    both = tried(query, "--source", reader, "--hide", "public.orders_pkey", "--set", "seq_page_cost=0.1")
    assert both["change"] == "without public.orders_pkey; seq_page_cost = 0.1"
    assert both["cost_after"] < hidden["cost_after"]


def test_an_index_that_does_not_help_is_said_not_to(reader: str) -> None:
    done = pgadvisor("query", QUERY, "--source", reader, "--try", "CREATE INDEX ON orders (note)", "-q")
    assert "public.orders_note_idx is not used" in done.stdout


def test_each_statement_of_a_file_is_tried(reader: str, tmp_path: Path) -> None:
    file = tmp_path / "queries.sql"
    file.write_text(f"{QUERY};\nSELECT note FROM orders WHERE id = 7;\n")
    done = pgadvisor("query", "-f", file, "--source", reader, "--try", "CREATE INDEX ON orders (customer_id)",
                     "--format", "json", "-q", "--no-analyze")  # fmt: skip
    found = json.loads(done.stdout)["tried"]
    assert [(each["statement"], each["indexes"][0]["is_used"]) for each in found] == [(1, True), (2, False)]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--try", "CREATE INDEX ON orders customer_id)"), ("syntax error", "customer_id")),
        (("--try", "CREATE TABLE t ()"), ("CREATE INDEX",)),
        (("--try", "CREATE INDEX ON orders (id); DROP TABLE orders"), ("several statements",)),
        (("--try", "CREATE INDEX ON nothing (id)"), ('no table "nothing"', "public")),
        (("--try", "CREATE INDEX ON things (id)"), ("other has one",)),
        (("--try", "CREATE INDEX orders_pkey ON orders (note)"), ("orders_pkey", "already")),
        (("--try", "CREATE INDEX ON orders (nothing)"), ('"nothing" does not exist',)),
        (("--hide", "nothing"), ('no index "nothing"',)),
        (("--set", "work_mem"), ("NAME=VALUE",)),
        (("--set", "nothing=1"), ("unrecognized configuration parameter",)),
        (("--set", "work_mem=lots"), ("work_mem",)),
        (("--hide", "orders_pkey", "--twin-bin", "/nowhere"), ("--twin-bin",)),
    ],
)
def test_bad_input_is_told(reader: str, arguments: tuple[str, ...], words: tuple[str, ...]) -> None:
    assert_refused(pgadvisor("query", QUERY, "--source", reader, "--no-analyze", *arguments), *words)


def test_without_a_database_nothing_can_be_tried() -> None:
    assert_refused(pgadvisor("query", QUERY, "--try", "CREATE INDEX ON orders (id)"), "--source")


def test_hypopg_needs_the_server_itself(reader: str, tmp_path: Path) -> None:
    path = tmp_path / "shop.pgsnap"
    assert pgadvisor("snapshot", reader, "-o", path, "-q").returncode == 0
    done = pgadvisor("query", QUERY, "--source", path, "--hide", "orders_pkey", "--planner", "hypopg")
    assert_refused(done, "hypopg", "DSN")
