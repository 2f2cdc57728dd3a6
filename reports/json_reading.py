"""A JSON report read back, as far as a later run is compared with it."""

from datetime import UTC, datetime
from typing import Any, Literal

import msgspec

from pgadvisor.model.advice import AdvisedIndex, DroppedIndex, IndexAdvice, StatementEffect
from pgadvisor.model.catalog import Server
from pgadvisor.model.finding import Finding, Remedy, Severity, Where
from pgadvisor.model.log import LoggedEndpoint, Spread
from pgadvisor.model.report import (
    Endpoint,
    JudgedMigrations,
    Report,
    RuleNotRun,
    Trials,
    UnreadStatement,
    Verdict,
)
from pgadvisor.model.snapshot import Area, Gap
from pgadvisor.model.workload import Statement, WorkloadTotals
from pgadvisor.reports.json_record import Key

DropReason = Literal["redundant", "unused", "replaced", "costs more than it gives"]
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


class _Gap(_Read):
    area: Area
    reason: str
    cure: str
    subject: str | None = None


class _RuleNotRun(_Read):
    rule: str
    reason: str
    cure: str


class _Unread(_Read):
    statement: Key
    reason: str
    share: float | None = None


class _Spread(_Read):
    mean: float
    median: float
    p95: float
    most: float


class _Requests(_Read):
    requests: int
    queries: _Spread
    database_ms: _Spread
    duration_ms: _Spread


class _Endpoint(_Read):
    name: str
    statements: tuple[Key, ...] = ()
    seen: _Requests | None = None


class _Trials(_Read):
    planner: str


class _Effect(_Read):
    statement: Key


class _Create(_Read):
    name: str
    table: str
    definition: str
    helps: tuple[_Effect, ...] = ()


class _Drop(_Read):
    name: str
    table: str
    why: DropReason


class _Advice(_Read):
    create: tuple[_Create, ...] = ()
    drop: tuple[_Drop, ...] = ()


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
    gaps: tuple[_Gap, ...] = ()
    rules_run: tuple[str, ...] = ()
    rules_not_run: tuple[_RuleNotRun, ...] = ()
    unread: tuple[_Unread, ...] = ()
    endpoints: tuple[_Endpoint, ...] = ()
    trials: _Trials | None = None
    advice: _Advice | None = None
    migrations: tuple[_Read, ...] | None = None


def read(content: dict[str, Any]) -> Report:
    """The report with what is compared: it holds no plans and no catalog. Raises msgspec.ValidationError when it is not
    one."""
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
        gaps=tuple(Gap(**msgspec.structs.asdict(each)) for each in told.gaps),
        rules_run=told.rules_run,
        rules_not_run=tuple(RuleNotRun(**msgspec.structs.asdict(each)) for each in told.rules_not_run),
        unread=tuple(
            UnreadStatement(statement=_key(each.statement), reason=each.reason, share=each.share)
            for each in told.unread
        ),
        endpoints=tuple(_endpoint(each) for each in told.endpoints),
        trials=None if told.trials is None else Trials(planner=told.trials.planner),
        advice=None if told.advice is None else _advice(told.advice),
        migrations=None if told.migrations is None else JudgedMigrations(),
    )


def _endpoint(told: _Endpoint) -> Endpoint:
    seen = told.seen
    return Endpoint(
        name=told.name,
        statements=tuple(_key(each) for each in told.statements),
        seen=None
        if seen is None
        else LoggedEndpoint(
            name=told.name,
            requests=seen.requests,
            queries=_spread(seen.queries, seen.requests),
            database_ms=_spread(seen.database_ms, seen.requests),
            duration_ms=_spread(seen.duration_ms, seen.requests),
        ),
    )


def _spread(told: _Spread, count: int) -> Spread:
    """The report tells neither the least nor the 99th percentile: the nearest it tells stand for them."""
    return Spread(count=count, total=told.mean * count, least=0.0, median=told.median, p95=told.p95, p99=told.most,
                  most=told.most)  # fmt: skip


def _advice(told: _Advice) -> IndexAdvice:
    """What it advised, without what it cost: that is not compared."""
    return IndexAdvice(
        unit="ms",
        tried_on="",
        create=tuple(
            AdvisedIndex(
                name=each.name, table=each.table, definition=each.definition, sql="", undo="", lock="",
                helps=tuple(StatementEffect(statement=_key(effect.statement), ratio=1.0, before=0.0, after=0.0)
                            for effect in each.helps),
            )
            for each in told.create
        ),
        drop=tuple(
            DroppedIndex(name=each.name, table=each.table, why=each.why, reason="", sql="", undo="", lock="")
            for each in told.drop
        ),
    )  # fmt: skip


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
