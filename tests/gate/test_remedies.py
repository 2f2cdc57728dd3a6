"""The SQL that findings show is itself judged: it brings no fault that the migration did not have."""

import pytest

from pgadvisor.advise.examples import facts_of
from pgadvisor.advise.registry import gate_rules
from pgadvisor.gate.examples import findings_in, migration_of
from pgadvisor.gate.find.statements import read_statements
from pgadvisor.gate.find.transactions import Way
from pgadvisor.gate.running import findings_of
from pgadvisor.gate.steps import steps_of
from pgadvisor.migration_facts import GateFacts
from pgadvisor.model.migration import Migration
from pgadvisor.rule import Example, Rule

RULES = tuple(each for each in gate_rules() if each.kind == "migration" and "trace" not in each.needs)


def said(sql: str, example: Example, *, is_in_transaction: bool = False) -> set[str]:
    """The rules that find anything at all, information as well."""
    facts = facts_of(example)
    known, version = facts if example.tables else None, example.version_num // 10_000
    migrations = (
        migration_of("1.sql", example.earlier, is_judged=False),
        migration_of("2.sql", sql, is_in_transaction=is_in_transaction),
    )
    steps = steps_of(migrations, version=version, snapshot=facts.snapshot if known else None)
    gate = GateFacts(migrations, version=version, facts=known)
    return {each.rule for rule in RULES for each in findings_of(rule, steps, gate)}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_remedy_is_clean(rule: Rule) -> None:
    for example in rule.bad:
        had = said(example.migration, example, is_in_transaction=example.is_in_transaction)
        for finding in findings_in(rule, example):
            left = said(finding.remedy.sql or "", example)
            assert rule.name not in left, finding.remedy.sql
            assert left <= had, finding.remedy.sql
            hints = {"lock-timeout-missing", "statement-timeout-missing"}
            assert not left & hints, finding.remedy.sql


def test_of_a_template_no_sql_is_made() -> None:
    text = "UPDATE orders SET status = :status;\nCREATE INDEX ON orders (total);\n"
    read = read_statements(text, Way(is_wrapped=True)).statements
    migrations = (Migration(file="1.sql", tool="sql", name="1", up=read),)
    steps = steps_of(migrations, version=18)
    found = [each for rule in RULES for each in findings_of(rule, steps, GateFacts(migrations, version=18))]
    by_line = {line: [each for each in found if each.where.line == line] for line in (1, 2)}
    assert by_line[1]
    assert all(each.remedy.sql is None for each in by_line[1])
    assert any("CONCURRENTLY" in (each.remedy.sql or "") for each in by_line[2])
