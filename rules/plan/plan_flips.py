"""A statement is run by different plans at different times, and one of them is many times slower.

## What it finds
Logged plans (auto_explain) of one statement that read or join its tables in different ways, each way seen twice or
more, where the typical run of the slow way takes 50 ms or more, and five times that of the fast one.

## Why it matters
The planner changed its mind: for other values, after an ANALYZE, or as a prepared statement went over to its generic
plan. Averages hide it; the users whose call met the slow plan do not forget it.

## What to do
Compare the two plans. Where an index makes the fast way cheap for all values, create it; where statistics are too
coarse, raise the column's statistics target; where a generic plan is the slow one, set
`plan_cache_mode = force_custom_plan` for the role or function.

## When to leave it
The slow runs return far more rows: then they are slow by right.

## Source
https://www.postgresql.org/docs/current/auto-explain.html
"""

import json
from collections.abc import Iterator
from statistics import median

from pgadvisor.rule import (
    Evidence,
    Example,
    Facts,
    Finding,
    LoggedPlan,
    LoggedStatement,
    Plan,
    PlannedStatement,
    Remedy,
    Rung,
    Severity,
    Where,
    accesses_of,
    logged_plans,
    node,
    plan_rule,
    shape_of,
    table,
)

LEAST_SEEN = 2
LEAST_MS = 50.0
TIMES = 5.0


def _logged(ms: float, index: str) -> LoggedPlan:
    scan = {"Node Type": "Index Scan", "Relation Name": "event", "Alias": "event", "Index Name": index}
    return LoggedPlan(duration_ms=ms, explain=json.dumps({"Query Text": "…", "Plan": scan}))


EVENTS = table("event", indexes={"event_kind_idx": "kind", "event_at_idx": "at"})
SQL = "SELECT * FROM event WHERE kind = $1 ORDER BY at LIMIT 20"
SCAN = node("Index Scan", table="event", alias="event", index="event_kind_idx")
FAST = tuple(_logged(ms, "event_kind_idx") for ms in (1.0, 1.2, 0.9))
BAD = [
    Example(sql=SQL, tables=(EVENTS,), plan=SCAN, logged=(*FAST, *(_logged(ms, "event_at_idx") for ms in (900, 950)))),
]
GOOD = [
    Example(
        note="The other plan is as fast.",
        sql=SQL,
        tables=(EVENTS,),
        plan=SCAN,
        logged=(*FAST, *(_logged(ms, "event_at_idx") for ms in (2.0, 3.0))),
    ),
    Example(
        note="It was seen once.", sql=SQL, tables=(EVENTS,), plan=SCAN, logged=(*FAST, _logged(900, "event_at_idx"))
    ),
    Example(
        note="One plan, slow at times.",
        sql=SQL,
        tables=(EVENTS,),
        plan=SCAN,
        logged=(*FAST, *(_logged(ms, "event_kind_idx") for ms in (900, 950))),
    ),
]


@plan_rule(severity=Severity.ERROR, since="0.2", needs=("logs",))
def check(plan: PlannedStatement, facts: Facts) -> Iterator[Finding]:
    logs, statement = facts.snapshot.logs, plan.statement
    logged = (each for each in (logs.statements if logs else ()) if statement and each.key == statement.fingerprint)
    ways = [_ways(each) for each in logged]
    for seen in (each for each in ways if len(each) > 1):
        (fast, fast_ms, _), (slow, slow_ms, count) = seen[0], seen[-1]
        if slow_ms < LEAST_MS or slow_ms < TIMES * fast_ms:
            continue
        yield Finding(
            where=Where(statement=plan.key),
            message=f"its plan flips: {_told(slow)} takes {slow_ms:,.0f} ms, {_told(fast)} {fast_ms:,.1f} ms",
            evidence=(
                Evidence(
                    rung=Rung.MEASURED,
                    text=f"auto_explain: {len(seen)} plans; of those logged {count} are of the slow one",
                ),
            ),
            remedy=Remedy(
                text="Compare the two plans and their values. An index that serves both, a higher statistics target, "
                "or plan_cache_mode = force_custom_plan for a prepared statement keeps it to the fast one."
            ),
            wrong_if="the slow runs return far more rows than the fast ones",
            severity=facts.severity(plan.key),
        )


def _ways(logged: LoggedStatement) -> list[tuple[Plan, float, int]]:
    """The ways in which it was run, with their typical time and how often each was seen, the fastest first."""
    ways: dict[object, list[tuple[Plan, float]]] = {}
    for plan, ms in logged_plans(logged):
        ways.setdefault(shape_of(plan, with_methods=True), []).append((plan, ms))
    seen = (runs for runs in ways.values() if len(runs) >= LEAST_SEEN)
    return sorted(((runs[0][0], median(ms for _, ms in runs), len(runs)) for runs in seen), key=lambda way: way[1])


def _told(plan: Plan) -> str:
    """How the tables are read."""
    reads = (f"{name} by {index}" if index else f"{name} {path}" for name, path, index in accesses_of(plan))
    return ", ".join(reads)
