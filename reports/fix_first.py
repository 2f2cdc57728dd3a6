"""The few changes that free the most time: what to do first."""

from pgadvisor.model.finding import Finding, Severity
from pgadvisor.model.record import Record
from pgadvisor.reports.labels import statements_of
from pgadvisor.reports.lookup import Lookup

FIRST = 5
"""More than a handful is a list again."""
WORTH_MS_PER_DAY = 1_000.0
"""A second a day is not worth a change for its own sake."""
DAY_S = 86_400.0
HOUR_S = 3_600.0


class Gain(Record):
    """What a change frees, as time a day and as time a call, where each is known."""

    freed_ms_per_day: float
    now_ms_per_day: float | None = None
    after_ms_per_day: float | None = None
    now_ms_per_call: float | None = None
    """Only where one statement is concerned."""
    after_ms_per_call: float | None = None
    share: float | None = None
    """What is freed of all database time, 0 to 1."""
    is_extrapolated: bool = False
    """Counters of less than an hour: then a time a day is a guess, and the share is what can be said."""


class Fix(Record):
    """A change worth making first."""

    number: int
    """Of its finding, from 1 in the report's order."""
    finding: Finding
    gain: Gain | None = None


def first_fixes(lookup: Lookup) -> tuple[Fix, ...]:
    """The changes that free most, measured before estimated; where no gain is known, the worst findings with SQL."""
    fixes = changes_by_gain(lookup)
    worth = [each for each in fixes if each.gain is not None and each.gain.freed_ms_per_day >= WORTH_MS_PER_DAY]
    if worth:
        return tuple(sorted(worth[:FIRST], key=lambda fix: (fix.finding.rung.rank, _freed(fix))))
    bad = [each for each in fixes if each.finding.severity is not Severity.INFO and each.finding.remedy.sql]
    return tuple(sorted(bad, key=lambda fix: fix.number)[:3])


def changes_by_gain(lookup: Lookup) -> tuple[Fix, ...]:
    """Every change once, though several findings ask for it; those that free most first."""
    fixes = [
        Fix(number=number, finding=finding, gain=gain(lookup, finding))
        for number, finding in enumerate(lookup.report.findings, start=1)
    ]
    seen: set[str] = set()
    once = []
    for fix in sorted(fixes, key=_freed):
        change = fix.finding.remedy.sql or fix.finding.remedy.text
        if change not in seen:
            seen.add(change)
            once.append(fix)
    return tuple(once)


def gain(lookup: Lookup, finding: Finding) -> Gain | None:
    """What the finding's remedy frees, and the time of its statements now and after; None when it is not known."""
    freed = finding.gain_ms_per_day
    if freed is None or freed <= 0:
        return None
    if finding.saves_ms_per_request is not None:
        return Gain(freed_ms_per_day=freed)  # of one endpoint's requests, and its statement may be sent by others
    report = lookup.report
    days = report.window_s / DAY_S if report.window_s else None
    concerned = [lookup.statements[key] for key in statements_of(finding) if key in lookup.statements]
    times = [statement.total_ms for statement in concerned if statement.total_ms is not None]
    if days is None or not times or len(times) < len(concerned):
        return Gain(freed_ms_per_day=freed)
    now = sum(times) / days
    share = report.share_of(freed * days)
    brief = share is not None and days * DAY_S < HOUR_S
    if freed > now:
        # The gain is of more than these statements: what is left of them is not known.
        return Gain(freed_ms_per_day=freed, share=share, is_extrapolated=brief)
    mean = concerned[0].mean_ms if len(concerned) == 1 else None
    return Gain(
        freed_ms_per_day=freed,
        now_ms_per_day=now,
        after_ms_per_day=now - freed,
        now_ms_per_call=mean,
        after_ms_per_call=None if mean is None else mean * (1 - freed / now),
        share=share,
        is_extrapolated=brief,
    )


def _freed(fix: Fix) -> float:
    """For sorting: the most freed first."""
    return -fix.gain.freed_ms_per_day if fix.gain else 0.0
