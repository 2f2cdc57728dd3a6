"""The sound statements of the demo's workload: the nearest innocent case of each problem among them."""

from pgadvisor.demo.statement import ShopStatement

LOOKUPS = (
    ShopStatement(
        name="customer by id",
        sql="SELECT id, email, full_name, country FROM customers WHERE id = $1",
        calls=700,
        values=lambda draw: (draw.customer(),),
        route="/account",
    ),
    ShopStatement(
        name="customer by e-mail",
        sql="SELECT id, full_name FROM customers WHERE email = $1",
        calls=400,
        values=lambda draw: (draw.email(),),
        route="/login",
    ),
    ShopStatement(
        name="customers by first letters",
        sql="SELECT id, full_name FROM customers WHERE full_name LIKE $1 ORDER BY full_name LIMIT 10",
        calls=60,
        values=lambda draw: (f"Ada {draw.letters(1).upper()}%",),
        route="/admin/customers/suggest",
    ),
    ShopStatement(
        name="product by id",
        sql="SELECT id, name, price_cents, stock FROM products WHERE id = $1",
        calls=900,
        values=lambda draw: (draw.product(),),
        route="/products/:id",
    ),
    ShopStatement(
        name="product by article number",
        sql="SELECT id, name, price_cents FROM products WHERE lower(sku) = lower($1)",
        calls=150,
        values=lambda draw: (f"sku-{draw.product():06}",),
        route="/products/by-sku",
    ),
    ShopStatement(
        name="session by token",
        sql="SELECT id, customer_id, expires_at FROM sessions WHERE token = md5($1)",
        calls=600,
        values=lambda draw: (f"session{draw.session()}",),
    ),
    ShopStatement(
        name="coupon by code",
        sql="SELECT id, percent, valid_until FROM coupons WHERE code = $1",
        calls=80,
        values=lambda draw: (f"SAVE{draw.up_to(1_000)}",),
        route="/cart/coupon",
    ),
    ShopStatement(
        name="has the customer ordered",
        sql="SELECT EXISTS (SELECT 1 FROM orders WHERE customer_id = $1)",
        calls=150,
        values=lambda draw: (draw.customer(),),
        route="/account",
    ),
)

PAGES = (
    ShopStatement(
        name="products of a category",
        sql="SELECT id, name, price_cents FROM products WHERE category_id = $1 ORDER BY name LIMIT 24",
        calls=300,
        values=lambda draw: (draw.category(),),
        route="/categories/:id",
    ),
    ShopStatement(
        name="orders of a customer",
        sql="SELECT id, status, total_cents, placed_at FROM orders WHERE customer_id = $1"
        " ORDER BY placed_at DESC LIMIT 10",
        calls=300,
        values=lambda draw: (draw.customer(),),
        route="/account/orders",
    ),
    ShopStatement(
        name="orders before a certain one",
        sql="SELECT id, placed_at, total_cents FROM orders WHERE (placed_at, id) < ($1, $2)"
        " ORDER BY placed_at DESC, id DESC LIMIT 20",
        calls=100,
        values=lambda draw: (draw.ago(draw.up_to(400)), draw.order()),
        route="/admin/orders",
    ),
    ShopStatement(
        name="items of an order",
        sql="SELECT i.quantity, i.price_cents, p.name FROM order_items AS i JOIN products AS p ON p.id = i.product_id"
        " WHERE i.order_id = $1",
        calls=300,
        values=lambda draw: (draw.order(),),
        route="/orders/:id",
    ),
    ShopStatement(
        name="newest reviews of a product",
        sql="SELECT rating, body, written_at FROM reviews WHERE product_id = $1 ORDER BY written_at DESC LIMIT 10",
        calls=200,
        values=lambda draw: (draw.product(),),
        route="/products/:id",
    ),
    ShopStatement(
        name="newest reviews of a customer",
        sql="SELECT product_id, rating, written_at FROM reviews WHERE customer_id = $1"
        " ORDER BY written_at DESC LIMIT 10",
        calls=60,
        values=lambda draw: (draw.customer(),),
        route="/account/reviews",
    ),
    ShopStatement(
        name="prices of a product",
        sql="SELECT valid_from, price_cents FROM price_history WHERE product_id = $1 ORDER BY valid_from",
        calls=80,
        values=lambda draw: (draw.product(),),
        route="/admin/products/:id",
    ),
    ShopStatement(
        name="stock movements of a product",
        sql="SELECT moved_at, delta, reason FROM stock_movements WHERE product_id = $1 ORDER BY moved_at DESC LIMIT 20",
        calls=40,
        values=lambda draw: (draw.up_to(200),),
        route="/admin/stock/:id",
    ),
)

REPORTS = (
    ShopStatement(
        name="customers without an order",
        sql="SELECT c.country, count(*) FROM customers AS c"
        " WHERE NOT EXISTS (SELECT 1 FROM orders AS o WHERE o.customer_id = c.id) GROUP BY c.country",
        calls=3,
        route="/reports/without-order",
    ),
    ShopStatement(
        name="orders per customer and country",
        sql="SELECT c.country, count(o.id), sum(o.total_cents) FROM customers AS c"
        " LEFT JOIN orders AS o ON o.customer_id = c.id GROUP BY c.country",
        calls=4,
        route="/reports/countries",
    ),
    ShopStatement(
        name="events of a day by kind",
        sql="SELECT kind, count(*) FROM events WHERE occurred_at >= $1 AND occurred_at < $2 GROUP BY kind",
        calls=40,
        values=lambda draw: draw.day(),
        route="/admin/events",
    ),
    ShopStatement(
        name="turnover by day",
        sql="SELECT date_trunc('day', placed_at) AS day, count(*), sum(total_cents) FROM orders WHERE placed_at >= $1"
        " GROUP BY date_trunc('day', placed_at) ORDER BY day",
        calls=12,
        values=lambda draw: (draw.ago(30),),
        route="/admin/turnover",
    ),
)

WRITES = (
    ShopStatement(
        name="event written",
        sql="INSERT INTO events (occurred_at, kind, session_token, payload) VALUES (now(), $1, md5($2), $3)",
        calls=1_200,
        values=lambda draw: ("view", f"session{draw.session()}", draw.letters(64)),
    ),
    ShopStatement(
        name="search written",
        sql="INSERT INTO search_log (searched_at, term, results) VALUES (now(), $1, $2)",
        calls=150,
        values=lambda draw: (draw.letters(6), draw.up_to(100)),
        route="/search",
    ),
    ShopStatement(
        name="order placed",
        sql="INSERT INTO orders (customer_id, invoice_number, status, total_cents, placed_at)"
        " VALUES ($1, $2, $3, $4, now()) RETURNING id",
        calls=100,
        values=lambda draw: (draw.customer(), draw.invoice(), "open", draw.up_to(50_000)),
        route="/checkout",
    ),
    ShopStatement(
        name="item added",
        sql="INSERT INTO order_items (order_id, product_id, quantity, price_cents, sold_at)"
        " VALUES ($1, $2, $3, $4, now())",
        calls=200,
        values=lambda draw: (draw.order(), draw.product(), 1, draw.up_to(20_000)),
        route="/checkout",
    ),
    ShopStatement(
        name="stock taken",
        sql="UPDATE products SET stock = stock - $1 WHERE id = $2",
        calls=200,
        values=lambda draw: (draw.up_to(3), draw.product()),
        route="/checkout",
    ),
    ShopStatement(
        name="session touched",
        sql="UPDATE sessions SET hits = hits + 1 WHERE id = $1",
        calls=300,
        values=lambda draw: (draw.session(),),
    ),
    ShopStatement(
        name="logged out everywhere",
        sql="DELETE FROM sessions WHERE customer_id = $1",
        calls=20,
        values=lambda draw: (draw.customer(),),
        route="/logout",
    ),
    ShopStatement(
        name="draft thrown away",
        sql="DELETE FROM orders WHERE id = $1",
        calls=60,
        values=lambda draw: (draw.draft(),),
        route="/orders/:id",
    ),
)

CLEAN = (*LOOKUPS, *PAGES, *REPORTS, *WRITES)
"""All of them."""
