"""A function that is not marked parallel safe keeps a long statement from using several processes.

## What it finds
A statement whose plan has no parallel part, though one scan of 10,000 pages or more takes half of its time, 200 ms at
least, and calls a function of a user that is marked PARALLEL UNSAFE and only reads (STABLE or IMMUTABLE). Seen by
EXPLAIN ANALYZE.

## Why it matters
Functions are PARALLEL UNSAFE unless their definition says otherwise. A single one anywhere in a statement makes the
planner give up parallel plans for all of it.

## What to do
Mark the function PARALLEL SAFE, when neither it nor what it calls writes, changes settings, uses sequences or temporary
tables.

## When to leave it
The server has no processors to spare.

## Source
https://www.postgresql.org/docs/current/parallel-safety.html
"""

import re
from collections.abc import Iterator
from functools import partial

from pgadvisor.rule import (
    Evidence,
    Example,
    Facts,
    Finding,
    Function,
    PlannedStatement,
    PlanNode,
    Remedy,
    Rung,
    Severity,
    Where,
    node,
    plan_rule,
    quoted,
    scanned_table,
    table,
)

LEAST_PAGES = 10_000
LEAST_SHARE = 0.5
LEAST_MS = 200.0

EVENTS = table("event", rows=5e6, columns={"kind": "text"})
CLEAN = Function(schema="public", name="clean", language="plpgsql", signature="text", volatility="immutable")
SQL = "SELECT count(*) FROM event WHERE clean(kind) = $1"
SCAN = node("Seq Scan", table="event", schema="public", alias="event", rows=25_000, actual=900, ms=4_900,
            filter="(clean(kind) = 'x'::text)")  # fmt: skip
example = partial(Example, sql=SQL, tables=(EVENTS,), mean_ms=5_000,
                  plan=node("Aggregate", SCAN, rows=1, actual=1, ms=5_000))  # fmt: skip
BAD = [example(more={"functions": (CLEAN,)}, remedy="ALTER FUNCTION public.clean(text) PARALLEL SAFE;")]
GOOD = [
    example(
        note="It is marked safe; the planner had another reason.",
        more={"functions": (Function(schema="public", name="clean", signature="text", volatility="immutable",
                                     parallel="safe"),)},
    ),
    example(
        note="It may write.",
        more={"functions": (Function(schema="public", name="clean", signature="text", volatility="volatile"),)},
    ),
]  # fmt: skip


@plan_rule(severity=Severity.WARNING, since="0.2", needs=("analyze",))
def check(plan: PlannedStatement, facts: Facts) -> Iterator[Finding]:
    if any(each.node_type in ("Gather", "Gather Merge", "ModifyTable", "LockRows") for each in plan.nodes):
        return
    if facts.setting("max_parallel_workers_per_gather") == "0":
        return
    for number, scan in enumerate(plan.nodes):
        figures, found = plan.figures[number], scanned_table(facts, scan)
        if scan.node_type != "Seq Scan" or found is None or (facts.pages(found.qualified) or 0) < LEAST_PAGES:
            continue
        if figures.share < LEAST_SHARE or (figures.self_ms or 0.0) < LEAST_MS or not facts.matters(plan, figures.share):
            continue
        for function in _called(facts, plan.nodes):
            spelled = f"{quoted(function.schema)}.{quoted(function.name)}({function.signature})"
            yield Finding(
                where=Where(table=found.qualified, statement=plan.key),
                message=f"scan of {found.label} is not parallel, as {function.name}() is marked PARALLEL UNSAFE",
                evidence=(
                    Evidence(
                        rung=Rung.MEASURED,
                        text=f"counted: {figures.self_ms or 0.0:,.0f} ms, {figures.share:.0%} of the statement, in one "
                        "process",
                    ),
                ),
                remedy=Remedy(
                    text=f"Mark {function.name} PARALLEL SAFE, if nothing in it writes, changes settings, or uses "
                    "sequences or temporary tables.",
                    sql=f"ALTER FUNCTION {spelled} PARALLEL SAFE;",
                    undo=f"ALTER FUNCTION {spelled} PARALLEL UNSAFE;",
                    lock="none that reads or writes would notice",
                ),
                wrong_if="something else keeps the plan from being parallel, such as a cursor or SERIALIZABLE",
                severity=facts.severity(plan.key, figures.share, worst=Severity.WARNING),
                at_most_ms_per_day=facts.ms_per_day(plan.key, figures.share),
                cause=f"parallel unsafe {function.schema}.{function.name}",
                node=number,
            )


def _called(facts: Facts, nodes: tuple[PlanNode, ...]) -> Iterator[Function]:
    """Functions of users that the plan's expressions call, only read, and are not marked parallel safe."""
    texts = [text for each in nodes for text in (each.filter, each.join_filter, dict(each.other).get("Output")) if text]
    called = set(re.findall(r"\b(\w+)\(", " ".join(texts)))
    for each in facts.snapshot.functions:
        if each.name in called and each.parallel == "unsafe" and each.volatility != "volatile" and not each.extension:
            yield each
