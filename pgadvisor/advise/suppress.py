"""Findings that a comment in their statement silences: `-- pgadvisor: ignore deep-offset (the export needs it)`."""

from pgadvisor.facts import Facts
from pgadvisor.model.finding import Finding
from pgadvisor.sql.remarks import ignored_in


def suppress(findings: list[Finding], facts: Facts) -> tuple[list[Finding], int]:
    """The findings that remain, and how many were silenced: all statements of a finding must ask for it."""
    kept = [finding for finding in findings if not _is_silenced(finding, facts)]
    return kept, len(findings) - len(kept)


def _is_silenced(finding: Finding, facts: Facts) -> bool:
    statements = [facts.statement(key) for key in finding.statements]
    return bool(statements) and all(
        statement is not None
        and not ignored_in(statement.text).union(statement.ignores).isdisjoint((finding.rule, *finding.also))
        for statement in statements
    )
