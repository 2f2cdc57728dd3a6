"""Report: what an audit says, whatever the format it is shown in."""

from datetime import datetime
from typing import Literal

from pgadvisor.model.catalog import Server, Table
from pgadvisor.model.finding import Finding, Severity
from pgadvisor.model.plan import StatementPlan
from pgadvisor.model.record import Record
from pgadvisor.model.snapshot import Gap
from pgadvisor.model.workload import Statement, WorkloadTotals

FORMAT = 1
"""Number of the JSON report's form."""


class Verdict(Record):
    """The audit in a sentence, before any number."""

    headline: str
    text: str
    severity: Severity | None = None
    """The worst among the findings; None: nothing was found."""


class TimeShare(Record):
    """A part of the database time: of one statement, or of the rest."""

    label: str
    total_ms: float
    share: float
    """0 to 1."""
    statement: str | None = None
    """`Statement.key`; None for the rest."""


class RuleNotRun(Record):
    """A rule that lacks what it needs. "Could not look" never reads as "fine"."""

    rule: str
    reason: str
    cure: str


class UnreadStatement(Record):
    """A statement whose text was not understood."""

    statement: str
    reason: str
    share: float | None = None


class Endpoint(Record):
    """A request of the application, known by the tags in its statements."""

    name: str
    """`GET /orders/{id}`, a route, or `controller#action`."""
    statements: tuple[str, ...]
    """`Statement.key`, the most costly first."""
    calls: int | None = None
    """Of all its statements together."""
    total_ms: float | None = None
    share: float | None = None
    """Of all observed time, 0 to 1."""


class GoneFinding(Record):
    """A finding of the previous run that this one does not have."""

    rule: str
    severity: Severity
    message: str
    key: str
    place: str | None = None


class StatementChange(Record):
    """A statement whose time is not what it was; None: not known, or not there."""

    text: str
    change: Literal["new", "worse", "better", "gone"]
    statement: str | None = None
    """`Statement.key` in this run; None: it is gone."""
    ms_per_call_before: float | None = None
    ms_per_call_after: float | None = None
    ms_per_day_before: float | None = None
    ms_per_day_after: float | None = None


class Changes(Record):
    """What is different from the previous run."""

    previous_at: datetime
    """When the previous run read its source."""
    new: int = 0
    """Findings that the previous run did not have."""
    known: int = 0
    fixed: tuple[GoneFinding, ...] = ()
    """Their rule ran and finds them no more."""
    not_judged: tuple[GoneFinding, ...] = ()
    """Their rule could not run this time: nobody knows."""
    statements: tuple[StatementChange, ...] = ()
    """The largest change of time a day first."""
    reset_between: bool = False
    """The counters were reset since: then this run's times are of the time after that alone."""


class Report(Record):
    """What an audit says."""

    format: int
    pgadvisor: str
    collected_at: datetime
    verdict: Verdict
    server: Server | None = None
    window_s: float | None = None
    """How long the workload's counters had been running."""
    totals: WorkloadTotals | None = None
    observed_ms: float = 0.0
    """All observed database time but pgadvisor's own: what shares of time are shares of. 0: no times are known."""
    time: tuple[TimeShare, ...] = ()
    """Where the time goes, the most costly first."""
    time_by_table: tuple[TimeShare, ...] = ()
    """The same by table."""
    table_shares: tuple[TimeShare, ...] = ()
    """Every table that time is spent on, the most costly first."""
    findings: tuple[Finding, ...] = ()
    """Ranked: severity, then time freed, then sureness."""
    statements: tuple[Statement, ...] = ()
    plans: tuple[StatementPlan, ...] = ()
    tables: tuple[Table, ...] = ()
    """Without the values of their statistics; the biggest first."""
    gaps: tuple[Gap, ...] = ()
    rules_run: tuple[str, ...] = ()
    rules_not_run: tuple[RuleNotRun, ...] = ()
    unread: tuple[UnreadStatement, ...] = ()
    suppressed: int = 0
    """Findings silenced by a comment in their statement."""
    endpoints: tuple[Endpoint, ...] = ()
    """The most costly first."""
    changes: Changes | None = None
    """None: there is no previous run to compare with."""
    rule_pages: tuple[tuple[str, str], ...] = ()
    """(rule, Markdown page) of each rule that found something."""
