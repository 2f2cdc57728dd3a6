"""An UPDATE sets the partition key: rows may have to move to another partition.

## What it finds
`UPDATE … SET key = …` on a partitioned table, where `key` is a column that it is partitioned by.

## Why it matters
A row that no longer belongs into its partition is deleted there and inserted elsewhere. That writes all its index
entries anew, fires the triggers of DELETE and INSERT, fails where foreign keys or logical replication do not bear it,
and another transaction that updates the row at that moment gets an error ("tuple to be locked was already moved").

## What to do
Partition by a column that does not change. Or set the key only where it changes.

## When to leave it
The new value stays within the partition, or it happens seldom.

## Source
https://www.postgresql.org/docs/current/sql-update.html#SQL-UPDATE-NOTES
"""

import re
from collections.abc import Iterator

from pgadvisor.rule import Evidence, Example, Facts, Finding, Query, Remedy, Rung, Severity, Where, query_rule, table

EVENTS = table("events", columns={"at": "timestamp with time zone", "kind": "text"}, primary_key="id, at",
               partition_key="RANGE (at)")  # fmt: skip
BAD = [
    Example(sql="UPDATE events SET at = at + interval '1 hour' WHERE id = 7", tables=(EVENTS,)),
    Example(sql="UPDATE events e SET kind = 'x', at = now() WHERE e.id = $1", tables=(EVENTS,)),
]
GOOD = [
    Example(note="Another column.", sql="UPDATE events SET kind = 'x' WHERE at = $1", tables=(EVENTS,)),
    Example(note="A new row.", sql="INSERT INTO events (id, at) VALUES ($1, now())", tables=(EVENTS,)),
]


@query_rule(severity=Severity.INFO, since="0.2")
def check(query: Query, facts: Facts) -> Iterator[Finding]:
    for scope in query.scopes:
        target = scope.target
        found = facts.table(target.table) if target else None
        if scope.write != "update" or found is None or not found.partition_key:
            continue
        words = set(re.findall(r"\w+", found.partition_key.partition("(")[2]))
        for column in scope.assigned:
            if column.column in words and found.column(column.column):
                yield Finding(
                    where=Where(statement=query.statement, table=found.qualified, column=column.column),
                    message=f"the UPDATE sets `{column.column}`, by which {found.label} is partitioned: rows may move",
                    evidence=(
                        Evidence(rung=Rung.INFERRED, text=f"{found.label} is partitioned by {found.partition_key}"),
                    ),
                    remedy=Remedy(text="Partition by a column that does not change, or set it only where it changes."),
                    wrong_if="the new value belongs into the same partition",
                    severity=Severity.INFO,
                )
