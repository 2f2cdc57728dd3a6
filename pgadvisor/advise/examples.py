"""Run a rule on the examples in its own file."""

from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from pgadvisor import __version__
from pgadvisor.advise.merge import merge
from pgadvisor.advise.queries import read_queries
from pgadvisor.advise.run import findings_of
from pgadvisor.facts import Facts
from pgadvisor.model.catalog import Extension, Server, Setting
from pgadvisor.model.finding import Finding
from pgadvisor.model.log import LoggedStatement, Logs
from pgadvisor.model.plan import Plan, StatementPlan
from pgadvisor.model.snapshot import FORMAT, Snapshot
from pgadvisor.model.workload import Statement, WorkloadTotals
from pgadvisor.rule import Example, Rule
from pgadvisor.sql.fingerprint import fingerprint

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
"""When every example is collected."""


def findings_in(rule: Rule, example: Example) -> tuple[Finding, ...]:
    """What the rule finds in the example, merged as in a report."""
    facts = facts_of(example)
    return tuple(merge(list(findings_of(rule, facts)), facts))


def facts_of(example: Example) -> Facts:
    """The facts of an example's snapshot."""
    snapshot = snapshot_of(example)
    queries, _ = read_queries(snapshot)
    return Facts(snapshot, queries, example.advice, example.budgets)


def snapshot_of(example: Example) -> Snapshot:
    """The example as a snapshot of its one statement, its tables and its plan."""
    since = NOON - timedelta(days=example.days)
    first = [(example.sql, example.calls, example.mean_ms)] if example.sql else []
    statements = tuple(
        _statement(number, text, calls, mean_ms, example.rows if number == 1 and example.sql else None)
        for number, (text, calls, mean_ms) in enumerate([*first, *example.other], start=1)
    )
    made = Snapshot(
        format=FORMAT,
        pgadvisor=__version__,
        collected_at=NOON,
        server=None if example.is_pasted else Server(
            version_num=example.version_num, version="example", database="example", started_at=since,
            statistics_reset_at=since,
        ),
        settings=tuple(Setting(name=name, value=value) for name, value in example.settings.items()),
        tables=example.tables,
        extensions=tuple(Extension(name=name, version="1", schema="public") for name in example.extensions),
        replicas=example.replicas,
        statements=statements,
        totals=WorkloadTotals(statements=len(statements), total_ms=sum(each.total_ms or 0 for each in statements),
                              since=since),
        plans=_plans(example),
        logs=_logs(example),
    )  # fmt: skip
    return replace(made, **example.more)


def _logs(example: Example) -> Logs | None:
    if example.logged:
        logged_plans = LoggedStatement(key=fingerprint(example.sql), text=example.sql, runs=example.calls,
                                       timed=example.calls, plans=example.logged)  # fmt: skip
        return Logs(statements=(logged_plans,))
    if example.endpoint is None:
        return None
    logged = (
        LoggedStatement(key=each.statement, text=each.statement, runs=each.runs, timed=each.runs,
                        lock_wait_ms=example.endpoint.lock_wait_ms)
        for each in example.endpoint.statements
    )  # fmt: skip
    return Logs(statements=tuple(logged), endpoints=(example.endpoint,))


def _plans(example: Example) -> tuple[StatementPlan, ...]:
    if example.plan is None:
        return ()
    ran = example.plan.actual_rows is not None
    plan = Plan(root=example.plan, execution_ms=(example.plan.actual_total_ms or 0.0) if ran else None,
                has_timing=example.plan.actual_total_ms is not None)  # fmt: skip
    plan = replace(plan, **example.plan_fields)
    generic = None if example.generic is None else Plan(root=example.generic)
    return (StatementPlan(statement="1", kind="analyzed" if ran else "values", reason="an example", plan=plan,
                          generic=generic, alternatives=example.alternatives),)  # fmt: skip


def _statement(number: int, text: str, calls: int, mean_ms: float, rows: int | None) -> Statement:
    return Statement(
        key=str(number), text=text, fingerprint=fingerprint(text), queryid=number, calls=calls, mean_ms=mean_ms,
        total_ms=calls * mean_ms, max_ms=mean_ms * 2, min_ms=mean_ms / 2, rows=calls if rows is None else rows,
    )  # fmt: skip
