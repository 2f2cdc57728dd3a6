"""Row versions were not frozen for so long that transaction IDs may run out.

## What it finds
Databases whose oldest transaction ID (`age(datfrozenxid)`), or oldest multixact, is twice as old as autovacuum should
let it get (`autovacuum_freeze_max_age`), or half way from there to the end where that setting is high. An error from
1.6 billion on, where VACUUM gives up all politeness (`vacuum_failsafe_age`). Where an old transaction or a slot is the
reason, `vacuum-held-back` tells of it instead.

## Why it matters
Transaction IDs have 32 bits: 2 billion of them ahead of the oldest the server takes no more writes, until VACUUM has
frozen the old rows. On large tables that takes hours.

## What to do
Run VACUUM with FREEZE on the oldest tables now, at a quiet time, and find out why autovacuum did not come to it: it is
switched off, too slow (`autovacuum_vacuum_cost_limit`, `autovacuum_work_mem`), or ended again and again by locks.

## When to leave it
Never; only the hurry differs.

## Source
https://www.postgresql.org/docs/current/routine-vacuuming.html#VACUUM-FOR-WRAPAROUND
"""

from collections.abc import Iterator
from typing import NamedTuple

from pgadvisor.rule import (
    Activity,
    Evidence,
    Example,
    Facts,
    Finding,
    FrozenAge,
    Remedy,
    ReplicationSlot,
    Rung,
    Severity,
    Where,
    counted,
    holders,
    quoted,
    server_rule,
)

END = 2**31
FAILSAFE = 1_600_000_000
HELD = 0.9
"""A holder that is nearly as old is the reason."""
TOLD = 3

OLD = FrozenAge(name="example", transactions=900_000_000, multixacts=40)
ORDERS = FrozenAge(name="public.orders", transactions=900_000_000, multixacts=40)
YOUNG = FrozenAge(name="example", transactions=230_000_000, multixacts=40)
SLOT = ReplicationSlot(name="old_copy", snapshot_age=890_000_000)
SETTINGS = {"autovacuum_freeze_max_age": "200000000", "autovacuum_multixact_freeze_max_age": "400000000"}
BAD = [
    Example(
        settings=SETTINGS,
        more={"activity": Activity(frozen_databases=(OLD,), frozen_tables=(ORDERS,))},
        remedy="VACUUM (FREEZE) public.orders;",
    ),
    Example(
        note="Multixacts, in another database.",
        settings=SETTINGS,
        more={"activity": Activity(frozen_databases=(FrozenAge(name="b", transactions=9, multixacts=1_700_000_000),))},
    ),
]
GOOD = [
    Example(
        note="Autovacuum begins to freeze at 200 million: it is about to.",
        settings=SETTINGS,
        more={"activity": Activity(frozen_databases=(YOUNG,))},
    ),
    Example(
        note="It was told to wait that long.",
        settings={**SETTINGS, "autovacuum_freeze_max_age": "1000000000"},
        more={"activity": Activity(frozen_databases=(OLD,), frozen_tables=(ORDERS,))},
    ),
    Example(
        note="A slot holds VACUUM back, which is told of the slot.",
        settings=SETTINGS,
        more={"activity": Activity(frozen_databases=(OLD,), slots=(SLOT,))},
    ),
]


class _Age(NamedTuple):
    database: str
    age: int
    due: int
    what: str


@server_rule(severity=Severity.ERROR, since="0.2", needs=("activity", "settings"))
def check(facts: Facts) -> Iterator[Finding]:
    activity = facts.snapshot.activity
    held = max((each.age for each in holders(facts)), default=0)
    found = sorted(
        (age for each in (activity.frozen_databases if activity else ()) for age in _ages(facts, each)
         if age.age > _limit(age.due) and held < HELD * age.age),
        key=lambda age: -age.age,
    )  # fmt: skip
    if not found:
        return
    first = found[0]
    yield Finding(
        where=Where(),
        message=f'the oldest {first.what} of database "{first.database}" is {first.age:,} old, of {END:,} at most',
        evidence=tuple(_evidence(facts, found)),
        remedy=_remedy(facts, first),
        wrong_if="a VACUUM that freezes its old rows is under way",
        severity=Severity.ERROR if first.age >= FAILSAFE else Severity.WARNING,
        cause="transaction id wraparound",
    )


def _ages(facts: Facts, each: FrozenAge) -> Iterator[_Age]:
    due = int(facts.setting("autovacuum_freeze_max_age") or 200_000_000)
    yield _Age(each.name, each.transactions, due, "transaction ID")
    due = int(facts.setting("autovacuum_multixact_freeze_max_age") or 400_000_000)
    yield _Age(each.name, each.multixacts, due, "multixact")


def _limit(due: int) -> float:
    return min(2 * due, (due + END) / 2)


def _evidence(facts: Facts, found: list[_Age]) -> Iterator[Evidence]:
    first = found[0]
    yield Evidence(rung=Rung.MEASURED, text=f"autovacuum is to freeze rows from an age of {first.due:,} on")
    activity = facts.snapshot.activity
    if _is_own(facts, first) and activity:
        named = ", ".join(f"{each.name} {each.transactions:,}" for each in activity.frozen_tables[:TOLD])
        if named:
            yield Evidence(rung=Rung.MEASURED, text=f"the oldest tables: {named}")
    if len(found) > 1:
        others = ", ".join(f'"{each.database}" {each.age:,}' for each in found[1 : TOLD + 1])
        yield Evidence(rung=Rung.MEASURED, text=f"{counted(len(found) - 1, 'other age')} as high: {others}")


def _is_own(facts: Facts, age: _Age) -> bool:
    server = facts.snapshot.server
    return server is not None and age.database == server.database


def _remedy(facts: Facts, first: _Age) -> Remedy:
    activity = facts.snapshot.activity
    tables = activity.frozen_tables if activity and _is_own(facts, first) else ()
    field = "multixacts" if first.what == "multixact" else "transactions"
    old = [each for each in tables if getattr(each, field) > _limit(first.due)] or list(tables[:1])
    text = "Freeze the oldest rows now, and find out why autovacuum did not."
    if not old:
        return Remedy(text=f"{text} Run VACUUM (FREEZE) in that database, as its owner or a superuser.")
    return Remedy(
        text=text,
        sql="\n".join(f"VACUUM (FREEZE) {_spelled(each.name)};" for each in old[:TOLD]),
        lock="SHARE UPDATE EXCLUSIVE on the table: reads and writes go on",
        cost="all pages that are not frozen yet are read, and many of them written",
    )


def _spelled(name: str) -> str:
    schema, _, bare = name.partition(".")
    return f"{quoted(schema)}.{quoted(bare)}"
