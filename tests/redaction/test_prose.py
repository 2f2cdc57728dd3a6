"""Sentences: pgadvisor's own words stay, whatever was put into them goes."""

import re

import pytest

from pgadvisor.redaction.own_words import own_words
from pgadvisor.redaction.prose import Prose
from pgadvisor.redaction.pseudonyms import Key, Kind, Pseudonyms

KNOWN: dict[str, Kind] = {
    "orders": "table", "rows": "column", "time": "column", "status": "column", "orders_status_idx": "index",
    "Order Details": "table", "table": "table", "a": "name", "s": "name", "customer_invoices": "table",
    "name": "column",
}  # fmt: skip


def redacted(text: str) -> str:
    """The sentence with each pseudonym as `prefix:name`."""
    pseudonyms = Pseudonyms(Key(secret="ab" * 32))
    made = Prose(pseudonyms, KNOWN, {"shop.orders": "sch_000000.t_000000"}, frozenset(("sort-spills",))).redacted(text)
    names = pseudonyms.key.names
    return re.sub(r"\b([a-z]+)_[0-9a-f]{6}\b", lambda found: f"{found[1]}:{names.get(found[0], '')}", made)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("table orders has no primary key", "table t:orders has no primary key"),
        ("table table has no primary key", "table t:table has no primary key"),
        ("sequential scan on orders reads 2,000 rows and throws 10 of them away",
         "sequential scan on t:orders reads 2,000 rows and throws 10 of them away"),
        ("no valid index of orders serves (rows, time)", "no valid index of t:orders serves (c:rows, c:time)"),
        ("Name the columns that the caller uses.", "Name the columns that the caller uses."),
        ("index orders_status_idx of orders is a copy of x_idx",
         "index ix:orders_status_idx of t:orders is a copy of n:x_idx"),
        ("`status = 'open'` of Order Details", "`c:status = 's:open'` of t:Order Details"),
        ("Drop orders_status_idx.", "Drop ix:orders_status_idx."),
        ('pg_stat_statements is installed in "shop" but not loaded',
         'pg_stat_statements is installed in "n:shop" but not loaded'),
        ("UPDATE customer_invo…", "UPDATE n:customer_invo…"),
        ("shop.orders", "sch:.t:"),
        ("GRANT pg_monitor TO auditor", "GRANT pg_monitor TO n:auditor"),
        ("sort-spills did not run", "sort-spills did not run"),
        ("1 of 10 rows of orders kept, 100% of the statement's cost",
         "1 of 10 rows of t:orders kept, 100% of the statement's cost"),
        ("statement_timeout is 0: SET statement_timeout = '5s'",
         "statement_timeout is 0: SET statement_timeout = '5s'"),
    ],
)  # fmt: skip
def test_a_sentence(text: str, expected: str) -> None:
    assert redacted(text) == expected


def test_own_words_are_those_of_the_sources_and_not_of_their_examples() -> None:
    words = own_words()
    assert {"sequential", "scan", "throws", "concurrently"} <= words.words
    assert words.has_place("rows", "", "and") and not words.has_place("rows", "serves", ",")
    assert not words.has_place("orders", "of", "(")
