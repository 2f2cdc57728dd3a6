"""Advice tried on a copy: what is timed, what is not run, and that the copy is left as it was."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from pgadvisor.collect.collector import collect
from pgadvisor.collect.session import open_session
from pgadvisor.errors import ServerError, UsageError
from pgadvisor.measure.building import TOO_YOUNG
from pgadvisor.measure.identity import Identity, identity_in, identity_of
from pgadvisor.measure.likeness import refuse_unless_alike
from pgadvisor.measure.measure import looked_twice, measure
from pgadvisor.measure.records import Timed
from tests.fix_servers import Server, create_database, drop_database, make_reader

SCHEMA = """
CREATE TABLE customers (id int PRIMARY KEY, email text NOT NULL);
CREATE TABLE orders (
    id int PRIMARY KEY, customer_id int NOT NULL REFERENCES customers ON DELETE CASCADE, status text NOT NULL,
    total int NOT NULL, seen int NOT NULL DEFAULT 0
) WITH (fillfactor = 70);
CREATE TABLE guarded (id int PRIMARY KEY, order_id int REFERENCES orders ON DELETE CASCADE);
INSERT INTO customers SELECT i, 'user' || i || '@example.org' FROM generate_series(1, 5000) AS i;
INSERT INTO orders SELECT i, i % 5000 + 1, CASE WHEN i % 50 = 0 THEN 'new' ELSE 'sent' END, i % 977
FROM generate_series(1, 60000) AS i;
CREATE INDEX orders_customer_id_idx ON orders (customer_id);
CREATE INDEX "Orders seen" ON orders (seen);
CREATE FUNCTION shout() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
CREATE TRIGGER shouts AFTER DELETE ON guarded FOR EACH ROW EXECUTE FUNCTION shout();
CREATE FUNCTION nap() RETURNS int LANGUAGE sql VOLATILE AS $$ SELECT 1 FROM pg_sleep(30) $$;
"""
INDEXES = "SELECT indexrelid, pg_get_indexdef(indexrelid), indisvalid FROM pg_index ORDER BY 1"
BY_TOTAL = "SELECT id FROM orders WHERE total = 5"
BY_CUSTOMER = "SELECT id FROM orders WHERE customer_id = 7"
SEE = "UPDATE orders SET seen = seen + 1 WHERE id <= 300"
HEAVY = "SELECT count(*) FROM generate_series(1, 400000) AS a, generate_series(1, 400000) AS b"
ON_TOTAL = "CREATE INDEX orders_total_idx ON public.orders (total)"


@pytest.fixture(scope="module")
def audited(server: Server) -> Iterator[str]:
    dsn = create_database(server, "audited")
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(SCHEMA)
        connection.execute("VACUUM ANALYZE")
    yield dsn
    drop_database(server, dsn)


@pytest.fixture
def copy(server: Server, audited: str) -> Iterator[str]:
    """A copy; afterwards its indexes and rows must be those it had."""
    dsn = create_database(server, "copy", template=str(conninfo_to_dict(audited)["dbname"]))
    before = state(dsn)
    yield dsn
    assert state(dsn) == before
    drop_database(server, dsn)


def state(dsn: str) -> list[object]:
    with psycopg.connect(dsn) as connection:
        rows = "SELECT sum(hashtext(orders::text)), count(*) FROM orders"
        return [connection.execute(INDEXES).fetchall(), connection.execute(rows).fetchall()]


def timed(*texts: str, calls: float = 1.0) -> list[Timed]:
    return [Timed(key=text, texts=((text, 1.0),), calls=calls) for text in texts]


def test_an_index_makes_a_read_faster_and_its_size_is_told(copy: str, audited: str) -> None:
    found = measure(copy, timed(BY_TOTAL, BY_CUSTOMER), [ON_TOTAL], audited=identity_of(audited))
    total, customer = found.statements
    assert total.statement == BY_TOTAL and customer.statement == BY_CUSTOMER
    assert 0 < total.after_ms < total.before_ms / 3
    assert found.ratio is not None and 0 < found.ratio < 0.7
    assert [each.definition for each in found.built] == [ON_TOTAL]
    assert 300_000 < found.built[0].size_bytes < 3_000_000 and found.built[0].build_s > 0
    assert (found.left_out, found.stopped, found.doubts) == ((), (), ())


def test_a_dropped_index_is_missed_by_a_read_and_frees_a_write(copy: str) -> None:
    drop = [
        "SET lock_timeout = '2s';\nDROP INDEX CONCURRENTLY public.orders_customer_id_idx;",
        'DROP INDEX "Orders seen"',
    ]
    found = measure(copy, timed(SEE, BY_CUSTOMER), [], drop, audited=None)
    see, customer = found.statements
    assert (see.statement, customer.statement) == (SEE, BY_CUSTOMER)
    assert see.after_ms < see.before_ms
    assert customer.after_ms > customer.before_ms * 3
    assert found.slower == (BY_CUSTOMER,)


def test_what_is_looked_at_twice_counts_with_both_looks() -> None:
    before, after = {"noise": 10.0, "worse": 10.0, "better": 10.0}, {"noise": 20.0, "worse": 20.0, "better": 2.0}
    found = looked_twice(before, after, {"noise": 18.0, "worse": 10.0}, {"noise": 12.0, "worse": 22.0})
    assert found.before == {"noise": 14.0, "worse": 10.0, "better": 10.0}
    assert found.after == {"noise": 16.0, "worse": 21.0, "better": 2.0}
    assert found.slower == ["worse"]


def test_writes_are_rolled_back_on_both_sides(copy: str) -> None:
    texts = [
        "INSERT INTO orders VALUES (100000, 1, 'new', 5)",
        "INSERT INTO orders VALUES (1, 1, 'new', 5) ON CONFLICT (id) DO UPDATE SET seen = excluded.seen RETURNING id",
        "SELECT id FROM orders WHERE status = 'new' LIMIT 1 FOR UPDATE SKIP LOCKED",
        "WITH gone AS (DELETE FROM customers WHERE id = 0 RETURNING id) SELECT count(*) FROM gone",
    ]
    found = measure(copy, timed(*texts), [ON_TOTAL], audited=None)
    assert [each.statement for each in found.statements] == texts[:3]
    assert found.left_out == ((texts[3], "may fire the trigger shouts of guarded, whose function is not judged"),)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("SELECT nap()", "calls public.nap, which is volatile"),
        ("UPDATE orders SET seen = nap() WHERE id = 1", "calls public.nap, which is volatile"),
        ("DELETE FROM guarded WHERE id = 1", "may fire the trigger shouts of guarded, whose function is not judged"),
        (
            "DELETE FROM customers WHERE id = 1",
            "may fire the trigger shouts of guarded, whose function is not judged",
        ),
        ("SELECT 1; DROP TABLE orders", "the text holds several statements"),
        ("TRUNCATE orders", "is no SELECT"),
        ("SELECT * INTO taken FROM orders", "makes a table (SELECT INTO)"),
        ("SELECT nope FROM orders", "fails on the copy: a column does not exist"),
    ],
)
def test_what_could_do_harm_or_fails_is_left_out(copy: str, text: str, why: str) -> None:
    found = measure(copy, timed(text, BY_CUSTOMER), [], audited=None)
    assert found.left_out == ((text, why),)
    assert [each.statement for each in found.statements] == [BY_CUSTOMER]


def test_what_takes_too_long_is_stopped(copy: str) -> None:
    found = measure(copy, timed(HEAVY, BY_CUSTOMER), [], audited=None, limit_s=0.3)
    assert found.stopped == (HEAVY,)
    assert found.statements[0].before_ms == found.statements[0].after_ms == 300
    assert found.slower == ()


def test_several_texts_count_by_their_share(copy: str) -> None:
    texts = (("SELECT count(*) FROM orders", 0.0), (BY_CUSTOMER, 1.0))
    found = measure(copy, [Timed(key="both", texts=texts, calls=3)], [], audited=None)
    whole = measure(copy, timed("SELECT count(*) FROM orders"), [], audited=None)
    assert found.statements[0].before_ms < whole.statements[0].before_ms


def test_the_audited_database_is_refused(copy: str, audited: str) -> None:
    before = state(audited)
    with pytest.raises(UsageError, match="is the audited database"):
        measure(audited, timed(BY_TOTAL), [ON_TOTAL], audited=identity_of(audited))
    with open_session(audited) as session:
        snapshot = collect(session)
    with pytest.raises(UsageError, match="is the audited database"):
        measure(audited, timed(BY_TOTAL), [ON_TOTAL], audited=identity_in(snapshot))
    with pytest.raises(UsageError, match="is the audited database"):
        measure(make_reader(audited), timed(BY_TOTAL), [ON_TOTAL], audited=identity_of(audited))
    assert state(audited) == before
    assert measure(copy, timed(BY_TOTAL), [], audited=identity_in(snapshot)).ratio is not None


def test_what_is_no_copy_is_refused_with_what_differs(
    server: Server, copy: str, audited: str, reader: Callable[[str], str]
) -> None:
    with open_session(audited) as session:
        tables = collect(session).tables
    refuse_unless_alike(copy, tables)
    with pytest.raises(UsageError, match=r"owns no table of the copy .*name the role that owns them"):
        refuse_unless_alike(reader(copy), tables)
    dsn = create_database(server, "unlike", template=str(conninfo_to_dict(audited)["dbname"]))
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("DELETE FROM orders WHERE id > 9000")
        connection.execute("VACUUM FULL ANALYZE orders")
        connection.execute("ALTER TABLE guarded DROP COLUMN order_id, ALTER COLUMN id TYPE text")
        connection.execute("DROP TABLE customers CASCADE")
    with pytest.raises(UsageError) as raised:
        refuse_unless_alike(dsn, tables)
    for words in ('no table public.customers; its public.guarded."id" is text, not integer', '"order_id"; and 1 more'):
        assert words in str(raised.value)
    with pytest.raises(
        UsageError, match=r"its public\.orders has about 9,\d\d\d rows, not 60,\d\d\d: name a full copy"
    ):
        refuse_unless_alike(dsn, [each for each in tables if each.name == "orders"])
    drop_database(server, dsn)


def test_databases_are_told_apart_as_far_as_they_are_known() -> None:
    known = Identity(database="shop", database_oid=5, system=1, host="db", port=5432)
    assert known.is_same(Identity(database="renamed", database_oid=5, system=1, host="replica"))
    assert not known.is_same(Identity(database="shop", database_oid=6, system=1, host="db", port=5432))
    assert not known.is_same(Identity(database="shop", database_oid=5, system=2, host="db", port=5433))
    assert known.is_same(Identity(database="shop", host="db", port=5432))
    assert not known.is_same(Identity(database="shop", host="db", port=5433))
    assert not known.is_same(Identity(database="shop"))
    assert Identity(database="shop", host="db").is_same(known)
    reset = datetime(2026, 3, 1, 9, 0, 0, 123_456, tzinfo=UTC)  # the same server, restarted and called otherwise
    assert Identity(database="shop", host="localhost", statistics_reset_at=reset).is_same(
        Identity(database="shop", host="127.0.0.1", statistics_reset_at=reset)
    )


@pytest.mark.parametrize("stage", ["building indexes", "timing with the advice", "timing without the advice"])
@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_the_copy_is_restored_when_it_is_interrupted(copy: str, stage: str, error: type[BaseException]) -> None:
    def interrupt(told: str, done: int, total: int) -> None:
        if told == stage and done == 1:
            raise error

    changes = [ON_TOTAL, "CREATE INDEX orders_status_idx ON orders (status)"]
    with pytest.raises(error):
        measure(copy, timed(BY_TOTAL, SEE), changes, ['DROP INDEX "Orders seen"'], audited=None, progress=interrupt)


def test_ctrl_c_ends_a_statement_that_runs(copy: str) -> None:
    with_advice: list[threading.Timer] = []

    def later(told: str, done: int, total: int) -> None:
        if told == "timing without the advice" and not with_advice:
            with_advice.append(threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)))
            with_advice[0].start()

    with pytest.raises(KeyboardInterrupt):
        measure(copy, timed(HEAVY), [ON_TOTAL], audited=None, progress=later)
    with psycopg.connect(copy) as connection:
        left = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        assert connection.execute(left + " AND state = 'active'").fetchone() == (0,)


def test_a_lost_connection_leaves_the_copy_as_it_was(copy: str) -> None:
    def cut(told: str, done: int, total: int) -> None:
        if told == "timing with the advice" and done == 1:
            with psycopg.connect(copy, autocommit=True) as connection:
                ours = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
                connection.execute(ours + " AND state = 'idle in transaction'")

    with pytest.raises(ServerError, match="lost midway"):
        measure(
            copy, timed(BY_TOTAL, SEE), [ON_TOTAL], ["DROP INDEX orders_customer_id_idx"], audited=None, progress=cut
        )


def test_an_index_that_old_transactions_keep_from_use_is_doubted(copy: str) -> None:
    with psycopg.connect(copy) as reading, psycopg.connect(copy, autocommit=True) as writing:
        reading.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        reading.execute("SELECT 1 FROM customers LIMIT 1")
        writing.execute("UPDATE orders SET status = status WHERE id = 1")
        found = measure(copy, timed(BY_TOTAL), [ON_TOTAL], audited=None)
    assert found.doubts == (TOO_YOUNG,)


def test_someone_elses_lock_is_told(copy: str) -> None:
    with psycopg.connect(copy) as other:
        other.execute("LOCK TABLE orders IN SHARE UPDATE EXCLUSIVE MODE")
        with pytest.raises(ServerError, match="another session holds a lock"):
            measure(copy, timed(BY_TOTAL), [ON_TOTAL], audited=None)


@pytest.mark.parametrize(
    ("create", "drop", "words"),
    [
        ("CREATE INDEX ON nowhere (id)", None, "the copy refuses"),
        ("CREATE INDEX ON orders (nope)", None, "the copy refuses"),
        ("DROP TABLE orders", None, "an index to measure cannot be read"),
        (ON_TOTAL, "DROP INDEX orders_pkey", "the copy refuses"),
        (ON_TOTAL, "DROP TABLE orders", "an index to drop cannot be read"),
    ],
)
def test_what_cannot_be_changed_is_said(copy: str, create: str, drop: str | None, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        measure(copy, timed(BY_TOTAL), [create], [drop] if drop else [], audited=None)


def test_a_copy_that_runs_out_of_room_or_may_only_be_read_is_told(copy: str) -> None:
    room = "-c temp_file_limit=64kB -c maintenance_work_mem=1MB -c max_parallel_maintenance_workers=0"
    for options, words in ((room, "--budget"), ("-c default_transaction_read_only=on", "can be written to")):
        with pytest.raises(UsageError, match=words):
            measure(make_conninfo(copy, options=options), timed(BY_TOTAL), [ON_TOTAL], audited=None)


def test_a_role_that_may_not_build_is_told(copy: str, reader: Callable[[str], str]) -> None:
    with pytest.raises(UsageError, match="name the role that owns the table"):
        measure(reader(copy), timed(BY_TOTAL), [ON_TOTAL], audited=None)


def test_a_copy_that_is_not_there_is_told(copy: str) -> None:
    with pytest.raises(ServerError, match="there is no database"):
        measure(make_conninfo(copy, dbname="not_there"), timed(BY_TOTAL), [], audited=None)


def test_an_index_without_a_name_on_an_expression_and_on_a_partitioned_table(copy: str) -> None:
    with psycopg.connect(copy, autocommit=True) as connection:
        connection.execute("CREATE TABLE parts (id int, at int) PARTITION BY RANGE (at)")
        connection.execute("CREATE TABLE part_1 PARTITION OF parts FOR VALUES FROM (0) TO (10000)")
        connection.execute("INSERT INTO parts SELECT i, i FROM generate_series(0, 9999) AS i")
        connection.execute("CREATE INDEX kept ON parts (at)")
        kept = connection.execute(INDEXES).fetchall()
    create = ["CREATE INDEX ON orders (lower(status))", "CREATE INDEX ON parts (id)"]
    found = measure(copy, timed("SELECT 1 FROM parts WHERE id = 5"), create, ["DROP INDEX kept"], audited=None)
    assert [each.definition for each in found.built] == create
    assert all(each.size_bytes > 100_000 for each in found.built)
    with psycopg.connect(copy, autocommit=True) as connection:
        assert connection.execute(INDEXES).fetchall() == kept
        connection.execute("DROP TABLE parts")
