"""Queries that are read once for two schemas, unless what their names mean is another."""

from pgadvisor.rule import table
from pgadvisor.sql.query import Query
from pgadvisor.sql.reader import read_query
from pgadvisor.sql.readings import Readings
from pgadvisor.sql.schema import Schema

TEXTS = (
    "SELECT * FROM orders o JOIN customer c USING (id) WHERE o.total::text = $1",
    "SELECT total FROM other.orders",
    "SELECT 1 FROM nowhere",
    "SELECT broken FROM WHERE",
    "VACUUM orders",
    "WITH a AS (SELECT id FROM customer) UPDATE orders SET total = 1 FROM a WHERE a.id = orders.id RETURNING *",
)
ORDERS, CUSTOMER = table("orders", columns={"total": "text"}), table("customer", columns={"name": "text"})
SCHEMAS = {
    "the same": Schema((ORDERS, CUSTOMER)),
    "a table more": Schema((ORDERS, CUSTOMER, table("more"))),
    "a column more": Schema((table("orders", columns={"total": "text", "note": "text"}), CUSTOMER)),
    "another type": Schema((table("orders", columns={"total": "numeric"}), CUSTOMER)),
    "a table that was not there": Schema((ORDERS, CUSTOMER, table("nowhere"))),
    "a table less": Schema((ORDERS,)),
    "another path": Schema((ORDERS, CUSTOMER), search_path=("other",)),
    "nothing known": Schema(),
}


def test_what_is_taken_over_is_what_reading_again_gives() -> None:
    for name, schema in SCHEMAS.items():
        readings = Readings()
        for text in TEXTS:
            readings.read(text, SCHEMAS["the same"], statement="1")
            for again in (schema, SCHEMAS["the same"]):
                found = readings.read(text, again, statement="2")
                assert found == read_query(text, again, statement="2"), (name, text)


def test_a_text_is_read_again_only_when_its_names_mean_something_else() -> None:
    readings = Readings()
    first = [readings.read(text, SCHEMAS["the same"]) for text in TEXTS]
    more = [readings.read(text, SCHEMAS["a table more"]) for text in TEXTS]
    assert all(one is other for one, other in zip(first, more, strict=True))
    other = readings.read(TEXTS[0], SCHEMAS["another type"])
    assert isinstance(other, Query) and other is not first[0] and other != first[0]
