"""The report as JSON: one object, whose form json_records.py writes down, and its schema in docs/."""

import json
import math

import msgspec

from pgadvisor.model.finding import Evidence, Finding
from pgadvisor.model.report import Changes, GoneFinding, Report, StatementChange, Trials, TriedChange
from pgadvisor.model.workload import Statement
from pgadvisor.reports import labels
from pgadvisor.reports.json_change_records import endpoint_of, index_of, moved_of, schema_of
from pgadvisor.reports.json_endpoint_records import log_of, requests_of
from pgadvisor.reports.json_index_records import JsonAdvice
from pgadvisor.reports.json_indexes import Positions, advice_of
from pgadvisor.reports.json_record import Key
from pgadvisor.reports.json_records import (
    JsonChanges,
    JsonComparison,
    JsonDisagreement,
    JsonEndpoint,
    JsonEvidence,
    JsonFinding,
    JsonGap,
    JsonGoneFinding,
    JsonIndexReport,
    JsonMigration,
    JsonNotPlanned,
    JsonRejected,
    JsonRemedy,
    JsonReport,
    JsonRuleNotRun,
    JsonSource,
    JsonStatement,
    JsonStatementChange,
    JsonTotals,
    JsonTrials,
    JsonTried,
    JsonTriedIndex,
    JsonUnread,
    JsonVerdict,
    JsonWaived,
    JsonWhere,
)


def render(report: Report) -> str:
    """The report as JSON text, ended by a line feed. Same report, same bytes."""
    told = _report(report)
    if told.advice is not None and labels.is_of_indexes(report):
        told = _of_indexes(told, told.advice)
    written = json.dumps(msgspec.to_builtins(told), ensure_ascii=False, indent=2)
    # Half of a surrogate pair, as a damaged file may hold, can be written in no encoding.
    return written.encode("utf-8", "replace").decode() + "\n"


def schema(*, of_indexes: bool = False) -> str:
    """The JSON schema of what `render` writes, as kept in docs/report.schema.json; of index advice alone, which has the
    main parts of it at the top as well, in docs/indexes.schema.json."""
    form = JsonIndexReport if of_indexes else JsonReport
    made = {"$schema": "https://json-schema.org/draft/2020-12/schema", **msgspec.json.schema(form)}
    return json.dumps(made, indent=2) + "\n"


def _of_indexes(told: JsonReport, advice: JsonAdvice) -> JsonIndexReport:
    return JsonIndexReport(
        **msgspec.structs.asdict(told),
        create=advice.create,
        drop=advice.drop,
        unit=advice.unit,
        cost_ratio=advice.cost_ratio,
        bound=advice.bound,
        gap=advice.gap,
        budget_bytes=advice.budget_bytes,
        curve=advice.curve,
    )


def _report(report: Report) -> JsonReport:
    at = {each.key: each.position for each in report.statements if each.position is not None}
    endpoints = {key: endpoint.name for endpoint in report.endpoints for key in endpoint.statements}
    texts = {each.key: each.text for each in report.logged}
    return JsonReport(
        format=report.format,
        pgadvisor=report.pgadvisor,
        is_redacted=report.is_redacted,
        source=_source(report),
        verdict=JsonVerdict(
            headline=report.verdict.headline, text=report.verdict.text, severity=report.verdict.severity
        ),
        gaps=tuple(JsonGap(area=each.area, subject=each.subject, reason=each.reason, cure=each.cure)
                   for each in report.gaps),
        rules_run=report.rules_run,
        rules_not_run=tuple(JsonRuleNotRun(rule=each.rule, reason=each.reason, cure=each.cure)
                            for each in report.rules_not_run),
        unread=tuple(
            JsonUnread(statement=_key(each.statement, at), reason=each.reason, share=_number(each.share))
            for each in report.unread
        ),
        findings=tuple(_finding(finding, at) for finding in report.findings),
        waived=tuple(JsonWaived(finding=_finding(each.finding, at), reason=each.reason, until=each.until,
                                is_in_source=each.is_in_source) for each in report.waived),
        unused_waivers=report.unused_waivers,
        tried=tuple(_tried(each, at) for each in report.tried),
        endpoints=tuple(
            JsonEndpoint(name=each.name, calls=each.calls, total_ms=_number(each.total_ms), share=_number(each.share),
                         statements=_keys(each.statements, at),
                         seen=None if each.seen is None else requests_of(each.seen, texts))
            for each in report.endpoints
        ),
        log=log_of(report.log_files, report.events),
        changes=_changes(report.changes, at) if report.changes else None,
        trials=_trials(report.trials, at) if report.trials else None,
        totals=_totals(report),
        statements=tuple(_statement(each, at, endpoints.get(each.key)) for each in report.statements),
        migrations=_migrations(report),
        advice=advice_of(report.advice, at) if report.advice else None,
    )  # fmt: skip


def _migrations(report: Report) -> tuple[JsonMigration, ...] | None:
    if report.migrations is None:
        return None
    return tuple(
        JsonMigration(file=each.file, tool=each.tool, statements=each.statements, tried=each.tried, unread=each.unread)
        for each in report.migrations.files
    )


def _source(report: Report) -> JsonSource:
    server = report.server
    return JsonSource(
        database=server.database if server else None,
        host=server.host if server else None,
        version=server.version if server else None,
        version_num=server.version_num if server else None,
        statistics_reset_at=server.statistics_reset_at if server else None,
        collected_at=labels.read_at(report),
        window_s=_number(report.window_s),
    )


def _totals(report: Report) -> JsonTotals | None:
    totals = report.totals
    if totals is None:
        return None
    return JsonTotals(
        statements=totals.statements,
        calls=totals.calls,
        total_ms=_number(totals.total_ms) or 0.0,
        own_ms=_number(totals.own_ms) or 0.0,
        utility_ms=_number(totals.utility_ms) or 0.0,
        since=totals.since,
        evicted=totals.evicted,
    )


def _finding(finding: Finding, at: Positions) -> JsonFinding:
    where, remedy = finding.where, finding.remedy
    return JsonFinding(
        rule=finding.rule,
        also=finding.also,
        severity=finding.severity,
        status=finding.status,
        key=finding.key,
        message=finding.message,
        where=JsonWhere(
            table=where.table,
            column=where.column,
            index=where.index,
            statement=None if where.statement is None else _key(where.statement, at),
            file=where.file,
            line=where.line,
            endpoint=where.endpoint,
        ),
        evidence=tuple(_evidence(each) for each in finding.evidence),
        remedy=JsonRemedy(
            text=remedy.text, sql=remedy.sql, code=remedy.code, undo=remedy.undo, lock=remedy.lock, cost=remedy.cost
        ),
        gain_ms_per_day=_number(finding.gain_ms_per_day),
        at_most_ms_per_day=_number(finding.at_most_ms_per_day),
        saves_ms_per_request=_number(finding.saves_ms_per_request),
        share=_number(finding.share),
        statements=_keys(finding.statements, at),
        wrong_if=finding.wrong_if,
    )


def _evidence(evidence: Evidence) -> JsonEvidence:
    compared = evidence.comparison
    if compared is None:
        return JsonEvidence(rung=evidence.rung, text=evidence.text, comparison=None)
    before, after = compared.before, compared.after
    comparison = JsonComparison(
        change=compared.change,
        tried_on=compared.tried_on,
        cost_before=_number(before.root.total_cost) or 0.0,
        cost_after=_number(after.root.total_cost) or 0.0,
        ms_before=_number(before.execution_ms),
        ms_after=_number(after.execution_ms),
    )
    return JsonEvidence(rung=evidence.rung, text=evidence.text, comparison=comparison)


def _tried(tried: TriedChange, at: Positions) -> JsonTried:
    compared = tried.comparison
    return JsonTried(
        statement=_key(tried.statement, at),
        change=tried.change,
        tried_on=tried.tried_on,
        cost_before=_number(compared.before.root.total_cost) if compared else None,
        cost_after=_number(compared.after.root.total_cost) if compared else None,
        error=tried.error,
        indexes=tuple(
            JsonTriedIndex(name=each.name, definition=each.definition, is_used=each.is_used, size_bytes=each.size_bytes)
            for each in tried.indexes
        ),
        spread=tried.spread,
        doubts=tried.doubts,
    )


def _changes(changes: Changes, at: Positions) -> JsonChanges:
    return JsonChanges(
        previous_at=changes.previous_at,
        since_previous=changes.since_previous,
        reset_between=changes.reset_between,
        new=changes.new,
        known=changes.known,
        fixed=tuple(_gone(each) for each in changes.fixed),
        not_judged=tuple(_gone(each) for each in changes.not_judged),
        gone=tuple(_gone(each) for each in changes.gone),
        moved=tuple(map(moved_of, changes.moved)),
        statements=tuple(_changed(each, at) for each in changes.statements),
        indexes=tuple(map(index_of, changes.indexes)),
        saved_ms=_number(changes.saved_ms),
        saved_ms_per_day=_number(changes.saved_ms_per_day),
        schema=tuple(map(schema_of, changes.schema)),
        endpoints=tuple(map(endpoint_of, changes.endpoints)),
        ms_per_day_before=_number(changes.ms_per_day_before),
        ms_per_day_after=_number(changes.ms_per_day_after),
        notes=changes.notes,
    )


def _gone(finding: GoneFinding) -> JsonGoneFinding:
    return JsonGoneFinding(
        rule=finding.rule,
        severity=finding.severity,
        key=finding.key,
        message=finding.message,
        place=finding.place,
        applied=finding.applied,
        ms_per_call_before=_number(finding.ms_per_call_before),
        ms_per_call_after=_number(finding.ms_per_call_after),
        queries_before=_number(finding.queries_before),
        queries_after=_number(finding.queries_after),
    )


def _changed(change: StatementChange, at: Positions) -> JsonStatementChange:
    return JsonStatementChange(
        change=change.change,
        statement=None if change.statement is None else _key(change.statement, at),
        text=change.text,
        ms_per_call_before=_number(change.ms_per_call_before),
        ms_per_call_after=_number(change.ms_per_call_after),
        ms_per_day_before=_number(change.ms_per_day_before),
        ms_per_day_after=_number(change.ms_per_day_after),
    )


def _trials(trials: Trials, at: Positions) -> JsonTrials:
    return JsonTrials(
        planner=trials.planner,
        planned=trials.planned,
        not_planned=tuple(
            JsonNotPlanned(statement=_key(each.statement, at), reason=each.reason) for each in trials.not_planned
        ),
        compared=trials.compared,
        different=_keys(trials.different, at),
        disagreements=tuple(
            JsonDisagreement(statement=_key(each.statement, at), what=each.what) for each in trials.disagreements
        ),
        remedies=trials.remedies,
        rejected=tuple(
            JsonRejected(rule=each.rule, change=each.change, reason=each.reason, statements=_keys(each.statements, at))
            for each in trials.rejected
        ),
    )


def _statement(statement: Statement, at: Positions, endpoint: str | None) -> JsonStatement:
    return JsonStatement(
        statement=_key(statement.key, at),
        fingerprint=statement.fingerprint,
        name=statement.name,
        endpoint=endpoint,
        calls=statement.calls,
        total_ms=_number(statement.total_ms),
        mean_ms=_number(statement.mean_ms),
        rows=statement.rows,
        text=statement.text,
    )


def _key(key: str, at: Positions) -> Key:
    return at.get(key, key)


def _keys(keys: tuple[str, ...], at: Positions) -> tuple[Key, ...]:
    return tuple(_key(key, at) for key in keys)


def _number(value: float | None) -> float | None:
    """The value to a thousandth: what is beyond is noise of the arithmetic. JSON has no infinity."""
    return None if value is None or not math.isfinite(value) else round(value, 3)
