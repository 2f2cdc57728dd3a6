"""A transaction is open for very long, or its client does nothing in it.

## What it finds
At the moment of the look: clients whose transaction has idled for five minutes or has been open for an hour. One that
others wait for is told by `blocked-sessions`, one that keeps very many dead rows by `vacuum-held-back`.

## Why it matters
All its locks last until it ends, and as long as it needs to see old rows, VACUUM can remove none that died since, in
any table of the database. An idle one is nearly always a mistake: an error path without ROLLBACK, a call of another
service within the transaction, a forgotten window.

## What to do
Mend the client, so that it ends its transaction before it does anything else; cut a long job into several transactions.
`idle_in_transaction_session_timeout` ends what still idles.

## When to leave it
A backup (`pg_dump`) or a report that may take that long.

## Source
https://www.postgresql.org/docs/current/routine-vacuuming.html#VACUUM-FOR-SPACE-RECOVERY
"""

from collections.abc import Iterator

from pgadvisor.rule import (
    Activity,
    Evidence,
    Example,
    Facts,
    Finding,
    OpenTransaction,
    Remedy,
    Rung,
    Severity,
    Where,
    blockers,
    end_session,
    holders,
    how_long_open,
    is_idle,
    long_transactions,
    replace,
    server_rule,
    session_label,
)

TOLD = 5
VERY_LONG_S = 3_600.0
_BACKUPS = frozenset(("pg_dump", "pg_dumpall", "pg_basebackup"))

IDLE = OpenTransaction(pid=4711, state="idle in transaction", application="shop", transaction_s=900, state_s=890)
BUSY = OpenTransaction(pid=4712, state="active", transaction_s=20_000, state_s=3, snapshot_age=4_000)
BAD = [
    Example(
        more={"activity": Activity(clients=1, transactions=(IDLE,))},
        remedy="SELECT pg_catalog.pg_terminate_backend(4711);",
    ),
    Example(
        more={"activity": Activity(clients=1, transactions=(BUSY,))},
        remedy="SELECT pg_catalog.pg_cancel_backend(4712);",
    ),
]
GOOD = [
    Example(
        note="A moment between two statements.",
        more={"activity": Activity(clients=1, transactions=(replace(IDLE, transaction_s=900.0, state_s=0.2),))},
    ),
    Example(
        note="It is at work, and not for an hour yet.",
        more={"activity": Activity(clients=1, transactions=(replace(BUSY, transaction_s=600.0),))},
    ),
    Example(
        note="A backup has to see all of one moment.",
        more={"activity": Activity(clients=1, transactions=(replace(BUSY, application="pg_dump"),))},
    ),
]


@server_rule(severity=Severity.WARNING, since="0.2", needs=("sessions",))
def check(facts: Facts) -> Iterator[Finding]:
    told = {each.pid for each in blockers(facts)} | {each.pid for each in holders(facts)}
    found = [each for each in long_transactions(facts) if each.pid not in told and each.application not in _BACKUPS]
    if not found:
        return
    first = found[0]
    more = f", and {len(found) - 1:,} more" if len(found) > 1 else ""
    yield Finding(
        where=Where(),
        message=f"{session_label(first)} is {how_long_open(first)}{more}",
        evidence=tuple(_evidence(each) for each in found[:TOLD]),
        remedy=_remedy(facts, first),
        wrong_if="it is meant to take that long, as a report or a migration may",
        severity=Severity.WARNING if any(_is_grave(each) for each in found) else Severity.INFO,
        cause="long transactions",
    )


def _is_grave(each: OpenTransaction) -> bool:
    return (is_idle(each) and (each.state_s or 0.0) >= VERY_LONG_S) or each.has_written


def _evidence(each: OpenTransaction) -> Evidence:
    locks = ", with rows changed and locked" if each.has_written else ""
    keeps = f", and keeps what died in the last {each.snapshot_age:,} transactions" if each.snapshot_age else ""
    return Evidence(rung=Rung.MEASURED, text=f"{session_label(each)} is {how_long_open(each)}{locks}{keeps}")


def _remedy(facts: Facts, first: OpenTransaction) -> Remedy:
    ended = end_session(first)
    if not is_idle(first) or facts.setting("idle_in_transaction_session_timeout") not in (None, "0"):
        return ended
    text = "Set idle_in_transaction_session_timeout for the role of the application, so that none is left open again."
    return replace(ended, text=f"{ended.text} {text}")
