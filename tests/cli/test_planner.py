"""`--planner`: advice is tried on a twin unless the user wants another planner or none; queries of a file get plans."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.cli.run import assert_refused, pgadvisor
from tests.fix_servers import Server, create_database, drop_database, make_reader

SCHEMA = """
CREATE EXTENSION pg_stat_statements;
CREATE TABLE orders (id int PRIMARY KEY, customer_id int NOT NULL, note text);
INSERT INTO orders SELECT n, (n * 7919) % 20000, repeat('x', 80) FROM generate_series(1, 60000) n;
ANALYZE orders;
"""
BY_CUSTOMER = "SELECT id, note FROM orders WHERE customer_id = 4711"


@pytest.fixture(scope="module")
def reader(server: Server) -> Iterator[str]:
    """A database whose statement lacks an index, as a role sees it that may only read."""
    dsn = create_database(server, "planner")
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(SCHEMA)
        connection.execute("SELECT pg_stat_statements_reset()")
        for _ in range(30):
            connection.execute(BY_CUSTOMER)
    yield make_reader(dsn)
    drop_database(server, dsn)


@pytest.fixture(scope="module", params=[True, False], ids=["with values", "without values"])
def snapshot(reader: str, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Path:
    path = tmp_path_factory.mktemp("planner") / "shop.pgsnap"
    keep = ["--keep-values"] if request.param else []
    done = pgadvisor("snapshot", reader, "-o", path, *keep, "-q")
    assert done.returncode == 0, done.stderr
    return path


def judged(*arguments: str | Path) -> dict[str, Any]:
    done = pgadvisor(*arguments, "--format", "json", "-q")
    assert done.returncode == 0, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def proposal(report: dict[str, Any]) -> dict[str, Any]:
    (found,) = (each for each in report["findings"] if each["rule"] == "scan-discards-most-rows")
    return dict(found)


def evidence(report: dict[str, Any]) -> str:
    return "\n".join(each["text"] for each in proposal(report)["evidence"])


def test_an_audit_tries_its_indexes_on_a_twin(snapshot: Path) -> None:
    report = judged("audit", snapshot)
    assert "tried on planner twin, PostgreSQL " in evidence(report)
    assert report["trials"]["planner"].startswith("planner twin, PostgreSQL ")
    assert report["trials"]["remedies"] == 1


def test_without_a_planner_indexes_are_proposed_untried(snapshot: Path) -> None:
    report = judged("audit", snapshot, "--planner", "none")
    assert "tried on" not in evidence(report)
    assert report["trials"] is None


def test_a_query_of_a_snapshot_file_is_planned_on_the_twin(snapshot: Path) -> None:
    report = judged("query", BY_CUSTOMER, "--source", snapshot)
    assert "tried on planner twin" in evidence(report)
    assert not [gap for gap in report["gaps"] if gap["area"] == "plans"]


def test_a_query_of_a_snapshot_file_has_no_plan_without_a_planner(snapshot: Path) -> None:
    report = judged("query", BY_CUSTOMER, "--source", snapshot, "--planner", "none")
    assert [gap["area"] for gap in report["gaps"]] == ["plans"]


def test_a_table_that_is_not_there_is_said(snapshot: Path) -> None:
    done = pgadvisor("query", "SELECT * FROM nowhere WHERE a = 1", "--source", snapshot, "-q")
    assert done.returncode == 2
    assert "a table of it is not found on the search path" in done.stderr


def test_without_the_servers_programs_the_audit_goes_on(snapshot: Path, tmp_path: Path) -> None:
    (tmp_path / "postgres").write_text("no program")
    report = judged("audit", snapshot, "--twin-bin", tmp_path)
    assert "tried on" not in evidence(report)
    (gap,) = (each for each in report["gaps"] if each["area"] == "planner")
    assert gap["reason"].startswith("indexes are proposed without having been tried: ")


@pytest.mark.parametrize("command", [["audit"], ["query", BY_CUSTOMER, "--source"]])
def test_a_wrong_choice_is_refused(snapshot: Path, command: list[str], tmp_path: Path) -> None:
    assert_refused(pgadvisor(*command, snapshot, "--twin-bin", tmp_path), "there is no PostgreSQL in", "--twin-bin")
    assert_refused(pgadvisor(*command, snapshot, "--planner", "hypopg"), "hypopg needs the server itself")
