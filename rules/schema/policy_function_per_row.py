"""A row security policy calls a function for each row that gives the same for all of them.

## What it finds
Policies of tables with row security whose expression calls, outside of a subquery, a function without a column of the
row among its arguments: `auth.uid()`, `current_setting('app.tenant')`, or one of the user's own that is not immutable.
Tables with a thousand rows at most are left out.

## Why it matters
PostgreSQL adds the expression to every query of the table. In a scan it then calls the function for each row that it
looks at: a million times instead of once. An index scan by that column calls it once; where an index leads with the
column it is a remark. A volatile function keeps any index from being used.

## What to do
Put the call into a subquery: `(SELECT auth.uid())`. PostgreSQL runs it once for the statement (an InitPlan) and
compares rows with the result, by an index where there is one.

## When to leave it
Its result is meant to change from row to row.

## Source
https://supabase.com/docs/guides/database/postgres/row-level-security#call-functions-with-select
"""

from collections.abc import Iterator
from typing import NamedTuple

from pgadvisor.rule import (
    Evidence,
    Example,
    Facts,
    Finding,
    Policy,
    Remedy,
    RowCall,
    Rung,
    Severity,
    Table,
    Where,
    counted,
    equated_columns,
    listed,
    quoted,
    quoted_table,
    row_calls,
    schema_rule,
    table,
    with_calls_once,
)

MANY_ROWS = 10_000
_SLOW = frozenset(("current_setting",))
"""PostgreSQL's own that are worth a subquery: looked up by name at each call. `now()` and the like cost nothing."""
BAD = [
    Example(
        tables=(
            table("note", columns={"owner": "uuid"}, has_row_security=True,
                  policies=(Policy(name="own", using="(auth.uid() = owner)"),)),
        ),
        remedy="ALTER POLICY own ON public.note USING (((SELECT auth.uid()) = owner));",
    ),
    Example(
        tables=(
            table("note", columns={"tenant": "bigint"}, has_row_security=True,
                  policies=(Policy(name="p", using="(tenant = (current_setting('app.tenant'::text))::bigint)"),)),
        ),
        remedy="USING ((tenant = ((SELECT current_setting('app.tenant'::text)))::bigint));",
    ),
]  # fmt: skip
GOOD = [
    Example(
        note="It stands in a subquery, and runs once.",
        tables=(
            table("note", columns={"owner": "uuid"}, has_row_security=True,
                  policies=(Policy(name="own", using="(( SELECT auth.uid() AS uid) = owner)"),)),
        ),
    ),
    Example(
        note="It looks at the row.",
        tables=(
            table("note", columns={"owner": "uuid"}, has_row_security=True,
                  policies=(Policy(name="own", using="may_read(owner)"),)),
        ),
    ),
    Example(
        note="Row security is not switched on.",
        tables=(
            table("note", columns={"owner": "uuid"}, policies=(Policy(name="own", using="(auth.uid() = owner)"),)),
        ),
    ),
    Example(
        note="The table is tiny.",
        tables=(
            table("plan", rows=40, columns={"owner": "uuid"}, has_row_security=True,
                  policies=(Policy(name="own", using="(auth.uid() = owner)"),)),
        ),
    ),
]  # fmt: skip


class _Guilty(NamedTuple):
    """A policy with its calls."""

    policy: Policy
    using: tuple[RowCall, ...]
    check: tuple[RowCall, ...]


@schema_rule(severity=Severity.WARNING, since="0.2")
def check(table: Table, facts: Facts) -> Iterator[Finding]:
    if not table.has_row_security or facts.is_tiny(table.qualified):
        return
    found = [_Guilty(policy, _calls(policy.using, facts), _calls(policy.check, facts)) for policy in table.policies]
    guilty = [each for each in found if each.using]
    if not guilty:
        return
    policies = counted(len(guilty), "policy", "policies")
    names = dict.fromkeys(f"{_label(call)}()" for each in guilty for call in each.using)
    rows = facts.rows(table.qualified)
    yield Finding(
        where=Where(table=table.qualified),
        message=f"{policies} of {table.label} {'calls' if len(guilty) == 1 else 'call'} "
        f"{listed(names)} for each row: {listed(each.policy.name for each in guilty)}",
        evidence=(
            Evidence(rung=Rung.INFERRED, text=f"policy {guilty[0].policy.name}: {guilty[0].policy.using}"),
            *((Evidence(rung=Rung.ESTIMATED, text=f"{table.label} has {rows:,.0f} rows"),) if rows else ()),
        ),
        remedy=_remedy(table, guilty),
        wrong_if="the function's result is meant to change from row to row",
        severity=Severity.WARNING
        if (rows or 0) >= MANY_ROWS and not _is_indexed(table, guilty, facts)
        else Severity.INFO,
        cause=f"policies of {table.qualified}",
    )


def _is_indexed(table: Table, guilty: list[_Guilty], facts: Facts) -> bool:
    """Whether an index may find the rows of each policy: its scan calls the function once, unless it is volatile."""
    return all(
        any(facts.indexes_led_by(table.qualified, name) for name in equated_columns(each.policy.using or ""))
        for each in guilty
    )


def _calls(expression: str | None, facts: Facts) -> tuple[RowCall, ...]:
    return tuple(call for call in row_calls(expression or "") if _is_worth_it(call, facts))


def _is_worth_it(call: RowCall, facts: Facts) -> bool:
    if call.schema in (None, "pg_catalog") and call.name in _SLOW:
        return True
    if call.schema == "auth":
        return True
    own = facts.once(_volatilities).get(call.name, [])
    return any(call.schema in (None, schema) and kind != "immutable" for schema, kind in own)


def _volatilities(facts: Facts) -> dict[str, list[tuple[str, str]]]:
    """Of the functions of users, by name: schema and volatility."""
    found: dict[str, list[tuple[str, str]]] = {}
    for each in facts.snapshot.functions:
        found.setdefault(each.name, []).append((each.schema, each.volatility))
    return found


def _label(call: RowCall) -> str:
    return f"{call.schema}.{call.name}" if call.schema else call.name


def _remedy(table: Table, guilty: list[_Guilty]) -> Remedy:
    name = quoted_table(table)
    return Remedy(
        text="Put the calls into subqueries, which run once for the statement.",
        sql="\n".join(_alter(each, name, once=True) for each in guilty),
        undo="\n".join(_alter(each, name, once=False) for each in guilty),
        lock=f"ACCESS EXCLUSIVE on {table.label} for an instant: set lock_timeout",
    )


def _alter(each: _Guilty, name: str, *, once: bool) -> str:
    policy = each.policy
    parts = [f"ALTER POLICY {quoted(policy.name)} ON {name}"]
    for word, text, calls in (("USING", policy.using, each.using), ("WITH CHECK", policy.check, each.check)):
        if text and calls:
            parts.append(f"{word} ({with_calls_once(text, calls) if once else text})")
    return f"{' '.join(parts)};"
