"""Report: what an audit says, whatever the format it is shown in."""

from datetime import date, datetime
from typing import Literal

from pgadvisor.model.advice import IndexAdvice
from pgadvisor.model.catalog import Server, Table
from pgadvisor.model.changes import EndpointChange, FindingChange, IndexChange, SchemaChange
from pgadvisor.model.finding import Finding, Severity
from pgadvisor.model.log import LogEvent, LogFile, LoggedEndpoint, LoggedStatement
from pgadvisor.model.plan import PlanComparison, StatementPlan
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


ENDPOINTS_NOTE = (
    "pg_stat_statements keeps the comment of a statement's first call alone: a statement that several endpoints send "
    "counts for the one whose call came first."
)
"""What to say beside the figures of endpoints: they are no more exact than this."""


NOT_JUDGED_NOTE = "their rule could not run, or what they are about did not run, or was not read or planned, this time"
"""What to say beside findings of the previous run of which nobody knows whether they are fixed."""


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
    """Of all observed time, 0 to 1; where logs were read, of the time of all statements in them."""
    seen: LoggedEndpoint | None = None
    """Its requests, where logs tell of them: the figures above are then those of the logs."""


class GoneFinding(Record):
    """A finding of the previous run that this one does not have."""

    rule: str
    severity: Severity
    message: str
    key: str
    place: str | None = None
    applied: str | None = None
    """The index that is there now, as its remedy asked: `public.orders_customer_id_idx`."""
    ms_per_call_before: float | None = None
    """Of its most costly statement, in the previous run and in this one."""
    ms_per_call_after: float | None = None
    queries_before: float | None = None
    """Of a finding about requests: queries of each, on average."""
    queries_after: float | None = None


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
    """Of these nobody knows: see `NOT_JUDGED_NOTE`."""
    statements: tuple[StatementChange, ...] = ()
    """The largest change of time a day first."""
    reset_between: bool = False
    """The counters were reset since: then this run's times are of the time after that alone."""
    since_previous: bool = False
    """This run's times are of the time since the previous one alone: its counters were taken off."""
    gone: tuple[GoneFinding, ...] = ()
    """What they are about is no more there, or no more sent."""
    moved: tuple[FindingChange, ...] = ()
    """Known findings that are worse, then those that are better."""
    indexes: tuple[IndexChange, ...] = ()
    """Made and dropped since; what saved most first."""
    saved_ms: float | None = None
    """What the indexes saved together since, each statement counted once; None: not known."""
    saved_ms_per_day: float | None = None
    """The same; None also where that time is too short to say what a day is like."""
    schema: tuple[SchemaChange, ...] = ()
    endpoints: tuple[EndpointChange, ...] = ()
    """All of both runs, those that changed first."""
    ms_per_day_before: float | None = None
    """Time of all statements; None: in what time they ran is not known."""
    ms_per_day_after: float | None = None
    notes: tuple[str, ...] = ()
    """What the comparison cannot tell, or what makes it doubtful, as sentences."""


class Waived(Record):
    """A finding that someone waived: it is told as such where a format knows how, and fails nothing."""

    finding: Finding
    reason: str | None = None
    until: date | None = None
    """The last day on which the waiver holds; None: it holds for ever."""
    is_in_source: bool = True
    """By a comment beside it; else by an entry of the settings file."""


class RejectedRemedy(Record):
    """A change that a rule proposed and that does not help, as trying it showed: not among the findings."""

    rule: str
    change: str
    """As DDL: `CREATE INDEX ON public.orders (customer_id)`."""
    reason: str
    """What trying it gave, as a clause."""
    statements: tuple[str, ...] = ()
    """`Statement.key` of those that it was to help."""


class UnplannedStatement(Record):
    """A statement of which the planner made no plan."""

    statement: str
    """`Statement.key`."""
    reason: str
    """Why not, as a clause."""


class Disagreement(Record):
    """A statement whose plan on the audited server has another shape than the planner's."""

    statement: str
    """`Statement.key`."""
    what: str
    """In what, as a clause: `orders o: Seq Scan on the server, Index Scan using orders_at_idx on the planner`."""


class Trials(Record):
    """On what the remedies were tried, and how far it can be trusted."""

    planner: str
    """`planner twin, PostgreSQL 18.6`."""
    planned: int = 0
    """Statements of which the planner made a plan."""
    not_planned: tuple[UnplannedStatement, ...] = ()
    """The others."""
    compared: int = 0
    """Of those planned, how many have a plan of the audited server that can be compared."""
    different: tuple[str, ...] = ()
    """`Statement.key` of those whose plan on the audited server has another shape: advice on them is doubtful."""
    disagreements: tuple[Disagreement, ...] = ()
    """In what each of them differs."""
    remedies: int = 0
    """Remedies that were tried and help."""
    rejected: tuple[RejectedRemedy, ...] = ()


class TriedIndex(Record):
    """An index that the user wanted tried."""

    name: str
    """`schema.name`."""
    definition: str
    """CREATE INDEX, whole."""
    is_used: bool
    """Whether the statement's plan uses it."""
    size_bytes: int | None = None
    """How big it would be; None: not known."""


class TriedChange(Record):
    """A change that the user wanted tried on a statement (`--try`, `--hide`, `--set`), and what came of it."""

    statement: str
    """`Statement.key`."""
    change: str
    """As DDL and clauses."""
    tried_on: str
    """`planner twin, PostgreSQL 18.6`."""
    comparison: PlanComparison | None = None
    """None: it could not be tried."""
    error: str | None = None
    """Why not, as a clause."""
    indexes: tuple[TriedIndex, ...] = ()
    spread: str | None = None
    """What the cost comes to over several draws of the statement's values; None: there is one. The plans are of the
    likeliest."""
    doubts: tuple[str, ...] = ()
    """What had to be guessed, as clauses."""


class JudgedMigration(Record):
    """A migration that the gate judged."""

    file: str
    tool: str
    """As `Migration.tool`: `flyway`."""
    statements: int = 0
    tried: int | None = None
    """Of these, how many were run on a scratch server; None: nothing was."""
    unread: str | None = None
    """Why it could not be read, as a clause."""
    down_file: str | None = None
    """Where its way back stands in a file of its own."""


class JudgedMigrations(Record):
    """What the gate judged."""

    files: tuple[JudgedMigration, ...] = ()
    """In the order in which they run."""
    tried_on: str | None = None
    """`scratch server, PostgreSQL 18.6`; None: they were not run."""


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
    waived: tuple[Waived, ...] = ()
    """Findings that a waiver silences."""
    unused_waivers: tuple[str, ...] = ()
    """Comments and waivers that silence nothing, ended, lack a reason or name no rule: a sentence each."""
    endpoints: tuple[Endpoint, ...] = ()
    """The most costly first."""
    logged: tuple[LoggedStatement, ...] = ()
    """The statements that the requests of endpoints name, by their keys; without plans and values."""
    log_files: tuple[LogFile, ...] = ()
    """The logs that were read."""
    events: tuple[LogEvent, ...] = ()
    """What they tell beside statements: errors, locks, temporary files, upkeep."""
    changes: Changes | None = None
    """None: there is no previous run to compare with."""
    trials: Trials | None = None
    """None: no planner was asked."""
    tried: tuple[TriedChange, ...] = ()
    """What the user wanted tried, for each statement in its order."""
    rule_pages: tuple[tuple[str, str], ...] = ()
    """(rule, Markdown page) of each rule that found something."""
    is_redacted: bool = False
    """Names and literals are pseudonyms (`--redact`)."""
    migrations: JudgedMigrations | None = None
    """Of the gate: what was judged; None: it is of something else."""
    advice: IndexAdvice | None = None
    """What to do about the indexes, for the whole workload; None: nobody asked, or no planner could be had."""

    def share_of(self, time_ms: float | None) -> float | None:
        """What share of all observed time that is, 0 to 1; None when either is not known."""
        return min(1.0, time_ms / self.observed_ms) if time_ms is not None and self.observed_ms > 0 else None
