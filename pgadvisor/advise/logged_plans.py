"""Statements that were not run for their plan, but that auto_explain saw run: the logged plan stands for them."""

from math import log

import msgspec

from pgadvisor.model.log import LoggedStatement
from pgadvisor.model.plan import Plan, StatementPlan
from pgadvisor.model.snapshot import Snapshot
from pgadvisor.model.workload import Statement
from pgadvisor.parameters.redaction import redacted
from pgadvisor.pasted.logged import logged_plans

TIMES = 5.0
"""auto_explain logs slow runs: one that took so many times the statement's mean, or more, tells of an odd call."""


def with_logged_plans(snapshot: Snapshot) -> Snapshot:
    """The snapshot whose statements have the logged plan of a real run, where their own plan is an estimate or missing.

    Logged plans that were not analyzed serve where there is none at all.
    """
    logged = {each.key: each for each in snapshot.logs.statements if each.plans} if snapshot.logs else {}
    if not logged:
        return snapshot
    indexes = frozenset(index.name for table in snapshot.tables for index in table.indexes)
    own = {each.statement: each for each in snapshot.plans}
    found: dict[str, StatementPlan] = {}
    for statement in snapshot.statements:
        told, mine = logged.get(statement.fingerprint), own.get(statement.key)
        if told is None or (mine and (mine.is_refused or (mine.plan and mine.plan.is_analyzed))):
            continue
        plan = _logged(statement, told, mine, indexes if snapshot.server else None)
        if plan is not None:
            found[statement.key] = plan
    kept = (found.pop(each.statement, each) for each in snapshot.plans)
    return msgspec.structs.replace(snapshot, plans=(*kept, *found.values()))


def _logged(
    statement: Statement, logged: LoggedStatement, own: StatementPlan | None, indexes: frozenset[str] | None
) -> StatementPlan | None:
    """The plan of the run that was most like the statement's mean; None: the logs have none that is better than its
    own. Plans by an index that is no more are of another time."""
    seen = [(plan, ms) for plan, ms in logged_plans(logged) if indexes is None or _indexes(plan) <= indexes]
    runs = [(plan, ms) for plan, ms in seen if plan.is_analyzed]
    if not runs and (not seen or (own is not None and own.plan is not None)):
        return None
    plan, ms = _most_usual(runs or seen, statement.mean_ms)
    if statement.mean_ms and ms >= TIMES * statement.mean_ms:
        return None
    others = f", of {len(runs or seen)} in the logs" if len(runs or seen) > 1 else ""
    what = f"a run of {ms:,.1f} ms{others}" if runs else f"for a call of {ms:,.1f} ms{others}: without row counts"
    return StatementPlan(statement=statement.key, kind="logged", reason=what, plan=redacted(plan, {}))


def _most_usual(seen: list[tuple[Plan, float]], mean_ms: float | None) -> tuple[Plan, float]:
    """The plan of the run whose time was nearest to the mean; of the middle one where no mean is known."""
    if not mean_ms:
        return sorted(seen, key=lambda each: each[1])[len(seen) // 2]
    return min(seen, key=lambda each: abs(log(max(each[1], 0.001) / mean_ms)))


def _indexes(plan: Plan) -> frozenset[str]:
    return frozenset(node.index for node in plan.root.walk() if node.index)
