"""A migration of the pull request could not be read, so nothing of it was judged.

## What it finds
New or changed migrations that are not text in UTF-8, or whose framework gives no SQL for them: several heads, a project
that cannot be imported, an error in the file.

## Why it matters
Whatever it does is not in the verdict: a lock on the busiest table could hide in it. What a framework cannot turn into
SQL here, it may fail on in production as well.

## What to do
Mend what the message says, and let the gate judge it again.

## When to leave it
Someone has read it, and it does nothing to the schema.

## Source
https://alembic.sqlalchemy.org/en/latest/offline.html
"""

from collections.abc import Iterator

from pgadvisor.rule import Evidence, Example, Finding, GateFacts, Remedy, Rung, Severity, Where, change_rule

BAD = [Example(unread="it is not UTF-8 (line 1): save it as UTF-8")]
GOOD = [Example(note="It was read.", migration="ALTER TABLE users ADD COLUMN note text;")]


@change_rule(severity=Severity.WARNING, since="0.2", needs=("migrations",))
def check(gate: GateFacts) -> Iterator[Finding]:
    for each in gate.migrations:
        if not each.is_judged or each.unread is None:
            continue
        yield Finding(
            where=Where(file=each.file, line=1),
            message=f"the migration is not judged: {each.unread}",
            evidence=(Evidence(rung=Rung.INFERRED, text="it could not be read"),),
            remedy=Remedy(text="Mend what the message says, and run the gate again."),
            wrong_if="someone has read it, and it does nothing to the schema",
            severity=Severity.WARNING,
            cause=f"{each.file} {each.name}",
        )
