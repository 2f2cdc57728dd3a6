"""`pgadvisor query`: each finding names its statement, comments silence, and only the queries are judged."""

import json
from pathlib import Path

import psycopg
import pytest

from tests.cli.run import pgadvisor

STAR = "SELECT a FROM t WHERE b NOT IN (1, NULL)"


def rules_found(file: Path) -> list[tuple[str, int]]:
    done = pgadvisor("query", "-f", file, "--format", "json", "-q")
    assert done.returncode == 0, done.stderr
    return [(each["rule"], each["where"]["line"]) for each in json.loads(done.stdout)["findings"]]


def test_each_finding_names_its_statement_and_line(tmp_path: Path) -> None:
    file = tmp_path / "queries.sql"
    file.write_text(f"SELECT 1;\n\n-- the guilty one\n{STAR};\n{STAR};\n")
    done = json.loads(pgadvisor("query", "-f", file, "--format", "json", "-q").stdout)
    found = [(each["where"]["statement"], each["where"]["line"], each["where"]["file"]) for each in done["findings"]]
    assert found == [(2, 4, str(file)), (3, 5, str(file))]


@pytest.mark.parametrize(
    "text",
    [
        f"-- pgadvisor: ignore not-in-subquery (why)\n{STAR};\n",
        f"/* pgadvisor: ignore not-in-subquery */ {STAR};\n",
        f"{STAR}; -- pgadvisor: ignore not-in-subquery\n",
        f"{STAR} -- pgadvisor: ignore not-in-subquery\n;\n",
        STAR.replace("WHERE", "/* pgadvisor: ignore not-in-subquery */ WHERE") + ";",
    ],
)
def test_a_comment_beside_the_statement_silences(text: str, tmp_path: Path) -> None:
    (tmp_path / "queries.sql").write_text(text)
    assert rules_found(tmp_path / "queries.sql") == []


def test_a_comment_silences_its_own_statement_only(tmp_path: Path) -> None:
    (tmp_path / "queries.sql").write_text(f"-- pgadvisor: ignore not-in-subquery\n{STAR};\n{STAR};\n")
    assert rules_found(tmp_path / "queries.sql") == [("not-in-subquery", 3)]


def test_a_utility_statement_among_them_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "queries.sql").write_text(f"SET timezone = 'UTC';\n{STAR};\n")
    assert rules_found(tmp_path / "queries.sql") == [("not-in-subquery", 2)]


def test_tables_that_the_query_does_not_name_are_not_judged(database: str) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("CREATE TABLE t (a int PRIMARY KEY); CREATE TABLE nopk (a int); INSERT INTO nopk VALUES (1)")
    done = pgadvisor("query", "SELECT a FROM t WHERE a = 1", "--source", database, "--fail-on", "info")
    assert done.returncode == 0, done.stdout


def test_a_check_that_fails_says_why_and_where(tmp_path: Path) -> None:
    file = tmp_path / "queries.sql"
    file.write_text("SELECT 1;\n\nSELECT id FROM a WHERE id NOT IN (SELECT b_id FROM b);\n", encoding="utf-8")
    done = pgadvisor("query", "-f", file, "--fail-on", "info", "-o", tmp_path / "out.md")
    assert done.returncode == 1
    assert "Failed: 1 finding at or above info (--fail-on)" in done.stderr
    assert f"{file}:3" in " ".join(done.stderr.split()).replace(" ", "")
    assert "queries.sql:3" in (tmp_path / "out.md").read_text(encoding="utf-8")
    assert pgadvisor("query", "-f", file, "--fail-on", "error", "-o", tmp_path / "out.md").returncode == 0
