"""A database whose workload does harm wherever a statement of it is run: what pgadvisor may plan, and never execute.

Functions that harm raise a LOG message (`struck: …`), which no rollback takes back.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing
from typing import Any

import psycopg

from pgadvisor.sql.fingerprint import fingerprint

SCHEMA = """
CREATE EXTENSION pg_stat_statements;
CREATE TABLE queue (id bigint PRIMARY KEY, payload text NOT NULL);
INSERT INTO queue SELECT n, 'job ' || n FROM generate_series(1, 20000) AS n;
CREATE TABLE trail (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, what text NOT NULL);
INSERT INTO trail (what) SELECT 'job ' || n % 7 FROM generate_series(1, 700) AS n;
CREATE SEQUENCE tickets;

CREATE FUNCTION strike(what text) RETURNS boolean LANGUAGE plpgsql VOLATILE AS
    $$ BEGIN RAISE LOG 'struck: %', what; RETURN true; END $$;
CREATE FUNCTION strike_and_write(what text) RETURNS boolean LANGUAGE plpgsql VOLATILE AS
    $$ BEGIN PERFORM strike(what); INSERT INTO trail (what) VALUES (what); RETURN true; END $$;

CREATE VIEW struck AS SELECT id, strike('view') AS was_struck FROM queue;
CREATE VIEW struck_behind AS SELECT id, was_struck FROM struck WHERE id > 10;

CREATE FUNCTION strike_equal(a bigint, b bigint) RETURNS boolean LANGUAGE sql VOLATILE AS
    $$ SELECT strike('operator') AND a = b $$;
CREATE OPERATOR === (FUNCTION = strike_equal, LEFTARG = bigint, RIGHTARG = bigint);
CREATE FUNCTION strike_alike(a text, b text) RETURNS boolean LANGUAGE plpgsql VOLATILE AS
    $$ BEGIN RETURN strike('estimating') AND a = b; END $$;
CREATE OPERATOR ==== (FUNCTION = strike_alike, LEFTARG = text, RIGHTARG = text, RESTRICT = eqsel, JOIN = eqjoinsel);
CREATE FUNCTION strike_boolean(id bigint) RETURNS boolean LANGUAGE sql VOLATILE AS $$ SELECT strike('cast') $$;
CREATE CAST (bigint AS boolean) WITH FUNCTION strike_boolean(bigint);

CREATE TYPE label AS (name text);
CREATE FUNCTION strike_label(id bigint) RETURNS label LANGUAGE sql VOLATILE AS
    $$ SELECT ROW(strike('cast')::text)::label $$;
CREATE CAST (bigint AS label) WITH FUNCTION strike_label(bigint);

CREATE FUNCTION strike_check(id bigint) RETURNS boolean LANGUAGE sql VOLATILE AS $$ SELECT strike('domain') $$;
CREATE DOMAIN careful AS bigint CHECK (strike_check(VALUE));
CREATE TABLE careful_ones (id careful);

CREATE FUNCTION strike_step(state bigint, id bigint) RETURNS bigint LANGUAGE sql VOLATILE AS
    $$ SELECT CASE WHEN strike('aggregate') THEN state + id END $$;
CREATE AGGREGATE strike_sum (bigint) (SFUNC = strike_step, STYPE = bigint, INITCOND = '0');

CREATE FUNCTION strike_rows() RETURNS SETOF bigint LANGUAGE sql VOLATILE AS
    $$ SELECT 1::bigint WHERE strike('rows') $$;
CREATE FUNCTION strike_as_owner(id bigint) RETURNS boolean LANGUAGE plpgsql STABLE SECURITY DEFINER AS
    $$ BEGIN RETURN strike('definer'); END $$;
-- These lie: the planner itself would run the first two, for it takes them at their word.
CREATE FUNCTION strike_immutably(what text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS
    $$ BEGIN RETURN strike(what); END $$;
CREATE FUNCTION strike_stably(what text) RETURNS bigint LANGUAGE plpgsql STABLE AS
    $$ BEGIN RETURN CASE WHEN strike(what) THEN 3 END; END $$;
CREATE FUNCTION strike_in_sql(id bigint) RETURNS boolean LANGUAGE sql STABLE AS $$ SELECT strike('inlined') $$;
CREATE FUNCTION strike_row(one queue) RETURNS boolean LANGUAGE sql VOLATILE AS $$ SELECT strike('attribute') $$;
CREATE FUNCTION strike_without_arguments() RETURNS bigint LANGUAGE plpgsql IMMUTABLE AS
    $$ BEGIN RETURN CASE WHEN strike('constant') THEN 3 END; END $$;
CREATE VIEW constant AS SELECT id, 'constant'::text AS what FROM queue;
CREATE TABLE filled (id bigint, was_struck boolean DEFAULT strike_immutably('default'));
CREATE TABLE ruled (id bigint);
CREATE RULE more AS ON INSERT TO ruled DO ALSO INSERT INTO filled VALUES (1, strike_immutably('rule'));
CREATE PROCEDURE strike_procedure() LANGUAGE plpgsql AS $$ BEGIN PERFORM strike('procedure'); END $$;

CREATE TABLE guarded (id bigint PRIMARY KEY, payload text NOT NULL);
INSERT INTO guarded SELECT n, 'secret ' || n FROM generate_series(1, 20000) AS n;
ALTER TABLE guarded ENABLE ROW LEVEL SECURITY;
CREATE POLICY looked_at ON guarded FOR SELECT USING (strike_check(id));

CREATE FUNCTION strike_trigger() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN PERFORM strike('trigger'); RETURN NEW; END $$;
CREATE TABLE watched (id bigint PRIMARY KEY);
CREATE TRIGGER watch BEFORE INSERT ON watched FOR EACH ROW EXECUTE FUNCTION strike_trigger();
ANALYZE;
"""

HARMLESS = (
    "SELECT payload FROM queue WHERE id = 7",
    "SELECT count(*) FROM queue WHERE payload LIKE '%9%'",
    "SELECT id, upper(payload) FROM queue WHERE payload = 'job 9' ORDER BY id LIMIT 5",
)
"""These may be run."""

HOSTILE = (
    "SELECT nextval('tickets')",
    "SELECT setval('tickets', 5)",
    "SELECT id, nextval('tickets') FROM queue ORDER BY id LIMIT 3",
    "SELECT pg_advisory_lock(id) FROM queue WHERE id < 3",
    "SELECT pg_try_advisory_lock_shared(77)",
    "SELECT pg_sleep(0.01)",
    "SELECT id FROM queue WHERE id = 5 AND pg_sleep(0.01) IS NOT NULL",
    "SELECT length(pg_read_file('PG_VERSION'))",
    "SELECT count(*) FROM pg_ls_dir('.')",
    "SELECT lo_create(0)",
    "SELECT lo_from_bytea(0, 'left behind')",
    "SELECT lo_import('{directory}/given')",
    "SELECT lo_export((SELECT min(oid) FROM pg_largeobject_metadata), '{directory}/exported')",
    "SELECT pg_notify('jobs', 'all')",
    "SELECT set_config('work_mem', '64kB', false)",
    "SELECT pg_terminate_backend(2000000000)",
    "SELECT pg_logical_emit_message(false, 'jobs', 'all')",
    "SELECT txid_current()",
    "SELECT pg_stat_reset_single_table_counters('trail'::regclass)",
    "SELECT pg_switch_wal()",
    "SELECT pg_reload_conf()",
    "SELECT strike('call')",
    "SELECT strike_and_write('write')",
    "SELECT id FROM queue WHERE strike('where') AND id < 3",
    "SELECT id FROM queue WHERE id < 3 ORDER BY strike('order')",
    "SELECT (SELECT strike('subquery')) FROM queue WHERE id < 3",
    "WITH struck_once AS MATERIALIZED (SELECT strike('cte')) SELECT count(*) FROM struck_once",
    "SELECT q.id FROM queue AS q JOIN queue AS r ON r.id = q.id AND strike('join') WHERE q.id < 3",
    "SELECT was_struck FROM struck WHERE id = 3",
    "SELECT count(was_struck) FROM struck_behind WHERE id < 20",
    "SELECT id FROM queue WHERE id === 3 AND id < 5",
    "SELECT q.id FROM queue AS q JOIN trail AS t ON t.what ==== q.payload WHERE q.id < 3",
    "SELECT id::boolean FROM queue WHERE id < 3",
    "SELECT id FROM queue WHERE id = 3::careful",
    "SELECT strike_immutably(what) FROM constant WHERE id < 3",
    "SELECT strike_immutably(coalesce('first', payload)) FROM queue WHERE id < 3",
    "SELECT id::label FROM queue WHERE id < 3",
    "SELECT id::careful FROM queue WHERE id < 3",
    "SELECT strike_sum(id) FROM queue WHERE id < 3",
    "SELECT * FROM strike_rows()",
    "SELECT q.id FROM queue AS q, LATERAL strike_rows() AS r WHERE q.id < 3",
    "SELECT id FROM queue WHERE id < 3 AND strike_as_owner(id)",
    "SELECT id FROM queue WHERE strike_immutably('folded') AND id < 3",
    "SELECT id FROM queue WHERE id = strike_stably('estimated')",
    "SELECT id FROM queue WHERE id = strike_without_arguments()",
    "SELECT id FROM queue WHERE strike_in_sql(id) AND id < 3",
    "SELECT q.strike_row FROM queue AS q WHERE q.id < 3",
    "SELECT payload FROM guarded WHERE payload = 'secret 7'",
    "SELECT id FROM queue WHERE id = 3 FOR UPDATE",
    "WITH gone AS (DELETE FROM queue WHERE id = -1 RETURNING id) SELECT count(*) FROM gone",
    "WITH made AS (INSERT INTO trail (what) VALUES ('cte') RETURNING id) SELECT id FROM made",
    "INSERT INTO trail (what) VALUES ('plain')",
    "INSERT INTO careful_ones VALUES (9)",
    "INSERT INTO filled (id) VALUES (3)",
    "INSERT INTO ruled VALUES (3)",
    "INSERT INTO watched SELECT max(id) + 1 + (SELECT count(*) FROM watched) FROM queue",
    "INSERT INTO trail (what) SELECT strike('insert')::text",
    "UPDATE queue SET payload = payload WHERE id = 4",
    "DELETE FROM queue WHERE id = -2",
    "DELETE FROM queue WHERE id = -2 AND strike('delete')",
    "CALL strike_procedure()",
    "DO $$ BEGIN PERFORM strike('do'); END $$",
    "CREATE TABLE IF NOT EXISTS made_by_select AS SELECT strike('create table as')",
    "COPY (SELECT strike('copy')) TO '{directory}/copied'",
    "EXPLAIN (ANALYZE) SELECT strike('explain')",
    "VACUUM watched",
)
"""None of these may be run by us, nor planned where planning runs them; the application runs each of them."""

OPTIONAL = {
    "dblink": (
        "SELECT dblink_exec('{dsn}', 'INSERT INTO trail (what) VALUES (''dblink'')')",
        "SELECT * FROM dblink('{dsn}', 'SELECT strike_and_write(''dblink'')') AS t (was_struck boolean)",
    ),
    "file_fdw": ("SELECT count(*) FROM lines_of_a_file",),
}
"""More of them, by the extension that they need."""

_FOREIGN_TABLE = """
CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
CREATE FOREIGN TABLE lines_of_a_file (line text) SERVER files OPTIONS (filename '{directory}/given');
"""

STATE = {
    "rows of queue": "SELECT count(*), sum(hashtext(payload)) FROM queue",
    "rows of trail": "SELECT count(*) FROM trail",
    "rows of watched": "SELECT count(*) FROM watched",
    "tables": "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace",
    "sequences": "SELECT string_agg(concat_ws(' ', sequencename, last_value), ',' ORDER BY sequencename)"
    " FROM pg_sequences",
    "large objects": "SELECT count(*) FROM pg_largeobject_metadata",
    "advisory locks": "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'",
    "writes, also those rolled back": "SELECT sum(n_tup_ins + n_tup_upd + n_tup_del) FROM pg_stat_user_tables",
    "settings": "SELECT md5(string_agg(name || setting, ',' ORDER BY name)) FROM pg_settings WHERE source <> 'client'"
    " AND name NOT IN ('application_name')",
}
"""What must be the same before and after, and the query that says it."""


def fill(dsn: str, directory: str) -> tuple[str, ...]:
    """Makes the database and runs every statement twice, as its application; gives the hostile ones."""
    with psycopg.connect(dsn, autocommit=True, application_name="application") as connection:
        connection.execute(SCHEMA)
        hostile = tuple(
            text.replace("{directory}", directory).replace("{dsn}", dsn.replace("'", "''"))
            for text in (*HOSTILE, *_optional(connection, directory))
        )
    for text in (*HARMLESS, *hostile):
        # A connection of its own for each: locks and settings that it leaves behind end with it.
        with closing(psycopg.connect(dsn, autocommit=True, application_name="application")) as connection:
            connection.execute(text.encode())
            connection.execute(text.encode())
    return hostile


def _optional(connection: psycopg.Connection[tuple[object, ...]], directory: str) -> Iterable[str]:
    """The statements of those extensions that this server has; they are installed."""
    for extension, texts in OPTIONAL.items():
        known = connection.execute("SELECT 1 FROM pg_available_extensions WHERE name = %s", (extension,)).fetchone()
        if known is None:
            continue
        connection.execute(f"CREATE EXTENSION {extension}".encode())
        if extension == "file_fdw":
            connection.execute(_FOREIGN_TABLE.replace("{directory}", directory).encode())
        yield from texts


def _witness(dsn: str) -> psycopg.Connection[tuple[Any, ...]]:
    """A session that looks, and that pg_stat_statements does not count: else it would be part of the workload."""
    return psycopg.connect(dsn, autocommit=True, application_name="witness", options="-c pg_stat_statements.track=none")


def state(dsn: str) -> Iterator[tuple[str, object]]:
    """What must be the same before and after an audit."""
    with _witness(dsn) as connection:
        connection.execute("SELECT pg_stat_force_next_flush()" if connection.info.server_version >= 150_000 else "")
        for name, query in STATE.items():
            yield name, connection.execute(query.encode()).fetchone()


def calls(dsn: str) -> Counter[str]:
    """How often each statement has been executed so far, by whoever and at whatever depth: by fingerprint."""
    query = (
        "SELECT s.query, s.calls FROM pg_stat_statements AS s JOIN pg_database AS d ON d.oid = s.dbid"
        " WHERE d.datname = current_database()"
    )
    counted: Counter[str] = Counter()
    with _witness(dsn) as connection:
        for text, count in connection.execute(query).fetchall():
            counted[fingerprint(text)] += count
    return counted
