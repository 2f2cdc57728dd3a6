"""`query --try`, `--hide`, `--set`: both plans are shown, nothing is made on the server, and bad input is told."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from msgspec.structs import replace
from typer.testing import CliRunner

from pgadvisor.cli import planning
from pgadvisor.cli.app import app
from pgadvisor.cli.what_if import Wanted, configuration_of
from pgadvisor.collect.collector import collect
from pgadvisor.collect.session import open_session
from pgadvisor.model.snapshot import FORMAT, Snapshot
from pgadvisor.planner.twin import Twin
from pgadvisor.rule import table
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


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ('"my.idx"', "my.idx"), ('public."my.idx"', "my.idx"), ("my.idx", "my.idx"), ('"Mine"', "Mine"),
        ("Mine", "Mine"), ("public.Mine", "Mine"), ("ORDERS_PKEY", "orders_pkey"),
        ('"public".orders_pkey', "orders_pkey"),
    ],
)  # fmt: skip
def test_an_index_is_hidden_as_it_is_written(written: str, name: str) -> None:
    tables = (replace(table("orders", indexes={"my.idx": "id", "Mine": "id", "orders_pkey": "id"}), schema="public"),)
    snapshot = Snapshot(format=FORMAT, pgadvisor="0.1.0", collected_at=datetime.now(UTC), tables=tables)
    found = configuration_of(snapshot, Wanted(hide=(written,)))
    assert found.hide == (f"public.{name}",)


def test_one_planner_serves_the_trial_and_the_report(reader: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Twin] = []

    class Counted(Twin):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            made.append(self)
            super().__init__(*arguments, **options)

    monkeypatch.setattr(planning, "Twin", Counted)
    done = CliRunner().invoke(
        app, ["query", QUERY, "--source", reader, "--try", "CREATE INDEX mine ON orders (customer_id)",
              "--no-analyze", "--format", "json", "-q"],
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["tried"][0]["indexes"][0]["is_used"] and told["findings"]
    assert len(made) == 1


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


PARTED = """
CREATE SCHEMA "a.b";
CREATE TABLE "a.b"."t.u" AS SELECT n AS id, n % 5000 AS k FROM generate_series(1, 50000) n;
CREATE TABLE par (k int, at int, pad text) PARTITION BY RANGE (at);
CREATE TABLE par1 PARTITION OF par FOR VALUES FROM (0) TO (30000);
CREATE TABLE par2 PARTITION OF par FOR VALUES FROM (30000) TO (90000);
INSERT INTO par SELECT n % 5000, n, repeat('x', 50) FROM generate_series(1, 60000) n;
CREATE TABLE skew AS SELECT n AS id, CASE WHEN n % 10 < 8 THEN 1 ELSE n END AS k, repeat('x', 50) AS pad
    FROM generate_series(1, 50000) n;
ANALYZE;
CREATE TABLE seen AS SELECT timestamptz '2001-01-01Z' - n * interval '1 minute' AS at FROM generate_series(1, 50000) n;
ANALYZE seen;
CREATE TABLE fresh WITH (autovacuum_enabled = off) AS SELECT n AS k FROM generate_series(1, 50000) n;
"""


@pytest.fixture(scope="module")
def parted(server: Server) -> Iterator[str]:
    """A database with partitions, names with dots, a skewed column, and a table that was never analyzed."""
    dsn = create_database(server, "parted")
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(PARTED)
    yield dsn
    drop_database(server, dsn)


def test_an_index_on_a_partitioned_table_is_used_by_its_parts(parted: str) -> None:
    query = "SELECT pad FROM par WHERE k = 7 AND at < 20000"
    found = tried(query, "--source", parted, "--try", "CREATE INDEX ON par (k)", "--try", "CREATE INDEX ON par (pad)")
    assert [(each["name"], each["is_used"]) for each in found["indexes"]] == [
        ("public.par_k_idx", True),
        ("public.par_pad_idx", False),
    ]


def test_a_name_that_postgresql_cuts_is_still_used(parted: str) -> None:
    query = 'SELECT id FROM "a.b"."t.u" WHERE k = 7'
    index = f'CREATE INDEX "x{"é" * 40}" ON "a.b"."t.u" (k)'
    (found,) = tried(query, "--source", parted, "--try", index)["indexes"]
    assert found["is_used"] and found["name"] == "a.b.x" + "é" * 31


def test_the_table_of_an_index_may_have_dots_in_its_names(parted: str) -> None:
    query = 'SELECT id FROM "a.b"."t.u" WHERE k = 7'
    found = tried(query, "--source", parted, "--try", 'CREATE INDEX ON "a.b"."t.u" (k)')
    assert found["indexes"][0]["is_used"] and found["cost_after"] < found["cost_before"] / 5


def test_what_comes_of_other_values_is_told(parted: str, tmp_path: Path) -> None:
    path = tmp_path / "shop.pgsnap"
    assert pgadvisor("snapshot", parted, "-o", path, "--keep-values", "-q").returncode == 0
    query = "SELECT pad FROM skew WHERE k = $1"
    found = tried(query, "--source", path, "--try", "CREATE INDEX ON skew (k)")
    assert found["spread"].startswith("over ") and "in the median" in found["spread"]
    done = pgadvisor("query", query, "--source", path, "--try", "CREATE INDEX ON skew (k)", "-q")
    words = " ".join(done.stdout.split())
    assert "cost over " in words and ", all calls together " in words


def test_an_old_snapshot_is_planned_as_of_its_own_time(parted: str) -> None:
    with open_session(parted) as session:
        snapshot = replace(collect(session), collected_at=datetime(2001, 1, 1, tzinfo=UTC))
    with planning.planner_on(snapshot, planning.PlannerChoice()) as ready:
        plan = ready.planner.plan("SELECT at FROM seen WHERE at > now() - interval '1 day'").plan
    assert plan is not None and 1_300 < plan.root.estimated_rows < 1_600


def test_a_guess_on_a_table_that_was_never_analyzed_is_called_one(parted: str) -> None:
    found = tried("SELECT k FROM fresh WHERE k = 7", "--source", parted, "--try", "CREATE INDEX ON fresh (k)")
    assert any(each.startswith("public.fresh was never analyzed") for each in found["doubts"])
