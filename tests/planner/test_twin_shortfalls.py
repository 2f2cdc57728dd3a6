"""Tests of what a twin cannot have: extensions, functions of C, broken parts. It is told, and the rest stands."""

import json
from pathlib import Path

import msgspec
import psycopg
import pytest

from pgadvisor.collect.file import read_snapshot, write_snapshot
from pgadvisor.errors import EmbeddedServerError, SnapshotError
from pgadvisor.model.snapshot import Snapshot
from pgadvisor.planner import twin as twin_module
from pgadvisor.planner.binaries import wheel_directory
from pgadvisor.planner.twin import Twin, find_binaries
from tests.fix_servers import Server, create_database, drop_database
from tests.planner.fix_twin_schema import collected, execute

LACKING = """
CREATE SCHEMA ext; CREATE EXTENSION citext SCHEMA ext; CREATE EXTENSION ltree; CREATE EXTENSION "uuid-ossp"; CREATE EXTENSION isn;
CREATE EXTENSION unaccent;
CREATE FUNCTION c_fold(text) RETURNS text AS 'lower' LANGUAGE internal IMMUTABLE STRICT COST 3;
CREATE FUNCTION bare(value text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT public.unaccent('public.unaccent', lower(value)) $$;
CREATE TABLE people (id uuid PRIMARY KEY DEFAULT uuid_generate_v4(), mail ext.citext NOT NULL UNIQUE, path ltree, book isbn, name varchar(40), mails ext.citext[]);
CREATE INDEX ON people (lower(mail)); CREATE INDEX ON people USING gist (path); CREATE INDEX ON people (bare(name)); CREATE INDEX ON people (c_fold(name));
CREATE INDEX ON people (name) WHERE mail = 'x@y.z';
CREATE TABLE pets (id int PRIMARY KEY, owner uuid REFERENCES people);
CREATE VIEW mails AS SELECT mail, unaccent(name) AS name FROM people;
INSERT INTO people (mail, path, name, mails) SELECT 'u' || i || '@Example.org', ('a.b.c' || i)::ltree, 'n' || i, ARRAY['x']::ext.citext[] FROM generate_series(1, 3000) AS i;
ANALYZE;
"""  # noqa: E501 - statements stand on a line each


@pytest.fixture
def lacking(debian15: Server) -> Snapshot:
    """A source whose extensions no programs here have: they have other names in the snapshot."""
    dsn = create_database(debian15, "lacking")
    execute(dsn, LACKING)
    found = collected(dsn)
    drop_database(debian15, dsn)
    change = msgspec.structs.replace
    return change(
        found,
        extensions=tuple(change(each, name=f"our_{each.name}") for each in found.extensions if each.name != "plpgsql"),
        functions=tuple(change(each, extension=each.extension and f"our_{each.extension}") for each in found.functions),
    )


def test_missing_extensions_leave_stand_ins_and_gaps(lacking: Snapshot) -> None:
    with Twin(lacking, binaries=wheel_directory()) as twin, twin.connect() as connection:
        assert "for a server of 15." in twin.label
        told = {gap.subject: gap.reason for gap in twin.gaps}
        assert told["extensions"].endswith(": our_citext, our_isn, our_ltree and 2 more")
        assert "ext.citext" in told["types"]
        assert "people_path_idx" in str(told)
        names = {name for (name,) in connection.execute("SELECT indexrelid::regclass::text FROM pg_index")}
        assert {
            "people_lower_idx",
            "people_bare_idx",
            "people_c_fold_idx",
            "people_mail_key",
            "people_name_idx",
        } <= names
        for statement in (
            "SELECT * FROM people WHERE mail = 'u5@example.org'",
            "SELECT * FROM mails WHERE name = 'n1'",
            "SELECT * FROM people JOIN pets ON owner = people.id WHERE bare(people.name) = bare('N5')",
            "INSERT INTO people (mail) VALUES ('x')",
        ):
            plan = "\n".join(line for (line,) in connection.execute(f"EXPLAIN {statement}".encode()))
            assert "cost=" in plan and "One-Time Filter" not in plan


def test_a_broken_part_is_told_and_the_rest_stands(database: str) -> None:
    execute(database, *(f"CREATE TABLE t{n} (id int PRIMARY KEY, note text)" for n in range(30)))
    found = collected(database)
    tables = list(found.tables)
    column = msgspec.structs.replace(tables[7].columns[1], type="no such (type", type_schema=None)
    tables[7] = msgspec.structs.replace(tables[7], columns=(tables[7].columns[0], column))
    broken = msgspec.structs.replace(tables[9].indexes[0], constraint=None, definition="CREATE INDEX nonsense; DROP")
    tables[9] = msgspec.structs.replace(tables[9], indexes=(broken,))
    with Twin(msgspec.structs.replace(found, tables=tuple(tables))) as twin, twin.connect() as connection:
        assert {tables[7].qualified, "public." + broken.name} <= {gap.subject for gap in twin.gaps}
        row = connection.execute("SELECT count(*) FROM pg_class WHERE relname ~ '^t[0-9]+$'").fetchone()
        assert row == (29,)


def test_partitions_stay_with_a_table_that_stands_without_its_defaults(database: str) -> None:
    execute(
        database,
        "CREATE FUNCTION gone() RETURNS int LANGUAGE sql AS 'SELECT 1';"
        "CREATE TABLE p (id int DEFAULT gone(), kind text) PARTITION BY LIST (kind);"
        "CREATE TABLE p_a PARTITION OF p FOR VALUES IN ('a') PARTITION BY HASH (id);"
        "CREATE TABLE p_a_0 PARTITION OF p_a FOR VALUES WITH (MODULUS 1, REMAINDER 0);"
        "CREATE INDEX ON p (id); CREATE TABLE other (id int)",
    )
    found = msgspec.structs.replace(collected(database), functions=())
    with Twin(found) as twin, twin.connect() as connection:
        (gap,) = [gap for gap in twin.gaps if "default" in gap.reason]
        assert gap.reason.endswith("function public.gone() does not exist")
        row = connection.execute("SELECT relispartition FROM pg_class WHERE relname = 'p_a_0'").fetchone()
        assert row == (True,)
        row = connection.execute("SELECT indisvalid FROM pg_index WHERE indexrelid = 'p_id_idx'::regclass").fetchone()
        assert row == (True,)


HOSTILE = """
CREATE FUNCTION reads(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN pg_read_file('{0}'); END $$;
CREATE FUNCTION writes(text) RETURNS int LANGUAGE sql IMMUTABLE AS $$ SELECT lo_export(1, '{0}.out') $$;
CREATE FUNCTION writes_atomic(text) RETURNS int LANGUAGE sql IMMUTABLE BEGIN ATOMIC SELECT lo_export(1, '{0}.out'); END;
CREATE FUNCTION computes(text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT lower($1) /* from here */ $$;
CREATE TABLE t (note text); CREATE INDEX ON t (reads(note)); CREATE INDEX ON t (computes(note));
"""


@pytest.mark.pg(">= 14")
@pytest.mark.parametrize("call", ["reads('x') = 'y'", "writes('x') = 1", "writes_atomic('x') = 1"])
def test_nothing_of_a_stranger_runs_with_a_superusers_rights(database: str, tmp_path: Path, call: str) -> None:
    private = tmp_path / "private"
    private.write_text("mine")
    execute(database, HOSTILE.replace("{0}", str(private)))
    found = collected(database)
    injected = msgspec.structs.replace(
        found.tables[0].indexes[0], name="x", definition=f"COPY (SELECT 1) TO PROGRAM 'touch {tmp_path}/ran'"
    )
    table = msgspec.structs.replace(found.tables[0], indexes=(*found.tables[0].indexes, injected))
    with Twin(msgspec.structs.replace(found, tables=(table,))) as twin, twin.connect() as connection:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(f"EXPLAIN SELECT * FROM t WHERE {call}".encode())
        plan = connection.execute("EXPLAIN SELECT * FROM t WHERE computes(note) = computes('X')").fetchall()
        assert "lower(note) = 'x'::text" in str(plan), "inlined"
    assert [path.name for path in tmp_path.iterdir()] == ["private"]


def test_a_body_that_may_hold_a_password_is_not_kept(database: str) -> None:
    execute(
        database,
        "CREATE FUNCTION remote() RETURNS int STABLE LANGUAGE sql AS $$ SELECT 1 /* password=hunter2 */ $$;"
        "CREATE FUNCTION here() RETURNS int STABLE LANGUAGE sql AS $$ SELECT 1 $$",
    )
    kept = {each.name: each.definition for each in collected(database).functions if each.extension is None}
    assert kept["remote"] is None and kept["here"] is not None


def test_an_older_snapshot_is_read_and_built(database: str, tmp_path: Path) -> None:
    execute(
        database,
        "CREATE TYPE state AS ENUM ('new'); CREATE SCHEMA app; CREATE DOMAIN app.pos AS int;"
        "CREATE TABLE app.t (id int PRIMARY KEY, s state, p app.pos, twice int GENERATED ALWAYS AS (id * 2) STORED);"
        "CREATE VIEW v AS SELECT * FROM app.t",
    )
    known = json.loads(msgspec.json.encode(collected(database)))
    for name in ("functions", "collations"):
        known.pop(name, None)
    for column in known["tables"][0]["columns"]:
        for name in ("type_schema", "is_virtual", "collation_schema"):
            column.pop(name, None)
    path = tmp_path / "old.pgsnap"
    write_snapshot(path, msgspec.json.decode(json.dumps(known), type=Snapshot))
    with Twin(read_snapshot(path)) as twin, twin.connect() as connection:
        assert connection.execute("SELECT count(*) FROM app.t, v").fetchone() == (0,)
        assert not [gap for gap in twin.gaps if "built" in gap.reason]


def test_a_snapshot_without_a_database_is_refused(database: str) -> None:
    found = msgspec.structs.replace(collected(database), server=None)
    with pytest.raises(SnapshotError, match="holds no database"):
        Twin(found)


def test_programs_named_by_the_user_must_run(database: str, tmp_path: Path) -> None:
    with pytest.raises(EmbeddedServerError, match="no PostgreSQL programs"):
        Twin(collected(database), binaries=tmp_path)


def test_programs_found_by_itself_that_do_not_run_are_passed_over(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    major = collected(database).server.major  # type: ignore[union-attr]
    directory = tmp_path / str(major)
    directory.mkdir()
    for name in ("initdb", "postgres"):
        (directory / name).write_text("#!/bin/sh\nexit 1\n")
        (directory / name).chmod(0o755)
    monkeypatch.setattr(twin_module, "_PLACES", (str(tmp_path / "{}"),))
    assert find_binaries(major) == directory
    assert find_binaries(9) is None
    with Twin(collected(database)) as twin:
        assert "version" in {gap.subject for gap in twin.gaps}
