"""The database's encoding is SQL_ASCII: it takes any bytes for text.

## What it finds
`server_encoding` is SQL_ASCII.

## Why it matters
Nothing is checked and nothing converted: one client writes UTF-8, another Latin-1, and both land in one column. Upper
and lower case and lengths are of bytes, and no program can say later what was meant.

## What to do
Dump the database, find out in which encoding the bytes are, and load it into a new one with UTF8.

## When to leave it
It holds plain ASCII and nothing else.

## Source
https://www.postgresql.org/docs/current/multibyte.html#MULTIBYTE-CHARSET-SUPPORTED
"""

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
    schema_rule,
    table,
)

BAD = [Example(tables=(table("orders", columns={"name": "text"}),), settings={"server_encoding": "SQL_ASCII"})]
GOOD = [
    Example(
        note="UTF8 is checked.",
        tables=(table("orders", columns={"name": "text"}),),
        settings={"server_encoding": "UTF8"},
    ),
    Example(
        note="No table holds text.",
        tables=(table("reading", columns={"value": "numeric"}),),
        settings={"server_encoding": "SQL_ASCII"},
    ),
]


@schema_rule(severity=Severity.WARNING, since="0.2", needs=("catalog", "settings"))
def check(table: Table, facts: Facts) -> Iterator[Finding]:
    texts = ("text", "character")
    with_text = (each for each in facts.tables if any(column.type.startswith(texts) for column in each.columns))
    if facts.setting("server_encoding") != "SQL_ASCII" or next(with_text, None) is not table:
        return
    yield Finding(
        where=Where(),
        message="the database's encoding is SQL_ASCII, so text of any encoding is mixed unchecked",
        evidence=(Evidence(rung=Rung.INFERRED, text="server_encoding is SQL_ASCII"),),
        remedy=Remedy(
            text="Dump it, convert the bytes that are not ASCII, and load it into a database made with ENCODING 'UTF8' "
            "TEMPLATE template0."
        ),
        wrong_if="every text in it is plain ASCII",
        severity=Severity.WARNING,
        cause="encoding SQL_ASCII",
    )
