"""Tables and statements whose plans show what PostgreSQL's EXPLAIN can print."""

from typing import NamedTuple

SCHEMA = """
SET max_parallel_workers_per_gather = 2;
CREATE TABLE customer (id int PRIMARY KEY, name text NOT NULL, city text);
CREATE TABLE orders (id int PRIMARY KEY, customer_id int NOT NULL REFERENCES customer, status text, amount numeric,
    created_at timestamp NOT NULL);
CREATE TABLE "Odd Name" ("Key One" int, "b""c" text);
CREATE TABLE event (at date NOT NULL, kind int) PARTITION BY RANGE (at);
CREATE TABLE event_1 PARTITION OF event FOR VALUES FROM ('2025-01-01') TO ('2025-07-01');
CREATE TABLE event_2 PARTITION OF event FOR VALUES FROM ('2025-07-01') TO ('2026-01-01');
CREATE TABLE log (id int GENERATED ALWAYS AS IDENTITY, note text);
INSERT INTO customer SELECT i, 'name ' || i, 'city ' || i % 20 FROM generate_series(1, 500) i;
INSERT INTO orders SELECT i, i % 500 + 1, (ARRAY['new', 'open', 'done'])[i % 3 + 1], i, '2025-01-01'::date + i % 300
    FROM generate_series(1, 20000) i;
INSERT INTO event SELECT '2025-01-01'::date + i % 365, i % 7 FROM generate_series(1, 4000) i;
INSERT INTO "Odd Name" SELECT i, 'x' FROM generate_series(1, 100) i;
CREATE INDEX orders_customer_id_idx ON orders (customer_id);
CREATE INDEX orders_created_at_idx ON orders (created_at);
CREATE INDEX "odd idx" ON "Odd Name" ("Key One");
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN NEW; END$$;
CREATE TRIGGER "note it" BEFORE UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION note();
CREATE TRIGGER noted AFTER INSERT ON log FOR EACH ROW EXECUTE FUNCTION note();
ANALYZE;
"""


class Case(NamedTuple):
    """A statement with the settings that give it its plan."""

    name: str
    sql: str
    options: str = "COSTS"
    settings: str = ""

    @property
    def is_analyzed(self) -> bool:
        return "ANALYZE" in self.options

    @property
    def is_verbose(self) -> bool:
        return "VERBOSE" in self.options


FULL = "ANALYZE, BUFFERS, SETTINGS"
PARALLEL = (
    "parallel_setup_cost = 0; parallel_tuple_cost = 0; min_parallel_table_scan_size = 0; "
    "min_parallel_index_scan_size = 0; max_parallel_workers_per_gather = 2"
)
CASES = (
    Case("seq scan", "SELECT * FROM orders o WHERE status = 'open' AND amount > 10"),
    Case("costs off", "SELECT * FROM orders o WHERE status = 'open' ORDER BY amount, id DESC", "COSTS OFF"),
    Case("verbose", "SELECT o.id, c.name || ', x' FROM orders o JOIN customer c ON c.id = o.customer_id", "VERBOSE"),
    Case("analyzed", "SELECT * FROM orders WHERE customer_id = 7 ORDER BY created_at LIMIT 3", FULL),
    Case("timing off", "SELECT * FROM orders WHERE customer_id = 7", "ANALYZE, TIMING OFF"),
    Case("analyzed, costs off", "SELECT * FROM orders WHERE customer_id = 7", "ANALYZE, COSTS OFF, TIMING OFF"),
    Case("parallel", "SELECT status, count(*) FROM orders GROUP BY status ORDER BY 1", FULL, PARALLEL),
    Case("parallel sort, verbose", "SELECT * FROM orders ORDER BY amount", f"{FULL}, VERBOSE",
         f"{PARALLEL}; enable_incremental_sort = off; work_mem = '64kB'"),
    Case("parallel hash", "SELECT * FROM orders JOIN customer c ON c.id = customer_id", FULL,
         f"{PARALLEL}; enable_mergejoin = off; enable_nestloop = off"),
    Case("cte", "WITH c AS MATERIALIZED (SELECT * FROM customer) SELECT * FROM c a JOIN c b ON a.id = b.id", FULL),
    Case("recursive cte", "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 5) TABLE r", FULL),
    Case("initplan", "SELECT * FROM orders WHERE amount > (SELECT avg(amount) FROM orders)", FULL),
    Case("subplans", "SELECT id, (SELECT max(o.id) FROM orders o WHERE o.customer_id = c.id) FROM customer c "
         "WHERE id NOT IN (SELECT customer_id FROM orders WHERE status = 'new') AND id < 9", FULL),
    Case("partitions", "SELECT kind, count(*) FROM event GROUP BY kind", FULL),
    Case("pruned", "SELECT * FROM event WHERE at = (SELECT '2025-02-02'::date)", FULL),
    Case("removed", "EXECUTE by_day('2025-02-02')", FULL, "plan_cache_mode = force_generic_plan"),
    Case("memoize", "SELECT * FROM orders o JOIN customer c ON c.id = o.customer_id", FULL,
         "enable_hashjoin = off; enable_mergejoin = off"),
    Case("incremental sort", "SELECT * FROM orders ORDER BY created_at, amount LIMIT 500", FULL),
    Case("bitmaps", "SELECT * FROM orders WHERE customer_id = 5 OR (customer_id = 6 AND created_at < '2025-03-01')",
         FULL, "enable_seqscan = off; enable_indexscan = off"),
    Case("batches", "SELECT * FROM orders a JOIN orders b ON a.amount = b.amount", FULL,
         "work_mem = '64kB'; enable_mergejoin = off; enable_nestloop = off"),
    Case("spilled aggregate", "SELECT amount, count(*) FROM orders GROUP BY amount", FULL,
         "work_mem = '64kB'; enable_sort = off"),
    Case("grouping sets", "SELECT status, customer_id, count(*) FROM orders GROUP BY GROUPING SETS ((1), (2), ())",
         FULL, "enable_hashagg = off"),
    Case("merge join", "SELECT * FROM orders a LEFT JOIN customer c ON a.customer_id = c.id", FULL,
         "enable_hashjoin = off; enable_nestloop = off"),
    Case("anti join", "SELECT * FROM customer c WHERE NOT EXISTS (SELECT FROM orders o WHERE o.customer_id = c.id)",
         FULL),
    Case("insert", "WITH n AS (INSERT INTO log (note) SELECT name FROM customer RETURNING id) SELECT count(*) FROM n",
         f"{FULL}, WAL"),
    Case("upsert", "INSERT INTO customer VALUES (1, 'x', 'y'), (900, 'z', '') "
         "ON CONFLICT (id) DO UPDATE SET name = 'q' WHERE customer.id > 3", FULL),
    Case("update", "UPDATE orders o SET amount = 1 FROM customer c WHERE c.id = o.customer_id AND c.city = 'city 3'"),
    Case("trigger", "UPDATE orders SET amount = 1 WHERE id = 3", FULL),
    Case("update partitions", "UPDATE event SET kind = 3 WHERE kind = 4"),
    Case("delete", "DELETE FROM customer WHERE id = 777", f"{FULL}, VERBOSE"),
    Case("functions", "SELECT * FROM generate_series(1, 3) AS g(n), unnest(ARRAY[1, 2]) u WHERE g.n = u", FULL),
    Case("values", "SELECT * FROM (VALUES (1), (2)) AS v(a) WHERE a > 1", f"{FULL}, VERBOSE"),
    Case("odd names", 'SELECT * FROM "Odd Name" AS "o x" WHERE "Key One" = 3 ORDER BY "b""c"', FULL,
         "enable_seqscan = off; enable_bitmapscan = off"),
    Case("window and set operations", "SELECT id, rank() OVER (PARTITION BY status ORDER BY amount) FROM orders "
         "WHERE id < 50 EXCEPT ALL SELECT id, 1 FROM customer", FULL),
    Case("never", "SELECT * FROM orders WHERE false", FULL),
    Case("tid", "SELECT * FROM orders WHERE ctid = '(0,1)' FOR UPDATE", FULL),
    Case("index only", "SELECT customer_id FROM orders WHERE customer_id < 9 ORDER BY 1 DESC", FULL,
         "enable_seqscan = off; enable_bitmapscan = off"),
    Case("foreign keys", "INSERT INTO orders SELECT 90000 + i, 1, 'new', 1, now() FROM generate_series(1, 3) i", FULL),
    Case("jit", "SELECT sum(amount) FROM orders", FULL, "jit = on; jit_above_cost = 0"),
)  # fmt: skip
MODERN = (
    Case("serialized", "SELECT * FROM customer", "ANALYZE, BUFFERS, SERIALIZE, MEMORY"),
    Case("disabled", "SELECT * FROM customer", FULL, "enable_seqscan = off"),
    Case("materialized", "SELECT * FROM customer a, customer b WHERE a.id < b.id AND a.id < 9", FULL,
         "enable_indexscan = off; enable_bitmapscan = off"),
)  # fmt: skip
"""What PostgreSQL 18 alone prints."""
