"""Tables carry rewrite rules (CREATE RULE), which change statements before they run.

## What it finds
Rules on tables, all of the database in one finding. Those that make a view what it is are no rules of this kind.

## Why it matters
A rule works on the text of the statement, not on its rows: a volatile expression runs twice, `RETURNING` and row
counts come from the rewritten statement, COPY passes it by. What a reader sees is not what is run.

## What to do
Use a trigger; for pieces of a table use partitions.

## When to leave it
It does nothing but refuse or swallow writes (`DO INSTEAD NOTHING`), and everybody knows.

## Source
https://wiki.postgresql.org/wiki/Don%27t_Do_This#Don.27t_use_rules
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
    counted,
    listed,
    own_tables,
    schema_rule,
    table,
)

BAD = [
    Example(tables=(table("orders", rewrite_rules=("orders_log",)),)),
]
GOOD = [
    Example(note="It has none.", tables=(table("orders"),)),
]


@schema_rule(severity=Severity.INFO, since="0.2")
def check(table: Table, facts: Facts) -> Iterator[Finding]:
    found = facts.once(_found)
    if not found or found[0][0] is not table:
        return
    yield Finding(
        where=Where(table=table.qualified),
        message=f"{counted(len(found), 'rewrite rule')} on tables: "
        f"{listed(f'{name} on {each.label}' for each, name in found)}",
        evidence=(Evidence(rung=Rung.INFERRED, text="pg_rewrite holds what CREATE RULE made"),),
        remedy=Remedy(text="Do the same in a trigger, then drop the rule."),
        wrong_if="it only refuses writes, and everybody knows",
        severity=Severity.INFO,
        cause="rewrite rules",
    )


def _found(facts: Facts) -> tuple[tuple[Table, str], ...]:
    return tuple((each, name) for each in own_tables(facts) for name in each.rewrite_rules)
