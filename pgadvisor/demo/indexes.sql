-- Indexes of the demo's shop, made after the rows are in: sound ones first, then the ones that are there to be found.

CREATE INDEX products_category_id_name_idx ON products (category_id, name);
CREATE INDEX products_lower_sku_idx ON products (lower(sku));
CREATE INDEX stock_movements_product_id_idx ON stock_movements (product_id, moved_at);
CREATE INDEX customers_full_name_idx ON customers (full_name text_pattern_ops);
CREATE INDEX orders_customer_id_placed_at_idx ON orders (customer_id, placed_at);
CREATE INDEX orders_placed_at_id_idx ON orders (placed_at, id);
CREATE INDEX order_items_order_id_idx ON order_items (order_id);
CREATE INDEX order_items_product_id_idx ON order_items (product_id);
CREATE INDEX shipments_hub_idx ON shipments (hub);
CREATE INDEX reviews_product_id_written_at_idx ON reviews (product_id, written_at);
CREATE INDEX reviews_customer_id_idx ON reviews (customer_id);
CREATE INDEX sessions_customer_id_idx ON sessions (customer_id);
CREATE INDEX sessions_expires_at_idx ON sessions (expires_at);
CREATE INDEX events_occurred_at_idx ON events (occurred_at);

CREATE INDEX orders_placed_at_idx ON orders (placed_at, id);
CREATE INDEX reviews_product_id_idx ON reviews (product_id);
CREATE INDEX order_items_price_cents_idx ON order_items (price_cents);
