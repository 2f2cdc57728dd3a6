"""How things are called in a report: statements, places, kinds of plan, parts of a snapshot."""

from datetime import datetime

from pgadvisor.model.finding import Finding, Where
from pgadvisor.model.plan import PlanKind, StatementPlan
from pgadvisor.model.report import Report
from pgadvisor.model.snapshot import Area
from pgadvisor.model.workload import Statement
from pgadvisor.reports.visible_text import folded

PLAN_KINDS: dict[PlanKind, str] = {
    "none": "no plan",
    "generic": "generic plan",
    "values": "planned with values",
    "logged": "logged by auto_explain",
    "analyzed": "EXPLAIN ANALYZE",
}
"""What a reader is told of each kind."""

AREAS: dict[Area, str] = {
    "server": "server",
    "settings": "settings",
    "catalog": "catalog",
    "statistics": "column statistics",
    "counters": "table and index counters",
    "statements": "statements",
    "plans": "plans",
    "replicas": "replicas",
    "activity": "activity of the server",
    "sessions": "sessions and locks",
    "analyze": "EXPLAIN ANALYZE",
    "planner": "planner twin",
    "migrations": "migrations",
    "trace": "scratch server",
    "logs": "logs",
}


def statement_place(statement: Statement) -> str | None:
    """Where the statement stands: `queries.sql:12`, or `statement 3, line 12`; None when it is not of a file."""
    if statement.position is None:
        return None
    if statement.file is not None:
        return f"{statement.file}:{statement.line or 1}"
    return f"statement {statement.position}" + ("" if statement.line is None else f", line {statement.line}")


def is_of_files(report: Report) -> bool:
    """Whether it is about queries that someone gave: then nobody asked for all tables, or where the time goes."""
    return bool(report.statements) and all(statement.position is not None for statement in report.statements)


def is_of_indexes(report: Report) -> bool:
    """Whether it is index advice alone: no rule was asked for its findings."""
    return report.advice is not None and not report.rules_run and not report.rules_not_run


def is_of_migrations(report: Report) -> bool:
    """Whether it is what the gate says of migrations."""
    return report.migrations is not None


def read_at(report: Report) -> datetime | None:
    """When the database was read; None: none was, and a report of migrations is the same whenever it is made."""
    return None if is_of_migrations(report) and report.server is None else report.collected_at


def statement_label(statement: Statement, width: int = 80) -> str:
    """The name of a statement, or its place, or the beginning of its text."""
    return folded(statement.name or statement_place(statement) or statement.text, width)


def plan_origin(planned: StatementPlan) -> str:
    """What kind of plan it is and why, each said once: the reason of a plan that was not run names its kind itself."""
    kind, reason = PLAN_KINDS[planned.kind], planned.reason
    if not reason:
        return kind
    return reason if planned.kind != "analyzed" and "planned" in reason else f"{kind}, {reason}"


def where_label(where: Where) -> str | None:
    """The thing a finding is about, without its statement: `public.orders.status`, `orders_status_idx`, `app.py:12`."""
    if where.table is not None:
        name = where.table if where.column is None else f"{where.table}.{where.column}"
        return name if where.index is None else f"{name}, index {where.index}"
    if where.index is not None:
        return f"index {where.index}"
    return file_place(where) or where.endpoint


def file_place(where: Where) -> str | None:
    """`db/0042_email.sql:12`; None: it is of no file."""
    return where.file if where.file is None or where.line is None else f"{where.file}:{where.line}"


def statements_of(finding: Finding) -> tuple[str, ...]:
    """Keys of the statements a finding concerns, its own first."""
    own = finding.where.statement
    return (own, *(key for key in finding.statements if key != own)) if own else finding.statements


def source_label(report: Report) -> str:
    """What was audited, in a few words: `shop on db-1, PostgreSQL 15.18`."""
    count = len(report.migrations.files) if report.migrations is not None else 0
    judged = "" if report.migrations is None else f"{count:,} migration{'' if count == 1 else 's'}"
    if report.server is None:
        return judged or ("plans without a database" if report.plans else "statements without a database")
    host = _host(report.server.host)
    server = f"{report.server.database}{host}, PostgreSQL {report.server.version}"
    return f"{judged} for {server}" if judged else server


def not_run_together(report: Report) -> tuple[tuple[str, str, str], ...]:
    """(rules, reason, cure) of the rules that did not run, those of one reason together."""
    groups: dict[tuple[str, str], list[str]] = {}
    for each in report.rules_not_run:
        groups.setdefault((each.reason, each.cure), []).append(each.rule)
    return tuple((", ".join(rules), reason, cure) for (reason, cure), rules in groups.items())


def _host(host: str | None) -> str:
    """Where the server is; the directory of a Unix socket tells a reader nothing."""
    if host is None:
        return ""
    return " on this machine" if host.startswith(("/", "@")) else f" on {host}"
