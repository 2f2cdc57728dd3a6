"""hypopg on the audited server: the same answers as an index really built, read-only, and nothing left."""

from collections.abc import Iterator

import psycopg
import pytest

from pgadvisor.collect.session import Session, open_session
from pgadvisor.errors import WhatIfError
from pgadvisor.model.whatif import NOTHING, Configuration, HypotheticalIndex, Question
from pgadvisor.planner.hypopg import HypopgPlanner, find_index, with_parts
from tests.fix_servers import Server, create_database, drop_database, make_reader

TEXT = "SELECT * FROM orders WHERE customer_id = 42"


@pytest.fixture(scope="module")
def source(debian15: Server) -> Iterator[str]:
    """A database with rows and hypopg, as a role sees it that may only read."""
    dsn = create_database(debian15, "hypopg")
    with psycopg.connect(dsn, autocommit=True) as connection:
        if connection.execute("SELECT FROM pg_available_extensions WHERE name = 'hypopg'").fetchone() is None:
            pytest.skip("needs hypopg: apt-get install postgresql-15-hypopg")
        connection.execute("CREATE SCHEMA tools; CREATE EXTENSION hypopg SCHEMA tools")
        connection.execute("CREATE TABLE orders (id int PRIMARY KEY, customer_id int, data jsonb)")
        connection.execute("""CREATE TABLE tools.dots (a int, b int); CREATE INDEX "an.index" ON tools.dots (a);
            CREATE SCHEMA other; CREATE TABLE other.t (a int);
            CREATE INDEX index ON other.t (a); CREATE INDEX index ON tools.dots (b)""")
        connection.execute("""CREATE TABLE visits (a int) PARTITION BY RANGE (a);
            CREATE TABLE visits_1 PARTITION OF visits FOR VALUES FROM (1) TO (9) PARTITION BY RANGE (a);
            CREATE TABLE visits_1_1 PARTITION OF visits_1 FOR VALUES FROM (1) TO (5);
            CREATE INDEX visits_a ON visits (a)""")
        connection.execute("INSERT INTO orders SELECT i, i % 5000 FROM generate_series(1, 60000) i")
        connection.execute("VACUUM ANALYZE")
    yield make_reader(dsn)
    drop_database(debian15, dsn)


@pytest.fixture
def session(source: str) -> Iterator[Session]:
    with open_session(source) as opened:
        yield opened


@pytest.fixture
def planner(session: Session) -> HypopgPlanner:
    return HypopgPlanner(session, "public", lambda text: "calls nap, which is volatile" if "nap(" in text else None)


def supposed(keys: str) -> HypotheticalIndex:
    definition = f"CREATE INDEX tried ON orders {keys}"
    return HypotheticalIndex(name="tried", schema="public", table_name="orders", definition=definition)


def test_an_index_is_used_under_the_name_that_was_asked_for(planner: HypopgPlanner, session: Session) -> None:
    answer = planner.plan(TEXT, Configuration(create=(supposed("(customer_id)"),)))
    assert answer.indexes_used == ("public.tried",)
    assert (answer.cost or 0) < (planner.plan(TEXT).cost or 0) / 3
    assert planner.plan(TEXT).indexes_used == ()
    assert session.rows("SELECT FROM tools.hypopg()") == []
    assert planner.label.startswith("hypopg 1.")


def test_a_matrix_of_costs(planner: HypopgPlanner) -> None:
    made = Configuration(create=(supposed("(customer_id)"),), settings=(("random_page_cost", "1"),))
    (before, wrong), (after, _) = planner.costs([Question(each, (TEXT, "SELECT nope")) for each in (NOTHING, made)])
    assert (after.cost or 0) < (before.cost or 0)
    assert after.plan is None
    assert wrong.error == 'column "nope" does not exist'


def test_many_look_ups_are_told_of_an_index_by_the_name_that_was_asked_for(planner: HypopgPlanner) -> None:
    text = "SELECT * FROM orders a, orders b WHERE a.id < 500 AND b.customer_id = a.customer_id"
    made = Configuration(create=(supposed("(customer_id)"),), settings=(("enable_hashjoin", "off"),
                         ("enable_mergejoin", "off"), ("enable_memoize", "off")))  # fmt: skip
    ((answer,),) = planner.costs([Question(made, (text,))])
    (many,) = answer.look_ups
    assert (many.index, many.table) == ("public.tried", "public.orders")
    assert many.loops > 100 and 0 < many.cost < (answer.cost or 0)


@pytest.mark.parametrize(
    ("configuration", "words"),
    [
        (Configuration(create=(supposed("USING gin (data)"),)), 'access method "gin" is not supported'),
        (Configuration(hide=("orders_pkey",)), "cannot hide an index"),
        (Configuration(ddl=("DROP TABLE orders",)), "--planner twin"),
        (Configuration(settings=(("nope", "1"),)), "unrecognized configuration parameter"),
        (Configuration(create=(supposed("(nope)"),)), "nope"),
    ],
)
def test_what_it_cannot_do_is_said(
    planner: HypopgPlanner, session: Session, configuration: Configuration, words: str
) -> None:
    if configuration.hide and session.rows("SELECT FROM pg_extension WHERE extname = 'hypopg' AND extversion >= '1.4'"):
        pytest.skip("this hypopg hides indexes")
    assert words in (planner.plan(TEXT, configuration).error or "")
    assert planner.plan(TEXT).error is None
    assert session.rows("SELECT FROM tools.hypopg()") == []


@pytest.mark.parametrize("name", ["tools.an.index", "an.index"])
def test_an_index_whose_name_holds_a_dot_is_found(source: str, session: Session, name: str) -> None:
    with psycopg.connect(source) as connection:
        row = connection.execute("""SELECT 'tools."an.index"'::regclass::oid""").fetchone()
    assert row == (find_index(session, name),)


def test_a_name_that_does_not_say_which_index_is_refused(session: Session) -> None:
    with pytest.raises(WhatIfError, match="no index"):
        find_index(session, "an.orders_pkey")
    with pytest.raises(WhatIfError, match="several"):
        find_index(session, "index")


def test_with_an_index_go_those_of_the_partitions(session: Session) -> None:
    def names(of: str) -> list[str]:
        oids = with_parts(session, find_index(session, of))
        rows = [session.rows("SELECT relname::text AS name FROM pg_class WHERE oid = $1::oid", (oid,)) for oid in oids]
        return [row[0]["name"] for row in rows]

    assert names("public.visits_a") == ["visits_a", "visits_1_a_idx", "visits_1_1_a_idx"]
    assert names("public.orders_pkey") == ["orders_pkey"]


def test_a_text_that_might_do_harm_is_not_sent(planner: HypopgPlanner) -> None:
    assert "volatile" in (planner.plan("SELECT nap(9)").error or "")


def test_the_size_is_said_to_be_hypopgs(planner: HypopgPlanner) -> None:
    size = planner.size(supposed("(customer_id)"))
    assert size.size_bytes
    assert "deduplication" in size.doubts[0]
    assert "gin" in (planner.size(supposed("USING gin (data)")).error or "")


def test_a_database_without_it_is_refused(debian15: Server) -> None:
    with open_session(debian15.dsn()) as elsewhere, pytest.raises(WhatIfError, match="CREATE EXTENSION hypopg"):
        HypopgPlanner(elsewhere, "public", lambda text: None)
