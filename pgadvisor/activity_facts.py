"""What rules of the server ask of the momentary look: who holds whom up, what keeps VACUUM back, when it is due."""

from math import inf
from typing import Literal, NamedTuple

from pgadvisor.facts import DAY_S, Facts
from pgadvisor.model.activity import Activity, OpenTransaction
from pgadvisor.model.catalog import Table
from pgadvisor.model.finding import Remedy

WAIT_S = 5.0
"""Shorter waits for a lock are of every busy database."""
IDLE_S, LONG_S = 300.0, 3_600.0
"""A transaction that does nothing for five minutes, or one that is open for an hour, is no ordinary one."""
HELD = 100_000
"""So many transactions began since: what they have made dead is worth a word."""
HELD_BY_STANDBY = 1_000_000
HOUR_S, MINUTE_S = 3_600.0, 60.0


class Blocker(NamedTuple):
    """A session that others wait for, and that waits for none."""

    pid: int
    """0: a prepared transaction."""
    transaction: OpenTransaction | None
    """None: it is over, or the server's own (autovacuum)."""
    waiters: tuple[OpenTransaction, ...]
    """Those that wait for it, also behind others; the longest wait first."""


class Holder(NamedTuple):
    """What keeps VACUUM from removing dead rows."""

    kind: Literal["session", "slot", "prepared transaction", "standby"]
    name: str
    age: int
    """Transactions that began since the oldest one that it needs to see."""
    since_s: float | None
    pid: int | None = None
    is_of_catalogs: bool = False
    """It keeps dead rows of the system's catalogs alone, as a logical slot does."""


def blockers(facts: Facts) -> tuple[Blocker, ...]:
    """The sessions at the head of the queues in which someone has waited for a while; the longest queue first."""
    transactions = facts.snapshot.activity.transactions if facts.snapshot.activity else ()
    known = {each.pid: each for each in transactions}
    behind: dict[int, list[OpenTransaction]] = {}
    for waiter in transactions:
        for root in _roots(waiter, known):
            behind.setdefault(root, []).append(waiter)
    found = (
        Blocker(pid, known.get(pid), tuple(sorted(waiters, key=lambda each: -(each.waited_s or 0.0))))
        for pid, waiters in behind.items()
    )
    slow = [each for each in found if (each.waiters[0].waited_s or 0.0) >= WAIT_S]
    return tuple(sorted(slow, key=lambda each: (-len(each.waiters), each.pid)))


def _roots(waiter: OpenTransaction, known: dict[int, OpenTransaction]) -> set[int]:
    """Those that it waits for in the end; none in a deadlock, which the server itself ends."""
    roots, seen, ahead = set(), {waiter.pid}, list(waiter.blocked_by)
    while ahead:
        pid = ahead.pop()
        if pid in seen:
            continue
        seen.add(pid)
        blocked_by = known[pid].blocked_by if pid in known else ()
        if not blocked_by:
            roots.add(pid)
        ahead += blocked_by
    return roots


def long_transactions(facts: Facts) -> tuple[OpenTransaction, ...]:
    """Clients' transactions that idle, or are open, for too long; the oldest first. Who only waits does neither."""
    transactions = facts.snapshot.activity.transactions if facts.snapshot.activity else ()
    found = (each for each in transactions if not each.is_standby and not each.blocked_by and _is_long(each))
    return tuple(sorted(found, key=lambda each: -(each.transaction_s or 0.0)))


def _is_long(each: OpenTransaction) -> bool:
    return (is_idle(each) and (each.state_s or 0.0) >= IDLE_S) or (each.transaction_s or 0.0) >= LONG_S


def is_idle(transaction: OpenTransaction) -> bool:
    """Whether its client does nothing while it is open."""
    return transaction.state.startswith("idle in transaction")


def holders(facts: Facts) -> tuple[Holder, ...]:
    """What keeps VACUUM back for long; whoever keeps the most first."""
    activity = facts.snapshot.activity
    if activity is None:
        return ()
    blocking = {each.pid for each in blockers(facts)}
    sessions = [
        Holder("session", each.application or "", each.snapshot_age, each.transaction_s, each.pid)
        for each in long_transactions(facts)
        if each.snapshot_age is not None and each.snapshot_age >= HELD and each.pid not in blocking
    ]
    return tuple(sorted([*sessions, *_other_holders(activity)], key=lambda each: -each.age))


def _other_holders(activity: Activity) -> list[Holder]:
    standbys = [
        Holder("standby", each.application or "", each.snapshot_age, None, each.pid)
        for each in activity.transactions
        if each.is_standby and (each.snapshot_age or 0) >= HELD_BY_STANDBY and each.snapshot_age is not None
    ]
    slots = [
        Holder("slot", each.name, age, None, is_of_catalogs=each.snapshot_age is None)
        for each in activity.slots
        if (age := max(each.snapshot_age or 0, each.catalog_age or 0)) >= (HELD_BY_STANDBY if each.is_active else HELD)
    ]
    prepared = [
        Holder("prepared transaction", each.name, each.age, each.prepared_s)
        for each in activity.prepared
        if each.age >= HELD or each.prepared_s >= LONG_S
    ]
    return [*standbys, *slots, *prepared]


def session_label(transaction: OpenTransaction) -> str:
    """`session 4711 ("psql")`."""
    name = f' ("{transaction.application}")' if transaction.application else ""
    return f"session {transaction.pid}{name}"


def end_session(transaction: OpenTransaction) -> Remedy:
    """What ends its transaction: of one at work a statement can be cancelled, of an idle one only the session ended."""
    if is_idle(transaction):
        return Remedy(
            text="Have the client commit or roll back as soon as it is done; else end its session.",
            sql=f"SELECT pg_catalog.pg_terminate_backend({transaction.pid});",
            lock="none",
            cost="what its transaction has changed is rolled back, and the client loses its connection",
        )
    return Remedy(
        text="Let it finish, or cancel its statement where nobody needs the result.",
        sql=f"SELECT pg_catalog.pg_cancel_backend({transaction.pid});",
        lock="none",
        cost="what its transaction has changed is rolled back",
    )


def end_prepared(name: str) -> Remedy:
    """What ends a prepared transaction."""
    literal = name.replace("'", "''")
    return Remedy(
        text="Commit or roll back the prepared transaction: only its transaction manager knows which is right.",
        sql=f"ROLLBACK PREPARED '{literal}';",
        lock="none",
        cost="what it has changed is lost",
    )


def how_long_open(transaction: OpenTransaction) -> str:
    """What it does and for how long: `idle in transaction for 12 min`."""
    seconds = transaction.state_s if is_idle(transaction) else transaction.transaction_s
    told = transaction.state if is_idle(transaction) else f"{transaction.state}, its transaction open"
    return told if seconds is None else f"{told} for {lasting(seconds)}"


def lasting(seconds: float) -> str:
    """A length of time, roughly: `45 s`, `12 min`, `3.5 h`, `12 days`."""
    if seconds < MINUTE_S:
        return f"{seconds:.0f} s"
    if seconds < HOUR_S:
        return f"{seconds / MINUTE_S:.0f} min"
    return f"{seconds / HOUR_S:.1f} h" if seconds < 2 * DAY_S else f"{seconds / DAY_S:.0f} days"


def vacuum_due_at(facts: Facts, table: Table) -> float:
    """How many dead rows autovacuum waits for: the table's own options before the server's settings."""
    options = dict(option.split("=", 1) for option in table.options if "=" in option)

    def number(name: str, default: float) -> float:
        try:
            return float(options.get(name) or facts.setting(name) or default)
        except ValueError:
            return default

    scale = number("autovacuum_vacuum_scale_factor", 0.2)
    due = number("autovacuum_vacuum_threshold", 50.0) + scale * (table.rows or 0.0)
    most = number("autovacuum_vacuum_max_threshold", -1.0)
    return min(due, most if most >= 0 else inf)


def counters_a_day(facts: Facts, count: float) -> float | None:
    """What a counter of the database came to in a day, at least; of less than a day all of it."""
    activity, server = facts.snapshot.activity, facts.snapshot.server
    since = activity.counters.since if activity and activity.counters else None
    since = since or (server.statistics_reset_at if server else None)
    if since is None:
        return None
    return count / max((facts.snapshot.collected_at - since).total_seconds() / DAY_S, 1.0)
