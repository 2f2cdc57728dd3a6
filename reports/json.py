"""The report as JSON: one object whose form is written down here as records, and as a schema in docs/."""

import json
import math
from datetime import datetime

import msgspec

from pgadvisor.model.finding import Finding, Rung, Severity
from pgadvisor.model.record import Record
from pgadvisor.model.report import Report
from pgadvisor.model.snapshot import Area


class JsonRecord(Record, omit_defaults=False):
    """A part of the output: every key is always there, null where it is not known."""


class JsonSource(JsonRecord):
    """What was audited."""

    database: str | None
    host: str | None
    version: str | None
    """As PostgreSQL prints it."""
    collected_at: datetime
    window_s: float | None
    """How long the workload's counters had been running."""


class JsonVerdict(JsonRecord):
    """The audit in a sentence."""

    headline: str
    text: str
    severity: Severity | None
    """The worst among the findings; null: nothing was found."""


class JsonUnread(JsonRecord):
    """A statement whose text was not understood."""

    statement: str | int
    reason: str
    share: float | None
    """Of all observed time, 0 to 1."""


class JsonGap(JsonRecord):
    """Something that could not be read."""

    area: Area
    subject: str | None
    """The one table or statement it is about; null: the whole area."""
    reason: str
    cure: str


class JsonRuleNotRun(JsonRecord):
    """A rule that lacked what it needs."""

    rule: str
    reason: str
    cure: str


class JsonWhere(JsonRecord):
    """What a finding is about."""

    table: str | None
    column: str | None
    index: str | None
    statement: str | int | None
    """The queryid as text, since it does not fit a JavaScript number, or the 1-based position in the file."""
    file: str | None
    line: int | None
    endpoint: str | None


class JsonEvidence(JsonRecord):
    """Why we believe it."""

    rung: Rung
    text: str


class JsonRemedy(JsonRecord):
    """What to do about it."""

    text: str
    sql: str | None
    undo: str | None
    lock: str | None
    cost: str | None


class JsonFinding(JsonRecord):
    """One thing found."""

    rule: str
    also: tuple[str, ...]
    """Other rules that found the same cause."""
    severity: Severity
    key: str
    """Its identity across runs."""
    message: str
    where: JsonWhere
    evidence: tuple[JsonEvidence, ...]
    """The pieces in the order the rule gave them."""
    remedy: JsonRemedy
    gain_ms_per_day: float | None
    share: float | None
    """Of all observed time, 0 to 1: what its statements take."""
    statements: tuple[str | int, ...]
    """All statements concerned, the most costly first."""
    wrong_if: str


class JsonReport(JsonRecord):
    """What `pgadvisor … --format json` writes."""

    format: int
    """Number of this form."""
    pgadvisor: str
    """The version that made it."""
    source: JsonSource
    verdict: JsonVerdict
    gaps: tuple[JsonGap, ...]
    rules_not_run: tuple[JsonRuleNotRun, ...]
    unread: tuple[JsonUnread, ...]
    findings: tuple[JsonFinding, ...]
    """Ranked: severity, then time freed, then sureness."""


def render(report: Report) -> str:
    """The report as JSON text, ended by a line feed. Same report, same bytes."""
    written = json.dumps(msgspec.to_builtins(_report(report)), ensure_ascii=False, indent=2)
    # Half of a surrogate pair, as a damaged file may hold, can be written in no encoding.
    return written.encode("utf-8", "replace").decode() + "\n"


def schema() -> str:
    """The JSON schema of what `render` writes, as kept in docs/report.schema.json."""
    made = {"$schema": "https://json-schema.org/draft/2020-12/schema", **msgspec.json.schema(JsonReport)}
    return json.dumps(made, indent=2) + "\n"


def _report(report: Report) -> JsonReport:
    server = report.server
    positions = {each.key: each.position for each in report.statements if each.position is not None}
    return JsonReport(
        format=report.format,
        pgadvisor=report.pgadvisor,
        source=JsonSource(
            database=server.database if server else None,
            host=server.host if server else None,
            version=server.version if server else None,
            collected_at=report.collected_at,
            window_s=_number(report.window_s),
        ),
        verdict=JsonVerdict(
            headline=report.verdict.headline, text=report.verdict.text, severity=report.verdict.severity
        ),
        gaps=tuple(
            JsonGap(area=gap.area, subject=gap.subject, reason=gap.reason, cure=gap.cure) for gap in report.gaps
        ),
        rules_not_run=tuple(
            JsonRuleNotRun(rule=each.rule, reason=each.reason, cure=each.cure) for each in report.rules_not_run
        ),
        unread=tuple(
            JsonUnread(
                statement=positions.get(each.statement, each.statement),
                reason=each.reason,
                share=_number(each.share),
            )
            for each in report.unread
        ),
        findings=tuple(_finding(finding, positions) for finding in report.findings),
    )


def _finding(finding: Finding, positions: dict[str, int]) -> JsonFinding:
    where, remedy = finding.where, finding.remedy
    return JsonFinding(
        rule=finding.rule,
        also=finding.also,
        severity=finding.severity,
        key=finding.key,
        message=finding.message,
        where=JsonWhere(
            table=where.table,
            column=where.column,
            index=where.index,
            statement=None if where.statement is None else positions.get(where.statement, where.statement),
            file=where.file,
            line=where.line,
            endpoint=where.endpoint,
        ),
        evidence=tuple(JsonEvidence(rung=each.rung, text=each.text) for each in finding.evidence),
        remedy=JsonRemedy(text=remedy.text, sql=remedy.sql, undo=remedy.undo, lock=remedy.lock, cost=remedy.cost),
        gain_ms_per_day=_number(finding.gain_ms_per_day),
        share=_number(finding.share),
        statements=tuple(positions.get(key, key) for key in finding.statements),
        wrong_if=finding.wrong_if,
    )


def _number(value: float | None) -> float | None:
    """The value to a thousandth: what is beyond is noise of the arithmetic. JSON has no infinity."""
    return None if value is None or not math.isfinite(value) else round(value, 3)
