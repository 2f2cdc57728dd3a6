"""A shop whose workload has the forms that pg_stat_statements makes of constants, also those no grammar takes back."""

# ruff: noqa: E501 - statements stand on a line each

SCHEMA = """
CREATE TYPE order_status AS ENUM ('pending', 'paid', 'shipped', 'cancelled');
CREATE EXTENSION pg_stat_statements;
CREATE TABLE customers (id bigint PRIMARY KEY, email varchar(200) NOT NULL, name text, region text, created_at timestamptz NOT NULL, meta jsonb, tags text[], ref uuid);
CREATE TABLE products (id int PRIMARY KEY, sku text, price numeric(10,2), name text, active boolean);
CREATE TABLE orders (id bigint PRIMARY KEY, customer_id bigint REFERENCES customers, status order_status NOT NULL, total numeric(12,2), placed_at timestamptz NOT NULL, ship_on date, note text);
CREATE TABLE items (order_id bigint, line int, product_id int, qty int, price numeric(10,2), PRIMARY KEY (order_id, line));
CREATE TABLE events (at timestamptz NOT NULL, kind text, payload jsonb, device int) PARTITION BY RANGE (at);
CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2024-01-01') TO ('2024-04-01');
CREATE TABLE events_2 PARTITION OF events FOR VALUES FROM ('2024-04-01') TO ('2024-07-01');
CREATE TABLE events_3 PARTITION OF events FOR VALUES FROM ('2024-07-01') TO ('2025-01-01');
INSERT INTO customers SELECT i, 'user' || i || '@example.com', 'Name ' || i % 500, (ARRAY['eu','us','asia','africa'])[1 + (i * i) % 4], timestamptz '2023-01-01' + i * interval '1 hour', jsonb_build_object('tier', i % 3, 'k', 'v' || i % 10), ARRAY['t' || i % 7, 't' || i % 11], md5(i::text)::uuid FROM generate_series(1, 5000) i;
INSERT INTO products SELECT i, 'sku' || i, (i % 90) + 0.99, 'Product ' || i, i % 10 <> 0 FROM generate_series(1, 1000) i;
INSERT INTO orders SELECT i, 1 + (i * 7) % 5000, (CASE WHEN i % 50 = 0 THEN 'pending' WHEN i % 50 = 1 THEN 'cancelled' WHEN i % 3 = 0 THEN 'paid' ELSE 'shipped' END)::order_status, (i % 300) + 0.5, timestamptz '2024-01-01' + i * interval '10 minutes', date '2024-01-01' + i % 300, CASE WHEN i % 5 = 0 THEN 'note ' || i END FROM generate_series(1, 40000) i;
INSERT INTO items SELECT o, l, 1 + (o * l) % 1000, 1 + l, 9.99 FROM generate_series(1, 40000) o, generate_series(1, 2) l;
INSERT INTO events SELECT timestamptz '2024-01-01' + i * interval '12 minutes', 'k' || i % 5, '{}', i % 100 FROM generate_series(1, 40000) i;
CREATE INDEX ON orders (customer_id); CREATE INDEX ON orders (placed_at); CREATE INDEX ON orders (status);
CREATE INDEX ON customers (lower(email)); CREATE INDEX ON customers USING gin (tags); CREATE INDEX ON events (at);
ANALYZE;
"""

FORMS = (
    "SELECT * FROM orders WHERE id = 42",
    "SELECT * FROM orders WHERE customer_id = 42 ORDER BY placed_at DESC LIMIT 20",
    "SELECT id FROM orders WHERE status = 'pending' AND placed_at < now() - interval '1 day' ORDER BY placed_at LIMIT 10",
    "SELECT * FROM orders WHERE placed_at >= '2024-03-01' AND placed_at < '2024-03-08'",
    "SELECT count(*) FROM orders WHERE placed_at > current_date - 30",
    "SELECT date_trunc('day', placed_at), count(*), sum(total) FROM orders WHERE placed_at > '2024-05-01' GROUP BY date_trunc('day', placed_at) ORDER BY 1",
    "SELECT date_trunc('month', placed_at) AS m, sum(total) FROM orders GROUP BY date_trunc('month', placed_at) HAVING sum(total) > 1000 ORDER BY date_trunc('month', placed_at)",
    "SELECT extract(year FROM placed_at), count(*) FROM orders GROUP BY extract(year FROM placed_at)",
    "SELECT extract(hour FROM placed_at) AS h, count(*) FROM orders WHERE extract(dow FROM placed_at) = 3 GROUP BY 1",
    "SELECT id, total * 1.2 AS gross FROM orders WHERE total BETWEEN 10 AND 20 LIMIT 5",
    "SELECT 1 + 2",
    "SELECT generate_series(1, 10)",
    "SELECT g, count(o.id) FROM generate_series(1, 5) g LEFT JOIN orders o ON o.id = g GROUP BY g",
    "SELECT d::date, count(o.id) FROM generate_series(date '2024-01-01', date '2024-01-31', interval '1 day') d LEFT JOIN orders o ON o.ship_on = d::date GROUP BY 1",
    "SELECT * FROM orders WHERE id = ANY(ARRAY[1, 2, 3])",
    "SELECT * FROM orders WHERE id IN (1,2,3,4,5)",
    "SELECT * FROM customers WHERE email = 'user7@example.com'",
    "SELECT * FROM customers WHERE lower(email) = 'user7@example.com'",
    "SELECT * FROM customers WHERE email LIKE 'user12%'",
    "SELECT * FROM customers WHERE name ILIKE '%ame 3%' LIMIT 10",
    "SELECT * FROM customers WHERE name ~ '^Name 1'",
    "SELECT * FROM customers WHERE meta ->> 'tier' = '1'",
    "SELECT * FROM customers WHERE meta @> '{\"tier\": 2}'",
    "SELECT meta -> 'k' ->> 'x', count(*) FROM customers GROUP BY meta -> 'k' ->> 'x'",
    "SELECT * FROM customers WHERE tags @> ARRAY['t3']",
    "SELECT * FROM customers WHERE 't3' = ANY(tags)",
    "SELECT * FROM customers WHERE tags && '{t1,t2}'",
    "SELECT json_build_object('id', id, 'name', name) FROM customers WHERE id = 5",
    "SELECT jsonb_build_object('a', 1, 'b', array_agg(id)) FROM customers WHERE region = 'eu'",
    "SELECT json_agg(json_build_object('id', o.id, 'status', o.status)) FROM orders o WHERE o.customer_id = 7",
    "SELECT coalesce(note, 'none'), count(*) FROM orders GROUP BY coalesce(note, 'none') ORDER BY 2 DESC LIMIT 3",
    "SELECT CASE WHEN total > 100 THEN 'big' ELSE 'small' END AS size, count(*) FROM orders GROUP BY CASE WHEN total > 100 THEN 'big' ELSE 'small' END",
    "SELECT sum(CASE WHEN status = 'paid' THEN 1 ELSE 0 END) FROM orders",
    "SELECT count(*) FILTER (WHERE status = 'paid'), avg(total) FROM orders WHERE customer_id = 8",
    "SELECT o.*, c.name FROM orders o JOIN customers c ON c.id = o.customer_id WHERE c.region = 'eu' AND o.total > 250 ORDER BY o.placed_at DESC LIMIT 25 OFFSET 50",
    "SELECT c.id FROM customers c WHERE NOT EXISTS (SELECT 1 FROM orders o WHERE o.customer_id = c.id AND o.status = 'paid') LIMIT 5",
    "SELECT c.name, (SELECT max(total) FROM orders o WHERE o.customer_id = c.id) FROM customers c WHERE c.id < 20",
    "SELECT * FROM orders WHERE customer_id IN (SELECT id FROM customers WHERE region = 'us' AND created_at > '2023-06-01') LIMIT 100",
    "WITH recent AS (SELECT * FROM orders WHERE placed_at > now() - interval '400 days') SELECT customer_id, count(*) FROM recent GROUP BY 1 ORDER BY 2 DESC LIMIT 10",
    "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 100) SELECT sum(n) FROM t",
    "SELECT id, row_number() OVER (PARTITION BY customer_id ORDER BY placed_at) FROM orders WHERE customer_id = 12",
    "SELECT *, lag(total, 1, 0.0) OVER (ORDER BY id) FROM orders WHERE customer_id = 3",
    "SELECT DISTINCT status FROM orders WHERE customer_id = 5",
    "SELECT DISTINCT ON (customer_id) * FROM orders WHERE customer_id < 50 ORDER BY customer_id, placed_at DESC",
    "SELECT * FROM orders WHERE (placed_at, id) < ('2024-06-01', 20000) ORDER BY placed_at DESC, id DESC LIMIT 20",
    "SELECT * FROM orders WHERE status = 'paid' OR total > 299 LIMIT 20",
    "SELECT * FROM orders WHERE status <> 'cancelled' AND ship_on = date '2024-03-05'",
    "SELECT * FROM orders WHERE date(placed_at) = '2024-03-05'",
    "SELECT * FROM orders WHERE placed_at::date BETWEEN '2024-03-05' AND '2024-03-06'",
    "SELECT to_char(placed_at, 'YYYY-MM') AS month, count(*) FROM orders GROUP BY to_char(placed_at, 'YYYY-MM')",
    "SELECT * FROM orders o JOIN (VALUES (1,'a'),(2,'b')) AS v(id,label) ON v.id = o.id",
    "SELECT * FROM orders o JOIN unnest('{1,2,3}'::bigint[]) AS u(id) ON u.id = o.id",
    "SELECT 'order' AS kind, id FROM orders WHERE id = 1 UNION ALL SELECT 'item', order_id FROM items WHERE order_id = 1",
    "SELECT string_agg(name, ', ' ORDER BY name) FROM products WHERE active AND price < 5",
    "SELECT round(avg(price), 2), percentile_cont(0.5) WITHIN GROUP (ORDER BY price) FROM products",
    "SELECT substring(sku, 1, 3), length(name) FROM products WHERE id = 3",
    "SELECT concat(name, ' - ', sku) FROM products WHERE price >= 10.5 AND active = true",
    "SELECT * FROM events WHERE at >= '2024-05-01' AND at < '2024-05-02' AND kind = 'k1'",
    "SELECT kind, count(*) FROM events WHERE at > '2024-06-30' GROUP BY kind",
    "SELECT * FROM events WHERE device = 7 ORDER BY at DESC LIMIT 10",
    "SELECT * FROM customers WHERE ref = 'c4ca4238-a0b9-2382-0dcc-509a6f75849b'",
    "SELECT * FROM customers WHERE created_at AT TIME ZONE 'UTC' > '2023-05-05' LIMIT 3",
    "SELECT greatest(total, 10), least(total, 100), nullif(total, 0) FROM orders WHERE id = 9",
    "SELECT * FROM orders WHERE note IS NOT NULL AND note LIKE 'note 1%' ESCAPE '!'",
    "SELECT * FROM orders WHERE placed_at > now() - '500 days'::interval AND total > 10 + 20",
    "SELECT now() - interval '1 hour', timestamp '2024-01-01 00:00'",
    "SELECT array_agg(id) FROM (SELECT id FROM orders WHERE status = 'pending' ORDER BY id LIMIT 5) s",
    "SELECT avg(total)::numeric(10,2), count(*) * 100.0 / 40000 FROM orders WHERE status IN ('paid','shipped')",
    "SELECT * FROM orders TABLESAMPLE SYSTEM (1) WHERE total > 5 LIMIT 3",
    "SELECT * FROM orders FETCH FIRST 3 ROWS ONLY",
    "SELECT p.name, sum(i.qty) FROM items i JOIN products p ON p.id = i.product_id JOIN orders o ON o.id = i.order_id WHERE o.placed_at >= '2024-02-01' GROUP BY p.name ORDER BY 2 DESC LIMIT 10",
    "UPDATE orders SET note = 'x', total = total + 1 WHERE id = 77",
    "UPDATE orders o SET note = v.note FROM (VALUES (1, 'a'), (2, 'b')) AS v(id, note) WHERE o.id = v.id",
    "DELETE FROM items WHERE order_id = 39999 AND line = 2",
    "DELETE FROM orders WHERE placed_at < '2023-01-01' AND status = 'cancelled'",
    "INSERT INTO products (id, sku, price, name, active) VALUES (100001, 'a', 1.5, 'n', true)",
    "INSERT INTO products (id, sku) SELECT id + 200000, 'copy' FROM products WHERE id = 5 ON CONFLICT (id) DO NOTHING",
    "SELECT id FROM orders WHERE status = 'pending' ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED",
)
"""Run as they stand: what is tested is what pg_stat_statements makes of them."""
