"""Scratch servers: made from a snapshot, or named by the user; what they refuse and what they leave behind."""

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from pgadvisor.errors import ServerError, UsageError
from pgadvisor.gate.migration_needs import Needs, needs_of
from pgadvisor.gate.schema_print import print_schema
from pgadvisor.gate.scratch import embedded_scratch
from pgadvisor.gate.scratch_named import named_scratch
from pgadvisor.gate.trace import trace
from pgadvisor.measure.identity import identity_of
from pgadvisor.model.snapshot import Snapshot
from tests.fix_servers import Server, create_database, drop_database, programs_of
from tests.gate.tracing import migration
from tests.planner.fix_twin_schema import collected, execute

_SHOP = (
    "CREATE TYPE mood AS ENUM ('sad', 'ok')",
    "CREATE TABLE users (id bigint PRIMARY KEY, name text, at timestamptz, mood mood)",
    "CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint REFERENCES users)",
    "CREATE MATERIALIZED VIEW totals AS SELECT user_id, count(*) FROM orders GROUP BY 1",
    "CREATE SCHEMA stock",
    "CREATE TABLE stock.item (id int)",
)


@pytest.fixture(scope="module", params=["server", "debian15"])
def shop(request: pytest.FixtureRequest) -> Iterator[tuple[Snapshot, Path | None]]:
    """A snapshot, and programs of its server's version."""
    server: Server = request.getfixturevalue(request.param)
    dsn = create_database(server, "gate_shop")
    execute(dsn, *_SHOP)
    found = collected(dsn)
    drop_database(server, dsn)
    own = programs_of(str(server.version_num // 10_000))
    yield found, next((each for each in own if (each / "postgres").exists()), None)


def test_a_snapshot_is_the_schema_that_stood_before(shop: tuple[Snapshot, Path | None]) -> None:
    snapshot, programs = shop
    earlier = migration("CREATE TABLE users (id int);", name="0001", judged=False)
    judged = migration(
        "ALTER TABLE users ADD COLUMN n int;\nALTER TYPE mood ADD VALUE 'glad';\nDROP TABLE stock.item;\n"
        "DROP SCHEMA stock;\nREFRESH MATERIALIZED VIEW totals;\nALTER TABLE missing ADD x int;\n"
        "DROP TRIGGER t ON users;",
        "ALTER TABLE users DROP COLUMN n;",
    )
    with embedded_scratch(needs_of([judged]), snapshot=snapshot, binaries=programs) as scratch:
        assert scratch.has_schema
        found = trace(scratch, (earlier, judged), "Europe/Berlin")
    added, value, table, schema, refreshed, missing, trigger = found.statements[:7]
    assert [(lock.relation, lock.mode) for lock in added.locks] == [("public.users", "ACCESS EXCLUSIVE")]
    assert [each.error for each in (added, value, table, schema)] == [None] * 4
    assert [(each.error, each.not_run is not None) for each in (refreshed, trigger)] == [(None, True)] * 2
    assert missing.error is not None


def test_the_role_of_migrations_cannot_use_what_the_twin_has(shop: tuple[Snapshot, Path | None]) -> None:
    snapshot, programs = shop
    with embedded_scratch(Needs(), snapshot=snapshot, binaries=programs) as scratch, scratch.connect() as connection:
        assert connection.execute("SELECT to_regnamespace('pg_twin')").fetchone() == (None,)
        row = connection.execute("SELECT rolsuper, rolcreaterole FROM pg_roles WHERE rolname = current_user").fetchone()
        assert row == (False, False)


def test_a_superusers_server_is_left_as_it_was(server: Server, database: str) -> None:
    def told() -> tuple[Any, ...]:
        with psycopg.connect(server.dsn()) as connection:
            return (
                connection.execute("SELECT rolname FROM pg_roles WHERE rolname !~ 'reader' ORDER BY 1").fetchall(),
                connection.execute("SELECT datname FROM pg_database WHERE datname ~ 'pgadvisor_scratch'").fetchall(),
            )

    before = told()
    judged = migration("CREATE TABLE a (id int); ALTER TABLE a OWNER TO gate_app; CREATE ROLE gate_other;")
    with named_scratch(database, needs_of([judged])) as scratch:
        table, owner, role = trace(scratch, (judged,)).statements
        assert (table.error, owner.error, owner.not_run, role.error) == (None, None, None, None)
        with scratch.connect() as connection:
            assert connection.execute("SELECT current_setting('is_superuser')").fetchone() == ("off",)
    assert told() == before
    with psycopg.connect(database) as connection:
        assert connection.execute("SELECT to_regclass('a')").fetchone() == (None,)


def test_a_database_that_is_not_empty_is_refused(database: str) -> None:
    execute(database, "CREATE SCHEMA s", "CREATE TABLE s.t (id int)")
    with pytest.raises(UsageError, match=r"is not empty \(it holds s\.t\): make an empty one"):
        named_scratch(database, Needs())


def test_the_audited_database_is_refused(database: str) -> None:
    with pytest.raises(UsageError, match="is the audited database"):
        named_scratch(database, Needs(), identity_of(database))


def test_a_server_that_does_not_answer_is_told() -> None:
    with pytest.raises(ServerError, match="cannot connect"):
        named_scratch("host=/nowhere dbname=x", Needs())


_ALL_KINDS = """
CREATE TABLE a (id int, "odd Name" text);
CREATE SCHEMA s;
CREATE TABLE s.b (id serial PRIMARY KEY, at date) PARTITION BY RANGE (id);
CREATE TABLE s.b1 PARTITION OF s.b DEFAULT;
CREATE VIEW "v ""w" AS SELECT id FROM a;
CREATE MATERIALIZED VIEW m AS SELECT id FROM a;
CREATE TYPE e AS ENUM ('x');
CREATE TYPE c AS (x int);
CREATE DOMAIN d AS e;
CREATE FUNCTION f(x e) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE PROCEDURE p() LANGUAGE sql AS 'SELECT 1';
CREATE AGGREGATE g(int) (SFUNC = int4pl, STYPE = int);
CREATE SEQUENCE q;
CREATE STATISTICS st ON id, "odd Name" FROM a;
CREATE EXTENSION citext SCHEMA s;
CREATE TEXT SEARCH CONFIGURATION ts (COPY = simple);
CREATE OPERATOR === (LEFTARG = int, RIGHTARG = int, FUNCTION = int4eq);
SELECT lo_create(0);
"""


@pytest.fixture
def plain(server: Server) -> Iterator[Callable[[str], str]]:
    """Makes a role with the options given, that owns an empty database; gives its DSN."""
    made: list[str] = []

    def make(options: str) -> str:
        name = f"gate_plain_{secrets.token_hex(4)}"
        made.append(name)
        with psycopg.connect(server.dsn(), autocommit=True) as connection:
            connection.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'plain' {options}".encode())
            connection.execute(f"CREATE DATABASE {name} OWNER {name} TEMPLATE template0".encode())
        return make_conninfo(server.dsn(name), user=name, password="plain")

    yield make
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        for name in made:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
            connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))


def test_a_plain_role_runs_migrations_in_its_own_database(plain: Callable[[str], str]) -> None:
    dsn = plain("")
    execute(dsn, "CREATE FUNCTION kept() RETURNS int LANGUAGE sql AS 'SELECT 1'")
    first = migration(_ALL_KINDS, name="0001", judged=False)
    judged = migration("CREATE INDEX CONCURRENTLY i ON a (id);\nALTER TABLE a ADD b int;", in_transaction=False)
    with named_scratch(dsn, Needs()) as scratch:
        found = trace(scratch, (first, judged)).statements
    assert [[(lock.relation, lock.mode) for lock in each.locks] for each in found] == [
        [("public.a", "SHARE UPDATE EXCLUSIVE")],
        [("public.a", "ACCESS EXCLUSIVE")],
    ]
    with psycopg.connect(dsn) as connection:
        (left,) = connection.execute(
            "SELECT array_agg(pg_describe_object(classid, objid, 0)) FROM pg_shdepend WHERE deptype = 'o'"
            " AND dbid = (SELECT oid FROM pg_database WHERE datname = current_database())"
        ).fetchall()
    assert left == (["function kept()"],)


def test_a_role_that_may_make_nothing_is_refused(server: Server, plain: Callable[[str], str]) -> None:
    dsn = plain("")
    execute(server.dsn(str(conninfo_to_dict(dsn)["dbname"])), "ALTER SCHEMA public OWNER TO postgres;"
            " REVOKE CREATE ON SCHEMA public FROM PUBLIC")  # fmt: skip
    with pytest.raises(UsageError, match="may not create tables"):
        named_scratch(dsn, Needs())


@pytest.mark.parametrize("options", ["CREATEROLE", "IN ROLE pg_execute_server_program", "IN ROLE pg_read_server_files"])
def test_a_role_that_reaches_further_is_refused(plain: Callable[[str], str], options: str) -> None:
    with pytest.raises(UsageError, match="has rights beyond its database"):
        named_scratch(plain(options), Needs())


def test_a_database_with_a_way_out_is_refused(server: Server, plain: Callable[[str], str]) -> None:
    dsn = plain("")
    execute(server.dsn(str(conninfo_to_dict(dsn)["dbname"])), "CREATE EXTENSION dblink")
    with pytest.raises(UsageError, match=r"may reach outside it \(dblink\)"):
        named_scratch(dsn, Needs())


def test_a_schema_is_described_whole_and_the_same_on_every_version(every_server: Server) -> None:
    dsn = create_database(every_server, "gate_print")
    execute(
        dsn,
        *_SHOP,
        "CREATE DOMAIN positive AS int CHECK (VALUE > 0)",
        "CREATE TABLE p (id int GENERATED ALWAYS AS IDENTITY, at date NOT NULL, n positive DEFAULT 1) "
        "PARTITION BY RANGE (at)",
        "CREATE TABLE p1 PARTITION OF p FOR VALUES FROM ('2024-01-01') TO ('2025-01-01')",
        "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$",
        "CREATE TRIGGER tr BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION f()",
        "ALTER TABLE users ENABLE ROW LEVEL SECURITY",
        "CREATE POLICY own ON users USING (id > 0)",
        "CREATE VIEW v AS SELECT name FROM users",
        "GRANT SELECT ON users TO PUBLIC",
        "COMMENT ON TABLE users IS 'people'",
        "CREATE STATISTICS st ON id, name FROM users",
        "CREATE SEQUENCE own_sequence",
    )
    with psycopg.connect(dsn, options="-c search_path=pg_catalog") as connection:
        lines = sorted(print_schema(connection).lines)
        connection.rollback()
    drop_database(every_server, dsn)
    kinds = {line.split(" ")[0] for line in lines}
    assert kinds >= {
        "column", "comment", "constraint", "domain", "enum", "extension", "function", "index", "inheritance",
        "materialized", "partitioned", "policy", "schema", "sequence", "statistics", "table", "trigger", "view",
    }  # fmt: skip
    assert "column public.users.mood public.mood" in lines
    assert "constraint public.users.users_pkey PRIMARY KEY (id)" in lines
    assert "enum public.mood (sad, ok)" in lines
    assert len(lines) == len(set(lines))
