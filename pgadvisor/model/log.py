"""What log files told: durations of statements, requests of the application, events, and what was not read.

Exact counts; quantiles from a mergeable sketch (relative error 1 %). The same records whatever the number of processes.
"""

from datetime import datetime
from typing import Literal

from pgadvisor.model.record import Record

Tags = tuple[tuple[str, str], ...]


class LogFile(Record):
    """One file that was read."""

    name: str
    """As given, without its folder."""
    form: Literal["stderr", "csv", "json"]
    wrapping: str | None = None
    """What put lines of its own around the server's: `rds`, `cloudsql`, `azure`, `heroku`, `systemd`, `docker`."""
    prefix: str | None = None
    """log_line_prefix of the stderr form, found or given."""
    size_bytes: int = 0
    """Unpacked."""
    records: int = 0
    first_at: datetime | None = None
    last_at: datetime | None = None


class NotRead(Record):
    """Records or lines that were not understood, counted by reason."""

    file: str
    reason: str
    """As a clause: `half-written record`, `not UTF-8`, `line over 8 MB`."""
    count: int
    line: int | None = None
    """The first of them."""


class Spread(Record):
    """How a figure is spread over many observations."""

    count: int
    total: float
    least: float
    median: float
    p95: float
    p99: float
    most: float


class LoggedPlan(Record):
    """One auto_explain plan, of those that a fair sample of its statement's runs kept."""

    duration_ms: float
    explain: str
    """EXPLAIN's output as logged, JSON or text."""
    at: datetime | None = None


class LoggedStatement(Record):
    """Runs of one statement, whatever its constants."""

    key: str
    """The fingerprint of the text: links to `Statement.fingerprint` where the snapshot has the statement."""
    text: str
    """With `$n` for constants; comments with tags left out."""
    runs: int
    timed: int
    """Of how many runs the duration was logged."""
    duration_ms: Spread | None = None
    tags: Tags = ()
    """Of its runs, those that every one had."""
    values: tuple[tuple[str | None, ...], ...] = ()
    """Parameters of some runs, taken by chance; only when values are kept."""
    plans: tuple[LoggedPlan, ...] = ()
    nested: int = 0
    """Of the runs, those inside a function: their time is in the outer statement's too."""
    temp_bytes: int = 0
    temp_files: int = 0
    errors: int = 0
    cancelled: int = 0
    lock_wait_ms: float = 0.0
    lock_waits: int = 0


class LogEvent(Record):
    """One kind of happening beside statements, counted."""

    kind: Literal["error", "fatal", "deadlock", "lock wait", "cancelled", "temporary file", "checkpoint", "autovacuum",
                  "connection"]  # fmt: skip
    what: str
    """The message with its names and numbers left out, or the table of an autovacuum."""
    count: int
    first_at: datetime | None = None
    last_at: datetime | None = None
    total_ms: float | None = None
    total_bytes: int | None = None
    example_line: int | None = None
    file: str | None = None


class RequestStep(Record):
    """One statement of a request."""

    statement: str
    """`LoggedStatement.key`."""
    start_ms: float
    """Since the request's first statement began."""
    duration_ms: float
    is_in_transaction: bool = False
    line: str | None = None
    """The line of the application's code, where tags tell it: `orders/views.py:42`."""


class RequestTrace(Record):
    """One request as it was."""

    steps: tuple[RequestStep, ...]
    """In time order; a request with very many holds the first 200."""
    statements: int
    duration_ms: float
    """From its first statement's start to its last one's end."""
    database_ms: float


class EndpointStatement(Record):
    """What one statement does in the requests of an endpoint."""

    statement: str
    """`LoggedStatement.key`."""
    runs: int
    requests: int
    """In how many requests it ran."""
    most_in_one: int
    """The most runs in one request."""
    repeated_runs: int
    """Runs beyond the first of each request."""
    duplicate_runs: int
    """Of these, with parameters equal to an earlier run's in the same request."""
    database_ms: float
    lines: tuple[str, ...] = ()
    """Lines of code that sent it, the most frequent first."""
    after_write_runs: int = 0
    """Runs that read, one by one, between writes of the same transaction."""
    parent: str | None = None
    """`LoggedStatement.key` of what ran right before the first of its repeated runs most often."""


class LoggedEndpoint(Record):
    """The requests of one endpoint."""

    name: str
    """`GET /orders/{id}`, `orders#show`, a job's name; else the application's name."""
    requests: int
    queries: Spread
    """Statements per request."""
    database_ms: Spread
    """Per request."""
    duration_ms: Spread
    """Per request, from its first statement's start to its last one's end."""
    rows: int | None = None
    statements: tuple[EndpointStatement, ...] = ()
    """By database time, most first."""
    typical: RequestTrace | None = None
    """The request nearest to the median."""
    slow: RequestTrace | None = None
    """The request nearest to the 95th percentile or above."""
    idle_in_transaction_ms: float = 0.0
    """Summed over its requests: between statements of an open transaction."""
    lock_wait_ms: float = 0.0
    told_by: Literal["trace", "tags", "transaction", "application_name"] = "tags"
    """What made statements one request: an id in the tags, equal tags in one session, or less."""


class Logs(Record):
    """All that log files told."""

    files: tuple[LogFile, ...] = ()
    not_read: tuple[NotRead, ...] = ()
    first_at: datetime | None = None
    last_at: datetime | None = None
    records: int = 0
    statements: tuple[LoggedStatement, ...] = ()
    """By time, most first."""
    events: tuple[LogEvent, ...] = ()
    endpoints: tuple[LoggedEndpoint, ...] = ()
    """By database time, most first."""
    least_duration_ms: float | None = None
    """What log_min_duration_statement seems to be: shorter statements are not in the log."""
    databases: tuple[str, ...] = ()
    """Databases the statements ran in, where the log says so; others than the audited one are left out."""

    @property
    def left_out_below_ms(self) -> int:
        """Statements shorter than this are not in the log; 0: all are, for the setting is of whole milliseconds."""
        return int(self.least_duration_ms or 0)
