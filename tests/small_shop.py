"""A small schema with a workload, for servers of every version, and what must be read of it."""

import time
from collections.abc import Iterable

import psycopg

from pgadvisor.collect.collector import collect
from pgadvisor.collect.plans import PlanOptions, collect_plans
from pgadvisor.collect.session import open_session
from pgadvisor.model.plan import StatementPlan
from pgadvisor.model.progress import no_progress
from pgadvisor.model.snapshot import Snapshot

# Every kind of object that has been there since PostgreSQL 13.
SCHEMA = """
CREATE EXTENSION pg_stat_statements;
CREATE TABLE customers (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    email text NOT NULL UNIQUE,
    email_lower text GENERATED ALWAYS AS (lower(email)) STORED,
    tags text[]
);
CREATE TABLE orders (
    id bigint PRIMARY KEY,
    customer_id bigint NOT NULL REFERENCES customers ON DELETE CASCADE,
    status text NOT NULL CHECK (status IN ('new', 'paid', 'sent')),
    created_at timestamptz NOT NULL
);
CREATE INDEX orders_new ON orders (created_at DESC) INCLUDE (customer_id) WHERE status = 'new';
CREATE INDEX customers_lower ON customers (lower(email) text_pattern_ops);
CREATE STATISTICS orders_both (dependencies) ON customer_id, status FROM orders;
CREATE TABLE events (id bigint, at date NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE events_2026 PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
CREATE INDEX events_at ON events (at);
CREATE VIEW open_orders AS SELECT * FROM orders WHERE status <> 'sent';
INSERT INTO customers (email, tags)
    SELECT 'person' || n || '@example.org', ARRAY['a', 'b'] FROM generate_series(1, 500) n;
INSERT INTO orders
    SELECT n, 1 + n % 500, (ARRAY['new', 'paid', 'sent'])[1 + n % 3], '2026-01-01'::timestamptz + n * interval '1 hour'
    FROM generate_series(1, 5000) n;
INSERT INTO events SELECT n, '2026-01-01'::date + n % 300 FROM generate_series(1, 1000) n;
"""
BY_CUSTOMER = "SELECT id, status FROM orders WHERE customer_id = 42"
NEWEST = "SELECT id FROM orders WHERE status = 'new' ORDER BY created_at DESC LIMIT 5"
CALLS = 3


def fill(dsn: str) -> None:
    """Makes the schema in an empty database and puts it to work."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(SCHEMA)
        connection.execute("VACUUM ANALYZE")
        connection.execute("SELECT pg_stat_statements_reset()")
        for _ in range(CALLS):
            connection.execute(BY_CUSTOMER)
            connection.execute(NEWEST)
    wait_for_counters(dsn)


def wait_for_counters(dsn: str) -> None:
    """Counters come late: a backend reports when it ends, and before PostgreSQL 15 a collector writes them at times."""
    counted = "SELECT idx_scan FROM pg_stat_user_indexes WHERE indexrelname = 'orders_new'"
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        with psycopg.connect(dsn, autocommit=True) as connection:
            if connection.execute(counted).fetchone() == (CALLS,):
                return
        time.sleep(0.1)


def read(dsn: str) -> Snapshot:
    """All that pgadvisor reads with that role: the catalog, the workload and the plans."""
    with open_session(dsn) as session:
        return collect_plans(session, collect(session), PlanOptions(top=10), no_progress)


def assert_read(snapshot: Snapshot, version_num: int) -> None:
    """Asserts that the snapshot holds what `fill` made, whatever the version."""
    assert snapshot.gaps == ()
    assert snapshot.server is not None
    assert snapshot.server.version_num == version_num
    assert any(setting.name == "random_page_cost" for setting in snapshot.settings)
    assert "pg_stat_statements" in {extension.name for extension in snapshot.extensions}
    assert {view.name for view in snapshot.views} >= {"open_orders"}
    assert_tables(snapshot)
    assert_workload(snapshot)


def assert_tables(snapshot: Snapshot) -> None:
    tables = {table.name: table for table in snapshot.tables}
    assert set(tables) == {"customers", "orders", "events", "events_2026"}
    customers, orders, events, partition = (tables[name] for name in ("customers", "orders", "events", "events_2026"))
    assert (customers.rows, orders.rows, partition.rows) == (500, 5000, 1000)
    assert orders.heap_bytes is not None and orders.heap_bytes >= 5000 * 40
    assert (events.kind, events.partition_key, partition.partition_of) == (
        "partitioned table",
        "RANGE (at)",
        "public.events",
    )

    columns = {column.name: column for column in customers.columns}
    assert columns["id"].is_identity and columns["email_lower"].is_generated and columns["email"].not_null
    status = orders.column("status")
    assert status is not None and status.statistics is not None
    assert status.statistics.n_distinct == 3
    assert set(status.statistics.most_common_values or ()) == {"new", "paid", "sent"}

    indexes = {index.name: index for table in tables.values() for index in table.indexes}
    newest = indexes["orders_new"]
    assert (newest.included, newest.keys[0].is_descending) == (("customer_id",), True)
    assert newest.predicate is not None and "'new'" in newest.predicate
    assert newest.scans is not None and newest.scans >= CALLS
    assert indexes["customers_lower"].keys[0].operator_class == "text_pattern_ops"
    assert indexes["orders_pkey"].is_primary and indexes["customers_email_key"].is_unique
    assert indexes["events_2026_at_idx"].partition_of is not None

    foreign = next(each for each in orders.constraints if each.kind == "foreign key")
    assert (foreign.columns, foreign.references, foreign.on_delete) == (("customer_id",), "public.customers", "cascade")
    (both,) = orders.extended_statistics
    assert (both.columns, both.kinds) == (("customer_id", "status"), ("dependencies",))
    assert orders.counters is not None and orders.counters.sequential_scans >= CALLS


def assert_workload(snapshot: Snapshot) -> None:
    statements = {statement.text: statement for statement in snapshot.statements}
    by_customer = statements["SELECT id, status FROM orders WHERE customer_id = $1"]
    assert by_customer.calls == CALLS
    assert by_customer.rows == CALLS * 10
    assert by_customer.total_ms is not None and by_customer.total_ms > 0
    assert not any("pgadvisor" in text or "pg_catalog" in text for text in statements), "our own are left out"

    plan = next(each for each in snapshot.plans if each.statement == by_customer.key)
    assert plan.plan is not None
    assert plan.kind == "analyzed", plan.reason
    assert "Seq Scan" in types_of([plan])
    assert any("Index" in each for each in types_of(snapshot.plans)), "the newest orders come from their index"


def types_of(plans: Iterable[StatementPlan]) -> set[str]:
    """The node types that the plans hold."""
    return {node.node_type for each in plans if each.plan is not None for node in each.plan.root.walk()}
