"""An index is invalid: writes keep it up to date and no query may use it.

## What it finds
An index that PostgreSQL marks as not valid: what is left of a CREATE INDEX CONCURRENTLY or REINDEX CONCURRENTLY that
failed or was cancelled, or an index of a partitioned table that lacks some partition's index.

## Why it matters
It costs writes and disk and serves nothing. Who created it believes that it is there. A unique one does not even keep
values unique for certain.

## What to do
Build it again without blocking. For a unique index, first remove the duplicates that made it fail.

## When to leave it
It is being built right now.

## Source
https://www.postgresql.org/docs/current/sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY
"""

import re
from collections.abc import Iterator

from pgadvisor.rule import (
    Evidence,
    Example,
    Facts,
    Finding,
    Index,
    Remedy,
    Rung,
    Severity,
    Table,
    Where,
    concurrent_definition,
    drop_index,
    quoted,
    replace,
    schema_rule,
    size_text,
    table,
)

LEFT_OVER = re.compile(r"_cc(new|old)\d*$")
"""What REINDEX CONCURRENTLY calls its own indexes: the new one and the old one."""


def _failed(spelled: str, name: str = "account_email_key", **more: object) -> Table:
    made = table("account", indexes={name: spelled}, **more)  # type: ignore[arg-type]
    return replace(made, indexes=tuple(replace(i, is_valid=i.name != name) for i in made.indexes))


BAD = [
    Example(
        tables=(_failed("UNIQUE email"),),
        remedy="DROP INDEX CONCURRENTLY public.account_email_key;\n"
        "CREATE UNIQUE INDEX CONCURRENTLY account_email_key ON public.account USING btree (email);",
    ),
    Example(tables=(_failed("email"),), remedy="REINDEX INDEX CONCURRENTLY public.account_email_key;"),
    Example(
        note="Left over from REINDEX CONCURRENTLY.",
        tables=(_failed("email", "account_email_idx_ccnew"),),
        remedy="DROP INDEX CONCURRENTLY public.account_email_idx_ccnew;",
    ),
]
GOOD = [Example(note="It is valid.", tables=(table("account", indexes={"account_email_key": "UNIQUE email"}),))]


@schema_rule(severity=Severity.WARNING, since="0.1")
def check(table: Table, facts: Facts) -> Iterator[Finding]:
    for index in table.indexes:
        if index.is_valid or index.partition_of:
            continue
        is_above = table.kind == "partitioned table"
        what = "lacks the index of some partition" if is_above else "is invalid: writes keep it, no query may use it"
        yield Finding(
            where=Where(table=table.qualified, index=index.name),
            message=f"index {index.name} of {table.label} {what}"
            + (f", and it takes {size_text(index.size_bytes)}" if index.size_bytes else ""),
            evidence=(Evidence(rung=Rung.INFERRED, text="pg_index.indisvalid is false"),),
            remedy=_attach(index, table, facts) if is_above else _rebuild(index, table),
            wrong_if="it is being built right now (see pg_stat_progress_create_index)",
            severity=Severity.WARNING,
            cause=f"index {index.schema}.{index.name}",
        )


def _rebuild(index: Index, table: Table) -> Remedy:
    name = f"{quoted(index.schema)}.{quoted(index.name)}"
    if LEFT_OVER.search(index.name):
        return drop_index(table, index, why="It is left over from REINDEX CONCURRENTLY; the index itself is in place.")
    if index.is_unique and not index.constraint:
        columns = ", ".join(key.text for key in index.keys)
        dropped = drop_index(table, index)
        return replace(
            dropped,
            text=f"Remove the rows that hold the same {columns} more than once, then build it again.",
            sql=f"{dropped.sql}\n{concurrent_definition(table, index)};",
            undo=dropped.sql,
            cost="the new build reads the table twice",
        )
    return Remedy(
        text="Build it again without blocking writes.",
        sql=f"REINDEX INDEX CONCURRENTLY {name};",
        undo=None if index.constraint else f"DROP INDEX CONCURRENTLY {name};",
        lock=f"SHARE UPDATE EXCLUSIVE on {table.label}: reads and writes go on",
        cost="reads the table twice",
    )


def _attach(index: Index, table: Table, facts: Facts) -> Remedy:
    """What completes an index of a partitioned table: the partitions that have no part of it."""
    names = (index.name, f"{index.schema}.{index.name}")
    lacking = [
        each.label
        for each in facts.partitions(table.qualified)
        if not any(below.partition_of in names and below.is_valid for below in each.indexes)
    ]
    return Remedy(
        text=f"Build its part on {', '.join(lacking) or 'each partition'} with CREATE INDEX CONCURRENTLY and attach it "
        f"with ALTER INDEX {quoted(index.schema)}.{quoted(index.name)} ATTACH PARTITION; "
        "it becomes valid with the last one.",
    )
