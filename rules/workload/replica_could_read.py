"""Much of what the primary does are reads that a replica could do.

## What it finds
A busy primary, on average one session or more at work at every moment of the counters' time, that has a replica, where
three tenths or more of the observed time are SELECTs that a replica can run: they lock no rows, write nothing, and call
no function of the database's own.

## Why it matters
Reads on a replica leave the primary's processors and memory to the writes, which only it can do. The replica is there
anyhow, mostly idle.

## What to do
Send reads that may be a moment old to the replica: reports, lists, searches. Libraries have routers for it. Keep on the
primary what reads back its own writes, or wait for the replica to have replayed them.

## When to leave it
The replica stands by for a failover and would be too small for both loads, or its lag is longer than readers may see.

## Source
https://www.postgresql.org/docs/current/hot-standby.html
"""

import re
from collections.abc import Iterator

from pgadvisor.rule import (
    Evidence,
    Example,
    Facts,
    Finding,
    Query,
    Remedy,
    Replica,
    Rung,
    Severity,
    Where,
    calls_own_function,
    table,
    workload_rule,
)

LEAST_SHARE = 0.3
LEAST_SESSIONS = 1.0
MOST_LAG_BYTES = 256 * 1024 * 1024
NAMED = 3
PRIMARY_ONLY = re.compile(r"\b(nextval|currval|setval|lastval|pg_\w*advisory\w*|txid_current|pg_current_wal_\w+|"
                          r"pg_temp\w*|set_config|lo_\w+|pg_notify)\b", re.IGNORECASE)  # fmt: skip

ORDERS = table("orders", columns={"status": "text"})
REPLICA = Replica(name="standby1", state="streaming", lag_bytes=0)
LIST = "SELECT id, status FROM orders WHERE status = $1 ORDER BY id LIMIT 50"
WRITE = ("UPDATE orders SET status = $1 WHERE id = $2", 30_000_000, 45.0)
BAD = [Example(sql=LIST, calls=30_000_000, mean_ms=100, tables=(ORDERS,), replicas=(REPLICA,), other=(WRITE,))]
GOOD = [
    Example(note="There is no replica.", sql=LIST, calls=30_000_000, mean_ms=100, tables=(ORDERS,), other=(WRITE,)),
    Example(
        note="The primary has little to do.", sql=LIST, calls=30_000, mean_ms=100, tables=(ORDERS,),
        replicas=(REPLICA,), other=(("UPDATE orders SET status = $1 WHERE id = $2", 30_000, 45.0),),
    ),
    Example(
        note="The reads lock rows: only the primary can.", sql=f"{LIST} FOR UPDATE", calls=30_000_000, mean_ms=100,
        tables=(ORDERS,), replicas=(REPLICA,), other=(WRITE,),
    ),
    Example(
        note="The replica is far behind.", sql=LIST, calls=30_000_000, mean_ms=100, tables=(ORDERS,), other=(WRITE,),
        replicas=(Replica(name="standby1", state="streaming", lag_bytes=10**10),),
    ),
]  # fmt: skip


@workload_rule(severity=Severity.INFO, since="0.2", needs=("statements", "replicas"))
def check(facts: Facts) -> Iterator[Finding]:
    able = [each for each in facts.snapshot.replicas if each.state == "streaming" and _is_near(each)]
    seconds, total = facts.window_s, facts.total_ms
    if not able or not seconds or total / 1000 / seconds < LEAST_SESSIONS:
        return
    read = {key: ms for key, query in facts.queries.items() if _is_routable(query, facts) and (ms := _ms(key, facts))}
    share = sum(read.values()) / total
    if share < LEAST_SHARE:
        return
    most = tuple(sorted(read, key=lambda key: (-read[key], key))[:NAMED])
    yield Finding(
        where=Where(),
        message=f"{share:.0%} of the database time are reads that a replica could do",
        evidence=(
            Evidence(
                rung=Rung.INFERRED,
                text=f"{len(read):,} of {len(facts.queries):,} statements lock nothing and write nothing; "
                f"{total / 1000 / seconds:,.1f} sessions are at work on average, and {able[0].name} is streaming",
            ),
        ),
        remedy=Remedy(text="Send the reads that may be a moment old to the replica: begin with these statements."),
        wrong_if="the replica stands by for a failover, or readers must see their own writes at once",
        severity=Severity.INFO,
        cause="reads that a replica could do",
        statements=most,
    )


def _is_near(replica: Replica) -> bool:
    return replica.lag_bytes is not None and replica.lag_bytes <= MOST_LAG_BYTES


def _ms(key: str, facts: Facts) -> float:
    statement = facts.statement(key)
    return (statement.total_ms if statement else None) or 0.0


def _is_routable(query: Query, facts: Facts) -> bool:
    is_plain = query.kind == "select" and not any(each.is_locking or each.write for each in query.scopes)
    is_known = not calls_own_function(query, facts) and not PRIMARY_ONLY.search(query.text)
    return is_plain and any(query.tables()) and is_known
