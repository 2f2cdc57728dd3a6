"""Run the gate's rules, over steps and over plans: findings with their rule, file and line."""

from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from pgadvisor.gate.confirming import confirmed
from pgadvisor.migration_facts import GateFacts, MigrationStep
from pgadvisor.model.finding import Finding
from pgadvisor.rule import Rule


def findings_of(rule: Rule, steps: Iterable[MigrationStep], gate: GateFacts) -> Iterator[Finding]:
    """What one rule finds in the steps, in their order, or in what they do to plans."""
    if rule.kind == "change":
        yield from (replace(found, rule=rule.name) for found in rule.check(gate))
        return
    for step in steps:
        for found in rule.check(step, gate):
            where = replace(
                found.where,
                table=found.where.table or step.target,
                file=found.where.file or step.migration.file,
                line=found.where.line or line_of(step),
            )
            # SQL made of a template's statement would have what stands in for its marks.
            remedy = replace(found.remedy, sql=None) if step.statement.is_template else found.remedy
            told = confirmed(replace(found, rule=rule.name, where=where, remedy=remedy), step, gate)
            if told is not None:
                yield told


def line_of(step: MigrationStep) -> int:
    """The line of the file where the step begins; of a framework's file that of its statement's operation."""
    span, statement = step.step.span, step.statement
    if span is None or statement.span is None:
        return statement.line
    return statement.line + statement.text.count("\n", 0, span.start)
