"""SQL without names and literals: what goes, what stays, and where its parts then stand."""

import re

import pytest

from pgadvisor.model.finding import Span
from pgadvisor.redaction.pseudonyms import Key, Kind, Pseudonyms
from pgadvisor.redaction.sql_text import redact_sql

KNOWN: dict[str, Kind] = {
    "orders": "table", "Order Details": "table", "id": "column", "name": "column", "type": "column",
    "timestamp": "column", "mood": "type",
}  # fmt: skip


def redacted(sql: str) -> tuple[str, dict[str, str]]:
    """The SQL with each pseudonym as `prefix:name`, which a person can read."""
    pseudonyms = Pseudonyms(Key(secret="ab" * 32))
    made = redact_sql(sql, pseudonyms, KNOWN).text
    names = pseudonyms.key.names
    read = re.sub(r"\b([a-z]+)_[0-9a-f]{6}(?![0-9a-f])", lambda found: f"{found[1]}:{names[found[0]]}", made)
    return re.sub(r"\b[19]\d{9}\b", "<number>", read), names


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT o.id, count(*) FROM orders o", "SELECT n:o.c:id, count(*) FROM t:orders n:o"),
        ('SELECT * FROM "Order Details"', "SELECT * FROM t:Order Details"),
        ("SELECT name, type FROM orders", "SELECT c:name, c:type FROM t:orders"),
        ("SELECT x::text, 'a'::mood, DATE '2024-01-01'", "SELECT c:x::text, 's:a'::ty:mood, DATE 's:2024-01-01'"),
        ('SELECT "select", s.select, 1 AS select FROM "select" s',
         "SELECT c:select, n:s.c:select, 1 AS c:select FROM c:select n:s"),
        ("SELECT ORDERS.ID FROM Orders", "SELECT t:orders.c:id FROM t:orders"),
        ("SELECT o.timestamp::timestamp FROM orders o", "SELECT n:o.c:timestamp::timestamp FROM t:orders n:o"),
        ("SELECT lower(a), discount(a)", "SELECT lower(c:a), f:discount(c:a)"),
        ("SELECT date_trunc('month', a), extract(epoch FROM b)",
         "SELECT date_trunc('month', c:a), extract(epoch FROM c:b)"),
        ("SELECT 1 WHERE a = 'it''s' OR a LIKE '%b%'", "SELECT 1 WHERE c:a = 's:it's' OR c:a LIKE '%s:b%'"),
        ("SELECT E'a\\'b', $$c$$, $x$d$x$, N'e'", "SELECT 's:a\\'b', 's:c', 's:d', N's:e'"),
        ("SELECT 1 WHERE a > 42 AND b = 4111111111111111", "SELECT 1 WHERE c:a > <number> AND c:b = <number>"),
        ("SELECT a FROM orders ORDER BY 2, 3 LIMIT 20 OFFSET 40",
         "SELECT c:a FROM t:orders ORDER BY 2, 3 LIMIT 20 OFFSET 40"),
        ("SELECT a::numeric(10, 2), CAST(b AS varchar(80))", "SELECT c:a::numeric(10, 2), CAST(c:b AS varchar(80))"),
        ("SELECT 1 -- about alice", "SELECT 1 -- …"),
        ("SELECT 1 /* about alice */ + 2", "SELECT 1 /* … */ + <number>"),
        ("SELECT 1 IN ($1 /*, ... */)", "SELECT 1 IN ($1 /*, ... */)"),
        ("SELECT 1 WHERE a = ANY(ARRAY[4711, 4712]) OR b = ARRAY[[4713], [4714]]",
         "SELECT 1 WHERE c:a = ANY(ARRAY[<number>, <number>]) OR c:b = ARRAY[[<number>], [<number>]]"),
        ("SELECT a[2], (b)[3][4]", "SELECT c:a[2], (c:b)[3][4]"),
        ("SET application_name = 'customer 42'", "SET application_name = 's:customer 42'"),
        ("SET default_transaction_isolation = 'read committed'",
         "SET default_transaction_isolation = 'read committed'"),
        ("SET statement_timeout TO '5 s'; SET seq_page_cost = '1.1'; SET jit = 'off'",
         "SET statement_timeout TO '5 s'; SET seq_page_cost = '1.1'; SET jit = 'off'"),
        ("SET LOCAL work_mem = '64MB';", "SET LOCAL work_mem = '64MB';"),
        ("ALTER TABLE orders SET (fillfactor = 90);", "ALTER TABLE t:orders SET (fillfactor = 90);"),
        ("REINDEX INDEX CONCURRENTLY public.orders_idx;", "REINDEX INDEX CONCURRENTLY public.ix:orders_idx;"),
        ("SELECT nextval('orders_id_seq'::regclass)", "SELECT nextval('n:orders_id_seq'::regclass)"),
        ("SELECT relname FROM pg_class WHERE relname = 'orders'",
         "SELECT relname FROM pg_class WHERE relname = 's:orders'"),
        ("GRANT pg_monitor TO auditor", "GRANT pg_monitor TO r:auditor"),
        ("SELECT * FROM clients WHERE mail = 'alice", "SELECT * FROM t:clients WHERE c:mail = 's:alice'"),
        ("(((type)::text = 'x'::text) AND (name = ?))", "(((c:type)::text = 's:x'::text) AND (c:name = ?))"),
        ("(NOT (hashed SubPlan 1))", "(NOT (hashed SubPlan 1))"),
        ("name DESC", "c:name DESC"),
        ("RANGE (day_of)", "RANGE (c:day_of)"),
        ("FOR VALUES FROM ('2024-01-01') TO (MAXVALUE)", "FOR VALUES FROM ('s:2024-01-01') TO (MAXVALUE)"),
        ("FOR VALUES WITH (modulus 4, remainder 2)", "FOR VALUES WITH (modulus 4, remainder 2)"),
        ("orders_12.id", "t:orders_12.c:id"),
        (
            "CREATE INDEX a_idx ON public.orders USING btree (lower(name) text_pattern_ops) INCLUDE (id)",
            "CREATE INDEX ix:a_idx ON public.t:orders USING btree (lower(c:name) text_pattern_ops) INCLUDE (c:id)",
        ),
        (
            "CREATE STATISTICS s_x (dependencies, mcv) ON id, name FROM orders",
            "CREATE STATISTICS st:s_x (dependencies, mcv) ON c:id, c:name FROM t:orders",
        ),
        (
            "INSERT INTO orders (id, name) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET name = excluded.name",
            "INSERT INTO t:orders (c:id, c:name) VALUES ($1, $2) ON CONFLICT (c:id) DO UPDATE"
            " SET c:name = excluded.c:name",
        ),
        (
            "FOREIGN KEY (owner) REFERENCES clients(id) ON DELETE CASCADE",
            "FOREIGN KEY (c:owner) REFERENCES t:clients(c:id) ON DELETE CASCADE",
        ),
    ],
)  # fmt: skip
def test_names_and_literals_go_and_the_rest_stays(sql: str, expected: str) -> None:
    assert redacted(sql)[0] == expected


def test_a_part_of_a_text_is_found_again() -> None:
    sql = "SELECT o.name FROM orders o WHERE lower(o.name) = 'alice' AND o.id = 7"
    part = "lower(o.name) = 'alice'"
    start = sql.index(part)
    found = redact_sql(sql, Pseudonyms(Key(secret="ab" * 32)), KNOWN)
    moved = found.moved(Span(start=start, end=start + len(part)))
    assert re.fullmatch(r"lower\(n_\w+\.c_\w+\) = 's_\w+'", found.text[moved.start : moved.end])
    inside = found.moved(Span(start=sql.index("lice"), end=sql.index("lice") + 2))
    assert re.fullmatch(r"'s_\w+'", found.text[inside.start : inside.end])  # half a literal is the whole


def test_texts_that_nobody_can_read_cost_little_and_tell_nothing() -> None:
    for text in ("SELECT '" + "secret " * 200_000, '"' + "n" * 1_000_000, "/* secret", "$a$ secret", "\0secret\ud800"):
        made = redact_sql(text, Pseudonyms(Key(secret="ab" * 32)), KNOWN).text
        assert "secret" not in made and "nnn" not in made and len(made) < 40
