"""What-if on a twin against indexes really built, with rows: the same use, nearly the same cost, and nothing left."""

import contextlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import psycopg
import pytest

from pgadvisor.collect.collector import collect
from pgadvisor.collect.session import open_session
from pgadvisor.model.explain import read_explain
from pgadvisor.model.plan import Plan
from pgadvisor.model.whatif import NOTHING, Configuration, HypotheticalIndex, Question
from pgadvisor.planner.twin import Twin
from pgadvisor.planner.whatif import TwinPlanner
from pgadvisor.planner.whatif_supposing import IDLE
from tests.fix_servers import Server, create_database, drop_database, programs_of

ROWS = """
CREATE TABLE orders (
    id int PRIMARY KEY, customer_id int, status text, mail text, at timestamptz, data jsonb, tags text[], gone date
);
INSERT INTO orders SELECT i, i % 5000, (array['new', 'paid', 'sent'])[1 + i % 3], 'User' || i || '@example.org',
    timestamptz '2024-01-01' + i * interval '1 minute', jsonb_build_object('k', i % 100),
    array['t' || i % 7, 'u' || i % 11], CASE WHEN i % 50 = 0 THEN date '2024-01-01' + i % 300 END
    FROM generate_series(1, 60000) i;
CREATE TABLE "Ge schehen" (id int, "am" date, k int) PARTITION BY RANGE ("am");
CREATE TABLE first_half PARTITION OF "Ge schehen" FOR VALUES FROM ('2024-01-01') TO ('2024-07-01');
CREATE TABLE second_half PARTITION OF "Ge schehen" FOR VALUES FROM ('2024-07-01') TO ('2025-01-01');
INSERT INTO "Ge schehen" SELECT i, date '2024-01-01' + i % 360, i % 1000 FROM generate_series(1, 40000) i;
"""


class Pair(NamedTuple):
    """A database with rows, and its twin."""

    dsn: str
    twin: Twin


@contextlib.contextmanager
def made_on(server: Server) -> Iterator[Pair]:
    dsn = create_database(server, "whatif")
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(ROWS)
        connection.execute("VACUUM ANALYZE")
    with twin_of(dsn, server) as twin:
        yield Pair(dsn, twin)
    drop_database(server, dsn)


def twin_of(dsn: str, server: Server) -> Twin:
    """A twin of the same major version."""
    with open_session(dsn) as session:
        snapshot = collect(session)
    programs = programs_of(str(server.version_num // 10_000))
    return Twin(snapshot, binaries=next((each for each in programs if (each / "postgres").exists()), None))


@pytest.fixture(scope="module")
def pair(server: Server) -> Iterator[Pair]:
    with made_on(server) as made:
        yield made


@pytest.fixture(scope="module")
def every_pair(every_server: Server) -> Iterator[Pair]:
    with made_on(every_server) as made:
        yield made


@pytest.fixture
def planner(pair: Pair) -> Iterator[TwinPlanner]:
    with TwinPlanner(pair.twin.connect, pair.twin.label) as made:
        yield made


@pytest.fixture
def every_planner(every_pair: Pair) -> Iterator[TwinPlanner]:
    with TwinPlanner(every_pair.twin.connect, every_pair.twin.label) as made:
        yield made


def supposed(keys: str, name: str = "tried", table: str = "public.orders") -> HypotheticalIndex:
    schema, bare = table.split(".")
    definition = f'CREATE INDEX "{name}" ON "{schema}"."{bare}" {keys}'
    return HypotheticalIndex(name=name, schema=schema, table_name=bare, definition=definition)


def planned(connection: psycopg.Connection[Any], text: str) -> Plan:
    row = connection.execute(f"EXPLAIN (FORMAT JSON, VERBOSE) {text}".encode()).fetchone()
    assert row is not None
    return read_explain(row[0])


@pytest.mark.parametrize(
    ("keys", "text"),
    [
        ("(customer_id)", "SELECT * FROM orders WHERE customer_id = 42"),
        ("(customer_id) INCLUDE (at)", "SELECT at FROM orders WHERE customer_id = 42"),
        ("(status, at)", "SELECT * FROM orders WHERE status = 'new' ORDER BY at LIMIT 10"),
        ("(at) WHERE status = 'new'", "SELECT * FROM orders WHERE status = 'new' ORDER BY at DESC LIMIT 10"),
        ("(gone) WHERE gone IS NOT NULL", "SELECT * FROM orders WHERE gone = '2024-02-20'"),
        ("(lower(mail))", "SELECT * FROM orders WHERE lower(mail) = 'user77@example.org'"),
        ("((data ->> 'k'))", "SELECT * FROM orders WHERE data ->> 'k' = '7'"),
        ("USING gin (data jsonb_path_ops)", "SELECT * FROM orders WHERE data @> '{\"k\": 3}'"),
        ("USING gin (tags)", "SELECT * FROM orders WHERE tags @> array['t3', 'u5']"),
        ("USING brin (at)", "SELECT * FROM orders WHERE at < '2024-01-02'"),
        ("USING hash (mail)", "SELECT * FROM orders WHERE mail = 'User7@example.org'"),
        ("(id, customer_id)", "SELECT * FROM orders WHERE customer_id = 42"),
    ],
)
def test_an_index_is_used_as_the_real_one_at_nearly_its_cost(
    every_pair: Pair, every_planner: TwinPlanner, keys: str, text: str
) -> None:
    index = supposed(keys)
    answer = every_planner.plan(text, Configuration(create=(index,)))
    with psycopg.connect(every_pair.dsn) as connection:
        connection.execute(index.definition.encode())
        is_of_an_expression = "->>" in keys or "lower" in keys
        if is_of_an_expression:
            connection.execute("ANALYZE orders")  # only then has the expression statistics; another sample of the rows
        real = planned(connection, text)
        row = connection.execute("SELECT pg_relation_size('tried')").fetchone()
        connection.rollback()
    is_used = any(node.index == "tried" for node in real.root.walk())
    assert answer.indexes_used == (("public.tried",) if is_used else ())
    assert answer.cost == pytest.approx(real.root.total_cost, rel=0.1 if is_of_an_expression else 0.05)
    size = every_planner.size(index).size_bytes
    assert row is not None
    assert size is not None
    assert size == pytest.approx(row[0], rel=0.25, abs=3 * 8192)


def test_an_index_on_a_partitioned_table_is_one_on_each_partition(every_planner: TwinPlanner) -> None:
    text = 'SELECT * FROM "Ge schehen" WHERE k = 3'
    index = supposed("(k)", "Index über k", "public.Ge schehen")
    answer = every_planner.plan(text, Configuration(create=(index,)))
    assert answer.indexes_used == ("public.Index über k",)
    assert (answer.cost or 0) < (every_planner.plan(text).cost or 0) / 3


def test_nothing_of_a_what_if_is_seen_by_others_or_afterwards(pair: Pair) -> None:
    twin = pair.twin
    text = "SELECT * FROM orders WHERE customer_id = 42"
    look = "SELECT relname, indisvalid FROM pg_index JOIN pg_class ON oid = indexrelid ORDER BY 1"
    counts = "SELECT relname, relpages, reltuples, relfilenode, pg_relation_size(oid) FROM pg_class WHERE relkind = 'r'"
    counts += " AND relnamespace = 'public'::regnamespace"
    with twin.connect() as other:
        before = other.execute(look).fetchall(), set(other.execute(counts).fetchall())
        cost = planned(other, text).root.total_cost
        with TwinPlanner(twin.connect, twin.label) as planner:
            answer = planner.plan(text, Configuration(create=(supposed("(customer_id)"),)))
            assert (answer.cost or 0) < cost
            assert planned(other, text).root.total_cost == cost
            assert planner.plan(text).cost == cost
            assert set(other.execute(counts).fetchall()) >= before[1]
        assert (other.execute(look).fetchall(), set(other.execute(counts).fetchall())) == before


def test_hidden_indexes_settings_and_ddl_hold_in_their_configuration_alone(planner: TwinPlanner) -> None:
    text = "SELECT * FROM orders WHERE id = 7"
    usual = planner.plan(text)
    assert usual.indexes_used == ("public.orders_pkey",)
    for name in ("orders_pkey", "public.orders_pkey"):
        assert planner.plan(text, Configuration(hide=(name,))).indexes_used == ()
    settings = Configuration(settings=(("enable_indexscan", "off"), ("enable_bitmapscan", "off")))
    without = planner.plan(text, settings)
    assert without.plan is not None
    assert ("enable_indexscan", "off") in without.plan.settings
    assert without.plan.root.node_type == "Seq Scan"
    dropped = Configuration(ddl=("ALTER TABLE orders DROP CONSTRAINT orders_pkey",))
    assert planner.plan(text, dropped).indexes_used == ()
    assert planner.plan(text) == usual


@pytest.mark.parametrize("name", ["public.my.idx", "my.idx"])
def test_an_index_is_hidden_whose_name_holds_a_dot(pair: Pair, planner: TwinPlanner, name: str) -> None:
    text = "SELECT * FROM dotted WHERE a = 7"
    with pair.twin.connect() as owner:
        owner.execute("""CREATE TABLE dotted (a int); CREATE INDEX "my.idx" ON dotted (a)""")
        assert planner.plan(text).indexes_used == ("public.my.idx",)
        assert planner.plan(text, Configuration(hide=(name,))).indexes_used == ()
        assert "no index" in (planner.plan(text, Configuration(hide=("my.public.idx",))).error or "")
        owner.execute("DROP TABLE dotted")


def test_a_name_that_two_indexes_have_needs_its_schema(pair: Pair, planner: TwinPlanner) -> None:
    with pair.twin.connect(as_superuser=True) as superuser, pair.twin.connect() as owner:
        superuser.execute("CREATE SCHEMA twice AUTHORIZATION pgadvisor")
        owner.execute("CREATE TABLE twice.orders (id int CONSTRAINT orders_pkey PRIMARY KEY)")
        text = "SELECT * FROM twice.orders WHERE id = 7"
        assert "several" in (planner.plan(text, Configuration(hide=("orders_pkey",))).error or "")
        assert planner.plan(text, Configuration(hide=("public.orders_pkey",))).indexes_used == ("twice.orders_pkey",)
        assert planner.plan(text, Configuration(hide=("twice.orders_pkey",))).indexes_used == ()
        superuser.execute("DROP SCHEMA twice CASCADE")


def test_a_matrix_of_costs_is_that_of_single_questions(planner: TwinPlanner) -> None:
    texts = [f"SELECT * FROM orders WHERE customer_id = {number} AND status = 'new'" for number in range(3)]
    texts += ["SELECT nothing FROM orders", texts[0]]
    one, other = supposed("(customer_id)", "one"), supposed("(status, customer_id)", "other")
    configurations = [NOTHING, *(Configuration(create=made) for made in ((one,), (other,), (one, other)))]
    matrix = planner.costs([Question(each, tuple(texts)) for each in configurations])
    for row, configuration in zip(matrix, configurations, strict=True):
        single = [planner.plan(text, configuration) for text in texts]
        assert [each.cost for each in row] == [each.cost for each in single]
        assert [each.indexes_used for each in row] == [each.indexes_used for each in single]
        assert row[3].error == 'column "nothing" does not exist'
    assert matrix[1][0].indexes_used == ("public.one",)


def test_what_cannot_be_is_an_error_and_breaks_nothing(planner: TwinPlanner) -> None:
    text = "SELECT * FROM orders WHERE id = 7"
    for configuration, words in (
        (Configuration(create=(supposed("(nope)"),)), 'column "nope" does not exist'),
        (Configuration(create=(supposed("(id)", table="public.nope"),)), 'there is no table "nope"'),
        (Configuration(hide=("nope",)), 'there is no index "nope"'),
        (Configuration(settings=(("nope", "1"),)), 'unrecognized configuration parameter "nope"'),
        (Configuration(ddl=("DROP TABLE nope",)), 'table "nope" does not exist'),
    ):
        assert words in (planner.plan(text, configuration).error or "")
        assert planner.plan(text).error is None
    assert "nope" in (planner.size(supposed("(nope)")).error or "")


@pytest.mark.parametrize(
    "text", ["SELECT 1; DROP TABLE orders", "SELECT 1)", "ANALYZE SELECT 1", "SELECT $1", "", "VACUUM", "COMMIT"]
)
def test_only_one_statement_is_planned_and_none_run(planner: TwinPlanner, text: str) -> None:
    assert planner.plan(text).error
    assert planner.plan("SELECT * FROM orders").error is None


def test_an_index_whose_name_is_taken_keeps_it_in_plans(planner: TwinPlanner) -> None:
    index = supposed("(customer_id)", "orders_pkey")
    answer = planner.plan("SELECT * FROM orders WHERE customer_id = 42", Configuration(create=(index,)))
    assert answer.indexes_used == ("public.orders_pkey",)
    assert answer.plan is not None
    assert {node.index for node in answer.plan.root.walk() if node.index} == {"orders_pkey"}


def test_what_was_guessed_is_said(planner: TwinPlanner) -> None:
    text = "SELECT * FROM orders WHERE lower(mail) = 'user77@example.org'"
    answer = planner.plan(text, Configuration(create=(supposed("(lower(mail))"),)))
    assert answer.doubts == ("statistics of lower(mail) are guessed from values of mail",)
    two = planner.plan(text, Configuration(create=(supposed("((mail || status))", "two"),)))
    assert two.doubts == ("no statistics of (mail || status): the planner guesses how many rows a value has",)
    assert planner.plan(text, Configuration(create=(supposed("(mail)", "plain"),))).doubts == ()


def test_an_expression_has_the_statistics_of_an_index_that_is_there(pair: Pair, server: Server) -> None:
    with psycopg.connect(pair.dsn, autocommit=True) as connection:
        connection.execute("CREATE INDEX there ON orders ((data ->> 'k'))")
        connection.execute("ANALYZE orders")
    text = "SELECT * FROM orders WHERE data ->> 'k' = '7' ORDER BY at LIMIT 1"
    with twin_of(pair.dsn, server) as twin, TwinPlanner(twin.connect, twin.label) as planner:
        answer = planner.plan(text, Configuration(create=(supposed("((data ->> 'k'), at)"),)))
    with psycopg.connect(pair.dsn, autocommit=True) as connection:
        connection.execute("DROP INDEX there")
    assert answer.doubts == ()
    assert answer.indexes_used == ("public.tried",)


def test_an_index_that_is_there_already_is_said_to_be(planner: TwinPlanner) -> None:
    wanted = [supposed("(id)"), supposed("(id DESC)", "other"), supposed("(id)", "third")]
    told = ("orders_pkey is the same index, and is there",)
    assert [size.doubts for size in planner.sizes(wanted)] == [told, (), told]


def test_many_are_made_at_once_as_each_alone(pair: Pair, planner: TwinPlanner) -> None:
    keys = ["(customer_id)", "(nope)", "(status, at)", "USING nope (id)", "(gone) WHERE gone IS NOT NULL", "(data)",
            "(gone) WHERE 1 / (id - id) > 0", "(lower(mail))", "(lower(mail), id)", "USING gin (data)"]  # fmt: skip
    indexes = [supposed(each, f"many_{at}") for at, each in enumerate(keys)]
    indexes.append(supposed("(k)", "many", "public.Ge schehen"))
    indexes.append(supposed("(k)", "many", "public.nope"))
    indexes.append(supposed("(k)", "first_half_k_idx", "public.first_half"))
    with TwinPlanner(pair.twin.connect, pair.twin.label) as other:
        alone = [other.size(each) for each in indexes]
    sizes = planner.sizes(indexes)
    assert sizes == alone
    assert [at for at, size in enumerate(sizes) if size.error] == [1, 3, 11]
    assert sizes[7].doubts == sizes[8].doubts == ("statistics of lower(mail) are guessed from values of mail",)
    text = "SELECT * FROM first_half WHERE k = 3"
    assert planner.plan(text, Configuration(create=(indexes[-1],))).indexes_used == ("public.first_half_k_idx",)
    text = 'SELECT * FROM "Ge schehen" WHERE k = 3'
    assert planner.plan(text, Configuration(create=(indexes[-3],))).indexes_used == ("public.many",)
    assert planner.plan(text, Configuration(create=(indexes[-1],))).indexes_used == ("public.first_half_k_idx",)


def test_of_many_indexes_those_that_nobody_asks_for_cost_nothing_and_come_back(
    pair: Pair, planner: TwinPlanner
) -> None:
    text = "SELECT * FROM orders WHERE customer_id = 42"
    indexes = [supposed(f"(customer_id) WHERE id > {number}", f"one_of_{number}") for number in range(IDLE + 10)]
    indexes.append(supposed("(customer_id)", "the_one"))
    assert {size.error for size in planner.sizes(indexes)} == {None}
    usual = planner.plan(text)
    live = "SELECT count(*) FROM pg_index WHERE indrelid = 'orders'::regclass AND indislive"
    with pair.twin.connect() as other:
        assert other.execute(live).fetchone() == (1,)
        shown = planner.costs([Question(Configuration(create=(each,)), (text,)) for each in indexes])
        assert [answer.indexes_used for (answer,) in shown] == [()] * (len(indexes) - 1) + [("public.the_one",)]
        assert other.execute(live).fetchone() == (len(indexes) + 1,)
    assert planner.plan(text) == usual


def test_an_index_of_a_partition_does_not_become_part_of_one_that_is_tried(pair: Pair) -> None:
    """As CREATE INDEX on the partitioned table would have it: both are shown, but nothing is dropped with it."""
    with pair.twin.connect() as owner:
        owner.execute("CREATE INDEX own ON second_half (id)")
        with TwinPlanner(pair.twin.connect, pair.twin.label) as planner:
            parts = [supposed("(id)", "part", "public.first_half"), supposed("(id)", "whole", "public.Ge schehen")]
            text = 'SELECT * FROM "Ge schehen" WHERE id = 3'
            answers = [planner.plan(text, Configuration(create=each)) for each in ((parts[0],), (parts[1],), ())]
            assert [each.indexes_used for each in answers] == [
                ("public.own", "public.part"),
                ("public.own", "public.whole"),
                ("public.own",),
            ]
        assert owner.execute("SELECT to_regclass('own') IS NOT NULL").fetchone() == (True,)
        owner.execute("DROP INDEX own")
