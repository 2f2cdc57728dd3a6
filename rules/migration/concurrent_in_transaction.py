"""A statement that PostgreSQL refuses inside a transaction stands in one.

## What it finds
CREATE, DROP and REINDEX INDEX CONCURRENTLY, DETACH PARTITION CONCURRENTLY, VACUUM, CREATE DATABASE and the like between
BEGIN and COMMIT, in a migration that its tool wraps into a transaction, or in a DO block.

## Why it matters
The migration fails: these statements commit in between, and PostgreSQL says that they cannot run inside a transaction
block.

## What to do
Put the statement alone into a migration that runs outside a transaction, as the tool spells it.

## When to leave it
The tool is told elsewhere, where the gate does not look, to use no transaction.

## Source
https://www.postgresql.org/docs/current/sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY
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
    Example(
        migration="BEGIN; CREATE INDEX CONCURRENTLY orders_email_idx ON orders (email); COMMIT;",
        remedy="CREATE INDEX CONCURRENTLY orders_email_idx ON orders (email);",
    ),
    Example(
        note="The tool opens a transaction.",
        migration="DROP INDEX CONCURRENTLY orders_email_idx;",
        is_in_transaction=True,
    ),
    Example(migration="VACUUM orders;", is_in_transaction=True, remedy="VACUUM orders;"),
    Example(
        note="A DO block is a transaction.",
        migration="DO $$ BEGIN REINDEX INDEX CONCURRENTLY orders_email_idx; END $$;",
        remedy="REINDEX INDEX CONCURRENTLY orders_email_idx;",
    ),
]
GOOD = [
    Example(
        note="It stands outside a transaction.",
        migration="CREATE INDEX CONCURRENTLY orders_email_idx ON orders (email);",
    ),
    Example(
        note="It comes after the COMMIT.",
        migration="BEGIN; ALTER TABLE orders ADD COLUMN email text; COMMIT;"
        "CREATE INDEX CONCURRENTLY orders_email_idx ON orders (email);",
    ),
    Example(
        note="ANALYZE may run in a transaction.",
        migration="ANALYZE orders;",
        is_in_transaction=True,
    ),
]

_OUTSIDE = {
    "flyway": "with executeInTransaction=false in its .sql.conf file",
    "goose": "under -- +goose NO TRANSACTION",
    "dbmate": "under -- migrate:up transaction:false",
    "sqlx": "that begins with -- no-transaction",
    "diesel": "with run_in_transaction = false in its metadata.toml",
    "alembic": "within op.get_context().autocommit_block()",
    "django": "with atomic = False",
}


@migration_rule(severity=Severity.ERROR, since="0.2")
def check(step: MigrationStep, gate: GateFacts) -> Iterator[Finding]:
    is_in_block = step.statement.text.lstrip()[:2].lower() == "do"
    if step.effect.in_transaction or not step.effect.is_known or not (step.is_in_transaction or is_in_block):
        return
    what = f"{step.command.upper()} {step.step.name or ''}".rstrip()
    where = "a DO block" if is_in_block else "a transaction"
    yield Finding(
        where=Where(table=step.target, index=step.step.name if step.step.kind == "index" else None),
        message=f"{what} stands in {where}, where it fails",
        evidence=(Evidence(rung=Rung.INFERRED, text="PostgreSQL: it cannot run inside a transaction block"),),
        remedy=Remedy(
            text="Put it alone into a migration that runs outside a transaction"
            + (f", {_OUTSIDE[step.migration.tool]}." if step.migration.tool in _OUTSIDE else "."),
            sql=_alone(step),
        ),
        wrong_if="the tool runs this migration outside a transaction",
        severity=Severity.ERROR,
        cause=f"{step.command} {step.step.schema or ''}.{step.step.name} in a transaction",
    )


def _alone(step: MigrationStep) -> str:
    """The statement by itself."""
    text, span = step.statement.text, step.step.span
    return f"{text[span.start : span.end] if span else text}".strip().removesuffix(";") + ";"
