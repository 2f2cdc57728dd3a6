"""Foreign keys to several tables that are in use are added at once, and all of these tables are locked together.

## What it finds
One ALTER TABLE, or one transaction, that adds foreign keys which reference two or more tables that were there before
the pull request.

## Why it matters
Each key takes SHARE ROW EXCLUSIVE on the table it references. The first table's writes wait until the lock on the last
is had as well: a long query on any of them stops writes to all, and two such migrations can deadlock.

## What to do
Add one foreign key a migration.

## When to leave it
The tables are hardly written to.

## Source
https://www.postgresql.org/docs/current/explicit-locking.html#LOCKING-TABLES
"""

from collections.abc import Collection, Iterator

from pgadvisor.rule import (
    Example,
    Finding,
    GateFacts,
    MigrationStep,
    Remedy,
    Severity,
    Where,
    lock_evidence,
    migration_rule,
    script,
    timeout,
    validated_steps,
)

BAD = [
    Example(
        migration="ALTER TABLE orders ADD FOREIGN KEY (user_id) REFERENCES users NOT VALID,"
        " ADD FOREIGN KEY (shop_id) REFERENCES shops NOT VALID;",
        remedy="ADD CONSTRAINT orders_shop_id_fkey FOREIGN KEY (shop_id) REFERENCES shops NOT VALID;",
    ),
    Example(
        note="The locks of both statements are held until the transaction ends.",
        migration="ALTER TABLE orders ADD FOREIGN KEY (user_id) REFERENCES users NOT VALID;"
        "ALTER TABLE visits ADD FOREIGN KEY (shop_id) REFERENCES shops NOT VALID;",
        is_in_transaction=True,
    ),
]
GOOD = [
    Example(
        note="Each by itself holds one lock at a time.",
        migration="ALTER TABLE orders ADD FOREIGN KEY (user_id) REFERENCES users NOT VALID;"
        "ALTER TABLE orders ADD FOREIGN KEY (shop_id) REFERENCES shops NOT VALID;",
    ),
    Example(
        note="Both reference the same table.",
        migration="ALTER TABLE orders ADD FOREIGN KEY (buyer_id) REFERENCES users NOT VALID,"
        " ADD FOREIGN KEY (seller_id) REFERENCES users NOT VALID;",
    ),
    Example(
        note="One of the tables is new.",
        migration="CREATE TABLE shops (id bigint PRIMARY KEY);"
        "ALTER TABLE orders ADD FOREIGN KEY (user_id) REFERENCES users NOT VALID,"
        " ADD FOREIGN KEY (shop_id) REFERENCES shops NOT VALID;",
    ),
    Example(
        note="A new table is empty: its keys are made in a moment.",
        migration="CREATE TABLE orders (user_id bigint REFERENCES users, shop_id bigint REFERENCES shops);",
    ),
]


@migration_rule(severity=Severity.WARNING, since="0.2")
def check(step: MigrationStep, gate: GateFacts) -> Iterator[Finding]:
    own = _referenced(step)
    if not own:
        return
    earlier = _referenced_before(step, own)
    both = dict.fromkeys((*earlier, *own))
    if len(both) != 2 or len(earlier) == 2:
        return
    tables = " and ".join(name.removeprefix("public.") for name in both)
    yield Finding(
        where=Where(table=step.target),
        message=f"foreign keys to {tables} are added at once: writes to all of them wait together",
        evidence=lock_evidence(step, gate),
        remedy=Remedy(text="Add one foreign key a migration.", sql=_alone(step)),
        wrong_if="the referenced tables are hardly written to",
        severity=Severity.WARNING,
        cause=f"several foreign keys {step.migration.file} {step.target}",
    )


def _referenced_before(step: MigrationStep, own: Collection[str]) -> list[str]:
    """The first tables that earlier keys of the transaction or statement reference; no more of them are looked for
    once the answer is known: two tables, or all of the step's own."""
    found: dict[str, None] = {}
    for each in step.before or step.clauses:
        if not each.comes_before(step):
            break
        found |= dict.fromkeys(_referenced(each))
        if len(found) > 1 or found.keys() >= set(own):
            break
    return list(found)


def _referenced(step: MigrationStep) -> list[str]:
    """The tables in use that the step's foreign keys reference."""
    if not step.command.startswith("add "):
        return []
    found = [step.named(each.references) for each in step.added_constraints if each.references]
    return [name for name in dict.fromkeys(found) if name != step.target and not step.schema.is_new(name)]


def _alone(step: MigrationStep) -> str | None:
    """The key in a statement of its own."""
    added = step.step.constraint
    return None if added is None else script(*timeout(step), *validated_steps(step, added))
