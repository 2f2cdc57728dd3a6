"""The schema as it is before each step."""

import pytest

from pgadvisor.advise.examples import snapshot_of
from pgadvisor.gate.examples import migration_of
from pgadvisor.gate.history import SchemaHistory
from pgadvisor.gate.steps import steps_of
from pgadvisor.migration_facts import MigrationStep
from pgadvisor.model.catalog import Table
from pgadvisor.rule import Example, table
from pgadvisor.sql.ddl import read_ddl
from pgadvisor.sql.parse import Unread
from pgadvisor.sql.splitter import split_statements


def history(text: str, *, is_judged: bool = True, since: SchemaHistory | None = None) -> SchemaHistory:
    found = since or SchemaHistory()
    for statement in split_statements(text):
        steps = read_ddl(statement.text)
        assert not isinstance(steps, Unread), steps.reason
        for each in steps:
            found = found.apply(each, is_judged=is_judged)
    return found


def known(found: SchemaHistory, name: str) -> Table:
    made = found.table(name)
    assert made is not None
    return made


def test_a_table_that_nobody_named_is_not_known() -> None:
    found = SchemaHistory()
    assert found.table("public.orders") is None
    assert not found.is_new("public.orders") and not found.is_whole("public.orders")


def test_a_table_that_was_made() -> None:
    found = history("CREATE TABLE orders (id bigserial PRIMARY KEY, email text UNIQUE, total int CHECK (total > 0))")
    orders = known(found, "public.orders")
    assert [(each.name, each.type, each.not_null) for each in orders.columns] == [
        ("id", "bigint", True), ("email", "text", False), ("total", "integer", False),
    ]  # fmt: skip
    assert [(each.name, each.kind) for each in orders.constraints] == [
        ("orders_pkey", "primary key"), ("orders_email_key", "unique"), ("orders_total_check", "check"),
    ]  # fmt: skip
    assert [each.name for each in orders.indexes] == ["orders_pkey", "orders_email_key"]
    assert found.is_new("public.orders") and found.is_whole((None, "orders"))


def test_an_earlier_migrations_table_is_not_new() -> None:
    found = history("CREATE TABLE orders (id int)", is_judged=False)
    assert not found.is_new("public.orders")
    found = history("ALTER TABLE orders RENAME TO purchases", since=found)
    assert not found.is_new("public.purchases") and found.table("public.orders") is None
    assert found.is_gone("public.orders")


def test_what_is_said_of_an_unknown_table_is_kept() -> None:
    found = history("ALTER TABLE orders ADD CONSTRAINT c CHECK (a IS NOT NULL) NOT VALID")
    (check,) = known(found, "public.orders").constraints
    assert not check.is_validated and not found.is_whole("public.orders")
    (check,) = known(history("ALTER TABLE orders VALIDATE CONSTRAINT c", since=found), "public.orders").constraints
    assert check.is_validated


def test_columns_follow_their_changes() -> None:
    found = history("""
        CREATE TABLE t (id int PRIMARY KEY, a varchar(10), b int);
        CREATE INDEX t_a ON t (a);
        ALTER TABLE t ALTER a TYPE text, ALTER b SET NOT NULL, ADD c int;
        ALTER TABLE t RENAME a TO name;
        ALTER TABLE t DROP c;
    """)
    made = known(found, "public.t")
    assert [(each.name, each.type, each.not_null) for each in made.columns] == [
        ("id", "integer", True), ("name", "text", False), ("b", "integer", True),
    ]  # fmt: skip
    assert [each.columns for each in made.indexes] == [("id",), ("name",)]
    assert found.table_of_index((None, "t_a")) == "public.t"


def test_a_constraint_takes_over_an_index() -> None:
    found = history("""
        CREATE TABLE t (a int); CREATE UNIQUE INDEX CONCURRENTLY i ON t (a);
        ALTER TABLE t ADD CONSTRAINT t_pkey PRIMARY KEY USING INDEX i;
    """)
    made = known(found, "public.t")
    assert [(each.name, each.is_primary) for each in made.indexes] == [("t_pkey", True)]
    assert made.columns[0].not_null


def test_foreign_keys_follow_a_renamed_table() -> None:
    found = history("""
        CREATE TABLE o (id int PRIMARY KEY); CREATE TABLE t (o_id int REFERENCES o);
        ALTER TABLE o RENAME TO p; CREATE SCHEMA s; ALTER TABLE p SET SCHEMA s;
    """)
    assert known(found, "public.t").constraints[0].references == "s.p"


def test_partitions() -> None:
    found = history("""
        CREATE TABLE p (at date NOT NULL) PARTITION BY RANGE (at);
        CREATE TABLE p_1 PARTITION OF p FOR VALUES FROM ('2024-01-01') TO ('2024-02-01');
        CREATE TABLE p_2 (at date); ALTER TABLE p ATTACH PARTITION p_2 DEFAULT;
    """)
    assert [known(found, f"public.{name}").partition_of for name in ("p_1", "p_2")] == ["public.p"] * 2
    assert known(found, "public.p").kind == "partitioned table"
    assert known(found, "public.p_2").partition_bound == "DEFAULT"


def test_search_path_and_types() -> None:
    found = history("""
        SET search_path = shop, public; CREATE TYPE mood AS ENUM ('ok'); ALTER TYPE mood ADD VALUE 'sad';
        CREATE TABLE t (a mood); CREATE DOMAIN d AS text; ALTER DOMAIN d ADD CHECK (value <> '');
    """)
    assert known(found, "shop.t").qualified == "shop.t"
    mood = found.user_type("mood")
    assert mood is not None and mood.labels == ("ok", "sad")
    assert found.has_constraints("d") is True and found.has_constraints("e") is None


def steps(text: str, *, earlier: str = "", is_in_transaction: bool = False) -> tuple[MigrationStep, ...]:
    before = migration_of("1.sql", earlier, is_judged=False)
    return steps_of([before, migration_of("2.sql", text, is_in_transaction=is_in_transaction)], version=15)


def test_a_snapshot_comes_before_migrations() -> None:
    example = Example(tables=(table("orders", columns={"id": "bigint", "email": "text"}, rows=5),))
    earlier = migration_of("1.sql", "CREATE TABLE orders (id int, gone int); ALTER TABLE orders ADD note text; "
                           "CREATE TABLE fresh (id int)", is_judged=False)  # fmt: skip
    (step,) = steps_of([earlier, migration_of("2.sql", "SELECT 1")], version=15, snapshot=snapshot_of(example))
    orders = step.schema.table("public.orders")
    assert orders is not None and orders.rows == 5
    assert {each.name: each.type for each in orders.columns}["id"] == "bigint"
    assert orders.column("note") is not None and step.schema.table("public.fresh") is not None


def test_a_table_of_the_snapshot_is_not_made_anew() -> None:
    example = Example(tables=(table("orders", rows=5),))
    found = steps_of([migration_of("1.sql", "CREATE TABLE IF NOT EXISTS orders (id int); CREATE INDEX ON orders (id)")],
                     version=15, snapshot=snapshot_of(example))  # fmt: skip
    assert not found[1].is_new


def test_transactions_and_settings() -> None:
    found = steps("""
        SET lock_timeout = '5s'; BEGIN; SET LOCAL statement_timeout = '1s'; ALTER TABLE a ADD x int; DROP TABLE b;
        COMMIT; CREATE INDEX CONCURRENTLY ON a (x); RESET lock_timeout; SELECT 1
    """)
    by_command = {each.command: each for each in found}
    add = by_command["add column"]
    assert add.settings == {"lock_timeout": "5s", "statement_timeout": "1s"}
    assert [each.command for each in add.after] == ["drop table", "commit"]
    assert [each.command for each in add.before] == ["begin", "set"]
    index = by_command["create index concurrently"]
    assert index.settings == {"lock_timeout": "5s"} and not index.is_in_transaction and index.before == ()
    assert by_command["select"].settings == {}


def test_a_tools_transaction_holds_all() -> None:
    first, second = steps("ALTER TABLE a ADD x int; UPDATE a SET x = 1", is_in_transaction=True)
    assert first.after == (second,) and second.before == (first,)


def test_a_called_function_does_what_its_body_says() -> None:
    found = steps("""
        CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN DROP TABLE a; PERFORM f(); END $$;
        SELECT f();
    """)
    assert [each.command for each in found] == ["create function", "select", "drop table", "select"]


def test_the_strongest_lock_of_an_alter_table_holds_for_all_of_it() -> None:
    found = steps("ALTER TABLE a ADD x int, VALIDATE CONSTRAINT c")
    assert [each.effect.lock for each in found] == ["ACCESS EXCLUSIVE"] * 2


@pytest.mark.parametrize("earlier", ["", "CREATE TABLE a (x varchar(10));"])
def test_what_cannot_be_known_is_said(earlier: str) -> None:
    (found,) = steps("ALTER TABLE a ALTER x TYPE varchar(20)", earlier=earlier)
    assert found.effect.rewrites == ("no" if earlier else "unknown")


def test_text_that_is_no_sql_is_a_step() -> None:
    (found,) = steps("ALTER TABEL a")
    assert found.command == "unknown" and not found.effect.is_known
