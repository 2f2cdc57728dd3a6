"""What cannot be read is a gap with its reason and its cure, and the rest is read all the same."""

import contextlib
from collections.abc import Callable, Iterator

import psycopg
import pytest
from psycopg import sql

from pgadvisor.planner.embedded import EmbeddedServer
from tests.collect.fix_collect import collected, execute, only_gap, timeless
from tests.fix_servers import Server

TABLES = """
CREATE TABLE customers (id bigint PRIMARY KEY, email text);
CREATE INDEX customers_email ON customers (lower(email)) WHERE email IS NOT NULL;
CREATE TABLE orders (id bigint PRIMARY KEY, customer_id bigint REFERENCES customers, total numeric CHECK (total > 0));
INSERT INTO customers SELECT i, 'user' || i FROM generate_series(1, 1000) AS i;
INSERT INTO orders SELECT i, i, i FROM generate_series(1, 1000) AS i;
"""


@pytest.fixture
def plain(either: Server, empty: str) -> Iterator[str]:
    """The DSN of a role without any grant."""
    name = "nobody_special"
    execute(empty, f"CREATE ROLE {name} LOGIN")
    yield either.dsn(str(psycopg.conninfo.conninfo_to_dict(empty)["dbname"]), name)
    execute(empty, f"DROP OWNED BY {name}", f"DROP ROLE {name}")


@contextlib.contextmanager
def locked(dsn: str, table: str) -> Iterator[None]:
    """Another session holds the table under ACCESS EXCLUSIVE, as ALTER TABLE does."""
    with psycopg.connect(dsn) as connection:
        connection.execute(sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(sql.Identifier(*table.split("."))))
        yield


def test_pg_stat_statements_is_not_installed(empty: str) -> None:
    gap = only_gap(collected(empty), "statements")
    assert "is not installed in" in gap.reason and "run CREATE EXTENSION pg_stat_statements;" in gap.cure
    assert gap.subject is None


def test_pg_stat_statements_is_not_loaded(without_library: EmbeddedServer) -> None:
    gap = only_gap(collected(without_library.dsn()), "statements")
    assert gap.reason == 'pg_stat_statements is not loaded in "postgres"'
    assert gap.cure.startswith("add pg_stat_statements to shared_preload_libraries, restart the server and run CREATE")
    execute(without_library.dsn(), "CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
    installed = collected(without_library.dsn())
    gap = only_gap(installed, "statements")
    assert gap.reason == 'pg_stat_statements is installed in "postgres" but not loaded'
    assert gap.cure.startswith("add pg_stat_statements to shared_preload_libraries and restart the server")
    assert installed.totals is None


def test_pg_stat_statements_is_older_than_the_server(empty: str) -> None:
    execute(empty, "CREATE EXTENSION pg_stat_statements VERSION '1.7'")
    gap = only_gap(collected(empty), "statements")
    assert "of version 1.7" in gap.reason and gap.cure.startswith("run ALTER EXTENSION pg_stat_statements UPDATE;")


@pytest.mark.parametrize("version", ["1.8", "1.9", "1.10"])
def test_older_versions_of_it_are_read(empty: str, version: str) -> None:
    execute(empty, f"CREATE EXTENSION pg_stat_statements VERSION '{version}'", "SELECT 4711 AS number")
    snapshot = collected(empty)
    assert snapshot.gaps == () and "SELECT $1 AS number" in {each.text for each in snapshot.statements}


def test_nothing_is_counted(empty: str, either: Server) -> None:
    name = psycopg.conninfo.conninfo_to_dict(empty)["dbname"]
    execute(
        empty, "CREATE EXTENSION pg_stat_statements", f'ALTER DATABASE "{name}" SET pg_stat_statements.track = none'
    )
    gap = only_gap(collected(empty), "statements")
    assert gap.reason == "statements are not counted: pg_stat_statements.track is none"
    assert gap.cure == "ALTER SYSTEM RESET pg_stat_statements.track; SELECT pg_reload_conf();"


def test_a_role_without_grants(empty: str, plain: str) -> None:
    execute(empty, TABLES, "CREATE SCHEMA hidden", "CREATE EXTENSION pg_stat_statements SCHEMA hidden", "ANALYZE")
    snapshot = collected(plain)
    assert {table.name for table in snapshot.tables} == {"customers", "orders"}
    assert all(table.hidden_statistics and table.rows == 1000 for table in snapshot.tables)
    statistics, statements = only_gap(snapshot, "statistics"), only_gap(snapshot, "statements")
    assert statistics.subject is None and "may not SELECT from any table" in statistics.reason
    assert statistics.cure == 'GRANT pg_monitor, pg_read_all_data TO "nobody_special";'
    assert "permission denied for schema hidden" in statements.reason
    assert 'GRANT USAGE ON SCHEMA "hidden" TO "nobody_special"' in statements.cure
    assert only_gap(snapshot, "settings").subject == "shared_preload_libraries"


def test_texts_of_other_roles_are_hidden(empty: str, plain: str) -> None:
    execute(empty, "CREATE EXTENSION pg_stat_statements", "SELECT 4711 AS secret_number")
    execute(plain, "SELECT 1 AS mine")
    snapshot = collected(plain)
    assert {each.text for each in snapshot.statements} >= {"SELECT $1 AS mine"}
    gap = only_gap(snapshot, "statements")
    assert gap.subject == "statements of other roles" and "are hidden" in gap.reason and "GRANT pg_monitor" in gap.cure
    assert not any("secret" in each.text for each in snapshot.statements)


def test_one_table_that_the_role_may_not_select_from(empty: str, plain: str) -> None:
    execute(empty, TABLES, "ANALYZE", "GRANT SELECT ON customers TO nobody_special")
    gap = only_gap(collected(plain), "statistics")
    assert gap.subject == "public.orders" and "may not SELECT" in gap.reason


def test_row_security_hides_statistics(empty: str, reader: Callable[[str], str]) -> None:
    execute(empty, TABLES, "ALTER TABLE orders ENABLE ROW LEVEL SECURITY", "ANALYZE")
    snapshot = collected(reader(empty))
    gap = only_gap(snapshot, "statistics")
    assert gap.subject == "public.orders" and "row security" in gap.reason and "BYPASSRLS" in gap.cure
    hidden = {table.name: (table.has_row_security, table.hidden_statistics) for table in snapshot.tables}
    assert hidden == {"customers": (False, False), "orders": (True, True)}
    assert not any(gap.area == "statistics" for gap in collected(empty).gaps), "the owner sees them"


def test_a_locked_table_is_read_as_far_as_it_goes(empty: str) -> None:
    execute(empty, TABLES, "VACUUM ANALYZE")
    free = {table.name: table for table in collected(empty).tables}
    with locked(empty, "public.customers"):
        snapshot = collected(empty)
    gap = only_gap(snapshot, "catalog")
    assert gap.subject == "public.customers" and "exclusive lock" in gap.reason
    tables = {table.name: table for table in snapshot.tables}
    assert timeless((tables["orders"],))[0].indexes == timeless((free["orders"],))[0].indexes
    customers = tables["customers"]
    assert customers.heap_bytes == free["customers"].heap_bytes
    assert timeless((customers,))[0].columns == timeless((free["customers"],))[0].columns
    assert [index.name for index in customers.indexes] == ["customers_email", "customers_pkey"]
    email, primary = customers.indexes
    assert email.predicate is not None and email.keys[0].column is None and "not read" in email.keys[0].text
    assert primary.columns == ("id",)
    assert primary.definition == "CREATE UNIQUE INDEX customers_pkey ON public.customers USING btree (id)"
    foreign = [each for each in tables["orders"].constraints if each.kind == "foreign key"]
    assert [each.definition for each in foreign] == ["FOREIGN KEY (customer_id) REFERENCES public.customers(id)"]


def test_an_index_being_rebuilt_is_read(empty: str) -> None:
    execute(empty, TABLES, "VACUUM ANALYZE")
    free = collected(empty)
    with psycopg.connect(empty) as connection:
        connection.execute("REINDEX INDEX customers_email")
        snapshot = collected(empty)
    assert not any(gap.area == "catalog" for gap in snapshot.gaps)
    found, expected = timeless(snapshot.tables), timeless(free.tables)
    assert [table.indexes for table in found] == [table.indexes for table in expected]
    assert [table.heap_bytes for table in snapshot.tables] == [table.heap_bytes for table in free.tables]


def test_a_locked_catalog_costs_its_part_alone(empty: str) -> None:
    execute(empty, TABLES)
    with locked(empty, "pg_catalog.pg_sequence"):
        snapshot = collected(empty, lock_timeout_ms=20)
    gap = only_gap(snapshot, "catalog")
    assert gap.reason == "the sequences could not be read: another session holds a lock on it"
    assert "try again" in gap.cure and len(snapshot.tables) == 2 and snapshot.tables[0].indexes


def test_without_indexes_the_whole_catalog_counts_as_unread(empty: str, reader: Callable[[str], str]) -> None:
    execute(empty, TABLES, "REVOKE EXECUTE ON FUNCTION pg_get_indexdef(oid) FROM PUBLIC")
    gap = only_gap(collected(reader(empty)), "catalog")
    assert gap.subject is None and gap.reason.startswith("the indexes could not be read: permission denied")


def test_a_function_that_the_role_may_not_call(empty: str, reader: Callable[[str], str]) -> None:
    execute(empty, TABLES, "CREATE VIEW everyone AS SELECT * FROM customers")
    execute(empty, "REVOKE EXECUTE ON FUNCTION pg_get_viewdef(oid) FROM PUBLIC")
    snapshot = collected(reader(empty))
    gap = only_gap(snapshot, "catalog")
    assert gap.reason == "the views could not be read: permission denied for function pg_get_viewdef"
    assert gap.subject == "views", "rules that need the catalog still run"
    assert snapshot.views == () and len(snapshot.tables) == 2


@pytest.mark.parametrize("moment", ["pg_attribute", "pg_get_indexdef", "pg_total_relation_size", "pg_stat_user_tables"])
def test_a_table_dropped_midway_is_no_crash(empty: str, moment: str) -> None:
    execute(empty, TABLES, "CREATE EXTENSION pg_stat_statements", "ANALYZE")

    def drop(text: str) -> None:
        if moment in text:
            execute(empty, "DROP TABLE IF EXISTS orders")

    snapshot = collected(empty, on_sql=drop)
    assert snapshot.gaps == ()
    customers = next(table for table in snapshot.tables if table.name == "customers")
    assert len(customers.indexes) == 2 and customers.total_bytes


def test_a_hot_standby_and_its_primary(standby: tuple[str, str]) -> None:
    primary, replica = (collected(dsn) for dsn in standby)
    assert [each.name for each in primary.replicas] == ["second"]
    assert primary.replicas[0].state == "streaming" and primary.replicas[0].lag_bytes is not None
    assert primary.gaps == ()
    assert replica.server is not None and replica.server.is_standby
    assert [table.name for table in replica.tables] == ["orders"]
    gap = only_gap(replica, "counters")
    assert "hot standby" in gap.reason and gap.cure == "collect from the primary too"
    assert len(replica.gaps) == 1


def test_replicas_are_hidden_from_a_role_without_grants(standby: tuple[str, str]) -> None:
    primary, _ = standby
    execute(primary, "CREATE ROLE plain LOGIN")
    snapshot = collected(primary.replace("user=postgres", "user=plain"))
    assert "hidden" in only_gap(snapshot, "replicas").reason


def test_through_a_pooler(server: Server, database: str, pooler: Callable[[str], str]) -> None:
    execute(database, TABLES, "ANALYZE")
    snapshot = collected(pooler(str(psycopg.conninfo.conninfo_to_dict(database)["dbname"])))
    gap = only_gap(snapshot, "server")
    assert gap.subject == "connection" and "pooler" in gap.reason
    assert timeless(snapshot.tables) == timeless(collected(database).tables)
