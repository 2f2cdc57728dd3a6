"""The overview of many databases as JSON."""

import json

import msgspec

from pgadvisor.model.finding import Severity
from pgadvisor.model.inventory import Overview
from pgadvisor.reports.json_record import JsonRecord


class JsonDatabase(JsonRecord):
    """One database; without a failure it was audited."""

    name: str
    failure: str | None
    next_step: str | None
    source: str | None
    collected_at: str | None
    headline: str | None
    severity: Severity | None
    """The worst found; null: nothing was found, or it could not be audited."""
    errors: int
    warnings: int
    info: int
    failing: int
    """Findings at or above `--fail-on` that are not known."""
    freed_ms_per_day: float | None
    freed_share: float | None
    gaps: int
    rules_not_run: int
    report: str | None
    """The file of its report, beside this one."""


class JsonOverview(JsonRecord):
    """An audit of many databases, in the order of the inventory."""

    format: int
    pgadvisor: str
    databases: tuple[JsonDatabase, ...]


def render(overview: Overview) -> str:
    """The overview as JSON text, ended by a line feed."""
    told = JsonOverview(
        format=overview.format,
        pgadvisor=overview.pgadvisor,
        databases=tuple(
            JsonDatabase(
                name=each.name,
                failure=each.failure,
                next_step=each.next_step,
                source=each.source,
                collected_at=each.collected_at.isoformat() if each.collected_at else None,
                headline=each.verdict.headline if each.verdict else None,
                severity=each.verdict.severity if each.verdict else None,
                errors=each.errors,
                warnings=each.warnings,
                info=each.info,
                failing=each.failing,
                freed_ms_per_day=each.freed_ms_per_day,
                freed_share=each.freed_share,
                gaps=each.gaps,
                rules_not_run=each.rules_not_run,
                report=each.report,
            )
            for each in overview.databases
        ),
    )
    written = json.dumps(msgspec.to_builtins(told), ensure_ascii=False, indent=2)
    return written.encode("utf-8", "replace").decode() + "\n"


def schema() -> str:
    """The JSON schema of what `render` writes, as kept in docs/inventory.schema.json."""
    made = {"$schema": "https://json-schema.org/draft/2020-12/schema", **msgspec.json.schema(JsonOverview)}
    return json.dumps(made, indent=2) + "\n"
