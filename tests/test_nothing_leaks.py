"""What a server holds of its users' data, planted in every place where a text of it could reach an output."""

import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
import zstandard

from tests.cli.run import pgadvisor
from tests.fix_servers import Server, create_database, drop_database, drop_reader, make_reader

pytestmark = pytest.mark.server

SCHEMA = """
CREATE EXTENSION pg_stat_statements;
CREATE TYPE mood AS ENUM ('schema-label-calm', 'schema-label-wild');
CREATE DOMAIN mail AS text CHECK (VALUE <> 'schema-domain-nobody');
CREATE TABLE patient (
    id bigint PRIMARY KEY,
    email mail NOT NULL DEFAULT 'schema-default-nobody',
    paycard text CHECK (paycard <> 'schema-check-0000'),
    feeling mood,
    born date,
    tags text[] DEFAULT '{schema-default-tag}'
);
INSERT INTO patient
SELECT n, 'data-canary-' || CASE WHEN n % 3 = 0 THEN n % 5 ELSE n END || '@example.com',
       'data-canary-4111-' || n % 7, 'schema-label-calm', date '1971-03-17' + n % 9, ARRAY['data-canary-tag']
FROM generate_series(1, 30000) AS n;
CREATE INDEX patient_paycard ON patient (paycard) WHERE feeling = 'schema-label-wild';
CREATE INDEX patient_lower ON patient (lower(paycard || 'schema-expression-suffix'));
CREATE VIEW loud AS SELECT * FROM patient WHERE paycard <> 'schema-view-literal';
CREATE TABLE visit (patient_id bigint REFERENCES patient, day text) PARTITION BY LIST (day);
CREATE TABLE visit_some PARTITION OF visit FOR VALUES IN ('schema-bound-monday');
CREATE FUNCTION noted() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE TRIGGER note BEFORE INSERT ON patient FOR EACH ROW EXECUTE FUNCTION noted('schema-trigger-argument');
CREATE STATISTICS patient_paid (mcv) ON paycard, email FROM patient;
COMMENT ON TABLE patient IS 'schema-comment-private';
ANALYZE;
"""
WORKLOAD = (
    "SELECT * FROM patient WHERE paycard = 'data-canary-4111-3'",
    "SELECT id FROM patient WHERE lower(email) = 'data-canary-3@example.com' /* data-canary-remark */",
    "SELECT id FROM patient WHERE paycard LIKE '%data-canary-9%' -- data-canary-remark",
    "SELECT count(*) FROM patient WHERE born = '1971-03-19' AND tags @> ARRAY['data-canary-tag']",
    "SELECT id FROM loud WHERE paycard IN ('data-canary-a', 'data-canary-b') ORDER BY random() LIMIT 3",
    "SELECT 'data-canary-selected', $$data-canary-dollar$$, E'data-canary-\\x41', U&'data-canary-u'",
    "PREPARE one AS SELECT id FROM patient WHERE paycard = 'data-canary-prepared'",
    "DECLARE walk CURSOR WITH HOLD FOR SELECT id FROM patient WHERE paycard = 'data-canary-cursor'",
    "SET application_name = 'data-canary-application'",
    "SET myapp.user_id = 'data-canary-setting'",
    "CREATE TABLE copied AS SELECT * FROM patient WHERE paycard = 'data-canary-ctas'",
    "COPY (SELECT id FROM patient WHERE paycard = 'data-canary-copy') TO STDOUT",
    "DO $$ BEGIN PERFORM 'data-canary-do'; END $$",
    "EXPLAIN SELECT id FROM patient WHERE paycard = 'data-canary-explain'",
    "UPDATE patient SET paycard = 'data-canary-updated' WHERE id = 4",
    "CREATE ROLE data_canary_role PASSWORD 'data-canary-password'",
    "COMMENT ON COLUMN patient.paycard IS 'data-canary-comment'",
)
DATA = re.compile(r"data.canary|1971-03|data_canary")
DDL = re.compile(r"schema-[a-z]+-[a-z0-9]+")
NAMES = re.compile(r"\b(?:patient\w*|feeling|loud|visit\w*|noted|paycard|email|mood)\b")
ENDINGS = ("html", "json", "txt", "md")


@pytest.fixture(scope="module", params=["default", "15"])
def audited(request: pytest.FixtureRequest) -> Iterator[str]:
    """The DSN of a role that may only read, on a server full of canaries."""
    server: Server = request.getfixturevalue("server" if request.param == "default" else "debian15")
    dsn = create_database(server, "leaks")
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(SCHEMA.encode())
    for text in WORKLOAD * 2:
        with closing(psycopg.connect(dsn)) as connection:  # and rolled back, but counted
            if text.startswith("COPY"):
                with connection.cursor().copy(text.encode()) as copy:
                    list(copy)
            else:
                connection.execute(text.encode())
    reading = make_reader(dsn)
    yield reading
    drop_reader(dsn, reading)
    drop_database(server, dsn)


def _outputs(source: str | Path, folder: Path, *options: str | Path) -> Iterator[tuple[str, str]]:
    """What an audit writes in each format, and says on the terminal."""
    files = [folder / f"report.{ending}" for ending in ENDINGS]
    also = [word for file in files[1:] for word in ("--also", file)]
    done = pgadvisor("audit", source, "-o", files[0], *also, *options, folder=folder)
    assert done.returncode == 0, done.stderr
    yield "terminal", done.stdout + done.stderr
    for file in files:
        yield file.name, file.read_text("utf-8")


def test_no_datum_of_a_user_is_in_a_snapshot_or_a_report(audited: str, tmp_path: Path) -> None:
    snapshot = tmp_path / "canaries.pgsnap"
    done = pgadvisor("snapshot", audited, "-o", snapshot)
    assert done.returncode == 0, done.stderr
    kept = zstandard.ZstdDecompressor().decompress(snapshot.read_bytes()).decode()
    assert "patient" in kept
    assert_none(DATA, "the snapshot", kept)
    for name, output in _outputs(audited, tmp_path):
        assert_none(DATA, name, output)


def test_with_redact_nothing_of_the_schema_is_left_either(audited: str, tmp_path: Path) -> None:
    key = tmp_path / "key.json"
    for name, output in _outputs(audited, tmp_path, "--redact-key", key):
        for pattern in (DATA, DDL, NAMES):
            assert_none(pattern, name, _without_ours(output))
    assert "schema-bound-monday" in key.read_text()


def assert_none(pattern: re.Pattern[str], name: str, output: str) -> None:
    """The pattern is nowhere in the output."""
    found = pattern.search(output)
    assert found is None, f"{name}: …{output[max(0, found.start() - 300) : found.end() + 100]}"


def _without_ours(output: str) -> str:
    """The page without our own style and scripts, and without the pages of rules, whose examples have names as well."""
    output = re.sub(r"<(script|style)>.*?</\1>", "", output, flags=re.DOTALL)
    return re.sub(r'<section id="?rules\b.*?</section>', "", output, flags=re.DOTALL)
