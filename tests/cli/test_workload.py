"""A workload file: what its comments say, what stands in it that cannot be planned, and what is no workload."""

from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from msgspec.structs import replace

from pgadvisor.cli.workload import with_workload, workload_of
from pgadvisor.errors import UsageError
from pgadvisor.model.snapshot import FORMAT, Gap, Snapshot
from pgadvisor.model.workload import WorkloadTotals
from tests.cli.run import assert_refused, pgadvisor

FILE = """-- our own
-- name: by_mail freq: 900
SELECT id FROM users WHERE lower(email) = 'a@example.com';
SET work_mem = '4MB';
-- calls: 5
SELECT 'a;b'
  FROM users WHERE id = 7;
SELEC nonsense;
SELECT 1
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "queries.sql"
    path.write_text(FILE)
    return path


def test_what_the_comments_say(file: Path) -> None:
    found = workload_of(file)
    assert [(each.key, each.line, each.name, each.calls, each.total_ms) for each in found] == [
        ("#1", 3, "by_mail", 900, None),
        ("#2", 4, None, 1, None),
        ("#3", 6, None, 5, None),
        ("#4", 8, None, 1, None),
        ("#5", 9, None, 1, None),
    ]
    assert found[0].text == "SELECT id FROM users WHERE lower(email) = 'a@example.com'"
    assert {each.file for each in found} == {str(file)}


def test_nothing_that_the_server_counted_is_theirs(file: Path) -> None:
    gaps = (Gap(area="statements", reason="r", cure="c"), Gap(area="replicas", reason="r", cure="c"))
    server = Snapshot(format=FORMAT, pgadvisor="0.1.0", collected_at=datetime.now(UTC), gaps=gaps,
                      totals=WorkloadTotals(statements=3, total_ms=9.0))  # fmt: skip
    old = replace(server, statements=tuple(replace(each, total_ms=5.0) for each in workload_of(file)))
    found = with_workload(old, workload_of(file))
    assert found.totals is None
    assert found.gaps == gaps[1:]
    assert found.observed_ms == 0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no statement"),
        ("-- name: x freq: 1\n\n", "no statement"),
        ("BEGIN; SET a = 1;", "nothing to plan"),
        ("SELEC 1;\nSELECT %s;", r"queries.sql:1: syntax error.*queries.sql:2: .*write parameters as \$1"),
    ],
)
def test_a_file_without_anything_to_plan_is_refused(file: Path, text: str, words: str) -> None:
    file.write_text(text)
    with pytest.raises(UsageError, match=f"(?s){words}.*-- name: NAME freq: CALLS"):
        workload_of(file)


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("SELECT 1;\n-- calls: many\nSELECT 2;", 2, 'calls takes a whole number, as in 900, not "many"'),
        ("-- name: a freq: -3\nSELECT 1;", 1, 'not "-3"'),
        ("-- freq: 2.5\nSELECT 1;", 1, 'not "2.5"'),
        ("-- freq: 1,000\nSELECT 1;", 1, 'not "1,000"'),
        ("-- freq: 1e300\nSELECT 1;", 1, "whole number"),
        ("/* name: a\n * mean_ms: slow\n */ SELECT 1;", 2, 'mean_ms takes milliseconds, as in 3.5, not "slow"'),
        ("-- name: a frq: 3\nSELECT 1;", 1, '"frq" is no key'),
        ("-- frequency: 3\nSELECT 1;", 1, '"frequency" is no key'),
        ("-- freq=3\nSELECT 1;", 1, "write freq: 3"),
        ("-- freq 900\nSELECT 1;", 1, "lacks a colon"),
        ("-- freq: 3 calls: 4\nSELECT 1;", 1, '"calls: 4" contradicts 3'),
        ("SELECT 1; -- freq: 3\nSELECT 2;", 1, "not on a line of its own before a statement"),
        ("SELECT 1\n-- freq: 3\n;", 2, "not on a line of its own"),
        ("SELECT 1;\n-- freq: 3\n;\nSELECT 2;\n", 2, "not on a line of its own"),
        ("SELECT 1;\n-- freq: 3\n", 2, "not on a line of its own"),
        ("-- mean_ms: 3\nSELECT 1;\nSELECT 2;\nSELECT 3;", 3, "has no mean_ms, nor has 1 more"),
    ],
)
def test_what_would_be_ignored_is_refused(file: Path, text: str, line: int, words: str) -> None:
    file.write_text(text)
    with pytest.raises(UsageError) as raised:
        workload_of(file)
    assert f"{file}:{line}: " in str(raised.value) and words in str(raised.value)


@pytest.mark.parametrize("text", ["-- calls: 0\nSELECT 1;", "-- mean_ms: 0\nSELECT 1;"])
def test_a_file_that_weighs_nothing_is_refused(file: Path, text: str) -> None:
    file.write_text(text)
    with pytest.raises(UsageError, match="leave"):
        workload_of(file)


def test_other_remarks_are_left_in_peace(file: Path) -> None:
    """What a statement that cannot be planned lacks does not matter either: the others' times weigh the workload."""
    file.write_bytes(
        b"\xef\xbb\xbf-- note: it is slow, see: the wiki\r\n-- name: GetAuthor :one\r\n-- mean_ms: 2, calls: 3;\r\n"
        b"SELECT a FROM t -- name: of the author\r\n; SET a = 1; SELEC;\r\n-- mean_ms: 4\r\nSELECT $$-- freq: x$$;\r\n"
    )
    found = workload_of(file)
    assert [(each.name, each.line, each.calls, each.total_ms) for each in found] == [
        ("GetAuthor", 4, 3, 6.0), (None, 5, 1, 0.0), (None, 5, 1, 0.0), (None, 7, 1, 4.0)
    ]  # fmt: skip


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    for path, words in ((tmp_path / "none", "none cannot be read"), (tmp_path, "directory"),
                        (tmp_path / "binary", "UTF-8")):  # fmt: skip
        with pytest.raises(UsageError, match=words):
            workload_of(path)


def test_an_audit_of_a_workload_file(database: str, file: Path, tmp_path: Path) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("CREATE TABLE users (id int PRIMARY KEY, email text)")
        connection.execute("INSERT INTO users SELECT n, n || '@example.com' FROM generate_series(1, 50000) n")
        connection.execute("ANALYZE users")
    done = pgadvisor("audit", database, "--workload", file, "--no-analyze", "-q")
    assert done.returncode == 0, done.stderr
    words = " ".join(done.stdout.split())
    assert "by_mail" in words and "lower(email)" in words
    assert "queries.sql:8:syntaxerror" in "".join(done.stdout.split())  # a long path is broken anywhere
    snapshot = tmp_path / "shop.pgsnap"
    assert pgadvisor("snapshot", database, "-o", snapshot, "-q").returncode == 0
    offline = pgadvisor("audit", snapshot, "--workload", file, "-q")
    assert "(lower(email))" in offline.stdout, offline.stderr


def test_a_workload_file_has_no_previous_run(file: Path) -> None:
    done = pgadvisor("audit", "dbname=x", "--workload", file, "--previous", "last.pgsnap")
    assert_refused(done, "--previous", "--workload")
