"""The planner's row estimate is off by a factor of ten or more, and the plan above was chosen on it.

## What it finds
The lowest node of a plan that was run whose estimate is wrong by ten times or more, while what feeds it was estimated
well, and above which a join, a sort or a hash was chosen.

## Why it matters
The planner chooses joins by the number of rows it expects. With ten where ten thousand come it takes a nested loop, and
pays a thousand times what a hash join would have cost.

## What to do
ANALYZE when the statistics are old. For columns that depend on each other (city and postal code) CREATE STATISTICS; for
one column with a long tail a higher statistics target; for an expression statistics on that expression.

## When to leave it
The statement is fast enough, and another plan would not be faster. Or the values of this run are rare ones.

## Source
https://www.postgresql.org/docs/current/planner-stats.html#PLANNER-STATS-EXTENDED
"""

from collections.abc import Iterator
from functools import partial

from pgadvisor.rule import (
    Evidence,
    Example,
    Facts,
    Finding,
    PlannedStatement,
    Remedy,
    Rung,
    Severity,
    Table,
    TableCounters,
    Where,
    equal_columns,
    filtered_columns,
    node,
    object_name,
    plan_rule,
    quoted,
    quoted_table,
    scanned_table,
    table,
)

FAR = 10.0
NEAR = 3.0
"""Inputs estimated better than this are not the cause."""
LEAST_ROWS = 100
STALE = 0.2
"""Twice the share of changed rows at which autovacuum analyzes by default."""
CHOOSERS = (
    "Nested Loop",
    "Hash Join",
    "Merge Join",
    "Hash",
    "Sort",
    "Aggregate",
    "WindowAgg",
    "Materialize",
    "Memoize",
)
LEAST_SHARE = 0.2
"""What stands above the estimate must matter, or a better one would change nothing."""
TOP_TARGET = 1000

ADDRESS = table("address", rows=500_000, columns={"city": "text", "zip": "text"})
STALE_ADDRESS = table(
    "address", rows=500_000, columns={"city": "text"}, counters=TableCounters(live_rows=500_000,
                                                                            modified_since_analyze=400_000)
)  # fmt: skip
PERSON = table("person", rows=500_000, indexes={"person_address_id_idx": "address_id"})
SQL = "SELECT * FROM address a JOIN person p ON p.address_id = a.id WHERE a.city = $1 AND a.zip = $2"
scan = partial(node, "Seq Scan", table="address", schema="public", alias="a", parent_relationship="Outer", ms=60)
LOOKUP = node("Index Scan", table="person", schema="public", alias="p", rows=1, actual=1, loops=5_000, ms=0.03,
              parent_relationship="Inner", index_condition="(address_id = a.id)")  # fmt: skip
FILTER = "((city = 'Ulm'::text) AND (zip = '89073'::text))"
BAD = [
    Example(
        sql=SQL,
        tables=(ADDRESS, PERSON),
        plan=node("Nested Loop", scan(rows=50, actual=5_000, filter=FILTER), LOOKUP, rows=50, actual=5_000, ms=230),
        calls=50_000,
        mean_ms=230,
        remedy="CREATE STATISTICS public.address_city_zip_stat (dependencies, mcv) ON city, zip FROM public.address;\n"
        "ANALYZE public.address;",
    ),
    Example(
        note="The statistics are old: that comes first.",
        sql="SELECT * FROM address a JOIN person p ON p.address_id = a.id WHERE a.city = $1",
        tables=(STALE_ADDRESS, PERSON),
        plan=node("Nested Loop", scan(rows=50, actual=5_000, filter="(city = 'Ulm'::text)"), LOOKUP, rows=50,
                  actual=5_000, ms=230),
        remedy="ANALYZE public.address;",
    ),
]  # fmt: skip
GOOD = [
    Example(
        note="Off by four: no plan turns on that.",
        sql=SQL,
        tables=(ADDRESS, PERSON),
        plan=node("Nested Loop", scan(rows=1_250, actual=5_000, filter=FILTER), LOOKUP, rows=1_250, actual=5_000,
                  ms=230),
    ),
    Example(
        note="Nothing was decided on the estimate: the scan is the whole plan.",
        sql="SELECT * FROM address WHERE city = $1 AND zip = $2",
        tables=(ADDRESS,),
        plan=node("Seq Scan", table="address", schema="public", alias="address", filter=FILTER, rows=50, actual=5_000,
                  ms=60),
    ),
    Example(
        note="Five rows instead of none.",
        sql=SQL,
        tables=(ADDRESS, PERSON),
        plan=node("Nested Loop", scan(rows=50, actual=0, filter=FILTER), node("Index Scan", table="person", actual=0,
                  loops=0, parent_relationship="Inner"), rows=50, actual=0, ms=60),
    ),
]  # fmt: skip


@plan_rule(severity=Severity.WARNING, since="0.1", needs=("analyze",))
def check(plan: PlannedStatement, facts: Facts) -> Iterator[Finding]:
    for number, each in enumerate(plan.nodes):
        found = scanned_table(facts, each)
        share = _share_above(plan, number)
        if found is None or not _is_culprit(plan, number) or share < LEAST_SHARE:
            continue
        remedy = _remedy(plan, facts, number, found)
        if remedy is None:
            continue
        figures = plan.figures[number]
        severity = facts.severity(plan.key, share)
        is_harmful = figures.estimated_rows < (figures.rows or 0.0) and _feeds_loop(plan, number)
        yield Finding(
            where=Where(table=found.qualified, statement=plan.key),
            message=f"{each.node_type.lower()} on {found.label} was expected to give "
            f"{figures.estimated_rows:,.0f} rows and gave {figures.rows or 0:,.0f}",
            evidence=_evidence(plan, number, share, found),
            remedy=remedy,
            wrong_if="the values of this run are rare ones, and others are estimated well",
            severity=Severity.WARNING if is_harmful and severity is not Severity.INFO else Severity.INFO,
            cause=f"statistics {found.qualified} ({', '.join(sorted(filtered_columns(facts, plan, number)))})",
            node=number,
        )


def _is_culprit(plan: PlannedStatement, number: int) -> bool:
    """Whether the estimate goes wrong in this very node."""
    figures = plan.figures[number]
    if (
        figures.q_error is None
        or figures.q_error < FAR
        or max(figures.rows or 0.0, figures.estimated_rows) < LEAST_ROWS
    ):
        return False
    below = [each.q_error for child, each in plan.children(number) if not child.node_type.startswith("Bitmap")]
    return all(error is None or error < NEAR for error in below)


def _share_above(plan: PlannedStatement, number: int) -> float:
    """Share of the statement in the joins, sorts and hashes above the node, and in what they drive."""
    above, share = plan.figures[number].parent, 0.0
    while above is not None:
        each = plan.nodes[above]
        if each.node_type in CHOOSERS:
            share += plan.figures[above].share
        if each.node_type == "Nested Loop":
            share += sum(
                plan.figures[at].share
                for child, figures in plan.children(above)
                if child.parent_relationship == "Inner"
                for at in range(figures.number, figures.number + sum(1 for _ in child.walk()))
            )
        above = plan.figures[above].parent
    return min(share, 1.0)


def _feeds_loop(plan: PlannedStatement, number: int) -> bool:
    """Whether the node's rows drive a nested loop."""
    at, above = number, plan.figures[number].parent
    while above is not None:
        if plan.nodes[above].node_type == "Nested Loop" and plan.nodes[at].parent_relationship == "Outer":
            return True
        at, above = above, plan.figures[above].parent
    return False


def _evidence(plan: PlannedStatement, number: int, share: float, found: Table) -> tuple[Evidence, ...]:
    figures = plan.figures[number]
    pieces = [
        Evidence(
            rung=Rung.MEASURED,
            text=f"off by a factor of {figures.q_error or 0:,.0f}; what was chosen on it takes {share:.0%} of the time",
        )
    ]
    if found.counters and found.counters.live_rows and found.counters.modified_since_analyze:
        changed = found.counters.modified_since_analyze / found.counters.live_rows
        pieces.append(Evidence(rung=Rung.MEASURED, text=f"{changed:.0%} of its rows changed since the last ANALYZE"))
    return tuple(pieces)


def _remedy(plan: PlannedStatement, facts: Facts, number: int, found: Table) -> Remedy | None:
    """What makes the estimate better; None when nothing is known to."""
    name, columns = quoted_table(found), equal_columns(facts, plan, number)
    lock = f"SHARE UPDATE EXCLUSIVE on {found.label}: reads and writes go on"
    if _is_stale(found):
        return Remedy(text=f"Analyze {found.label}: its statistics are old or missing.", sql=f"ANALYZE {name};",
                      lock=lock, cost="reads a sample of the table")  # fmt: skip
    if len(columns) > 1 and not any(set(columns) <= set(each.columns) for each in found.extended_statistics):
        statistics = f"{quoted(found.schema)}.{quoted(object_name(found.name, columns, 'stat'))}"
        keys = ", ".join(quoted(column) for column in columns)
        return Remedy(
            text=f"Let PostgreSQL learn how {', '.join(columns)} depend on each other.",
            sql=f"CREATE STATISTICS {statistics} (dependencies, mcv) ON {keys} FROM {name};\nANALYZE {name};",
            undo=f"DROP STATISTICS {statistics};",
            lock=lock,
            cost="each ANALYZE of the table takes a little longer",
        )
    if len(columns) == 1 and columns == tuple(filtered_columns(facts, plan, number)):
        column = quoted(columns[0])
        return Remedy(
            text=f"Keep more common values of {columns[0]} in the statistics.",
            sql=f"ALTER TABLE {name} ALTER COLUMN {column} SET STATISTICS {TOP_TARGET};\nANALYZE {name} ({column});",
            undo=f"ALTER TABLE {name} ALTER COLUMN {column} SET STATISTICS -1;",
            lock=lock,
            cost="ANALYZE reads a sample ten times as big",
        )
    return None


def _is_stale(found: Table) -> bool:
    counters = found.counters
    if counters is None:
        return False
    never = counters.last_analyze_at is None and not any(column.statistics for column in found.columns)
    return never or counters.modified_since_analyze > STALE * max(counters.live_rows, 1)
