"""A small schema to read queries with."""

from pgadvisor.model.catalog import Column, Table, View
from pgadvisor.sql.query import Query
from pgadvisor.sql.reader import Schema, Unread, read_query

_TABLES = {
    "users": {
        "id": "bigint",
        "email": "character varying(255)",
        "name": "text",
        "active": "boolean",
        "created_at": "timestamp with time zone",
        "tags": "text[]",
        "data": "jsonb",
    },
    "orders": {
        "id": "bigint",
        "user_id": "bigint",
        "number": "integer",
        "status": "text",
        "total": "numeric(10,2)",
        "placed_at": "timestamp without time zone",
    },
    "items": {"order_id": "bigint", "sku": "character varying(40)", "amount": "integer"},
}

SCHEMA = Schema(
    tables=tuple(
        Table(schema="public", name=name, columns=tuple(Column(name=each, type=kind) for each, kind in columns.items()))
        for name, columns in _TABLES.items()
    ),
    views=(View(schema="public", name="open_orders", definition="SELECT …", columns=("id", "total")),),
)


def read(text: str, schema: Schema = SCHEMA) -> Query:
    """The Query of a text that must be understood."""
    found = read_query(text, schema)
    assert not isinstance(found, Unread), f"{found.reason}: {text}"
    return found
