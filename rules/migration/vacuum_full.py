"""VACUUM FULL or CLUSTER writes a whole table anew while nobody may read or write it.

## What it finds
VACUUM FULL and CLUSTER of a table that was there before the pull request, or of all tables.

## Why it matters
Table and indexes are written anew under ACCESS EXCLUSIVE, and need as much free space again: every query on the table
waits until it is done.

## What to do
Plain VACUUM frees the space of dead rows for new ones beside reads and writes. To give it back to the file system, or
to order the table, use pg_repack or pg_squeeze, which need a lock for a moment only.

## When to leave it
The table is small, or nothing uses it yet.

## Source
https://www.postgresql.org/docs/current/routine-vacuuming.html#VACUUM-FOR-SPACE-RECOVERY
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
    Where,
    is_on_new_table,
    lock_finding,
    migration_rule,
    table,
    table_sql,
)

BAD = [
    Example(migration="VACUUM FULL orders;", remedy="VACUUM (ANALYZE) orders;"),
    Example(migration="VACUUM (FULL, ANALYZE) shop.orders;", remedy="VACUUM (ANALYZE) shop.orders;"),
    Example(migration="CLUSTER orders USING orders_pkey;"),
    Example(note="All tables of the database.", migration="VACUUM FULL;", remedy="VACUUM (ANALYZE);"),
    Example(tables=(table("orders", rows=50_000_000),), migration="VACUUM FULL orders;"),
    Example(
        note="The snapshot says that the table is small: a word of information.",
        tables=(table("orders", rows=5_000),),
        migration="VACUUM FULL orders;",
    ),
]
GOOD = [
    Example(
        note="It works beside reads and writes.",
        migration="VACUUM (ANALYZE) orders;",
    ),
    Example(
        note="It only says by which index CLUSTER would order the table.",
        migration="ALTER TABLE orders CLUSTER ON orders_pkey;",
    ),
    Example(
        note="The option is off.",
        migration="VACUUM (FULL false) orders;",
    ),
]


@migration_rule(severity=Severity.ERROR, since="0.2")
def check(step: MigrationStep, gate: GateFacts) -> Iterator[Finding]:
    if step.command not in ("vacuum full", "cluster"):
        return
    name, is_vacuum = step.command.upper(), step.command == "vacuum full"
    remedy = Remedy(
        text="Use plain VACUUM; to give space back or to order the table, pg_repack or pg_squeeze.",
        sql=f"VACUUM (ANALYZE){' ' + table_sql(step) if step.step.name else ''};" if is_vacuum else None,
        lock="SHARE UPDATE EXCLUSIVE: reads and writes go on" if is_vacuum else None,
    )
    if step.target is None:
        yield Finding(
            where=Where(),
            message=f"{name} writes every table anew, one after the other, while its reads and writes wait",
            evidence=(Evidence(rung=Rung.INFERRED, text=f"{name} takes ACCESS EXCLUSIVE on each table"),),
            remedy=remedy,
            wrong_if="all tables are small, or nobody works meanwhile",
            severity=Severity.ERROR,
            cause=step.command,
        )
    elif not is_on_new_table(step):
        yield lock_finding(step, gate, f"{name} writes {step.label} anew", remedy, cause=step.command)
