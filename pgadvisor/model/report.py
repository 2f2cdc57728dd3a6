"""Report: what an audit says, whatever the format it is shown in."""

from datetime import datetime

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
    rule_pages: tuple[tuple[str, str], ...] = ()
    """(rule, Markdown page) of each rule that found something."""
