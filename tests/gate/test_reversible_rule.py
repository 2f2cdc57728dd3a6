"""Ways back: which migrations are told to have none."""

from msgspec.structs import replace

from pgadvisor.advise.registry import find_rule
from pgadvisor.gate.examples import migration_of
from pgadvisor.gate.running import findings_of
from pgadvisor.migration_facts import GateFacts
from pgadvisor.model.finding import Finding, Severity
from pgadvisor.model.migration import Migration
from pgadvisor.model.trace import Reversal, Trace


def found(*migrations: Migration) -> list[Finding]:
    """What the rule says where each was tried."""
    reversals = tuple(Reversal(file=each.file, migration=each.name) for each in migrations if each.is_judged)
    trace = Trace(server="scratch server", version_num=180_000, reversals=reversals)
    return list(findings_of(find_rule("migration-not-reversible"), (), GateFacts(migrations, version=18, trace=trace)))


def goose(name: str, *, has_way_back: bool, is_judged: bool = False) -> Migration:
    """A migration of goose's."""
    made = migration_of(f"{name}.sql", "SELECT 1;", is_judged=is_judged)
    return replace(made, tool="goose", down=made.up if has_way_back else None)


def test_the_one_without_a_way_back_is_told() -> None:
    (finding,) = found(goose("1", has_way_back=True), goose("2", has_way_back=False, is_judged=True))
    assert (finding.severity, finding.where.file, finding.where.line) == (Severity.INFO, "2.sql", 1)


def test_where_none_has_one_nothing_is_told() -> None:
    assert found(goose("1", has_way_back=False), goose("2", has_way_back=False, is_judged=True)) == []


def test_where_the_tool_has_none_nothing_is_told() -> None:
    plain = replace(goose("1", has_way_back=True), tool="flyway")
    assert found(plain, replace(goose("2", has_way_back=False, is_judged=True), tool="flyway")) == []
