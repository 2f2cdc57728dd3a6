"""A migration fails on a server with this schema.

## What it finds
Statements of the pull request that a scratch server refuses when the migrations are run there in their order: a name
that is not there, or is there already, a wrong type, what cannot be done in a transaction. What the scratch server
refuses for reasons of its own (rights, extensions, tables that nobody showed it) is left out, and listed.

## Why it matters
It fails in production as well, in the middle of a deployment; without a transaction half of the migration stays.

## What to do
Mend the statement. The message is the server's own.

## When to leave it
Production's schema has what the migrations, or the snapshot, do not show.

## Source
https://www.postgresql.org/docs/current/errcodes-appendix.html
"""

from collections.abc import Iterator

from pgadvisor.rule import (
    Evidence,
    Example,
    Finding,
    GateFacts,
    Remedy,
    Rung,
    Severity,
    Trace,
    Traced,
    TraceError,
    Where,
    change_rule,
)

_ERROR = TraceError(message='column "mail" does not exist', sqlstate="42703", line=1)
_FAILED = Traced(file="2_change.sql", migration="2_change", place=0, line=1, error=_ERROR)


def _trace(traced: Traced) -> Trace:
    return Trace(server="scratch server, PostgreSQL 18.1", version_num=180_001, statements=(traced,))


BAD = [
    Example(
        earlier="CREATE TABLE users (id bigint PRIMARY KEY, email text);",
        migration="ALTER TABLE users ALTER COLUMN mail SET DEFAULT '';",
        trace=_trace(_FAILED),
    )
]
GOOD = [
    Example(
        note="The server took it.",
        earlier="CREATE TABLE users (id bigint PRIMARY KEY, email text);",
        migration="ALTER TABLE users ALTER COLUMN email SET DEFAULT '';",
        trace=_trace(Traced(file="2_change.sql", migration="2_change", place=0, line=1)),
    ),
    Example(
        note="The scratch server lacks something: that is no fault of the migration's.",
        migration="CREATE EXTENSION postgis;",
        trace=_trace(
            Traced(file="2_change.sql", migration="2_change", place=0, line=1, not_run="there is no such extension")
        ),
    ),
    Example(
        note="It only follows a statement that failed: no tool would have come so far.",
        migration="ALTER TABLE users ALTER COLUMN mail DROP DEFAULT;",
        trace=_trace(
            Traced(file="2_change.sql", migration="2_change", place=0, line=1, error=_ERROR, after_error=True)
        ),
    ),
]


@change_rule(severity=Severity.ERROR, since="0.2", needs=("trace",))
def check(gate: GateFacts) -> Iterator[Finding]:
    trace = gate.trace
    for each in trace.statements if trace else ():
        if trace is None or each.error is None or each.after_error or each.direction == "down":
            continue
        yield Finding(
            where=Where(file=each.file, line=each.error.line or each.line),
            message=f"the migration fails: {each.error.message}",
            evidence=(
                Evidence(rung=Rung.MEASURED, text=f"refused when it was run on a {trace.server}{_code(each.error)}"),
            ),
            remedy=Remedy(text="Mend the statement: it has to run on the schema that production has."),
            wrong_if="production's schema is not what the migrations, or the snapshot, make it",
            severity=Severity.ERROR,
            cause=f"{each.file} {each.migration}: {each.error.message}",
        )


def _code(error: TraceError) -> str:
    return f" (SQLSTATE {error.sqlstate})" if error.sqlstate else ""
