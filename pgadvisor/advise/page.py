"""A rule's page: its docstring, its examples, and what it really says about them."""

from collections.abc import Callable

from pgadvisor.advise.examples import findings_in
from pgadvisor.model.finding import Finding
from pgadvisor.rule import Example, Rule

FindingsIn = Callable[[Rule, Example], tuple[Finding, ...]]
"""Runs a rule on an example: an audit's, or the gate's, which knows migrations as well."""


def page_of(rule: Rule, find: FindingsIn = findings_in) -> str:
    """The rule's page as Markdown; `find` runs its examples."""
    summary, _, body = rule.doc.partition("\n")
    needs = f", needs {', '.join(rule.needs)}" if rule.needs else ""
    origin = f", of the package {rule.package}" if rule.package else ""
    parts = [
        f"# {rule.name}",
        summary,
        f"*{rule.kind} rule, up to {rule.severity}, since {rule.since}{needs}{origin}*",
        body.strip(),
        *(["## Examples", "### Found", *_found(rule, rule.bad[0], find)] if rule.bad else []),
        *(["### Fine"] if rule.good else []),
        *(part for example in rule.good for part in _fine(example)),
        "## How to silence it",
        f"```sql\n-- pgadvisor: ignore {rule.name} (why)\n```",
    ]
    return "\n\n".join(parts) + "\n"


def _found(rule: Rule, example: Example, find: FindingsIn) -> list[str]:
    said = "\n\n".join(_told(finding) for finding in find(rule, example))
    return [*_shown(example), "pgadvisor says:", f"```text\n{said}\n```"]


def _fine(example: Example) -> list[str]:
    return [example.note, *_shown(example)]


def _shown(example: Example) -> list[str]:
    if example.migration:
        earlier = f"-- an earlier migration\n{example.earlier}\n\n" if example.earlier else ""
        return [f"```sql\n{earlier}{example.migration}\n```"]
    if example.sql:
        return [f"```sql\n{example.sql}\n```"]
    indexes = "\n".join(f"{index.definition};" for table in example.tables for index in table.indexes)
    return [f"```sql\n{indexes}\n```"] if indexes else []


def _told(finding: Finding) -> str:
    where = finding.where
    place = where.index or ".".join(part for part in (where.table, where.column) if part)
    lines = [f"{finding.severity}: {finding.message}"]
    lines += [f"  at      {place}"] if place else []
    lines += [f"  because {evidence.text} ({evidence.rung})" for evidence in finding.evidence]
    lines.append(f"  remedy  {finding.remedy.text}")
    lines += [f"          {line}".rstrip() for line in (finding.remedy.sql or "").splitlines()]
    return "\n".join(lines)
