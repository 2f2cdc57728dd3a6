CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE SCHEMA "Back office";
CREATE TYPE state AS ENUM ('new', 'paid', 'it''s sent');
CREATE DOMAIN email AS text CHECK (VALUE LIKE '%@%');
CREATE TYPE place AS (street text, "Number" integer);
CREATE TABLE customers (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    email email NOT NULL,
    "Full name" varchar(200) COLLATE "C",
    lowered text GENERATED ALWAYS AS (lower("Full name")) STORED,
    home place,
    tags text[],
    seen timestamptz DEFAULT now()
);
CREATE UNIQUE INDEX customers_email ON customers (lower(email) text_pattern_ops);
CREATE INDEX customers_name ON customers ("Full name" COLLATE "POSIX" DESC NULLS LAST, id) INCLUDE (seen) WHERE seen IS NOT NULL;
CREATE INDEX customers_tags ON customers USING gin (tags);
CREATE INDEX customers_trgm ON customers USING gin (email gin_trgm_ops);
CREATE TABLE orders (
    id bigserial,
    customer_id bigint NOT NULL,
    state state NOT NULL DEFAULT 'new',
    total numeric(12, 2) CONSTRAINT positive CHECK (total >= 0),
    placed_at timestamptz NOT NULL,
    PRIMARY KEY (id, placed_at),
    CONSTRAINT orders_customer FOREIGN KEY (customer_id) REFERENCES customers ON DELETE SET NULL ON UPDATE CASCADE DEFERRABLE
) PARTITION BY RANGE (placed_at);
CREATE TABLE orders_2024 PARTITION OF orders FOR VALUES FROM ('2024-01-01 00:00:00+00') TO ('2025-01-01 00:00:00+00');
CREATE TABLE orders_2025 PARTITION OF orders FOR VALUES FROM ('2025-01-01 00:00:00+00') TO ('2026-01-01 00:00:00+00')
    PARTITION BY HASH (id);
CREATE TABLE orders_2025_0 PARTITION OF orders_2025 FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE orders_2025_1 PARTITION OF orders_2025 FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE INDEX orders_by_customer ON orders (customer_id);
CREATE TABLE shipments (
    id integer PRIMARY KEY,
    order_id bigint NOT NULL,
    placed_at timestamptz NOT NULL,
    FOREIGN KEY (order_id, placed_at) REFERENCES orders (id, placed_at)
) WITH (fillfactor = 80);
ALTER TABLE shipments REPLICA IDENTITY USING INDEX shipments_pkey;
CLUSTER shipments USING shipments_pkey;
CREATE TABLE "Back office"."Tricky ""name""" ("select" integer, "ünï" text, during int4range, EXCLUDE USING gist (during WITH &&));
CREATE TABLE parent (a integer, b integer);
CREATE TABLE child (c integer) INHERITS (parent);
CREATE UNLOGGED TABLE scratch (a integer);
CREATE TEMP TABLE passing (a integer PRIMARY KEY);
CREATE STATISTICS parent_both (ndistinct, dependencies, mcv) ON a, b FROM parent;
CREATE MATERIALIZED VIEW totals AS SELECT customer_id, sum(total) AS total FROM orders GROUP BY customer_id;
CREATE VIEW open_orders AS SELECT o.*, c.email FROM orders o JOIN customers c ON c.id = o.customer_id WHERE o.state <> 'paid';
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
CREATE TRIGGER customers_touch BEFORE UPDATE ON customers FOR EACH ROW EXECUTE FUNCTION touch();
ALTER TABLE customers DISABLE TRIGGER customers_touch;
ALTER TABLE parent ADD CONSTRAINT small CHECK (a < 100000) NOT VALID;
INSERT INTO customers (email, "Full name", tags, seen)
    SELECT 'user' || i || '@example.org', 'Name ' || i % 50, ARRAY['t' || i % 3, 'x'], '2024-06-01'::timestamptz + i * interval '1 hour'
    FROM generate_series(1, 2000) AS i;
INSERT INTO orders (customer_id, state, total, placed_at)
    SELECT i % 2000 + 1, (ARRAY['new', 'paid', 'it''s sent'])[1 + i % 3]::state, i, '2024-01-01'::timestamptz + i * interval '3 hours'
    FROM generate_series(1, 5000) AS i;
INSERT INTO parent SELECT i % 100, i % 10 FROM generate_series(1, 1000) AS i;
INSERT INTO child SELECT i, i, i FROM generate_series(1, 500) AS i;
