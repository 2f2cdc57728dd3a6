"""The gate before EXPLAIN ANALYZE: what may be run, what may be planned, and why not."""

from collections.abc import Iterator

import psycopg
import pytest

from pgadvisor.collect import load_guard
from pgadvisor.collect.safety import Judge, Verdict
from pgadvisor.collect.safety_catalog import SafetyCatalog
from pgadvisor.collect.safety_names import names_in
from pgadvisor.collect.session import open_session
from tests.fix_servers import Server, create_database, drop_database, make_reader

SCHEMA = """
CREATE TABLE orders (id bigint PRIMARY KEY, status text, total numeric, at timestamptz, data jsonb, tags text[]);
CREATE SEQUENCE tickets;
CREATE TYPE colour AS ENUM ('red', 'green');
CREATE TABLE paints (id int, colour colour);
CREATE TYPE shade AS ENUM ('dark', 'light');
CREATE TABLE shadows (id int, shade shade);
CREATE VIEW plain AS SELECT id, upper(status) AS status FROM orders;
CREATE VIEW drawing AS SELECT id, nextval('tickets') AS ticket FROM orders;
CREATE VIEW behind AS SELECT * FROM drawing WHERE id > 10;
CREATE MATERIALIZED VIEW kept AS SELECT id FROM orders;

CREATE SCHEMA app;
CREATE FUNCTION app.tenant() RETURNS text LANGUAGE sql STABLE AS $$ SELECT current_setting('app.tenant', true) $$;
CREATE FUNCTION app.lying() RETURNS bigint LANGUAGE sql STABLE AS $$ SELECT nextval('tickets') $$;
CREATE FUNCTION app.drawing() RETURNS bigint LANGUAGE sql VOLATILE AS $$ SELECT nextval('tickets') $$;
CREATE FUNCTION app.clean(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN trim($1); END $$;
CREATE FUNCTION app.folding_liar() RETURNS text LANGUAGE sql VOLATILE AS $$ SELECT app.clean('x') $$;
CREATE FUNCTION app.owner_sees(bigint) RETURNS bigint LANGUAGE sql STABLE SECURITY DEFINER AS $$ SELECT $1 $$;
CREATE FUNCTION app.two(int) RETURNS int LANGUAGE sql IMMUTABLE AS $$ SELECT $1 $$;
CREATE FUNCTION app.two(text) RETURNS text LANGUAGE sql VOLATILE AS $$ SELECT $1 $$;
CREATE FUNCTION full_name(orders) RETURNS text LANGUAGE plpgsql STABLE AS $$ BEGIN RETURN $1.status; END $$;
CREATE FUNCTION app.loud_equal(bigint, bigint) RETURNS boolean LANGUAGE plpgsql VOLATILE AS
    $$ BEGIN RETURN $1 = $2; END $$;
CREATE OPERATOR === (FUNCTION = app.loud_equal, LEFTARG = bigint, RIGHTARG = bigint);
CREATE FUNCTION app.loud_colour(colour, text) RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$ BEGIN RETURN true; END $$;
CREATE OPERATOR = (FUNCTION = app.loud_colour, LEFTARG = colour, RIGHTARG = text);
CREATE AGGREGATE app.gather (bigint) (SFUNC = int8pl, STYPE = bigint);
CREATE FUNCTION app.is_fine(bigint) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN true; END $$;
CREATE DOMAIN app.fine AS bigint CHECK (app.is_fine(VALUE));
CREATE DOMAIN app.bare AS bigint;
CREATE TYPE app.pair AS (a int, b int);
CREATE TABLE pairs (pair app.pair);
CREATE DOMAIN app.short AS text CHECK (length(VALUE) < 9);
CREATE FUNCTION app.of_fine(app.fine) RETURNS bigint LANGUAGE sql STABLE AS $$ SELECT 1::bigint $$;
CREATE FUNCTION app.with_default(text, text DEFAULT app.clean('x')) RETURNS text LANGUAGE plpgsql STABLE AS
    $$ BEGIN RETURN $1; END $$;
CREATE FUNCTION app.same(text, text) RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$ BEGIN RETURN $1 = $2; END $$;
CREATE OPERATOR ==== (FUNCTION = app.same, LEFTARG = text, RIGHTARG = text, RESTRICT = eqsel);
CREATE FUNCTION app.loud_boolean(bigint) RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$ BEGIN RETURN true; END $$;
CREATE CAST (bigint AS boolean) WITH FUNCTION app.loud_boolean(bigint);
CREATE VIEW fixed AS SELECT id, 'x'::text AS word FROM orders;
CREATE TABLE filled (id bigint, word text DEFAULT app.clean('x'), at timestamptz DEFAULT now());
CREATE TABLE numbered (id bigint DEFAULT nextval('tickets'), word text);
CREATE TABLE ruled (id bigint);
CREATE RULE more AS ON INSERT TO ruled DO ALSO INSERT INTO numbered (word) VALUES (app.clean('x'));

CREATE TABLE guarded (id bigint, tenant text);
ALTER TABLE guarded ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON guarded USING (tenant = app.tenant());
CREATE TABLE traps (id bigint);
ALTER TABLE traps ENABLE ROW LEVEL SECURITY;
CREATE POLICY loud ON traps USING (app.loud_equal(id, 1));

CREATE FOREIGN DATA WRAPPER nowhere;
CREATE SERVER far FOREIGN DATA WRAPPER nowhere;
CREATE FOREIGN TABLE far_away (id bigint) SERVER far;
CREATE TABLE parts (id bigint) PARTITION BY RANGE (id);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (1) TO (10);
CREATE FOREIGN TABLE parts_2 PARTITION OF parts FOR VALUES FROM (10) TO (20) SERVER far;
"""

RUN = (
    "SELECT * FROM orders WHERE id = 5 AND status = 'paid' ORDER BY at DESC LIMIT 10",
    "SELECT date_trunc('day', at), count(*) FILTER (WHERE total > 5), avg(total) FROM orders GROUP BY 1",
    "SELECT random(), clock_timestamp(), now(), current_user, gen_random_uuid()",
    "WITH RECURSIVE r (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 5) SELECT * FROM r, orders",
    "SELECT data ->> 'a', data @> '{}', tags && ARRAY['x'], row_number() OVER (PARTITION BY status) FROM orders",
    "SELECT CASE WHEN id IN (1, 2) THEN coalesce(status, 'x') END, id::text, id::app.bare FROM orders",
    "SELECT * FROM plain JOIN kept USING (id)",
    "SELECT * FROM orders TABLESAMPLE bernoulli (5)",
    "SELECT * FROM generate_series(1, 10) AS g, unnest(ARRAY[1, 2]) AS u",
    "SELECT * FROM orders WHERE status = app.tenant()",
    "SELECT * FROM guarded",
    "SELECT shade FROM shadows WHERE shade = 'dark' ORDER BY shade",
    "SELECT * FROM json_to_recordset('[]') AS r (id int, name text)",
    "SELECT id FROM orders WHERE EXISTS (SELECT FROM kept WHERE kept.id = orders.id) UNION SELECT 1",
    "VALUES (1), (2)",
    "TABLE orders",
    "SELECT status::app.short FROM orders",
    "SELECT id::text, (id > 5)::text FROM orders",
)

PLAN_ONLY = {
    "SELECT nextval('tickets')": "nextval, which is volatile",
    "SELECT setval('tickets', 1) FROM orders": "setval",
    "SELECT pg_advisory_lock(id) FROM orders": "pg_advisory_lock",
    "SELECT pg_sleep(1)": "pg_sleep",
    "SELECT set_config('a.b', 'c', false)": "set_config",
    "SELECT lo_create(0)": "lo_create",
    "SELECT pg_read_file('x')": "pg_read_file",
    "SELECT * FROM pg_ls_dir('.')": "pg_ls_dir",
    "SELECT pg_notify('a', 'b')": "pg_notify",
    "SELECT pg_terminate_backend(1)": "pg_terminate_backend",
    "SELECT query_to_xml('SELECT 1', true, true, '')": "query_to_xml",
    "SELECT ts_stat('SELECT 1')": "ts_stat",
    "SELECT * FROM drawing": "nextval, which is volatile (in the view drawing)",
    "SELECT count(*) FROM behind": "(in the view behind)",
    "SELECT app.drawing()": "app.drawing, which is volatile",
    "SELECT app.two(1)": "app.two, which is volatile",
    "SELECT * FROM orders WHERE id === 3": "operator ===",
    "SELECT * FROM orders WHERE id OPERATOR(public.===) 3": "operator ===",
    "SELECT * FROM paints WHERE colour = 'red'": "app.loud_colour, which is volatile",
    "SELECT * FROM traps": "(in the row security of traps)",
    "SELECT * FROM far_away": "a foreign table",
    "SELECT * FROM parts": "has a foreign table below it",
    "SELECT id::boolean FROM orders": "may cast by app.loud_boolean, which is volatile",
    "SELECT json_populate_record(o, '{}') FROM orders AS o": "json_populate_record, which reads values of any type",
    "INSERT INTO numbered (word) VALUES ('x')": "writes (INSERT)",
    "DELETE FROM filled WHERE id = 5": "writes (DELETE)",
    "SELECT pair FROM pairs": "app.pair",
    "SELECT '(1,2)'::app.pair": "app.pair",
    "SELECT '(1)'::orders": "a row type",
    "SELECT * FROM orders FOR UPDATE": "locks rows",
    "SELECT * FROM (SELECT * FROM orders FOR KEY SHARE) AS o": "locks rows",
    "WITH gone AS (DELETE FROM orders RETURNING *) SELECT * FROM gone": "a CTE of it writes (DELETE)",
    "UPDATE orders SET status = 'x'": "writes (UPDATE)",
    "INSERT INTO orders VALUES (1)": "writes (INSERT)",
    "SELECT * INTO made FROM orders": "makes a table",
    "SELECT 1; SELECT 2": "several statements",
    "VACUUM orders": "is no SELECT",
    "SELECT xmlelement(name a)": "not on the list of harmless syntax",
    "SELECT * FROM nowhere": "nowhere, which is not found",
    "SELECT nobody(1)": "nobody, which is not known",
    "SELECT app.clean(status) FROM orders": "whose body is not judged",
    "SELECT app.owner_sees(id) FROM orders": "SECURITY DEFINER",
    "not a statement": "cannot be parsed",
}

NOT_EVEN_PLANNED = {
    "SELECT app.clean('x')": "whose body is not judged",
    "SELECT app.clean(s) FROM (SELECT 'x' AS s) AS q": "whose body is not judged",
    "SELECT * FROM orders WHERE status = app.clean($1)": "whose body is not judged",
    "SELECT app.clean(word) FROM fixed": "whose body is not judged",
    "SELECT app.clean(coalesce('x', status)) FROM orders": "whose body is not judged",
    "SELECT app.with_default(status) FROM orders": "whose body is not judged",
    "SELECT * FROM orders WHERE status ==== 'x'": "app.same, which is volatile",
    "SELECT id::app.fine FROM orders": "whose body is not judged (in the CHECK of the domain app.fine)",
    "SELECT app.of_fine(id) FROM orders": "app.is_fine",
    "SELECT domain_in('5', 'app.fine'::regtype, -1) IS NULL": "does more than it says",
    "INSERT INTO filled (id) VALUES (1)": "fills filled by app.clean",
    "UPDATE filled SET word = DEFAULT": "fills filled by app.clean",
    "INSERT INTO ruled VALUES (1)": "writes ruled, which has rules",
    "SELECT app.lying()": "app.lying, which calls nextval",
    "SELECT app.folding_liar()": "app.clean",
    "SELECT app.owner_sees(1)": "SECURITY DEFINER",
    "SELECT o.full_name FROM orders AS o": "may call public.full_name",
    "SELECT (o).full_name FROM orders AS o": "may call public.full_name",
    "SELECT app.gather(1)": "app.gather",
    "SELECT txid_current()": "does more than it says",
    "SELECT schema_to_xml('public', true, true, '')": "does more than it says",
}


@pytest.fixture(scope="module", params=["server", "debian15"])
def database_with_traps(request: pytest.FixtureRequest) -> Iterator[str]:
    running: Server = request.getfixturevalue(request.param)
    dsn = create_database(running, "safety")
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(SCHEMA)
    yield dsn
    drop_database(running, dsn)


@pytest.fixture(scope="module")
def judge(database_with_traps: str) -> Iterator[Judge]:
    """A judge that sees what a reader sees."""
    with open_session(make_reader(database_with_traps)) as session:
        yield Judge(SafetyCatalog(session, ("public",)))


@pytest.mark.parametrize("text", RUN)
def test_what_reads_and_computes_may_be_run(judge: Judge, text: str) -> None:
    verdict = judge.judge(text)
    assert (verdict.may_run, verdict.may_plan, verdict.reason) == (True, True, None)


@pytest.mark.parametrize("text", PLAN_ONLY)
def test_what_acts_or_is_not_known_is_planned_only(judge: Judge, text: str) -> None:
    verdict = judge.judge(text)
    assert (verdict.may_run, verdict.may_plan) == (False, True), verdict
    assert PLAN_ONLY[text] in (verdict.reason or ""), verdict.reason


@pytest.mark.parametrize("text", NOT_EVEN_PLANNED)
def test_what_the_planner_itself_would_run_is_not_even_planned(judge: Judge, text: str) -> None:
    verdict = judge.judge(text)
    assert (verdict.may_run, verdict.may_plan) == (False, False), verdict
    assert NOT_EVEN_PLANNED[text] in (verdict.reason or ""), verdict.reason


def test_row_security_is_noted(judge: Judge) -> None:
    assert judge.judge("SELECT * FROM guarded JOIN orders USING (id)") == Verdict(may_run=True, filtered=("guarded",))


def test_an_operator_of_another_type_is_nobodys_business(judge: Judge) -> None:
    """`=` of colours is volatile here; orders have no colour."""
    assert judge.judge("SELECT * FROM orders WHERE status = 'x'").may_run


def test_a_name_means_what_it_means_on_the_search_path(database_with_traps: str) -> None:
    with psycopg.connect(database_with_traps, autocommit=True) as connection:
        connection.execute("CREATE FUNCTION app.lower(text) RETURNS text LANGUAGE sql VOLATILE AS $$ SELECT $1 $$")
    try:
        with open_session(database_with_traps) as session:
            text = "SELECT lower(status) FROM public.orders"
            assert Judge(SafetyCatalog(session, ("public",))).judge(text).may_run
            assert not Judge(SafetyCatalog(session, ("app", "public"))).judge(text).may_run
    finally:
        with psycopg.connect(database_with_traps, autocommit=True) as connection:
            connection.execute("DROP FUNCTION app.lower(text)")


def test_an_implicit_cast_between_types_of_postgresql_counts_everywhere(database_with_traps: str) -> None:
    with psycopg.connect(database_with_traps, autocommit=True) as connection:
        connection.execute("DROP CAST (bigint AS boolean)")
        connection.execute("CREATE CAST (bigint AS boolean) WITH FUNCTION app.loud_boolean(bigint) AS IMPLICIT")
    try:
        with open_session(database_with_traps) as session:
            verdict = Judge(SafetyCatalog(session, ("public",))).judge("SELECT status FROM orders WHERE id")
            assert (verdict.may_run, verdict.may_plan) == (False, True)
            assert "app.loud_boolean" in (verdict.reason or "")
    finally:
        with psycopg.connect(database_with_traps, autocommit=True) as connection:
            connection.execute("DROP CAST (bigint AS boolean)")
            connection.execute("CREATE CAST (bigint AS boolean) WITH FUNCTION app.loud_boolean(bigint)")


@pytest.mark.pg(">= 18")
def test_a_virtual_column_may_be_a_constant(database: str) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("CREATE TABLE words (id bigint, word text GENERATED ALWAYS AS ('x') VIRTUAL)")
        body = "'BEGIN RETURN trim($1); END'"
        connection.execute(f"CREATE FUNCTION trimmed(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS {body}")
    with open_session(database) as session:
        assert not Judge(SafetyCatalog(session, ("public",))).judge("SELECT trimmed(word) FROM words").may_plan


def test_operators_of_users_do_not_stand_in_for_those_of_our_own_queries(database: str) -> None:
    """A search path may name pg_catalog last (CVE-2018-1058)."""
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("CREATE FUNCTION never(oid, oid) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT false'")
        connection.execute("CREATE OPERATOR = (FUNCTION = never, LEFTARG = oid, RIGHTARG = oid)")
        connection.execute("CREATE TABLE things (id int)")
    with open_session(database) as session:
        catalog = SafetyCatalog(session, ("public", "pg_catalog"))
        assert catalog.relation((None, "things")) is not None
        assert catalog.functions((None, "lower"))


def test_dblink_is_never_run(database_with_traps: str) -> None:
    with psycopg.connect(database_with_traps, autocommit=True) as connection:
        connection.execute("CREATE EXTENSION IF NOT EXISTS dblink")
        connection.execute("CREATE EXTENSION IF NOT EXISTS tablefunc")
        connection.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    with open_session(database_with_traps) as session:
        judge = Judge(SafetyCatalog(session, ("public",)))
        assert "dblink" in (judge.judge("SELECT * FROM dblink('', 'x') AS t (a int)").reason or "")
        assert "tablefunc" in (judge.judge("SELECT * FROM crosstab('x') AS t (a int, b int)").reason or "")
        assert judge.judge("SELECT similarity(status, 'x') FROM orders WHERE status % 'x'").may_run


def test_every_name_of_a_text_is_seen() -> None:
    names = names_in(
        "WITH c AS (SELECT f(a) FROM s.t) SELECT (SELECT g(1)), x.y FROM c, h(2) AS k JOIN u ON u.a OPERATOR(o.@@@) 1"
        " WHERE a = ANY (SELECT b::s.type FROM v) GROUP BY i(a) HAVING j(a) ORDER BY l(a) USING <<< LIMIT m(1)"
    )
    assert {name for _, name in names.functions} == set("fghijlm")
    assert names.relations == {("s", "t"), (None, "c"), (None, "u"), (None, "v")}
    assert names.ctes == {"c"}
    assert {("o", "@@@"), (None, "<<<"), (None, "=")} <= names.operators
    assert names.types == {("s", "type")}
    assert "y" in names.columns
    assert (None, "f") in names.row_functions and (None, "g") not in names.row_functions


# Load


def test_a_quiet_server_is_not_busy(database_with_traps: str) -> None:
    with open_session(make_reader(database_with_traps)) as session:
        assert load_guard.busy(session) is None


def test_a_role_that_cannot_see_the_load_runs_nothing(database_with_traps: str) -> None:
    with psycopg.connect(database_with_traps, autocommit=True) as connection:
        connection.execute("DROP ROLE IF EXISTS blind_reader")
        connection.execute("CREATE ROLE blind_reader LOGIN")
    with open_session(f"{database_with_traps} user=blind_reader") as session:
        assert load_guard.busy(session) == load_guard.CANNOT_SEE


def test_sessions_that_wait_for_a_lock_come_first(database_with_traps: str) -> None:
    pauses: list[float] = []
    with (
        psycopg.connect(database_with_traps) as holder,
        psycopg.connect(database_with_traps) as waiter,
        open_session(database_with_traps) as session,
    ):
        holder.execute("LOCK TABLE orders")
        waiter.execute("SET lock_timeout = '20s'")
        waiter.pgconn.send_query(b"LOCK TABLE orders")
        while not session.rows("SELECT 1 FROM pg_catalog.pg_locks WHERE NOT granted"):
            pass
        assert load_guard.busy(session, sleep=pauses.append) == "sessions are waiting for locks"
        assert pauses == list(load_guard.PAUSES_S)
        holder.rollback()
        while waiter.pgconn.get_result():
            pass


@pytest.mark.parametrize(
    ("seen", "reason"),
    [
        ({"active": 5}, "the server is busy: 5 queries are active"),
        ({"is_syncing": True}, "a checkpoint is flushing to disk"),
        ({"replica_lag_s": 11.0}, "a replica is 11 s behind"),
        ({"is_behind": True, "standby_lag_s": 20.0}, "the standby is 20 s behind"),
        ({"is_behind": False, "standby_lag_s": 2000.0}, None),
        ({"active": 4}, None),
    ],
)
def test_load(seen: dict[str, object], reason: str | None) -> None:
    calm = {
        "may_see": True, "processors": 8, "active": 0, "has_waiting": False, "is_syncing": False,
        "replica_lag_s": None, "standby_lag_s": None, "is_behind": None,
    }  # fmt: skip
    assert load_guard.judged({**calm, **seen}) == reason


def test_on_a_copy_a_write_is_judged_by_all_but_that_it_writes(judge: Judge) -> None:
    for text in (
        "UPDATE orders SET status = upper(status) WHERE id = 1 RETURNING *",
        "INSERT INTO orders (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET id = excluded.id",
        "WITH gone AS (DELETE FROM orders WHERE id = 1 RETURNING id) SELECT * FROM gone",
        "SELECT id FROM orders FOR UPDATE SKIP LOCKED",
    ):
        assert not judge.judge(text).may_run
        assert judge.judge(text, may_write=True) == Verdict(may_run=True), text
    for text in ("UPDATE orders SET id = nextval('app.numbers')", "TRUNCATE orders", "SELECT * INTO x FROM orders"):
        assert not judge.judge(text, may_write=True).may_run
