"""A migration drops rows or values that its way back cannot bring again.

## What it finds
Migrations that drop a table or a column and have a way back which makes it anew: empty.

## Why it matters
The way back runs without an error, and the data is gone all the same: it is no way back for those who need the data.

## What to do
Before the migration keep a copy, or rename first and drop weeks later, when nobody wants to go back any more.

## When to leave it
Nobody needs the data, or it can be made again.

## Source
https://www.postgresql.org/docs/current/ddl-alter.html#DDL-ALTER-REMOVING-A-COLUMN
"""

from collections.abc import Iterator

from pgadvisor.rule import (
    Evidence,
    Example,
    Finding,
    GateFacts,
    Remedy,
    Reversal,
    Rung,
    Severity,
    Trace,
    Where,
    change_rule,
)

_MOST = 5


def _trace(reversal: Reversal) -> Trace:
    return Trace(server="scratch server, PostgreSQL 18.1", version_num=180_001, reversals=(reversal,))


BAD = [
    Example(
        earlier="CREATE TABLE orders (id bigint PRIMARY KEY, note text);",
        migration="ALTER TABLE orders DROP COLUMN note;",
        trace=_trace(
            Reversal(file="2_change.sql", migration="2_change", is_reversible=True, data_lost=("public.orders.note",))
        ),
    )
]
GOOD = [
    Example(
        note="What the migration made itself goes with it: everybody knows that.",
        migration="ALTER TABLE orders ADD COLUMN note text;",
        trace=_trace(
            Reversal(
                file="2_change.sql",
                migration="2_change",
                is_reversible=True,
                data_lost_on_return=("public.orders.note",),
            )
        ),
    ),
    Example(
        note="It has no way back that could promise anything.",
        migration="ALTER TABLE orders DROP COLUMN note;",
        trace=_trace(
            Reversal(file="2_change.sql", migration="2_change", reason="none", data_lost=("public.orders.note",))
        ),
    ),
]


@change_rule(severity=Severity.INFO, since="0.2", needs=("trace",))
def check(gate: GateFacts) -> Iterator[Finding]:
    trace = gate.trace
    for each in trace.reversals if trace else ():
        if trace is None or each.is_reversible is None or not each.data_lost:
            continue
        migration = next((one for one in gate.migrations if (one.file, one.name) == (each.file, each.migration)), None)
        names = [name.removeprefix("public.") for name in each.data_lost]
        told = ", ".join(names[:_MOST]) + (f" and {len(names) - _MOST:,} more" if len(names) > _MOST else "")
        yield Finding(
            where=Where(
                file=each.file,
                line=migration.up[0].line if migration and migration.up else 1,
                table=".".join(each.data_lost[0].split(".")[:2]) if len(names) == 1 else None,
            ),
            message=f"the way back of migration {each.migration} makes {told} anew, without what was in it",
            evidence=(
                Evidence(
                    rung=Rung.MEASURED, text=f"the {trace.server} dropped {told} when the migration was run there"
                ),
            ),
            remedy=Remedy(text="Keep a copy first, or rename now and drop in a later migration."),
            wrong_if="nobody needs the data, or it can be made again",
            severity=Severity.INFO,
            cause=f"{each.file} {each.migration}",
        )
