-- +goose NO TRANSACTION
-- +goose Up
CREATE INDEX CONCURRENTLY orders_total_idx ON orders (total);
ANALYZE orders;

-- +goose Down
DROP INDEX CONCURRENTLY orders_total_idx;
