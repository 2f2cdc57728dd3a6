-- Rows of the demo's shop: the same on every run but for the day they are counted from; few customers buy much, most buy little.

SELECT setseed(0.42);

INSERT INTO categories (name)
SELECT 'Category ' || n FROM generate_series(1, 40) AS n;

INSERT INTO products (category_id, sku, name, price_cents, stock, weight_grams, created_at, description)
SELECT
    1 + floor(40 * random() ^ 2),
    'SKU-' || lpad(n::text, 6, '0'),
    (ARRAY['Lamp', 'Chair', 'Table', 'Shelf', 'Clock', 'Mirror', 'Rug', 'Vase', 'Desk', 'Sofa'])[1 + n % 10] || ' no. ' || n,
    500 + floor(50000 * random() ^ 2),
    floor(200 * random()),
    100 + floor(20000 * random()),
    now() - interval '3 years' * random(),
    (SELECT string_agg(md5((n * 100 + part)::text), ' ') FROM generate_series(1, 60) AS part)
FROM generate_series(1, 4000) AS n;

INSERT INTO price_history (product_id, valid_from, price_cents)
SELECT p.id, now() - interval '1 day' * (1000 - 180 * step), p.price_cents + 100 * step
FROM products AS p, generate_series(0, 5) AS step;

INSERT INTO discounts (from_cents, below_cents, percent)
SELECT 2000 * n, 2000 * (n + 1), n FROM generate_series(0, 29) AS n;

INSERT INTO stock_movements (product_id, moved_at, delta, reason)
SELECT
    1 + n % 200,
    now() - interval '1 year' * random(),
    floor(100 * random()) - 50,
    (ARRAY['sale', 'sale', 'sale', 'delivery', 'correction'])[1 + n % 5]
FROM generate_series(1, 30000) AS n;

INSERT INTO customers (email, full_name, country, wants_newsletter, created_at)
SELECT
    'customer' || n || '@example.com',
    (ARRAY['Ada', 'Bela', 'Carl', 'Dora', 'Emil', 'Fay', 'Gus', 'Hana', 'Ivo', 'Jana'])[1 + floor(10 * random())]
        || ' ' || initcap(substr(md5(n::text), 1, 8)),
    (ARRAY['DE', 'FR', 'GB', 'ES', 'IT', 'PL', 'NL', 'SE'])[1 + floor(8 * random() ^ 2)],
    random() < 0.6,
    now() - interval '3 years' * random()
FROM generate_series(1, 40000) AS n;

INSERT INTO orders (customer_id, invoice_number, status, total_cents, placed_at)
SELECT
    1 + floor(40000 * random() ^ 3),
    900000 + n,
    CASE WHEN n > 59500 THEN 'draft' WHEN n % 8 = 0 THEN 'returned' ELSE 'delivered' END,
    500 + floor(50000 * random() ^ 2),
    now() - interval '10 minutes' * (60000 - n)
FROM generate_series(1, 60000) AS n;

INSERT INTO order_items (order_id, product_id, quantity, price_cents, sold_at)
SELECT o.id, 1 + floor(4000 * random() ^ 2), 1 + floor(3 * random() ^ 3), 500 + floor(50000 * random() ^ 2), o.placed_at
FROM orders AS o, generate_series(1, 1 + (o.id % 4)::integer) AS line WHERE o.status <> 'draft';

INSERT INTO payments (order_id, provider, amount_cents, paid_at)
SELECT o.id, (ARRAY['card', 'card', 'transfer'])[1 + o.id % 3], o.total_cents, o.placed_at + interval '5 minutes'
FROM orders AS o WHERE o.status <> 'draft';

-- A hub lies in one region and works with one carrier: who knows the hub knows all three.
INSERT INTO shipments (order_id, tracking_code, hub, region, carrier, shipped_at)
SELECT
    o.id,
    'TRK' || upper(substr(md5(o.id::text), 1, 14)),
    'Hub ' || hub,
    'Region ' || hub,
    'Carrier ' || hub,
    o.placed_at + interval '1 day'
FROM orders AS o, LATERAL (SELECT chr(65 + floor(16 * random() ^ 1.3 + 0 * o.id)::integer)) AS at (hub)
WHERE o.status <> 'draft';

-- A guest's review has no customer.
INSERT INTO reviews (product_id, customer_id, rating, body, written_at)
SELECT
    1 + floor(4000 * random() ^ 2),
    CASE WHEN n % 50 > 0 THEN 1 + floor(40000 * random() ^ 3) END,
    1 + floor(5 * random()),
    repeat(md5(n::text) || ' ', 4),
    now() - interval '2 years' * random()
FROM generate_series(1, 30000) AS n;

INSERT INTO sessions (token, customer_id, user_agent, hits, expires_at)
SELECT
    md5('session' || n),
    1 + floor(40000 * random() ^ 3),
    'Mozilla/5.0 (' || (ARRAY['Windows NT 10.0; Win64; x64', 'X11; Linux x86_64', 'Macintosh; Intel Mac OS X 10_15_7'])[1 + n % 3]
        || ') AppleWebKit/537.36 (KHTML, like Gecko) Chrome/' || 110 + n % 20 || '.0.0.0 Safari/537.36',
    floor(20 * random()),
    now() + interval '1 hour' * (1 + n % 600)
FROM generate_series(1, 60000) AS n;

INSERT INTO events (occurred_at, kind, session_token, payload)
SELECT
    now() - interval '75 seconds' * (130000 - n),
    (ARRAY['view', 'view', 'view', 'view', 'search', 'search', 'cart', 'checkout'])[1 + floor(8 * random())],
    md5('session' || 1 + floor(60000 * random() ^ 2)),
    repeat(md5(n::text), 2)
FROM generate_series(1, 130000) AS n;

INSERT INTO search_log (searched_at, term, results)
SELECT now() - interval '1 minute' * (20000 - n), substr(md5((n % 3000)::text), 1, 6), floor(100 * random())
FROM generate_series(1, 20000) AS n;

INSERT INTO coupons (code, percent, valid_until)
SELECT 'SAVE' || n % 1990, 5 + n % 30, now() + interval '90 days' * random()
FROM generate_series(1, 2000) AS n;
