"""A JSON report read back, as far as a later run is compared with it."""

from datetime import UTC, datetime
from typing import Any

import msgspec

from pgadvisor.model.catalog import Server
from pgadvisor.model.finding import Finding, Remedy, Severity, Where
from pgadvisor.model.report import Report, Verdict
from pgadvisor.model.workload import Statement, WorkloadTotals
from pgadvisor.reports.json_record import Key

NEVER = datetime(1970, 1, 1, tzinfo=UTC)
"""Of a report for which no database was read."""


class _Read(msgspec.Struct):
    """A part of a report by whatever version of its format: what is not compared is passed over."""


class _Source(_Read):
    database: str | None
    collected_at: datetime | None = None
    host: str | None = None
    version: str | None = None
    version_num: int | None = None
    statistics_reset_at: datetime | None = None
    window_s: float | None = None


class _Where(_Read):
    table: str | None = None
    column: str | None = None
    index: str | None = None
    endpoint: str | None = None


class _Remedy(_Read):
    text: str
    sql: str | None = None


class _Finding(_Read):
    rule: str
    severity: Severity
    key: str
    message: str
    where: _Where
    remedy: _Remedy
    also: tuple[str, ...] = ()
    statements: tuple[Key, ...] = ()


class _Statement(_Read):
    statement: Key
    fingerprint: str
    text: str
    calls: int | None = None
    total_ms: float | None = None
    rows: int | None = None


class _Totals(_Read):
    since: datetime | None = None
    statements: int = 0
    calls: int = 0
    total_ms: float = 0.0
    own_ms: float = 0.0
    utility_ms: float = 0.0
    evicted: int | None = None


class _Verdict(_Read):
    headline: str
    text: str


class _Report(_Read):
    format: int
    pgadvisor: str
    source: _Source
    verdict: _Verdict
    findings: tuple[_Finding, ...]
    statements: tuple[_Statement, ...] = ()
    totals: _Totals | None = None


def read(content: dict[str, Any]) -> Report:
    """The report with its findings, statements and totals. Raises msgspec.ValidationError when it is not one."""
    told = msgspec.convert(content, _Report)
    source, totals = told.source, told.totals
    return Report(
        format=told.format,
        pgadvisor=told.pgadvisor,
        collected_at=source.collected_at or NEVER,
        verdict=Verdict(headline=told.verdict.headline, text=told.verdict.text),
        server=None
        if source.database is None
        else Server(
            version_num=source.version_num or 0,
            version=source.version or "",
            database=source.database,
            host=source.host,
            statistics_reset_at=source.statistics_reset_at,
        ),
        window_s=source.window_s,
        totals=None if totals is None else WorkloadTotals(**msgspec.structs.asdict(totals)),
        findings=tuple(_finding(each) for each in told.findings),
        statements=tuple(_statement(each) for each in told.statements),
    )


def _finding(told: _Finding) -> Finding:
    return Finding(
        where=Where(**msgspec.structs.asdict(told.where)),
        message=told.message,
        evidence=(),
        remedy=Remedy(text=told.remedy.text, sql=told.remedy.sql),
        wrong_if="",
        severity=told.severity,
        rule=told.rule,
        also=told.also,
        key=told.key,
        statements=tuple(_key(each) for each in told.statements),
    )


def _statement(told: _Statement) -> Statement:
    return Statement(
        key=_key(told.statement),
        text=told.text,
        fingerprint=told.fingerprint,
        position=told.statement if isinstance(told.statement, int) else None,
        calls=told.calls,
        total_ms=told.total_ms,
        mean_ms=told.total_ms / told.calls if told.total_ms is not None and told.calls else None,
        rows=told.rows,
    )


def _key(told: Key) -> str:
    """`Statement.key` again: of a file's statement its position."""
    return f"#{told}" if isinstance(told, int) else told
