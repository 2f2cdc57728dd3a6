"""An index finds far more rows than match, and each is fetched from the table only to be thrown away.

## What it finds
A bitmap or index scan whose recheck discards 10,000 rows or more, nine of ten it fetched, although the bitmap fitted
into memory. Seen by EXPLAIN ANALYZE.

## Why it matters
Trigram, `jsonb`, full text and GiST indexes may only say "perhaps". Each perhaps costs a look into the table: a short
pattern whose trigrams are everywhere, or a document with common keys, makes the index scan slower than reading the
table.

## What to do
Let the index decide: a longer pattern or a second condition; `jsonb_path_ops` instead of `jsonb_ops` for `@>`, as it
keeps paths with their values; an expression index for one key that is asked for often.

## When to leave it
The search words of this run are unusually common.

## Source
https://www.postgresql.org/docs/current/gin.html
"""

from collections.abc import Iterator
from functools import partial

from pgadvisor.rule import (
    Evidence,
    Example,
    Facts,
    Finding,
    PlannedStatement,
    PlanNode,
    Remedy,
    Rung,
    Severity,
    Where,
    node,
    plan_rule,
    table,
)

LEAST_DISCARDED = 10_000
MOST_KEPT = 0.1

DOCS = table("doc", columns={"body": "jsonb", "title": "text"}, indexes={"doc_body_idx": "gin: body"})
SQL = "SELECT id FROM doc WHERE body @> $1"
scan = partial(
    node, "Bitmap Heap Scan", node("Bitmap Index Scan", index="doc_body_idx", rows=100, actual=50_000, ms=9),
    table="doc", schema="public", alias="doc", rows=100, recheck_condition="(body @> '{\"a\": {\"b\": 1}}'::jsonb)",
    exact_heap_blocks=8_000,
)  # fmt: skip
BAD = [
    Example(sql=SQL, tables=(DOCS,), plan=scan(actual=40, ms=400, rows_removed_by_index_recheck=49_960), mean_ms=400),
]
GOOD = [
    Example(
        note="Most of what the index found was right.",
        sql=SQL,
        tables=(DOCS,),
        plan=scan(actual=45_000, ms=400, rows_removed_by_index_recheck=5_000),
        mean_ms=400,
    ),
    Example(
        note="The bitmap was too big: that is bitmap-scan-lossy.",
        sql=SQL,
        tables=(DOCS,),
        plan=scan(actual=40, ms=400, rows_removed_by_index_recheck=49_960, lossy_heap_blocks=7_000),
        mean_ms=400,
    ),
]


@plan_rule(severity=Severity.ERROR, since="0.2", needs=("analyze",))
def check(plan: PlannedStatement, facts: Facts) -> Iterator[Finding]:
    for number, scan in enumerate(plan.nodes):
        loops = scan.actual_loops or 0.0
        discarded, kept = (scan.rows_removed_by_index_recheck or 0.0) * loops, (scan.actual_rows or 0.0) * loops
        is_lossy = bool((scan.lossy_heap_blocks or 0) + (scan.figure("Lossy Heap Blocks") or 0.0))
        share = plan.figures[number].share
        if is_lossy or discarded < LEAST_DISCARDED or kept > MOST_KEPT * (discarded + kept):
            continue
        if not facts.matters(plan, share):
            continue
        index = scan.index or ", ".join(sorted({each.index for each in scan.walk() if each.index}))
        yield Finding(
            where=Where(table=f"{scan.schema}.{scan.table}" if scan.schema else scan.table, statement=plan.key),
            message=f"index {index} finds {discarded + kept:,.0f} rows of {scan.table}, and the recheck keeps "
            f"{kept:,.0f}",
            evidence=(Evidence(rung=Rung.MEASURED, text=f"counted: {share:.0%} of the statement in this scan"),),
            remedy=_remedy(scan),
            wrong_if="the words or keys searched for in this run are unusually common",
            severity=facts.severity(plan.key, share),
            at_most_ms_per_day=facts.ms_per_day(plan.key, share),
            node=number,
        )


def _remedy(scan: PlanNode) -> Remedy:
    condition = scan.recheck_condition or scan.index_condition or ""
    if "~~" in condition or " ~ " in condition or " ~* " in condition or " % " in condition:
        return Remedy(text="Search for longer patterns (trigrams of two letters are everywhere), or add a condition "
                      "that narrows the rows and put its column into the index, with btree_gin.")  # fmt: skip
    if "@>" in condition or "?" in condition:
        return Remedy(text="Index the paths that are asked for: jsonb_path_ops instead of jsonb_ops for @>, or a "
                      "B-tree index on the expression of one key.")  # fmt: skip
    if " = " in condition:
        return Remedy(text="An index that only says perhaps (bloom, BRIN) serves this equality: a B-tree index on the "
                      "compared columns finds the rows themselves.")  # fmt: skip
    return Remedy(text="Add a condition that narrows the rows, and put its column into the index.")
