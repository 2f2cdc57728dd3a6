"""Sessions wait for a lock that another session does not give back.

## What it finds
At the moment of the look: sessions that have waited for a lock for 5 seconds or more, and the one at the head of the
queue, which waits for nobody (`pg_blocking_pids`). An error from 5 minutes on, a warning from a minute on or with three
waiters.

## Why it matters
Whoever waits holds locks of its own, so that queues grow behind it: a transaction that idles with one row locked, or an
ALTER TABLE behind a long report, can stop an application altogether.

## What to do
Find out what the session at the head does. Where nobody needs its work, cancel its statement, or end the session where
it idles in its transaction: no statement runs there that could be cancelled. `lock_timeout` keeps later waits short.

## When to leave it
Somebody is at it, or a migration was planned for this moment.

## Source
https://www.postgresql.org/docs/current/functions-info.html#FUNCTIONS-INFO-SESSION
"""

from collections.abc import Iterator

from pgadvisor.rule import (
    Activity,
    Blocker,
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
    counted,
    end_prepared,
    end_session,
    how_long_open,
    lasting,
    server_rule,
    session_label,
)

LONG_S, VERY_LONG_S = 60.0, 300.0
MANY = 3
TOLD = 4
"""So many waiters are told one by one."""

HEAD = OpenTransaction(pid=4711, state="idle in transaction", application="shop", transaction_s=900, state_s=890)
WAITER = OpenTransaction(pid=4712, state="active", transaction_s=800, state_s=800, blocked_by=(4711,), waited_s=800)
BRIEF = OpenTransaction(pid=4712, state="active", transaction_s=1, state_s=1, blocked_by=(4711,), waited_s=0.3)
BEHIND = OpenTransaction(pid=4713, state="active", transaction_s=99, state_s=99, blocked_by=(4712,), waited_s=99)
BAD = [
    Example(
        more={"activity": Activity(clients=2, transactions=(HEAD, WAITER))},
        remedy="SELECT pg_catalog.pg_terminate_backend(4711);",
    ),
    Example(
        note="Two in a row wait for the same one in the end.",
        more={"activity": Activity(clients=3, transactions=(HEAD, WAITER, BEHIND))},
        remedy="SELECT pg_catalog.pg_terminate_backend(4711);",
    ),
]
GOOD = [
    Example(note="Nobody waits for it.", more={"activity": Activity(clients=1, transactions=(HEAD,))}),
    Example(
        note="A wait of an instant.",
        more={"activity": Activity(clients=2, transactions=(HEAD, BRIEF))},
    ),
]


@server_rule(severity=Severity.ERROR, since="0.2", needs=("sessions",))
def check(facts: Facts) -> Iterator[Finding]:
    found = blockers(facts)
    if not found:
        return
    first = found[0]
    waits = [each.waited_s or 0.0 for blocker in found for each in blocker.waiters]
    tables = {each.waits_for for each in first.waiters if each.waits_for}
    table = facts.table(tables.pop()) if len(tables) == 1 else None
    yield Finding(
        where=Where(table=table.qualified if table else None),
        message=_message(first),
        evidence=(*_evidence(first), *(_other(each) for each in found[1:])),
        remedy=_remedy(facts, first),
        wrong_if="somebody is at it already: this is how it was at one moment",
        severity=_severity(max(waits), len(waits)),
        cause="blocked sessions",
    )


def _message(first: Blocker) -> str:
    waiting = f"{counted(len(first.waiters), 'session')} {'waits' if len(first.waiters) == 1 else 'wait'}"
    return f"{waiting} for locks of {_head(first)}, up to {lasting(first.waiters[0].waited_s or 0.0)} by now"


def _head(blocker: Blocker) -> str:
    if blocker.pid == 0:
        return "a prepared transaction"
    if blocker.transaction is None:
        return f"session {blocker.pid}, which is the server's own, or over"
    return f"{session_label(blocker.transaction)}, which is {how_long_open(blocker.transaction)}"


def _evidence(first: Blocker) -> Iterator[Evidence]:
    for each in first.waiters[:TOLD]:
        on = f" on {each.waits_for}" if each.waits_for else ""
        behind = ", ".join(str(pid) if pid else "a prepared transaction" for pid in each.blocked_by)
        text = f"{session_label(each)} has waited {lasting(each.waited_s or 0.0)} for a lock{on}, behind {behind}"
        yield Evidence(rung=Rung.MEASURED, text=text)
    if first.transaction is not None and first.transaction.snapshot_age is not None:
        text = f"the session also keeps VACUUM from rows that died in the last {first.transaction.snapshot_age:,} "
        yield Evidence(rung=Rung.MEASURED, text=f"{text}transactions")


def _other(blocker: Blocker) -> Evidence:
    text = f"{counted(len(blocker.waiters), 'session')} {'waits' if len(blocker.waiters) == 1 else 'wait'}"
    return Evidence(rung=Rung.MEASURED, text=f"{text} for {_head(blocker)}")


def _remedy(facts: Facts, first: Blocker) -> Remedy:
    if first.transaction is not None:
        return end_session(first.transaction)
    prepared = facts.snapshot.activity.prepared if facts.snapshot.activity else ()
    if first.pid == 0 and len(prepared) == 1:
        return end_prepared(prepared[0].name)
    return Remedy(text="Look again, and at the server's log, whether the same session still holds the locks.")


def _severity(longest_s: float, waiters: int) -> Severity:
    if longest_s >= VERY_LONG_S:
        return Severity.ERROR
    return Severity.WARNING if longest_s >= LONG_S or waiters >= MANY else Severity.INFO
