"""Statements whose plan changes with the value: found on a database where it does, and silent where it does not."""

from collections.abc import Iterator
from datetime import UTC, datetime

import msgspec
import psycopg
import pytest

from pgadvisor.advise.advise import advise
from pgadvisor.advise.trial_values import with_alternatives
from pgadvisor.model import catalog
from pgadvisor.model.plan import StatementPlan
from pgadvisor.model.snapshot import FORMAT, Snapshot
from pgadvisor.model.workload import Statement
from pgadvisor.parameters.draws import Draw, DrawnStatement
from tests.fix_row_planner import RowPlanner
from tests.fix_servers import Server, create_database, drop_database

SCHEMA = """
CREATE TABLE events (id int PRIMARY KEY, kind text NOT NULL, at timestamptz NOT NULL, pad text);
INSERT INTO events SELECT n, CASE WHEN n % 5000 = 0 THEN 'rare' ELSE 'common' || n % 3 END,
                          timestamptz '2026-01-01' + n * interval '1 minute', repeat('x', 100)
                   FROM generate_series(1, 50000) n;
CREATE INDEX events_kind_idx ON events (kind);
CREATE INDEX events_at_idx ON events (at);
ANALYZE events;
"""
NOW = datetime(2026, 1, 31, tzinfo=UTC)
NEWEST = "SELECT * FROM events WHERE kind = {} ORDER BY at DESC LIMIT 20"


@pytest.fixture(scope="module")
def planner(server: Server) -> Iterator[RowPlanner]:
    dsn = create_database(server, "values")
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(SCHEMA)
        yield RowPlanner(connection)
    drop_database(server, dsn)


def planned(planner: RowPlanner, text: str, *values: str) -> StatementPlan:
    """The plan of a statement whose values weigh alike, with its alternatives."""
    draws = tuple(
        Draw(text=text.format(f"'{value}'"), weight=1 / len(values), label="rare" if at else "typical",
             names={value: "$1"})
        for at, value in enumerate(values)
    )  # fmt: skip
    drawn = DrawnStatement(statement="1", draws=draws, generic=text.format("(SELECT NULL::text)::text"))
    snapshot = Snapshot(
        format=FORMAT, pgadvisor="0", collected_at=NOW,
        plans=(StatementPlan(statement="1", kind="values", reason="a test"),),
    )  # fmt: skip
    return with_alternatives(snapshot, (drawn,), planner).plans[0]


def test_both_plans_are_kept_with_what_the_generic_one_costs(planner: RowPlanner) -> None:
    found = planned(planner, NEWEST, "common1", "rare")
    assert [each.label for each in found.alternatives] == ["typical", "rare"]
    common, rare = found.alternatives
    assert {node.index for node in common.plan.root.walk()} == {None, "events_at_idx"}
    assert {node.index for node in rare.plan.root.walk()} >= {"events_kind_idx"}
    assert found.generic is not None
    assert {node.index for node in found.generic.root.walk()} == {None, "events_at_idx"}
    assert common.generic_cost == common.plan.root.total_cost
    assert rare.generic_cost is not None and rare.generic_cost > 10 * rare.plan.root.total_cost


def test_the_plans_hold_no_values(planner: RowPlanner) -> None:
    found = planned(planner, NEWEST, "common1", "rare")
    texts = str(found)
    assert "= 'rare'" not in texts and "common1" not in texts and "NULL" not in texts and "InitPlan" not in texts
    assert "(events.kind = $1" in texts
    assert "(events.kind = ?" in texts


def test_values_that_are_planned_alike_have_no_alternatives(planner: RowPlanner) -> None:
    found = planned(planner, NEWEST, "common1", "common2")
    assert (found.generic, found.alternatives) == (None, ())


def test_one_draw_has_no_alternatives(planner: RowPlanner) -> None:
    assert planned(planner, NEWEST, "common1").alternatives == ()


def test_a_plan_that_postgresql_would_keep_and_that_is_bad_for_some_values_is_a_finding(planner: RowPlanner) -> None:
    statement = Statement(key="1", text=NEWEST.format("$1"), fingerprint="f", calls=10, mean_ms=1.0, total_ms=10.0)
    made = planned(planner, NEWEST, "common1", "rare")
    snapshot = Snapshot(
        format=FORMAT, pgadvisor="0", collected_at=NOW, statements=(statement,),
        server=catalog.Server(version_num=180000, version="18.0", database="d"),
        plans=(msgspec.structs.replace(made, plan=made.alternatives[0].plan),),
    )  # fmt: skip
    found = [each for each in advise(snapshot).findings if each.rule == "parameter-sensitive-plan"]
    assert len(found) == 1
    assert found[0].message.startswith("one plan does not fit all values: rare values cost ")
    assert found[0].remedy.sql == "SET plan_cache_mode = force_custom_plan;"


def test_postgresql_does_keep_that_plan(planner: RowPlanner) -> None:
    """What the rule says will happen, happens: after five calls the rare value gets the plan of the common ones."""
    connection = planner.connection
    connection.execute(f"PREPARE newest AS {NEWEST.format('$1')}")
    assert "events_kind_idx" in str(connection.execute("EXPLAIN EXECUTE newest ('rare')").fetchall())
    for _ in range(6):
        connection.execute("EXECUTE newest ('common1')")
    kept = str(connection.execute("EXPLAIN EXECUTE newest ('rare')").fetchall())
    connection.execute("DEALLOCATE newest")
    assert "events_at_idx" in kept and "events_kind_idx" not in kept
