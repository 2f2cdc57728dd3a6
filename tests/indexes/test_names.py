"""Names for new indexes: in the database's own way, valid, free."""

import pytest
from django.db.backends.utils import names_digest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from pgadvisor.candidates.candidate import Candidate
from pgadvisor.example import table
from pgadvisor.facts import Facts
from pgadvisor.indexes.names import IndexNames
from pgadvisor.model.catalog import Index, Sequence
from tests.migrations.make import expression, facts_on, key

COLUMNS = ("user_id", "status", "created_at")


def name_of(found: Facts, *columns: str, on: str = "public.orders", predicate: str | None = None) -> str:
    return names(found, wanted(*columns, on=on, predicate=predicate))[0]


def wanted(*columns: str, on: str = "public.orders", predicate: str | None = None) -> Candidate:
    schema, name = on.split(".")
    about = (predicate.split(" ")[0],) if predicate else ()
    keys = tuple(map(key, columns))
    return Candidate(schema=schema, table_name=name, keys=keys, predicate=predicate, predicate_columns=about)


def names(found: Facts, *indexes: Candidate) -> list[str]:
    given = IndexNames(found)
    return [given.of(each, each_table) for each in indexes if (each_table := found.table(each.table))]


@pytest.mark.parametrize(
    ("there", "expected"),
    [
        ({}, "orders_user_id_status_idx"),
        ({"orders_created_at_idx": "created_at"}, "orders_user_id_status_idx"),
        ({"orders_created_at_index": "created_at"}, "orders_user_id_status_index"),
        ({"index_orders_on_created_at": "created_at"}, "index_orders_on_user_id_and_status"),
        ({"index_orders_on_user_id_and_created_at": "user_id, created_at"}, "index_orders_on_user_id_and_status"),
        ({"idx_orders_created_at": "created_at"}, "idx_orders_user_id_status"),
        ({"ix_orders_created_at": "created_at"}, "ix_orders_user_id_status"),
        ({"IX_orders_created_at": "created_at"}, "IX_orders_user_id_status"),
        ({"IDX_3f2a9c8b7d6e5f4a3b2c1d0e9f": "created_at"}, "IDX_orders_user_id_status"),
        ({"orders_idx_created_at": "created_at"}, "orders_idx_user_id_status"),
        ({"orders__created_at": "created_at"}, "orders__user_id_status"),
        ({"idx_created_at": "created_at"}, "idx_user_id_status"),
        ({"idx_open_orders": "created_at"}, "idx_orders_user_id_status"),
        ({"orders_newest_first_idx": "created_at DESC"}, "orders_user_id_status_idx"),
        ({"newest": "created_at"}, "orders_user_id_status_idx"),
        ({"orders_created_at_active": "created_at"}, "orders_user_id_status_idx"),
    ],
)
def test_the_table_s_own_names_are_followed(there: dict[str, str], expected: str) -> None:
    assert name_of(facts_on(table("orders", indexes=there)), "user_id", "status") == expected


def test_a_table_without_indexes_follows_its_schema_and_then_all() -> None:
    rails = table("users", indexes={"index_users_on_status": "status"})
    plain = table("bills", indexes={"bills_status_idx": "status", "bills_created_at_idx": "created_at"})
    elsewhere = replace(plain, schema="billing")
    assert name_of(facts_on(table("orders"), rails, elsewhere), "user_id") == "index_orders_on_user_id"
    assert name_of(facts_on(table("orders"), elsewhere), "user_id") == "orders_user_id_idx"
    mixed = table("orders", indexes={"ix_orders_status": "status"})
    assert name_of(facts_on(mixed, rails, plain), "user_id") == "ix_orders_user_id"


def test_names_that_nobody_chose_do_not_count() -> None:
    """Constraints name their indexes, and PostgreSQL those of partitions."""
    own = Index(schema="public", name="idx_events_1_user_id", definition="", partition_of="public.x")
    partition = replace(table("events_1", partition_of="public.events"), indexes=(own,) * 3)
    unique = table("users", indexes={"users_status_index": "status"})
    constrained = replace(unique, indexes=tuple(replace(each, constraint=each.name) for each in unique.indexes))
    assert name_of(facts_on(table("orders"), partition, constrained), "user_id") == "orders_user_id_idx"


@pytest.mark.parametrize("there", ["app_orders_user_id_1a2b3c4d", "app_orders_user_id_1a2b3c4d_like", "a_b_1a2b3c_idx"])
def test_django_s_names_are_those_of_meta_indexes(there: str) -> None:
    found = facts_on(table("app_orders_long_name", indexes={there: "user_id"}))
    digest = names_digest("app_orders_long_name", "created_at", "-status", "idx", length=6)
    index = Candidate(
        schema="public", table_name="app_orders_long_name", keys=(key("created_at"), key("status", descending=True))
    )
    assert names(found, index) == [f"app_orders__created_{digest}_idx"]
    assert len(names(found, index)[0]) <= 30


def test_several_at_once_get_different_names() -> None:
    found = facts_on(table("orders", indexes={"orders_user_id_idx": "user_id"}))
    indexes = [
        wanted("user_id", predicate="status = 'a'"),
        wanted("user_id", predicate="status = 'b'"),
        wanted("user_id", predicate="created_at > 'x'"),
        wanted("status", predicate="status = 'b'"),
        wanted("status"),
        wanted("user_id", predicate="status = 'a'"),
    ]
    assert names(found, *indexes) == [
        "orders_user_id_where_status_idx",
        "orders_user_id_idx1",
        "orders_user_id_where_created_at_idx",
        "orders_status_idx",
        "orders_status_idx1",
        "orders_user_id_where_status_idx",
    ]
    rails = facts_on(table("orders", indexes={"index_orders_on_user_id": "user_id"}))
    assert name_of(rails, "user_id") == "index_orders_on_user_id_1"


def test_relations_of_every_kind_take_names() -> None:
    sequence = Sequence(schema="public", name="orders_user_id_idx", type="bigint")
    other = Sequence(schema="other", name="orders_status_idx", type="bigint")
    found = facts_on(table("orders"), table("orders_user_id_idx1"), sequences=(sequence, other))
    assert name_of(found, "user_id") == "orders_user_id_idx2"
    assert name_of(found, "status") == "orders_status_idx"


def test_a_long_name_keeps_a_part_of_both() -> None:
    found = facts_on(table("größe" * 20))
    name = names(found, Candidate(schema="public", table_name="größe" * 20, keys=(key("spalte" * 20), key("b"))))[0]
    assert len(name.encode()) in (62, 63)
    assert name.startswith("größegröße") and "_spaltespalte" in name and name.endswith("_idx")


TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), min_size=1, max_size=63)
STYLES = st.sampled_from(["", "idx_{t}_x", "index_{t}_on_x", "{t}_x_index", "a_x_0a1b2c3d"])


@settings(deadline=None)
@given(TEXTS, st.lists(st.tuples(TEXTS, st.booleans()), min_size=1, max_size=5), STYLES)
def test_every_name_is_short_enough_and_given_once(name: str, columns: list[tuple[str, bool]], style: str) -> None:
    there = Index(schema="public", name=style.replace("{t}", name) or "x", definition="")
    found = facts_on(replace(table("x"), name=name, indexes=(there,)))
    keys = tuple(key(column) if plain else expression(f"({column})", column) for column, plain in columns)
    indexes = [
        Candidate(schema="public", table_name=name, keys=keys, predicate=each, predicate_columns=("x",) if each else ())
        for each in (None, "x = 1", "x = 2", "x = 3")
    ]
    got = names(found, *indexes)
    assert len({*got, name, there.name}) == 6
    assert all(0 < len(each.encode()) <= 63 for each in got)
