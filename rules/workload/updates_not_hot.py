"""Updates of an indexed column write every index of the table anew: they cannot be HOT.

## What it finds
A table with 50,000 updates or more, of which less than half were HOT, while half of the updates seen come from
statements that set a column which an index holds: as a key, in its predicate or in INCLUDE (from PostgreSQL 16 on not
in a BRIN index).

## Why it matters
A heap-only tuple update (HOT) writes the new row version on the same page and leaves all indexes alone; the dead
version is cleaned away by whoever reads the page next. When one indexed column changes, each index of the table gets a
new entry, also those that the update does not touch, and VACUUM has to clean them all.

## What to do
Drop the index where it is hardly used; keep out of indexes what changes all the time (move the column to a table of its
own, or use a partial index on a state that is rarely entered). `fillfactor` helps only once no indexed column changes.

## When to leave it
The index answers queries that matter more than the updates.

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
    Index,
    Query,
    Remedy,
    Rung,
    Severity,
    Statement,
    Table,
    TableCounters,
    Where,
    drop_index,
    is_free_to_go,
    replace,
    table,
    workload_rule,
)

LEAST_UPDATES = 50_000
LEAST_HOT = 0.5
LEAST_SHARE = 0.5
"""Share of the table's updates in statements that set an indexed column."""
SUMMARIZING_SINCE = 16
FEW_SCANS = 50

COLD = TableCounters(live_rows=1_000_000, rows_updated=4_000_000, rows_hot_updated=90_000, index_scans=1_000_000)
HOT = TableCounters(live_rows=1_000_000, rows_updated=4_000_000, rows_hot_updated=3_900_000)
COLUMNS = {"seen_at": "timestamp with time zone", "name": "text"}
DEVICES = table("device", columns=COLUMNS, indexes={"device_seen_at": "seen_at"}, counters=COLD)
UNUSED = replace(
    DEVICES,
    indexes=tuple(replace(each, scans=0) if each.name == "device_seen_at" else each for each in DEVICES.indexes),
)
SET = "UPDATE device SET seen_at = now() WHERE id = $1"
BAD = [
    Example(sql=SET, tables=(DEVICES,), calls=4_000_000, rows=4_000_000, mean_ms=0.2),
    Example(
        sql=SET,
        tables=(UNUSED,),
        calls=4_000_000,
        rows=4_000_000,
        mean_ms=0.2,
        remedy="DROP INDEX CONCURRENTLY public.device_seen_at;",
    ),
    Example(
        note="A partial index that the column leads in and out of.",
        sql=SET,
        tables=(
            table("device", columns=COLUMNS, indexes={"device_gone": "name WHERE (seen_at IS NULL)"}, counters=COLD),
        ),
        calls=4_000_000,
        rows=4_000_000,
        mean_ms=0.2,
    ),
]
GOOD = [
    Example(
        note="They are HOT.",
        sql=SET,
        tables=(table("device", columns=COLUMNS, indexes={"device_seen_at": "seen_at"}, counters=HOT),),
        calls=4_000_000,
    ),
    Example(
        note="Another column is set: there was no room on the page.",
        sql="UPDATE device SET name = $1 WHERE id = $2",
        tables=(DEVICES,),
        calls=4_000_000,
        rows=4_000_000,
    ),
    Example(
        note="A few of many updates set it.",
        sql=SET,
        tables=(DEVICES,),
        calls=1_000,
        rows=1_000,
        other=(("UPDATE device SET name = $1 WHERE id = $2", 4_000_000, 0.2),),
    ),
    Example(
        note="A BRIN index summarizes pages; from 16 on it does not stand in the way.",
        sql=SET,
        tables=(table("device", columns=COLUMNS, indexes={"device_seen_at": "brin: seen_at"}, counters=COLD),),
        calls=4_000_000,
        rows=4_000_000,
    ),
]


@workload_rule(severity=Severity.WARNING, since="0.2", needs=("catalog", "counters", "statements"))
def check(facts: Facts) -> Iterator[Finding]:
    for found in facts.tables:
        counters = found.counters
        if counters is None or counters.rows_updated < LEAST_UPDATES or found.kind != "table":
            continue
        hot = counters.rows_hot_updated / counters.rows_updated
        if hot >= LEAST_HOT:
            continue
        blamed = _blocking(facts, found)
        if blamed:
            yield _finding(facts, found, hot, *blamed)


def _updates(facts: Facts) -> dict[str, list[tuple[Statement, Query]]]:
    """The UPDATEs of each table, by its `schema.table`."""
    found: dict[str, list[tuple[Statement, Query]]] = {}
    for statement in facts.snapshot.statements:
        query = facts.queries.get(statement.key)
        target = query.top.target if query and query.kind == "update" else None
        named = facts.table(target.table) if target else None
        if query and named:
            found.setdefault(named.qualified, []).append((statement, query))
    return found


def _blocking(facts: Facts, found: Table) -> tuple[Index, str, tuple[str, ...]] | None:
    """The index that most updates write because they set its column, that column, and the statements."""
    by_table = facts.once(_updates)
    updates = [*by_table.get(found.qualified, ()), *by_table.get(found.partition_of or "", ())]
    rows: dict[tuple[str, str], int] = {}
    keys: dict[tuple[str, str], list[str]] = {}
    for statement, query in updates:
        for assigned in query.top.assigned:
            for index in found.indexes:
                if _holds(facts, index, assigned.column):
                    at = (index.name, assigned.column)
                    rows[at] = rows.get(at, 0) + _updated(statement)
                    keys.setdefault(at, []).append(statement.key)
    total = sum(_updated(statement) for statement, _ in updates)
    name, column = most = max(rows, key=lambda at: rows[at], default=("", ""))
    blamed = next((each for each in found.indexes if each.name == name), None)
    if blamed is None or not total or rows[most] < LEAST_SHARE * total:
        return None
    return blamed, column, tuple(dict.fromkeys(keys[most]))


def _updated(statement: Statement) -> int:
    return statement.rows or statement.calls or 0


def _holds(facts: Facts, index: Index, column: str) -> bool:
    """Whether a change of the column makes a new entry: it is a key, in a key's expression, included, or in WHERE."""
    server = facts.snapshot.server
    if index.method == "brin" and server and server.major >= SUMMARIZING_SINCE:
        return False
    texts = [index.predicate or "", *(key.text for key in index.keys if key.column is None)]
    word = re.compile(rf'(?<![\w"]){re.escape(column)}(?![\w"(])|"{re.escape(column)}"')
    return column in (*index.columns, *index.included) or any(word.search(text) for text in texts)


def _finding(facts: Facts, found: Table, hot: float, index: Index, column: str, statements: tuple[str, ...]) -> Finding:
    updates = found.counters.rows_updated if found.counters else 0
    is_idle = index.scans is not None and index.scans < FEW_SCANS and is_free_to_go(index) and not index.is_unique
    advice = Remedy(
        text=f"Keep `{column}` out of {index.name} if its queries allow it, or move `{column}` to a table of its own; "
        "then a fillfactor below 100 leaves room for the new versions."
    )
    return Finding(
        where=Where(table=found.qualified, column=column, index=index.name, statement=statements[0]),
        message=f"{hot:.0%} of the updates of {found.label} are HOT: they set `{column}`, which {index.name} holds",
        evidence=(
            Evidence(rung=Rung.MEASURED, text=f"{updates:,} updates, {hot:.0%} of them HOT"),
            Evidence(
                rung=Rung.MEASURED,
                text=f"{index.name} was scanned {index.scans or 0:,} times; the others write all "
                f"{len(found.indexes)} indexes",
            ),
        ),
        remedy=drop_index(found, index, why="It is hardly scanned here; see to replicas first.") if is_idle else advice,
        wrong_if=f"{index.name} answers queries that matter more than the updates",
        severity=max((facts.severity(key, worst=Severity.WARNING) for key in statements), key=lambda each: -each.rank),
        cause=f"index {index.schema}.{index.name}" if is_idle else None,
        statements=statements,
    )
