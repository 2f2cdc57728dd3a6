"""A snapshot is planned as of the moment at which it was taken."""

from collections.abc import Iterator
from datetime import UTC, datetime

import psycopg
import pytest

from pgadvisor.model.plan import Plan
from pgadvisor.model.whatif import NOTHING, Answer, Question
from pgadvisor.parameters.as_of import AsOf
from tests.fix_row_planner import RowPlanner
from tests.fix_servers import Server, create_database, drop_database

MOMENT = datetime(2021, 3, 1, 12, 30, tzinfo=UTC)
SCHEMA = """
CREATE TABLE events (id int PRIMARY KEY, at timestamptz NOT NULL, plain timestamp NOT NULL, day date NOT NULL);
INSERT INTO events SELECT n, at, at, at
    FROM generate_series(1, 10000) n, LATERAL (SELECT timestamptz '2021-03-01Z' - n * interval '14 minutes' AS at) x;
CREATE INDEX old_idx ON events (id) WHERE at < '2100-01-01Z';
CREATE TABLE parts (at timestamptz) PARTITION BY RANGE (at);
CREATE TABLE parts1 PARTITION OF parts FOR VALUES FROM ('2020-01-01Z') TO ('2021-01-01Z');
CREATE TABLE parts2 PARTITION OF parts FOR VALUES FROM ('2021-01-01Z') TO ('2022-01-01Z');
ANALYZE events;
"""


@pytest.fixture(scope="module")
def planner(server: Server) -> Iterator[RowPlanner]:
    dsn = create_database(server, "as_of")
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(SCHEMA)
        yield RowPlanner(connection)
    drop_database(server, dsn)


def plan_of(answer: Answer) -> Plan:
    assert answer.plan is not None, answer.error
    return answer.plan


@pytest.mark.parametrize(
    ("condition", "told"),
    [
        ("at > now() - interval '30 days'", "(now() - "),
        ("at > pg_catalog.now ( ) - interval '30 days'", "(now() - "),
        ("at > CURRENT_TIMESTAMP - interval '30 days'", "(now() - "),
        ("at > transaction_timestamp() - interval '30 days'", "(now() - "),
        ("plain > localtimestamp - interval '30 days'", "(LOCALTIMESTAMP - "),
        ("day > current_date - 30", "(CURRENT_DATE - "),
        ("at > CURRENT_TIMESTAMP(3) - interval '30 days'", "(CURRENT_TIMESTAMP(3) - "),
        ("plain > LOCALTIMESTAMP ( 0 ) - interval '30 days'", "(LOCALTIMESTAMP(0) - "),
    ],
)
def test_rows_are_estimated_as_of_then(planner: RowPlanner, condition: str, told: str) -> None:
    text = f"SELECT * FROM events WHERE {condition}"
    assert plan_of(planner.plan(text)).root.estimated_rows < 100
    then, today = plan_of(AsOf(planner, MOMENT).plan(text)), plan_of(planner.plan(text))
    assert 2_700 < then.root.estimated_rows < 3_400
    assert told in str(then.root.filter)
    assert "2021" not in str(then) and "timestamptz_in" not in str(then)
    assert then.root.total_cost == today.root.total_cost


@pytest.mark.parametrize(
    "condition",
    [
        "at > 'now'::timestamptz - interval '30 days'",
        "plain > timestamp 'today' - interval '30 days'",
        "day > cast('Yesterday' as date) - 30",
    ],
)
def test_a_constant_that_means_the_moment_is_that_of_then(planner: RowPlanner, condition: str) -> None:
    text = f"SELECT * FROM events WHERE {condition} AND 'now' <> id::text"
    assert plan_of(planner.plan(text)).root.estimated_rows < 100
    then = plan_of(AsOf(planner, MOMENT).plan(text))
    assert 2_700 < then.root.estimated_rows < 3_400
    assert "'2021-" in str(then.root.filter) and "'now'" in str(then.root.filter)


def test_nothing_is_proved_with_it_as_nothing_is_with_now(planner: RowPlanner) -> None:
    """A literal would prune partitions and fit partial indexes while planning; `now()` does not."""
    as_of = AsOf(planner, MOMENT)
    text = "SELECT * FROM parts WHERE at > now()"
    then = plan_of(as_of.plan(text))
    # EXPLAIN prunes as the executor would; pruned by the planner, no Append would be left.
    assert [(node.node_type, node.table) for node in then.root.walk()] == [("Append", None), ("Seq Scan", "parts2")]
    assert as_of.plan("SELECT id FROM events WHERE id = 5 AND at < now()").indexes_used == ("public.events_pkey",)


def test_strings_and_names_are_not_touched(planner: RowPlanner) -> None:
    as_of = AsOf(planner, MOMENT)
    text = """SELECT 'now()' AS "now()", x.now FROM (SELECT now()) x WHERE 'é' <> 'current_date'"""
    assert plan_of(as_of.plan(text)) == plan_of(planner.plan(text))
    assert as_of.plan("SELECT * FROM now()").error is None
    assert as_of.plan("no SQL").error == planner.plan("no SQL").error


def test_costs_are_those_of_the_plans(planner: RowPlanner) -> None:
    as_of, text = AsOf(planner, MOMENT), "SELECT * FROM events WHERE at > now() - interval '30 days' ORDER BY day"
    ((found,),) = as_of.costs([Question(NOTHING, (text,))])
    assert found.cost == as_of.plan(text).cost != planner.plan(text).cost
