"""`pgadvisor indexes`: the advice end to end, its limits, its forms, and bad input."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.cli.run import assert_refused, pgadvisor
from tests.fix_servers import Server, create_database, drop_database, make_reader

SCHEMA = """
CREATE TABLE customers (id int PRIMARY KEY, email text NOT NULL);
CREATE TABLE orders (id int PRIMARY KEY, customer_id int NOT NULL, status text NOT NULL, note text);
INSERT INTO customers SELECT n, 'user' || n || '@example.com' FROM generate_series(1, 20000) n;
INSERT INTO orders SELECT n, (n * 7919) % 20000, CASE WHEN n % 50 = 0 THEN 'open' ELSE 'done' END, repeat('x', 80)
    FROM generate_series(1, 60000) n;
"""
WORKLOAD = """-- name: by_customer freq: 900
SELECT id, note FROM orders WHERE customer_id = 4711;
-- name: by_mail freq: 300
SELECT id FROM customers WHERE lower(email) = 'user77@example.com';
SET work_mem = '4MB';
SELEC nonsense;
"""


@pytest.fixture(scope="module")
def reader(server: Server) -> Iterator[str]:
    """A database without an index that helps, as a role sees it that may only read."""
    dsn = create_database(server, "advised")
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(SCHEMA)
        connection.execute("VACUUM ANALYZE")
    yield make_reader(dsn)
    drop_database(server, dsn)


@pytest.fixture(scope="module")
def workload(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("workload") / "queries.sql"
    path.write_text(WORKLOAD)
    return path


def advised(*arguments: str | Path) -> dict[str, Any]:
    done = pgadvisor("indexes", *arguments, "--format", "json", "-q")
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def test_what_helps_is_advised_and_not_made(reader: str, workload: Path) -> None:
    told = advised(reader, "--workload", workload)
    assert {
        (each["table"], "customer_id" in each["sql"] or "lower(email)" in each["sql"]) for each in told["create"]
    } == {
        ("public.orders", True),
        ("public.customers", True),
    }
    assert all(each["sql"].startswith("CREATE INDEX CONCURRENTLY") for each in told["create"])
    assert told["unit"] == "cost" and told["cost_ratio"] < 0.1
    assert told["bound"] <= told["cost_ratio"] and told["gap"] <= 0.01
    assert {each["statement"] for index in told["create"] for each in index["helps"]} == {1, 2}
    assert [each["statement"] for each in told["unread"]] == [3, 4]
    with psycopg.connect(reader) as connection:
        row = connection.execute("SELECT count(*) FROM pg_indexes WHERE schemaname = 'public'").fetchone()
    assert row == (2,)


def test_limits_are_kept(reader: str, workload: Path) -> None:
    one = advised(reader, "--workload", workload, "--max-indexes", "1")
    assert len(one["create"]) == 1
    small = advised(reader, "--workload", workload, "--budget", "5%")
    assert sum(each["size_bytes"] for each in small["create"]) <= small["budget_bytes"]
    none = advised(reader, "--workload", workload, "--budget", "0")
    assert none["create"] == [] and none["advice"]["nothing_because"]


def test_the_text_names_what_was_left_out(reader: str, workload: Path) -> None:
    done = pgadvisor("indexes", reader, "--workload", workload)
    assert done.returncode == 0, done.stderr
    assert "CREATE INDEX CONCURRENTLY" in done.stdout and "by_customer" in done.stdout
    assert f'{workload}:6: syntax error at or near "SELEC"' in done.stderr.replace("\n", "")


def test_what_is_asked_about_is_answered(reader: str, workload: Path) -> None:
    told = advised(reader, "--workload", workload, "--why", "CREATE INDEX ON orders (note)", "--why", "orders_pkey")
    first, second = told["advice"]["why"]
    assert first["definition"] == "CREATE INDEX orders_note_idx ON public.orders (note)"
    assert not first["is_chosen"] and first["verdict"]
    assert "orders_pkey" in second["definition"]


@pytest.mark.parametrize(("kind", "words"), [("sql", "CREATE INDEX CONCURRENTLY"), ("alembic", "down_revision"),
                                             ("django", "migrations.Migration")])  # fmt: skip
def test_a_migration_stands_alone(reader: str, workload: Path, tmp_path: Path, kind: str, words: str) -> None:
    path = tmp_path / "0042_indexes"
    done = pgadvisor("indexes", reader, "--workload", workload, "--migration", kind, "-o", path)
    assert done.returncode == 0, done.stderr
    assert words in path.read_text() and done.stdout == ""
    assert "to create" in done.stderr


def test_a_snapshot_without_values_says_so(reader: str, workload: Path, tmp_path: Path) -> None:
    path, file = tmp_path / "shop.pgsnap", tmp_path / "parameters.sql"
    assert pgadvisor("snapshot", reader, "-o", path, "-q").returncode == 0
    file.write_text("SELECT note FROM orders WHERE customer_id = $1;")
    told = advised(path, "--workload", file)
    assert any("--keep-values" in each for each in told["advice"]["doubts"])
    assert "customer_id" in told["create"][0]["sql"]


def test_what_was_never_analyzed_is_said_to_be_a_guess(server: Server, tmp_path: Path) -> None:
    dsn, file = create_database(server, "unanalyzed"), tmp_path / "queries.sql"
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("CREATE TABLE raw (a int, b text) WITH (autovacuum_enabled = false)")
        connection.execute("INSERT INTO raw SELECT n, n::text FROM generate_series(1, 50000) n")
    file.write_text("SELECT b FROM raw WHERE a = 5;")
    told = advised(dsn, "--workload", file)
    assert told["verdict"]["text"].startswith("Low confidence: nothing is known of the values of its tables")
    assert any("low confidence: nothing is known of the values of raw" in each for each in told["create"][0]["doubts"])
    drop_database(server, dsn)


def test_names_can_be_redacted(reader: str, workload: Path, tmp_path: Path) -> None:
    done = pgadvisor("indexes", reader, "--workload", workload, "--redact", "--format", "json", "-q", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "customer_id" not in done.stdout and "by_mail" not in done.stdout
    assert json.loads(done.stdout)["create"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--budget", "ten"), ("--budget", "10%")),
        (("--max-regression", "10"), ("--max-regression", "0.1")),
        (("--why", "CREATE TABLE t ()"), ("--why", "CREATE INDEX")),
        (("--why", "nothing_idx"), ("--why", 'no index "nothing_idx"')),
        (("--migration", "sql", "--format", "json"), ("--migration", "--format")),
        (("--migration", "sql", "--redact"), ("real names",)),
        (("--twin-bin", "/nowhere"), ("--twin-bin",)),
        (("-o", "report.xyz"), ("xyz",)),
    ],
)
def test_bad_input_is_told(
    reader: str, workload: Path, tmp_path: Path, arguments: tuple[str, ...], words: tuple[str, ...]
) -> None:
    assert_refused(pgadvisor("indexes", reader, "--workload", workload, *arguments, folder=tmp_path), *words)


def test_the_audited_database_is_never_measured_on(reader: str, workload: Path) -> None:
    done = pgadvisor("indexes", reader, "--workload", workload, "--measure", reader)
    assert_refused(done, "audited database", "copy")


def test_without_statements_there_is_a_next_step(reader: str, tmp_path: Path) -> None:
    path = tmp_path / "shop.pgsnap"
    assert pgadvisor("snapshot", reader, "-o", path, "-q").returncode == 0
    assert_refused(pgadvisor("indexes", path), "no statements", "--workload FILE")


def test_hypopg_needs_the_server_itself(reader: str, workload: Path, tmp_path: Path) -> None:
    path = tmp_path / "shop.pgsnap"
    assert pgadvisor("snapshot", reader, "-o", path, "-q").returncode == 0
    assert_refused(pgadvisor("indexes", path, "--workload", workload, "--planner", "hypopg"), "hypopg", "DSN")
