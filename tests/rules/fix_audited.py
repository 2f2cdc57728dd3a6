"""A real database, audited: what the rules say of it and of statements really run on it."""

import time
from collections.abc import Iterable
from datetime import timedelta

import psycopg
from msgspec.structs import replace

from pgadvisor.advise.merge import merge
from pgadvisor.advise.queries import read_queries
from pgadvisor.advise.registry import all_rules
from pgadvisor.advise.run import findings_of
from pgadvisor.collect.collector import collect
from pgadvisor.collect.session import open_session
from pgadvisor.facts import Facts
from pgadvisor.model.explain import read_explain
from pgadvisor.model.finding import Finding
from pgadvisor.model.plan import PlanKind, StatementPlan
from pgadvisor.model.snapshot import Snapshot
from pgadvisor.model.workload import Statement, WorkloadTotals
from pgadvisor.sql.fingerprint import fingerprint
from pgadvisor.sql.splitter import split_statements

CALLS = 100_000
"""How often each statement is said to have been called in a day, so that no finding is too small to tell."""


def execute(dsn: str, sql: str, *settings: str) -> None:
    """Run each statement of the text in a transaction of its own, unless the text opens one."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        for each in (*settings, *(statement.text for statement in split_statements(sql))):
            connection.execute(each.encode())


def snapshot_of(
    dsn: str, texts: Iterable[str] = (), *, settings: tuple[str, ...] = (), analyze: bool = True
) -> Snapshot:
    """The database with those statements as its workload, each planned or really run, and timed."""
    statements, plans = [], []
    options = "ANALYZE, BUFFERS, VERBOSE, SETTINGS, FORMAT JSON" if analyze else "VERBOSE, SETTINGS, FORMAT JSON"
    with psycopg.connect(dsn, autocommit=True) as connection:
        for each in settings:
            connection.execute(each.encode())
        for key, text in enumerate(texts, start=1):
            with connection.transaction(force_rollback=True):
                row = connection.execute(f"EXPLAIN ({options}) {text}".encode()).fetchone()
                assert row is not None
                plan = read_explain(row[0])
            mean_ms = _seconds(connection, text) * 1000
            statements.append(
                Statement(key=str(key), text=text, fingerprint=fingerprint(text), calls=CALLS, mean_ms=mean_ms,
                          total_ms=mean_ms * CALLS)
            )  # fmt: skip
            kind: PlanKind = "analyzed" if analyze else "values"
            plans.append(StatementPlan(statement=str(key), kind=kind, reason="a test", plan=plan))
    with open_session(dsn) as session:
        found = collect(session)
    since = found.collected_at - timedelta(days=1)
    totals = WorkloadTotals(total_ms=sum(each.total_ms or 0 for each in statements), since=since)
    return replace(found, statements=tuple(statements), plans=tuple(plans), totals=totals)


def often(snapshot: Snapshot, times: int = 100) -> Snapshot:
    """The same workload, each statement called so many times as often: however fast the machine, none is a trifle."""
    more = (
        replace(each, calls=(each.calls or 0) * times, total_ms=(each.total_ms or 0.0) * times)
        for each in snapshot.statements
    )
    totals = snapshot.totals and replace(snapshot.totals, total_ms=snapshot.totals.total_ms * times)
    return replace(snapshot, statements=tuple(more), totals=totals)


def findings(snapshot: Snapshot, rule: str) -> list[Finding]:
    """What that rule finds in the snapshot, merged as in a report."""
    queries, unread = read_queries(snapshot)
    assert not unread
    facts = Facts(snapshot, queries)
    wanted = next(each for each in all_rules() if each.name == rule)
    return merge(list(findings_of(wanted, facts)), facts)


def _seconds(connection: psycopg.Connection[tuple[object, ...]], text: str) -> float:
    start = time.perf_counter()
    with connection.transaction(force_rollback=True):
        connection.execute(text.encode())
    return time.perf_counter() - start
