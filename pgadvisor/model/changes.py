"""What two runs differ in, beside their findings: what was measured before and after, the schema, the endpoints."""

from typing import Literal

from pgadvisor.model.finding import Severity
from pgadvisor.model.record import Record


class FindingChange(Record):
    """A finding of both runs that is worse or better now: its severity is another, or what its statements take."""

    change: Literal["worse", "better"]
    rule: str
    key: str
    """In this run."""
    message: str
    severity: Severity
    severity_before: Severity
    place: str | None = None
    ms_per_day_before: float | None = None
    """Of its statements together; None: it has none, or in what time they ran is not known."""
    ms_per_day_after: float | None = None


class MeasuredStatement(Record):
    """A statement's counters in the previous run and since."""

    statement: str
    """`Statement.key` in this run."""
    text: str
    calls_before: int
    calls_after: int
    ms_per_call_before: float
    ms_per_call_after: float
    is_enough: bool = True
    """Whether it was called often enough, both times, for the difference to be more than chance."""


class IndexChange(Record):
    """An index that was made or dropped between the runs, and what the statements that it is about took before and
    after: measured, by the server's own counters."""

    change: Literal["made", "dropped"]
    index: str
    """`schema.index`."""
    table: str
    """`schema.table`."""
    definition: str | None = None
    size_bytes: int | None = None
    advised_by: tuple[str, ...] = ()
    """Rules of the previous run that asked for it, or `index advice`; empty: none did."""
    statements: tuple[MeasuredStatement, ...] = ()
    """Those that it was made for or whose plans use it; of a dropped one, those that write its table or got slower
    there. What took the most time before first."""
    ratio: float | None = None
    """What a call takes now over what it took, weighed by the calls since; None: not known."""
    saved_ms: float | None = None
    """In the time since; below 0: it costs more. None: not known."""
    saved_ms_per_day: float | None = None
    """None also where that time is too short to say what a day is like."""
    unknown: str | None = None
    """Why nothing is known of what it saved, as a clause."""


class SchemaChange(Record):
    """One difference of the schema, the settings or the server; the fields that are of its kind are there."""

    what: Literal["server", "setting", "extension", "table", "rows", "column", "index"]
    change: Literal["new", "gone", "changed"]
    setting: str | None = None
    """Or the extension."""
    table: str | None = None
    """`schema.table`."""
    column: str | None = None
    index: str | None = None
    """`schema.index`."""
    value_before: str | None = None
    """Of a setting, an extension, the server, or what changed of a column or an index."""
    value_after: str | None = None
    type_before: str | None = None
    type_after: str | None = None
    rows_before: float | None = None
    rows_after: float | None = None


class EndpointChange(Record):
    """The requests of an endpoint in both runs, as logs tell of them; None: it is not in that one."""

    change: Literal["new", "worse", "better", "gone", "same"]
    name: str
    requests_before: int | None = None
    requests_after: int | None = None
    mean_ms_before: float | None = None
    """Database time of a request."""
    mean_ms_after: float | None = None
    p95_ms_before: float | None = None
    p95_ms_after: float | None = None
    queries_before: float | None = None
    """Queries per request, on average."""
    queries_after: float | None = None
