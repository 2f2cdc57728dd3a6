"""Reports of files for the tests of CI's formats: findings with file, line and marked parts, known and waived ones."""

from msgspec.structs import replace

from pgadvisor.model.finding import Evidence, Finding, Remedy, Rung, Severity, Where
from pgadvisor.model.report import Report, Verdict, Waived
from pgadvisor.model.workload import Statement
from tests.reports.make_report import empty_report, finding, span_of, statement

FILE = "db/migrations/0042_status index.sql"
INDEX = "CREATE INDEX orders_status_idx\n    ON orders (status)"
TYPE = "ALTER TABLE orders ALTER COLUMN total_cents TYPE numeric"
PAGE = """# index-not-concurrent

An index is built while nobody can write to its table.

## Why it matters
CREATE INDEX takes a SHARE lock: every INSERT, UPDATE and DELETE waits until the index is built.

## Source
- https://www.postgresql.org/docs/current/sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY, and its notes
"""
PAGES = (("index-not-concurrent", PAGE),)


def in_file(key: str, text: str, line: int, column: int | None = 1) -> Statement:
    """A statement of the migration."""
    return replace(statement(key, text, calls=None), file=FILE, line=line, column=column)


def hazard(rule: str, severity: Severity, message: str, line: int, **more: object) -> Finding:
    """A finding about a line of the migration."""
    return finding(
        rule, severity, message, Where(table="public.orders", file=FILE, line=line),
        Remedy(text="Build it without the lock.",
               sql="CREATE INDEX CONCURRENTLY orders_status_idx\n    ON orders (status);"),
        evidence=(Evidence(rung=Rung.ESTIMATED, text="12 GB at 200 MB/s"),), key=f"{rule}:{line:012x}", **more,
    )  # fmt: skip


INDEX_FINDING = replace(
    hazard("index-not-concurrent", Severity.ERROR, "writes to orders wait 60 s, 100% of them: `ON orders`", 3),
    where=Where(table="public.orders", file=FILE, line=3, statement="#1"),
    spans=(span_of(INDEX, "ON orders"),),
    statements=("#1",),
)
TYPE_FINDING = replace(
    hazard("type-change-rewrite", Severity.WARNING, "orders (12 GB) is rewritten under ACCESS EXCLUSIVE", 6),
    where=Where(table="public.orders", column="total_cents", file=FILE, line=6, statement="#2"),
    spans=(span_of(TYPE, "TYPE numeric"),),
    statements=("#2",),
)
TIMEOUT_FINDING = hazard("lock-timeout-missing", Severity.INFO, "no lock_timeout is set before line 6", 6)


def migration_report(*more: Finding) -> Report:
    """The gate's report of one migration: an error, a warning and a piece of information."""
    return replace(
        empty_report(),
        verdict=Verdict(headline="Do not merge: writes to orders would wait 60 s", text="", severity=Severity.ERROR),
        statements=(in_file("#1", INDEX, 3), in_file("#2", TYPE, 6, column=9)),
        findings=(INDEX_FINDING, TYPE_FINDING, TIMEOUT_FINDING, *more),
        rules_run=("index-not-concurrent", "lock-timeout-missing", "truncate-cascade", "type-change-rewrite"),
        rule_pages=PAGES,
    )


def settled_report() -> Report:
    """The same with the error known and the warning waived."""
    report = migration_report()
    known = replace(INDEX_FINDING, status="known")
    fresh = replace(TIMEOUT_FINDING, status="new")
    waived = Waived(finding=TYPE_FINDING, reason="the shop is closed that night")
    return replace(report, findings=(known, fresh), waived=(waived,))


def many(count: int, severity: Severity) -> tuple[Finding, ...]:
    """So many findings of a severity."""
    return tuple(
        replace(hazard("fk-validating", severity, f"table t{number} is scanned", number + 10), key=f"fk:{number}")
        for number in range(count)
    )
