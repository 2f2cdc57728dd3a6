"""One plan does not fit all values of a statement's parameters, and PostgreSQL would reuse one.

## What it finds
A statement with parameters whose tables are best read or joined in different ways for different values, where the plan
for any values (the generic plan) costs at least ten times as much for some of them as their own plan does, and
PostgreSQL would choose that generic plan once the statement is prepared and has run five times.

## Why it matters
A prepared statement, also one inside a PL/pgSQL function or behind a driver that prepares by itself, is planned for its
values five times. From then on PostgreSQL keeps the generic plan, when that looks no dearer than planning for the
values each time. The statement is then fast for most values and slow, now and then, for some: nobody sees why, as
EXPLAIN with those values shows the good plan.

## What to do
Have the statement planned for its values: `plan_cache_mode = force_custom_plan` for the role, the session or the
function. Planning costs a fraction of a millisecond. Or make two statements of it, one for each kind of value, or an
index that serves both.

## When to leave it
The application does not prepare statements on the server, or the dear values are never asked for.

## Source
https://www.postgresql.org/docs/current/sql-prepare.html (Notes); `choose_custom_plan` in
src/backend/utils/cache/plancache.c
"""

from collections.abc import Iterator
from functools import partial

from pgadvisor.rule import (
    DrawnPlan,
    Evidence,
    Example,
    Facts,
    Finding,
    Plan,
    PlannedStatement,
    PlanNode,
    Remedy,
    Rung,
    Severity,
    Where,
    accesses_of,
    drawn_plan,
    node,
    plan_rule,
    table,
)

TIMES = 10.0
"""Costs of pages that are in memory are off by four (random_page_cost against seq_page_cost): ten is beyond that."""
LEAST_COST = 1_000.0
"""Below it a call takes a few milliseconds whatever the plan."""
LEAST_WEIGHT = 0.01
"""Values that one call in a hundred has."""
PLANNING_COST = 1000.0
"""Times cpu_operator_cost and the tables and one more: what PostgreSQL takes planning for (`cached_plan_cost`)."""
MOST_SHOWN = 4

EVENTS = table("events", columns={"kind": "text", "at": "timestamp with time zone"},
               indexes={"events_at_idx": "at", "events_kind_idx": "kind"})  # fmt: skip
SQL = "SELECT * FROM events WHERE kind = $1 ORDER BY at DESC LIMIT $2"
scan = partial(node, "Index Scan", table="events", schema="public", alias="events")


def _newest(cost: float) -> PlanNode:
    return node("Limit", scan(index="events_at_idx", filter="(kind = $1)", cost=60_000), cost=cost)


def _sorted(cost: float) -> PlanNode:
    found = scan(index="events_kind_idx", index_condition="(kind = $1)", cost=cost)
    return node("Limit", node("Sort", found, cost=cost), cost=cost)


COMMON = drawn_plan("typical", 0.9, _newest(8), generic_cost=8)
RARE = drawn_plan("rare", 0.1, _sorted(40), generic_cost=60_000)
BAD = [
    Example(
        note="The newest of a common kind are at the end of the index; a rare kind is nowhere near it.",
        sql=SQL,
        tables=(EVENTS,),
        plan=_newest(8),
        generic=_newest(9),
        alternatives=(COMMON, RARE),
        calls=100_000,
    ),
]
GOOD = [
    Example(
        note="The generic plan is so dear that PostgreSQL keeps planning for the values.",
        sql=SQL,
        tables=(EVENTS,),
        plan=_newest(8),
        generic=_newest(60_000),
        alternatives=(COMMON, RARE),
    ),
    Example(
        note="The plans differ, but the generic one is not much worse for any value.",
        sql=SQL,
        tables=(EVENTS,),
        plan=_newest(8),
        generic=_newest(9),
        alternatives=(COMMON, drawn_plan("rare", 0.1, _sorted(40), generic_cost=120)),
    ),
    Example(
        note="What the rare values cost by the generic plan could not be found out.",
        sql=SQL,
        tables=(EVENTS,),
        plan=_newest(8),
        generic=_newest(9),
        alternatives=(COMMON, drawn_plan("rare", 0.1, _sorted(40))),
    ),
    Example(
        note="The server always plans for the values.",
        sql=SQL,
        tables=(EVENTS,),
        plan=_newest(8),
        generic=_newest(9),
        alternatives=(COMMON, RARE),
        settings={"plan_cache_mode": "force_custom_plan"},
    ),
    Example(note="Nothing is known of other values.", sql=SQL, tables=(EVENTS,), plan=_newest(8)),
]


@plan_rule(severity=Severity.WARNING, since="0.1")
def check(plan: PlannedStatement, facts: Facts) -> Iterator[Finding]:
    generic, drawn = plan.generic, plan.alternatives
    if generic is None or facts.setting("plan_cache_mode") == "force_custom_plan":
        return
    if not _is_kept(generic, drawn, facts):
        return
    dear = [each for each in drawn if _times(each) >= TIMES and (each.generic_cost or 0.0) >= LEAST_COST]
    dear = [each for each in dear if each.weight >= LEAST_WEIGHT]
    if not dear:
        return
    worst = max(dear, key=lambda each: each.weight * (each.generic_cost or 0.0))
    yield Finding(
        where=Where(statement=plan.key),
        message=f"one plan does not fit all values: {_values(worst)} cost {worst.generic_cost:,.0f} by the generic "
        f"plan, {worst.plan.root.total_cost:,.1f} by their own",
        evidence=(
            Evidence(rung=Rung.ESTIMATED, text=f"for any values: {_told(generic)}, which PostgreSQL would keep"),
            *(Evidence(rung=Rung.ESTIMATED, text=_piece(each)) for each in drawn[:MOST_SHOWN]),
        ),
        remedy=Remedy(
            text="Have it planned for its values: set plan_cache_mode for the role or function that runs it, or for "
            "the session.",
            sql="SET plan_cache_mode = force_custom_plan;",
            undo="RESET plan_cache_mode;",
            cost="each call is planned: a fraction of a millisecond",
        ),
        wrong_if="the application prepares no statements on the server, or never asks for such values",
        severity=max((Severity.WARNING, facts.severity(plan.key)), key=lambda severity: severity.rank),
        at_most_ms_per_day=facts.ms_per_day(plan.key, _saved(drawn)),
    )


def _is_kept(generic: Plan, drawn: tuple[DrawnPlan, ...], facts: Facts) -> bool:
    """Whether PostgreSQL would keep the generic plan after five calls: it looks no dearer than planning each time."""
    operator_cost = float(facts.setting("cpu_operator_cost") or 0.0025)
    planning = PLANNING_COST * operator_cost * (len(accesses_of(generic)) + 1)
    return generic.root.total_cost < planning + sum(each.weight * each.plan.root.total_cost for each in drawn)


def _saved(drawn: tuple[DrawnPlan, ...]) -> float:
    """The share of the cost of all calls by the generic plan that plans of their own spare."""
    known = [each for each in drawn if each.generic_cost is not None]
    generic = sum(each.weight * (each.generic_cost or 0.0) for each in known)
    own = sum(each.weight * each.plan.root.total_cost for each in known)
    return 1 - own / generic if generic else 0.0


def _times(each: DrawnPlan) -> float:
    own = each.plan.root.total_cost
    return (each.generic_cost or 0.0) / own if own else 0.0


def _values(each: DrawnPlan) -> str:
    return {
        "null": "calls that leave a filter out",
        "logged": "values seen in the log",
    }.get(each.label, f"{each.label} values")


def _piece(each: DrawnPlan) -> str:
    text = f"{_values(each)}, {each.weight:.0%} of calls: {_told(each.plan)}"
    if each.generic_cost is None or each.generic_cost == each.plan.root.total_cost:
        return text
    return f"{text}; by the generic plan {each.generic_cost:,.1f}"


def _told(plan: Plan) -> str:
    """How the tables are read, and the cost."""
    reads = (f"{name} by {index}" if index else f"{name} {path}" for name, path, index in accesses_of(plan))
    return f"{', '.join(reads)}; cost {plan.root.total_cost:,.1f}"
