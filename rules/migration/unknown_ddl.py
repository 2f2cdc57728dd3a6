"""A statement of the migration is not understood, so nobody has looked at what it locks.

## What it finds
Text that PostgreSQL's grammar does not take, SQL that EXECUTE puts together at run time, a DO block in a language other
than PL/pgSQL, and commands that this version of pgadvisor does not know, or that the server's version has not.

## Why it matters
Whatever it does is not in the verdict: a lock on the busiest table could hide in it.

## What to do
Write the statement out as plain SQL, or read it yourself and say so with a comment that silences the finding.

## When to leave it
You have read it, and know which tables it locks and for how long.

## Source
https://www.postgresql.org/docs/current/sql-commands.html
"""

from collections.abc import Iterator

from pgadvisor.rule import (
    Evidence,
    Example,
    Finding,
    GateFacts,
    MigrationStep,
    Remedy,
    Rung,
    Severity,
    Where,
    migration_rule,
)

BAD = [
    Example(migration="ALTER TABEL orders ADD COLUMN note text;"),
    Example(
        note="What is put together at run time can be anything.",
        migration="DO $$ DECLARE t text; BEGIN EXECUTE format('ALTER TABLE %I ADD COLUMN note text', t); END $$;",
    ),
    Example(
        note="NOT ENFORCED came with PostgreSQL 18.",
        migration="ALTER TABLE orders ADD CONSTRAINT total_check CHECK (total > 0) NOT ENFORCED;",
        version_num=150_004,
    ),
]
GOOD = [
    Example(
        note="A constant text is read as if it stood there.",
        migration="DO $$ BEGIN EXECUTE 'ALTER TABLE orders ADD COLUMN note text'; END $$;",
    ),
    Example(
        note="Nothing runs yet: the function is only made.",
        migration="CREATE FUNCTION f() RETURNS void LANGUAGE "
        "plpgsql AS $$ BEGIN EXECUTE format('DROP TABLE %I', current_user); END $$;",
    ),
    Example(
        note="NOT ENFORCED is known where the server knows it.",
        migration="ALTER TABLE orders ADD CONSTRAINT total_check CHECK (total > 0) NOT ENFORCED;",
        version_num=180_000,
    ),
]


@migration_rule(severity=Severity.WARNING, since="0.2")
def check(step: MigrationStep, gate: GateFacts) -> Iterator[Finding]:
    if step.effect.is_known:
        return
    reason = step.step.reason or step.effect.reason
    yield Finding(
        where=Where(),
        message=f"not understood, so not judged: {reason}",
        evidence=(Evidence(rung=Rung.INFERRED, text=f"PostgreSQL's grammar and the table of locks: {reason}"),),
        remedy=Remedy(text="Write it out as plain SQL, or read it yourself and say so in a comment."),
        wrong_if="someone has read it and knows what it locks",
        severity=Severity.WARNING,
    )
