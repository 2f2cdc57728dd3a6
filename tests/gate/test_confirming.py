"""Findings held against what was seen on the scratch server."""

from msgspec.structs import replace

from pgadvisor.advise.registry import find_rule
from pgadvisor.gate.confirming import REWRITE, SCAN, traced_text
from pgadvisor.gate.examples import migration_of
from pgadvisor.gate.running import findings_of
from pgadvisor.gate.steps import steps_of
from pgadvisor.migration_facts import GateFacts
from pgadvisor.model.finding import Finding, Rung
from pgadvisor.model.trace import HeldLock, Trace, Traced

INIT = "CREATE TABLE orders (id bigint PRIMARY KEY, total numeric(10, 2), note text, at timestamptz);"
LOCK = HeldLock(relation="public.orders", mode="ACCESS EXCLUSIVE", taken="ACCESS EXCLUSIVE")
TRACED = Traced(file="2.sql", migration="2", place=0, line=1, locks=(LOCK,))


def found(rule: str, text: str, traced: Traced | None, *, version_num: int = 180_000) -> list[Finding]:
    """What the rule says of the text where the server did that."""
    migrations = (migration_of("1.sql", INIT, is_judged=False), migration_of("2.sql", text))
    trace = Trace(server="scratch server", version_num=version_num, statements=(traced,)) if traced else None
    gate = GateFacts(migrations, version=18, trace=trace)
    return list(findings_of(find_rule(rule), steps_of(migrations, version=18), gate))


def test_names_of_rules_are_true() -> None:
    assert {find_rule(name).name for name in REWRITE | SCAN} == REWRITE | SCAN


def test_what_was_seen_comes_first() -> None:
    rewritten = replace(TRACED, rewritten=("public.orders",), rebuilt=("public.a", "public.b"))
    (finding,) = found("type-change-rewrites", "ALTER TABLE orders ALTER total TYPE numeric(12, 4);", rewritten)
    assert finding.evidence[0].text == "traced: took ACCESS EXCLUSIVE on orders, rewrote orders and 2 indexes"
    assert finding.rung is Rung.MEASURED


def test_what_the_server_did_not_do_is_no_finding() -> None:
    text = "ALTER TABLE orders ALTER total TYPE numeric(12, 4);"
    assert found("type-change-rewrites", text, None)
    assert found("type-change-rewrites", text, TRACED) == []
    assert found("set-not-null-scans", "ALTER TABLE orders ALTER note SET NOT NULL;", TRACED) == []


def test_only_what_is_sure_refutes() -> None:
    text = "ALTER TABLE orders ALTER total TYPE numeric(12, 4);"
    conditional = f"DO $$ BEGIN IF now() > '2030-01-01' THEN {text} END IF; END $$;"
    assert found("type-change-rewrites", conditional, TRACED)
    # Without a snapshot nobody knows production's time zone, which decides.
    assert found("type-change-rewrites", "ALTER TABLE orders ALTER at TYPE timestamp;", TRACED)
    # Of a partitioned table the partitions are written anew.
    partitioned = replace(TRACED, locks=(replace(LOCK, kind="partitioned table"),))
    assert found("type-change-rewrites", text, partitioned)
    assert found("type-change-rewrites", text, replace(TRACED, not_run="it needs rights"))


def test_locks_that_nobody_waits_for_are_not_told() -> None:
    weak = HeldLock(relation="public.orders", mode="SHARE UPDATE EXCLUSIVE", taken="SHARE UPDATE EXCLUSIVE")
    assert traced_text(replace(TRACED, locks=(weak,))) is None
    held_before = replace(LOCK, taken=None)
    assert traced_text(replace(TRACED, locks=(held_before,), scanned=("public.orders",))) == "traced: scanned orders"
