"""Several permissive policies hold for the same role and command, and each row is tested by all of them.

## What it finds
Tables with row security that have two permissive policies or more for one command and one role (`public` is every
role). All of the database in one finding.

## Why it matters
Permissive policies are joined by OR. PostgreSQL tests one after the other for each row until one lets it pass, and an
OR over different columns seldom goes by an index.

## What to do
Join them to one policy, or give each to the role that it is for.

## When to leave it
They are cheap, and each stands for a rule of its own.

## Source
https://www.postgresql.org/docs/current/sql-createpolicy.html
"""

from collections.abc import Iterator

from pgadvisor.rule import (
    Evidence,
    Example,
    Facts,
    Finding,
    Policy,
    Remedy,
    Rung,
    Severity,
    Table,
    Where,
    counted,
    listed,
    schema_rule,
    table,
)

_COMMANDS = ("select", "insert", "update", "delete")
OWN = Policy(name="own", using="(owner_id = 1)")
SHARED = Policy(name="shared", command="select", using="is_public")
BAD = [
    Example(tables=(table("note", has_row_security=True, policies=(OWN, SHARED)),)),
]
GOOD = [
    Example(
        note="Each is for a role of its own.",
        tables=(
            table("note", has_row_security=True,
                  policies=(Policy(name="own", roles=("customer",), using="(owner_id = 1)"),
                            Policy(name="all", roles=("staff",), using="true"))),
        ),
    ),
    Example(
        note="One restricts what the other permits.",
        tables=(
            table("note", has_row_security=True,
                  policies=(OWN, Policy(name="live", is_permissive=False, using="(NOT is_deleted)"))),
        ),
    ),
    Example(note="The table is tiny.", tables=(table("plan", rows=9, has_row_security=True, policies=(OWN, SHARED)),)),
]  # fmt: skip


@schema_rule(severity=Severity.INFO, since="0.2")
def check(table: Table, facts: Facts) -> Iterator[Finding]:
    found = facts.once(_found)
    if not found or found[0][0] is not table:
        return
    named = [f"{listed(each.name for each in together)} of {place.label}" for place, together in found]
    yield Finding(
        where=Where(table=table.qualified),
        message=f"{counted(len(found), 'table')} with several permissive policies for one command: {listed(named)}",
        evidence=(Evidence(rung=Rung.INFERRED, text="each row is tested by all of them, joined by OR"),),
        remedy=Remedy(text="Join them to one policy, or give each to the role that it is for (TO role)."),
        wrong_if="they are cheap, and each stands for a rule of its own",
        severity=Severity.INFO,
        cause="permissive policies",
    )


def _found(facts: Facts) -> tuple[tuple[Table, list[Policy]], ...]:
    guarded = (each for each in facts.tables if each.has_row_security and not facts.is_tiny(each.qualified))
    return tuple((each, together) for each in guarded if (together := _together(each)))


def _together(table: Table) -> list[Policy]:
    """The permissive policies of the first command and role that has several."""
    permissive = [each for each in table.policies if each.is_permissive]
    for command in _COMMANDS:
        fitting = [each for each in permissive if each.command in ("all", command)]
        for role in dict.fromkeys(role for each in fitting for role in each.roles):
            together = [each for each in fitting if {role, "public"}.intersection(each.roles)]
            if len(together) > 1:
                return together
    return []
