CREATE INDEX CONCURRENTLY orders_id_total_idx ON orders (id, total);
