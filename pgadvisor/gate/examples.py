"""Run a rule on the examples in its own file: those of migrations through the gate, all others as an audit."""

from msgspec.structs import replace

from pgadvisor.advise import examples
from pgadvisor.advise.merge import merge
from pgadvisor.advise.registry import GATE_KINDS
from pgadvisor.gate.running import findings_of
from pgadvisor.gate.steps import steps_of
from pgadvisor.migration_facts import GateFacts
from pgadvisor.model.finding import Finding, Span
from pgadvisor.model.migration import Migration, MigrationStatement
from pgadvisor.rule import Example, Rule
from pgadvisor.sql.splitter import split_statements


def findings_in(rule: Rule, example: Example) -> tuple[Finding, ...]:
    """What the rule finds in the example, merged as in a report."""
    if rule.kind not in GATE_KINDS:
        return examples.findings_in(rule, example)
    facts = examples.facts_of(example)
    known = facts if example.tables else None
    version = example.version_num // 10_000
    migrations = (
        migration_of("1_earlier.sql", example.earlier, is_judged=False),
        replace(
            migration_of("2_change.sql", example.migration, is_in_transaction=example.is_in_transaction),
            unread=example.unread,
        ),
    )
    steps = steps_of(migrations, version=version, snapshot=facts.snapshot if known else None)
    gate = GateFacts(migrations, version=version, facts=known, plans=example.plan_changes, trace=example.trace)
    return tuple(merge(list(findings_of(rule, steps, gate)), facts))


def migration_of(file: str, text: str, *, is_judged: bool = True, is_in_transaction: bool = False) -> Migration:
    """A migration of plain SQL, as the gate finds it."""
    statements = []
    at = 0
    for each in split_statements(text):
        at = text.index(each.text, at)
        span = Span(start=at, end=at + len(each.text))
        statements.append(
            MigrationStatement(text=each.text, line=each.line, span=span, is_in_transaction=is_in_transaction)
        )
        at = span.end
    return Migration(file=file, tool="sql", name=file.removesuffix(".sql"), up=tuple(statements), is_judged=is_judged,
                     is_wrapped=is_in_transaction)  # fmt: skip
