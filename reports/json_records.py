"""The form of the JSON report, written down as records: its schema is made of them."""

from datetime import date, datetime
from typing import Literal

from pgadvisor.model.advice import Unit
from pgadvisor.model.finding import Rung, Severity
from pgadvisor.model.snapshot import Area
from pgadvisor.reports.json_change_records import (
    JsonEndpointChange,
    JsonFindingChange,
    JsonIndexChange,
    JsonSchemaChange,
)
from pgadvisor.reports.json_endpoint_records import JsonLog, JsonRequests
from pgadvisor.reports.json_index_records import JsonAdvice, JsonCreate, JsonCurvePoint, JsonDrop
from pgadvisor.reports.json_record import JsonRecord, Key


class JsonSource(JsonRecord):
    """What was audited."""

    database: str | None
    host: str | None
    version: str | None
    """As PostgreSQL prints it."""
    version_num: int | None
    """As `server_version_num`: 150018."""
    statistics_reset_at: datetime | None
    """When the counters of tables and indexes were last reset; null: never, or not known."""
    collected_at: datetime | None
    """null: no database was read."""
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

    statement: Key
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
    statement: Key | None
    """The queryid as text, since it does not fit a JavaScript number, or the 1-based position in the file."""
    file: str | None
    line: int | None
    endpoint: str | None


class JsonComparison(JsonRecord):
    """The finding's statement planned, or run, as things are and with a change tried."""

    change: str
    tried_on: str
    cost_before: float
    """In the planner's units."""
    cost_after: float
    ms_before: float | None
    """Measured; null: it was planned, not run."""
    ms_after: float | None


class JsonEvidence(JsonRecord):
    """Why we believe it."""

    rung: Rung
    text: str
    comparison: JsonComparison | None


class JsonRemedy(JsonRecord):
    """What to do about it."""

    text: str
    sql: str | None
    code: str | None
    undo: str | None
    lock: str | None
    cost: str | None


class JsonFinding(JsonRecord):
    """One thing found."""

    rule: str
    also: tuple[str, ...]
    """Other rules that found the same cause."""
    severity: Severity
    status: Literal["new", "known"] | None
    """Against the previous run or the baseline; null: neither was given."""
    key: str
    """Its identity across runs."""
    message: str
    where: JsonWhere
    evidence: tuple[JsonEvidence, ...]
    """The pieces in the order the rule gave them."""
    remedy: JsonRemedy
    gain_ms_per_day: float | None
    at_most_ms_per_day: float | None
    """Where the gain is not known: the observed time of what it is about, of which its remedy frees some or all."""
    saves_ms_per_request: float | None
    """Of a finding about requests of an endpoint: at most; null: it is about something else."""
    share: float | None
    """Of all observed time, 0 to 1: what its statements take."""
    statements: tuple[Key, ...]
    """All statements concerned, the most costly first."""
    wrong_if: str


class JsonTriedIndex(JsonRecord):
    """An index that the user wanted tried."""

    name: str
    definition: str
    is_used: bool
    size_bytes: int | None


class JsonTried(JsonRecord):
    """A change that the user wanted tried on a statement, and what came of it."""

    statement: Key
    change: str
    tried_on: str
    cost_before: float | None
    """In the planner's units; null: it could not be tried."""
    cost_after: float | None
    error: str | None
    """Why it could not be tried."""
    indexes: tuple[JsonTriedIndex, ...]
    spread: str | None
    """What the cost comes to over several draws of the statement's values; null: there is one."""
    doubts: tuple[str, ...]
    """What had to be guessed."""


class JsonEndpoint(JsonRecord):
    """A request of the application."""

    name: str
    calls: int | None
    """Of all its statements together."""
    total_ms: float | None
    share: float | None
    """Of all observed time, 0 to 1."""
    statements: tuple[Key, ...]
    """The most costly first."""
    seen: JsonRequests | None
    """Its requests, where logs tell of them: `calls`, `total_ms` and `share` are then the logs' as well."""


class JsonGoneFinding(JsonRecord):
    """A finding of the previous run that this one does not have."""

    rule: str
    severity: Severity
    key: str
    message: str
    place: str | None
    applied: str | None
    """The index that is there now, as its remedy asked."""
    ms_per_call_before: float | None
    """Of its most costly statement."""
    ms_per_call_after: float | None
    queries_before: float | None
    """Of a finding about requests: queries of each, on average."""
    queries_after: float | None


class JsonStatementChange(JsonRecord):
    """A statement whose time is not what it was."""

    change: Literal["new", "worse", "better", "gone"]
    statement: Key | None
    """In this run; null: it is gone."""
    text: str
    ms_per_call_before: float | None
    ms_per_call_after: float | None
    ms_per_day_before: float | None
    ms_per_day_after: float | None


class JsonChanges(JsonRecord):
    """What is different from the previous run."""

    previous_at: datetime
    since_previous: bool
    """Whether this report's times are of the time since then alone."""
    reset_between: bool
    """Whether the counters were reset since."""
    new: int
    known: int
    fixed: tuple[JsonGoneFinding, ...]
    not_judged: tuple[JsonGoneFinding, ...]
    """Nobody knows what became of them: their rule could not run, or what they are about was not read or planned."""
    gone: tuple[JsonGoneFinding, ...]
    """What they are about is no more there, or no more sent."""
    moved: tuple[JsonFindingChange, ...]
    """Findings of both runs that are worse, then those that are better."""
    statements: tuple[JsonStatementChange, ...]
    """The largest change of time a day first."""
    indexes: tuple[JsonIndexChange, ...]
    """Made and dropped in between; what saved most first."""
    saved_ms: float | None
    """What the indexes saved together since, each statement counted once: measured."""
    saved_ms_per_day: float | None
    schema: tuple[JsonSchemaChange, ...]
    """What else changed: server, settings, extensions, tables, columns, indexes."""
    endpoints: tuple[JsonEndpointChange, ...]
    """All of both runs, where logs tell of their requests; those that changed first."""
    ms_per_day_before: float | None
    """Time of all statements."""
    ms_per_day_after: float | None
    notes: tuple[str, ...]
    """What the comparison cannot tell, or what makes it doubtful."""


class JsonNotPlanned(JsonRecord):
    """A statement of which the planner made no plan."""

    statement: Key
    reason: str


class JsonRejected(JsonRecord):
    """A change that a rule proposed and that does not help, as trying it showed."""

    rule: str
    change: str
    reason: str
    statements: tuple[Key, ...]


class JsonDisagreement(JsonRecord):
    """A statement whose plan on the audited server has another shape than the planner's."""

    statement: Key
    what: str
    """In what, as a clause."""


class JsonTrials(JsonRecord):
    """On what the remedies were tried, and how far it can be trusted."""

    planner: str
    planned: int
    """Statements of which the planner made a plan."""
    not_planned: tuple[JsonNotPlanned, ...]
    compared: int
    """Of those planned, how many have a plan of the audited server that can be compared."""
    different: tuple[Key, ...]
    """Those whose plan on the audited server has another shape: advice on them is doubtful."""
    disagreements: tuple[JsonDisagreement, ...]
    """In what each of them differs."""
    remedies: int
    """Remedies that were tried and help."""
    rejected: tuple[JsonRejected, ...]


class JsonStatement(JsonRecord):
    """A statement of the workload with its main counters."""

    statement: Key
    fingerprint: str
    """The same for other literals, across databases and versions."""
    name: str | None
    endpoint: str | None
    calls: int | None
    total_ms: float | None
    mean_ms: float | None
    rows: int | None
    text: str


class JsonTotals(JsonRecord):
    """Sums over all that pg_stat_statements holds for the database, also over what was left out."""

    statements: int
    calls: int
    total_ms: float
    own_ms: float
    """Time of pgadvisor's own statements, left out."""
    utility_ms: float
    """Time of utility statements, left out."""
    since: datetime | None
    """When they began."""
    evicted: int | None
    """Entries thrown away for lack of room."""


class JsonWaived(JsonRecord):
    """A finding that someone waived: it fails nothing."""

    finding: JsonFinding
    reason: str | None
    until: date | None
    """The last day on which the waiver holds; null: it holds for ever."""
    is_in_source: bool
    """By a comment beside the statement; else by an entry of the settings file."""


class JsonMigration(JsonRecord):
    """A migration that was judged."""

    file: str
    tool: str
    """`sql`, `flyway`, `alembic`, …"""
    statements: int
    tried: int | None
    """Of these, how many were run on a scratch server; null: nothing was."""
    unread: str | None
    """Why it could not be read; null: it was."""


class JsonReport(JsonRecord):
    """What `pgadvisor … --format json` writes."""

    format: int
    """Number of this form."""
    pgadvisor: str
    """The version that made it."""
    is_redacted: bool
    """Names and literals are pseudonyms (`--redact`)."""
    source: JsonSource
    verdict: JsonVerdict
    gaps: tuple[JsonGap, ...]
    rules_run: tuple[str, ...]
    rules_not_run: tuple[JsonRuleNotRun, ...]
    unread: tuple[JsonUnread, ...]
    findings: tuple[JsonFinding, ...]
    """Ranked: severity, then time freed (of one that can only be told at most, half), then sureness."""
    waived: tuple[JsonWaived, ...]
    """Findings that the settings, or at the gate comments, waive, in the same order."""
    unused_waivers: tuple[str, ...]
    """Comments and waivers of no use any more: a sentence each."""
    tried: tuple[JsonTried, ...]
    """What the user wanted tried (`--try`, `--hide`, `--set`), for each statement in its order."""
    endpoints: tuple[JsonEndpoint, ...]
    """The most costly first; as far as the comments of statements tell, of which the first call's is kept."""
    log: JsonLog | None
    """What logs told beside statements and requests; null: none was given."""
    changes: JsonChanges | None
    """null: there is no previous run to compare with."""
    trials: JsonTrials | None
    """null: no planner was asked."""
    totals: JsonTotals | None
    statements: tuple[JsonStatement, ...]
    """The most costly first, or in the order of their file."""
    migrations: tuple[JsonMigration, ...] | None
    """Of the gate: what was judged, in the order in which it runs; null: the report is of something else."""
    advice: JsonAdvice | None
    """What to do about the indexes, for the whole workload; null: nobody asked, or no planner could be had."""


class JsonIndexReport(JsonReport):
    """What `pgadvisor indexes … --format json` writes: a report whose findings are index advice alone, the main parts
    of which stand at the top as well."""

    create: tuple[JsonCreate, ...]
    drop: tuple[JsonDrop, ...]
    unit: Unit
    cost_ratio: float
    bound: float | None
    gap: float
    budget_bytes: int | None
    curve: tuple[JsonCurvePoint, ...]
