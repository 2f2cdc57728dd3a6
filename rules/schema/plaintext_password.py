"""Passwords seem to be kept as they were typed.

## What it finds
A text column named `password`, `passwd` or `pwd` whose values, of 50 rows or more, are on average shorter than any
hash is. The values themselves are never shown.

## Why it matters
Who reads the table, a backup or a replica has the passwords, and with them the other accounts of their owners.

## What to do
Store a slow salted hash (bcrypt, scrypt, Argon2), and let the users set their passwords anew.

## When to leave it
The column holds something else: a hint, a type of password, a reference to a vault.

## Source
https://www.postgresql.org/docs/current/pgcrypto.html#PGCRYPTO-PASSWORD-HASHING-FUNCS
"""

import re
from collections.abc import Iterator

from pgadvisor.rule import (
    Column,
    ColumnStatistics,
    Evidence,
    Example,
    Facts,
    Finding,
    Remedy,
    Rung,
    Severity,
    Table,
    Where,
    is_own,
    replace,
    schema_rule,
    table,
)

_NAMED = re.compile(r"(?:\w+_)?(password|passwd|pwd|passphrase)\Z", re.IGNORECASE)
_NOT = re.compile(r"(hash|enc|digest|crypt|old|reset|has|is|needs|force|forgot|no|type)_", re.IGNORECASE)
SHORTEST_HASH = 28
"""MD5 is 32 letters in hexadecimal and 24 in base 64; bcrypt 60."""
LEAST_ROWS = 50
LEAST_DIFFERENT = 0.3
TYPED = ColumnStatistics(null_fraction=0, average_width_bytes=11, n_distinct=-0.9)
BAD = [
    Example(tables=(table("account", columns={"password": "text"}, statistics={"password": TYPED}),)),
]
GOOD = [
    Example(
        note="60 letters: bcrypt.",
        tables=(
            table("account", columns={"password": "text"},
                  statistics={"password": replace(TYPED, average_width_bytes=61)}),
        ),
    ),
    Example(
        note="A handful of values are no passwords.",
        tables=(
            table("account", columns={"password": "text"}, statistics={"password": replace(TYPED, n_distinct=4)}),
        ),
    ),
    Example(note="Nothing is known of its values.",
            tables=(table("account", columns={"password": "text"}, statistics={}),)),
]  # fmt: skip


@schema_rule(severity=Severity.WARNING, since="0.2", needs=("catalog", "statistics"))
def check(table: Table, facts: Facts) -> Iterator[Finding]:
    if not is_own(table) or (table.rows or 0) < LEAST_ROWS:
        return
    for column in table.columns:
        if not _holds_passwords(column, table.rows or 0):
            continue
        width = column.statistics.average_width_bytes if column.statistics else 0
        yield Finding(
            where=Where(table=table.qualified, column=column.name),
            message=f"passwords in {table.label}.{column.name} seem to be kept as typed: "
            f"they take {width} bytes on average",
            evidence=(Evidence(rung=Rung.ESTIMATED, text=f"a hash takes {SHORTEST_HASH} letters or more"),),
            remedy=Remedy(
                text="Store a salted slow hash instead, such as bcrypt; then have the passwords changed. Backups and "
                "the write-ahead log hold the old ones."
            ),
            wrong_if="the column holds something else than passwords",
            severity=Severity.WARNING,
            cause=f"passwords {table.qualified} {column.name}",
        )


def _holds_passwords(column: Column, rows: float) -> bool:
    statistics = column.statistics
    if statistics is None or not column.type.startswith(("text", "character")):
        return False
    if not _NAMED.match(column.name) or _NOT.search(column.name):
        return False
    distinct = statistics.n_distinct if statistics.n_distinct > 0 else -statistics.n_distinct * rows
    is_varied = distinct >= LEAST_DIFFERENT * rows * (1 - statistics.null_fraction)
    values = (*(statistics.most_common_values or ()), *(statistics.histogram_bounds or ()))
    is_marked = any(value.startswith(("$", "{", "scrypt:", "pbkdf2")) for value in values)
    return 0 < statistics.average_width_bytes < SHORTEST_HASH and is_varied and not is_marked
