"""How long and how many wait: what messages and severities make of sizes and traffic."""

from dataclasses import replace

from pgadvisor.advise.registry import find_rule
from pgadvisor.gate.examples import findings_in
from pgadvisor.model.finding import Severity
from pgadvisor.rule import Example, table

DAY = 86_400


def orders(rows: float) -> Example:
    """A table in use: 20 reads and, in the others, 3 writes a second."""
    return Example(
        sql="SELECT id FROM orders WHERE id = $1",
        calls=20 * DAY,
        other=(("UPDATE orders SET total = $1 WHERE id = $2", 3 * DAY, 1.0),),
        days=1.0,
        tables=(table("orders", columns={"total": "numeric", "user_id": "bigint"}, rows=rows), table("users")),
        migration="",
    )


def message(rule: str, sql: str, rows: float) -> tuple[str, Severity]:
    (found,) = findings_in(find_rule(rule), replace(orders(rows), migration=sql))
    return found.message, found.severity


def test_an_exclusive_lock_keeps_reads_and_writes_waiting() -> None:
    said, severity = message("check-validated-at-once", "ALTER TABLE orders ADD CHECK (total > 0)", 80_000_000)
    assert said.endswith("reads and writes of orders wait for about 40 s, 23 calls a second queue behind it")
    assert severity is Severity.ERROR


def test_a_share_lock_keeps_writes_waiting_on_both_tables() -> None:
    sql = "ALTER TABLE orders ADD FOREIGN KEY (user_id) REFERENCES users"
    said, _ = message("foreign-key-validated-at-once", sql, 80_000_000)
    assert said.endswith("while writes of orders and users wait for about 40 s, 3 calls a second queue behind it")


def test_what_is_over_before_anyone_notices_is_a_warning() -> None:
    said, severity = message("check-validated-at-once", "ALTER TABLE orders ADD CHECK (total > 0)", 1_000_000)
    assert " s," not in said
    assert severity is Severity.WARNING


def test_a_short_lock_on_a_table_that_nobody_uses_needs_no_timeout() -> None:
    rule = find_rule("lock-timeout-missing")
    used = Example(sql="SELECT id FROM orders", calls=20 * DAY, days=1.0, tables=(table("orders"), table("idle")))
    for name, count in (("orders", 1), ("idle", 0)):
        found = findings_in(rule, replace(used, migration=f"ALTER TABLE {name} ADD COLUMN note text"))
        assert len(found) == count
