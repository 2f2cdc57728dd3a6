"""How long and how many wait: what messages and severities make of sizes and traffic."""

from dataclasses import replace

from pgadvisor.advise.registry import find_rule
from pgadvisor.gate.examples import findings_in
from pgadvisor.model.finding import Severity
from pgadvisor.rule import Example, table

DAY = 86_400


def orders(rows: float, busy: int = 1) -> Example:
    """A table in use: 20 reads and, in the others, 3 writes a second, or that many times as many."""
    return Example(
        sql="SELECT id FROM orders WHERE id = $1",
        calls=20 * DAY * busy,
        other=(("UPDATE orders SET total = $1 WHERE id = $2", 3 * DAY * busy, 1.0),),
        days=1.0,
        tables=(
            table(
                "orders",
                columns={"total": "numeric", "user_id": "bigint"},
                indexes={"orders_total_idx": "total"},
                rows=rows,
            ),
            table("users"),
        ),
        migration="",
    )


def message(rule: str, sql: str, rows: float, *, busy: int = 1) -> tuple[str, Severity]:
    (found,) = findings_in(find_rule(rule), replace(orders(rows, busy), migration=sql))
    return found.message, found.severity


def test_an_exclusive_lock_keeps_reads_and_writes_waiting() -> None:
    said, severity = message("check-validated-at-once", "ALTER TABLE orders ADD CHECK (total > 0)", 80_000_000)
    assert said.endswith("reads and writes of orders wait for about 40 s, 23 calls a second queue behind it")
    assert severity is Severity.ERROR


def test_a_share_lock_keeps_writes_waiting_on_both_tables() -> None:
    sql = "ALTER TABLE orders ADD FOREIGN KEY (user_id) REFERENCES users"
    said, _ = message("foreign-key-validated-at-once", sql, 80_000_000)
    assert said.endswith("while writes of orders and users wait for about 40 s, 3 calls a second queue behind it")


def test_severity_grows_with_the_time_and_with_the_calls_that_wait() -> None:
    sql = "ALTER TABLE orders ADD CHECK (total > 0)"
    assert message("check-validated-at-once", sql, 1_000_000) == (
        "adding a CHECK on (total) to orders reads every row while reads and writes of orders wait for about 0.5 s, "
        "23 calls a second queue behind it",
        Severity.WARNING,
    )
    said, severity = message("check-validated-at-once", sql, 2_000)
    assert "for about" not in said
    assert severity is Severity.INFO, "small, and hardly used"
    assert message("check-validated-at-once", sql, 20_000, busy=20)[1] is Severity.WARNING, "small, and some wait"
    assert message("check-validated-at-once", sql, 1_000_000, busy=20)[1] is Severity.ERROR, "short, and very many wait"
    assert message("check-validated-at-once", sql, 80_000_000)[1] is Severity.ERROR


def test_a_dropped_index_is_as_bad_as_the_queue_behind_it() -> None:
    for rows, severity in ((2_000, Severity.INFO), (1_000_000, Severity.ERROR)):
        assert message("index-not-concurrent", "DROP INDEX orders_total_idx", rows)[1] is severity
    bounded = "SET lock_timeout = '2s'; DROP INDEX orders_total_idx"
    assert message("index-not-concurrent", bounded, 1_000_000)[1] is Severity.WARNING


def test_a_short_lock_on_a_table_that_nobody_uses_needs_no_timeout() -> None:
    rule = find_rule("lock-timeout-missing")
    used = Example(sql="SELECT id FROM orders", calls=20 * DAY, days=1.0, tables=(table("orders"), table("idle")))
    for name, count in (("orders", 1), ("idle", 0)):
        found = findings_in(rule, replace(used, migration=f"ALTER TABLE {name} ADD COLUMN note text"))
        assert len(found) == count
