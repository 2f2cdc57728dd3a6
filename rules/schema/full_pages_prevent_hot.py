"""Updates change no indexed column and still write every index, because the pages of the table are full.

## What it finds
A table that is not small with 100,000 updates or more, of which less than half were HOT (heap-only tuples), where the
updates of the workload set no column of any index and the fillfactor is 100.

## Why it matters
An update that finds room on its row's page leaves the indexes alone. Where pages are full the new version goes to
another page, and every index gets a new entry.

## What to do
Leave some of each page free (fillfactor 90). New pages have it at once; old ones after the table was rewritten.

## When to leave it
The updates come from a job that touches each row once.

## Source
https://www.postgresql.org/docs/current/storage-hot.html
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
    TableCounters,
    Where,
    listed,
    quoted_table,
    replace,
    schema_rule,
    table,
)

LEAST_UPDATES = 100_000
MOST_HOT = 0.5
FILLFACTOR = 90
COLD = TableCounters(live_rows=1_000_000, rows_updated=9_000_000, rows_hot_updated=1_000_000)
ACCOUNT = table("account", indexes={"account_email_idx": "email"}, counters=COLD,
                columns={"email": "text", "seen": "date"})  # fmt: skip
QUERY = "UPDATE account SET seen = $1 WHERE id = $2"
BAD = [
    Example(sql=QUERY, tables=(ACCOUNT,), remedy="ALTER TABLE public.account SET (fillfactor = 90);"),
]
GOOD = [
    Example(note="Most are HOT.", sql=QUERY,
            tables=(replace(ACCOUNT, counters=replace(COLD, rows_hot_updated=8_000_000)),)),
    Example(note="An indexed column is set.", sql="UPDATE account SET email = $1 WHERE id = $2", tables=(ACCOUNT,)),
    Example(note="Pages have room.", sql=QUERY, tables=(replace(ACCOUNT, options=("fillfactor=80",)),)),
]  # fmt: skip


@schema_rule(severity=Severity.WARNING, since="0.2", needs=("catalog", "counters", "statements"))
def check(table: Table, facts: Facts) -> Iterator[Finding]:
    counters = table.counters
    if counters is None or table.kind != "table" or counters.rows_updated < LEAST_UPDATES or not table.indexes:
        return
    share = counters.rows_hot_updated / counters.rows_updated
    if share >= MOST_HOT or facts.is_small(table.qualified) or _has_room(table):
        return
    updated = facts.once(_updated).get(table.partition_of or table.qualified, set())
    if not updated or any(_is_indexed(table, name) for name in updated):
        return
    change = f"ALTER TABLE {quoted_table(table)}"
    yield Finding(
        where=Where(table=table.qualified),
        message=f"only {share:.0%} of {counters.rows_updated:,} updates of {table.label} were HOT, though they set no "
        "indexed column",
        evidence=(
            Evidence(rung=Rung.MEASURED, text=f"{counters.rows_hot_updated:,} of {counters.rows_updated:,} updates "
                     "found room on the page of their row"),
            Evidence(rung=Rung.INFERRED, text=f"updates at hand set {listed(sorted(updated))}, in no index"),
        ),
        remedy=Remedy(
            text=f"Leave a tenth of each page of {table.label} free. Pages that are there get it when they are "
            "rewritten (VACUUM FULL, pg_repack) or emptied.",
            sql=f"{change} SET (fillfactor = {FILLFACTOR});",
            undo=f"{change} RESET (fillfactor);",
            lock=f"SHARE UPDATE EXCLUSIVE on {table.label} for an instant: reads and writes go on",
            cost="the table gets a tenth bigger",
        ),
        wrong_if="other statements than those at hand set indexed columns",
        severity=Severity.WARNING if counters.rows_updated - counters.rows_hot_updated >= 10 * LEAST_UPDATES else (
            Severity.INFO
        ),
        cause=f"fillfactor of {table.qualified}",
    )  # fmt: skip


def _updated(facts: Facts) -> dict[str, set[str]]:
    """Of each table the columns that statements of the workload set in an UPDATE."""
    found: dict[str, set[str]] = {}
    for query in facts.queries.values():
        for scope in query.scopes:
            if scope.write == "update" and scope.target and scope.target.table:
                found.setdefault(scope.target.table, set()).update(each.column for each in scope.assigned)
    return found


def _has_room(table: Table) -> bool:
    return any(option.startswith("fillfactor=") and option != "fillfactor=100" for option in table.options)


def _is_indexed(table: Table, column: str) -> bool:
    word = re.compile(rf"\b{re.escape(column)}\b")
    return any(word.search(index.definition) for index in table.indexes)
