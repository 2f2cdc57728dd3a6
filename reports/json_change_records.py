"""What two runs differ in beside their findings, in the JSON report, written down as records."""

from typing import Any, Literal

import msgspec

from pgadvisor.model.changes import EndpointChange, FindingChange, IndexChange, SchemaChange
from pgadvisor.model.finding import Severity
from pgadvisor.model.record import Record
from pgadvisor.reports.json_record import JsonRecord


class JsonFindingChange(JsonRecord):
    """A finding of both runs that is worse or better now."""

    change: Literal["worse", "better"]
    rule: str
    key: str
    message: str
    severity: Severity
    severity_before: Severity
    place: str | None
    ms_per_day_before: float | None
    """Of its statements together."""
    ms_per_day_after: float | None


class JsonMeasuredStatement(JsonRecord):
    """A statement's counters in the previous run and since."""

    statement: str
    text: str
    calls_before: int
    calls_after: int
    ms_per_call_before: float
    ms_per_call_after: float
    is_enough: bool
    """Whether it was called often enough, both times, for the difference to be more than chance."""


class JsonIndexChange(JsonRecord):
    """An index that was made or dropped between the runs, and what that saved: measured."""

    change: Literal["made", "dropped"]
    index: str
    table: str
    definition: str | None
    size_bytes: int | None
    advised_by: tuple[str, ...]
    """Rules of the previous run that asked for it, or `index advice`; empty: none did."""
    statements: tuple[JsonMeasuredStatement, ...]
    ratio: float | None
    """What a call takes now over what it took, weighed by the calls since."""
    saved_ms: float | None
    """In the time since; below 0: it costs more."""
    saved_ms_per_day: float | None
    unknown: str | None
    """Why nothing is known of what it saved."""


class JsonSchemaChange(JsonRecord):
    """One difference of the schema, the settings or the server; what is not of its kind is null."""

    what: Literal["server", "setting", "extension", "table", "rows", "column", "index"]
    change: Literal["new", "gone", "changed"]
    setting: str | None
    """Or the extension."""
    table: str | None
    column: str | None
    index: str | None
    value_before: str | None
    value_after: str | None
    type_before: str | None
    type_after: str | None
    rows_before: float | None
    rows_after: float | None


class JsonEndpointChange(JsonRecord):
    """The requests of an endpoint in both runs; null: it is not in that one."""

    change: Literal["new", "worse", "better", "gone", "same"]
    name: str
    requests_before: int | None
    requests_after: int | None
    mean_ms_before: float | None
    """Database time of a request."""
    mean_ms_after: float | None
    p95_ms_before: float | None
    p95_ms_after: float | None
    queries_before: float | None
    """Queries per request, on average."""
    queries_after: float | None


def moved_of(change: FindingChange) -> JsonFindingChange:
    """A finding that is worse or better."""
    return JsonFindingChange(**_told(change))


def index_of(change: IndexChange) -> JsonIndexChange:
    """An index made or dropped."""
    told = _told(change)
    told["statements"] = tuple(JsonMeasuredStatement(**_told(each)) for each in change.statements)
    return JsonIndexChange(**told)


def schema_of(change: SchemaChange) -> JsonSchemaChange:
    """A difference of the schema or what stands around it."""
    return JsonSchemaChange(**_told(change))


def endpoint_of(change: EndpointChange) -> JsonEndpointChange:
    """The requests of an endpoint in both runs."""
    return JsonEndpointChange(**_told(change))


def _told(record: Record) -> dict[str, Any]:
    """Its fields; numbers to a thousandth, as everywhere in the report."""
    told = msgspec.structs.asdict(record)
    return {name: round(value, 3) if isinstance(value, float) else value for name, value in told.items()}
