"""Nothing in a migration reaches outside the scratch server, and nothing runs there for ever."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from pgadvisor.errors import ServerError
from pgadvisor.gate import locks_seen, migration_run
from pgadvisor.gate.migration_needs import Needs, needs_of
from pgadvisor.gate.scratch import Scratch, embedded_scratch
from pgadvisor.gate.trace import trace
from pgadvisor.model.migration import Migration
from tests.gate.tracing import migration, past


@pytest.fixture(scope="module")
def scratch() -> Iterator[Scratch]:
    needs = Needs(extensions=("dblink", "citext", "pgcrypto", "vector"), roles=("app",))
    with embedded_scratch(needs) as running:
        yield running


@pytest.mark.parametrize(
    "text",
    [
        "COPY users TO PROGRAM 'touch {}'",
        "COPY users FROM PROGRAM 'touch {}'",
        "COPY users TO '{}'",
        "COPY users FROM '/etc/passwd'",
        "DO $$ BEGIN CREATE EXTENSION plpython3u; END $$",
        "DO $$ BEGIN PERFORM lo_import('/etc/passwd'); END $$",
        "CREATE SERVER s FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '127.0.0.1')",
        "DO $$ BEGIN COPY (SELECT 1) TO PROGRAM 'touch {}'; END $$",
        "SELECT pg_read_file('PG_VERSION')",
        "SELECT lo_import('/etc/hostname')",
        "SELECT lo_export(1, '{}')",
        "SELECT pg_ls_dir('.')",
        "ALTER SYSTEM SET archive_command = 'touch {}'",
        "CREATE EXTENSION dblink",
        "CREATE EXTENSION postgres_fdw",
        "DO $$ BEGIN CREATE EXTENSION dblink; END $$",
        "DO $$ BEGIN CREATE EXTENSION file_fdw; END $$",
        "CREATE SUBSCRIPTION s CONNECTION 'host=127.0.0.1' PUBLICATION p",
        "DO $$ BEGIN EXECUTE 'CREATE SUBSCRIPTION s CONNECTION ''host=x'' PUBLICATION p WITH (connect=false)'; END $$",
        "SET ROLE postgres",
        "DO $$ BEGIN SET ROLE postgres; END $$",
        "SET SESSION AUTHORIZATION postgres",
        "DO $$ BEGIN SET SESSION AUTHORIZATION postgres; END $$",
        "CREATE FUNCTION f() RETURNS int LANGUAGE c AS 'x', 'y'",
        "CREATE FUNCTION f() RETURNS int LANGUAGE internal AS 'pg_read_file'",
        "CREATE ROLE r SUPERUSER",
        "DO $$ BEGIN CREATE ROLE r SUPERUSER; END $$",
        "DO $$ BEGIN ALTER ROLE pgadvisor SUPERUSER; END $$",
        "DO $$ BEGIN GRANT pg_execute_server_program TO pgadvisor; END $$",
        "LOAD '/tmp/x.so'",
        "DO $$ BEGIN LOAD '/tmp/x.so'; END $$",
        "UPDATE pg_catalog.pg_authid SET rolsuper = true",
        "CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION pg_catalog.suppress_redundant_updates_trigger()",
        "CREATE TABLESPACE t LOCATION '/tmp'",
        "CREATE DATABASE d",
        "DO $$ BEGIN PERFORM pg_reload_conf(); END $$",
        "DO $$ BEGIN PERFORM pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'postgres'; END $$",
    ],
)
def test_it_is_refused(scratch: Scratch, tmp_path: Path, text: str) -> None:
    tmp_path.chmod(0o777)
    mark = tmp_path / "reached"
    found = trace(scratch, (past("CREATE TABLE IF NOT EXISTS users (id int)"), migration(text.format(mark))))
    assert not mark.exists()
    (each,) = found.statements
    assert each.error is None, "what our server refuses is no fault of the migration's"
    assert each.not_run is not None or each.passed_over is not None


def test_the_superuser_wants_a_password(scratch: Scratch) -> None:
    with scratch.connect() as connection:
        assert connection.execute("SELECT current_user, current_setting('is_superuser')").fetchone() == (
            "pgadvisor",
            "off",
        )
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(connection.info.dsn, user="postgres")


def test_extensions_known_to_be_harmless_can_be_had(scratch: Scratch) -> None:
    text = "CREATE EXTENSION IF NOT EXISTS citext;\nCREATE EXTENSION vector;\nCREATE TABLE e (a citext, v vector(3));"
    citext, vector, table = trace(scratch, (migration(text),)).statements
    assert (citext.not_run, citext.passed_over, citext.error) == (None, None, None)
    assert vector.passed_over == "the extension was made beforehand, as only a superuser may"
    assert (table.not_run, table.error) == (None, None)


def test_what_depends_on_an_extension_that_is_lacking_is_not_blamed(scratch: Scratch) -> None:
    text = 'CREATE EXTENSION "uuid-ossp";\nCREATE TABLE d (id uuid DEFAULT uuid_generate_v4());\nSELECT * FROM d;'
    extension, *others = trace(scratch, (past("SELECT 1"), migration(text))).statements
    assert extension.not_run == "the scratch server does not have the extension uuid-ossp"
    assert [(each.error, each.not_run is not None) for each in others] == [(None, True), (None, True)]


def test_without_a_past_what_it_cannot_have_made_is_blamed(scratch: Scratch) -> None:
    text = (
        "CREATE TABLE only_here (id int);\nALTER TABLE only_here ADD COLUMN x nosuchtype;"
        "\nALTER TABLE only_here DROP COLUMN nope;\nALTER TABLE only_here ADD COLUMN e geometry;"
        "\nALTER TABLE from_before ADD COLUMN n int;"
    )
    made, *others = trace(scratch, (migration(text, name="0001_init"),)).statements
    assert made.error is None
    words = [each.error.message if each.error else f"excused: {each.not_run}" for each in others]
    assert words[:2] == ['type "nosuchtype" does not exist', 'column "nope" of relation "only_here" does not exist']
    assert words[2] == 'excused: it needs an extension that no migration makes (type "geometry" does not exist)'
    assert words[3].startswith('excused: relation "from_before" does not exist, which may be because no snapshot')


def test_without_a_past_a_later_migration_may_use_a_type_of_before(scratch: Scratch) -> None:
    _, column = trace(
        scratch, (migration("CREATE TABLE late (id int);\nALTER TABLE late ADD x nosuchtype;"),)
    ).statements
    assert (column.error, column.not_run is not None) == (None, True)


def test_roles_that_migrations_name_are_there(scratch: Scratch) -> None:
    text = "CREATE ROLE app;\nCREATE TABLE g (id int);\nGRANT SELECT ON g TO app;\nALTER TABLE g OWNER TO app;"
    role, *others = trace(scratch, (migration(text),)).statements
    assert role.passed_over is not None
    assert [(each.error, each.not_run) for each in others] == [(None, None)] * 3


def test_a_statement_without_end_is_ended(scratch: Scratch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks_seen, "LIMIT_S", 0.5)
    text = "SET statement_timeout = 0;\nSELECT pg_sleep(600);\nCREATE TABLE after_sleep (id int);"
    _, asleep, after = trace(scratch, (migration(text),)).statements
    assert asleep.not_run is not None
    assert asleep.not_run.startswith("it ran longer than")
    assert (after.not_run, after.error) == (None, None)


def test_a_statement_that_takes_no_notice_ends_with_its_session(
    scratch: Scratch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks_seen, "LIMIT_S", 0.3)
    monkeypatch.setattr(locks_seen, "PATIENCE_S", 0.3)
    text = (
        "SET statement_timeout = 0;\nDO $$ BEGIN LOOP BEGIN PERFORM pg_sleep(9);"
        " EXCEPTION WHEN query_canceled THEN NULL; END; END LOOP; END $$;\nSELECT 1;"
    )
    later = migration("CREATE TABLE after_loop (id int);", name="0003")
    _, looping, rest, after = trace(scratch, (migration(text), later)).statements
    assert (looping.not_run, rest.not_run) == ("the scratch server ended the session",) * 2
    assert (after.not_run, after.error) == (None, None)


def test_any_number_of_rows_is_read(scratch: Scratch) -> None:
    (found,) = trace(scratch, (migration("SELECT repeat('x', 1000) FROM generate_series(1, 200000)"),)).statements
    assert found.error is None


def test_of_a_dump_of_rows_the_first_are_tried(scratch: Scratch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migration_run, "MOST_ROW_CHANGES", 2)
    text = "CREATE TABLE dump (id int);" + "INSERT INTO dump VALUES (1);" * 3 + "CREATE INDEX ON dump (id);"
    *_, second, third, index = trace(scratch, (migration(text),)).statements
    assert (second.passed_over, second.error, index.passed_over, index.error) == (None,) * 4
    assert third.passed_over == "of its changes of rows only the first 2 are tried"


def test_copy_and_two_phases_are_passed_over(scratch: Scratch) -> None:
    judged = Migration(file="m.sql", tool="sql", name="m", up=migration("CREATE TABLE c (id int);").up)
    text = "COPY c FROM stdin;\n\\.\nPREPARE TRANSACTION 'x';\nNOTIFY a;"
    _, copy, prepared, notify = trace(scratch, (judged, migration(text))).statements
    assert copy.passed_over == "the rows of COPY are left out"
    assert prepared.passed_over is not None
    assert notify.error is None


def test_a_lost_server_is_told() -> None:
    with embedded_scratch(needs_of(())) as scratch:
        scratch.stop()
        with pytest.raises(ServerError, match="lost"):
            trace(scratch, ())
