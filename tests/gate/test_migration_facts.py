"""How long a lock is held, and how many calls wait behind it."""

import pytest

from pgadvisor.advise.examples import facts_of
from pgadvisor.gate.examples import migration_of
from pgadvisor.gate.steps import steps_of
from pgadvisor.migration_facts import REWRITE_BYTES_A_S, SCAN_BYTES_A_S, GateFacts, MigrationStep
from pgadvisor.rule import Example, table

EXAMPLE = Example(
    sql="SELECT total FROM orders WHERE id = $1",
    other=(("UPDATE orders SET total = $1 WHERE id = $2", 2_592_000, 1.0),),
    calls=25_920_000,
    days=30.0,
    tables=(table("orders", columns={"id": "bigint", "total": "integer"}, rows=80_000_000),),
)


def judged(text: str) -> tuple[MigrationStep, GateFacts]:
    facts = facts_of(EXAMPLE)
    migrations = (migration_of("1.sql", text),)
    steps = steps_of(migrations, version=15, snapshot=facts.snapshot)
    return steps[-1], GateFacts(migrations, version=15, facts=facts)


def test_time_is_size_by_throughput() -> None:
    orders = EXAMPLE.tables[0]
    step, gate = judged("ALTER TABLE orders ALTER COLUMN total SET NOT NULL")
    assert gate.held_ms(step) == pytest.approx((orders.heap_bytes or 0) / SCAN_BYTES_A_S * 1000)
    step, gate = judged("ALTER TABLE orders ALTER COLUMN total TYPE bigint")
    assert gate.held_ms(step) == pytest.approx((orders.total_bytes or 0) / REWRITE_BYTES_A_S * 1000)


def test_what_takes_no_time_and_what_is_new() -> None:
    step, gate = judged("ALTER TABLE orders ADD COLUMN note text")
    assert gate.held_ms(step) == 0.0
    step, gate = judged("CREATE TABLE fresh (id int); CREATE INDEX ON fresh (id)")
    assert step.is_new and gate.held_ms(step) == 0.0


def test_an_unknown_table_has_no_size() -> None:
    step, gate = judged("CREATE INDEX ON elsewhere (id)")
    assert gate.held_ms(step) is None and not gate.is_small("public.elsewhere")
    assert gate.queued_calls_per_s("public.elsewhere") == 0.0


def test_calls_that_wait() -> None:
    _, gate = judged("SELECT 1")
    assert gate.queued_calls_per_s("public.orders") == pytest.approx(11.0)
    assert gate.queued_calls_per_s("public.orders", "SHARE") == pytest.approx(1.0)
    assert gate.queued_calls_per_s("public.orders", "SHARE UPDATE EXCLUSIVE") == 0.0
    assert GateFacts((), version=15).queued_calls_per_s("public.orders") is None
