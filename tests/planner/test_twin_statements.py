"""Draws of a real workload's statements: each is a text without parameters that the planner takes."""

from collections.abc import Iterator
from typing import NamedTuple

import msgspec
import psycopg
import pytest

from pgadvisor.collect.collector import collect
from pgadvisor.collect.session import open_session
from pgadvisor.model.snapshot import Snapshot
from pgadvisor.model.workload import Statement
from pgadvisor.parameters.draws import DrawnStatement
from pgadvisor.parameters.types import Refusal
from pgadvisor.planner.twin_statements import draw_statements, plan_on_twin, preparing
from tests.collect.fix_forms import FORMS, SCHEMA
from tests.fix_row_planner import RowPlanner
from tests.fix_servers import create_database, drop_database


class Shop(NamedTuple):
    """A shop that has worked: its connection, what was read of it, and its statements drawn."""

    connection: psycopg.Connection[object]
    snapshot: Snapshot
    drawn: tuple[DrawnStatement, ...]

    def of(self, beginning: str) -> DrawnStatement:
        """The draws of the first statement whose text begins so."""
        key = next(each.key for each in self.snapshot.statements if each.text.startswith(beginning))
        return next(each for each in self.drawn if each.statement == key)


@pytest.fixture(scope="module", params=["server", "debian15"])
def shop(request: pytest.FixtureRequest) -> Iterator[Shop]:
    running = request.getfixturevalue(request.param)
    dsn = create_database(running, "drawn")
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(SCHEMA)
        connection.execute("SELECT pg_stat_statements_reset()")
        for text in FORMS:
            connection.execute(text.encode())
        with open_session(dsn) as session:
            snapshot = collect(session)
        yield Shop(connection, snapshot, draw_statements(preparing(connection), RowPlanner(connection), snapshot))
    drop_database(running, dsn)


def test_nearly_every_form_is_drawn(shop: Shop) -> None:
    assert len(shop.drawn) == len(shop.snapshot.statements) >= 78
    by_key = {each.key: each.text for each in shop.snapshot.statements}
    without = [by_key[each.statement] for each in shop.drawn if not each.draws]
    assert [text[:40] for text in without if "pg_stat_statements" not in text] == []
    assert all(sum(draw.weight for draw in each.draws) == pytest.approx(1.0) for each in shop.drawn if each.draws)
    assert sum(len(each.draws) > 1 for each in shop.drawn) >= 30


def test_only_what_has_no_statistics_stands_for_any_value(shop: Shop) -> None:
    assert shop.of("SELECT * FROM customers WHERE meta @>").unknown == ("$1",)
    assert shop.of("SELECT * FROM orders WHERE customer_id = $1").is_sure


def test_the_text_for_any_value_is_planned_as_a_generic_plan(shop: Shop) -> None:
    planner = RowPlanner(shop.connection)
    text = shop.of("SELECT * FROM customers WHERE email = ").generic
    assert text is not None
    found = planner.plan(text).plan
    assert found is not None
    shop.connection.execute("SET plan_cache_mode = force_generic_plan")
    shop.connection.execute("PREPARE generic AS SELECT * FROM customers WHERE email = $1")
    prepared = planner.plan("EXECUTE generic ('x')").plan
    shop.connection.execute("DEALLOCATE generic")
    shop.connection.execute("RESET plan_cache_mode")
    assert prepared is not None
    assert found.root.total_cost == pytest.approx(prepared.root.total_cost, abs=0.1)
    assert found.root.estimated_rows == prepared.root.estimated_rows


def test_without_values_one_draw_stands_for_all(shop: Shop) -> None:
    bare = msgspec.convert(_without_values(msgspec.to_builtins(shop.snapshot)), Snapshot)
    drawn = draw_statements(preparing(shop.connection), RowPlanner(shop.connection), bare)
    assert all(each.draws for each in drawn if each.reason is None)
    by_customer = next(
        each for each in drawn if each.statement == shop.of("SELECT * FROM orders WHERE customer_id = $1").statement
    )
    assert (len(by_customer.draws), by_customer.unknown, by_customer.is_sure) == (1, ("$1",), False)


def _without_values(tree: object) -> object:
    held = ("most_common_values", "histogram_bounds", "common_elements")
    if isinstance(tree, dict):
        return {key: _without_values(value) for key, value in tree.items() if key not in held}
    return [_without_values(each) for each in tree] if isinstance(tree, list | tuple) else tree


def test_plans_on_the_twin_hold_no_values(shop: Shop) -> None:
    plans = plan_on_twin(shop.drawn, RowPlanner(shop.connection))
    assert {each.kind for each in plans if each.plan} == {"values", "generic"}
    held = msgspec.json.encode(plans).decode()
    for value in ("user7@example", "Name 1", "sku3", "africa", "'shipped'", "'cancelled'"):
        assert value not in held
    by_customer = next(
        each for each in plans if each.statement == shop.of("SELECT * FROM orders WHERE customer_id = $1").statement
    )
    assert by_customer.plan is not None
    assert "orders.customer_id = $1" in held
    assert by_customer.reason == "planned with values from statistics, on the database of a test"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("SELECT * FROM nowhere WHERE a = $1", "a table of it is not found on the search path"),
        ("SELECT nothing FROM orders WHERE id = $1", "a column of it does not exist"),
        ("VACUUM orders", "its text is not one statement that PostgreSQL can plan"),
        ("SELECT 1; DROP TABLE orders", "its text is not one statement that PostgreSQL can plan"),
    ],
)
def test_why_there_are_no_draws(shop: Shop, text: str, reason: str) -> None:
    statement = Statement(key="1", text=text, fingerprint="f")
    alone = msgspec.structs.replace(shop.snapshot, statements=(statement,))
    (drawn,) = draw_statements(preparing(shop.connection), RowPlanner(shop.connection), alone)
    assert (drawn.draws, drawn.reason) == ((), reason)


def test_preparing_takes_one_statement_and_runs_none(shop: Shop) -> None:
    prepare = preparing(shop.connection)
    assert prepare("SELECT * FROM orders WHERE id = $1 AND status = $2") == ("bigint", "order_status")
    refused = prepare("DELETE FROM orders; DELETE FROM items")
    assert isinstance(refused, Refusal) and refused.sqlstate == "42601"
    wrong = prepare("SELECT missing FROM orders")
    assert isinstance(wrong, Refusal) and (wrong.sqlstate, wrong.position) == ("42703", 8)
    assert shop.connection.execute("SELECT count(*) FROM orders").fetchone() == (40_000,)


def test_progress_is_told(shop: Shop) -> None:
    seen: list[tuple[str, int, int]] = []
    few = msgspec.structs.replace(shop.snapshot, statements=shop.snapshot.statements[:3], plans=())
    draw_statements(preparing(shop.connection), RowPlanner(shop.connection), few, lambda *step: seen.append(step))
    assert seen[-1] == ("values", 3, 3)
