"""Indexes on text were built with another version of the collation than the server sorts by now.

## What it finds
B-tree and unique indexes with a key of text whose collation, the database's or its own, is recorded with another
version than the operating system's library or ICU has now. All of the database in one finding. Collations C and
POSIX, and `text_pattern_ops`, never change.

## Why it matters
An upgrade of the C library or of ICU changes the order of some letters. An index built by the old order is then
corrupt: look-ups miss rows that are there, unique indexes take duplicates, merge joins lose rows.

## What to do
Rebuild these indexes, look for duplicates in the unique ones, and only then record the new version. Partitions by
ranges of text have to be looked at as well.

## When to leave it
Every index was rebuilt after the upgrade, and only the recorded version is old.

## Source
https://www.postgresql.org/docs/current/sql-altercollation.html#SQL-ALTERCOLLATION-NOTES
"""

import re
from collections.abc import Iterator

from pgadvisor.rule import (
    CollationChange,
    Evidence,
    Example,
    Facts,
    Finding,
    Index,
    IndexKey,
    Remedy,
    Rung,
    Severity,
    Table,
    Where,
    counted,
    listed,
    quoted,
    schema_rule,
    table,
)

TEXTS = ("text", "character", "citext")
_PLAIN = ("C", "POSIX", "ucs_basic", "pg_c_utf8", "C.utf8", "C.UTF-8")
_TEXT_MAKING = re.compile(r"->>|\|\||\b(lower|upper|initcap|trim|btrim|concat|substr|substring|left|right|md5)\(")
ACCOUNT = table("account", columns={"email": "text"}, indexes={"account_email_idx": "email"})
CHANGED = CollationChange(recorded="2.31", present="2.36")
BAD = [
    Example(
        tables=(ACCOUNT,),
        more={"collation_changes": (CHANGED,)},
        remedy="REINDEX INDEX CONCURRENTLY public.account_email_idx;\n"
        "ALTER DATABASE example REFRESH COLLATION VERSION;",
    ),
]
GOOD = [
    Example(
        note="An index for patterns compares bytes.",
        tables=(table("account", columns={"email": "text"}, indexes={"a_idx": "email text_pattern_ops"}),),
        more={"collation_changes": (CHANGED,)},
    ),
    Example(
        note="No text is indexed.",
        tables=(table("reading", indexes={"a_idx": "sensor_id"}),),
        more={"collation_changes": (CHANGED,)},
    ),
    Example(note="The versions are the same.", tables=(ACCOUNT,)),
]


@schema_rule(severity=Severity.ERROR, since="0.2")
def check(table: Table, facts: Facts) -> Iterator[Finding]:
    found = facts.once(_found)
    if not found or found[0][0] is not table:
        return
    changes = facts.snapshot.collation_changes
    names = [f"{each.name or 'the database'} from {each.recorded} to {each.present}" for each in changes]
    yield Finding(
        where=Where(table=table.qualified, index=found[0][1].name),
        message=f"{counted(len(found), 'text index', 'text indexes')} built with another version of the "
        f"collation than the server has now: {listed(index.name for _, index in found)}",
        evidence=(
            Evidence(rung=Rung.INFERRED, text=f"version of the collation of {listed(names)}"),
            *_unique(found),
        ),
        remedy=Remedy(
            text="Rebuild these indexes, then record the new version. A unique index that fails has duplicates: "
            "resolve them first.",
            sql="\n".join([*(_reindex(index) for _, index in found), *(_refresh(each, facts) for each in changes)]),
            lock="SHARE UPDATE EXCLUSIVE on each table: reads and writes go on",
            cost="builds each index anew",
        ),
        wrong_if="the indexes were rebuilt after the upgrade, and only the recorded version is old",
        severity=Severity.ERROR,
        cause="collation versions",
    )


def _found(facts: Facts) -> tuple[tuple[Table, Index], ...]:
    changed = {each.name for each in facts.snapshot.collation_changes}
    if not changed:
        return ()
    return tuple(
        (table, index)
        for table in facts.tables
        if table.kind != "partitioned table"
        for index in table.indexes
        if index.method in ("btree", "gist", "spgist", "brin")
        if any(_is_changed(table, key, changed) for key in index.keys)
    )


def _is_changed(table: Table, key: IndexKey, changed: set[str | None]) -> bool:
    column = table.column(key.column) if key.column else None
    is_text = column.type.startswith(TEXTS) if column else bool(_TEXT_MAKING.search(key.text))
    if not is_text or (column and column.type.endswith("[]")) or (key.operator_class or "").endswith("_ops"):
        return False
    own = key.collation or (column.collation if column else None)
    return own not in _PLAIN and own in changed


def _unique(found: tuple[tuple[Table, Index], ...]) -> tuple[Evidence, ...]:
    unique = [index.name for _, index in found if index.is_unique]
    if not unique:
        return ()
    return (Evidence(rung=Rung.INFERRED, text=f"unique, and may hold duplicates: {listed(unique)}"),)


def _reindex(index: Index) -> str:
    how = "" if index.is_exclusion else " CONCURRENTLY"
    return f"REINDEX INDEX{how} {quoted(index.schema)}.{quoted(index.name)};"


def _refresh(change: CollationChange, facts: Facts) -> str:
    if change.name is None:
        database = facts.snapshot.server.database if facts.snapshot.server else ""
        return f"ALTER DATABASE {quoted(database)} REFRESH COLLATION VERSION;"
    return f"ALTER COLLATION {quoted(change.schema or 'pg_catalog')}.{quoted(change.name)} REFRESH VERSION;"
