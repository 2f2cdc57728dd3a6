"""The catalog queries: each runs as it is, says what it gives, and names everything with its schema."""

import re
from importlib.resources import files
from pathlib import Path

import psycopg
import pytest

from pgadvisor.collect.reading import query
from tests.collect.fix_collect import execute
from tests.fix_servers import Server

FILES = sorted(Path(str(files("pgadvisor.collect.queries"))).glob("*.sql"))
NEEDS = {
    "extended_statistics_data.pg15": 150_000,
    "column_statistics.pg17": 170_000,
    "column_statistics_without_values.pg17": 170_000,
    "collation_changes.pg15": 150_000,
    "index_counters.pg16": 160_000,
    "statements.1_10": 150_000,
    "statements.1_11": 170_000,
    "lock_waits.pg14": 140_000,
    "statements_info": 140_000,
}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_each_says_what_it_gives_and_runs_as_it_is(path: Path, either: Server, empty: str) -> None:
    text = path.read_text("utf-8")
    assert re.match(r"-- [A-Z].*\n", text) and text.rstrip().endswith(";")
    comment = " ".join(line[3:] for line in text.splitlines() if line.startswith("-- "))
    assert re.search(r"(PostgreSQL \d\d|Extension version)", comment), "which versions it fits"
    if either.version_num < NEEDS.get(path.stem, 0):
        pytest.skip(f"{path.name} is for newer servers")
    version = path.stem.removeprefix("statements.").replace("_", ".") if path.stem.startswith("statements.") else None
    execute(empty, "CREATE EXTENSION pg_stat_statements" + (f" VERSION '{version}'" if version else ""))
    with psycopg.connect(empty) as connection:
        connection.execute(text.encode())


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_relations_and_functions_are_named_with_their_schema(path: Path) -> None:
    text = re.sub(r"--[^\n]*|'[^']*'", "", path.read_text("utf-8"))
    bare = re.findall(r"(?<![\w.])(pg_\w+)", text)
    assert set(bare) <= {"pg_catalog"}
    plain = set(re.findall(r"(?<![\w.])([a-z_]+)\(", text.lower()))
    allowed = {
        "array",
        "coalesce",
        "nullif",
        "greatest",
        "in",
        "exists",
        "u",
        "c",
        "k",
        "as",
        "and",
        "or",
        "locked",
        "wanted",
    }
    assert plain <= allowed


def test_the_newest_fitting_file_is_taken() -> None:
    assert "last_idx_scan" not in query("index_counters", 15)
    assert "last_idx_scan" in query("index_counters", 16) and "last_idx_scan" in query("index_counters", 18)


def test_no_query_ends_with_a_semicolon_on_its_way() -> None:
    assert not query("tables", 15).endswith(";")
