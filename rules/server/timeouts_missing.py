"""Nothing ends a statement, a transaction or a wait for a lock, however long it takes.

## What it finds
`statement_timeout`, `lock_timeout`, `idle_in_transaction_session_timeout` and, from PostgreSQL 17 on,
`transaction_timeout` are all 0 for the server, and no role or database sets one; and it shows: a session waits for a
lock for a minute or more right now, a statement once took ten minutes or more, or ten clients or more are connected.
Only in the first case it is a warning.

## Why it matters
One statement without an end, or one client that hangs in its transaction, keeps its locks and its snapshot until
somebody notices. Others queue behind it, until the pool of the application has no connection left.

## What to do
Set them for the role of the application, not for the server: backups, migrations and reports need other limits.
`lock_timeout` belongs to migrations above all.

## When to leave it
The application's driver or the pooler sets them for each session, which the server does not tell.

## Source
https://www.postgresql.org/docs/current/runtime-config-client.html#GUC-STATEMENT-TIMEOUT
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
    RoleSetting,
    Rung,
    Severity,
    Where,
    lasting,
    quoted,
    server_rule,
)

NAMES = ("statement_timeout", "idle_in_transaction_session_timeout", "lock_timeout", "transaction_timeout")
MANY_CLIENTS = 10
LONG_WAIT_S = 60.0
LONG_MS = 600_000.0

NONE_SET = dict.fromkeys(NAMES[:3], "0")
FEW, MANY = Activity(clients=2), Activity(clients=40, idle_clients=35)
WAITER = OpenTransaction(pid=4712, state="active", transaction_s=800, state_s=800, blocked_by=(4711,), waited_s=800)
SET = RoleSetting(name="statement_timeout", value="5s", role="app")
BAD = [
    Example(settings=NONE_SET, more={"activity": MANY}, remedy="SET idle_in_transaction_session_timeout = '1min';"),
    Example(
        note="Somebody waits.",
        settings=NONE_SET,
        more={"activity": Activity(clients=2, transactions=(WAITER,))},
        remedy="SET lock_timeout",
    ),
    Example(note="A statement took long.", sql="SELECT 1", calls=3, mean_ms=900_000, settings=NONE_SET,
            more={"activity": FEW}),
]  # fmt: skip
GOOD = [
    Example(note="A database that hardly anyone uses.", settings=NONE_SET, more={"activity": FEW}),
    Example(note="One is set for the server.", settings={**NONE_SET, "statement_timeout": "60000"},
            more={"activity": MANY}),
    Example(note="The application's role has one.", settings=NONE_SET,
            more={"activity": Activity(clients=40, role_settings=(SET,))}),
]  # fmt: skip


@server_rule(severity=Severity.WARNING, since="0.2", needs=("activity", "settings"))
def check(facts: Facts) -> Iterator[Finding]:
    activity = facts.snapshot.activity
    if activity is None or any(each.name in NAMES and each.value != "0" for each in activity.role_settings):
        return
    if any(facts.setting(name) != "0" for name in NAMES[:3]) or facts.setting(NAMES[3]) not in (None, "0"):
        return
    longest = max((each.waited_s or 0.0 for each in activity.transactions), default=0.0)
    seen = tuple(_evidence(facts, activity, longest))
    if not seen:
        return
    yield Finding(
        where=Where(),
        message="no timeout is set: a statement, a transaction or a wait for a lock may last for ever",
        evidence=seen,
        remedy=_remedy(facts),
        wrong_if="the application or its pooler sets them for each session",
        severity=Severity.WARNING if longest >= LONG_WAIT_S else Severity.INFO,
        cause="timeouts missing",
    )


def _evidence(facts: Facts, activity: Activity, longest: float) -> Iterator[Evidence]:
    if longest >= LONG_WAIT_S:
        yield Evidence(rung=Rung.MEASURED, text=f"a session has waited {lasting(longest)} for a lock")
    slow = max((each.max_ms or 0.0 for each in facts.snapshot.statements), default=0.0)
    if slow >= LONG_MS:
        yield Evidence(rung=Rung.MEASURED, text=f"a statement once took {lasting(slow / 1_000)}")
    if activity.clients >= MANY_CLIENTS:
        yield Evidence(rung=Rung.MEASURED, text=f"{activity.clients:,} clients are connected")


def _remedy(facts: Facts) -> Remedy:
    server = facts.snapshot.server
    name = quoted(server.database) if server else "example"
    values = (("statement_timeout", "30s"), ("idle_in_transaction_session_timeout", "1min"), ("lock_timeout", "5s"))
    return Remedy(
        text="Set them for the role of the application (ALTER ROLE); for the database where it is the application's "
        "alone. Jobs that take longer set their own.",
        sql="\n".join(f"ALTER DATABASE {name} SET {setting} = '{value}';" for setting, value in values),
        undo="\n".join(f"ALTER DATABASE {name} RESET {setting};" for setting, _ in values),
        lock="none; new sessions take it",
        cost="what takes longer is ended with an error, which the application has to expect",
    )
