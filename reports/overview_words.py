"""An audit of many databases in words: the row of each, the headline, the order in which they are shown."""

from collections import Counter

from pgadvisor.model.finding import Severity
from pgadvisor.model.inventory import AuditedDatabase, Overview
from pgadvisor.model.report import Report
from pgadvisor.reports import format_numbers as numbers
from pgadvisor.reports import labels
from pgadvisor.reports.fix_first import DAY_S, HOUR_S


def row_of(report: Report, name: str, *, file: str, failing: int) -> AuditedDatabase:
    """The row of a database that was audited; `file`: its report's, `failing`: findings that fail `--fail-on`."""
    counts = Counter(finding.severity for finding in report.findings)
    freed, share = _freed(report)
    return AuditedDatabase(
        name=name,
        source=labels.source_label(report),
        collected_at=report.collected_at,
        verdict=report.verdict,
        errors=counts[Severity.ERROR],
        warnings=counts[Severity.WARNING],
        info=counts[Severity.INFO],
        failing=failing,
        freed_ms_per_day=freed,
        freed_share=share,
        gaps=len(report.gaps),
        rules_not_run=len(report.rules_not_run),
        report=file,
    )


def row_of_failure(name: str, sentence: str) -> AuditedDatabase:
    """The row of a database that could not be audited, of the sentence with its next step."""
    reason, colon, step = " ".join(sentence.split()).rpartition(": ")
    return AuditedDatabase(
        name=name,
        failure=reason if colon else step,
        next_step=step if colon else "audit it alone, with --debug",
    )


def shown_order(overview: Overview) -> tuple[AuditedDatabase, ...]:
    """Those that failed first, then the worst, then those in which most time can be freed."""
    return tuple(
        sorted(
            overview.databases,
            key=lambda each: (each.failure is None, *(-bool(found) for found in _found(each)), -_worth(each)),
        )
    )


def headline(overview: Overview) -> str:
    """`2 of 5 databases have errors`."""
    of = numbers.plural(len(overview.databases), "database")
    audited = overview.audited
    if not audited:
        return f"None of {of} could be audited" if len(overview.databases) > 1 else "The database could not be audited"
    for noun, number in (
        ("errors", sum(bool(each.errors) for each in audited)),
        ("warnings", sum(bool(each.warnings) for each in audited)),
        ("findings", sum(bool(each.info) for each in audited)),
    ):
        if number:
            return f"{number:,} of {of} {'has' if number == 1 else 'have'} {noun}"
    return f"Nothing to change was found in {numbers.plural(len(audited), 'database')}"


def lead(overview: Overview) -> str:
    """What stands below the headline: how many failed, and what all remedies free."""
    told = []
    if overview.failed:
        told.append(f"{numbers.plural(len(overview.failed), 'database')} could not be audited.")
    known = [each.freed_ms_per_day for each in overview.audited if each.freed_ms_per_day]
    if known:
        told.append(f"All remedies together would free about {numbers.time(sum(known))} of database time a day.")
    lacking = sum(bool(each.gaps or each.rules_not_run) for each in overview.audited)
    if lacking:
        told.append(f"In {numbers.plural(lacking, 'database')} something could not be read: see the report.")
    return " ".join(told)


def severity(overview: Overview) -> Severity | None:
    """The worst of all; a database that could not be audited is no better than an error."""
    rows = overview.databases
    if any(each.errors or each.failure for each in rows):
        return Severity.ERROR
    if any(each.warnings for each in rows):
        return Severity.WARNING
    return Severity.INFO if any(each.info for each in rows) else None


def counts(row: AuditedDatabase) -> tuple[tuple[Severity, int], ...]:
    """How many findings of each severity there are, where there are some."""
    return tuple((severity, number) for severity, number in zip(Severity, _found(row), strict=True) if number)


def freed(row: AuditedDatabase) -> str:
    """`2.1 h a day (63%)`; empty: not known, or nothing."""
    if row.freed_ms_per_day:
        share = f" ({numbers.share(row.freed_share)})" if row.freed_share is not None else ""
        return f"{numbers.time(row.freed_ms_per_day)} a day{share}"
    return numbers.share(row.freed_share) if row.freed_share else ""


def _found(row: AuditedDatabase) -> tuple[int, int, int]:
    return row.errors, row.warnings, row.info


def _worth(row: AuditedDatabase) -> float:
    return row.freed_ms_per_day or 0.0


def _freed(report: Report) -> tuple[float | None, float | None]:
    """Time a day, and its share of all time. A statement's time is freed once: of two findings the better one counts.

    A time a day from counters of less than an hour would be a guess: then only the share is known.
    """
    if not report.window_s or not report.observed_ms:
        return None, None
    total, touched = 0.0, set[str]()
    for finding in sorted(report.findings, key=lambda each: -(each.gain_ms_per_day or 0.0)):
        keys = labels.statements_of(finding)
        if finding.gain_ms_per_day and touched.isdisjoint(keys):
            total += finding.gain_ms_per_day
            touched.update(keys)
    per_day = report.observed_ms / report.window_s * DAY_S
    total = min(total, per_day)
    return (total if report.window_s >= HOUR_S else None), total / per_day
