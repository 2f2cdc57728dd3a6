"""A hash table does not fit into memory and goes through files on disk.

## What it finds
A hash join in more than one batch, or a hash aggregate that wrote to disk, seen by EXPLAIN ANALYZE. Where the statement
was not run: a hash planned to be bigger than its memory, when the statement's counters show temporary files.

## Why it matters
What does not fit is cut into batches, written to files and read back: of a join both sides, of an aggregate its input.
The time of that step doubles or worse.

## What to do
Hash less: filter earlier, take fewer columns, join the smaller side. Else give this statement, or its role, more memory
with SET LOCAL: `work_mem` times `hash_mem_multiplier` is what a hash may take.

## When to leave it
The statement is rare. Or the estimate was far off and more memory would not change the plan: cure the estimate first.

## Source
https://www.postgresql.org/docs/current/runtime-config-resource.html#GUC-HASH-MEM-MULTIPLIER
"""

from collections.abc import Iterator

from pgadvisor.rule import (
    Evidence,
    Example,
    Facts,
    Finding,
    PlannedStatement,
    PlanNode,
    Rung,
    Severity,
    Where,
    hash_memory_kb,
    memory_kb,
    more_work_mem,
    node,
    plan_rule,
    temp_kb_per_call,
)

HASH_OVERHEAD = 40
"""Bytes of a row in a hash table beside its columns (`ExecChooseHashTableSize`: tuple header, hash value, bucket)."""
GROUP_OVERHEAD = 120
"""Bytes of a group beside its columns (`hash_agg_entry_size`: tuple header, entry, states, and what malloc rounds)."""
LEAST_KB = 1_024
"""A smaller spill never leaves the system's cache."""
INSTEAD = "Filter earlier or take fewer columns into the hash."

ORDERS = node("Seq Scan", table="orders", rows=1e6, actual=1e6, ms=100)
BAD = [
    Example(
        sql="SELECT * FROM orders o JOIN customer c ON c.id = o.customer_id",
        plan=node(
            "Hash Join",
            ORDERS,
            node("Hash", node("Seq Scan", table="customer", rows=1e6, actual=1e6, ms=100), rows=1e6, actual=1e6, ms=300,
                 hash_batches=16, peak_memory_kb=8_192),
            rows=1e6, actual=1e6, ms=900, hash_condition="(o.customer_id = c.id)",
        ),
        mean_ms=900,
        calls=10_000,
        settings={"work_mem": "4096", "hash_mem_multiplier": "2"},
        remedy="SET LOCAL work_mem = '64MB';",
    ),
    Example(
        sql="SELECT customer_id, count(*) FROM orders GROUP BY customer_id",
        plan=node("Aggregate", ORDERS, rows=5e5, actual=5e5, ms=900, strategy="Hashed", hash_batches=21,
                  peak_memory_kb=8_241, disk_usage_kb=30_000),
        mean_ms=900,
        calls=10_000,
        settings={"work_mem": "4096", "hash_mem_multiplier": "2"},
    ),
]  # fmt: skip
GOOD = [
    Example(
        note="One batch: it fitted.",
        sql="SELECT * FROM orders o JOIN customer c ON c.id = o.customer_id",
        plan=node(
            "Hash Join",
            ORDERS,
            node("Hash", node("Seq Scan", table="customer", rows=100, actual=100, ms=1), rows=100, actual=100, ms=1,
                 hash_batches=1, peak_memory_kb=64),
            rows=1e6, actual=1e6, ms=400,
        ),
    ),
]  # fmt: skip


@plan_rule(severity=Severity.ERROR, since="0.1")
def check(plan: PlannedStatement, facts: Facts) -> Iterator[Finding]:
    for number, each in enumerate(plan.nodes):
        needed = _needed_kb(plan, facts, each)
        if needed is None:
            continue
        what = "hash join" if each.node_type == "Hash" else "hash aggregate"
        above = plan.figures[number].parent
        share = plan.figures[number].share + (plan.figures[above].share if each.node_type == "Hash" and above else 0.0)
        if not facts.matters(plan, min(share, 1.0)):
            continue
        yield Finding(
            where=Where(statement=plan.key),
            message=f"{what} needs {needed:,.0f} kB and goes through files" + _batches(each),
            evidence=_evidence(plan, facts, each),
            remedy=more_work_mem(facts, needed, instead=INSTEAD, factor=_factor(plan, facts)),
            wrong_if="the statement runs with another work_mem than the one seen here",
            severity=facts.severity(plan.key, min(share, 1.0)),
            at_most_ms_per_day=facts.ms_per_day(plan.key, min(share, 1.0)),
            node=number,
        )


def _needed_kb(plan: PlannedStatement, facts: Facts, each: PlanNode) -> float | None:
    """Memory that would have kept it off the disk; None: it did not spill."""
    is_hashed = each.node_type == "Hash" or (each.node_type == "Aggregate" and each.strategy in ("Hashed", "Mixed"))
    if not is_hashed:
        return None
    if plan.is_analyzed:
        if each.disk_usage_kb:
            groups = (each.actual_rows or 0.0) * (each.width_bytes + GROUP_OVERHEAD) / 1024
            needed = max(groups, each.disk_usage_kb + (each.peak_memory_kb or 0.0))
        else:
            needed = float((each.peak_memory_kb or 0) * (each.hash_batches or 1))
        return needed if (each.hash_batches or 1) > 1 and needed >= LEAST_KB else None
    planned = each.estimated_rows * (each.width_bytes + HASH_OVERHEAD) / 1024
    limit, written = hash_memory_kb(facts, plan), temp_kb_per_call(facts, plan.key)
    return planned if limit and written and planned > limit and written >= LEAST_KB else None


def _batches(each: PlanNode) -> str:
    return f" in {each.hash_batches} batches" if each.hash_batches else ""


def _evidence(plan: PlannedStatement, facts: Facts, each: PlanNode) -> tuple[Evidence, ...]:
    limit = hash_memory_kb(facts, plan)
    allowed = f"; work_mem × hash_mem_multiplier allows {limit:,.0f} kB" if limit else ""
    if plan.is_analyzed:
        disk = f", {each.disk_usage_kb:,} kB on disk" if each.disk_usage_kb else ""
        text = f"{each.hash_batches} batches, {each.peak_memory_kb or 0:,} kB in memory{disk}{allowed}"
        return (Evidence(rung=Rung.MEASURED, text=text),)
    return (
        Evidence(rung=Rung.ESTIMATED, text=f"planned: {each.estimated_rows:,.0f} rows to hash{allowed}"),
        Evidence(rung=Rung.MEASURED, text=f"{temp_kb_per_call(facts, plan.key):,.0f} kB of temporary files a call"),
    )


def _factor(plan: PlannedStatement, facts: Facts) -> float:
    """How many times work_mem a hash may take."""
    limit, base = hash_memory_kb(facts, plan), memory_kb(facts, "work_mem", plan)
    return limit / base if limit and base else 1.0
