"""All that is read of a database, as the superuser and as a role that may only read."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from pgadvisor.collect.collector import collect
from pgadvisor.collect.session import open_session
from pgadvisor.model.catalog import Constraint, Index, Table
from pgadvisor.model.snapshot import Snapshot
from tests.collect.fix_collect import collected, execute, only_gap, timeless
from tests.fix_servers import Server, create_database, drop_database, drop_reader, make_reader

SHOP = (Path(__file__).parent / "shop.sql").read_text("utf-8")


@dataclass(frozen=True)
class Shop:
    """The shop on a server, and what both roles found of it."""

    dsn: str
    superuser: Snapshot
    reader: Snapshot

    def table(self, name: str) -> Table:
        return next(table for table in self.superuser.tables if table.name == name)

    def index(self, name: str) -> Index:
        return next(index for table in self.superuser.tables for index in table.indexes if index.name == name)

    def constraint(self, table: str, name: str) -> Constraint:
        return next(each for each in self.table(table).constraints if each.name == name)


@pytest.fixture(scope="module")
def shop(either: Server) -> Iterator[Shop]:
    dsn = create_database(either, "shop")
    execute(dsn, SHOP, "CREATE EXTENSION pg_stat_statements", "VACUUM ANALYZE")
    reading = make_reader(dsn)
    yield Shop(dsn, collected(dsn), collected(reading))
    drop_reader(dsn, reading)
    drop_database(either, dsn)


def test_the_two_grants_show_all_that_a_superuser_sees(shop: Shop) -> None:
    assert shop.superuser.gaps == shop.reader.gaps == ()
    assert timeless(shop.reader.tables) == timeless(shop.superuser.tables)
    assert shop.reader.views == shop.superuser.views
    assert shop.reader.sequences == shop.superuser.sequences
    assert {each.name for each in shop.reader.settings} == {each.name for each in shop.superuser.settings}


def test_server_and_settings(shop: Shop, either: Server) -> None:
    server = shop.superuser.server
    assert server is not None
    assert server.version_num == either.version_num and server.version.startswith(str(either.version_num // 10_000))
    assert server.database.startswith("shop") and server.size_bytes is not None and server.size_bytes > 1_000_000
    assert server.started_at is not None and server.started_at < shop.superuser.collected_at
    assert abs((datetime.now(UTC) - shop.superuser.collected_at).total_seconds()) < 600
    settings = {setting.name: setting for setting in shop.superuser.settings}
    assert (
        settings["work_mem"].value == "4096" and settings["work_mem"].unit == "kB" and settings["work_mem"].is_default
    )
    assert settings["statement_timeout"].value == "0", "the database's, not the session's"
    assert settings["search_path"].value == '"$user", public'
    assert settings["lc_collate"].value == "C"
    assert settings["shared_preload_libraries"].value == "pg_stat_statements"
    assert {each.name for each in shop.superuser.extensions} == {"plpgsql", "pg_trgm", "pg_stat_statements"}
    assert shop.superuser.search_path == ("public",)


def test_every_table_of_users_and_no_other(shop: Shop) -> None:
    kinds = {table.qualified: table.kind for table in shop.superuser.tables}
    assert kinds == {
        'Back office.Tricky "name"': "table",
        "public.child": "table",
        "public.customers": "table",
        "public.orders": "partitioned table",
        "public.orders_2024": "table",
        "public.orders_2025": "partitioned table",
        "public.orders_2025_0": "table",
        "public.orders_2025_1": "table",
        "public.parent": "table",
        "public.scratch": "table",
        "public.shipments": "table",
        "public.totals": "materialized view",
    }
    assert [table.qualified for table in shop.superuser.tables] == sorted(kinds)
    assert shop.table("scratch").is_unlogged and shop.table("shipments").options == ("fillfactor=80",)


def test_columns(shop: Shop) -> None:
    columns = {column.name: column for column in shop.table("customers").columns}
    assert list(columns) == ["id", "email", "Full name", "lowered", "home", "tags", "seen"]
    assert {name: column.type for name, column in columns.items()} == {
        "id": "bigint",
        "email": "email",
        "Full name": "character varying(200)",
        "lowered": "text",
        "home": "place",
        "tags": "text[]",
        "seen": "timestamp with time zone",
    }
    assert columns["id"].is_identity and columns["id"].not_null and columns["lowered"].is_generated
    assert columns["Full name"].collation == "C" and columns["email"].collation is None
    assert columns["seen"].default == "now()"
    state = shop.table("orders").column("state")
    assert state is not None and state.default == "'new'::public.state"


def test_indexes(shop: Shop) -> None:
    name = shop.index("customers_name")
    assert [(key.text, key.column, key.is_descending, key.is_nulls_first, key.collation) for key in name.keys] == [
        ('"Full name"', "Full name", True, False, "POSIX"),
        ("id", "id", False, False, None),
    ]
    assert name.included == ("seen",) and name.predicate == "seen IS NOT NULL" and not name.is_unique
    assert name.definition.startswith("CREATE INDEX customers_name ON public.customers USING btree (")
    email = shop.index("customers_email")
    assert [(key.text, key.column, key.operator_class) for key in email.keys] == [
        ("lower(email::text)", None, "text_pattern_ops")
    ]
    assert email.is_unique and not email.is_primary and email.constraint is None and email.is_valid
    assert email.keys[0].statistics is not None and email.keys[0].statistics.n_distinct == -1
    assert shop.index("customers_trgm").keys[0].operator_class == "gin_trgm_ops"
    assert (shop.index("customers_tags").method, shop.index("customers_tags").keys[0].operator_class) == ("gin", None)
    primary = shop.index("shipments_pkey")
    assert primary.is_primary and primary.is_unique and primary.is_replica_identity and primary.is_clustered
    assert primary.constraint == "shipments_pkey" and primary.size_bytes == 8192 and primary.scans is not None
    assert shop.index("customers_pkey").rows == 2000
    assert any(index.is_exclusion and index.method == "gist" for index in shop.table('Tricky "name"').indexes)
    assert shop.index("orders_2024_customer_id_idx").partition_of == "public.orders_by_customer"


def test_constraints(shop: Shop) -> None:
    foreign = shop.constraint("orders", "orders_customer")
    assert (foreign.kind, foreign.columns, foreign.references, foreign.referenced_columns) == (
        "foreign key",
        ("customer_id",),
        "public.customers",
        ("id",),
    )
    assert (foreign.on_delete, foreign.on_update, foreign.is_deferrable) == ("set null", "cascade", True)
    assert [each.kind for each in shop.table("shipments").constraints] == ["foreign key", "primary key"]
    assert shop.constraint("shipments", "shipments_order_id_placed_at_fkey").referenced_columns == ("id", "placed_at")
    primary = shop.table("orders").primary_key
    assert primary is not None and primary.columns == ("id", "placed_at")
    assert primary.references is None and primary.on_delete is None
    assert shop.constraint("orders", "positive").definition == "CHECK ((total >= (0)::numeric))"
    assert not shop.constraint("parent", "small").is_validated
    assert shop.constraint('Tricky "name"', 'Tricky "name"_during_excl').kind == "exclusion"


def test_partitions_and_inheritance(shop: Shop) -> None:
    orders, leaf = shop.table("orders"), shop.table("orders_2025_1")
    assert orders.partition_key == "RANGE (placed_at)" and orders.partition_of is None
    assert (leaf.partition_of, leaf.partition_bound) == (
        "public.orders_2025",
        "FOR VALUES WITH (modulus 2, remainder 1)",
    )
    leaves = [shop.table(name) for name in ("orders_2024", "orders_2025_0", "orders_2025_1")]
    assert orders.rows == sum(each.rows or 0 for each in leaves) == 5000
    assert orders.heap_bytes == sum(each.heap_bytes or 0 for each in leaves) and orders.pages == 0
    customer = orders.column("customer_id")
    assert customer is not None and customer.statistics is not None, "of the table with all its partitions"
    assert shop.table("child").inherits == ("public.parent",) and shop.table("child").partition_of is None
    own = shop.table("parent").column("a")
    assert own is not None and own.statistics is not None and own.statistics.n_distinct == 100, "without its children"


def test_sizes_and_counters(shop: Shop) -> None:
    customers = shop.table("customers")
    assert customers.rows == 2000 and customers.heap_bytes == customers.pages * 8192 > 0
    # With the free space maps of the GIN indexes.
    assert (customers.index_bytes or 0) >= sum(index.size_bytes or 0 for index in customers.indexes) > 0
    assert customers.total_bytes is not None and customers.index_bytes is not None
    assert customers.total_bytes >= customers.heap_bytes + customers.index_bytes
    assert 0 <= customers.all_visible_pages <= customers.pages
    assert customers.counters is not None and customers.counters.rows_inserted == 2000
    assert customers.counters.last_vacuum_at is not None and customers.counters.last_analyze_at is not None


def test_statistics(shop: Shop) -> None:
    name, tags = shop.table("customers").column("Full name"), shop.table("customers").column("tags")
    assert name is not None and name.statistics is not None and tags is not None and tags.statistics is not None
    assert name.statistics.n_distinct == 50 and name.statistics.most_common_frequencies[0] == 0.02
    assert name.statistics.most_common_values is not None and "Name 7" in name.statistics.most_common_values
    assert set(tags.statistics.most_common_values or ()) == {"{t0,x}", "{t1,x}", "{t2,x}"}
    assert set(tags.statistics.common_elements or ()) == {"t0", "t1", "t2", "x"}
    assert tags.statistics.element_count_histogram[-1] == 2
    state = shop.table("orders_2024").column("state")
    assert state is not None and state.statistics is not None
    assert set(state.statistics.most_common_values or ()) == {"new", "paid", "it's sent"}
    extended = shop.table("parent").extended_statistics
    assert [(each.name, each.columns, set(each.kinds)) for each in extended] == [
        ("parent_both", ("a", "b"), {"ndistinct", "dependencies", "mcv"})
    ]


def test_everything_else(shop: Shop) -> None:
    (view,) = (view for view in shop.superuser.views if view.name == "open_orders")
    assert view.columns[-1] == "email" and "public.customers" in view.definition
    (trigger,) = shop.table("customers").triggers
    assert trigger.name == "customers_touch" and not trigger.is_enabled and "FOR EACH ROW" in trigger.definition
    types = {each.name: each for each in shop.superuser.types}
    assert types["state"].labels == ("new", "paid", "it's sent") and types["email"].base == "text"
    assert types["place"].fields == ("street text", '"Number" integer')
    sequences = {each.name: each for each in shop.superuser.sequences}
    assert sequences["orders_id_seq"].owned_by == "public.orders.id" and sequences["orders_id_seq"].last_value == 5000
    assert sequences["customers_id_seq"].owned_by == "public.customers.id"
    assert shop.superuser.replicas == ()


def test_values_are_left_on_the_server_when_not_wanted(shop: Shop) -> None:
    with open_session(shop.dsn) as session:
        bare = collect(session, keep_values=False)
    assert not bare.keeps_values
    held = [column.statistics for table in bare.tables for column in table.columns if column.statistics]
    assert held and all(
        each.most_common_values is None and each.histogram_bounds is None and each.common_elements is None
        for each in held
    )


def test_progress_comes_to_its_end(shop: Shop) -> None:
    told: list[tuple[str, int, int]] = []
    with open_session(shop.dsn) as session:
        collect(session, progress=lambda stage, done, total: told.append((stage, done, total)))
    assert [done for _, done, _ in told] == list(range(told[-1][2] + 1))
    assert told[-1][1] == told[-1][2]


def test_few_round_trips_whatever_the_number_of_tables(shop: Shop) -> None:
    seen: list[str] = []
    collected(shop.dsn, on_sql=seen.append)
    assert len(seen) < 150


def test_types_off_the_search_path_keep_their_schema(empty: str) -> None:
    execute(
        empty, 'CREATE SCHEMA "Off"', 'CREATE TYPE "Off"."Mood" AS ENUM (\'good\')', 'CREATE TYPE "Mood" AS ENUM ()'
    )
    execute(empty, 'CREATE TABLE t (a "Off"."Mood", b "Mood"[])')
    (table,) = collected(empty).tables
    assert [column.type for column in table.columns] == ['"Off"."Mood"', '"Mood"[]']


def test_search_paths_of_the_database_and_of_roles_count(either: Server, empty: str) -> None:
    name = psycopg.conninfo.conninfo_to_dict(empty)["dbname"]
    execute(
        empty,
        'CREATE SCHEMA shop; CREATE SCHEMA "Odd, name"; CREATE SCHEMA pathless',
        f'ALTER ROLE postgres IN DATABASE "{name}" SET search_path = shop, "Odd, name", missing, public',
    )
    assert collected(empty).search_path == ("shop", "Odd, name", "public")


def test_an_empty_database_is_read_without_gaps_but_for_the_workload(empty: str) -> None:
    snapshot = collected(empty)
    assert (snapshot.tables, snapshot.views, snapshot.sequences, snapshot.types) == ((), (), (), ())
    assert "not installed" in only_gap(snapshot, "statements").reason
    assert len(snapshot.gaps) == 1 and snapshot.totals is None


def test_a_table_never_analyzed_has_no_known_number_of_rows(empty: str) -> None:
    execute(empty, "CREATE TABLE fresh (a integer); ALTER TABLE fresh SET (autovacuum_enabled = off)")
    execute(empty, "INSERT INTO fresh SELECT generate_series(1, 1000)")
    (table,) = collected(empty).tables
    assert table.rows is None and table.pages == 0 and table.heap_bytes == 5 * 8192
    assert not table.hidden_statistics and table.columns[0].statistics is None


@pytest.mark.pg(">= 18")
def test_not_null_that_was_not_validated_is_no_not_null(database: str) -> None:
    execute(
        database,
        "CREATE TABLE t (a integer, b integer NOT NULL)",
        "ALTER TABLE t ADD CONSTRAINT later NOT NULL a NOT VALID",
    )
    (table,) = collected(database).tables
    assert [column.not_null for column in table.columns] == [False, True]
    assert [(each.kind, each.is_validated) for each in table.constraints] == [("not null", False)]


def test_tables_of_extensions_are_left_out(either: Server, empty: str) -> None:
    execute(empty, "CREATE TABLE mine (a integer)", "CREATE TABLE theirs (a integer PRIMARY KEY)")
    execute(empty, "CREATE EXTENSION pg_stat_statements", "ALTER EXTENSION pg_stat_statements ADD TABLE theirs")
    assert [table.name for table in collected(empty).tables] == ["mine"]
