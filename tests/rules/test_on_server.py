"""Rules against real databases: what is wrong is found, and no longer once the remedy was carried out."""

import time
from collections.abc import Callable
from datetime import timedelta

import psycopg
import pytest
from msgspec.structs import replace
from psycopg.conninfo import conninfo_to_dict

from pgadvisor.model.finding import Finding, Rung, Severity
from tests.rules.fix_audited import execute, findings, snapshot_of

ORDERS = """
CREATE TABLE orders (id bigint PRIMARY KEY, customer_id bigint NOT NULL, status text NOT NULL, email varchar(80),
    data jsonb NOT NULL, created_at timestamptz NOT NULL);
INSERT INTO orders SELECT i, i % 5000, (ARRAY['done','open'])[1 + (i % 400 = 0)::int], 'User' || i || '@example.org',
    jsonb_build_object('ref', 'r' || i, 'kind', i % 7), '2026-01-01 00:00Z'::timestamptz + i * interval '1 minute'
    FROM generate_series(1, 120000) i;
VACUUM ANALYZE orders;
"""
NO_WORKERS = ("SET max_parallel_workers_per_gather = 0",)


@pytest.fixture(scope="module")
def filled(new_database: Callable[..., str]) -> str:
    """The name of a database that holds the orders."""
    dsn = new_database("filled")
    execute(dsn, ORDERS)
    return str(conninfo_to_dict(dsn)["dbname"])


@pytest.fixture
def orders(new_database: Callable[..., str], filled: str) -> str:
    """The DSN of a database of its own with the orders in it."""
    return new_database("orders", template=filled)


def cure(dsn: str, finding: Finding) -> None:
    """Carry the remedy out as it is printed."""
    assert finding.remedy.sql
    execute(dsn, finding.remedy.sql)


@pytest.mark.parametrize("analyze", [True, False], ids=["measured", "estimated"])
@pytest.mark.parametrize(
    ("text", "created"),
    [
        ("SELECT * FROM orders WHERE customer_id = 77", "public.orders (customer_id)"),
        ("SELECT * FROM orders WHERE status = 'open' AND created_at > '2026-03-20' ORDER BY created_at DESC LIMIT 10",
         "public.orders (status, created_at)"),
        ("SELECT id FROM orders o WHERE lower(o.email) = 'user9@example.org'", "public.orders (lower(email))"),
        ("SELECT id FROM orders WHERE email LIKE '%4711%'", "public.orders USING gin (email gin_trgm_ops)"),
        ("SELECT id FROM orders WHERE data @> '{\"ref\": \"r77\"}'", "public.orders USING gin (data jsonb_path_ops)"),
        ("SELECT id FROM orders WHERE data ->> 'ref' = 'r77'", "public.orders ((data ->> 'ref'))"),
        ("UPDATE orders SET status = 'done' WHERE customer_id = 78", "public.orders (customer_id)"),
    ],
)  # fmt: skip
def test_a_missing_index_is_found_and_made(orders: str, text: str, created: str, analyze: bool) -> None:
    before = findings(snapshot_of(orders, [text], settings=NO_WORKERS, analyze=analyze), "scan-discards-most-rows")
    assert len(before) == 1
    assert created in (before[0].remedy.sql or "").replace("->>", " ->> ").replace("  ", " ")
    assert before[0].rung is (Rung.MEASURED if analyze else Rung.ESTIMATED)
    cure(orders, before[0])
    execute(orders, "VACUUM ANALYZE orders")
    after = snapshot_of(orders, [text], settings=NO_WORKERS, analyze=analyze)
    assert not findings(after, "scan-discards-most-rows")
    assert all(node.node_type != "Seq Scan" for plan in after.plans if plan.plan for node in plan.plan.root.walk())
    execute(orders, before[0].remedy.undo or "")


def test_a_parallel_scan_is_one_as_well(orders: str) -> None:
    settings = ("SET parallel_setup_cost = 0", "SET parallel_tuple_cost = 0", "SET min_parallel_table_scan_size = 0")
    found = findings(
        snapshot_of(orders, ["SELECT * FROM orders WHERE customer_id = 77"], settings=settings),
        "scan-discards-most-rows",
    )
    assert len(found) == 1
    assert "reads 120,000 rows" in found[0].message


def test_two_statements_share_one_index(orders: str) -> None:
    texts = [
        "SELECT id FROM orders WHERE customer_id = 77",
        "SELECT id FROM orders WHERE customer_id = 78 AND created_at > '2026-03-01' AND status <> 'x'",
    ]
    found = findings(snapshot_of(orders, texts, settings=NO_WORKERS), "scan-discards-most-rows")
    assert len(found) == 1
    assert set(found[0].statements) == {"1", "2"}
    assert "(customer_id, created_at)" in (found[0].remedy.sql or "")


def test_every_partition_gets_its_part_of_the_index(database: str) -> None:
    execute(
        database,
        """
        CREATE TABLE event (id bigint, user_id bigint, at date NOT NULL) PARTITION BY RANGE (at);
        CREATE TABLE event_1 PARTITION OF event FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
        CREATE TABLE event_2 PARTITION OF event FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');
        INSERT INTO event SELECT i, i % 3000, '2026-01-01'::date + i % 59 FROM generate_series(1, 100000) i;
        ANALYZE event;
        """,
    )
    text = "SELECT * FROM event e WHERE user_id = 7"
    found = findings(snapshot_of(database, [text], settings=NO_WORKERS), "scan-discards-most-rows")
    assert len(found) == 1
    assert "in 2 partitions" in found[0].message
    cure(database, found[0])
    after = snapshot_of(database, [text], settings=NO_WORKERS)
    parent = next(table for table in after.tables if table.name == "event")
    assert [index.is_valid for index in parent.indexes] == [True]
    assert not findings(after, "scan-discards-most-rows")
    assert not findings(after, "invalid-index")


def test_a_join_without_index_on_its_big_side(orders: str) -> None:
    execute(
        orders,
        """
        CREATE TABLE customer (id bigint PRIMARY KEY, name text UNIQUE);
        INSERT INTO customer SELECT i, 'c' || i FROM generate_series(0, 4999) i;
        ANALYZE customer;
        """,
    )
    text = "SELECT o.id FROM customer c JOIN orders o ON o.customer_id = c.id WHERE c.name = 'c17'"
    for analyze in (True, False):
        found = findings(snapshot_of(orders, [text], settings=NO_WORKERS, analyze=analyze), "join-reads-whole-table")
        assert len(found) == 1
        assert "ON public.orders (customer_id)" in (found[0].remedy.sql or "")
    cure(orders, found[0])
    assert not findings(snapshot_of(orders, [text], settings=NO_WORKERS), "join-reads-whole-table")


def test_a_page_that_sorts_the_table(orders: str) -> None:
    text = "SELECT * FROM orders ORDER BY created_at DESC, id DESC LIMIT 20"
    found = findings(snapshot_of(orders, [text], settings=NO_WORKERS), "limit-sorts-many-rows")
    assert len(found) == 1
    assert "(created_at, id)" in (found[0].remedy.sql or "")
    cure(orders, found[0])
    assert not findings(snapshot_of(orders, [text], settings=NO_WORKERS), "limit-sorts-many-rows")


def test_a_sort_that_spills(orders: str) -> None:
    text = "SELECT * FROM orders ORDER BY email"
    found = findings(snapshot_of(orders, [text], settings=("SET work_mem = '1MB'", *NO_WORKERS)), "sort-spills")
    assert len(found) == 1
    assert found[0].rung is Rung.MEASURED
    enough = (found[0].remedy.sql or "").replace("SET LOCAL", "SET").rstrip(";")
    assert not findings(snapshot_of(orders, [text], settings=(enough, *NO_WORKERS)), "sort-spills")


def test_a_hash_that_spills(orders: str) -> None:
    text = "SELECT count(*) FROM orders a JOIN orders b ON a.email = b.email"
    off = ("SET enable_mergejoin = off", "SET enable_nestloop = off", *NO_WORKERS)
    found = findings(snapshot_of(orders, [text], settings=("SET work_mem = '1MB'", *off)), "hash-spills")
    assert len(found) == 1
    enough = (found[0].remedy.sql or "").replace("SET LOCAL", "SET").rstrip(";")
    assert not findings(snapshot_of(orders, [text], settings=(enough, *off)), "hash-spills")


def test_groups_that_spill(orders: str) -> None:
    text = "SELECT count(*) FROM (SELECT email, count(*) FROM orders GROUP BY email) AS each"
    off = ("SET enable_sort = off", *NO_WORKERS)
    found = findings(snapshot_of(orders, [text], settings=("SET work_mem = '1MB'", *off)), "hash-spills")
    assert len(found) == 1
    enough = (found[0].remedy.sql or "").replace("SET LOCAL", "SET").rstrip(";")
    assert not findings(snapshot_of(orders, [text], settings=(enough, *off)), "hash-spills")


def test_heap_fetches_go_with_a_vacuum(orders: str) -> None:
    execute(orders, "CREATE INDEX ON orders (customer_id, created_at); UPDATE orders SET email = 'x';")
    execute(orders, "ALTER TABLE orders SET (autovacuum_enabled = off)")
    execute(orders, "UPDATE orders SET email = 'y'")
    text = "SELECT created_at FROM orders WHERE customer_id < 500"
    off = ("SET enable_bitmapscan = off", "SET enable_seqscan = off", *NO_WORKERS)
    found = findings(snapshot_of(orders, [text], settings=off), "heap-fetches")
    assert len(found) == 1
    cure(orders, found[0])
    assert not findings(snapshot_of(orders, [text], settings=off), "heap-fetches")


def test_columns_that_depend_on_each_other_are_estimated_after_the_cure(database: str) -> None:
    execute(
        database,
        """
        CREATE TABLE address (id bigint PRIMARY KEY, city int, zip int, district int);
        INSERT INTO address SELECT i, i % 300, (i % 300) * 3, i % 300 + 5 FROM generate_series(1, 60000) i;
        CREATE TABLE person (id bigint PRIMARY KEY, address_id bigint);
        INSERT INTO person SELECT i, i % 60000 FROM generate_series(1, 60000) i;
        CREATE INDEX ON person (address_id);
        CREATE INDEX ON address (city);
        """,
    )
    execute(database, "VACUUM ANALYZE address; VACUUM ANALYZE person")
    text = (
        "SELECT count(*) FROM address a JOIN person p ON p.address_id = a.id "
        "WHERE a.city = 7 AND a.zip = 21 AND a.district = 12"
    )
    found = findings(snapshot_of(database, [text], settings=NO_WORKERS), "row-estimate-far-off")
    assert len(found) == 1
    assert "CREATE STATISTICS" in (found[0].remedy.sql or "")
    cure(database, found[0])
    assert not findings(snapshot_of(database, [text], settings=NO_WORKERS), "row-estimate-far-off")
    execute(database, found[0].remedy.undo or "")


def test_a_nested_loop_over_a_table_without_index(orders: str) -> None:
    execute(orders, "CREATE TABLE few AS SELECT generate_series(1, 400) AS id; ANALYZE few")
    text = "SELECT count(*) FROM few JOIN orders o ON o.customer_id = few.id"
    off = ("SET enable_hashjoin = off", "SET enable_mergejoin = off", *NO_WORKERS)
    found = findings(snapshot_of(orders, [text], settings=off), "nested-loop-over-many-rows")
    assert len(found) == 1
    cure(orders, found[0])
    assert not findings(snapshot_of(orders, [text], settings=off), "nested-loop-over-many-rows")


def test_a_subquery_for_each_row(orders: str) -> None:
    execute(orders, "CREATE INDEX ON orders (customer_id);")
    text = "SELECT id, (SELECT count(*) FROM orders b WHERE b.customer_id = a.id) FROM orders a"
    assert len(findings(snapshot_of(orders, [text], settings=NO_WORKERS), "subplan-per-row")) == 1
    grouped = ("SELECT a.id, coalesce(b.n, 0) FROM orders a LEFT JOIN "
               "(SELECT customer_id, count(*) AS n FROM orders GROUP BY 1) b ON b.customer_id = a.id")  # fmt: skip
    assert not findings(snapshot_of(orders, [grouped], settings=NO_WORKERS), "subplan-per-row")


def test_a_foreign_key_without_index(orders: str) -> None:
    execute(
        orders,
        """
        CREATE TABLE customer (id bigint PRIMARY KEY);
        INSERT INTO customer SELECT generate_series(0, 5100);
        ALTER TABLE orders ADD FOREIGN KEY (customer_id) REFERENCES customer;
        DELETE FROM customer WHERE id > 5050;
        """,
    )
    found = findings(snapshot_of(orders), "foreign-key-without-index")
    assert len(found) == 1
    cure(orders, found[0])
    assert not findings(snapshot_of(orders), "foreign-key-without-index")


def test_indexes_of_which_one_is_enough(orders: str) -> None:
    execute(
        orders,
        """
        CREATE INDEX one ON orders (customer_id, created_at);
        CREATE INDEX two ON orders USING btree (customer_id, created_at);
        CREATE INDEX short ON orders (customer_id);
        CREATE INDEX other_class ON orders (status text_pattern_ops);
        CREATE INDEX plain ON orders (status);
        CREATE INDEX partial ON orders (status) WHERE status = 'open';
        CREATE INDEX included ON orders (created_at) INCLUDE (email);
        CREATE UNIQUE INDEX strict ON orders (id, customer_id);
        CREATE INDEX again ON orders (id);
        """,
    )
    snapshot = snapshot_of(orders)
    assert {each.where.index for each in findings(snapshot, "duplicate-index")} == {"two", "again"}
    assert {each.where.index for each in findings(snapshot, "index-covered-by-another")} == {"short", "again"}
    for finding in findings(snapshot, "duplicate-index"):
        cure(orders, finding)
        execute(orders, finding.remedy.undo or "")
        cure(orders, finding)
    assert not findings(snapshot_of(orders), "duplicate-index")


def test_what_is_left_of_a_failed_build(orders: str) -> None:
    with pytest.raises(psycopg.errors.UniqueViolation):
        execute(orders, "CREATE UNIQUE INDEX CONCURRENTLY orders_customer_key ON orders (customer_id)")
    found = findings(snapshot_of(orders), "invalid-index")
    assert [each.where.index for each in found] == ["orders_customer_key"]
    execute(orders, "DELETE FROM orders WHERE id > 5000")
    cure(orders, found[0])
    assert not findings(snapshot_of(orders), "invalid-index")


def test_statistics_missing_and_made(database: str) -> None:
    execute(database, "CREATE TABLE note (id bigint PRIMARY KEY, body text) WITH (autovacuum_enabled = off);"
                      "INSERT INTO note SELECT i, 'x' FROM generate_series(1, 5000) i")  # fmt: skip
    found = counted(database, "statistics-missing")
    assert [each.where.table for each in found] == ["public.note"]
    cure(database, found[0])
    assert not findings(snapshot_of(database), "statistics-missing")


def test_an_index_that_nothing_scans(orders: str) -> None:
    execute(orders, "CREATE INDEX idle ON orders (email); CREATE INDEX busy ON orders (created_at);")
    execute(orders, "SET enable_seqscan = off; SELECT count(*) FROM orders WHERE created_at < '2026-01-03'")
    snapshot = snapshot_of(orders)
    assert not findings(snapshot, "unused-index"), "the counters are as young as the database"
    later = replace(snapshot, collected_at=snapshot.collected_at + timedelta(days=40))
    assert [each.where.index for each in findings(later, "unused-index")] == ["idle"]
    cure(orders, findings(later, "unused-index")[0])


def test_a_table_without_primary_key_gets_one(orders: str) -> None:
    execute(orders, "ALTER TABLE orders DROP CONSTRAINT orders_pkey; ALTER TABLE orders RENAME id TO nr;")
    found = findings(snapshot_of(orders), "table-without-primary-key")
    assert len(found) == 1
    assert found[0].severity.rank >= Severity.WARNING.rank
    cure(orders, found[0])
    assert not findings(snapshot_of(orders), "table-without-primary-key")


def counted(dsn: str, rule: str) -> list[Finding]:
    """What the rule finds once the counters have arrived: PostgreSQL 14 and older send them with a delay."""
    found: list[Finding] = []
    for _ in range(600):
        found = findings(snapshot_of(dsn), rule)
        if found:
            break
        time.sleep(0.1)
    return found
