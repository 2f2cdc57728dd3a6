"""A migration's way back does not lead back.

## What it finds
Migrations whose way back fails on a scratch server, leaves behind something that the migration made, or does not
restore what it took; and those without a way back where the others of their kind have one.

## Why it matters
A way back is used when a deployment goes wrong. Then is a bad moment to learn that it fails, or that the migration
cannot be run a second time, since half of it is still there.

## What to do
Undo in the way back, in the reverse order, what the migration does; or say in it that there is none.

## When to leave it
You never go back, and mend by a further migration. Labels of an enum and extensions can stay: they are in nobody's way.

## Source
https://martinfowler.com/articles/evodb.html
"""

import re
from collections.abc import Iterable, Iterator

from pgadvisor.rule import (
    Evidence,
    Example,
    Finding,
    GateFacts,
    Migration,
    Remedy,
    Reversal,
    Rung,
    Severity,
    Trace,
    Traced,
    TraceError,
    Where,
    change_rule,
)

PAIRED = frozenset(("golang-migrate", "dbmate", "diesel", "goose", "sqlx", "alembic", "django"))
"""Tools whose migrations have a way back by custom."""
_KIND = re.compile(r"(?:partitioned |materialized |foreign )?\w+")
_STAYS = ("enum", "extension", "comment", "schema", "publication")
"""What may be left behind without being in the way of a second run, or hardly."""
_MOST = 3


def _trace(reversal: Reversal, *statements: Traced) -> Trace:
    return Trace(
        server="scratch server, PostgreSQL 18.1", version_num=180_001, statements=statements, reversals=(reversal,)
    )


BAD = [
    Example(
        note="The index stays.",
        migration="CREATE TABLE tags (id bigint PRIMARY KEY); CREATE INDEX ON users (email);",
        trace=_trace(
            Reversal(
                file="2_change.sql",
                migration="2_change",
                is_reversible=False,
                left_over=("index public.users_email_idx CREATE INDEX users_email_idx ON public.users (email)",),
            )
        ),
    ),
    Example(
        note="The way back fails.",
        migration="ALTER TABLE users ADD COLUMN note text;",
        trace=_trace(
            Reversal(file="2_change.sql", migration="2_change", is_reversible=False, reason="its way back fails: no"),
            Traced(
                file="2_change.sql",
                migration="2_change",
                place=0,
                line=5,
                direction="down",
                error=TraceError(message='column "notes" does not exist', sqlstate="42703", line=5),
            ),
        ),
    ),
]
GOOD = [
    Example(
        note="The schema is as it was.",
        migration="ALTER TABLE users ADD COLUMN note text;",
        trace=_trace(Reversal(file="2_change.sql", migration="2_change", is_reversible=True)),
    ),
    Example(
        note="It has no way back, and no other has one.",
        migration="ALTER TABLE users ADD COLUMN note text;",
        trace=_trace(Reversal(file="2_change.sql", migration="2_change", reason="it has no way back")),
    ),
]


@change_rule(severity=Severity.WARNING, since="0.2", needs=("trace",))
def check(gate: GateFacts) -> Iterator[Finding]:
    trace = gate.trace
    for reversal in trace.reversals if trace else ():
        migration = _migration(gate, reversal)
        if trace is None or migration is None:
            continue
        if reversal.is_reversible is False:
            yield _failing(migration, trace) or _leaving(migration, reversal, trace)
        elif migration.down is None and _others_have_one(migration, gate):
            yield _finding(
                migration, "has no way back, as the others have", Severity.INFO,
                Evidence(rung=Rung.INFERRED, text=f"other migrations of {migration.tool} here have one"),
            )  # fmt: skip


def _migration(gate: GateFacts, reversal: Reversal) -> Migration | None:
    found = (each for each in gate.migrations if each.is_judged and each.file == reversal.file)
    return next((each for each in found if each.name == reversal.migration), None)


def _others_have_one(migration: Migration, gate: GateFacts) -> bool:
    """Most of them: then it is the custom."""
    if migration.tool not in PAIRED or not migration.up:
        return False
    others = [each.down is not None for each in gate.migrations
              if each.tool == migration.tool and each.up and each is not migration]  # fmt: skip
    return 2 * sum(others) > len(others)


def _failing(migration: Migration, trace: Trace) -> Finding | None:
    """The first statement of the way back that is refused."""
    for each in trace.statements:
        own = each.migration == migration.name and each.file in (migration.file, migration.down_file)
        if own and each.direction == "down" and each.error is not None:
            text = f"the {trace.server} refused it when it was run there, after the migration"
            evidence = Evidence(rung=Rung.MEASURED, text=text)
            message = f"fails on its way back: {each.error.message}"
            where = Where(file=each.file, line=each.error.line or each.line)
            return _finding(migration, message, Severity.WARNING, evidence, where)
    return None


def _leaving(migration: Migration, reversal: Reversal, trace: Trace) -> Finding:
    parts = []
    if reversal.left_over:
        parts.append(f"leaves {_names(reversal.left_over)} behind")
    if missing := [each for each in reversal.missing if _name(each) not in map(_name, reversal.left_over)]:
        parts.append(f"does not restore {_names(missing)}")
    if reversal.changed_otherwise:
        parts.append(f"changes {_names(reversal.changed_otherwise)}, which the migration did not touch")
    can_stay = all(each.startswith(_STAYS) for each in reversal.left_over + reversal.missing)
    is_empty = migration.down is not None and not migration.down
    is_told = can_stay or is_empty
    severity = Severity.INFO if is_told and not reversal.changed_otherwise else Severity.WARNING
    text = f"the schema on the {trace.server} before the migration and after its way back"
    how = "has an empty way back, which" if is_empty else "has a way back that"
    return _finding(
        migration, f"{how} {' and '.join(parts) or 'leaves another schema'}", severity,
        Evidence(rung=Rung.MEASURED, text=text),
    )  # fmt: skip


def _finding(
    migration: Migration, message: str, severity: Severity, evidence: Evidence, where: Where | None = None
) -> Finding:
    return Finding(
        where=where or _place(migration),
        message=f"migration {migration.name} {message}",
        evidence=(evidence,),
        remedy=Remedy(text="Undo in the way back, in the reverse order, all that the migration does."),
        wrong_if="you never go back, but mend by a further migration",
        severity=severity,
        cause=f"{migration.file} {migration.name} {severity}",
    )


def _place(migration: Migration) -> Where:
    """Where the way back begins, else the migration."""
    if migration.down:
        return Where(file=migration.down_file or migration.file, line=migration.down[0].line)
    return Where(file=migration.file, line=migration.up[0].line if migration.up else 1)


def _names(lines: Iterable[str]) -> str:
    """Kinds and names of some lines of a schema's description, each once; never what they hold."""
    names = list(dict.fromkeys(map(_name, lines)))
    return ", ".join(names[:_MOST]) + (f" and {len(names) - _MOST:,} more" if len(names) > _MOST else "")


def _name(line: str) -> str:
    kind = _KIND.match(line)
    if kind is None or line.startswith("comment"):
        return "a comment"
    rest = line[kind.end() :].strip()
    return f"{kind[0]} {re.split(r'[ (]', rest, maxsplit=1)[0].removeprefix('public.')}"
