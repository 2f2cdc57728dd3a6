"""A materialized view is refreshed under a lock that stops its readers.

## What it finds
REFRESH MATERIALIZED VIEW without CONCURRENTLY, or WITH NO DATA, of one that was there before the pull request; and
CONCURRENTLY on one that is known to have no unique index.

## Why it matters
Every query on the view waits until its query has run and its indexes are built; WITH NO DATA they fail until the next
refresh. CONCURRENTLY compares old and new rows by a unique index, and fails without one.

## What to do
Give the view a unique index on columns, without a WHERE, and say CONCURRENTLY.

## When to leave it
The view is small, or nobody reads it.

## Source
https://www.postgresql.org/docs/current/sql-refreshmaterializedview.html
"""

from collections.abc import Iterator

from pgadvisor.rule import (
    Evidence,
    Example,
    Finding,
    GateFacts,
    MigrationStep,
    Remedy,
    Rung,
    Severity,
    Table,
    Where,
    is_on_new_table,
    is_there,
    lock_finding,
    lock_severity,
    migration_rule,
    replace,
    table,
    table_sql,
)

_TOTALS = replace(table("totals", rows=50_000_000, columns={"day": "date"}, primary_key=None), kind="materialized view")
_UNIQUE = replace(table("totals", rows=50_000_000, columns={"day": "date"}, primary_key=None,
                        indexes={"totals_day_key": "UNIQUE day"}), kind="materialized view")  # fmt: skip
BAD = [
    Example(migration="REFRESH MATERIALIZED VIEW totals;", remedy="REFRESH MATERIALIZED VIEW CONCURRENTLY totals;"),
    Example(migration="REFRESH MATERIALIZED VIEW totals WITH NO DATA;"),
    Example(tables=(_UNIQUE,), migration="REFRESH MATERIALIZED VIEW totals;"),
    Example(
        note="It fails: no unique index tells the rows apart.",
        tables=(_TOTALS,),
        migration="REFRESH MATERIALIZED VIEW CONCURRENTLY totals;",
    ),
    Example(
        note="The snapshot says that it is small: a word of information.",
        tables=(replace(table("totals", rows=500), kind="materialized view"),),
        migration="REFRESH MATERIALIZED VIEW totals;",
    ),
]
GOOD = [
    Example(
        note="It is refreshed beside its readers.",
        tables=(_UNIQUE,),
        migration="REFRESH MATERIALIZED VIEW CONCURRENTLY totals;",
    ),
    Example(
        note="The view is made by the same migration.",
        migration="CREATE MATERIALIZED VIEW totals AS SELECT 1 AS day WITH NO DATA; REFRESH MATERIALIZED VIEW totals;",
    ),
    Example(
        note="The unique index is made before.",
        tables=(_TOTALS,),
        migration="CREATE UNIQUE INDEX CONCURRENTLY totals_day_key ON totals (day);"
        "REFRESH MATERIALIZED VIEW CONCURRENTLY totals;",
    ),
]


@migration_rule(severity=Severity.ERROR, since="0.2")
def check(step: MigrationStep, gate: GateFacts) -> Iterator[Finding]:
    if not step.command.startswith("refresh materialized view") or not is_there(step, gate, step.target):
        return
    if step.command.endswith("with no data"):
        yield _plain(
            step, gate, f"materialized view {step.label} is emptied: queries on it fail until the next refresh"
        )
    elif step.step.is_concurrent:
        if step.table is not None and step.schema.is_whole(step.target) and not _has_unique(step.table):
            yield _plain(step, gate, f"REFRESH CONCURRENTLY of {step.label} fails: it has no unique index")
    elif not is_on_new_table(step):
        yield lock_finding(step, gate, f"refreshing {step.label} runs its query", _remedy(step), cause="refresh")


def _has_unique(table: Table) -> bool:
    """Whether an index fits: unique, valid, on plain columns, of all rows."""
    return any(
        each.is_unique and each.is_valid and not each.predicate and all(key.column for key in each.keys)
        for each in table.indexes
    )


def _plain(step: MigrationStep, gate: GateFacts, message: str) -> Finding:
    return Finding(
        where=Where(table=step.target),
        message=message,
        evidence=(Evidence(rung=Rung.INFERRED, text=f"{step.spelled} of {step.label}"),),
        remedy=_remedy(step),
        wrong_if="nobody reads the view",
        severity=Severity.ERROR if step.step.is_concurrent else lock_severity(step, gate),
        cause=f"refresh {step.target}",
    )


def _remedy(step: MigrationStep) -> Remedy:
    is_ready = step.table is not None and _has_unique(step.table)
    text = (
        "Say CONCURRENTLY." if is_ready else "Give it a unique index on columns, without a WHERE, and say CONCURRENTLY."
    )
    return Remedy(
        text=text,
        sql=None if step.step.is_concurrent else f"REFRESH MATERIALIZED VIEW CONCURRENTLY {table_sql(step)};",
        lock=f"EXCLUSIVE on {step.label}: reads go on",
    )
