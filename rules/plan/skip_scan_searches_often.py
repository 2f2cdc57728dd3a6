"""A condition on an index's later column alone makes PostgreSQL 18 search the index again and again.

## What it finds
An index scan that searched its index 100 times or more for each run, without a condition on the index's first column,
and takes a fifth of the statement. Seen by EXPLAIN ANALYZE of PostgreSQL 18.

## Why it matters
Since version 18 an index on `(a, b)` serves a condition on `b` alone by one search for each value of `a` (skip scan).
With a handful of values that is nearly as good as an index on `b`; with thousands it walks most of the index.

## What to do
Create an index that leads with the compared column; or add the first column to the condition where it is known.

## When to leave it
The first column has few values, and will have few.

## Source
https://www.postgresql.org/docs/current/indexes-multicolumn.html
"""

import re
from collections.abc import Iterator
from functools import partial

from pgadvisor.rule import (
    Evidence,
    Example,
    Facts,
    Finding,
    Index,
    PlannedStatement,
    PlanNode,
    Rung,
    Severity,
    WantedIndex,
    WantedKey,
    Where,
    create_index,
    node,
    pays_off,
    plan_rule,
    quoted,
    scanned_table,
    table,
)

LEAST_SEARCHES = 100
LEAST_SHARE = 0.2

VISITS = table("visit", columns={"site": "integer", "day": "date"}, indexes={"visit_site_day_idx": "site, day"})
SQL = "SELECT count(*) FROM visit WHERE day = $1"
scan = partial(node, "Index Only Scan", table="visit", schema="public", alias="visit", index="visit_site_day_idx",
               rows=300, actual=300)  # fmt: skip
BAD = [
    Example(
        sql=SQL,
        tables=(VISITS,),
        plan=scan(index_condition="(day = '2026-01-01'::date)", ms=40, other=(("Index Searches", "4001"),)),
        version_num=180_000,
        mean_ms=40,
        calls=1_000_000,
        remedy="CREATE INDEX CONCURRENTLY visit_day_idx ON public.visit (day);",
    ),
]
GOOD = [
    Example(
        note="Three sites: as good as an index on the day.",
        sql=SQL,
        tables=(VISITS,),
        plan=scan(index_condition="(day = '2026-01-01'::date)", ms=40, other=(("Index Searches", "4"),)),
        mean_ms=40,
        calls=1_000_000,
    ),
    Example(
        note="A search for each item of a list on the first column.",
        sql="SELECT count(*) FROM visit WHERE site = ANY ($1)",
        tables=(VISITS,),
        plan=scan(index_condition="(site = ANY ('{1,2}'::integer[]))", ms=40, other=(("Index Searches", "900"),)),
        mean_ms=40,
        calls=1_000_000,
    ),
]


@plan_rule(severity=Severity.ERROR, since="0.2", needs=("analyze",))
def check(plan: PlannedStatement, facts: Facts) -> Iterator[Finding]:
    for number, scan in enumerate(plan.nodes):
        found, share = scanned_table(facts, scan), plan.figures[number].share
        searches = (scan.figure("Index Searches") or 0.0) / max(scan.actual_loops or 1.0, 1.0)
        if found is None or searches < LEAST_SEARCHES or share < LEAST_SHARE or not facts.matters(plan, share):
            continue
        index = next((each for each in found.indexes if each.name == scan.index), None)
        column = _compared(index, scan) if index else None
        if index is None or column is None or facts.indexes_led_by(found.qualified, column):
            continue
        key = WantedKey(text=quoted(column), key=column, label=column, column=column)
        wanted = WantedIndex(table=found.qualified, keys=(key,), equalities=1)
        day = facts.ms_per_day(plan.key)
        gain = None if day is None else day * share
        if not pays_off(facts, wanted, gain):
            continue
        yield Finding(
            where=Where(table=found.qualified, index=index.name, column=column, statement=plan.key),
            message=f"skip scan searches {index.name} {searches:,.0f} times, once for each value of "
            f"{index.keys[0].text}",
            evidence=(Evidence(rung=Rung.MEASURED, text=f"counted: {share:.0%} of the statement in this scan"),),
            remedy=create_index(facts, wanted),
            wrong_if=f"{index.keys[0].text} has far fewer values in production",
            severity=facts.severity(plan.key, share),
            gain_ms_per_day=gain,
            cause=wanted.cause,
            node=number,
        )


def _compared(index: Index, scan: PlanNode) -> str | None:
    """The first column of the index that the scan's condition names, where it does not name the leading one."""
    words = set(re.findall(r"\w+", re.sub(r"'[^']*'", " ", scan.index_condition or "")))
    columns = [key.column for key in index.keys]
    if not columns or columns[0] is None or columns[0] in words:
        return None
    return next((column for column in columns[1:] if column and column in words), None)
