-- What happened to the shop's tables since: VACUUM has been there once, but for a table that it forgot; then one was updated all over.

VACUUM (ANALYZE) categories, products, price_history, discounts, customers, orders, order_items, payments, shipments,
    reviews, sessions, events, search_log, coupons;

UPDATE sessions SET hits = hits + 1 WHERE id % 10 = 0;
