"""Memoize forgets what it looked up for lack of memory, and looks it up again.

## What it finds
A Memoize that evicted 1,000 entries or more, a third of those it made at least. Seen by EXPLAIN ANALYZE.

## Why it matters
Memoize keeps the inner side's answer for each value of the outer side. When the answers do not fit into `work_mem`
times `hash_mem_multiplier` the oldest go, and a value that comes back is looked up once more: the cache costs and gives
little.

## What to do
Give the statement more memory, or bring the outer rows in the order of the values, so that each is needed once only.

## When to leave it
The values hardly ever come back: then it is the number of look-ups that costs.

## Source
https://www.postgresql.org/docs/current/runtime-config-query.html#GUC-ENABLE-MEMOIZE
"""

from collections.abc import Iterator
from functools import partial

from pgadvisor.rule import (
    Evidence,
    Example,
    Facts,
    Finding,
    PlannedStatement,
    Rung,
    Severity,
    Where,
    hash_memory_kb,
    memory_kb,
    more_work_mem,
    node,
    plan_rule,
    table,
)

LEAST_EVICTED = 1_000
MOST_EVICTED = 1 / 3
LEAST_REPEATED = 0.2
"""Of the look-ups, how many were of a value that had been there before, at least, for more memory to help."""

TABLES = (table("line"), table("product", columns={"page": "text"}))
SQL = "SELECT * FROM line l JOIN product p ON p.id = l.product_id"
LOOKUP = node("Index Scan", table="product", alias="p", index="product_pkey", index_condition="(id = l.product_id)",
              rows=1, actual=1, loops=60_000, ms=0.004)  # fmt: skip
memoize = partial(node, "Memoize", LOOKUP, rows=1, actual=1, loops=1e5, ms=0.004, parent_relationship="Inner",
                  peak_memory_kb=4_097)  # fmt: skip
OUTER = node("Seq Scan", table="line", alias="l", rows=1e5, actual=1e5, ms=20, parent_relationship="Outer")


def _counted(hits: int, misses: int, evictions: int) -> tuple[tuple[str, str], ...]:
    return (("Cache Hits", str(hits)), ("Cache Misses", str(misses)), ("Cache Evictions", str(evictions)))


BAD = [
    Example(
        sql=SQL,
        tables=TABLES,
        plan=node("Nested Loop", OUTER, memoize(other=_counted(40_000, 60_000, 50_000)), rows=1e5, actual=1e5, ms=460),
        settings={"work_mem": "4096", "hash_mem_multiplier": "1"},
        mean_ms=460,
        remedy="SET LOCAL work_mem = '25MB';",
    ),
]
GOOD = [
    Example(
        note="All answers fit.",
        sql=SQL,
        tables=TABLES,
        plan=node("Nested Loop", OUTER, memoize(other=_counted(40_000, 60_000, 0)), rows=1e5, actual=1e5, ms=460),
        mean_ms=460,
    ),
    Example(
        note="No value came back: more memory would not help.",
        sql=SQL,
        tables=TABLES,
        plan=node("Nested Loop", OUTER, memoize(other=_counted(0, 100_000, 90_000)), rows=1e5, actual=1e5, ms=460),
        mean_ms=460,
    ),
]


@plan_rule(severity=Severity.ERROR, since="0.2", needs=("analyze",))
def check(plan: PlannedStatement, facts: Facts) -> Iterator[Finding]:
    for number, each in enumerate(plan.nodes):
        hits, misses = each.figure("Cache Hits") or 0.0, each.figure("Cache Misses") or 0.0
        evicted = each.figure("Cache Evictions") or 0.0
        if evicted < LEAST_EVICTED or evicted < MOST_EVICTED * misses or hits < LEAST_REPEATED * (hits + misses):
            continue
        below = range(number, number + sum(1 for _ in each.walk()))
        share = min(sum(plan.figures[at].share for at in below), 1.0)
        if not facts.matters(plan, share):
            continue
        limit = hash_memory_kb(facts, plan)
        allowed = f"; work_mem × hash_mem_multiplier allows {limit:,.0f} kB" if limit else ""
        kept = max(misses - evicted, 1.0)
        peak = float(each.peak_memory_kb or each.figure("Peak Memory Usage") or limit or 0.0)
        base = memory_kb(facts, "work_mem", plan)
        yield Finding(
            where=Where(statement=plan.key),
            message=f"memoize evicts {evicted:,.0f} of {misses:,.0f} answers and looks them up again",
            evidence=(
                Evidence(
                    rung=Rung.MEASURED,
                    text=f"counted: {hits:,.0f} hits, {misses:,.0f} misses, {share:.0%} of the statement{allowed}",
                ),
            ),
            remedy=more_work_mem(
                facts,
                min(peak * misses / kept, peak * MOST_TIMES),
                instead="Bring the outer rows in the order of the looked-up value.",
                factor=limit / base if limit and base else 1.0,
            ),
            wrong_if="the values hardly ever come back in production",
            severity=facts.severity(plan.key, share),
            at_most_ms_per_day=facts.ms_per_day(plan.key, share),
            node=number,
        )


MOST_TIMES = 16.0
"""Answers that were made twice count twice among the misses: more than this would be a guess."""
