"""Unlogged tables are emptied by a crash, and are not on any replica.

## What it finds
UNLOGGED tables with rows in them, all of the database in one finding; not those whose name says that they are a cache,
temporary, or a place to load into.

## Why it matters
Their changes go into no write-ahead log. After a crash, or a failover, PostgreSQL empties them; backups that copy files
hold none of their rows.

## What to do
Turn them into logged tables where losing the rows would hurt.

## When to leave it
The rows can be made again: caches, sessions, staging.

## Source
https://www.postgresql.org/docs/current/sql-createtable.html#SQL-CREATETABLE-UNLOGGED
"""

import re
from collections.abc import Iterator

from pgadvisor.rule import (
    Evidence,
    Example,
    Facts,
    Finding,
    Remedy,
    Rung,
    Severity,
    Table,
    Where,
    counted,
    foreign_key,
    is_own,
    listed,
    quoted_table,
    schema_rule,
    size_text,
    table,
)

_MEANT = re.compile(r"(^|_)(cache\w*|te?mp\w*|staging|stage|stg|sessions?|import\w*|load\w*|scratch|work|queue|etl|"
                    r"buffer|lock\w*|unlogged|raw|jobs?)(_|\Z)", re.IGNORECASE)  # fmt: skip
BAD = [
    Example(
        tables=(table("payment", is_unlogged=True, constraints=(foreign_key("order_id", "orders"),)), table("orders")),
        remedy="ALTER TABLE public.payment SET LOGGED;",
    ),
]
GOOD = [
    Example(note="It is a cache.", tables=(table("price_cache", is_unlogged=True),)),
    Example(note="Nothing is in it.", tables=(table("payment", is_unlogged=True, rows=0),)),
]


@schema_rule(severity=Severity.INFO, since="0.2")
def check(table: Table, facts: Facts) -> Iterator[Finding]:
    found = facts.once(_found)
    if not found or found[0] is not table:
        return
    size = sum(each.total_bytes or 0 for each in found)
    yield Finding(
        where=Where(table=table.qualified),
        message=f"{counted(len(found), 'unlogged table')} with {size_text(size)}, which a crash empties: "
        f"{listed(each.label for each in found)}",
        evidence=(Evidence(rung=Rung.INFERRED, text="pg_class.relpersistence is u"),),
        remedy=Remedy(
            text="Turn into logged tables those whose rows cannot be made again.",
            sql="\n".join(f"ALTER TABLE {quoted_table(each)} SET LOGGED;" for each in found),
            undo="\n".join(f"ALTER TABLE {quoted_table(each)} SET UNLOGGED;" for each in found),
            lock="ACCESS EXCLUSIVE on each table while it is rewritten: nobody reads or writes; set lock_timeout",
            cost="writes each table and its indexes again, and into the write-ahead log",
        ),
        wrong_if="the rows can be made again, and nobody reads them on a replica",
        severity=Severity.INFO,
        cause="unlogged tables",
    )


def _found(facts: Facts) -> tuple[Table, ...]:
    return tuple(
        each
        for each in facts.tables
        if each.is_unlogged and (is_own(each) or each.partition_of)
        if (each.rows or (each.counters.live_rows if each.counters else 0)) and not _MEANT.search(each.name)
    )
