"""The requests of an endpoint in the JSON report, written down as records."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from pgadvisor.model.log import LogEvent, LogFile, LoggedEndpoint, RequestTrace, Spread
from pgadvisor.reports.json_record import JsonRecord


class JsonSpread(JsonRecord):
    """A figure over all requests; quantiles to 1 %."""

    mean: float
    median: float
    p95: float
    most: float


class JsonSent(JsonRecord):
    """A statement in these requests."""

    fingerprint: str
    text: str
    runs: int
    requests: int
    """In how many requests it ran."""
    most_in_one: int
    repeated_runs: int
    """Beyond the first of each request."""
    duplicate_runs: int
    """Of these, with parameters equal to an earlier run's in the same request."""
    database_ms: float
    lines: tuple[str, ...]
    """Of the application's code, the most frequent first."""


class JsonStep(JsonRecord):
    """One query of a request."""

    fingerprint: str
    start_ms: float
    """Since the first query began."""
    duration_ms: float
    line: str | None


class JsonTrace(JsonRecord):
    """One request as it was; of many queries the first 200."""

    queries: int
    database_ms: float
    duration_ms: float
    steps: tuple[JsonStep, ...]


class JsonRequests(JsonRecord):
    """The requests of an endpoint, as logs tell of them."""

    requests: int
    told_by: Literal["trace", "tags", "transaction", "application_name"]
    """What made statements one request."""
    queries: JsonSpread
    database_ms: JsonSpread
    duration_ms: JsonSpread
    """From the first query's start to the last one's end."""
    rows: int | None
    """Of all requests together; null: the log does not tell."""
    idle_in_transaction_ms: float
    lock_wait_ms: float
    sent: tuple[JsonSent, ...]
    """By database time."""
    typical: JsonTrace | None
    slow: JsonTrace | None


class JsonLogFile(JsonRecord):
    """A log that was read."""

    name: str
    form: Literal["stderr", "csv", "json"]
    records: int
    first_at: datetime | None
    last_at: datetime | None


class JsonEvent(JsonRecord):
    """One kind of happening in the logs beside statements, counted."""

    kind: str
    what: str
    """The message without names and values, or the table of an autovacuum."""
    count: int
    total_ms: float | None
    total_bytes: int | None
    first_at: datetime | None
    last_at: datetime | None


class JsonLog(JsonRecord):
    """What logs told beside statements and requests."""

    files: tuple[JsonLogFile, ...]
    events: tuple[JsonEvent, ...]


def log_of(files: Sequence[LogFile], events: Sequence[LogEvent]) -> JsonLog | None:
    """The logs as records of the JSON report; None: none was read."""
    if not files:
        return None
    return JsonLog(
        files=tuple(
            JsonLogFile(name=each.name, form=each.form, records=each.records, first_at=each.first_at,
                        last_at=each.last_at)
            for each in files
        ),
        events=tuple(
            JsonEvent(kind=each.kind, what=each.what, count=each.count, total_bytes=each.total_bytes,
                      total_ms=None if each.total_ms is None else round(each.total_ms, 3), first_at=each.first_at,
                      last_at=each.last_at)
            for each in events
        ),
    )  # fmt: skip


def requests_of(seen: LoggedEndpoint, texts: dict[str, str]) -> JsonRequests:
    """The requests as records of the JSON report. `texts`: of statements by their fingerprints."""
    return JsonRequests(
        requests=seen.requests,
        told_by=seen.told_by,
        queries=_spread(seen.queries),
        database_ms=_spread(seen.database_ms),
        duration_ms=_spread(seen.duration_ms),
        rows=seen.rows,
        idle_in_transaction_ms=round(seen.idle_in_transaction_ms, 3),
        lock_wait_ms=round(seen.lock_wait_ms, 3),
        sent=tuple(
            JsonSent(
                fingerprint=each.statement,
                text=texts.get(each.statement, ""),
                runs=each.runs,
                requests=each.requests,
                most_in_one=each.most_in_one,
                repeated_runs=each.repeated_runs,
                duplicate_runs=each.duplicate_runs,
                database_ms=round(each.database_ms, 3),
                lines=each.lines,
            )
            for each in seen.statements
        ),
        typical=_trace(seen.typical),
        slow=_trace(seen.slow),
    )


def _spread(spread: Spread) -> JsonSpread:
    return JsonSpread(
        mean=round(spread.total / spread.count, 3) if spread.count else 0.0,
        median=round(spread.median, 3),
        p95=round(spread.p95, 3),
        most=round(spread.most, 3),
    )


def _trace(trace: RequestTrace | None) -> JsonTrace | None:
    if trace is None:
        return None
    return JsonTrace(
        queries=trace.statements,
        database_ms=round(trace.database_ms, 3),
        duration_ms=round(trace.duration_ms, 3),
        steps=tuple(
            JsonStep(fingerprint=each.statement, start_ms=each.start_ms, duration_ms=each.duration_ms, line=each.line)
            for each in trace.steps
        ),
    )
