"""The statements of the demo's workload that have a problem, each with the rules that must find it."""

from pgadvisor.demo.statement import ShopStatement

TEXT = (
    ShopStatement(
        name="shipment by tracking code",
        sql="SELECT order_id, carrier, shipped_at FROM shipments WHERE tracking_code = $1",
        calls=900,
        values=lambda draw: (f"TRK{draw.letters(14).upper()}",),
        rules=("scan-discards-most-rows", "statement-dominates-load"),
        route="/track",
    ),
    ShopStatement(
        name="whole products of a category",
        sql="SELECT * FROM products WHERE category_id = $1 ORDER BY name LIMIT 48",
        calls=200,
        values=lambda draw: (draw.category(),),
        rules=("select-star",),
        route="/api/categories/:id",
    ),
    ShopStatement(
        name="login in any spelling",
        sql="SELECT id, full_name FROM customers WHERE lower(email) = lower($1)",
        calls=40,
        values=lambda draw: (draw.email().upper(),),
        rules=("function-on-indexed-column",),
        also=("scan-discards-most-rows",),
        route="/login/app",
    ),
    ShopStatement(
        name="customer search",
        sql="SELECT id, full_name FROM customers WHERE full_name ILIKE '%' || $1 || '%' ORDER BY id LIMIT 20",
        calls=30,
        values=lambda draw: (draw.letters(3),),
        rules=("leading-wildcard",),
        also=("scan-discards-most-rows",),
        route="/admin/customers/search",
    ),
    ShopStatement(
        name="order by invoice number",
        sql="SELECT id, status FROM orders WHERE invoice_number = $1::numeric",
        calls=30,
        values=lambda draw: (900_000 + draw.order(),),
        rules=("implicit-cast",),
        route="/admin/invoices/:number",
    ),
    ShopStatement(
        name="customers who never wrote a review",
        sql="SELECT country, count(*) FROM customers WHERE id NOT IN (SELECT customer_id FROM reviews)"
        " GROUP BY country",
        calls=4,
        rules=("not-in-subquery",),
        route="/reports/silent-customers",
    ),
    ShopStatement(
        name="orders per customer, one by one",
        sql="SELECT c.country, avg((SELECT count(*) FROM orders AS o WHERE o.customer_id = c.id)) AS orders_each"
        " FROM customers AS c GROUP BY c.country",
        calls=6,
        rules=("correlated-subquery", "subplan-per-row"),
        route="/admin/countries",
    ),
    ShopStatement(
        name="newsletter's readers",
        sql="SELECT email, full_name FROM customers WHERE wants_newsletter ORDER BY id",
        calls=6,
        rules=("missing-limit",),
        route="/jobs/newsletter",
    ),
    ShopStatement(
        name="orders, page by page",
        sql="SELECT id, placed_at, total_cents FROM orders ORDER BY placed_at DESC, id DESC LIMIT $1 OFFSET $2",
        calls=20,
        values=lambda draw: (20, 20 * (1_000 + draw.up_to(1_500))),
        rules=("deep-offset",),
        route="/admin/orders/all",
    ),
    ShopStatement(
        name="was the product ever sold",
        sql="SELECT count(*) > 0 FROM order_items WHERE product_id = $1",
        calls=150,
        values=lambda draw: (draw.product(),),
        rules=("count-for-existence",),
        route="/admin/products/:id",
    ),
)

PLAN = (
    ShopStatement(
        name="longest time without a sale",
        sql="SELECT max(gap) FROM (SELECT sold_at - lag(sold_at) OVER (ORDER BY sold_at, id) AS gap FROM order_items)"
        " AS sales",
        calls=5,
        rules=("sort-spills",),
        route="/reports/quiet-hours",
    ),
    ShopStatement(
        name="best day of any product",
        sql="SELECT max(sold) FROM (SELECT product_id, date_trunc('day', sold_at) AS day, sum(quantity) AS sold"
        " FROM order_items GROUP BY product_id, date_trunc('day', sold_at)) AS days",
        calls=4,
        rules=("hash-spills",),
        route="/reports/best-day",
    ),
    ShopStatement(
        name="discounts granted",
        sql="SELECT sum(o.total_cents * coalesce(d.percent, 0) / 100) FROM orders AS o"
        " LEFT JOIN discounts AS d ON o.total_cents >= d.from_cents AND o.total_cents < d.below_cents",
        calls=4,
        rules=("nested-loop-over-many-rows",),
        route="/reports/discounts",
    ),
    ShopStatement(
        name="parcels of a hub by country",
        sql="SELECT c.country, count(*) FROM shipments AS s JOIN orders AS o ON o.id = s.order_id"
        " JOIN customers AS c ON c.id = o.customer_id"
        " WHERE s.hub = $1 AND s.region = $2 AND s.carrier = $3 GROUP BY c.country",
        calls=12,
        values=lambda draw: draw.hub(),
        rules=("row-estimate-far-off",),
        also=("missing-index",),
        route="/admin/hubs/:id",
    ),
    ShopStatement(
        name="sessions that live",
        sql="SELECT count(*) FROM sessions WHERE expires_at > now()",
        calls=20,
        rules=("heap-fetches",),
        route="/admin/live",
    ),
)

WORKLOAD = (
    ShopStatement(
        name="old events thrown away",
        sql="DELETE FROM events WHERE id IN"
        " (SELECT id FROM events WHERE occurred_at < $1 ORDER BY occurred_at LIMIT 2000)",
        calls=45,
        values=lambda draw: (draw.ago(30),),
        rules=("partition-candidate",),
        route="/jobs/retention",
    ),
)

FAULTY = (*TEXT, *PLAN, *WORKLOAD)
"""All of them."""
