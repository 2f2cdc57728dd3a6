"""What logs told beside statements and requests, in words and rows for all formats: files, errors, locks, upkeep."""

from collections import Counter
from typing import NamedTuple

from pgadvisor.model.log import LogEvent, LoggedStatement
from pgadvisor.model.report import Report
from pgadvisor.reports import format_numbers as numbers

NOTE = "Of the whole server, other databases among them; names and values in messages are left out."
ORDER = (
    "deadlock", "fatal", "error", "cancelled", "lock wait", "temporary file", "autovacuum", "checkpoint", "connection",
)  # fmt: skip
"""Of the kinds: what fails, what waits, what is of every day."""


class EventRow(NamedTuple):
    """One kind of happening, counted."""

    kind: str
    what: str
    times: int
    amount: str
    """Its time or size together; empty: it has none."""
    last: str
    """When it was seen last."""


def read_sentence(report: Report) -> str:
    """`1,200 records of 2 log files were read, from 2026-11-14 10:00 UTC to 2026-11-14 11:00 UTC.`"""
    files = report.log_files
    count = numbers.plural(sum(each.records for each in files), "record")
    first = min((each.first_at for each in files if each.first_at), default=None)
    last = max((each.last_at for each in files if each.last_at), default=None)
    span = f", from {numbers.moment(first)} to {numbers.moment(last)}" if first and last else ""
    return f"{count} of {numbers.plural(len(files), 'log file')} were read{span}."


def by_statement(report: Report) -> dict[str, LoggedStatement]:
    """What logs tell of the statements, by `Statement.key`; of those alone that no other has the shape of."""
    counts = Counter(each.fingerprint for each in report.statements)
    logged = {each.key: each for each in report.logged}
    return {
        each.key: logged[each.fingerprint]
        for each in report.statements
        if counts[each.fingerprint] == 1 and each.fingerprint in logged
    }


def runs(logged: LoggedStatement) -> str:
    """`in the logs: 180 runs, median 0.5 ms, p95 2 ms, slowest 12 ms; 3 errors; 12 MB of temporary files`."""
    spread = logged.duration_ms
    parts = [numbers.plural(logged.runs, "run")]
    if spread is not None and logged.runs > 1:
        median, p95, most = (numbers.time(each) for each in (spread.median, spread.p95, spread.most))
        parts[0] += f", median {median}, p95 {p95}, slowest {most}"
    parts += [numbers.plural(logged.errors, "error")] if logged.errors else []
    parts += [f"{logged.cancelled:,} cancelled"] if logged.cancelled else []
    parts += [f"{numbers.size(logged.temp_bytes)} of temporary files"] if logged.temp_bytes else []
    if logged.lock_waits:
        waited = numbers.time(logged.lock_wait_ms)
        parts.append(f"{numbers.plural(logged.lock_waits, 'wait')} for locks, {waited} in all")
    return f"in the logs: {'; '.join(parts)}"


def event_rows(report: Report) -> tuple[EventRow, ...]:
    """What happened, the worst kinds first, then the most frequent."""
    ordered = sorted(report.events, key=lambda each: (ORDER.index(each.kind), -each.count, each.what))
    return tuple(
        EventRow(
            kind=each.kind,
            what="" if each.what == each.kind else each.what,
            times=each.count,
            amount=_amount(each),
            last=numbers.moment(each.last_at) if each.last_at else "",
        )
        for each in ordered
    )


def _amount(event: LogEvent) -> str:
    if event.total_bytes is not None:
        return numbers.size(event.total_bytes)
    return "" if event.total_ms is None else numbers.time(event.total_ms)
