"""One fault, one finding: what several rules tell of a statement is told by the one that leads."""

from datetime import UTC, datetime

from pgadvisor.advise.examples import facts_of
from pgadvisor.advise.registry import gate_rules
from pgadvisor.gate.examples import migration_of
from pgadvisor.gate.judge import judge
from pgadvisor.gate.plans import PlansFound
from pgadvisor.gate.trying import TraceFound
from pgadvisor.model.finding import Finding, Severity
from pgadvisor.model.plan_change import ChangePlace, PlanChange, PlanChanges
from pgadvisor.model.trace import Trace, Traced, TraceError
from pgadvisor.model.waiver import ListedWaiver, Terms
from pgadvisor.rule import Example, table

NOW = datetime(2026, 11, 1, tzinfo=UTC)
SHOP = Example(
    sql="SELECT id FROM orders WHERE email = $1",
    other=(("SELECT total FROM orders WHERE id = $1", 1_000, 1.0),),
    calls=1_000,
    days=30.0,
    tables=(
        table(
            "orders",
            columns={"email": "text", "total": "numeric"},
            indexes={"orders_email_idx": "email"},
            rows=50_000_000,
        ),
    ),
)
RULES = {each.name: each.name for each in gate_rules()}


def told(
    sql: str, *changes: PlanChange, error: TraceError | None = None, waived: str | None = None, line: int = 1
) -> tuple[Finding, ...]:
    """What the gate says of a change; `error`: of its statement on the scratch server."""
    listed = (ListedWaiver(rule=waived, file="2.sql", reason="known"),) if waived else ()
    plans = PlansFound(PlanChanges(tried_on="planner twin", planned=2, statements=changes), ())
    traced = Traced(file="2.sql", migration="2", place=0, line=line, error=error)
    tried = TraceFound(Trace(server="scratch server", version_num=180_000, statements=(traced,)), ())
    report = judge(
        [migration_of("2.sql", sql)], gate_rules(), Terms(today=NOW.date(), rules=RULES, listed=listed),
        snapshot=facts_of(SHOP).snapshot, now=NOW, plans=plans, tried=tried if error else None,
    )  # fmt: skip
    return tuple(each for each in report.findings if each.rule != "lock-timeout-missing")


def change(line: int, statement: str = "1", **known: object) -> PlanChange:
    place = ChangePlace(file="2.sql", line=line, text="DROP")
    return PlanChange(statement=statement, place=place, tables=("public.orders",), share=0.4, **known)  # type: ignore[arg-type]


def test_a_removal_tells_the_statements_that_break_by_it() -> None:
    breaks = change(1, error='column "email" does not exist', label="SELECT id FROM orders WHERE email = $1")
    for sql, rule in (
        ("ALTER TABLE orders\n  DROP COLUMN email", "drop-column"),
        ("ALTER TABLE orders RENAME COLUMN email TO mail", "rename-column"),
        ("ALTER TABLE orders RENAME TO purchases", "rename-table"),
        ("DROP TABLE orders", "drop-table"),
    ):
        (found,) = told(sql, breaks)
        assert (found.rule, found.also, found.severity) == (rule, ("statement-breaks",), Severity.ERROR)
        assert any('fails afterwards: column "email" does not exist' in each.text for each in found.evidence)
        assert "1" in found.statements


def test_what_breaks_by_something_else_stays() -> None:
    breaks = change(1, statement="2", error='operator does not exist: "total"', label="SELECT total")
    found = told("ALTER TABLE orders DROP COLUMN email", breaks)
    assert {each.rule for each in found} == {"drop-column", "statement-breaks"}


def test_a_dropped_index_is_told_by_what_gets_slower() -> None:
    slower = change(2, before=8, after=4_000, gone_indexes=("public.orders_email_idx",))
    sql = "SET lock_timeout = '2s';\nDROP INDEX CONCURRENTLY orders_email_idx;"
    (found,) = told(sql, slower)
    assert (found.rule, found.also) == ("plan-regression", ("drop-index-used",))
    assert "index orders_email_idx on orders is dropped and in use" in [each.text for each in found.evidence]
    (alone,) = told(sql)
    assert alone.rule == "drop-index-used"


def test_an_index_that_no_longer_fits_tells_what_else_gets_slower() -> None:
    lost = change(1, before=8, after=4_000, lost_indexes=("public.orders_email_idx",))
    slower = change(1, statement="2", before=8, after=900)
    found = told("ALTER TABLE orders ALTER COLUMN email TYPE varchar", lost, slower)
    (one,) = [each for each in found if each.rule == "index-no-longer-usable"]
    assert one.also == ("plan-regression",)
    assert set(one.statements) == {"1", "2"}


def test_what_fails_is_told_once() -> None:
    syntax = TraceError(message='syntax error at or near "TABEL"', sqlstate="42601", line=2)
    (found,) = told("ALTER\n TABEL orders ADD COLUMN note text;", error=syntax)
    assert (found.rule, found.also) == ("migration-fails", ("unknown-ddl",))
    refused = TraceError(message="cannot run inside a transaction block", sqlstate="25001", line=2)
    (found,) = told("BEGIN;\nCREATE INDEX CONCURRENTLY i ON orders (total);\nCOMMIT;", error=refused, line=2)
    assert (found.rule, found.also) == ("concurrent-in-transaction", ("migration-fails",))
    missing = TraceError(message='column "x" does not exist', sqlstate="42703", line=2)
    found = told("BEGIN;\nCREATE INDEX CONCURRENTLY i ON orders (total);\nCOMMIT;", error=missing, line=2)
    assert {each.rule for each in found} == {"concurrent-in-transaction", "migration-fails"}


def test_advice_on_a_statement_that_has_a_worse_fault_goes_with_it() -> None:
    (found,) = told("ALTER TABLE orders ADD CHECK (total > 0);")
    assert (found.rule, found.also) == ("check-validated-at-once", ("statement-timeout-missing",))


def test_a_waiver_of_what_is_told_beside_does_not_silence_the_fault() -> None:
    (found,) = told("ALTER TABLE orders ADD CHECK (total > 0);", waived="statement-timeout-missing")
    assert (found.rule, found.also) == ("check-validated-at-once", ())
    assert not told("ALTER TABLE orders ADD CHECK (total > 0);", waived="check-validated-at-once")
