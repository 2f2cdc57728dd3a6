"""What is different between two runs, in words that all formats share."""

from collections.abc import Iterator
from typing import NamedTuple

from pgadvisor.model.changes import EndpointChange, FindingChange, IndexChange, MeasuredStatement, SchemaChange
from pgadvisor.model.finding import Finding
from pgadvisor.model.report import Changes, Report
from pgadvisor.reports import format_numbers as numbers
from pgadvisor.reports.visible_text import folded

LONGEST = 400
NAME = 120
NONE, CHANCE = 1.1, 1.5
"""Below so many times, a measured difference is told as none, or as one that caches and other load make as well."""


class Group(NamedTuple):
    """Findings that went the same way, each in a line."""

    title: str
    noun: str
    lines: tuple[str, ...]


def headline(report: Report, changes: Changes) -> str:
    """What changed, in a line: `2 new findings, 1 worse, 3 fixed; 4 statements worse, 6 better`."""
    worse = sum(each.change == "worse" for each in changes.moved)
    told = [numbers.plural(changes.new, "new finding")]
    for count, word in (
        (worse, "worse"), (len(changes.moved) - worse, "better"), (len(changes.fixed), "fixed"),
        (len(changes.gone), "gone"), (len(changes.not_judged), "not judged"),
    ):  # fmt: skip
        told += [f"{count:,} {word}"] if count else []
    statements = [
        f"{count:,} {word}"
        for word in ("new", "worse", "better", "gone")
        if (count := sum(each.change == word for each in changes.statements))
    ]
    sentence = f"{', '.join(told)}; "
    sentence += f"statements: {', '.join(statements)}" if statements else "no statement's time changed"
    return f"{sentence}; {saved}" if (saved := saved_words(changes)) else sentence


def span(report: Report, changes: Changes) -> str:
    """`2026-11-14 10:00 UTC → 2026-11-21 10:00 UTC (7 d)`."""
    between_s = (report.collected_at - changes.previous_at).total_seconds()
    return (
        f"{numbers.moment(changes.previous_at)} → {numbers.moment(report.collected_at)} ({numbers.duration(between_s)})"
    )


def load(changes: Changes) -> str | None:
    """The database's work a day, before and after."""
    if changes.ms_per_day_before is None or changes.ms_per_day_after is None:
        return None
    before, after = changes.ms_per_day_before, changes.ms_per_day_after
    return f"Database time: {numbers.time(before)} → {numbers.time(after)} a day."


def saved_words(changes: Changes) -> str | None:
    """What the indexes made and dropped saved together; None: nothing is known."""
    if changes.saved_ms is None:
        return None
    verb = "saved" if changes.saved_ms >= 0 else "cost"
    count = sum(each.saved_ms is not None for each in changes.indexes)
    amount = _amount(changes.saved_ms, changes.saved_ms_per_day)
    return f"{numbers.plural(count, 'index change')} {verb} {amount} (measured)"


def finding_groups(report: Report, changes: Changes) -> Iterator[Group]:
    """The findings by what became of them; empty groups are left out."""
    new = tuple(
        f"{each.severity.value}: {folded(each.message, LONGEST)} ({_place(each)}{each.rule}). "
        f"{folded(each.remedy.text, LONGEST)}"
        for each in report.findings
        if each.status == "new"
    )
    yield from _group("New findings", "new finding", new)
    for title, change in (("Worse", "worse"), ("Better", "better")):
        lines = tuple(_moved(each) for each in changes.moved if each.change == change)
        yield from _group(f"{title} findings", f"{change} finding", lines)


def _place(finding: Finding) -> str:
    """Where its request, and else its table, is: `GET /orders, views.py:12, `."""
    where = finding.where
    line = f"{where.file}:{where.line}" if where.file and where.line else where.file
    parts = (where.endpoint or where.index or where.table, line)
    return "".join(f"{folded(part, NAME)}, " for part in parts if part)


def index_line(change: IndexChange) -> str:
    """`made public.orders_customer_id_idx (advised by missing-index): a call takes 40× less, 2.1 h a day saved`."""
    who = f"advised by {', '.join(change.advised_by)}" if change.advised_by else "not advised by the previous run"
    size = f", {numbers.size(change.size_bytes)}" if change.size_bytes is not None else ""
    size += " freed" if size and change.change == "dropped" else ""
    head = f"{change.change} {change.index} ({who}{size})"
    if change.saved_ms is None or change.ratio is None:
        return f"{head}: what it saved is not known: {change.unknown or 'its statements have no times'}"
    count = sum(each.is_enough for each in change.statements)
    which = numbers.plural(count, "statement")
    if 1 / NONE < change.ratio < NONE:
        return f"{head}: no difference measured on {which}"
    doubt = ", which may be chance" if 1 / CHANCE < change.ratio < CHANCE else ""
    if change.ratio < 1:
        times = f"{numbers.factor(1 / change.ratio)} faster" if change.ratio else "faster"
        return f"{head}: {which} {times}, saved {_amount(change.saved_ms, change.saved_ms_per_day)}{doubt}"
    worse = numbers.factor(change.ratio)
    return f"{head}: {which} {worse} slower, cost {_amount(change.saved_ms, change.saved_ms_per_day)} more{doubt}"


def measured_times(each: MeasuredStatement) -> str:
    """`12 ms → 0.3 ms a call, 1,200 → 1,400 calls`."""
    times = f"{numbers.time(each.ms_per_call_before)} → {numbers.time(each.ms_per_call_after)} a call"
    few = "" if each.is_enough else ", too few to tell"
    return f"{times}, {each.calls_before:,} → {each.calls_after:,} calls{few}"


def schema_beside(changes: Changes) -> tuple[SchemaChange, ...]:
    """What changed of the schema, without the indexes that are told with what they saved."""
    told = {each.index for each in changes.indexes}
    return tuple(each for each in changes.schema if each.index not in told or each.index is None)


def schema_line(change: SchemaChange) -> str:
    """One difference of the schema or what stands around it."""
    word = {"new": "new", "gone": "dropped", "changed": "changed"}[change.change]
    match change.what:
        case "server":
            return f"PostgreSQL {change.value_before} → {change.value_after}"
        case "setting":
            return f"setting {change.setting}: {change.value_before} → {change.value_after}"
        case "extension" if change.change == "changed":
            return f"extension {change.setting}: {change.value_before} → {change.value_after}"
        case "extension":
            return f"extension {change.setting}: {word}"
        case "rows":
            return f"table {change.table}: {_rows(change.rows_before)} → {_rows(change.rows_after)} rows"
        case "table":
            return f"table {change.table}: {word}"
        case "index":
            state = f", {change.value_after}" if change.value_after else ""
            return f"index {change.index} on {change.table}: {word}{state}"
        case "column":
            old, new = change.type_before or change.value_before, change.type_after or change.value_after
            how = f"{old} → {new}" if old and new else f"{word} ({old or new})"
            return f"column {change.table}.{change.column}: {how}"


def endpoint_figures(change: EndpointChange) -> tuple[str, str, str, str]:
    """Requests, mean, 95th percentile and queries per request, each before and after."""
    return (
        f"{numbers.count(change.requests_before)} → {numbers.count(change.requests_after)}",
        f"{numbers.time(change.mean_ms_before)} → {numbers.time(change.mean_ms_after)}",
        f"{numbers.time(change.p95_ms_before)} → {numbers.time(change.p95_ms_after)}",
        f"{numbers.count(change.queries_before)} → {numbers.count(change.queries_after)}",
    )


def endpoint_line(change: EndpointChange) -> str:
    """`better: GET /orders: 1.5 ms → 0.5 ms a request (p95 3 ms → 1 ms), queries of each 13 → 1, requests 12 → 40`."""
    requests, mean, p95, queries = (
        told.replace(f"{numbers.UNKNOWN} → ", "").replace(f" → {numbers.UNKNOWN}", "")
        for told in endpoint_figures(change)
    )
    name = folded(change.name, NAME)
    figures = f"{mean} a request (p95 {p95}), queries of each {queries}, requests {requests}"
    return f"{endpoint_change(change)}: {name}: {figures}"


def endpoint_change(change: EndpointChange) -> str:
    """`worse`, or `worse in queries` where its requests are faster."""
    before, after = change.mean_ms_before, change.mean_ms_after
    is_faster = before is not None and after is not None and after < before
    return "worse in queries" if change.change == "worse" and is_faster else change.change


def _rows(rows: float | None) -> str:
    return numbers.count(None if rows is None else round(rows))


def _moved(change: FindingChange) -> str:
    told = f"{change.severity.value}: {folded(change.message, LONGEST)} ({change.rule})"
    if change.severity is not change.severity_before:
        told += f"; it was {change.severity_before.value}"
    if change.ms_per_day_before is not None and change.ms_per_day_after is not None:
        told += f"; {numbers.time(change.ms_per_day_before)} → {numbers.time(change.ms_per_day_after)} a day"
    return told


def _group(title: str, noun: str, lines: tuple[str, ...]) -> Iterator[Group]:
    if lines:
        yield Group(title, noun, lines)


def _amount(ms: float, ms_per_day: float | None) -> str:
    """A day, or since the previous run where that is too short to say what a day is like."""
    return f"{numbers.time(abs(ms))} since then" if ms_per_day is None else f"{numbers.time(abs(ms_per_day))} a day"
