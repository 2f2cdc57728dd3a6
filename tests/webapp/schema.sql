-- The shop's tables, with a label for every product and no index on it.
CREATE TABLE customer (id bigint PRIMARY KEY, name text NOT NULL);
CREATE TABLE orders (
    id bigint PRIMARY KEY,
    customer_id bigint NOT NULL REFERENCES customer (id),
    total integer NOT NULL
);
CREATE INDEX ON orders (customer_id);
CREATE TABLE product (id bigint PRIMARY KEY, sku text NOT NULL UNIQUE, label text NOT NULL);
INSERT INTO customer SELECT number, 'customer ' || number FROM generate_series(1, 2000) AS number;
INSERT INTO orders SELECT number, 1 + number * 7 % 2000, number % 97 FROM generate_series(1, 6000) AS number;
INSERT INTO product
SELECT number, 'sku' || number, 'label ' || number || repeat(' of a long name', 8) FROM generate_series(1, 60000) AS number;
ANALYZE;
