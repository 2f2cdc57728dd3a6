"""A condition on an index's later column alone makes PostgreSQL read all of the index, or search it again and again.

## What it finds
A scan of a B-tree index by a condition on a later column of it, without one on the first column, that takes a fifth of
the statement. PostgreSQL 18: which searched the index 100 times or more for each run. Before: which found at most a
tenth of a table of 10,000 rows or more. Seen by EXPLAIN ANALYZE.

## Why it matters
An index on `(a, b)` is in order of `a`: the rows of one `b` lie everywhere in it. Up to version 17 a condition on `b`
alone walks all of it. Since version 18 it is one search for each value of `a` (skip scan): with a handful of values
nearly as good as an index on `b`, with thousands a walk through most of it.

## What to do
Create an index that leads with the compared column; or add the first column to the condition where it is known.

## When to leave it
The first column has few values, and will have few; or the index is so small that walking it takes no time.

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
    Table,
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
LEAST_ROWS, MOST_FOUND = 10_000, 0.1
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
    Example(
        note="Up to PostgreSQL 17 all of the index is read.",
        sql=SQL,
        tables=(VISITS,),
        plan=scan(index_condition="(day = '2026-01-01'::date)", ms=40),
        version_num=170_000,
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
        note="Most of the index is wanted.",
        sql="SELECT count(*) FROM visit WHERE day > $1",
        tables=(VISITS,),
        plan=scan(index_condition="(day > '2020-01-01'::date)", ms=40, actual=700_000),
        version_num=170_000,
        mean_ms=40,
        calls=1_000_000,
    ),
    Example(
        note="The order of a GIN index's columns does not matter.",
        sql=SQL,
        tables=(
            table(
                "visit", columns={"site": "integer", "day": "date"}, indexes={"visit_site_day_idx": "gin: site, day"}
            ),
        ),
        plan=scan(index_condition="(day = '2026-01-01'::date)", ms=40),
        version_num=170_000,
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


@plan_rule(severity=Severity.ERROR, since="0.2", needs=("analyze",), aliases=("skip-scan-searches-often",))
def check(plan: PlannedStatement, facts: Facts) -> Iterator[Finding]:
    for number, scan in enumerate(plan.nodes):
        share = plan.figures[number].share
        if scan.index is None or not scan.index_condition or share < LEAST_SHARE or not facts.matters(plan, share):
            continue
        found = _table(plan, facts, number)
        index = next((each for each in found.indexes if each.name == scan.index), None) if found else None
        column = _compared(index, scan) if index else None
        if found is None or index is None or column is None or facts.indexes_led_by(found.qualified, column):
            continue
        what = _what(plan, facts, number, index, column)
        key = WantedKey(text=quoted(column), key=column, label=column, column=column)
        wanted = WantedIndex(table=found.qualified, keys=(key,), equalities=1)
        day = facts.ms_per_day(plan.key)
        gain = None if day is None else day * share
        if what is None or not pays_off(facts, wanted, gain):
            continue
        yield Finding(
            where=Where(table=found.qualified, index=index.name, column=column, statement=plan.key),
            message=what,
            evidence=(Evidence(rung=Rung.MEASURED, text=f"counted: {share:.0%} of the statement in this scan"),),
            remedy=create_index(facts, wanted),
            wrong_if=f"{index.keys[0].text} has far fewer values in production",
            severity=facts.severity(plan.key, share),
            gain_ms_per_day=gain,
            cause=wanted.cause,
            node=number,
        )


def _table(plan: PlannedStatement, facts: Facts, number: int) -> Table | None:
    """The table whose index is scanned: a bitmap's stands at the node above."""
    while plan.nodes[number].table is None and (above := plan.figures[number].parent) is not None:
        number = above
    return scanned_table(facts, plan.nodes[number])


def _what(plan: PlannedStatement, facts: Facts, number: int, index: Index, column: str) -> str | None:
    """What the scan does for want of the leading column; None: nothing that costs."""
    scan, leading = plan.nodes[number], index.keys[0].text
    searches = scan.figure("Index Searches")
    if searches is not None:
        each = searches / max(scan.actual_loops or 1.0, 1.0)
        return (
            f"skip scan searches {index.name} {each:,.0f} times, once for each value of {leading}"
            if each >= LEAST_SEARCHES
            else None
        )
    found, given = _table(plan, facts, number), scan.actual_rows or 0.0
    rows = (facts.rows(found.qualified) if found else None) or 0.0
    if rows < LEAST_ROWS or given > MOST_FOUND * rows:
        return None
    return f"all of {index.name} is read to find {given:,.0f} rows by {column}: it is in order of {leading}"


def _compared(index: Index, scan: PlanNode) -> str | None:
    """The first column of the index that the scan's condition names, where it does not name the leading one."""
    if index.method != "btree":
        return None
    words = set(re.findall(r"\w+", re.sub(r"'[^']*'", " ", scan.index_condition or "")))
    columns = [key.column for key in index.keys]
    if not columns or columns[0] is None or columns[0] in words:
        return None
    return next((column for column in columns[1:] if column and column in words), None)
