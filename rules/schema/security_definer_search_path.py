"""A function runs with its owner's rights and looks up names where its caller says.

## What it finds
Functions and procedures that are SECURITY DEFINER, set no `search_path` of their own, and may be called by others than
their owner. All of the database in one finding. Not those of extensions, nor those whose body PostgreSQL bound when
they were made (`BEGIN ATOMIC`).

## Why it matters
The caller's `search_path` decides which table, function or operator a bare name means. Who may create objects in any
schema can put one of that name before it, and it then runs with the rights of the owner.

## What to do
Fix the path in the function: the schemas it needs, `pg_temp` last.

## When to leave it
Every name in its body is written with its schema, operators too.

## Source
https://www.postgresql.org/docs/current/sql-createfunction.html#SQL-CREATEFUNCTION-SECURITY
"""

from collections.abc import Iterator

from pgadvisor.rule import (
    Evidence,
    Example,
    Facts,
    Finding,
    Remedy,
    Rung,
    SecurityDefiner,
    Severity,
    Table,
    Where,
    counted,
    listed,
    quoted,
    schema_rule,
    table,
)

BAD = [
    Example(
        tables=(table("account"),),
        more={"security_definers": (SecurityDefiner(schema="public", name="promote", signature="who bigint"),)},
        remedy="ALTER ROUTINE public.promote(who bigint) SET search_path = public, pg_temp;",
    ),
]
GOOD = [
    Example(note="No such function takes the caller's path.", tables=(table("account"),)),
]


@schema_rule(severity=Severity.WARNING, since="0.2")
def check(table: Table, facts: Facts) -> Iterator[Finding]:
    found = facts.snapshot.security_definers
    if not found or facts.tables[0] is not table:
        return
    by_superuser = [each for each in found if each.is_owner_superuser]
    of_whom = ", with the rights of a superuser" if by_superuser else ""
    what = "SECURITY DEFINER function"
    yield Finding(
        where=Where(),
        message=f"{counted(len(found), what)} on the caller's search_path{of_whom}: "
        f"{listed(_label(each) for each in (by_superuser or found))}",
        evidence=(Evidence(rung=Rung.INFERRED, text="prosecdef is set, and no search_path is among proconfig"),),
        remedy=Remedy(
            text="Fix the search_path of each to the schemas that it needs, pg_temp last.",
            sql="\n".join(
                f"ALTER ROUTINE {quoted(each.schema)}.{quoted(each.name)}({each.signature}) "
                f"SET search_path = {quoted(each.schema)}, pg_temp;"
                for each in found
            ),
            undo="\n".join(
                f"ALTER ROUTINE {quoted(each.schema)}.{quoted(each.name)}({each.signature}) RESET search_path;"
                for each in found
            ),
            cost="an SQL function with a path of its own is no longer inlined",
        ),
        wrong_if="every name in the body is written with its schema",
        severity=Severity.WARNING if by_superuser else Severity.INFO,
        cause="security definers without a path",
    )


def _label(function: SecurityDefiner) -> str:
    return function.name if function.schema == "public" else f"{function.schema}.{function.name}"
