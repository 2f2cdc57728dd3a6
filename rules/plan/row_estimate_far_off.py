"""The planner's row estimate is off by a factor of ten or more, and the plan above was chosen on it.

## What it finds
The lowest node of a plan that was run whose estimate is wrong by ten times or more (one added to both counts, 100 rows
or more) while what feeds it was estimated within three times, and on which the plan above went wrong: a nested loop
whose lookups cost more than reading the table once, a hash table that went to disk, a table read whole to join few
rows, an input sorted to group it. An estimate that is off and changes nothing is not told.

The cause is tested against the statistics, in this order: statistics that are missing or old (a fifth of the rows
changed, or the file grew by half); a range of values newer than the last ANALYZE; a column compared as another type; a
value that a subquery gives; an expression without statistics, when the estimate is the planner's default; columns that
depend on each other, when what each keeps, multiplied, gives the estimate; a frequent value beyond the list of most
common ones; a pattern; the number of distinct values of what is grouped by; a filter on a materialized CTE. Where none
of these holds nothing is told.

## Why it matters
The planner chooses joins by the number of rows it expects. With ten where ten thousand come it takes a nested loop, and
pays a thousand times what a hash join would have cost.

## What to do
ANALYZE when the statistics are old. For columns that depend on each other (city and postal code) CREATE STATISTICS: the
kind `mcv` alone where all combinations fit into its list, whose length a statistics target up to 1,000 sets;
`dependencies` beside it where they do not; `ndistinct` for grouping. An audit counts the combinations in a sample of
the table, unless --no-analyze is given. For one column with a long tail a higher statistics target; for an expression
statistics on that expression (PostgreSQL 14).

## When to leave it
The statement is fast enough, and another plan would not be faster. Or the values of this run are rare ones.

## Source
https://www.postgresql.org/docs/current/planner-stats.html#PLANNER-STATS-EXTENDED
"""

from collections.abc import Iterator
from functools import partial

from pgadvisor.rule import (
    ColumnGroup,
    ColumnStatistics,
    Diagnosis,
    Evidence,
    Example,
    ExtendedStatistics,
    Facts,
    Finding,
    PlannedStatement,
    PlanNode,
    Rung,
    Severity,
    TableCounters,
    Where,
    diagnoses,
    node,
    plan_rule,
    table,
)


def seen(distinct: float, *common: float) -> ColumnStatistics:
    """Statistics of a column with so many values, of which the most common ones have these shares of the rows."""
    return ColumnStatistics(null_fraction=0.0, average_width_bytes=8, n_distinct=distinct, correlation=0.1,
                            most_common_frequencies=common)  # fmt: skip


TYPES = {"city": "text", "zip": "text", "shop": "bigint", "email": "text", "number": "integer", "at": "date"}
LISTED = tuple(0.001 + 0.00001 * (100 - at) for at in range(100))
STATISTICS = {"city": seen(100), "zip": seen(100), "shop": seen(50_000, *LISTED), "email": seen(-1.0),
              "number": seen(-1.0), "at": seen(2_000)}  # fmt: skip
address = partial(table, "address", rows=500_000, columns=TYPES, statistics=STATISTICS)
ADDRESS = address()
PERSON = table("person", rows=500_000, indexes={"person_address_id_idx": "address_id"})
COUNTED = address(
    column_groups=(ColumnGroup(columns=("city", "zip"), distinct=(100, 400), combinations=400, rows=90_000),)
)
STALE_ADDRESS = address(counters=TableCounters(live_rows=500_000, modified_since_analyze=400_000))
GROWING = address(counters=TableCounters(live_rows=500_000, modified_since_analyze=20_000))
SQL = "SELECT * FROM address a JOIN person p ON p.address_id = a.id WHERE "
BOTH = "a.city = $1 AND a.zip = $2"
LOOKUP = node("Index Scan", table="person", schema="public", alias="p", rows=1, actual=1, loops=5_000, ms=0.03,
              parent_relationship="Inner", index_condition="(p.address_id = a.id)", cost=8)  # fmt: skip


def looped(condition: str, *, rows: float = 50, actual: float = 5_000, cost: float = 9.0) -> PlanNode:
    """A nested loop for each address of that condition; `cost`: of a lookup."""
    scan = node("Seq Scan", table="address", schema="public", alias="a", parent_relationship="Outer", filter=condition,
                rows=rows, actual=actual, ms=60, cost=12_000)  # fmt: skip
    return node("Nested Loop", scan, LOOKUP, rows=rows, actual=actual, ms=230, cost=12_000 + rows * cost)


def grouped(*, rows: float, actual: float, having: str | None = None) -> PlanNode:
    """All addresses sorted by city and postal code, and grouped."""
    scan = node("Seq Scan", table="address", schema="public", alias="a", parent_relationship="Outer", rows=500_000,
                actual=500_000, ms=60, cost=12_000)  # fmt: skip
    keys = ("a.city", "a.zip")
    ordered = node("Sort", scan, rows=500_000, actual=500_000, ms=600, sort_keys=keys, parent_relationship="Outer")
    return node(
        "Aggregate", ordered, rows=rows, actual=actual, ms=700, strategy="Sorted", group_keys=keys, filter=having
    )


FILTER = "((a.city = 'Ulm'::text) AND (a.zip = '89073'::text))"
BAD = [
    Example(
        sql=SQL + BOTH,
        tables=(ADDRESS, PERSON),
        plan=looped(FILTER),
        calls=50_000,
        mean_ms=230,
        remedy="CREATE STATISTICS public.address_city_zip_stat (mcv) ON city, zip FROM public.address;\n"
        "ANALYZE public.address;",
    ),
    Example(
        note="400 combinations were counted: more than the list holds, unless it is made longer.",
        sql=SQL + BOTH,
        tables=(COUNTED, PERSON),
        plan=looped(FILTER),
        remedy="ALTER STATISTICS public.address_city_zip_stat SET STATISTICS 400;",
    ),
    Example(
        note="The statistics are old: that comes first.",
        sql=SQL + BOTH,
        tables=(STALE_ADDRESS, PERSON),
        plan=looped(FILTER),
        remedy="ANALYZE public.address;",
    ),
    Example(
        note="The newest rows came after the last ANALYZE.",
        sql=SQL + "a.at > $1",
        tables=(GROWING, PERSON),
        plan=looped("(a.at > '2026-03-01'::date)"),
        remedy="ALTER TABLE public.address SET (autovacuum_analyze_scale_factor = 0.01);",
    ),
    Example(
        note="A big shop, but not one of the hundred biggest.",
        sql=SQL + "a.shop = $1",
        tables=(ADDRESS, PERSON),
        plan=looped("(a.shop = 4711)", rows=9, actual=500, cost=40),
        remedy="ALTER TABLE public.address ALTER COLUMN shop SET STATISTICS 1000;",
    ),
    Example(
        note="Nothing is known of the expression: half a percent is the planner's default.",
        sql=SQL + "lower(a.email) = $1",
        tables=(ADDRESS, PERSON),
        plan=looped("(lower(a.email) = 'none'::text)", rows=2_500, actual=50_000),
        remedy="CREATE STATISTICS public.address_email_stat ON lower(email) FROM public.address;",
    ),
    Example(
        note="An integer compared as numeric.",
        sql=SQL + "a.number = $1::numeric",
        tables=(ADDRESS, PERSON),
        plan=looped("((a.number)::numeric = '1'::numeric)", rows=2_500, actual=50_000),
    ),
    Example(
        note="The numbers of cities and postal codes were multiplied.",
        sql="SELECT a.city, a.zip, count(*) FROM address a GROUP BY 1, 2",
        tables=(ADDRESS,),
        plan=grouped(rows=10_000, actual=400),
        remedy="CREATE STATISTICS public.address_city_zip_stat (ndistinct) ON city, zip FROM public.address;",
    ),
    Example(
        note="A plan that was pasted: its conditions suggest the cause, and nothing can be tested.",
        sql=SQL + BOTH,
        is_pasted=True,
        plan=looped(FILTER),
        remedy="CREATE STATISTICS public.address_city_zip_stat",
    ),
]
GOOD = [
    Example(
        note="Off by four: no plan turns on that.",
        sql=SQL + BOTH,
        tables=(ADDRESS, PERSON),
        plan=looped(FILTER, rows=1_250),
    ),
    Example(
        note="Nothing was decided on the estimate: the scan is the whole plan.",
        sql="SELECT * FROM address WHERE city = $1 AND zip = $2",
        tables=(ADDRESS,),
        plan=node("Seq Scan", table="address", schema="public", alias="address", filter=FILTER, rows=50, actual=5_000,
                  ms=60),
    ),
    Example(
        note="Reading the other table whole would cost as much as the lookups: the plan would be the same.",
        sql=SQL + BOTH,
        tables=(ADDRESS, PERSON),
        plan=looped(FILTER, cost=2.0),
    ),
    Example(
        note="Five rows instead of none.",
        sql=SQL + BOTH,
        tables=(ADDRESS, PERSON),
        plan=looped(FILTER, actual=0),
    ),
    Example(
        note="One value that is more frequent than the list of the most common ones says: no setting cures that.",
        sql=SQL + "a.shop = $1",
        tables=(ADDRESS, PERSON),
        plan=looped("(a.shop = 4711)", rows=9, actual=5_000),
    ),
    Example(
        note="An index on the expression has its statistics.",
        sql=SQL + "lower(a.email) = $1",
        tables=(address(extended_statistics=(ExtendedStatistics(
            name="address_email_stat", kinds=("expressions",),
            definition="CREATE STATISTICS public.address_email_stat ON lower(email) FROM address"),)), PERSON),
        plan=looped("(lower(a.email) = 'none'::text)", rows=2_500, actual=50_000),
    ),
    Example(
        note="No column of the text is another type than what it is compared with.",
        sql=SQL + "a.number = $1",
        tables=(ADDRESS, PERSON),
        plan=looped("(a.number = 1)", rows=2_500, actual=50_000),
    ),
    Example(
        note="HAVING leaves a few of the groups, whose number may have been right.",
        sql="SELECT a.city, a.zip, count(*) FROM address a GROUP BY 1, 2 HAVING sum(a.number) > $1",
        tables=(ADDRESS,),
        plan=grouped(rows=10_000, actual=400, having="(sum(a.number) > 300)"),
    ),
    Example(
        note="The groups are as many as was expected.",
        sql="SELECT a.city, a.zip, count(*) FROM address a GROUP BY 1, 2",
        tables=(ADDRESS,),
        plan=grouped(rows=1_000, actual=400),
    ),
]  # fmt: skip


@plan_rule(severity=Severity.WARNING, since="0.1", needs=("analyze",))
def check(plan: PlannedStatement, facts: Facts) -> Iterator[Finding]:
    for found in diagnoses(facts, plan):
        if not facts.matters(plan, found.share):
            continue
        severity = facts.severity(plan.key, found.share)
        is_harmful = found.effect.is_loop and severity is not Severity.INFO
        yield Finding(
            where=Where(table=found.table.qualified if found.table else None, statement=plan.key),
            message=f"{found.what} was expected to give {found.expected:,.0f} rows and gave {found.actual:,.0f}: "
            f"{found.cause.name}",
            evidence=_evidence(found),
            remedy=found.cause.remedy,
            wrong_if="the values of this run are rare ones, and others are estimated well",
            severity=Severity.WARNING if is_harmful else Severity.INFO,
            at_most_ms_per_day=facts.ms_per_day(plan.key, found.share) if is_harmful else None,
            cause=found.identity,
            node=found.number,
        )


def _evidence(found: Diagnosis) -> tuple[Evidence, ...]:
    factor = max((found.expected + 1) / (found.actual + 1), (found.actual + 1) / (found.expected + 1))
    chosen = f"off by a factor of {factor:,.0f}; {found.effect.text}: {found.share:.0%} of the time"
    return Evidence(rung=Rung.MEASURED, text=chosen), found.cause.evidence
